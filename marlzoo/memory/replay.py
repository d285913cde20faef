"""The off-policy memory: a ring of whole episodes, for learners that remember over time.

Episodes differ in length, so they lie one after the other in a ring of rows: the memory needed is known
beforehand, and nothing is spent on padding until a batch is sampled. Every number keeps its type, but for
discrete actions, which take a byte where they fit.
"""

from __future__ import annotations

import dataclasses
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from marlzoo.algorithm import Transition, View, World
from marlzoo.errors import PluginError, UsageError

Columns = dict[str, Tensor]
"""Tensors by name: `view.*` for what is seen, `step.*` for what is done and what comes of it, `memo.*`."""

_FIRST_ROOM = 64
"""Rows for an episode under way where no time limit says how long it may become."""


@dataclass(frozen=True)
class EpisodeBatch:
    """B whole episodes, time first; L is the length of the longest.

    Row t of the tensors with L+1 rows is the view on which step t was decided. A shorter episode's last view,
    which belongs to no step, is repeated to the end; its steps that never were are zero and not `filled`.
    """

    obs: Tensor
    """`[L+1, B, N, O]` float32."""
    alive: Tensor
    """`[L+1, B, N]` bool."""
    state: Tensor | None
    """`[L+1, B, S]` or `[L+1, B, N, S]` float32."""
    action_mask: Tensor | None
    """`[L+1, B, N, A]` bool."""
    neighbours: Tensor | None
    """`[L+1, B, N, K]` int64."""
    actions: Tensor
    """`[L, B, N]` int64 or `[L, B, N, A]` float32."""
    reward: Tensor
    """`[L, B, N]` float32, or `[L, B, 1]` where the whole team gets the same."""
    terminated: Tensor
    """`[L, B]` bool."""
    truncated: Tensor
    """`[L, B]` bool."""
    filled: Tensor
    """`[L, B]` bool: the step belongs to the episode."""
    memo: Mapping[str, Tensor]
    """What the algorithm put into its decisions, `[L, B, ...]` each."""


@dataclass(frozen=True)
class _Episode:
    """An episode of `length` steps in the ring: `length + 1` rows from row `start` on."""

    start: int
    length: int


class EpisodeReplay:
    """The last episodes of E environments, as many as fit into `capacity` rows.

    An episode of L steps takes L+1 rows: its views are one more than its steps. It enters when it has ended;
    until then it is kept aside, where nothing can be sampled from it. The oldest episodes make room for new
    ones.

    Raises:
        UsageError: `capacity` is below 2.
    """

    def __init__(self, world: World, capacity: int) -> None:
        if capacity < 2:
            raise UsageError(f"a replay of {capacity} steps holds no episode; give it room for several")
        self.capacity = capacity
        self._world = world
        self._episodes: deque[_Episode] = deque()
        self._next = 0
        self._used = 0
        self._ring: Columns = {}
        self._open: Columns = {}
        self._clock = torch.zeros(world.num_envs, dtype=torch.int64)

    def __len__(self) -> int:
        """How many episodes there are to sample from."""
        return len(self._episodes)

    @property
    def steps(self) -> int:
        """The steps of all those episodes."""
        return self._used - len(self._episodes)

    @property
    def nbytes(self) -> int:
        """The bytes that `capacity` rows take; 0 before the first step."""
        return sum(column.nbytes for column in self._ring.values())

    def add(self, transition: Transition) -> int:
        """Copy one step of every environment; returns the number of episodes that ended with it.

        Raises:
            UsageError: an episode has become longer than the whole replay.
        """
        columns = {**_seen(transition.view), **self._done(transition)}
        self._make_room(columns)
        everywhere = torch.arange(len(self._clock))
        self._write(columns, everywhere)
        self._clock += 1
        ended = (transition.terminated | transition.truncated).nonzero().squeeze(-1)
        if len(ended):
            self._write({name: column[ended] for name, column in _seen(transition.successor).items()}, ended)
            for env in ended.tolist():
                self._close(env)
        return len(ended)

    def sample(self, number: int, generator: torch.Generator) -> EpisodeBatch:
        """`number` different episodes, each as likely as any other.

        Raises:
            PluginError: there are fewer.
        """
        if number > len(self):
            raise PluginError(f"asked for {number} episodes of {len(self)}; wait until len(replay) is enough")
        chosen = torch.randperm(len(self), generator=generator)[:number]
        return self._batch([self._episodes[index] for index in chosen.tolist()])

    def state_dict(self) -> dict[str, Any]:
        """Everything in use and nothing else: the episodes, oldest first, and those under way."""
        rows = [self._rows(episode) for episode in self._episodes]
        used = torch.cat(rows) if rows else torch.zeros(0, dtype=torch.int64)
        deepest = int(self._clock.max())
        return {
            "lengths": [episode.length for episode in self._episodes],
            "episodes": {name: column[used] for name, column in self._ring.items()},
            "clock": self._clock.clone(),
            "open": {name: column[:, :deepest].clone() for name, column in self._open.items()},
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take back what `state_dict` returned.

        Raises:
            UsageError: it does not fit, or it was saved with another number of environments.
        """
        clock, lengths = state["clock"], state["lengths"]
        used = sum(lengths) + len(lengths)
        if len(clock) != len(self._clock) or used > self.capacity:
            raise UsageError(
                f"the saved replay has {used} rows of {len(clock)} environments, this one has room for "
                f"{self.capacity} of {len(self._clock)}; use the options of the run that saved it"
            )
        self._clock = clock.clone()
        self._ring = {name: _extended(column, 0, self.capacity) for name, column in state["episodes"].items()}
        room = max(int(clock.max()) + 1, self._first_room())
        self._open = {name: _extended(column, 1, room) for name, column in state["open"].items()}
        self._episodes.clear()
        self._next = self._used = 0
        for length in lengths:
            self._enter(length)

    def _done(self, transition: Transition) -> Columns:
        """What happened in one step, in the types it is stored in."""
        actions, reward = transition.decision.actions, transition.reward
        if self._world.discrete:
            actions = actions.to(torch.uint8 if self._world.action_dim <= 256 else torch.int32)
        return {
            "step.actions": actions,
            "step.reward": reward if self._world.reward_per_agent else reward[:, :1],
            "step.terminated": transition.terminated,
            "step.truncated": transition.truncated,
            **{f"memo.{name}": value for name, value in transition.decision.memo.items()},
        }

    def _make_room(self, columns: Columns) -> None:
        """Allocate at the first step, which tells shapes and types, and enlarge where episodes are long."""
        needed = int(self._clock.max()) + 2
        if needed > self.capacity:
            raise UsageError(
                f"an episode does not fit into the replay's {self.capacity} steps; "
                "enlarge the replay or give the task a time limit"
            )
        if not self._ring:
            self._allocate(columns)
        room = self._open["view.obs"].shape[1]
        if needed > room:
            larger = min(2 * room, self.capacity)
            self._open = {name: _extended(column, 1, larger) for name, column in self._open.items()}

    def _allocate(self, columns: Columns) -> None:
        for name, column in columns.items():
            self._ring[name] = column.new_zeros((self.capacity, *column.shape[1:]))
            self._open[name] = column.new_zeros((len(column), self._first_room(), *column.shape[1:]))

    def _first_room(self) -> int:
        """Rows for an episode under way: all it can need where the world has a time limit."""
        horizon = self._world.horizon
        return min(_FIRST_ROOM if horizon is None else horizon + 1, self.capacity)

    def _write(self, columns: Columns, envs: Tensor) -> None:
        """Write one row of the episodes under way in `envs [K]`, at the row that their clock shows."""
        rows = self._clock[envs]
        for name, column in columns.items():
            self._open[name][envs, rows] = column

    def _close(self, env: int) -> None:
        """Move the episode that has ended in `env` into the ring."""
        length = int(self._clock[env])
        while self._used + length + 1 > self.capacity:
            self._used -= self._episodes.popleft().length + 1
        rows = self._rows(self._enter(length))
        for name, column in self._open.items():
            self._ring[name][rows] = column[env, : length + 1]
            if not name.startswith("view."):
                self._ring[name][rows[-1]] = 0  # no step follows the last view
        self._clock[env] = 0

    def _enter(self, length: int) -> _Episode:
        """Reserve the next rows for an episode."""
        episode = _Episode(self._next, length)
        self._episodes.append(episode)
        self._next = (self._next + length + 1) % self.capacity
        self._used += length + 1
        return episode

    def _rows(self, episode: _Episode) -> Tensor:
        """`[length + 1]`: where the views of an episode lie in the ring."""
        return (episode.start + torch.arange(episode.length + 1)) % self.capacity

    def _batch(self, episodes: Sequence[_Episode]) -> EpisodeBatch:
        starts = torch.tensor([episode.start for episode in episodes])
        lengths = torch.tensor([episode.length for episode in episodes])
        times = torch.arange(int(lengths.max()) + 1).unsqueeze(-1)
        rows = (starts + times.minimum(lengths)) % self.capacity
        views = _named(self._ring, "view.", rows)
        steps = _named(self._ring, "step.", rows[:-1])
        actions = steps.pop("actions")
        return EpisodeBatch(
            obs=views["obs"],
            alive=views["alive"],
            state=views.get("state"),
            action_mask=views.get("action_mask"),
            neighbours=views.get("neighbours"),
            actions=actions.long() if self._world.discrete else actions,
            filled=times[:-1] < lengths,
            memo=_named(self._ring, "memo.", rows[:-1]),
            **steps,
        )


def _seen(view: View) -> Columns:
    """The columns of a view. Whether it is the first of an episode is plain from its row."""
    values = {entry.name: getattr(view, entry.name) for entry in dataclasses.fields(view)}
    return {f"view.{name}": value for name, value in values.items() if value is not None and name != "first"}


def _named(columns: Columns, prefix: str, rows: Tensor) -> Columns:
    """The given rows of the columns whose names begin with `prefix`, under the rest of their names."""
    return {
        name.removeprefix(prefix): column[rows] for name, column in columns.items() if name.startswith(prefix)
    }


def _extended(column: Tensor, dim: int, size: int) -> Tensor:
    """A copy with `size` rows in dimension `dim`, the new ones zero."""
    shape = list(column.shape)
    shape[dim] = size
    larger = column.new_zeros(shape)
    larger.narrow(dim, 0, column.shape[dim]).copy_(column)
    return larger
