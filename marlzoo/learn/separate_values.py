"""A critic for each agent, all of them seen as one that has a value per agent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from marlzoo.algorithm import Metrics, View, World
from marlzoo.learn.metrics import mean_metrics
from marlzoo.learn.team_config import TeamPpoConfig
from marlzoo.learn.team_value import Valuation, Values
from marlzoo.memory.rollout import Rollout


class SeparateValuations:
    """N critics, each with an optimiser, a scale and a memory of its own.

    What it takes and gives is that of a `Valuation` with C = N.
    """

    def __init__(self, world: World, config: TeamPpoConfig, generator: torch.Generator) -> None:
        self.parts = [Valuation(world, config, generator, agent) for agent in range(world.num_agents)]
        self.input = self.parts[0].input
        self._fits = True

    def evaluate(self, rollout: Rollout) -> Values:
        """The values of all views of a rollout."""
        parts = [part.evaluate(rollout) for part in self.parts]
        memories = [part.memory for part in parts if part.memory is not None]
        finals = [part.final for part in parts if part.final is not None]
        return Values(
            torch.cat([part.prepared for part in parts], 2),
            torch.cat(memories, 2) if memories else None,
            torch.cat([part.predicted for part in parts], 2),
            torch.cat([part.values for part in parts], 2),
            torch.cat(finals, 2) if finals else None,
        )

    def targets(self, returns: Tensor) -> Tensor:
        """Returns on the critics' scales, which take them into account first: once per rollout."""
        return torch.cat([part.targets(own) for part, own in self._each(returns)], -1)

    def normalised(self, returns: Tensor) -> Tensor:
        """Returns on the critics' scales, which stay as they are."""
        return torch.cat([part.normalised(own) for part, own in self._each(returns)], -1)

    def _each(self, returns: Tensor) -> zip[tuple[Valuation, Tensor]]:
        return zip(self.parts, returns.tensor_split(len(self.parts), -1), strict=True)

    def learn(
        self,
        rollout: Rollout,
        values: Values,
        targets: Tensor,
        generator: torch.Generator,
        *,
        epochs: int,
        agents: Tensor | None = None,
    ) -> Metrics:
        """The critics of `agents [K]`, None for all, pass `epochs` times over one rollout, one by one.

        The metrics are means over them.
        """
        return mean_metrics(
            self.parts[agent].learn(
                rollout, values.of(agent), targets[..., agent : agent + 1], generator, epochs=epochs
            )
            for agent in (range(len(self.parts)) if agents is None else agents.tolist())
        )

    def follow(self, view: View, memory: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """The values of one view after another, `[E, N]`, and the memory after this one; see `Valuation`."""
        before = [None] * len(self.parts) if memory is None else memory.tensor_split(len(self.parts), 1)
        told = [part.follow(view, own) for part, own in zip(self.parts, before, strict=True)]
        after = [own for _, own in told if own is not None]
        return torch.cat([values for values, _ in told], -1), torch.cat(after, 1) if after else None

    @property
    def informed(self) -> bool:
        """Whether the values of all mean anything."""
        return self._fits and all(part.informed for part in self.parts)

    def take(self, state: Mapping[str, Any]) -> None:
        """The critics and their scales from a saved state; where they do not fit, values are not told."""
        states = self._split(state)
        self._fits = len(states) == len(self.parts)
        for part, own in zip(self.parts, states, strict=False):
            part.take(own)

    def set_learning_rate(self, learning_rate: float) -> None:
        """That of the next steps of all optimisers."""
        for part in self.parts:
            part.set_learning_rate(learning_rate)

    def state_dict(self) -> dict[str, Any]:
        """As that of a `Valuation`, with a list over agents in each place."""
        states = [part.state_dict() for part in self.parts]
        return {key: [state[key] for state in states] for key in states[0]}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """What `state_dict` gave."""
        for part, own in zip(self.parts, self._split(state), strict=True):
            part.load_state_dict(own)

    def _split(self, state: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The state of each critic."""
        keys = self.parts[0].state_dict()
        return [{key: state[key][agent] for key in keys} for agent in range(len(state["critic"]))]
