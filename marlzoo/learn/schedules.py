"""Quantities that change over a run."""

from __future__ import annotations

import torch


def linear(initial: float, final: float, progress: float) -> float:
    """From `initial` at progress 0 to `final` at progress 1 and after."""
    return initial + (final - initial) * min(max(progress, 0.0), 1.0)


def set_learning_rate(optimiser: torch.optim.Optimizer, learning_rate: float) -> None:
    """Give all parameter groups the same learning rate."""
    for group in optimiser.param_groups:
        group["lr"] = learning_rate
