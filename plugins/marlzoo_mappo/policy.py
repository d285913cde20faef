"""The actor's half of MAPPO: acting, and the clipped surrogate over living agents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from marlzoo.api import Metrics, World
from marlzoo.learn.batches import optimiser_step
from marlzoo.learn.blocks import Block, Epochs, RowUnits, SequenceUnits, Units
from marlzoo.learn.ppo import clipped_policy_loss, entropy_bonus, policy_diagnostics
from marlzoo.memory.rollout import Rollout
from marlzoo.nets.actor_critic import Actor, BodyShape
from marlzoo.nets.inputs import ActorInput
from marlzoo_mappo.config import MappoConfig


@dataclass(frozen=True)
class Experience:
    """What the actors learn from: tensors `[T * E * N, ...]`, in the order of `marlzoo.learn.blocks`.

    `legal` as in `Actor.forward`; `memory` is that of the recurrence before each step.
    """

    inputs: Tensor
    actions: Tensor
    advantages: Tensor
    legal: Tensor | None
    memory: Tensor | None


@dataclass(frozen=True)
class Piece:
    """What one call of the actor reads, gathered for the rows of a block."""

    block: Block
    prepared: Tensor
    actions: Tensor
    legal: Tensor | None
    memory: Tensor | None


class Policy:
    """One actor with its optimiser; `agents` is the slice of agents that it acts for, all or one."""

    def __init__(self, world: World, config: MappoConfig, agents: slice, generator: torch.Generator) -> None:
        self.config = config
        self.agents = agents
        self.epochs = Epochs(config.epochs, config.minibatches, config.micro_batch * world.num_agents)
        self.actor = Actor(
            ActorInput(world, config.agent_ids).size,
            world,
            BodyShape(config.width, config.layers, config.recurrent, config.feature_norm),
            generator,
            head_gain=config.head_gain,
            log_std=config.log_std,
            std_form=config.std_form,
        )
        self.parameters = list(self.actor.parameters())
        self.optimiser = torch.optim.Adam(self.parameters, config.lr, eps=config.adam_eps, fused=True)

    def act(
        self, inputs: Tensor, memory: Tensor | None, legal: Tensor | None, noise: Tensor | None
    ) -> tuple[Tensor, Tensor | None]:
        """The actions of its agents, and their next memory.

        All arguments are `[E, N, ...]`; without `noise` the choice is greedy.
        """
        mine = (slice(None), self.agents)
        prepared, legal = self.actor.prepare(inputs[mine]), None if legal is None else legal[mine]
        if memory is None:
            distribution, after = self.actor(prepared, None, legal), None
        else:
            distribution, after = self.actor.step(prepared, memory[mine], legal)
        return distribution.greedy() if noise is None else distribution.sample(noise[mine]), after

    def units(self, rollout: Rollout) -> Units:
        """The living agents' rows; with a recurrence the stretches of time that lead to them."""
        alive = rollout.alive[: rollout.length]
        needed = torch.zeros_like(alive)
        needed[..., self.agents] = alive[..., self.agents]
        if not self.config.recurrent:
            return RowUnits(needed)
        first = rollout.first[: rollout.length].unsqueeze(-1).expand_as(needed)
        return SequenceUnits(needed.flatten(1), first.flatten(1), self.config.chunk_length)

    def learn(self, units: Units, experience: Experience, generator: torch.Generator) -> Metrics:
        """All epochs over one rollout; the metrics are those of the last optimiser step."""
        if len(units) == 0:
            return {}
        old_log_prob = self._log_prob(units, experience)
        report: dict[str, Tensor] = {}
        for pieces in self.epochs.batches(units, partial(self._piece, experience), generator):
            report = self._step(pieces, experience.advantages, old_log_prob)
        return {name: float(value) for name, value in report.items()}

    def _piece(self, experience: Experience, block: Block) -> Piece:
        rows, legal, memory = block.rows, experience.legal, experience.memory
        return Piece(
            block,
            self.actor.prepare(experience.inputs[rows]),
            experience.actions[rows],
            None if legal is None else legal[rows],
            None if memory is None else memory[rows[0]],
        )

    @torch.no_grad()
    def _log_prob(self, units: Units, experience: Experience) -> Tensor:
        """The log-probabilities of the actions taken, before the first step of the optimiser."""
        log_prob = torch.zeros_like(experience.advantages)
        for piece in self.epochs.whole(units, partial(self._piece, experience)):
            distribution = self.actor(piece.prepared, piece.memory, piece.legal)
            piece.block.write(distribution.log_prob(piece.actions), log_prob)
        return log_prob

    def _step(self, pieces: Sequence[Piece], advantages: Tensor, old_log_prob: Tensor) -> dict[str, Tensor]:
        """One step of the optimiser, its gradient accumulated piece by piece."""
        count = sum(piece.block.count for piece in pieces)
        reports = [self._accumulate(piece, advantages, old_log_prob, count) for piece in pieces]
        report = {name: torch.stack([one[name] for one in reports]).sum() for name in reports[0]}
        report["actor_grad_norm"] = optimiser_step(self.optimiser, self.parameters, self.config.max_grad_norm)
        return report

    def _accumulate(
        self, piece: Piece, advantages: Tensor, old_log_prob: Tensor, count: int
    ) -> dict[str, Tensor]:
        """Add the gradient of `policy loss - entropy_coef * entropy` over one piece."""
        rows, mask, clip = piece.block.rows, piece.block.counts, self.config.clip
        distribution = self.actor(piece.prepared, piece.memory, piece.legal)
        log_prob, old = distribution.log_prob(piece.actions), old_log_prob[rows]
        policy_loss = clipped_policy_loss(log_prob, old, advantages[rows], mask, clip, count)
        entropy = entropy_bonus(distribution.entropy(), mask, count)
        torch.autograd.backward(policy_loss - self.config.entropy_coef * entropy)
        return {
            "policy_loss": policy_loss.detach(),
            "entropy": entropy.detach(),
            **policy_diagnostics(log_prob, old, mask, clip, count),
        }
