"""Episodes without their padding: a long episode in a batch costs what it holds, not what all could hold."""

from __future__ import annotations

import torch
from torch import Tensor


class Packing:
    """The V views that a batch of B episodes has, step after step, in each the longest episode first.

    Args:
        filled: `[L, B]` bool, the steps there are; an episode of l steps has l+1 views.

    Attributes:
        sizes: `[L+1]` int64, how many episodes have a view at each step: never more than at the step before,
            which is what PyTorch's packed sequences ask for.
    """

    def __init__(self, filled: Tensor) -> None:
        longest, self._number = filled.shape
        lengths = filled.sum(0)
        order = lengths.argsort(descending=True, stable=True)
        times = torch.arange(longest + 1).unsqueeze(-1)
        there = times <= lengths[order]
        self.sizes = there.sum(1)
        self._rows = (times * self._number + order)[there]

    def pack(self, column: Tensor) -> Tensor:
        """`[L+1, B, ...]` to `[V, ...]`."""
        return column.flatten(0, 1)[self._rows]

    def unpack(self, values: Tensor) -> Tensor:
        """`[V]` to `[L+1, B]`, with 0 where there is no view."""
        padded = values.new_zeros(len(self.sizes) * self._number)
        return padded.index_copy(0, self._rows, values).view(-1, self._number)
