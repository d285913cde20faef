"""Linear layers with orthogonal weights, and the feed-forward body of most actors and critics.

Nothing here touches torch's global random generator: initial weights come from the generator passed in.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from marlzoo.nets.normalisation import FeatureNorm

RELU_GAIN = math.sqrt(2.0)
"""The orthogonal gain that keeps the scale of activations through a ReLU."""

Activation = Callable[[Tensor], Tensor]


class _BlankLinear(nn.Linear):
    """`nn.Linear` without its own initial weights, which come from torch's global generator."""

    def reset_parameters(self) -> None:
        """Leave the memory as it is."""


def linear(
    inputs: int, outputs: int, gain: float, generator: torch.Generator, bias: bool = True
) -> nn.Linear:
    """A linear layer with orthogonal weights of the given `gain` and zero bias (Saxe et al., 2014)."""
    layer = _BlankLinear(inputs, outputs, bias=bias)
    nn.init.orthogonal_(layer.weight, gain, generator=generator)
    if bias:
        nn.init.zeros_(layer.bias)
    return layer


class MLP(nn.Module):
    """`feature norm -> [linear -> activation -> LayerNorm] * depth`, the body of MAPPO's networks.

    The statistics of the feature normalisation depend on the input alone, so they are taken out: call
    `prepare` once per batch and `forward` on its result in every epoch. `forward(prepare(x))` is the whole
    function.
    """

    def __init__(
        self,
        inputs: int,
        hidden: Sequence[int],
        generator: torch.Generator,
        *,
        feature_norm: bool = True,
        activation: Activation = functional.relu,
        gain: float = RELU_GAIN,
    ) -> None:
        super().__init__()
        self.outputs = hidden[-1]
        self.activation = activation
        self.feature_norm = FeatureNorm(inputs) if feature_norm else None
        self.first = linear(inputs, hidden[0], gain, generator)
        self.first_norm = nn.LayerNorm(hidden[0])
        self.others = nn.ModuleList(linear(a, b, gain, generator) for a, b in itertools.pairwise(hidden))
        self.other_norms = nn.ModuleList(nn.LayerNorm(size) for size in hidden[1:])

    def prepare(self, inputs: Tensor) -> Tensor:
        """Standardise each row of `inputs [..., inputs]` where features are normalised, else return it."""
        return inputs if self.feature_norm is None else self.feature_norm.standardise(inputs)

    def forward(self, prepared: Tensor) -> Tensor:
        """`[..., inputs]` as `prepare` returned it, to `[..., outputs]`."""
        if self.feature_norm is None:
            x = self.first(prepared)
        else:
            x = self.feature_norm.then_linear(prepared, self.first)
        x = self.first_norm(self.activation(x))
        for layer, norm in zip(self.others, self.other_norms, strict=True):
            x = norm(self.activation(layer(x)))
        return x
