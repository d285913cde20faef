"""HAPPO's update against a literal form, and what it reduces to."""

from __future__ import annotations

import copy

import pytest
import torch
from full_rollouts import fill_rollout, parameters

from marlzoo.algorithm import Context
from marlzoo.testing import Driver, MortalWorld, TargetWorld
from marlzoo_happo.algorithm import Happo
from marlzoo_happo.config import HappoConfig
from marlzoo_mappo.algorithm import Mappo
from marlzoo_mappo.config import MappoConfig

QUICK = {"rollout_length": 12, "epochs": 4, "layers": 2, "width": 16, "lr": 1e-2, "critic_lr": 1e-2}


def make(algorithm, config, env, **options):
    settings = config(**{**QUICK, **options, "num_envs": env.world.num_envs})
    generators = torch.Generator().manual_seed(0), torch.Generator().manual_seed(1)
    return algorithm(env.world, settings, Context(*generators, 10_000))


def with_full_rollout(env, updates=0, **options):
    """An algorithm that has just collected a rollout and not yet learned from it."""
    return fill_rollout(make(Happo, HappoConfig, env, **options), env, updates)


def normalised(advantages, alive):
    kept = advantages[alive]
    return (advantages - kept.mean()) / (kept.std(correction=0) + 1e-5)


def literal_update(algorithm, advantages):
    """All actors in the environment's order: all rows with masks, `M` outside the minimum and not clipped.

    `advantages [T, E, N]` are normalised. Returns the new parameters of all actors, and `M` after the last.
    """
    config, rollout = algorithm.config, algorithm.rollout
    actors = copy.deepcopy([policy.actor for policy in algorithm.policies])
    weight = torch.ones_like(advantages[..., 0])
    for agent in range(advantages.shape[-1]):
        actor = actors[0 if config.share_parameters else agent]
        algorithm.policy_of(agent).optimiser.state.clear()
        optimiser = torch.optim.Adam(actor.parameters(), config.lr, eps=config.adam_eps)
        alive, before = rollout.alive[:-1, :, agent], None
        for epoch in range(config.epochs + 1):
            prepared = actor.prepare(rollout.obs[:-1, :, agent])
            logits = actor.head(actor.body(prepared, None))
            logits = logits.masked_fill(~rollout.action_mask[:-1, :, agent], -1e10)
            options = torch.log_softmax(logits, -1)
            chosen = options.gather(-1, rollout.actions[:, :, agent, None])[..., 0]
            before = chosen.detach() if before is None else before
            ratio, a = (chosen - before).exp(), advantages[..., agent]
            if epoch == config.epochs:
                weight = weight * torch.where(alive, ratio.detach(), 1.0)
                break
            clipped = ratio.clamp(1 - config.clip, 1 + config.clip)
            gain = weight * torch.minimum(ratio * a, clipped * a)
            entropy = -(options.exp() * options).sum(-1)
            optimiser.zero_grad()
            (-((gain + config.entropy_coef * entropy) * alive).sum() / alive.sum()).backward()
            torch.nn.utils.clip_grad_norm_(actor.parameters(), config.max_grad_norm)
            optimiser.step()
    return parameters(*actors), weight


class TestAgainstTheLiteralForm:
    @pytest.mark.parametrize("critic_input", ["state", "obs"])
    def test_same_actors_after_an_update(self, critic_input):
        algorithm = with_full_rollout(MortalWorld(4), 1, fixed_order=True, critic_input=critic_input)
        advantages, _ = algorithm.estimate(algorithm.valuation.evaluate(algorithm.rollout), 0.95)
        alive = algorithm.rollout.alive[:-1]
        if critic_input == "obs":
            normal = normalised(advantages, alive)
        else:
            columns = [normalised(advantages[..., 0], alive[..., agent]) for agent in range(3)]
            normal = torch.stack(columns, -1)
        expected, weight = literal_update(algorithm, normal)
        metrics = algorithm.update()
        ours = parameters(*(policy.actor for policy in algorithm.policies))
        torch.testing.assert_close(ours, expected, atol=1e-4, rtol=1e-3)
        assert metrics["joint_ratio"] == pytest.approx(float(weight.mean()), rel=1e-4)
        assert (weight - 1).abs().max() > 0.02

    def test_the_order_is_a_new_one_every_time(self):
        algorithm = make(Happo, HappoConfig, MortalWorld(2))
        orders = [tuple(algorithm._order()) for _ in range(60)]
        assert len(set(orders)) == 6
        fixed = make(Happo, HappoConfig, MortalWorld(2), fixed_order=True)
        assert fixed._order() == [0, 1, 2]


@pytest.mark.parametrize("recurrent", [False, True])
def test_with_one_agent_it_is_ppo(recurrent):
    drivers = []
    for algorithm, config, more in ((Mappo, MappoConfig, {}), (Happo, HappoConfig, {"fixed_order": True})):
        env = MortalWorld(4, agents=1)
        made = make(algorithm, config, env, recurrent=recurrent, chunk_length=4, **more)
        drivers.append(Driver(made, env).learn(3))
    one, other = drivers
    assert torch.equal(torch.stack(one.actions), torch.stack(other.actions))
    nets = [(driver.algorithm.policies[0].actor, driver.algorithm.valuation.critic) for driver in drivers]
    assert torch.equal(parameters(*nets[0]), parameters(*nets[1]))


def test_what_the_dead_saw_and_did_does_not_matter():
    algorithms = [with_full_rollout(MortalWorld(4)) for _ in range(2)]
    rollout = algorithms[1].rollout
    dead = ~rollout.alive
    assert dead[:-1].any()
    rollout.obs[dead] = 7.0
    rollout.action_mask[dead] = True
    rollout.actions[dead[:-1]] = 3
    for algorithm in algorithms:
        algorithm.update()
    one, other = (parameters(*(p.actor for p in algorithm.policies)) for algorithm in algorithms)
    assert torch.equal(one, other)


def test_an_agent_that_never_lived_is_skipped():
    algorithm = with_full_rollout(MortalWorld(4))
    algorithm.rollout.alive[:, :, 1] = False
    before = [parameters(policy.actor) for policy in algorithm.policies]
    algorithm.update()
    after = [parameters(policy.actor) for policy in algorithm.policies]
    assert [torch.equal(*pair) for pair in zip(before, after, strict=True)] == [False, True, False]


def test_it_learns_continuous_actions():
    env = TargetWorld(16)
    options = {"rollout_length": 16, "epochs": 5, "lr": 3e-3, "critic_lr": 3e-3, "entropy_coef": 0.0}
    driver = Driver(make(Happo, HappoConfig, env, timeout="zero_advantage", log_std=-0.5, **options), env)
    before = driver.play(40).mean()
    driver.learn(20)
    driver.restart(root=1)
    assert driver.play(40).mean() > before + 0.2
