"""The evaluator counts the right episodes, once each, whatever the batch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from tiny_zoo import EchoConfig, EchoEnv, Parrot, ParrotConfig

from marlzoo.algorithm import Context, Decision, Mode
from marlzoo.errors import RunError
from marlzoo.run import evaluator as evaluator_module
from marlzoo.run.evaluator import Evaluator
from marlzoo.run.seeding import SeedTree

AGENTS = 2
CONFIG = EchoConfig(ending=0.2)


def make_env(num_envs: int) -> EchoEnv:
    return EchoEnv(AGENTS, CONFIG, num_envs)


class Fickle(Parrot):
    """A policy whose actions depend on its carry, so that a carry of the wrong episode would show."""

    modes: set[Mode]

    def act(self, view: Any, carry: Any, mode: Mode) -> Decision:
        self.modes = getattr(self, "modes", set()) | {mode}
        decision = super().act(view, carry, mode)
        actions = torch.where((decision.carry[0] % 3 == 0)[:, None], 0, decision.actions)
        return Decision(actions, decision.carry)


def policy() -> Fickle:
    context = Context(SeedTree(0).policy(), SeedTree(0).initial(), 100)
    return Fickle(make_env(1).world, ParrotConfig(), context)


def literal_episode(algorithm: Fickle, seed: np.random.SeedSequence) -> tuple[float, int, float]:
    """One episode in an environment of its own, written out."""
    env = make_env(1)
    view, carry, total, length = env.reset([seed]), algorithm.initial_carry(1), 0.0, 0
    while True:
        decision = algorithm.act(view, carry, Mode.GREEDY)
        step = env.step(decision.actions)
        total, length = total + step.reward.mean().item(), length + 1
        if step.terminated.item() or step.truncated.item():
            return total, length, step.info["hit_all"][0]
        view, carry = env.reset_done(), decision.carry


@pytest.mark.parametrize("batch", [1, 3, 8, 32])
def test_every_seed_is_one_episode_whatever_the_batch(batch: int) -> None:
    algorithm, seeds = policy(), SeedTree(5).evaluation(2, 20)
    with torch.no_grad():
        expected = [literal_episode(algorithm, seed) for seed in seeds]
    episodes = Evaluator(make_env, batch).play(algorithm, seeds)
    assert episodes is not None
    returns, lengths, hits = zip(*expected, strict=True)
    assert episodes.lengths.tolist() == list(lengths)
    assert len(set(lengths)) > 3
    np.testing.assert_allclose(episodes.returns, returns, rtol=1e-6)
    assert episodes.metrics["hit_all"].tolist() == list(hits)


def test_evaluating_twice_gives_the_same_and_draws_nothing() -> None:
    algorithm, evaluator = policy(), Evaluator(make_env, 4)
    before, world = algorithm.context.generator.get_state(), torch.random.get_rng_state()
    first = evaluator.play(algorithm, SeedTree(1).absolute(6))
    evaluator.play(algorithm, SeedTree(1).absolute(3))
    again = evaluator.play(algorithm, SeedTree(1).absolute(6))
    assert first is not None
    assert again is not None
    assert first.returns.tolist() == again.returns.tolist()
    assert torch.equal(before, algorithm.context.generator.get_state())
    assert torch.equal(world, torch.random.get_rng_state())
    assert algorithm.modes == {Mode.GREEDY}


def test_it_can_be_stopped_on_the_way() -> None:
    asked = iter([False] * 5)
    assert Evaluator(make_env, 4).play(policy(), SeedTree(1).absolute(6), lambda: next(asked, True)) is None


def test_an_episode_that_never_ends_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluator_module, "STEP_LIMIT", 3)
    endless = Evaluator(lambda count: EchoEnv(AGENTS, EchoConfig(ending=0.0), count), 2)
    with pytest.raises(RunError, match="did not end within 3 steps"):
        endless.play(policy(), SeedTree(1).absolute(2))


def test_the_environment_is_built_on_first_use_and_closed() -> None:
    built: list[EchoEnv] = []

    def make(count: int) -> EchoEnv:
        built.append(make_env(count))
        return built[-1]

    evaluator = Evaluator(make, 2)
    evaluator.close()
    assert not built
    evaluator.play(policy(), SeedTree(1).absolute(2))
    evaluator.play(policy(), SeedTree(1).absolute(2))
    assert len(built) == 1
