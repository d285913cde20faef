"""A gated recurrent unit that steps in play and runs over whole sequences in training."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class _BlankGRU(nn.GRU):
    """`nn.GRU` without its own initial weights, which come from torch's global generator."""

    def reset_parameters(self) -> None:
        """Leave the memory as it is."""


class Recurrence(nn.Module):
    """One GRU layer and a LayerNorm on what it returns (not on what it remembers).

    The caller clears the memory of an environment that starts an episode.
    """

    def __init__(self, width: int, generator: torch.Generator) -> None:
        super().__init__()
        self.width = width
        self.gru = _BlankGRU(width, width)
        self.norm = nn.LayerNorm(width)
        self._initialise(generator)

    def _initialise(self, generator: torch.Generator) -> None:
        """Orthogonal weights, each stack of three gates as one matrix, and zero biases."""
        for name, parameter in self.gru.named_parameters():
            if name.startswith("weight"):
                nn.init.orthogonal_(parameter, generator=generator)
            else:
                nn.init.zeros_(parameter)

    def step(self, features: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
        """One step of any number of rows: `features`, `memory` and both results are `[..., D]`."""
        flat = features.reshape(1, -1, self.width)
        output, _ = self.gru(flat, memory.reshape(1, -1, self.width))
        remembered = output.view(features.shape)
        return self.norm(remembered), remembered

    def forward(self, features: Tensor, memory: Tensor) -> Tensor:
        """K sequences of L steps: `features [L, K, D]` and the memory before them `[K, D]` to `[L, K, D]`."""
        output, _ = self.gru(features, memory.unsqueeze(0))
        return self.norm(output)
