"""The critic's half of PPO for teams: centralised values on a normalised scale."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

from marlzoo.algorithm import Metrics, View, World
from marlzoo.learn.batches import optimiser_step
from marlzoo.learn.blocks import Block, Epochs, RowUnits, SequenceUnits, Units
from marlzoo.learn.ppo import clipped_value_loss
from marlzoo.learn.schedules import set_learning_rate
from marlzoo.learn.team_config import TeamPpoConfig
from marlzoo.memory.rollout import Rollout
from marlzoo.nets.actor_critic import BodyShape, Critic
from marlzoo.nets.frames import no_past, stack, stack_along, within_episode
from marlzoo.nets.inputs import CriticInput
from marlzoo.nets.normalisation import ValueNorm, rescale


@dataclass(frozen=True)
class Values:
    """What the critic says about a rollout. C is the number of values per environment: 1, or N.

    Attributes:
        prepared: its inputs, `[T+1, E, C, F]`.
        memory: its recurrence's memory before each step, `[T+1, E, C, D]`; None without.
        predicted: on its own, normalised scale, `[T+1, E, C]`.
        values: on the scale of returns, `[T+1, E, C]`.
        final: those of the last views of truncated episodes, `[T, E, C]`, 0 elsewhere; None unless asked for.
    """

    prepared: Tensor
    memory: Tensor | None
    predicted: Tensor
    values: Tensor
    final: Tensor | None

    def of(self, column: int) -> Values:
        """One of the C columns, alone."""
        one = slice(column, column + 1)
        return Values(
            self.prepared[:, :, one],
            None if self.memory is None else self.memory[:, :, one],
            self.predicted[..., one],
            self.values[..., one],
            None if self.final is None else self.final[..., one],
        )


@dataclass(frozen=True)
class Piece:
    """What one call of the critic reads and is compared with, gathered for the rows of a block."""

    block: Block
    prepared: Tensor
    memory: Tensor | None
    predicted: Tensor
    target: Tensor


class Valuation:
    """The critic with its optimiser, its scale and, between two rollouts, its memory `[E, C, D]`: that of its
    recurrence, or the frames that lie behind. It is that of all agents, or of `agent` alone."""

    def __init__(
        self, world: World, config: TeamPpoConfig, generator: torch.Generator, agent: int | None = None
    ) -> None:
        self.config = config
        self.agent = agent
        self.input = CriticInput(world, config.critic_input, config.death_masking)
        self.columns = self.input.columns if agent is None else 1
        # As many rows at once as the actor, however many of them an environment has.
        self.block_size = config.micro_batch * world.num_agents
        shape = BodyShape.of(config)
        self.critic = Critic(config.frames * self.input.size, shape, generator)
        self.scale = ValueNorm(config.value_norm_decay) if config.value_norm else None
        self.memory = self._blank(world.num_envs)
        self._fits = True
        self.parameters = list(self.critic.parameters())
        self.optimiser = torch.optim.Adam(self.parameters, config.critic_lr, eps=config.adam_eps, fused=True)

    def _blank(self, envs: int) -> Tensor | None:
        """The memory at the start of play."""
        config = self.config
        if config.frames > 1:
            return no_past(config.frames, envs, self.columns, self.input.size)
        return torch.zeros(envs, self.columns, config.width) if config.recurrent else None

    def _inputs(self, obs: Tensor, state: Tensor | None, alive: Tensor) -> Tensor:
        """`[..., C, F]`."""
        inputs = self.input(obs, state, alive)
        if self.agent is None or self.input.columns == 1:
            return inputs
        return inputs[..., self.agent : self.agent + 1, :]

    @torch.no_grad()
    def evaluate(self, rollout: Rollout) -> Values:
        """The values of all views of a rollout, in one pass."""
        inputs = self._inputs(rollout.obs, rollout.state, rollout.alive)
        before, after = None, None
        if self.memory is not None and self.config.frames > 1:
            inputs, after = stack_along(inputs, rollout.first, self.memory)
        prepared = self.critic.prepare(inputs)
        if self.memory is not None and self.config.recurrent:
            predicted, before, after = self._along(prepared, rollout.first, self.memory)
        else:
            predicted = self.critic(prepared, None)
        if after is not None:
            self.memory = after[rollout.length - 1]
        final = self._final_values(rollout, after) if self.config.timeout == "bootstrap" else None
        return Values(prepared, before, predicted, self._denormalised(predicted), final)

    def _along(self, prepared: Tensor, first: Tensor, memory: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Step the recurrence through a rollout: predictions, and the memory before and after each step."""
        predicted, before, after = [], [], []
        for inputs, cleared in zip(prepared, first, strict=True):
            before.append(memory.masked_fill(cleared[:, None, None], 0.0))
            value, memory = self.critic.step(inputs, before[-1])
            predicted.append(value)
            after.append(memory)
        return torch.stack(predicted), torch.stack(before), torch.stack(after)

    def _final_values(self, rollout: Rollout, after: Tensor | None) -> Tensor:
        """The values of the views on which time ran out, where they belong in `[T, E, C]`."""
        values = torch.zeros(*rollout.truncated.shape, self.columns)
        final = rollout.final_views()
        if final is not None:
            view, where = final.view, (final.steps, final.envs)
            inputs = self._inputs(view.obs, view.state, view.alive)
            predicted, _ = self._predicted(inputs, None if after is None else after[where])
            values[where] = self._denormalised(predicted)
        return values

    def _predicted(self, inputs: Tensor, memory: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """What the critic says of single views, `[..., C]`, and its memory after them."""
        after = None
        if memory is not None and self.config.frames > 1:
            inputs, after = stack(memory, inputs)
        prepared = self.critic.prepare(inputs)
        if memory is not None and self.config.recurrent:
            return self.critic.step(prepared, memory)
        return self.critic(prepared, None), after

    @torch.no_grad()
    def follow(self, view: View, memory: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """The values of one view after another, `[E, C]` on the scale of returns, and the memory after this
        one. `memory` is that after the view before; None, or that of other environments, at the start."""
        if memory is None or len(memory) != len(view.first):
            memory = self._blank(len(view.first))
        past = None if memory is None else within_episode(memory, view.first)
        predicted, after = self._predicted(self._inputs(view.obs, view.state, view.alive), past)
        return self._denormalised(predicted), after

    @property
    def informed(self) -> bool:
        """Whether its values mean anything: it fits this world, and their scale is known."""
        return self._fits and (self.scale is None or float(self.scale.debias) > 0)

    def take(self, state: Mapping[str, Any]) -> None:
        """The critic and its scale, for what it says of views, from a saved state of an algorithm. Acting
        does not need them: where they do not fit, values are not told."""
        try:
            self.critic.load_state_dict(state["critic"])
        except RuntimeError:  # as torch says that sizes differ
            self._fits = False
        if self.scale is not None:
            self.scale.load_state_dict(state["value_norm"])

    def set_learning_rate(self, learning_rate: float) -> None:
        """That of the next steps of the optimiser."""
        set_learning_rate(self.optimiser, learning_rate)

    def state_dict(self) -> dict[str, Any]:
        """All that learning goes on from."""
        return {
            "critic": self.critic.state_dict(),
            "critic_optimiser": self.optimiser.state_dict(),
            "critic_memory": self.memory,
            "value_norm": None if self.scale is None else self.scale.state_dict(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """What `state_dict` gave."""
        self.critic.load_state_dict(state["critic"])
        self.optimiser.load_state_dict(state["critic_optimiser"])
        self.memory = state["critic_memory"]
        if self.scale is not None:
            self.scale.load_state_dict(state["value_norm"])

    def _denormalised(self, predicted: Tensor) -> Tensor:
        return predicted if self.scale is None else self.scale.denormalise(predicted)

    def targets(self, returns: Tensor) -> Tensor:
        """Returns on the critic's scale, which takes them into account first: once per rollout."""
        if self.scale is not None:
            before = self.scale.statistics()
            self.scale.update(returns)
            if self.config.popart:
                rescale(self.critic.head, before, self.scale.statistics())
        return self.normalised(returns)

    def normalised(self, returns: Tensor) -> Tensor:
        """Returns on the critic's scale, which stays as it is."""
        return returns if self.scale is None else self.scale.normalise(returns)

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
        """Pass `epochs` times over one rollout; `targets [T, E, C]`. The metrics are those of the last step.

        With a value per agent, only those of `agents [K]` learn; None for all.
        """
        report: dict[str, Tensor] = {}
        predicted = self.normalised(values.values) if self.config.popart else values.predicted
        gather = partial(self._piece, values, predicted, targets)
        passes = Epochs(epochs, self.config.minibatches, self.block_size)
        for pieces in passes.batches(self._units(rollout, agents), gather, generator):
            report = self._step(pieces)
        return {name: float(value) for name, value in report.items()}

    def _units(self, rollout: Rollout, agents: Tensor | None) -> Units:
        steps, columns = rollout.length, self.columns
        needed = torch.ones(steps, rollout.first.shape[1], columns, dtype=torch.bool)
        if columns > 1 and agents is not None:
            needed = torch.zeros_like(needed).index_fill_(-1, agents, True)
        if self.config.value_loss_agents == "living" and (columns > 1 or self.agent is not None):
            own = slice(None) if self.agent is None else slice(self.agent, self.agent + 1)
            needed &= rollout.alive[:steps, :, own]
        if not self.config.recurrent:
            return RowUnits(needed)
        first = rollout.first[:steps].unsqueeze(-1).expand_as(needed)
        return SequenceUnits(needed.flatten(1), first.flatten(1), self.config.chunk_length)

    def _piece(self, values: Values, predicted: Tensor, targets: Tensor, block: Block) -> Piece:
        rows, memory = block.rows, values.memory
        return Piece(
            block,
            values.prepared.flatten(0, 2)[rows],
            None if memory is None else memory.flatten(0, 2)[rows[0]],
            predicted.flatten()[rows],
            targets.flatten()[rows],
        )

    def _step(self, pieces: Sequence[Piece]) -> dict[str, Tensor]:
        """One step of the optimiser, its gradient accumulated piece by piece."""
        count = sum(piece.block.count for piece in pieces)
        loss = torch.stack([self._accumulate(piece, count) for piece in pieces]).sum()
        norm = optimiser_step(self.optimiser, self.parameters, self.config.max_grad_norm)
        return {"value_loss": loss, "critic_grad_norm": norm}

    def _accumulate(self, piece: Piece, count: int) -> Tensor:
        """Add the gradient of the value loss over one piece; returns the loss."""
        config = self.config
        loss = clipped_value_loss(
            self.critic(piece.prepared, piece.memory),
            piece.predicted,
            piece.target,
            piece.block.counts,
            config.clip if config.value_clip else None,
            config.huber_delta,
            count,
        )
        torch.autograd.backward(loss)
        return loss.detach()
