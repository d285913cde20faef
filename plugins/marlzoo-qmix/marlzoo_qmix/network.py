"""The agents' recurrent network, shared by all of them, and what it is told."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from marlzoo.api import World
from marlzoo.nets.attention import agent_codes
from marlzoo.nets.mlp import RELU_GAIN, linear
from marlzoo.nets.recurrent import Recurrence
from marlzoo_qmix.config import QmixConfig

HEAD_GAIN = 0.01
"""Gain of the last layer: values begin close to 0."""


class AgentNetwork(nn.Module):
    """`linear -> ReLU -> GRU -> linear`: from what one agent has seen and done to the value of each action.

    Agents are told apart by a fixed code that is added to the first layer, so no parameter has their number
    in its shape.
    """

    def __init__(self, world: World, config: QmixConfig, generator: torch.Generator) -> None:
        super().__init__()
        self.actions = world.action_dim
        self.last_action = config.last_action
        self.coded = config.agent_code == "sinusoidal"
        inputs = world.obs_dim + (world.action_dim if config.last_action else 0)
        self.embed = linear(inputs, config.width, RELU_GAIN, generator)
        self.recurrence = Recurrence(config.width, generator)
        self.head = linear(config.width, world.action_dim, HEAD_GAIN, generator)

    def forward(self, obs: Tensor, last: Tensor, sizes: Tensor) -> Tensor:
        """Whole episodes from their first step, packed: `obs [V, N, O]`, `last [V, N]` to `[V, N, A]`.

        `last` is the action before, -1 where there is none; `sizes` are those of `Packing`.
        """
        rows = self._embedded(obs, last).flatten(0, 1)
        remembered = self._remembered(torch.split(rows, (sizes * obs.shape[1]).tolist()))
        values: Tensor = self.head(self.recurrence.norm(remembered))
        return values.view(*last.shape, self.actions)

    def step(self, obs: Tensor, last: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
        """One step in play: `[E, N, O]`, `[E, N]`, `[E, N, D]` to values `[E, N, A]` and the next memory."""
        features, memory = self.recurrence.step(self._embedded(obs, last), memory)
        return self.head(features), memory

    def _remembered(self, steps: Sequence[Tensor]) -> Tensor:
        """What is remembered after each step, from `[rows, D]` per step, never more rows than before.

        `nn.GRU` takes packed sequences too, but its gradient costs the square of their length.
        """
        weights = self.recurrence.gru.all_weights[0]
        memory, remembered = torch.zeros_like(steps[0]), []
        for features in steps:
            memory = torch.gru_cell(features, memory[: len(features)], *weights)
            remembered.append(memory)
        return torch.cat(remembered)

    def _embedded(self, obs: Tensor, last: Tensor) -> Tensor:
        inputs = torch.cat([obs, _one_hot(last, self.actions)], -1) if self.last_action else obs
        embedded = self.embed(inputs)
        if self.coded:
            embedded = embedded + agent_codes(embedded.shape[-2], embedded.shape[-1])
        return functional.relu(embedded)


def _one_hot(actions: Tensor, number: int) -> Tensor:
    """`[...]` int64 to `[..., A]` float32; all zeros for -1."""
    return functional.one_hot(actions + 1, number + 1)[..., 1:].float()
