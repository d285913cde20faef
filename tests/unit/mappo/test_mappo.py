"""MAPPO against its literal form, and each of its choices by itself."""

from __future__ import annotations

import copy
import dataclasses

import literal_mappo as literal
import pytest
import torch
from full_rollouts import fill_rollout, parameters

from marlzoo.algorithm import Context, Mode
from marlzoo.errors import UsageError
from marlzoo.learn.blocks import RowUnits
from marlzoo.learn.team_policy import Surrogate
from marlzoo.memory.returns import normalise
from marlzoo.registry import Registry
from marlzoo.testing import (
    Driver,
    MatrixGame,
    MortalWorld,
    RecallWorld,
    ScriptedWorld,
    TargetWorld,
    UnevenWorld,
    seeds,
)
from marlzoo_mappo.algorithm import Mappo
from marlzoo_mappo.config import MappoConfig

QUICK = {"rollout_length": 12, "epochs": 3, "width": 16, "chunk_length": 4, "lr": 1e-3, "critic_lr": 1e-3}


def make(env, seed=0, total_steps=10_000, **options):
    config = MappoConfig(**{**QUICK, **options, "num_envs": env.world.num_envs})
    generators = torch.Generator().manual_seed(seed), torch.Generator().manual_seed(seed + 1)
    return Mappo(env.world, config, Context(*generators, total_steps))


def with_full_rollout(env, updates=0, **options):
    """An algorithm that has just collected a rollout and not yet learned from it."""
    return fill_rollout(make(env, **options), env, updates)


class TestAgainstTheLiteralForm:
    """One whole update, after a first one that made memories, statistics and weights nontrivial."""

    @pytest.mark.parametrize("recurrent", [False, True])
    @pytest.mark.parametrize(("critic_input", "columns"), [("state", 1), ("obs", 3)])
    @pytest.mark.parametrize("micro_batch", [1, 400])
    def test_same_parameters_after_an_update(self, recurrent, critic_input, columns, micro_batch):
        env = MortalWorld(4)
        algorithm = with_full_rollout(
            env, 1, recurrent=recurrent, critic_input=critic_input, micro_batch=micro_batch, max_grad_norm=0.5
        )
        expected = self.literal_update(algorithm, columns)
        algorithm.update()
        ours = parameters(algorithm.policies[0].actor, algorithm.valuation.critic)
        torch.testing.assert_close(ours, expected, atol=2e-5, rtol=1e-4)

    def literal_update(self, algorithm, columns):
        config, rollout = algorithm.config, copy.deepcopy(algorithm.rollout)
        actor, critic = copy.deepcopy((algorithm.policies[0].actor, algorithm.valuation.critic))
        # Optimisers start afresh in the literal form.
        for learner in (algorithm.policies[0], algorithm.valuation):
            learner.optimiser.state.clear()
        scale, memory = copy.deepcopy((algorithm.valuation.scale, algorithm.valuation.memory))
        inputs = rollout.state.unsqueeze(2) if columns == 1 else rollout.obs
        with torch.no_grad():
            starts = None
            if config.recurrent:
                starts = literal.critic_starts(critic, inputs, rollout.first, memory)
            old = literal.outputs(critic, inputs, rollout.first, starts, 1)[..., 0]
            values = scale.denormalise(old)
            ends = rollout.terminated, rollout.truncated, config.gamma, config.gae_lambda
            advantages = literal.literal_advantages(rollout.reward[..., :columns], values, *ends)
            returns = advantages + values[:-1]
            scale.update(returns)
            targets = scale.normalise(returns)
        literal.update_actor(actor, rollout, advantages.expand_as(rollout.reward), config)
        literal.update_critic(critic, rollout, inputs[:-1], starts, old[:-1], targets, config)
        return parameters(actor, critic)


class TestTheDead:
    @pytest.mark.parametrize("recurrent", [False, True])
    def test_what_they_saw_and_did_does_not_matter(self, recurrent):
        algorithms = [with_full_rollout(MortalWorld(4), recurrent=recurrent) for _ in range(2)]
        rollout = algorithms[1].rollout
        dead = ~rollout.alive
        assert dead[:-1].any()
        rollout.obs[dead] = 7.0
        rollout.action_mask[dead] = True
        rollout.actions[dead[:-1]] = 3
        for algorithm in algorithms:
            algorithm.update()
        one, other = (parameters(algorithm.policies[0].actor) for algorithm in algorithms)
        assert torch.equal(one, other)

    def test_they_count_in_the_value_loss_unless_told_otherwise(self):
        for agents, same in (("all", False), ("living", True)):
            algorithms = [
                with_full_rollout(MortalWorld(4), critic_input="obs", value_loss_agents=agents)
                for _ in range(2)
            ]
            for algorithm, change in zip(algorithms, (0.0, 50.0), strict=True):
                rollout = algorithm.rollout
                values = algorithm.valuation.evaluate(rollout)
                targets = torch.zeros_like(values.predicted[:-1])
                targets[~rollout.alive[:-1]] = change
                algorithm.valuation.learn(rollout, values, targets, torch.Generator(), epochs=3)
            one, other = (parameters(algorithm.valuation.critic) for algorithm in algorithms)
            assert torch.equal(one, other) == same

    def test_a_rollout_of_nobody_alive_leaves_the_actor_alone(self):
        algorithm = with_full_rollout(MortalWorld(4))
        before = parameters(algorithm.policies[0].actor)
        algorithm.rollout.alive[:] = False
        metrics = algorithm.update()
        assert torch.equal(parameters(algorithm.policies[0].actor), before)
        assert "policy_loss" not in metrics


class TestRecurrence:
    @pytest.mark.parametrize("chunk_length", [1, 4, 5, 12])
    def test_chunks_reproduce_what_was_played_step_by_step(self, chunk_length):
        env = MortalWorld(4)
        algorithm = make(env, recurrent=True, chunk_length=chunk_length)
        played, act = [], algorithm.policies[0].actor.step

        def remembering(*arguments):
            distribution, memory = act(*arguments)
            played.append(distribution.log_probs)
            return distribution, memory

        algorithm.policies[0].actor.step = remembering
        algorithm.update = lambda: None
        Driver(algorithm, env).run(12)
        policy, rollout = algorithm.policies[0], algorithm.rollout
        recomputed = policy.log_prob(policy.units(rollout), algorithm.experience()).view(rollout.reward.shape)
        chosen = torch.stack(played).gather(-1, rollout.actions[..., None])[..., 0]
        alive = rollout.alive[:-1]
        torch.testing.assert_close(recomputed[alive], chosen[alive])

    def test_memory_is_cleared_where_an_episode_starts(self):
        env = MortalWorld(2)
        algorithm = make(env, recurrent=True)
        view = env.reset(seeds(2))
        view.first.copy_(torch.tensor([True, False]))
        decision = algorithm.act(view, torch.ones(2, 3, 16), Mode.SAMPLE)
        assert not decision.memo["memory"][0].any()
        assert (decision.memo["memory"][1] == 1).all()

    def test_it_remembers_a_cue(self):
        env = RecallWorld(16)
        options = {"rollout_length": 16, "chunk_length": 16, "epochs": 5, "lr": 3e-3, "critic_lr": 3e-3}
        driver = Driver(make(env, recurrent=True, **options), env).learn(20)
        driver.restart(root=1)
        # One of four steps pays, at best 1.
        assert driver.play(40).mean() > 0.22

    def test_without_memory_it_cannot(self):
        env = RecallWorld(16)
        driver = Driver(make(env, rollout_length=16, lr=3e-3), env).learn(10)
        driver.restart(root=1)
        assert driver.play(40).mean() < 0.18


class TestFrames:
    def test_networks_see_what_was_seen_last_also_across_rollouts(self):
        env, frames = MortalWorld(4), 3
        algorithm = make(env, frames=frames)
        driver = Driver(algorithm, env).learn(1)
        seen, observe, algorithm.update = [], algorithm.observe, lambda: None

        def remembering(transition):
            seen.append(
                (transition.view.obs.clone(), transition.view.state.clone(), transition.view.first.clone())
            )
            observe(transition)

        algorithm.observe = remembering
        driver.run(12)
        obs, state, first = (torch.stack(column) for column in zip(*seen, strict=True))
        inputs = algorithm.experience().inputs.view(12, 4, 3, -1)
        prepared = algorithm.valuation.evaluate(algorithm.rollout).prepared
        critic = algorithm.valuation.critic
        checked = 0
        for t in range(frames - 1, 12):
            inside = ~first[t - frames + 2 : t + 1].any(0)  # the episode is old enough
            checked += int(inside.sum())
            expected = torch.cat([obs[t - 2], obs[t - 1], obs[t]], -1)
            assert torch.equal(inputs[t, inside], expected[inside])
            whole = critic.prepare(torch.cat([state[t - 2], state[t - 1], state[t]], -1)[:, None])
            torch.testing.assert_close(prepared[t, inside], whole[inside])
            begun = torch.cat([torch.zeros_like(obs[t]), torch.zeros_like(obs[t]), obs[t]], -1)
            assert torch.equal(inputs[t, first[t]], begun[first[t]])
        assert checked > 10
        assert bool((~first[0]).any()), "some episode went on across the rollouts"
        going_on = ~first[0] & ~first[1]
        assert inputs[0, going_on, :, : obs.shape[-1]].any()

    def test_they_do_for_a_memory(self):
        env = RecallWorld(16)
        options = {"rollout_length": 16, "epochs": 5, "lr": 3e-3, "critic_lr": 3e-3}
        driver = Driver(make(env, frames=4, **options), env).learn(20)
        driver.restart(root=1)
        assert driver.play(40).mean() > 0.22

    def test_the_critics_frames_are_saved(self):
        algorithm = make(MortalWorld(4), frames=3)
        Driver(algorithm, MortalWorld(4)).learn(1)
        state = algorithm.state_dict()
        assert state["critic_memory"].any()
        other = make(MortalWorld(4), seed=5, frames=3)
        other.load_state_dict(state)
        assert torch.equal(other.valuation.memory, algorithm.valuation.memory)

    def test_a_recurrence_has_its_own_memory(self):
        with pytest.raises(ValueError, match="set frames=1 or recurrent=false"):
            MappoConfig(frames=4, recurrent=True)

    def test_bootstrap_values_see_the_frames_before_the_last_view(self):
        env = ScriptedWorld(4)
        algorithm = make(env, 0, timeout="bootstrap", frames=2)
        seen, driver = [], Driver(algorithm, env)
        observe, algorithm.update = algorithm.observe, lambda: None

        def remembering(transition):
            ended = transition.truncated.clone()
            seen.append((transition.view.state.clone(), transition.successor.state.clone(), ended))
            observe(transition)

        algorithm.observe = remembering
        driver.run(12)
        valuation = algorithm.valuation
        values = valuation.evaluate(algorithm.rollout)
        for t, (state, successor, truncated) in enumerate(seen):
            inputs = torch.cat([state, successor], -1)[:, None]
            with torch.no_grad():
                expected = valuation.critic(valuation.critic.prepare(inputs), None)
            expected = valuation.scale.denormalise(expected) * truncated[:, None]
            torch.testing.assert_close(values.final[t], expected)
        assert sum(int(truncated.sum()) for *_, truncated in seen) > 5


class TestTimeouts:
    @pytest.mark.parametrize("recurrent", [False, True])
    def test_bootstrap_values_are_those_of_the_last_views(self, recurrent):
        env = ScriptedWorld(4)
        algorithm = make(env, 0, timeout="bootstrap", recurrent=recurrent)
        seen, driver = [], Driver(algorithm, env)
        observe, algorithm.update = algorithm.observe, lambda: None

        def remembering(transition):
            final = transition.successor.state.clone(), transition.truncated.clone()
            seen.append((transition.view.state.clone(), transition.view.first.clone(), *final))
            observe(transition)

        algorithm.observe = remembering
        driver.run(12)
        valuation = algorithm.valuation
        values = valuation.evaluate(algorithm.rollout)
        memory = torch.zeros(4, 1, 16)
        truncations = 0
        for t, (state, first, successor, truncated) in enumerate(seen):
            memory = memory * (~first).float()[:, None, None]
            with torch.no_grad():
                _, memory = valuation.critic.step(valuation.critic.prepare(state[:, None]), memory)
                expected, _ = valuation.critic.step(valuation.critic.prepare(successor[:, None]), memory)
            expected = valuation.scale.denormalise(expected) * truncated[:, None]
            torch.testing.assert_close(values.final[t], expected)
            truncations += int(truncated.sum())
        assert truncations > 5

    def test_returns_are_the_known_ones(self):
        """With lambda 1, and a critic that says 0, returns are sums of rewards up to the end."""
        env = ScriptedWorld(4)
        algorithm = with_full_rollout(env, gamma=0.5)
        for parameter in algorithm.valuation.critic.parameters():
            torch.nn.init.zeros_(parameter)
        _, returns = algorithm.estimate(algorithm.valuation.evaluate(algorithm.rollout), 1.0)
        # environment 1: steps pay 11, 12, 13 and then time runs out
        assert returns[:3, 1, 0].tolist() == pytest.approx([11 + 0.5 * (12 + 0.5 * 13), 12 + 0.5 * 13, 13.0])


class TestGradient:
    def test_policy_gradient_agrees_with_finite_differences(self):
        algorithm = with_full_rollout(MortalWorld(2), rollout_length=6, width=4, entropy_coef=0.3)
        policy, rollout = algorithm.policies[0], algorithm.rollout
        generator = torch.Generator().manual_seed(0)
        advantages = normalise(torch.randn(rollout.reward.shape, generator=generator), rollout.alive[:-1])
        experience = algorithm.experience()
        units = RowUnits(rollout.alive[:-1])
        old_log_prob = policy.log_prob(units, experience).double()
        experience = dataclasses.replace(experience, inputs=experience.inputs.double())
        actor = policy.actor.double()
        (piece,) = policy._passes(1).whole(units, lambda block: policy._piece(experience, block))
        # Off the old policy, some ratios beyond the clip.
        shift = 0.3 * torch.randn(advantages.numel(), generator=generator).double()
        surrogate = Surrogate(advantages.flatten().double(), old_log_prob + shift, 0.2)[piece.block.rows]

        def loss():
            report = policy._accumulate(piece, surrogate, piece.block.count)
            return (report["policy_loss"] - 0.3 * report["entropy"]).item()

        loss()
        gradients = [parameter.grad.clone() for parameter in actor.parameters()]
        checked = 0
        for parameter, gradient in zip(actor.parameters(), gradients, strict=True):
            for index in range(0, parameter.numel(), max(1, parameter.numel() // 5)):
                flat = parameter.data.view(-1)
                value, slopes = flat[index].item(), []
                for shift in (1e-6, -1e-6):
                    flat[index] = value + shift
                    slopes.append(loss())
                flat[index] = value
                slope = (slopes[0] - slopes[1]) / 2e-6
                assert slope == pytest.approx(gradient.view(-1)[index].item(), abs=1e-7, rel=1e-4)
                checked += 1
        assert checked > 40

    def test_the_first_pass_starts_at_a_ratio_of_one(self):
        for recurrent in (False, True):
            algorithm = with_full_rollout(MortalWorld(4), epochs=1, recurrent=recurrent, micro_batch=5)
            metrics = algorithm.update()
            assert metrics["clip_fraction"] == 0.0
            assert metrics["approx_kl"] == 0.0


class TestCritic:
    def test_a_shared_state_is_valued_once_per_environment(self):
        algorithm = with_full_rollout(MortalWorld(4))
        values = algorithm.valuation.evaluate(algorithm.rollout)
        assert values.prepared.shape == (13, 4, 1, 2)
        assert values.values.shape == (13, 4, 1)

    def test_separate_rewards_need_separate_values(self):
        algorithm = with_full_rollout(UnevenWorld(2), critic_input="joint_obs")
        with pytest.raises(UsageError, match="rewarded differently"):
            algorithm.update()

    def test_separate_rewards_choose_separate_values(self):
        algorithm = with_full_rollout(UnevenWorld(2))
        assert algorithm.valuation.input.columns == 3
        assert algorithm.update()["value_loss"] > 0

    def test_without_value_norm_targets_are_returns(self):
        algorithm = make(MatrixGame(2), value_norm=False)
        returns = torch.tensor([[[3.0]]])
        assert torch.equal(algorithm.valuation.targets(returns), returns)
        assert algorithm.state_dict()["value_norm"] is None


@pytest.mark.parametrize(
    ("name", "critic_input", "arguments", "columns"),
    [
        ("EP", "state", [], 1),
        ("AS", "state_and_obs", [], 3),
        ("CL", "joint_obs", [], 1),
        ("FP", "state", ["obs_profile=on_policy"], 3),
        ("IPPO", "obs", [], 3),
    ],
)
def test_the_papers_inputs_of_the_critic_on_a_map(name, critic_input, arguments, columns):
    env = Registry.load(environ={"MARLZOO_PLUGINS": ""}).environment("smac:3m", arguments).make(2)
    world = env.world
    sizes = {"EP": world.state_dim, "AS": world.state_dim + world.obs_dim, "CL": 3 * world.obs_dim}
    sizes |= {"FP": world.state_dim, "IPPO": world.obs_dim}
    assert world.state_per_agent == (name == "FP")
    algorithm = with_full_rollout(env, critic_input=critic_input)
    values = algorithm.valuation.evaluate(algorithm.rollout)
    assert values.prepared.shape == (13, 2, columns, sizes[name])
    assert algorithm.update()["value_loss"] > 0


class TestPopArt:
    def test_values_stay_what_they_were_while_the_scale_moves(self):
        algorithm = with_full_rollout(MortalWorld(4), updates=2, popart=True, value_norm_decay=0.5)
        valuation = algorithm.valuation
        values = valuation.evaluate(algorithm.rollout)
        before = valuation.scale.statistics()
        valuation.targets(algorithm.estimate(values, 0.95)[1] + 7.0)
        assert abs(valuation.scale.statistics()[0] - before[0]) > 3
        again = valuation.evaluate(algorithm.rollout)
        torch.testing.assert_close(again.values, values.values, atol=1e-4, rtol=1e-4)
        # what the clipped loss compares with is on the new scale, too
        torch.testing.assert_close(valuation.normalised(values.values), again.predicted, atol=1e-4, rtol=1e-4)

    def test_the_first_step_starts_at_the_old_prediction(self):
        """Were it compared with predictions on the old scale, values far off would all count as clipped."""
        losses = []
        for popart in (False, True):
            algorithm = with_full_rollout(
                MortalWorld(4), updates=1, popart=popart, value_norm_decay=0.5, epochs=1, critic_lr=1e-9
            )
            valuation = algorithm.valuation
            values = valuation.evaluate(algorithm.rollout)
            returns = values.values[:-1] + 5.0
            report = valuation.learn(
                algorithm.rollout, values, valuation.targets(returns), algorithm.context.generator, epochs=1
            )
            error = valuation.normalised(returns) - valuation.evaluate(algorithm.rollout).predicted[:-1]
            losses.append((report["value_loss"], float(0.5 * error.square().mean())))
        for found, expected in losses:
            assert found == pytest.approx(expected, rel=1e-3)

    def test_it_needs_the_scale(self):
        with pytest.raises(ValueError, match="set value_norm=true"):
            MappoConfig(popart=True, value_norm=False)


class TestSeparateActors:
    def test_each_learns_from_its_own_agent(self):
        algorithms = [with_full_rollout(MortalWorld(4), share_parameters=False) for _ in range(2)]
        altered = algorithms[1].rollout
        altered.obs[:, :, 2] += 1.0
        for algorithm in algorithms:
            assert len(algorithm.policies) == 3
            algorithm.update()
        pairs = zip(algorithms[0].policies, algorithms[1].policies, strict=True)
        same = [torch.equal(parameters(one.actor), parameters(other.actor)) for one, other in pairs]
        assert same == [True, True, False]

    def test_they_do_not_fit_another_team(self):
        state = make(MortalWorld(2), share_parameters=False).state_dict()
        with pytest.raises(UsageError, match="does not fit"):
            make(MortalWorld(2, agents=4), share_parameters=False).load_policy(state)

    def test_other_sizes_do_not_fit(self):
        state = make(MortalWorld(2), width=8).state_dict()
        with pytest.raises(UsageError, match="does not fit"):
            make(MortalWorld(2)).load_policy(state)


class TestContinuous:
    def test_it_learns_to_hit_the_target(self):
        env = TargetWorld(16)
        options = {"rollout_length": 16, "epochs": 5, "lr": 3e-3, "critic_lr": 3e-3, "entropy_coef": 0.0}
        driver = Driver(make(env, timeout="zero_advantage", log_std=-0.5, **options), env)
        before = driver.play(40).mean()
        driver.learn(20)
        driver.restart(root=1)
        assert driver.play(40).mean() > before + 0.2

    def test_padding_is_zero_and_has_no_influence(self):
        algorithms = [with_full_rollout(TargetWorld(4)) for _ in range(2)]
        assert (algorithms[0].rollout.actions[:, :, 0, 1] == 0).all()
        algorithms[1].rollout.actions[:, :, 0, 1] = 5.0
        for algorithm in algorithms:
            algorithm.update()
        one, other = (parameters(algorithm.policies[0].actor) for algorithm in algorithms)
        assert torch.equal(one, other)


def test_learning_rates_fall_linearly():
    env = MatrixGame(4)
    algorithm = make(env, linear_lr_decay=True, total_steps=12 * 4 * 4)
    driver, rates = Driver(algorithm, env), []
    for _ in range(5):
        driver.learn(1)
        rates.append(algorithm.policies[0].optimiser.param_groups[0]["lr"])
    assert rates == pytest.approx([1e-3, 0.75e-3, 0.5e-3, 0.25e-3, 0.0])


def test_minibatches_take_more_optimiser_steps():
    algorithm = with_full_rollout(MortalWorld(4), minibatches=3)
    algorithm.update()
    steps = {int(state["step"]) for state in algorithm.policies[0].optimiser.state.values()}
    assert steps == {9}


def test_ready_to_save_between_rollouts_only():
    env = MatrixGame(2)
    algorithm = make(env, rollout_length=3)
    driver, ready = Driver(algorithm, env), []
    for _ in range(6):
        driver.step()
        ready.append(algorithm.ready_to_save)
    assert ready == [False, False, True, False, False, True]
