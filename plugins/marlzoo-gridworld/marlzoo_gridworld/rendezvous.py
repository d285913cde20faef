"""Rendezvous: agents on a grid are to meet in one cell as soon as they can.

Everybody moves at once, one cell up, down, left or right, or stays; cells hold any number of agents. With `R`
the fewest steps in which the agents could meet (the smallest over all cells of the longest way there), a step
pays the team

    (R_before - R_after) / R_start - step_cost.

The sum telescopes: a team that meets gets `1 - step_cost * steps`, and the best possible is
`1 - step_cost * R_start`, reached by walking straight to a cell where `R` is attained. The score `efficiency`
is `R_start / steps`, 0 for a team that did not meet: 1 is the optimum, whatever the grid.

An agent sees where it is and how far the team reaches from there along both diagonals, for that alone decides
`R` away from walls. What is seen does not depend on the number of agents.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from marlzoo.api import AgentInfo, BatchedEnv, StepResult, UsageError, View, World
from marlzoo_gridworld.config import GridworldConfig, Task
from marlzoo_gridworld.version import __version__

MOVES = np.array([[0, 0], [0, 1], [0, -1], [-1, 0], [1, 0]])
"""What the actions stay, up, down, left and right add to `(x, y)`."""

OBS_DIM = 7
"""Place (2), reach of the team along the diagonals (4), time left (1)."""

STATE_DIM = 5
"""The team's extremes along the diagonals (4), time left (1)."""

Integers = NDArray[np.int64]


def make(task: str, config: GridworldConfig, num_envs: int) -> Rendezvous:
    """What the family's spec names. Raises `UsageError` for a task that there is not."""
    return Rendezvous(Task.named(task), config, num_envs)


class Rendezvous(BatchedEnv):
    """E grids, stepped in NumPy; grid i draws the places where its episodes start from `seeds[i]`."""

    backend = "gridworld"
    backend_version = __version__
    episode_metrics = ("efficiency", "met")

    def __init__(self, task: Task, config: GridworldConfig, num_envs: int) -> None:
        self.task = task
        self.step_cost = config.step_cost
        self.horizon = config.horizon or 2 * (task.width + task.height)
        self.world = World(
            num_envs=num_envs,
            agents=tuple(AgentInfo(f"agent_{n}", "walker", OBS_DIM, len(MOVES)) for n in range(task.agents)),
            obs_dim=OBS_DIM,
            action_kind="discrete",
            action_dim=len(MOVES),
            state_dim=STATE_DIM,
            has_action_mask=True,
            horizon=self.horizon,
        )
        self._places: Integers = np.zeros((num_envs, task.agents, 2), np.int64)
        self._clock: Integers = np.zeros(num_envs, np.int64)
        self._at_start: Integers = np.ones(num_envs, np.int64)
        self._ended: NDArray[np.bool_] = np.zeros(num_envs, np.bool_)
        self._generators: list[np.random.Generator] = []
        self._views = (_blank_view(self.world), _blank_view(self.world))
        self._turn = 0

    def reset(self, seeds: Sequence[np.random.SeedSequence]) -> View:
        if len(seeds) != self.world.num_envs:
            raise UsageError(f"got {len(seeds)} seeds for {self.world.num_envs} environments; pass one each")
        self._generators = [np.random.default_rng(seed) for seed in seeds]
        self._ended[:] = True
        return self.reset_done()

    def step(self, actions: Tensor) -> StepResult:
        self._refuse_illegal(actions)
        before = self._steps_needed()
        self._places += MOVES[actions.numpy()]
        self._clock += 1
        needed = self._steps_needed()
        met = needed == 0
        late = ~met & (self._clock >= self.horizon)
        self._ended = met | late
        self._turn = 1 - self._turn
        paid = (before - needed) / self._at_start - self.step_cost
        return StepResult(
            self._show(np.zeros_like(met)),
            torch.from_numpy(paid.astype(np.float32)).unsqueeze(-1).repeat(1, self.task.agents),
            torch.from_numpy(met),
            torch.from_numpy(late),
            {
                "efficiency": np.where(met, self._at_start / self._clock, 0.0),
                "met": met.astype(np.float64),
            },
        )

    def reset_done(self) -> View:
        started = self._ended
        self._ended = np.zeros_like(started)
        for env in started.nonzero()[0]:
            self._places[env] = self._draw(self._generators[env])
        self._clock[started] = 0
        self._at_start[started] = self._steps_needed()[started]
        return self._show(started)

    def snapshot(self) -> dict[str, Any]:
        return {
            "places": self._places.copy(),
            "clock": self._clock.copy(),
            "at_start": self._at_start.copy(),
            "first": self._views[self._turn].first.numpy().copy(),
            "generators": [generator.bit_generator.state for generator in self._generators],
        }

    def restore(self, snapshot: Mapping[str, Any]) -> View:
        places = np.asarray(snapshot["places"])
        if places.shape != self._places.shape:
            raise UsageError(
                f"the snapshot has places {places.shape}, expected {self._places.shape}; restore it into an "
                "equal environment with as many copies"
            )
        self._places[...] = places
        self._clock[:] = snapshot["clock"]
        self._at_start[:] = snapshot["at_start"]
        self._ended[:] = False
        self._generators = [np.random.default_rng() for _ in snapshot["generators"]]
        for generator, state in zip(self._generators, snapshot["generators"], strict=True):
            generator.bit_generator.state = state
        return self._show(np.asarray(snapshot["first"]))

    def _draw(self, generator: np.random.Generator) -> Integers:
        """Places `[N, 2]` that are not all the same."""
        size = (self.task.width, self.task.height)
        while True:
            places: Integers = generator.integers(0, size, (self.task.agents, 2))
            if (places != places[0]).any():
                return places

    def _steps_needed(self) -> Integers:
        return steps_to_meet(self._places, self.task.width, self.task.height)

    def _refuse_illegal(self, actions: Tensor) -> None:
        shape, mask = (self.world.num_envs, self.task.agents), self._views[self._turn].action_mask
        if actions.dtype != torch.int64 or actions.shape != shape:
            raise UsageError(
                f"got actions {actions.dtype} {tuple(actions.shape)}; expected torch.int64 {shape}"
            )
        known = (actions >= 0) & (actions < len(MOVES))
        if not known.all() or (mask is not None and not mask.gather(-1, actions.unsqueeze(-1)).all()):
            raise UsageError("an action leaves the grid; choose among those that View.action_mask shows")

    def _show(self, first: NDArray[np.bool_]) -> View:
        """Write the present moment into the arrays of the current view."""
        view, size = self._views[self._turn], np.array([self.task.width, self.task.height])
        left = 1 - self._clock / self.horizon
        low, high = _extremes(self._places)
        own = _diagonals(self._places)
        reach = np.concatenate([low - own, high - own], -1) / size.sum()
        place = 2 * self._places / np.maximum(size - 1, 1) - 1
        times = np.broadcast_to(left[:, None, None], (*own.shape[:2], 1))
        _write(view.obs, np.concatenate([place, reach, times], -1))
        if view.state is not None:
            edges = np.concatenate([low[:, 0], high[:, 0]], -1) / size.sum()
            _write(view.state, np.concatenate([edges, left[:, None]], -1))
        if view.action_mask is not None:
            there = self._places[:, :, None] + MOVES
            view.action_mask.numpy()[...] = ((there >= 0) & (there < size)).all(-1)
        view.first.numpy()[...] = first
        return view


def steps_to_meet(places: Integers, width: int, height: int) -> Integers:
    """The fewest steps `[E]` in which agents at `places [E, N, 2]` can be in one cell of the grid."""
    across = np.abs(places[..., :1] - np.arange(width))
    along = np.abs(places[..., 1:] - np.arange(height))
    longest = (across[..., :, None] + along[..., None, :]).max(1)
    fewest: Integers = longest.min((1, 2))
    return fewest


def _diagonals(places: Integers) -> Integers:
    """`(x + y, x - y)`: a step changes each by one, so ways are as long as the larger difference."""
    x, y = places[..., 0], places[..., 1]
    return np.stack([x + y, x - y], -1)


def _extremes(places: Integers) -> tuple[Integers, Integers]:
    """The team's lowest and highest diagonals, `[E, 1, 2]` each."""
    diagonals = _diagonals(places)
    return diagonals.min(1, keepdims=True), diagonals.max(1, keepdims=True)


def _write(tensor: Tensor, values: NDArray[Any]) -> None:
    tensor.numpy()[...] = values


def _blank_view(world: World) -> View:
    envs, agents = world.num_envs, world.num_agents
    return View(
        obs=torch.zeros(envs, agents, world.obs_dim),
        alive=torch.ones(envs, agents, dtype=torch.bool),
        first=torch.zeros(envs, dtype=torch.bool),
        state=torch.zeros(envs, world.state_dim),
        action_mask=torch.zeros(envs, agents, world.action_dim, dtype=torch.bool),
    )
