"""The on-policy memory: T consecutive steps of E environments in preallocated tensors."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from marlzoo.algorithm import Transition, View, World
from marlzoo.errors import PluginError


@dataclass(frozen=True)
class FinalViews:
    """The last views of K episodes that ran out of time: `view` has K rows, of step `steps[k]` in environment
    `envs[k]` (both `[K]` int64)."""

    steps: Tensor
    envs: Tensor
    view: View


class Rollout:
    """T steps of E environments, for algorithms that learn from what they just did.

    Row t of the observation tensors is the view on which step t was decided; row T is the successor of the
    last step, before any reset. Where an episode ended with step t < T-1, row t+1 is the first view of the
    next one, and what was seen last is in `final_views` (kept for truncated episodes on request).

    Attributes:
        obs: `[T+1, E, N, O]` float32.
        state: `[T+1, E, S]` or `[T+1, E, N, S]` float32, None in worlds without a state.
        action_mask: `[T+1, E, N, A]` bool, None in worlds without masks.
        alive: `[T+1, E, N]` bool.
        first: `[T+1, E]` bool; row T is never the first of an episode.
        neighbours: `[T+1, E, N, K]` int64, None in worlds without neighbours.
        actions: `[T, E, N]` int64 or `[T, E, N, A]` float32.
        reward: `[T, E, N]` float32.
        terminated, truncated: `[T, E]` bool.
        memo: what the algorithm put into its decisions, `[T, E, ...]` each.
    """

    def __init__(self, world: World, length: int, keep_final_views: bool = False) -> None:
        envs, agents = world.num_envs, world.num_agents
        rows = (length + 1, envs)
        self.length = length
        self.size = 0
        self.obs = torch.zeros(*rows, agents, world.obs_dim)
        self.alive = torch.zeros(*rows, agents, dtype=torch.bool)
        self.first = torch.zeros(rows, dtype=torch.bool)
        self.state = _state(world, rows)
        self.action_mask = _action_mask(world, rows)
        self.neighbours: Tensor | None = None
        self.actions = _actions(world, length)
        self.reward = torch.zeros(length, envs, agents)
        self.terminated = torch.zeros(length, envs, dtype=torch.bool)
        self.truncated = torch.zeros(length, envs, dtype=torch.bool)
        self.memo: dict[str, Tensor] = {}
        self._final_views: list[FinalViews] | None = [] if keep_final_views else None

    @property
    def full(self) -> bool:
        return self.size == self.length

    @property
    def empty(self) -> bool:
        return self.size == 0

    def clear(self) -> None:
        """Forget everything; the tensors stay allocated."""
        self.size = 0
        if self._final_views is not None:
            self._final_views = []

    def add(self, transition: Transition) -> None:
        """Copy one step.

        Raises:
            PluginError: the rollout is full; `update` should have used and cleared it.
        """
        if self.full:
            raise PluginError(f"rollout of {self.length} steps is full; use it and call clear() first")
        step = self.size
        self._write_view(step, transition.view)
        self.actions[step].copy_(transition.decision.actions)
        self.reward[step].copy_(transition.reward)
        self.terminated[step].copy_(transition.terminated)
        self.truncated[step].copy_(transition.truncated)
        self._write_memo(step, transition)
        self._keep_final(step, transition)
        self.size += 1
        if self.full:
            self._write_view(self.length, transition.successor)
            self.first[self.length] = False

    def final_views(self) -> FinalViews | None:
        """The last views of the episodes that were truncated, None if there are none.

        Raises:
            PluginError: the rollout was built without `keep_final_views`.
        """
        if self._final_views is None:
            raise PluginError("final views were not kept; build the rollout with keep_final_views=True")
        if not self._final_views:
            return None
        return FinalViews(
            steps=torch.cat([kept.steps for kept in self._final_views]),
            envs=torch.cat([kept.envs for kept in self._final_views]),
            view=_concatenate([kept.view for kept in self._final_views]),
        )

    def _write_view(self, row: int, view: View) -> None:
        self.obs[row].copy_(view.obs)
        self.alive[row].copy_(view.alive)
        self.first[row].copy_(view.first)
        if self.state is not None and view.state is not None:
            self.state[row].copy_(view.state)
        if self.action_mask is not None and view.action_mask is not None:
            self.action_mask[row].copy_(view.action_mask)
        if view.neighbours is not None:
            self._write_neighbours(row, view.neighbours)

    def _write_neighbours(self, row: int, neighbours: Tensor) -> None:
        # How many neighbours a world lists is not part of `World`: the first view tells.
        if self.neighbours is None:
            self.neighbours = neighbours.new_full((self.length + 1, *neighbours.shape), -1)
        self.neighbours[row].copy_(neighbours)

    def _write_memo(self, step: int, transition: Transition) -> None:
        for name, value in transition.decision.memo.items():
            if name not in self.memo:
                self.memo[name] = value.new_zeros((self.length, *value.shape))
            self.memo[name][step].copy_(value)

    def _keep_final(self, step: int, transition: Transition) -> None:
        if self._final_views is None:
            return
        ended = transition.truncated & ~transition.terminated
        envs = ended.nonzero().squeeze(-1)
        if len(envs):
            view = select(transition.successor, envs)
            self._final_views.append(FinalViews(torch.full_like(envs, step), envs, view))


def select(view: View, envs: Tensor) -> View:
    """A copy of the rows `envs [K]` of a view."""
    return View(**{name: value[envs] for name, value in _tensors(view).items()})


def _concatenate(views: Sequence[View]) -> View:
    columns = [_tensors(view) for view in views]
    return View(**{name: torch.cat([column[name] for column in columns]) for name in columns[0]})


def _tensors(view: View) -> dict[str, Tensor]:
    """The fields of a view that are there."""
    values = ((entry.name, getattr(view, entry.name)) for entry in dataclasses.fields(view))
    return {name: value for name, value in values if value is not None}


def _state(world: World, rows: tuple[int, int]) -> Tensor | None:
    if world.state_dim == 0:
        return None
    per_agent = (world.num_agents,) if world.state_per_agent else ()
    return torch.zeros(*rows, *per_agent, world.state_dim)


def _action_mask(world: World, rows: tuple[int, int]) -> Tensor | None:
    if not world.has_action_mask:
        return None
    return torch.zeros(*rows, world.num_agents, world.action_dim, dtype=torch.bool)


def _actions(world: World, length: int) -> Tensor:
    rows = (length, world.num_envs, world.num_agents)
    if world.discrete:
        return torch.zeros(rows, dtype=torch.int64)
    return torch.zeros(*rows, world.action_dim)
