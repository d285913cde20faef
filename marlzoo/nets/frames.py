"""Stacked frames: a short memory without recurrence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor

from marlzoo.algorithm import Carry, View, World

PAST = "past"
"""The name under which a decision keeps what lay behind its observations."""


class Frames:
    """The last `count` observations of each agent as one; what lies behind is carried along."""

    def __init__(self, count: int) -> None:
        self.count = count

    def world(self, world: World) -> World:
        """The world as networks see it, `obs_dim` times `count`."""
        return replace(world, obs_dim=self.count * world.obs_dim)

    def start(self, world: World, num_envs: int) -> Carry:
        """What is carried into the first step."""
        if self.count == 1:
            return ()
        return no_past(self.count, num_envs, world.num_agents, world.obs_dim)

    def look(self, view: View, carry: Carry) -> tuple[View, Carry, dict[str, Tensor]]:
        """The view with stacked observations, what is carried into the next step, and what to remember."""
        if self.count == 1:
            return view, (), {}
        past = within_episode(carry, view.first)
        obs, after = stack(past, view.obs)
        return replace(view, obs=obs), after, {PAST: past}


def no_past(frames: int, *shape: int) -> Tensor:
    """What lies behind at the start of play, for inputs `[E, ..., X]`: zeros `[E, ..., (frames - 1) * X]`."""
    return torch.zeros(*shape[:-1], (frames - 1) * shape[-1])


def within_episode(past: Tensor, first: Tensor) -> Tensor:
    """`past [E, ..., Y]`, zero where `first [E]` says that an episode begins."""
    return past.masked_fill(first.view(-1, *[1] * (past.dim() - 1)), 0.0)


def stack(past: Tensor, now: Tensor) -> tuple[Tensor, Tensor]:
    """The last inputs side by side, the oldest first, and what lies behind at the next step.

    Args:
        past: `[..., (frames - 1) * X]`, of the same episode.
        now: `[..., X]`.

    Returns:
        `[..., frames * X]` and `[..., (frames - 1) * X]`.
    """
    stacked = torch.cat([past, now], -1)
    return stacked, stacked[..., now.shape[-1] :]


def seen(obs: Tensor, memo: Mapping[str, Tensor]) -> Tensor:
    """What decisions were made on that left `memo`: `obs [..., X]`, stacked where frames are.

    Returns:
        `[..., frames * X]`.
    """
    return stack(memo[PAST], obs)[0] if PAST in memo else obs


def stack_along(inputs: Tensor, first: Tensor, past: Tensor) -> tuple[Tensor, Tensor]:
    """`stack` for consecutive steps: `inputs [T, E, ..., X]`, `first [T, E]`, and the `past` before row 0.

    Returns:
        `[T, E, ..., frames * X]`, and what lies behind after each row, `[T, E, ..., (frames - 1) * X]`.
    """
    stacked, after = [], []
    for now, begins in zip(inputs, first, strict=True):
        row, past = stack(within_episode(past, begins), now)
        stacked.append(row)
        after.append(past)
    return torch.stack(stacked), torch.stack(after)
