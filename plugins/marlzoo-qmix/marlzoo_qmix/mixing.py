"""From the agents' values to the team's."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from marlzoo.api import World
from marlzoo.nets.mlp import RELU_GAIN, linear


class SumMixer(nn.Module):
    """VDN: the team's value is the sum of the agents' (Sunehag et al., 2017, section 3)."""

    def forward(self, values: Tensor, state: Tensor) -> Tensor:
        """`values [..., N]` to `[...]`; the state says nothing."""
        return values.sum(-1)


class MonotonicMixer(nn.Module):
    """QMIX: `Q_tot = |w(s)| . ELU(|W(s)| q + b(s)) + v(s)` (Rashid et al., 2018, section 4.1, figure 2).

    Weights come from the state and are never negative, so that no agent's value can rise and the team's fall:
    each agent's best action is part of the best joint action.
    """

    def __init__(
        self, agents: int, state_dim: int, width: int, hyper_width: int, generator: torch.Generator
    ) -> None:
        super().__init__()
        self.width = width
        self.first_weights = _hyper_network(state_dim, hyper_width, agents * width, generator)
        self.first_bias = linear(state_dim, width, 1.0, generator)
        self.last_weights = _hyper_network(state_dim, hyper_width, width, generator)
        self.last_bias = _hyper_network(state_dim, width, 1, generator)

    def forward(self, values: Tensor, state: Tensor) -> Tensor:
        """`values [..., N]` and `state [..., S]` to `[...]`."""
        weights = self.first_weights(state).abs().view(*values.shape, self.width)
        mixed = (values.unsqueeze(-1) * weights).sum(-2) + self.first_bias(state)
        hidden = functional.elu(mixed)
        return (hidden * self.last_weights(state).abs()).sum(-1) + self.last_bias(state).squeeze(-1)


class JointState:
    """What the mixer sees: the environment's state, all agents' states, or else all observations."""

    def __init__(self, world: World) -> None:
        per_agent = world.state_dim if world.state_dim else world.obs_dim
        shared = world.state_dim > 0 and not world.state_per_agent
        self.size = per_agent if shared else world.num_agents * per_agent
        self._dims = 1 if shared else 2

    def __call__(self, obs: Tensor, state: Tensor | None) -> Tensor:
        """`obs [..., N, O]`, `state [..., S]` or `[..., N, S]` to `[..., size]`."""
        seen = obs if state is None else state
        return seen if self._dims == 1 else seen.flatten(-2)


def _hyper_network(inputs: int, hidden: int, outputs: int, generator: torch.Generator) -> nn.Sequential:
    return nn.Sequential(
        linear(inputs, hidden, RELU_GAIN, generator), nn.ReLU(), linear(hidden, outputs, 1.0, generator)
    )
