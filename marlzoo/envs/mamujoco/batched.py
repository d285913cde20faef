"""MA-MuJoCo as a batched environment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from marlzoo.algorithm import AgentInfo, View, World
from marlzoo.envs.contract import BatchedEnv, StepResult
from marlzoo.envs.mamujoco.config import MamujocoConfig
from marlzoo.envs.mamujoco.engine import Engine
from marlzoo.envs.mamujoco.partitions import TaskName, parse_task
from marlzoo.envs.mamujoco.presenting import Presentation
from marlzoo.envs.mamujoco.version import ADAPTER_VERSION
from marlzoo.envs.outputs import AlternatingViews, StepArrays
from marlzoo.errors import UsageError


def make(task: str, config: MamujocoConfig, num_envs: int) -> MamujocoEnv:
    """`num_envs` copies of the task `<Scenario>-<partition>`.

    Raises:
        UsageError: no such task, or no fast path for it where one was asked for.
        MissingPieceError: the task needs gymnasium-robotics and it is not installed.
    """
    return MamujocoEnv(build_engine(parse_task(task), config, num_envs), config, num_envs)


def build_engine(task: TaskName, config: MamujocoConfig, num_envs: int) -> Engine:
    """The fast path where there is one, or what `config.implementation` asks for."""
    if config.implementation == "reference" or (config.implementation == "auto" and not task.has_fast_path):
        from marlzoo.envs.mamujoco.reference import ReferenceEngine

        return ReferenceEngine(task, config.obsk, num_envs)
    if not task.has_fast_path:
        raise UsageError(f"{task} has no fast path; leave 'implementation' at auto or set it to reference")
    from marlzoo.envs.mamujoco.fast import FastEngine

    return FastEngine(task, config.obsk, num_envs)


class MamujocoEnv(BatchedEnv):
    """E copies of one task. Agents never die; every agent's reward is the task's."""

    backend = "mujoco"

    def __init__(self, engine: Engine, config: MamujocoConfig, num_envs: int) -> None:
        self._engine = engine
        self._presentation = Presentation(engine, config.presenting)
        self.backend_version = f"{engine.version}, adapter {ADAPTER_VERSION}"
        self.world = _world(engine, self._presentation, num_envs)
        self._views = AlternatingViews(self.world)
        self._step = StepArrays(self.world)
        self._generators: list[np.random.Generator] = []

    def reset(self, seeds: Sequence[np.random.SeedSequence]) -> View:
        if len(seeds) != self.world.num_envs:
            raise UsageError(
                f"reset needs {self.world.num_envs} seeds, one per environment, not {len(seeds)}"
            )
        self._generators = [np.random.Generator(np.random.PCG64(seed)) for seed in seeds]
        self._engine.reset(range(len(seeds)), self._generators)
        self._step.forget_ends()
        return self._show(first=True)

    def step(self, actions: Tensor) -> StepResult:
        joint = actions.numpy().astype(np.float64)
        self._check(joint)
        outcome = self._engine.step(self._presentation.controls(joint))
        self._step.reward[...] = outcome.reward[:, None]
        self._step.terminated[...] = outcome.terminated
        self._step.truncated[...] = outcome.truncated
        self._views.advance()
        return StepResult(
            view=self._show(first=False),
            reward=self._step.reward_tensor,
            terminated=self._step.terminated_tensor,
            truncated=self._step.truncated_tensor,
            info={},
        )

    def _check(self, joint: NDArray[np.float64]) -> None:
        expected = (self.world.num_envs, self.world.num_agents, self.world.action_dim)
        if joint.shape != expected:
            raise UsageError(f"actions have shape {joint.shape}, expected [E, N, A] = {expected}")
        if not np.isfinite(joint).all():
            env, agent, _ = np.argwhere(~np.isfinite(joint))[0]
            raise UsageError(f"the action of agent {agent} in environment {env} is not finite")

    def reset_done(self) -> View:
        done = np.flatnonzero(self._step.ended).tolist()
        if not done:
            return self._views.current.view
        self._engine.reset(done, [self._generators[index] for index in done])
        return self._show(first=self._step.ended)

    def _show(self, first: bool | NDArray[np.bool_]) -> View:
        arrays = self._views.current
        arrays.obs[...] = self._presentation.observations()
        arrays.state[...] = self._presentation.states()
        arrays.first[...] = first
        return arrays.view

    def snapshot(self) -> dict[str, Any]:
        return {
            "engine": self._engine.capture(),
            "generators": [generator.bit_generator.state for generator in self._generators],
            "view": self._views.snapshot(),
        }

    def restore(self, snapshot: Mapping[str, Any]) -> View:
        self._engine.restore(snapshot["engine"])
        self._generators = [_generator(state) for state in snapshot["generators"]]
        self._step.forget_ends()
        return self._views.restore(snapshot["view"])

    def frame(self, index: int = 0) -> NDArray[np.uint8]:
        """A picture `[480, 480, 3]` of one copy, also without a display.

        Raises:
            MissingPieceError: there is neither a display nor EGL or OSMesa.
        """
        return self._engine.frame(index)

    def close(self) -> None:
        self._engine.close()


def _generator(state: Mapping[str, Any]) -> np.random.Generator:
    bits: Any = np.random.PCG64()
    bits.state = dict(state)
    return np.random.Generator(bits)


def _world(engine: Engine, presentation: Presentation, num_envs: int) -> World:
    shape = engine.shape
    dims = list(zip(presentation.obs_dims, shape.action_dims, strict=True))
    kinds = list(dict.fromkeys(dims))
    agents = tuple(
        AgentInfo(f"agent_{number}", f"part_{kinds.index(pair)}", *pair) for number, pair in enumerate(dims)
    )
    return World(
        num_envs=num_envs,
        agents=agents,
        obs_dim=presentation.obs_dim,
        action_kind="continuous",
        action_dim=shape.action_dim,
        state_dim=shape.state_dim,
        horizon=shape.horizon,
        action_low=presentation.action_low,
        action_high=presentation.action_high,
    )
