"""What every algorithm must pass, as a pytest class.

A plug-in's test module needs no more than

    class TestFoo(AlgorithmContract):
        spec = AlgorithmSpec(...)
        options = {"rollout_length": 8}

`options` are settings that make the algorithm learn quickly in tiny worlds; those that its configuration does
not have are left out.
"""

from __future__ import annotations

import io
import random
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np
import pytest
import torch

from marlzoo.algorithm import Algorithm, Mode, View
from marlzoo.envs.contract import BatchedEnv
from marlzoo.specs import AlgorithmSpec
from marlzoo.testing.driver import Driver, build
from marlzoo.testing.worlds import GhostWorld, MatrixGame, MortalWorld, TargetWorld, UnevenWorld

WORLDS: dict[str, Callable[[int], BatchedEnv]] = {
    "matrix": MatrixGame,
    "mortal": MortalWorld,
    "uneven": UnevenWorld,
    "target": TargetWorld,
}


class AlgorithmContract:
    """Subclass it and set `spec`; pytest collects the tests."""

    spec: ClassVar[AlgorithmSpec]
    options: ClassVar[Mapping[str, Any]] = {}
    envs: ClassVar[int] = 4
    updates: ClassVar[int] = 2
    """Updates after which the algorithm's state is worth comparing."""
    learning_envs: ClassVar[int] = 16
    learning_updates: ClassVar[int] = 60
    """Updates in which the matrix game must be learned."""

    @pytest.fixture(params=sorted(WORLDS))
    def world(self, request: pytest.FixtureRequest) -> str:
        """The name of a world whose kind of action the algorithm claims."""
        name: str = request.param
        claimed = self.spec.continuous if name == "target" else self.spec.discrete
        if not claimed:
            pytest.skip(f"{self.spec.name} does not claim the actions of {name}")
        return name

    def driver(self, world: str, seed: int = 0, envs: int | None = None) -> Driver:
        """The algorithm, fresh, in a world."""
        env = WORLDS[world](envs or self.envs)
        return Driver(build(self.spec, env, self.options, seed), env)

    def test_actions_are_legal_and_shaped(self, world: str) -> None:
        """The worlds refuse illegal actions, so playing is the test."""
        driver = self.driver(world)
        components = () if driver.env.world.discrete else (driver.env.world.action_dim,)
        shape = (self.envs, driver.env.world.num_agents, *components)
        driver.play(10, Mode.GREEDY)
        driver.learn(self.updates)
        assert driver.actions[0].shape == shape
        assert driver.actions[0].dtype == (torch.int64 if driver.env.world.discrete else torch.float32)

    def test_metrics_are_finite_floats(self, world: str) -> None:
        driver = self.driver(world).learn(self.updates)
        assert len(driver.metrics) == self.updates
        for metrics in driver.metrics:
            assert all(isinstance(value, float) for value in metrics.values())
            assert np.isfinite(list(metrics.values())).all()

    def test_same_seed_same_run(self, world: str) -> None:
        one, other = (self.driver(world).learn(self.updates) for _ in range(2))
        assert torch.equal(torch.stack(one.actions), torch.stack(other.actions))
        assert one.metrics == other.metrics

    def test_leaves_global_generators_alone(self, world: str) -> None:
        before = _global_generators()
        self.driver(world).learn(self.updates).play(3)
        assert _global_generators() == before

    def test_greedy_play_draws_nothing_and_remembers_nothing(self, world: str) -> None:
        driver = self.driver(world).learn(1)
        generator = driver.algorithm.context.generator.get_state()
        saved = _frozen(driver.algorithm)
        driver.play(5, Mode.GREEDY)
        assert torch.equal(driver.algorithm.context.generator.get_state(), generator)
        assert _frozen(driver.algorithm) == saved

    def test_greedy_choice_does_not_depend_on_the_batch(self, world: str) -> None:
        driver = self.driver(world).learn(self.updates)
        driver.restart(root=5)
        algorithm, carry = driver.algorithm, driver.carry
        whole = algorithm.act(driver.view, carry, Mode.GREEDY).actions
        alone = [
            algorithm.act(_only(driver.view, env), algorithm.initial_carry(1), Mode.GREEDY).actions
            for env in range(self.envs)
        ]
        # Matrix products of other shapes round differently; actions must not change, means hardly.
        torch.testing.assert_close(torch.cat(alone), whole, atol=1e-5, rtol=1e-5)

    def test_resumed_run_equals_the_uninterrupted_one(self, world: str) -> None:
        driver = self.driver(world).learn(self.updates)
        resumed = self._resume(driver, world)
        marks = len(driver.actions), len(driver.metrics)
        driver.learn(self.updates)
        resumed.learn(self.updates)
        assert torch.equal(torch.stack(driver.actions[marks[0] :]), torch.stack(resumed.actions))
        assert driver.metrics[marks[1] :] == resumed.metrics

    def _resume(self, driver: Driver, world: str) -> Driver:
        """Another driver that goes on from a saved state, whatever its own initial weights are."""
        saved = {
            "algorithm": driver.algorithm.state_dict(),
            "generator": driver.algorithm.context.generator.get_state(),
            "carry": driver.carry,
        }
        loaded, resumed = _through_a_file(saved), self.driver(world, seed=9)
        resumed.algorithm.load_state_dict(loaded["algorithm"])
        resumed.algorithm.context.generator.set_state(loaded["generator"])
        resumed.view, resumed.carry = resumed.env.restore(driver.env.snapshot()), loaded["carry"]
        return resumed

    def test_policy_acts_with_another_number_of_agents(self) -> None:
        if not (self.spec.count_free and self.spec.discrete):
            pytest.skip(f"{self.spec.name} does not claim to be free of the number of agents")
        trained = Driver(self._in(MortalWorld(self.envs, agents=3)), MortalWorld(self.envs, agents=3))
        state = _through_a_file(trained.learn(self.updates).algorithm.state_dict())
        for agents in (1, 7):
            larger = MortalWorld(2, agents=agents)
            driver = Driver(self._in(larger, seed=3), larger)
            driver.algorithm.load_policy(state)
            assert driver.play(10).shape == (10, 2, agents)

    def test_the_dead_learn_nothing(self) -> None:
        if not self.spec.discrete:
            pytest.skip(f"{self.spec.name} does not claim discrete actions")
        env = GhostWorld(self.learning_envs, dead=True)
        driver = Driver(self._in(env), env).learn(self.learning_updates // 2)
        chosen = driver.play(50, Mode.SAMPLE).mean()
        assert 0.15 < chosen < 0.85

    def test_learns_a_matrix_game(self) -> None:
        if not self.spec.discrete:
            pytest.skip(f"{self.spec.name} does not claim discrete actions")
        env = MatrixGame(self.learning_envs)
        driver = Driver(self._in(env), env).learn(self.learning_updates)
        assert driver.play(1).mean() > 2.0 * env.random_return

    def _in(self, env: BatchedEnv, seed: int = 0) -> Algorithm:
        return build(self.spec, env, self.options, seed)


def _only(view: View, env: int) -> View:
    """The view of one environment."""
    values = {name: value[env : env + 1] for name, value in vars(view).items() if value is not None}
    return View(**values)


def _through_a_file(state: Any) -> Any:
    """Saved and loaded as a checkpoint is, which refuses anything but tensors and primitives."""
    file = io.BytesIO()
    torch.save(state, file)
    file.seek(0)
    return torch.load(file, weights_only=True)


def _frozen(algorithm: Algorithm) -> bytes:
    file = io.BytesIO()
    torch.save(algorithm.state_dict(), file)
    return file.getvalue()


def _global_generators() -> tuple[bytes, str, str]:
    numpy_state = np.random.get_state(legacy=False)  # noqa: NPY002 - the legacy generator is what is watched
    return torch.get_rng_state().numpy().tobytes(), repr(numpy_state), repr(random.getstate())
