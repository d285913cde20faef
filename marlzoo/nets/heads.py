"""Action distributions: a categorical one over legal actions and a diagonal Gaussian.

Sampling takes its noise as an argument (`gumbel` or `normal` draw it from an explicit generator), so that two
decoders can be compared action by action.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import torch
from torch import Tensor

from marlzoo.algorithm import World

ILLEGAL = -1e10
"""The logit of a masked action: its probability underflows to exactly 0."""

LOG_SQRT_2_PI = 0.5 * math.log(2.0 * math.pi)


def gumbel(shape: Sequence[int], generator: torch.Generator) -> Tensor:
    """Standard Gumbel noise; `argmax(logits + noise)` is a sample of `softmax(logits)`."""
    exponential = torch.empty(tuple(shape)).exponential_(generator=generator)
    return exponential.clamp_min_(torch.finfo(torch.float32).tiny).log_().neg_()


def normal(shape: Sequence[int], generator: torch.Generator) -> Tensor:
    """Standard normal noise."""
    return torch.empty(tuple(shape)).normal_(generator=generator)


def noise_for(world: World, leading: Sequence[int], generator: torch.Generator) -> Tensor:
    """The noise `[..., A]` with which `sample` chooses the actions of a world: Gumbel or normal."""
    draw = gumbel if world.discrete else normal
    return draw((*leading, world.action_dim), generator)


class ActionDistribution(Protocol):
    """What both distributions offer; `[...]` stands for any leading dimensions."""

    def log_prob(self, actions: Tensor) -> Tensor:
        """`[...]` log-probability (density) of the actions."""

    def entropy(self) -> Tensor:
        """`[...]` entropy in nats."""

    def greedy(self) -> Tensor:
        """The most probable action."""

    def sample(self, noise: Tensor) -> Tensor:
        """The action that `noise [..., A]` selects."""


@dataclass(frozen=True)
class Categorical:
    """Distribution over A actions; `log_probs [..., A]` are normalised. Actions are int64 `[...]`."""

    log_probs: Tensor

    @classmethod
    def of(cls, logits: Tensor, mask: Tensor | None = None) -> Categorical:
        """From `logits [..., A]`, restricted to the actions that are True in `mask [..., A]`."""
        if mask is not None:
            logits = logits.masked_fill(~mask, ILLEGAL)
        return cls(torch.log_softmax(logits, -1))

    def log_prob(self, actions: Tensor) -> Tensor:
        return self.log_probs.gather(-1, actions.unsqueeze(-1)).squeeze(-1)

    def entropy(self) -> Tensor:
        return -(self.log_probs.exp() * self.log_probs).sum(-1)

    def greedy(self) -> Tensor:
        return self.log_probs.argmax(-1)

    def sample(self, noise: Tensor) -> Tensor:
        """The Gumbel-max sample; `noise` is standard Gumbel."""
        return (self.log_probs + noise).argmax(-1)


@dataclass(frozen=True)
class Gaussian:
    """Independent normal action components; `mean` and `std` broadcast to `[..., A]`.

    `real`, broadcast likewise, is False for components that only pad an agent's action to the common width:
    they are sampled as 0 and count neither in the log-probability nor in the entropy. Samples are not
    clipped: the environment clips to its bounds, the density stays that of the unclipped action.
    """

    mean: Tensor
    std: Tensor
    real: Tensor | None = None

    def component_log_prob(self, actions: Tensor) -> Tensor:
        """`[..., A]` log-density of each component."""
        scaled = (actions - self.mean) / self.std
        return self._real_only(-0.5 * scaled.square() - self.std.log() - LOG_SQRT_2_PI)

    def component_entropy(self) -> Tensor:
        """`[..., A]` entropy of each component."""
        entropy = (self.std.log() + (0.5 + LOG_SQRT_2_PI)).expand_as(self.mean)
        return self._real_only(entropy)

    def log_prob(self, actions: Tensor) -> Tensor:
        return self.component_log_prob(actions).sum(-1)

    def entropy(self) -> Tensor:
        return self.component_entropy().sum(-1)

    def greedy(self) -> Tensor:
        return self._real_only(self.mean)

    def sample(self, noise: Tensor) -> Tensor:
        """`mean + std * noise`; `noise` is standard normal."""
        return self._real_only(self.mean + self.std * noise)

    def _real_only(self, components: Tensor) -> Tensor:
        return components if self.real is None else components * self.real


StdForm = Literal["exp", "half_sigmoid"]


def standard_deviation(log_std: Tensor, form: StdForm) -> Tensor:
    """The standard deviation of a parameter: `exp(x)` (on-policy) or `sigmoid(x) / 2` (MAT, HARL)."""
    return log_std.exp() if form == "exp" else 0.5 * log_std.sigmoid()
