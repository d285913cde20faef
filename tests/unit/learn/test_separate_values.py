"""A critic for each agent: apart from one another, and otherwise as one critic is."""

from __future__ import annotations

import pytest
import torch
from full_rollouts import fill_rollout, parameters

from marlzoo.algorithm import Context, Decision, View
from marlzoo.testing import Driver, MortalWorld, ScriptedWorld, TargetWorld, UnevenWorld
from marlzoo_a2po.algorithm import A2po
from marlzoo_a2po.config import A2poConfig
from marlzoo_happo.algorithm import Happo
from marlzoo_happo.config import HappoConfig
from marlzoo_mappo.algorithm import Mappo
from marlzoo_mappo.config import MappoConfig

FAMILY = [(Mappo, MappoConfig), (A2po, A2poConfig), (Happo, HappoConfig)]
QUICK = {"rollout_length": 12, "epochs": 3, "layers": 1, "width": 16, "lr": 3e-3, "critic_lr": 3e-3}
KINDS = [{}, {"recurrent": True, "chunk_length": 4}, {"frames": 3}]


def make(env, algorithm=Mappo, config=MappoConfig, **options):
    chosen = {**QUICK, "share_parameters": False, "share_critic": False, **options}
    generators = torch.Generator().manual_seed(0), torch.Generator().manual_seed(1)
    return algorithm(env.world, config(**chosen, num_envs=env.world.num_envs), Context(*generators, 10_000))


def critics(algorithm):
    return [parameters(part.critic) for part in algorithm.valuation.parts]


@pytest.mark.parametrize(("algorithm", "config"), FAMILY)
@pytest.mark.parametrize("kind", KINDS)
def test_with_one_agent_it_is_the_shared_critic(algorithm, config, kind):
    """Bit for bit, minibatches and bootstrapped values included."""
    drivers = []
    for share in (True, False):
        env = MortalWorld(4, agents=1)
        options = {**kind, "minibatches": 2, "timeout": "bootstrap", "popart": True}
        drivers.append(Driver(make(env, algorithm, config, share_critic=share, **options), env).learn(3))
    shared, separate = drivers
    assert torch.equal(torch.stack(shared.actions), torch.stack(separate.actions))
    assert shared.metrics == separate.metrics
    assert torch.equal(parameters(shared.algorithm.valuation.critic), *critics(separate.algorithm))


@pytest.mark.parametrize("critic_input", ["state", "obs"])
def test_each_values_the_views_by_itself(critic_input):
    algorithm = fill_rollout(make(MortalWorld(4), critic_input=critic_input), MortalWorld(4), 2)
    rollout, valuation = algorithm.rollout, algorithm.valuation
    values = valuation.evaluate(rollout)
    assert values.values.shape == (13, 4, 3)
    for agent, part in enumerate(valuation.parts):
        inputs = rollout.state if critic_input == "state" else rollout.obs[:, :, agent]
        with torch.no_grad():
            predicted = part.critic(part.critic.prepare(inputs), None)
        torch.testing.assert_close(values.predicted[..., agent], predicted)
        torch.testing.assert_close(values.values[..., agent], part.scale.denormalise(predicted))


@pytest.mark.parametrize("kind", KINDS)
def test_a_change_in_one_agents_returns_reaches_its_critic_alone(kind):
    learned = []
    for shift in (0.0, 5.0):
        algorithm = fill_rollout(make(MortalWorld(4), **kind), MortalWorld(4), 1)
        values = algorithm.valuation.evaluate(algorithm.rollout)
        returns = algorithm.estimate(values, 0.9)[1]
        returns[..., 1] += shift
        targets = algorithm.valuation.targets(returns)
        algorithm.valuation.learn(algorithm.rollout, values, targets, torch.Generator(), epochs=2)
        learned.append((critics(algorithm), [part.scale.statistics() for part in algorithm.valuation.parts]))
    (nets, scales), (other_nets, other_scales) = learned
    assert [torch.equal(*pair) for pair in zip(nets, other_nets, strict=True)] == [True, False, True]
    assert [one == other for one, other in zip(scales, other_scales, strict=True)] == [True, False, True]


def test_a_block_trains_its_own_critics():
    algorithm = fill_rollout(make(MortalWorld(4), A2po, A2poConfig), MortalWorld(4), 1)
    before, values = critics(algorithm), algorithm.valuation.evaluate(algorithm.rollout)
    targets = algorithm.valuation.targets(algorithm.estimate(values, 0.9)[1])
    agents = torch.tensor([2, 0])
    metrics = algorithm.valuation.learn(
        algorithm.rollout, values, targets, torch.Generator(), epochs=1, agents=agents
    )
    after = critics(algorithm)
    assert [torch.equal(*pair) for pair in zip(before, after, strict=True)] == [False, True, False]
    assert set(metrics) == {"value_loss", "critic_grad_norm"}


def test_the_dead_are_left_out_where_told():
    for agents, same in (("all", False), ("living", True)):
        algorithms = [
            fill_rollout(make(MortalWorld(4), value_loss_agents=agents), MortalWorld(4), 1) for _ in range(2)
        ]
        for algorithm, wrong in zip(algorithms, (0.0, 50.0), strict=True):
            rollout = algorithm.rollout
            values = algorithm.valuation.evaluate(rollout)
            targets = torch.zeros_like(values.predicted[:-1])
            targets[~rollout.alive[:-1]] = wrong
            algorithm.valuation.learn(rollout, values, targets, torch.Generator(), epochs=2)
        one, other = (torch.cat(critics(algorithm)) for algorithm in algorithms)
        assert torch.equal(one, other) == same


def test_separate_rewards_need_no_state_of_ones_own():
    env = UnevenWorld(4)
    algorithm = fill_rollout(make(env, critic_input="joint_obs"), env, 0)
    metrics = algorithm.update()
    assert metrics["value_loss"] > 0
    reward = algorithm.rollout.reward
    assert not torch.equal(reward[..., 0], reward[..., 1])


def test_advantages_are_normalised_agent_by_agent():
    algorithm = fill_rollout(make(MortalWorld(4)), MortalWorld(4), 1)
    alive = algorithm.rollout.alive[:-1]
    advantages = torch.randn(alive.shape, generator=torch.Generator().manual_seed(0))
    advantages = advantages * torch.tensor([1.0, 10.0, 0.1]) + torch.tensor([0.0, 5.0, -3.0])
    normal = algorithm._normalised(advantages)
    for agent in range(3):
        own = normal[..., agent][alive[..., agent]]
        assert own.mean().item() == pytest.approx(0.0, abs=1e-5)
        assert own.std(correction=0).item() == pytest.approx(1.0, abs=1e-3)


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_saved_goes_on_the_same(kind):
    env = MortalWorld(4)
    driver = Driver(make(env, **kind), env).learn(2)
    other = make(env, **kind)
    other.load_state_dict(driver.algorithm.state_dict())
    for one, loaded in zip(driver.algorithm.valuation.parts, other.valuation.parts, strict=True):
        assert torch.equal(parameters(one.critic), parameters(loaded.critic))
        assert one.scale.statistics() == loaded.scale.statistics()
        assert one.memory is None or torch.equal(one.memory, loaded.memory)
        assert len(loaded.optimiser.state) == len(one.optimiser.state) > 0


@pytest.mark.parametrize("kind", KINDS)
def test_values_told_are_those_of_the_pass(kind):
    algorithm = fill_rollout(make(MortalWorld(4), **kind), MortalWorld(4), 2)
    for part in algorithm.valuation.parts:
        part.memory = part._blank(4)
    rollout, nothing = algorithm.rollout, Decision(torch.zeros(0))
    views = [
        View(rollout.obs[step], rollout.alive[step], rollout.first[step], rollout.state[step])
        for step in range(rollout.length)
    ]
    told = torch.stack([algorithm.explain(view, nothing).values for view in views])
    torch.testing.assert_close(told, algorithm.valuation.evaluate(rollout).values[:-1])


def test_critics_of_another_team_are_not_asked():
    shared = {"share_parameters": True}
    learned = fill_rollout(make(MortalWorld(4), **shared), MortalWorld(4), 1)
    larger = make(MortalWorld(4, agents=5), **shared)
    larger.load_policy(learned.policy_dict())
    assert not larger.valuation.informed
    same = make(MortalWorld(4), **shared)
    same.load_policy(learned.policy_dict())
    assert same.valuation.informed


def test_learning_rates_fall_for_all():
    env = MortalWorld(2)
    algorithm = make(env, linear_lr_decay=True, critic_lr=1e-2)
    Driver(algorithm, env).learn(3)
    expected = 1e-2 * (1 - 2 * 12 * 2 / 10_000)
    rates = [part.optimiser.param_groups[0]["lr"] for part in algorithm.valuation.parts]
    assert rates == pytest.approx([expected] * 3)


@pytest.mark.parametrize(("algorithm", "config"), FAMILY)
def test_it_learns(algorithm, config):
    env = TargetWorld(16)
    options = {"rollout_length": 16, "epochs": 5, "entropy_coef": 0.0, "log_std": -0.5, "layers": 2}
    driver = Driver(make(env, algorithm, config, timeout="bootstrap", **options), env)
    before = driver.play(40).mean()
    driver.learn(20)
    driver.restart(root=1)
    assert driver.play(40).mean() > before + 0.2


@pytest.mark.parametrize("timeout", ["terminate", "zero_advantage", "bootstrap"])
def test_timeouts_are_those_of_a_shared_critic(timeout):
    """With critics that say 0, whoever they are, advantages are known."""
    estimates = []
    for share in (True, False):
        algorithm = fill_rollout(
            make(ScriptedWorld(4), share_critic=share, timeout=timeout), ScriptedWorld(4), 0
        )
        nets = [algorithm.valuation] if share else algorithm.valuation.parts
        for net in nets:
            torch.nn.init.zeros_(net.critic.head.weight)
            torch.nn.init.constant_(net.critic.head.bias, 0.5)
        values = algorithm.valuation.evaluate(algorithm.rollout)
        estimates.append(algorithm.estimate(values, 0.9)[0])
    shared, separate = estimates
    torch.testing.assert_close(separate, shared.expand_as(separate))
