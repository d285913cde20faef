"""DubinsCar as a batched environment: E arenas of N cars, stepped by one compiled call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from marlzoo.algorithm import AgentInfo, View, World
from marlzoo.envs.contract import BatchedEnv, StepResult
from marlzoo.envs.dubins.boxes import fill_boxes
from marlzoo.envs.dubins.config import DubinsConfig, Settings, resolve
from marlzoo.envs.dubins.drawing import DrawnArena
from marlzoo.envs.dubins.dynamics import make_physics
from marlzoo.envs.dubins.metrics import NOMINAL_METRICS, Results
from marlzoo.envs.dubins.rules import make_rules
from marlzoo.envs.dubins.step import (
    all_finite,
    finish_all,
    make_arena,
    make_backstage,
    make_outputs,
    show_all,
    spawn_all,
    step_all,
)
from marlzoo.envs.dubins.streams import make_streams
from marlzoo.envs.dubins.version import VERSION
from marlzoo.errors import UsageError


def make(task: str, config: DubinsConfig, num_envs: int) -> DubinsEnv:
    """The environment `dubins:<task>`.

    Raises:
        UsageError: no such task.
    """
    return DubinsEnv(resolve(task, config), num_envs)


def describe_world(settings: Settings, num_envs: int) -> World:
    """What an algorithm may know: every car is of one group, and nothing but `agents` grows with their
    number."""
    agents = tuple(AgentInfo(f"car_{i}", "cars", settings.obs_dim, 2) for i in range(settings.cars))
    return World(
        num_envs=num_envs,
        agents=agents,
        obs_dim=settings.obs_dim,
        action_kind="continuous",
        action_dim=2,
        state_dim=settings.state_dim,
        state_per_agent=settings.team_state,
        reward_per_agent=not settings.shared_reward and settings.reward != "uref",
        horizon=settings.horizon,
    )


class _Shown:
    """One set of output arrays and the tensors over them, made once."""

    def __init__(self, settings: Settings, num_envs: int, info: Mapping[str, np.ndarray]) -> None:
        self.arrays = make_outputs(settings, num_envs)
        shape = (num_envs, settings.cars)
        tensors = map(torch.from_numpy, self.arrays)
        obs, neighbours, places, state, reward, first, terminated, truncated = tensors
        self.view = View(
            obs=obs.view(*shape, -1),
            alive=torch.ones(shape, dtype=torch.bool),
            first=first,
            state=state.view(*shape, -1) if settings.team_state else None,
            neighbours=neighbours.view(*shape, -1),
            places=places.view(*shape, 2),
        )
        self.step = StepResult(self.view, reward.view(shape), terminated, truncated, info)


class DubinsEnv(DrawnArena, BatchedEnv):
    """E copies of one DubinsCar task. Actions are `[E, N, 2]`: turn and acceleration, in [-1, 1]; what lies
    outside is clipped."""

    backend_version = VERSION

    def __init__(self, settings: Settings, num_envs: int) -> None:
        self.settings = settings
        self.world = describe_world(settings, num_envs)
        self.episode_metrics = tuple(
            name for name in Results._fields if settings.score_nominal or name not in NOMINAL_METRICS
        )
        self._physics = make_physics(
            settings.variant, np.float32, turn_gain=settings.turn_gain, compat=settings.compat
        )
        self._rules = make_rules(settings)
        self._arena = make_arena(settings, num_envs)
        self._backstage = make_backstage(settings, num_envs)
        info = {name: getattr(self._backstage.results, name) for name in self.episode_metrics}
        self._pair = (_Shown(settings, num_envs, info), _Shown(settings, num_envs, info))
        self._everywhere = np.ones(num_envs, np.bool_)
        self._turn = 0
        self._restarts = 0

    def reset(self, seeds: Sequence[np.random.SeedSequence]) -> View:
        if len(seeds) != self.world.num_envs:
            raise UsageError(f"got {len(seeds)} seeds for {self.world.num_envs} environments; pass one each")
        self._arena.streams[:] = make_streams(seeds)
        self._start(self._everywhere)
        self._forget_ends()
        return self._now.view

    def step(self, actions: Tensor) -> StepResult:
        commands = self._checked(actions)
        self._turn = 1 - self._turn
        if step_all(commands, self._arena, self._rules, self._physics, self._now.arrays):
            finish_all(self._arena, self._backstage, self._rules, self._physics, self._now.arrays)
        return self._now.step

    def reset_done(self) -> View:
        ended = self._now.arrays.terminated | self._now.arrays.truncated
        if ended.any():
            self._start(ended)
        return self._now.view

    def snapshot(self) -> dict[str, Any]:
        state = {name: array.copy() for name, array in self._state().items()}
        return {**state, "restarts": self._restarts}

    def restore(self, snapshot: Mapping[str, Any]) -> View:
        for name, array in self._state().items():
            saved = np.asarray(snapshot.get(name))
            if saved.shape != array.shape or saved.dtype != array.dtype:
                raise UsageError(
                    f"the snapshot's {name!r} is {saved.dtype} {saved.shape}, expected {array.dtype} "
                    f"{array.shape}; restore into an equal environment with as many copies"
                )
            array[...] = saved
        self._restarts = int(snapshot["restarts"])
        if self.settings.boxes:
            for env in range(self.world.num_envs):
                fill_boxes(env, self._arena.around.boxes)
        show_all(self._everywhere, self._arena, self._rules, self._physics, self._now.arrays)
        self._forget_ends()
        return self._now.view

    def diagnostics(self) -> Mapping[str, float]:
        """`layout_restarts`: layouts given up because something found no place."""
        return {"layout_restarts": float(self._restarts)}

    def flags(self) -> dict[str, np.ndarray]:
        """The cars' present flags by name, each `[E, N]` bool."""
        senses, shape = self._arena.senses, tuple(self._now.view.alive.shape)
        present = {
            "reach": self._arena.cars.distance < self._rules.reach_radius,
            "collision": senses.contact | senses.hit,
            "car_collision": senses.contact.copy(),
            "obstacle_collision": senses.hit.copy(),
        }
        return {name: values.reshape(shape) for name, values in present.items()}

    @property
    def _now(self) -> _Shown:
        return self._pair[self._turn]

    def _state(self) -> dict[str, np.ndarray]:
        """Every array that the future depends on, by name."""
        arena = self._arena
        groups: dict[str, NamedTuple] = {
            "cars": arena.cars,
            "senses": arena.senses,
            "ledger": arena.ledger,
            "points": arena.around.points,
        }
        arrays = {f"{name}.{key}": value for name, group in groups.items() for key, value in _fields(group)}
        return {**arrays, "boxes": arena.around.boxes.shapes, "time": arena.time, "streams": arena.streams}

    def _forget_ends(self) -> None:
        arrays = self._now.arrays
        arrays.terminated[:] = arrays.truncated[:] = False

    def _checked(self, actions: Tensor) -> np.ndarray:
        """The actions as `[E * N, 2]`. Raises `UsageError` unless they are finite and have this size."""
        if actions.dtype != torch.float32 or actions.shape != (*self._now.view.alive.shape, 2):
            raise UsageError(
                f"got actions {actions.dtype} {tuple(actions.shape)}; "
                f"expected torch.float32 {(*self._now.view.alive.shape, 2)}"
            )
        rows: np.ndarray = actions.detach().reshape(-1, 2).contiguous().numpy()
        if not all_finite(rows):
            raise UsageError("an action is not finite; check the policy for NaN or infinite outputs")
        return rows

    def _start(self, which: np.ndarray) -> None:
        restarts = spawn_all(which, self._arena, self._backstage.spawner)
        if restarts < 0:
            raise UsageError(
                f"{self.settings.cars} cars find no places in an arena of side {self.settings.area:g}; "
                "raise area or max_travel, or lower obstacles"
            )
        self._restarts += restarts
        show_all(which, self._arena, self._rules, self._physics, self._now.arrays)


def _fields(group: NamedTuple) -> list[tuple[str, np.ndarray]]:
    return list(group._asdict().items())
