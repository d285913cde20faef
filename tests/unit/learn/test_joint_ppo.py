"""PPO for joint policies against a literal update, and what may not change its result."""

from __future__ import annotations

from functools import partial

import pytest
import torch

from marlzoo.algorithm import Context, Decision, Transition
from marlzoo.learn import joint_ppo
from marlzoo.learn.joint_ppo import JointPpo, micro_batch_size
from marlzoo.memory.returns import gae
from marlzoo.nets.heads import noise_for
from marlzoo.testing import MortalWorld, ScriptedWorld, TargetWorld, seeds
from marlzoo_mat.config import MatConfig
from marlzoo_mat.network import MatNetwork

ENVS, LENGTH = 5, 7


def learner(env, **options):
    settings = {"num_envs": ENVS, "rollout_length": LENGTH, "epochs": 3, "clip": 0.2, "width": 16, "lr": 3e-3}
    config = MatConfig(**{**settings, "decoder": "torch", **options})
    network = MatNetwork(env.world, config, torch.Generator().manual_seed(0))
    context = Context(torch.Generator().manual_seed(1), torch.Generator(), 10 * ENVS * LENGTH)
    estimate = partial(gae, gamma=config.gamma, lam=config.gae_lambda, timeout=config.timeout)
    return JointPpo(env.world, network, config, estimate, context)


def fill(ppo, env):
    """One rollout of the network's own actions, not yet learned from."""
    noise = torch.Generator().manual_seed(2)
    view = env.reset(seeds(ENVS))
    for _ in range(LENGTH):
        draws = noise_for(env.world, view.alive.shape, noise)
        decision = Decision(ppo.network.act(view.obs, view.alive, view.action_mask, draws))
        step = env.step(decision.actions)
        ppo.observe(Transition(view, decision, step.reward, step.terminated, step.truncated, step.view))
        view = env.reset_done()
    return ppo


def parameters(ppo):
    return torch.cat([p.detach().flatten() for p in ppo.network.parameters()])


def updated(world, **options):
    env = world(ENVS)
    ppo = fill(learner(env, **options), env)
    metrics = ppo.update()
    return parameters(ppo), metrics


def literal_update(ppo):
    """The update as published, on the whole rollout at once, one agent after the other."""
    rollout, config, network = ppo.rollout, ppo.config, ppo.network
    steps, envs, agents = rollout.reward.shape

    def score(t, e):
        mask = None if rollout.action_mask is None else rollout.action_mask[t, e][None]
        rows = network.rows(
            rollout.obs[t, e][None], rollout.alive[t, e][None], mask, rollout.actions[t, e][None], {}
        )
        return network.evaluate(rows)

    def value(t, e):
        return network.values_ahead(rollout.obs[t, e][None], rollout.alive[t, e][None], None, None)[0]

    index = [(t, e) for t in range(steps) for e in range(envs)]
    with torch.no_grad():
        old = {key: score(*key) for key in index}
        values = torch.stack([torch.stack([value(t, e) for e in range(envs)]) for t in range(steps + 1)])
    advantages, returns = gae(
        rollout.reward, 0.1 * values, rollout.terminated, rollout.truncated,
        gamma=config.gamma, lam=config.gae_lambda,
    )  # fmt: skip
    weight = 1.0 - config.value_norm_decay
    mean = weight * returns.mean() / weight
    deviation = (returns.square().mean() - mean**2).clamp_min(1e-2).sqrt()
    living = [(t, e, i) for t, e in index for i in range(agents) if rollout.alive[t, e, i]]
    kept = torch.stack([advantages[key] for key in living])
    normal = (advantages - kept.mean()) / (kept.std(correction=0) + 1e-5)
    optimiser = torch.optim.Adam(network.parameters(), lr=config.lr, eps=config.adam_eps)
    for _ in range(config.epochs):
        loss = 0.0
        for t, e in index:
            now = score(t, e)
            for i in range(agents):
                target, before, value_now = (
                    (returns[t, e, i] - mean) / deviation,
                    values[t, e, i],
                    now.values[0, i],
                )
                clipped = before + (value_now - before).clamp(-config.clip, config.clip)
                worst = torch.maximum((target - value_now).abs(), (target - clipped).abs())
                loss = loss + 0.5 * worst**2 / (len(index) * agents)
                if rollout.alive[t, e, i]:
                    # One ratio per action component; discrete actions have one component.
                    ratio = (now.log_prob[0, i] - old[t, e].log_prob[0, i]).exp()
                    gain = normal[t, e, i]
                    surrogate = torch.minimum(
                        ratio * gain, ratio.clamp(1 - config.clip, 1 + config.clip) * gain
                    )
                    loss = loss - surrogate.sum() / len(living)
                    loss = loss - config.entropy_coef * now.entropy[0, i] / len(living)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), config.max_grad_norm)
        optimiser.step()


@pytest.mark.parametrize("world", [MortalWorld, TargetWorld])
def test_update_equals_the_literal_one(world):
    env = world(ENVS)
    literal = fill(learner(env), env)
    literal_update(literal)
    ours, _ = updated(world)
    torch.testing.assert_close(ours, parameters(literal), atol=2e-5, rtol=1e-4)


@pytest.mark.parametrize("world", [MortalWorld, TargetWorld])
@pytest.mark.parametrize("options", [{"micro_batch": 4}, {"micro_batch": 1}])
def test_micro_batches_change_nothing_but_speed(world, options):
    whole, metrics = updated(world)
    pieces, same = updated(world, **options)
    torch.testing.assert_close(pieces, whole, atol=1e-5, rtol=1e-4)
    assert metrics == pytest.approx(same, abs=1e-4)


def test_keeping_the_first_pass_changes_nothing_but_speed(monkeypatch):
    kept, metrics = updated(MortalWorld)
    monkeypatch.setattr(joint_ppo, "KEPT_TOKENS", 0)
    again, same = updated(MortalWorld)
    torch.testing.assert_close(again, kept, atol=1e-6, rtol=1e-5)
    assert metrics == pytest.approx(same, abs=1e-5)


@pytest.mark.parametrize("world", [MortalWorld, TargetWorld])
def test_the_first_ratio_is_one(world, monkeypatch):
    _, metrics = updated(world, epochs=1)
    assert metrics["approx_kl"] == 0.0
    assert metrics["clip_fraction"] == 0.0
    monkeypatch.setattr(joint_ppo, "KEPT_TOKENS", 0)
    _, metrics = updated(world, epochs=1, micro_batch=3)
    assert metrics["approx_kl"] == pytest.approx(0.0, abs=1e-6)


def test_dead_agents_get_no_policy_gradient():
    """What the dead did, and with what advantage, does not change the update of the policy."""
    env = MortalWorld(ENVS)
    one, two = (fill(learner(env, value_coef=0.0), env) for env in (env, MortalWorld(ENVS)))
    dead = ~two.rollout.alive[:-1]
    assert dead.any()
    two.rollout.reward[dead] += 100.0
    # Later rewards reach living agents through their returns: cut every step off from the next.
    for ppo in (one, two):
        ppo.rollout.terminated[:] = True
        ppo.update()
    assert torch.equal(parameters(one), parameters(two))


@pytest.mark.parametrize("timeout", ["terminate", "zero_advantage", "bootstrap"])
def test_final_values_are_those_of_the_last_views(timeout):
    env = ScriptedWorld(ENVS)
    ppo = learner(env, timeout=timeout)
    seen = {}
    estimate = ppo.estimate

    def spy(*data, final_values):
        seen["final"] = final_values
        return estimate(*data, final_values=final_values)

    ppo.estimate = spy
    fill(ppo, env)
    before = MatNetwork(env.world, ppo.config, torch.Generator())
    before.load_state_dict(ppo.network.state_dict())
    truncated = ppo.rollout.truncated.clone()
    ppo.update()
    if timeout != "bootstrap":
        assert seen["final"] is None
        return
    assert truncated.any()
    for t, e in truncated.nonzero().tolist():
        # An episode that runs out of time in environment e shows its length as the last step.
        obs = torch.tensor([[float(env.lengths[e]), float(e), float(n)] for n in range(2)])
        expected = 0.1 * before.values_ahead(obs[None], torch.ones(1, 2, dtype=torch.bool), None, None)[0]
        torch.testing.assert_close(seen["final"][t, e], expected)
    assert not seen["final"][~truncated].any()


def test_ratio_per_component_or_of_their_product():
    env = TargetWorld(ENVS)
    for ratio_agg, shape in (("per_dim", (LENGTH * ENVS, 2, 2)), ("prod", (LENGTH * ENVS, 2))):
        ppo = fill(learner(env, ratio_agg=ratio_agg), env)
        evaluation = ppo.network.evaluate(ppo._rows())
        assert evaluation.log_prob.shape == shape
        assert ppo.update() is not None


def test_value_loss_over_the_living_only():
    """The loss is that of all agents where all live, and another where some are dead."""
    for world, same in ((TargetWorld, True), (MortalWorld, False)):
        everyone, _ = updated(world)
        living, _ = updated(world, value_loss_agents="living")
        assert torch.allclose(living, everyone, atol=1e-5) == same


def test_learning_rate_falls_linearly_to_zero():
    env = MortalWorld(ENVS)
    ppo = learner(env, linear_lr_decay=True, lr=1e-3)
    rates = []
    for _ in range(3):
        fill(ppo, env).update()
        rates.append(ppo.optimiser.param_groups[0]["lr"])
    assert rates == pytest.approx([1e-3, 0.9e-3, 0.8e-3])


def test_a_learner_is_ready_to_save_between_rollouts_only():
    env = MortalWorld(ENVS)
    ppo = learner(env)
    assert ppo.ready_to_save
    assert ppo.update() is None
    fill(ppo, env)
    assert not ppo.ready_to_save
    assert ppo.update() is not None
    assert ppo.ready_to_save


@pytest.mark.parametrize(("agents", "size"), [(1, 400), (8, 400), (27, 151), (1024, 4), (100_000, 1)])
def test_micro_batches_shrink_with_the_number_of_agents(agents, size):
    assert micro_batch_size(MatConfig(), agents) == size


def test_diagnostics_by_hand():
    values = torch.tensor([[[1.0, 3.0]], [[5.0, 7.0]]])
    alive = torch.tensor([[[True, True]], [[True, False]]])
    advantages = torch.tensor([[[1.0, 2.0]], [[6.0, 100.0]]])
    found = joint_ppo._value_diagnostics(values, advantages, values + 1.0, alive)
    assert found["value_spread"] == pytest.approx(1.0 / 5.0**0.5)
    assert found["advantage_std"] == pytest.approx((14.0 / 3.0) ** 0.5)
    assert found["explained_variance"] == pytest.approx(1.0)
