"""A2PO's update against its literal form, and what it reduces to."""

from __future__ import annotations

import copy

import literal_a2po as literal
import pytest
import torch
from full_rollouts import fill_rollout, parameters

from marlzoo.algorithm import Context, Mode
from marlzoo.testing import Driver, MortalWorld, RecallWorld, TargetWorld, UnevenWorld
from marlzoo_a2po.algorithm import A2po
from marlzoo_a2po.config import A2poConfig
from marlzoo_a2po.moving import MovingRollout
from marlzoo_mappo.algorithm import Mappo
from marlzoo_mappo.config import MappoConfig

QUICK = {"rollout_length": 12, "epochs": 4, "layers": 2, "width": 16, "lr": 1e-2, "critic_lr": 1e-2}
LITERAL = {"order": "fixed", "gae_lambda": 0.8, "entropy_coef": 0.01}
"""Settings of the comparisons with the literal form, which knows no other order."""


def make(algorithm, config, env, **options):
    settings = config(**{**QUICK, **options, "num_envs": env.world.num_envs})
    generators = torch.Generator().manual_seed(0), torch.Generator().manual_seed(1)
    return algorithm(env.world, settings, Context(*generators, 10_000))


def with_full_rollout(env, updates=0, **options):
    """An algorithm that has just collected a rollout and not yet learned from it."""
    return fill_rollout(make(A2po, A2poConfig, env, **options), env, updates)


class LiteralUpdate:
    """One whole update on copies of the networks, loop by loop as paper and published code have it."""

    def __init__(self, algorithm):
        self.config, self.rollout = algorithm.config, copy.deepcopy(algorithm.rollout)
        self.agents = list(range(algorithm.world.num_agents))
        self.actors = copy.deepcopy([policy.actor for policy in algorithm.policies])
        valuations = [algorithm.valuation] if self.config.share_critic else algorithm.valuation.parts
        self.critics = copy.deepcopy([valuation.critic for valuation in valuations])
        self.scales = copy.deepcopy([valuation.scale for valuation in valuations])
        for learner in (*algorithm.policies, *valuations):
            learner.optimiser.state.clear()
        config = self.config
        self.optimisers = [
            torch.optim.Adam(actor.parameters(), config.lr, eps=config.adam_eps) for actor in self.actors
        ]
        self.critic_optimisers = [
            torch.optim.Adam(critic.parameters(), config.critic_lr, eps=config.adam_eps)
            for critic in self.critics
        ]
        rollout = self.rollout
        self.inputs = rollout.obs if config.critic_input == "obs" else rollout.state.unsqueeze(2)
        self.alive = rollout.alive[:-1]
        with torch.no_grad():
            self.old_values = self.predict(self.inputs)
            self.values = self.scaled("denormalise", self.old_values)
            self.old, _ = literal.log_probs(self.actor_of, rollout)
            self.first = self.traced(torch.ones(rollout.reward.shape[:2]), config.gae_lambda)
            self.scaled("update", self.first + self.values[:-1])

    def actor_of(self, agent):
        return self.actors[0] if self.config.share_parameters else self.actors[agent]

    def predict(self, inputs):
        """`[..., C]`, from one critic for all columns, or from one for each agent."""
        if len(self.critics) == 1:
            return self.critics[0](self.critics[0].prepare(inputs), None)
        columns = inputs.expand(*inputs.shape[:2], len(self.agents), -1).unbind(2)
        pairs = zip(self.critics, columns, strict=True)
        return torch.stack([critic(critic.prepare(own), None) for critic, own in pairs], -1)

    def scaled(self, what, numbers):
        """What the scale of all columns, or that of each, makes of `numbers [T, E, C]`."""
        if len(self.scales) == 1:
            return getattr(self.scales[0], what)(numbers)
        columns = zip(self.scales, numbers.unbind(-1), strict=True)
        made = [getattr(scale, what)(own) for scale, own in columns]
        return None if what == "update" else torch.stack(made, -1)

    def traced(self, ratio, lam):
        return literal.traced(self.rollout, self.values, ratio, self.config.gamma, lam)

    def ratios(self):
        with torch.no_grad():
            return (literal.log_probs(self.actor_of, self.rollout)[0] - self.old).exp()

    def corrected(self, preceding):
        """Advantages `[T, E, C]`; the first ones for None."""
        if preceding is None:
            return self.first
        lam = self.config.gae_lambda ** (2 if self.config.compat_double_lambda else 1)
        return self.traced(literal.product(self.ratios(), preceding), lam)

    def improve(self, agents, considered, advantages, whose, clips):
        counts = self.alive.clone()
        counts[..., [agent for agent in self.agents if agent not in whose]] = False
        normal = literal.normalised(advantages.expand(self.alive.shape), counts)
        targets = self.scaled("normalise", advantages + self.values[:-1])
        for _ in range(2 if self.config.two_stage else 1):
            self.improve_critic(agents, targets)
        new, entropy = literal.log_probs(self.actor_of, self.rollout)
        others_clip = self.config.clip * self.config.others_clip if self.config.clip_others else None
        loss = literal.actor_loss(
            new, entropy, self.old, self.alive, agents, considered, normal, clips, others_clip, 0.01
        )
        for agent in [0] if self.config.share_parameters else agents:
            literal.step(self.optimisers[agent], loss, self.config.max_grad_norm)

    def improve_critic(self, agents, targets):
        apart = len(self.critics) > 1
        columns = agents if self.old_values.shape[-1] > 1 else [0]
        for learning, number in [([agent], agent) for agent in agents] if apart else [(columns, 0)]:
            value = self.predict(self.inputs[:-1])[..., learning]
            old = self.old_values[:-1][..., learning]
            loss = literal.critic_loss(value, old, targets[..., learning], self.config.clip)
            literal.step(self.critic_optimisers[number], loss, self.config.max_grad_norm)

    def together(self, blocks):
        """Shared parameters; `blocks` of the fixed order."""
        for loop in range(-(-self.config.epochs // len(blocks))):
            clips = literal.suffix_clips(self.ratios(), self.agents, self.config.clip)
            for place in range(len(blocks)):
                advantages = self.corrected(self.agents if loop or place else None)
                union = [agent for block in blocks[: place + 1] for agent in block]
                self.improve(union, self.agents, advantages, self.agents, clips)

    def agent_first(self):
        """One block for each agent, in the fixed order."""
        for agent in self.agents:
            so_far = self.agents[: agent + 1]
            advantages = self.corrected(so_far if agent else None)
            share = 0.5 * (agent + 1) / len(self.agents) + 0.5
            clips = {agent: share * self.config.clip}
            for _ in range(self.config.epochs):
                self.improve([agent], so_far, advantages, [agent], clips)


class TestAgainstTheLiteralForm:
    """One whole update, after a first one that made statistics and weights nontrivial."""

    @pytest.mark.parametrize("critic_input", ["state", "obs"])
    @pytest.mark.parametrize(
        "special",
        [
            {},
            {"two_stage": False, "micro_batch": 3},
            {"compat_double_lambda": True, "clip_others": False},
        ],
        ids=["plain", "one-stage", "compat"],
    )
    def test_shared_parameters(self, critic_input, special):
        algorithm = with_full_rollout(
            MortalWorld(4), 1, critic_input=critic_input, blocks=2, **LITERAL, **special
        )
        expected = LiteralUpdate(algorithm)
        expected.together([[0, 1], [2]])
        algorithm.update()
        self.compare(algorithm, expected)

    @pytest.mark.parametrize("critic_input", ["state", "obs"])
    @pytest.mark.parametrize("share_critic", [True, False])
    def test_separate_parameters(self, critic_input, share_critic):
        options = {"critic_input": critic_input, "share_critic": share_critic}
        algorithm = with_full_rollout(MortalWorld(4), 1, share_parameters=False, **options, **LITERAL)
        expected = LiteralUpdate(algorithm)
        expected.agent_first()
        algorithm.update()
        self.compare(algorithm, expected)

    @staticmethod
    def compare(algorithm, expected):
        valuation = algorithm.valuation
        critics = [part.critic for part in getattr(valuation, "parts", [valuation])]
        ours = parameters(*(policy.actor for policy in algorithm.policies), *critics)
        theirs = parameters(*expected.actors, *expected.critics)
        torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=1e-3)
        assert (expected.ratios() - 1).abs().max() > 0.02


class TestReductions:
    @pytest.mark.parametrize("share", [True, False])
    @pytest.mark.parametrize("recurrent", [False, True])
    def test_one_agent_in_one_block_is_ppo(self, share, recurrent):
        options = {"share_parameters": share, "recurrent": recurrent, "chunk_length": 4}
        drivers = []
        for algorithm, config, more in (
            (Mappo, MappoConfig, {}),
            (A2po, A2poConfig, {"two_stage": False, "blocks": 1}),
        ):
            env = MortalWorld(4, agents=1)
            drivers.append(Driver(make(algorithm, config, env, **options, **more), env).learn(3))
        one, other = drivers
        assert torch.equal(torch.stack(one.actions), torch.stack(other.actions))
        nets = [(d.algorithm.policies[0].actor, d.algorithm.valuation.critic) for d in drivers]
        assert torch.equal(parameters(*nets[0]), parameters(*nets[1]))

    def test_a_single_pass_over_a_single_block_is_mappo(self):
        """Nobody has moved before it, so nothing is corrected and all ranges are whole."""
        drivers = []
        for algorithm, config, more in (
            (Mappo, MappoConfig, {}),
            (A2po, A2poConfig, {"two_stage": False, "blocks": 1, "order": "fixed"}),
        ):
            env = MortalWorld(4)
            drivers.append(Driver(make(algorithm, config, env, epochs=1, **more), env).learn(3))
        nets = [(d.algorithm.policies[0].actor, d.algorithm.valuation.critic) for d in drivers]
        torch.testing.assert_close(parameters(*nets[0]), parameters(*nets[1]), atol=1e-6, rtol=1e-5)

    def test_as_many_passes_as_loops_over_blocks_take(self):
        algorithm = with_full_rollout(MortalWorld(4), epochs=5, blocks=3)
        algorithm.update()
        actor, critic = (
            {int(state["step"]) for state in learner.optimiser.state.values()}
            for learner in (algorithm.policies[0], algorithm.valuation)
        )
        assert (actor, critic) == ({6}, {12})

    def test_suffix_products_by_number_make_a_difference_only_in_another_order(self):
        results = {}
        for order in ("fixed", "random"):
            for compat in (False, True):
                algorithm = with_full_rollout(
                    MortalWorld(4), 1, order=order, critic_input="obs", compat_suffix_product=compat
                )
                algorithm.update()
                results[order, compat] = parameters(algorithm.policies[0].actor)
        assert torch.equal(results["fixed", False], results["fixed", True])
        assert not torch.equal(results["random", False], results["random", True])


class TestOrder:
    def scored(self, kind):
        """What ranks agents before and after a pass, the corrected advantages then, and the joint ratio."""
        algorithm = with_full_rollout(MortalWorld(4), 1, order_advantages=kind, critic_input="obs")
        values, everyone = algorithm.valuation.evaluate(algorithm.rollout), torch.arange(3)
        moving = MovingRollout(algorithm, algorithm.config, values)
        first = moving.corrected(None, everyone)
        before = moving.scored(first)
        moving.improve(everyone, everyone, first, 0.2)
        later = moving.corrected(everyone, everyone)
        ratio = moving.log_ratio().exp().prod(-1, keepdim=True)
        assert torch.equal(before, first.advantages), "nobody has moved yet"
        assert not torch.allclose(later.advantages, first.advantages)
        return before, moving.scored(later), later.advantages, ratio

    def test_by_corrected_advantages(self):
        _, after, corrected, _ = self.scored("corrected")
        assert torch.equal(after, corrected)

    def test_by_those_of_before_the_update(self):
        before, after, _, _ = self.scored("initial")
        assert torch.equal(after, before)

    def test_by_corrected_advantages_times_the_joint_ratio(self):
        _, after, corrected, ratio = self.scored("weighted")
        torch.testing.assert_close(after, corrected * ratio)
        assert not torch.allclose(after, corrected)

    @pytest.mark.parametrize("share", [True, False])
    def test_the_most_urgent_agent_goes_first_and_last_in_reverse(self, share, monkeypatch):
        scores = torch.tensor([1.0, 3.0, 2.0])
        monkeypatch.setattr("marlzoo_a2po.algorithm.urgency", lambda *_: scores)
        for order, expected in (("greedy", [1, 2, 0]), ("reverse_greedy", [0, 2, 1])):
            algorithm = with_full_rollout(
                MortalWorld(4), order=order, blocks=3, epochs=3, share_parameters=share
            )
            turns, improve = [], MovingRollout.improve

            def noting(self, agents, *rest, turns=turns, improve=improve):
                turns.append(agents.tolist())
                return improve(self, agents, *rest)

            monkeypatch.setattr(MovingRollout, "improve", noting)
            algorithm.update()
            monkeypatch.setattr(MovingRollout, "improve", improve)
            if share:
                assert turns == [expected[:1], expected[:2], expected]
            else:
                assert turns == [[agent] for agent in expected for _ in range(3)]


class TestRanges:
    order = torch.tensor([2, 0, 1])

    def clips(self, rule, blocks):
        algorithm = with_full_rollout(MortalWorld(4), clip=0.2, adaptive_clip=rule)
        moving = MovingRollout(algorithm, algorithm.config, algorithm.valuation.evaluate(algorithm.rollout))
        return algorithm._clips(moving, self.order, blocks)

    def test_by_position_of_the_block(self):
        # Agents 2 and 0 are in the first of two blocks: 0.2 (0.5 / 2 + 0.5).
        assert self.clips("position", 2).tolist() == pytest.approx([0.15, 0.2, 0.15])

    def test_none(self):
        assert self.clips("none", 2) == 0.2

    def test_by_ratio_is_the_rule_for_a_shared_actor(self):
        assert self.clips("auto", 2).tolist() == pytest.approx([0.2, 0.2, 0.2])

    def test_targets_of_the_critic_stay_uncorrected_on_request(self):
        for trace_targets in (True, False):
            algorithm = with_full_rollout(MortalWorld(4), 1, trace_targets=trace_targets)
            values = algorithm.valuation.evaluate(algorithm.rollout)
            moving, everyone = MovingRollout(algorithm, algorithm.config, values), torch.arange(3)
            first = moving.corrected(None, everyone)
            moving.improve(everyone, everyone, first, 0.2)
            later = moving.corrected(everyone, everyone)
            assert not torch.equal(later.advantages, first.advantages)
            assert torch.equal(later.targets, first.targets) == (not trace_targets)
            assert moving.trace < 1.0


class TestTheDead:
    @pytest.mark.parametrize("share", [True, False])
    def test_what_they_saw_and_did_does_not_matter(self, share):
        algorithms = [with_full_rollout(MortalWorld(4), share_parameters=share) for _ in range(2)]
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

    def test_a_rollout_of_nobody_alive_leaves_the_actor_alone(self):
        algorithm = with_full_rollout(MortalWorld(4))
        before = parameters(algorithm.policies[0].actor)
        algorithm.rollout.alive[:] = False
        assert "policy_loss" not in algorithm.update()
        assert torch.equal(parameters(algorithm.policies[0].actor), before)


class TestLearning:
    def test_continuous_actions(self):
        env = TargetWorld(16)
        options = {"rollout_length": 16, "epochs": 5, "lr": 3e-3, "critic_lr": 3e-3, "entropy_coef": 0.0}
        algorithm = make(
            A2po, A2poConfig, env, timeout="bootstrap", log_std=-0.5, share_parameters=False, **options
        )
        driver = Driver(algorithm, env)
        before = driver.play(40).mean()
        driver.learn(20)
        driver.restart(root=1)
        assert driver.play(40).mean() > before + 0.2

    def test_a_memory(self):
        env = RecallWorld(16)
        options = {"rollout_length": 16, "chunk_length": 16, "epochs": 6, "lr": 5e-3, "critic_lr": 5e-3}
        driver = Driver(make(A2po, A2poConfig, env, recurrent=True, **options), env).learn(12)
        driver.restart(root=1)
        # One of four steps pays, at best 1.
        assert driver.play(40).mean() > 0.22

    def test_separate_rewards(self):
        env = UnevenWorld(16)
        driver = Driver(make(A2po, A2poConfig, env, lr=3e-3, critic_lr=3e-3), env)
        before = driver.play(40, Mode.SAMPLE).mean()
        driver.learn(15)
        driver.restart(root=1)
        assert driver.play(40, Mode.SAMPLE).mean() > before + 0.15
        assert driver.algorithm.valuation.input.columns == 3
