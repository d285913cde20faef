"""Stacked frames: a short memory without recurrence."""

from __future__ import annotations

import torch
from torch import Tensor


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
