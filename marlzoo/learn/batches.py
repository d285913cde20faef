"""Cutting a rollout into minibatches (one optimiser step each) and those into micro-batches.

A minibatch is a statistical choice, a micro-batch a mechanical one: its gradients are accumulated, and as the
losses of `marlzoo.learn.ppo` are divided by the count of the whole minibatch, the sum is exactly the
minibatch's gradient. Pieces whose activations fit the processor's cache are faster than one large batch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor
from torch.nn.utils import clip_grad_norm_


def minibatches(rows: int, number: int, generator: torch.Generator) -> Iterator[Tensor]:
    """`number` disjoint index tensors that together cover `range(rows)`, sizes differing by at most 1.

    With fewer rows than that, one tensor for each row. A single minibatch holds all rows in order, and no
    random number is drawn.
    """
    if number == 1:
        yield torch.arange(rows)
        return
    yield from torch.randperm(rows, generator=generator).tensor_split(min(number, max(rows, 1)))


def micro_batches(rows: int, size: int) -> Iterator[slice]:
    """Consecutive slices of nearly equal length, at most `size`, that cover `range(rows)`."""
    pieces = -(-rows // size)
    for piece in range(pieces):
        yield slice(rows * piece // pieces, rows * (piece + 1) // pieces)


def optimiser_step(
    optimiser: torch.optim.Optimizer, parameters: Sequence[Tensor], max_grad_norm: float | None
) -> Tensor:
    """Clip the accumulated gradient to `max_grad_norm`, apply it and clear it.

    Returns the norm before clipping.
    """
    norm = clip_grad_norm_(parameters, float("inf") if max_grad_norm is None else max_grad_norm)
    optimiser.step()
    optimiser.zero_grad(set_to_none=True)
    return norm
