"""Normalisation of input features (LayerNorm with its statistics taken out) and of value targets."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class FeatureNorm(nn.Module):
    """LayerNorm over input features, split in two: `then_linear(standardise(x), layer)` equals
    `layer(LayerNorm(x))`.

    `standardise` has no parameters, so its result serves every epoch over the same batch; the learned gain
    and shift are folded into the layer that follows, which costs one product of the weight's size.
    """

    def __init__(self, features: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(features))
        self.bias = nn.Parameter(torch.zeros(features))

    @staticmethod
    def standardise(inputs: Tensor) -> Tensor:
        """`[..., F]` with mean 0 and variance 1 in each row."""
        return functional.layer_norm(inputs, inputs.shape[-1:])

    def then_linear(self, standardised: Tensor, layer: nn.Linear) -> Tensor:
        """`layer` applied to the normalised features."""
        bias = functional.linear(self.bias, layer.weight, layer.bias)
        return functional.linear(standardised, layer.weight * self.weight, bias)


class ValueNorm(nn.Module):
    """Running mean and variance of returns; the critic predicts normalised values (Yu et al., 2022).

    Exponential averages `m` of the returns and `q` of their squares, with the debiasing of Adam:
    `mu = m / d`, `var = max(q / d - mu^2, 0.01)`, where `d` follows the same average of the number 1. The
    published decay of 0.99999 is for about 1e5 updates the plain average over all returns ever seen; a
    smaller one follows a rising return sooner.

    The averages are kept in double precision; values go in and out as float32.
    """

    mean: Tensor
    mean_square: Tensor
    debias: Tensor

    def __init__(self, decay: float = 0.99999) -> None:
        super().__init__()
        self.decay = decay
        for name in ("mean", "mean_square", "debias"):
            self.register_buffer(name, torch.zeros((), dtype=torch.float64))

    @torch.no_grad()
    def update(self, returns: Tensor) -> None:
        """Take one batch of returns, of any shape, into the averages."""
        weight = 1.0 - self.decay
        wide = returns.double()
        self.mean.lerp_(wide.mean(), weight)
        self.mean_square.lerp_(wide.square().mean(), weight)
        self.debias.lerp_(torch.ones_like(self.debias), weight)

    def statistics(self) -> tuple[float, float]:
        """Mean and standard deviation of the returns so far; before the first update 0 and 0.1."""
        scale = float(self.debias) or 1.0
        mean = float(self.mean) / scale
        variance = max(float(self.mean_square) / scale - mean**2, 1e-2)
        return mean, variance**0.5

    def normalise(self, returns: Tensor) -> Tensor:
        """Returns on the critic's scale."""
        mean, deviation = self.statistics()
        return (returns - mean) / deviation

    def denormalise(self, values: Tensor) -> Tensor:
        """The critic's predictions on the scale of returns."""
        mean, deviation = self.statistics()
        return values * deviation + mean


@torch.no_grad()
def rescale(head: nn.Linear, before: tuple[float, float], after: tuple[float, float]) -> None:
    """PopArt (van Hasselt et al., 2016, eq. 9): keep what `head` says on the scale of returns.

    `before` and `after` are mean and standard deviation of that scale, as `ValueNorm.statistics` gives them.
    The optimiser's moments stay as they are.
    """
    (old_mean, old_deviation), (mean, deviation) = before, after
    head.weight.mul_(old_deviation / deviation)
    head.bias.mul_(old_deviation).add_(old_mean - mean).div_(deviation)
