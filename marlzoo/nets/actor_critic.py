"""A separate actor and critic, each a feed-forward body, an optional recurrence and a linear head.

Inputs come from `prepare`, so that the statistics of the feature normalisation are computed once per batch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn

from marlzoo.algorithm import World
from marlzoo.nets.heads import ActionDistribution, Categorical, Gaussian, StdForm, standard_deviation
from marlzoo.nets.mlp import MLP, linear
from marlzoo.nets.recurrent import Recurrence


@dataclass(frozen=True)
class BodyShape:
    """Sizes and options that actor and critic share."""

    width: int = 64
    layers: int = 2
    recurrent: bool = False
    feature_norm: bool = True
    layers_after: int = 0
    """Hidden layers between the recurrence and the head."""

    @classmethod
    def of(cls, settings: BodySettings) -> BodyShape:
        """The sizes and options that an algorithm's settings name."""
        return cls(
            settings.width,
            settings.layers,
            settings.recurrent,
            settings.feature_norm,
            settings.layers_after,
        )


class BodySettings(Protocol):
    """An algorithm's settings of the same names."""

    @property
    def width(self) -> int: ...
    @property
    def layers(self) -> int: ...
    @property
    def recurrent(self) -> bool: ...
    @property
    def feature_norm(self) -> bool: ...
    @property
    def layers_after(self) -> int: ...


class Body(nn.Module):
    """`MLP -> (GRU -> (layers))`: from an agent's or an environment's input to features."""

    def __init__(self, inputs: int, shape: BodyShape, generator: torch.Generator) -> None:
        super().__init__()
        sizes = [shape.width] * shape.layers
        self.mlp = MLP(inputs, sizes, generator, feature_norm=shape.feature_norm)
        self.recurrence = Recurrence(shape.width, generator) if shape.recurrent else None
        self.after: MLP | None = None
        if shape.recurrent and shape.layers_after:
            sizes = [shape.width] * shape.layers_after
            self.after = MLP(shape.width, sizes, generator, feature_norm=False)

    def forward(self, prepared: Tensor, memory: Tensor | None) -> Tensor:
        """`[..., F]` to `[..., D]`; with a recurrence `[L, K, F]`, and the memory `[K, D]` before it."""
        features = self.mlp(prepared)
        if self.recurrence is None or memory is None:
            return features
        return self._finished(self.recurrence(features, memory))

    def step(self, prepared: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
        """One step: `prepared [..., F]`, `memory [..., D]` to features and next memory, `[..., D]` each."""
        features = self.mlp(prepared)
        if self.recurrence is None:
            return features, memory
        features, memory = self.recurrence.step(features, memory)
        return self._finished(features), memory

    def _finished(self, features: Tensor) -> Tensor:
        return features if self.after is None else self.after(features)


class Actor(nn.Module):
    """The policy of one agent, or of all agents that share parameters."""

    def __init__(
        self,
        inputs: int,
        world: World,
        shape: BodyShape,
        generator: torch.Generator,
        *,
        head_gain: float = 0.01,
        log_std: float = 0.0,
        std_form: StdForm = "exp",
        squash_mean: bool = False,
    ) -> None:
        super().__init__()
        self.std_form = std_form
        self.squash_mean = squash_mean
        self.body = Body(inputs, shape, generator)
        self.head = linear(shape.width, world.action_dim, head_gain, generator)
        self.log_std = None if world.discrete else nn.Parameter(torch.full((world.action_dim,), log_std))

    def prepare(self, inputs: Tensor) -> Tensor:
        """What `forward` and `step` read, from `inputs [..., F]`."""
        return self.body.mlp.prepare(inputs)

    def forward(self, prepared: Tensor, memory: Tensor | None, legal: Tensor | None) -> ActionDistribution:
        """The distribution over actions, in the shapes of `Body.forward`.

        `legal [..., A]` marks the legal actions, or the components of a continuous one that do not pad it.
        """
        return self._distribution(self.body(prepared, memory), legal)

    def step(
        self, prepared: Tensor, memory: Tensor, legal: Tensor | None
    ) -> tuple[ActionDistribution, Tensor]:
        """One step in play: also returns the next memory."""
        features, memory = self.body.step(prepared, memory)
        return self._distribution(features, legal), memory

    def _distribution(self, features: Tensor, legal: Tensor | None) -> ActionDistribution:
        outputs = self.head(features)
        if self.log_std is None:
            return Categorical.of(outputs, legal)
        mean = outputs.tanh() if self.squash_mean else outputs
        return Gaussian(mean, standard_deviation(self.log_std, self.std_form), legal)


class Critic(nn.Module):
    """A value for each row of input."""

    def __init__(self, inputs: int, shape: BodyShape, generator: torch.Generator) -> None:
        super().__init__()
        self.body = Body(inputs, shape, generator)
        self.head = linear(shape.width, 1, 1.0, generator)

    def prepare(self, inputs: Tensor) -> Tensor:
        """What `forward` and `step` read, from `inputs [..., F]`."""
        return self.body.mlp.prepare(inputs)

    def forward(self, prepared: Tensor, memory: Tensor | None) -> Tensor:
        """Values `[...]` in the shapes of `Body.forward`."""
        return self.head(self.body(prepared, memory)).squeeze(-1)

    def step(self, prepared: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
        """One step: also returns the next memory."""
        features, memory = self.body.step(prepared, memory)
        return self.head(features).squeeze(-1), memory
