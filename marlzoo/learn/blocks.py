"""What minibatches are drawn from: rows of a rollout, or the stretches of time through which a memory flows.

A tensor `[T, E, C, ...]` of a rollout (C agents, or 1) is seen as `[T * E * C, ...]`: step t of column c,
which counts environments and agents, is row `t * E * C + c`. Rows that do not count in the loss are left out
where nothing that counts depends on them, which changes no gradient.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol, TypeVar

import torch
from torch import Tensor

from marlzoo.learn.batches import micro_batches, minibatches

Gathered = TypeVar("Gathered")

STEP_OVERHEAD = 64
"""One more step of a recurrence costs about as much as this many more rows in it (measured, D = 64)."""


@dataclass(frozen=True)
class Block:
    """Rows that go through a network in one call.

    `rows` is `[R]`, or `[L, K]` for K sequences of L steps; the memory they start with is that of `rows[0]`.
    `counts`, of the same shape, is False where a row does not count in the loss; None where all count.
    """

    rows: Tensor
    counts: Tensor | None = None

    @property
    def count(self) -> int:
        """How many rows count."""
        return self.rows.numel() if self.counts is None else int(self.counts.sum())

    def write(self, values: Tensor, out: Tensor) -> None:
        """Put `values`, shaped as `rows`, into their places in the flat tensor `out`."""
        if self.counts is None:
            out[self.rows] = values
        else:
            out[self.rows[self.counts]] = values[self.counts]


class Units(Protocol):
    """What a minibatch consists of."""

    def __len__(self) -> int:
        """How many there are."""

    def blocks(self, index: Tensor, size: int) -> list[Block]:
        """The units `index [K]` in blocks of at most about `size` rows."""


@dataclass(frozen=True)
class Epochs:
    """How a rollout is passed over: `number` times, every time cut into `minibatches`, and those into blocks
    of at most about `size` rows."""

    number: int
    minibatches: int
    size: int

    def batches(
        self, units: Units, gather: Callable[[Block], Gathered], generator: torch.Generator
    ) -> Iterator[list[Gathered]]:
        """The minibatches of all epochs, each as what `gather` makes of its blocks.

        A single minibatch is the same in every epoch and gathered once.
        """
        if self.minibatches == 1:
            whole = self.whole(units, gather)
            yield from (whole for _ in range(self.number))
            return
        for _ in range(self.number):
            for index in minibatches(len(units), self.minibatches, generator):
                yield [gather(block) for block in units.blocks(index, self.size)]

    def whole(self, units: Units, gather: Callable[[Block], Gathered]) -> list[Gathered]:
        """All units in order, cut as a single minibatch would be."""
        return [gather(block) for block in units.blocks(torch.arange(len(units)), self.size)]


class RowUnits:
    """Single rows, for networks without memory: those that are True in `needed`, of any shape."""

    def __init__(self, needed: Tensor) -> None:
        self.rows = needed.flatten().nonzero().squeeze(-1)

    def __len__(self) -> int:
        return len(self.rows)

    def blocks(self, index: Tensor, size: int) -> list[Block]:
        rows = self.rows[index]
        return [Block(rows[piece]) for piece in micro_batches(len(rows), size)]


class SequenceUnits:
    """Stretches of at most `chunk` steps of one column, for networks with memory.

    A stretch starts where an episode does, and at every multiple of `chunk`; it ends with its last needed row
    (nothing later in the stretch can matter), and one without needed rows is left out.

    Args:
        needed: `[T, C]` bool, the rows that count in the loss.
        first: `[T, C]` bool, the rows that start an episode.
        chunk: the number of steps through which gradients flow back.
    """

    def __init__(self, needed: Tensor, first: Tensor, chunk: int) -> None:
        steps, self.columns = needed.shape
        cut = first | (torch.arange(steps) % chunk == 0).unsqueeze(-1)
        # Column by column, a stretch is a run of consecutive positions.
        cut, in_loss = cut.T.flatten(), needed.T.flatten()
        begin = cut.nonzero().squeeze(-1)
        positions = torch.where(in_loss, torch.arange(len(in_loss)), -1)
        last = torch.full_like(begin, -1).scatter_reduce(0, cut.cumsum(0) - 1, positions, "amax")
        begin, last = begin[last >= 0], last[last >= 0]
        self.needed = needed.flatten()
        self.starts = begin % steps * self.columns + begin // steps
        self.lengths = last - begin + 1

    def __len__(self) -> int:
        return len(self.starts)

    def blocks(self, index: Tensor, size: int) -> list[Block]:
        """Sequences of similar length share a block; rows that do not count fill the shorter ones up."""
        lengths, order = self.lengths[index].sort(descending=True, stable=True)
        starts = self.starts[index][order]
        return [self._block(starts[piece], lengths[piece]) for piece in _similar(lengths.tolist(), size)]

    def _block(self, starts: Tensor, lengths: Tensor) -> Block:
        time = torch.arange(int(lengths[0])).unsqueeze(-1)
        inside = time < lengths
        rows = torch.where(inside, starts + time * self.columns, starts)
        counts = inside & self.needed[rows]
        return Block(rows, None if bool(counts.all()) else counts)


def _similar(lengths: list[int], size: int) -> Iterator[slice]:
    """Cut descending `lengths` into runs of at most about `size` steps each.

    A run also ends where filling up all that follows would cost more than the steps of another run.
    """
    begin, number = 0, len(lengths)
    for end in range(1, number + 1):
        longest, next_length = lengths[begin], lengths[end] if end < number else 0
        full = (end - begin + 1) * longest > size
        filling = (number - end) * (longest - next_length)
        if end == number or full or filling > STEP_OVERHEAD * next_length:
            yield slice(begin, end)
            begin = end
