"""The actor's half of PPO for teams: acting, and passes over the clipped surrogate of living agents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from marlzoo.algorithm import Metrics, World
from marlzoo.learn.batches import optimiser_step
from marlzoo.learn.blocks import Block, Epochs, RowUnits, SequenceUnits, Units
from marlzoo.learn.ppo import clipped_policy_loss, entropy_bonus, policy_diagnostics
from marlzoo.learn.team_config import TeamPpoConfig
from marlzoo.memory.rollout import Rollout
from marlzoo.nets.actor_critic import Actor, BodyShape
from marlzoo.nets.inputs import ActorInput


@dataclass(frozen=True)
class Experience:
    """What was seen and done: tensors `[T * E * N, ...]`, in the order of `marlzoo.learn.blocks`.

    `legal` as in `Actor.forward`; `memory` is that of the recurrence before each step.
    """

    inputs: Tensor
    actions: Tensor
    legal: Tensor | None
    memory: Tensor | None


@dataclass(frozen=True)
class Surrogate:
    """What is maximised: `min(x A, clamp(x, 1 - clip, 1 + clip) A)` with `x = exp(log_prob - reference)`.

    `advantages` and `reference` are `[T * E * N]`. The reference is the old log-probability, minus the
    logarithm of whatever else is to multiply the ratio. `clip` is one range for all rows, or `[T * E * N]`.
    """

    advantages: Tensor
    reference: Tensor
    clip: float | Tensor

    def __getitem__(self, rows: Tensor) -> Surrogate:
        clip = self.clip[rows] if isinstance(self.clip, Tensor) else self.clip
        return Surrogate(self.advantages[rows], self.reference[rows], clip)


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

    def __init__(
        self, world: World, config: TeamPpoConfig, agents: slice, generator: torch.Generator
    ) -> None:
        self.config = config
        self.agents = agents
        self.block_size = config.micro_batch * world.num_agents
        self.actor = Actor(
            ActorInput(world, config.agent_ids, config.frames).size,
            world,
            BodyShape.of(config),
            generator,
            head_gain=config.head_gain,
            log_std=config.log_std,
            std_form=config.std_form,
            squash_mean=config.squash_mean,
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

    def units(self, rollout: Rollout, agents: slice | Tensor | None = None) -> Units:
        """The living rows of `agents`, None for all it acts for; with a recurrence the stretches of time that
        lead to them."""
        alive = rollout.alive[: rollout.length]
        chosen = self.agents if agents is None else agents
        needed = torch.zeros_like(alive)
        needed[..., chosen] = alive[..., chosen]
        if not self.config.recurrent:
            return RowUnits(needed)
        first = rollout.first[: rollout.length].unsqueeze(-1).expand_as(needed)
        return SequenceUnits(needed.flatten(1), first.flatten(1), self.config.chunk_length)

    def log_prob(self, units: Units, experience: Experience) -> Tensor:
        """`[T * E * N]`: the present log-probabilities of the actions taken; 0 in rows outside `units`."""
        return self.log_prob_of(self.gather(units, experience), experience)

    def gather(self, units: Units, experience: Experience) -> list[Piece]:
        """The rows of `units`, for several calls of `log_prob_of`."""
        return self._passes(1).whole(units, partial(self._piece, experience))

    @torch.no_grad()
    def log_prob_of(self, pieces: Sequence[Piece], experience: Experience) -> Tensor:
        """As `log_prob`, of rows that were gathered from `experience`."""
        log_prob = torch.zeros(len(experience.actions))
        for piece in pieces:
            distribution = self.actor(piece.prepared, piece.memory, piece.legal)
            piece.block.write(distribution.log_prob(piece.actions), log_prob)
        return log_prob

    def learn(
        self,
        units: Units,
        experience: Experience,
        surrogate: Surrogate,
        generator: torch.Generator,
        *,
        epochs: int,
    ) -> Metrics:
        """Pass `epochs` times over `units`; the metrics are those of the last optimiser step."""
        if len(units) == 0:
            return {}
        report: dict[str, Tensor] = {}
        for pieces in self._passes(epochs).batches(units, partial(self._piece, experience), generator):
            report = self._step(pieces, surrogate)
        return {name: float(value) for name, value in report.items()}

    def _passes(self, epochs: int) -> Epochs:
        return Epochs(epochs, self.config.minibatches, self.block_size)

    def _piece(self, experience: Experience, block: Block) -> Piece:
        rows, legal, memory = block.rows, experience.legal, experience.memory
        return Piece(
            block,
            self.actor.prepare(experience.inputs[rows]),
            experience.actions[rows],
            None if legal is None else legal[rows],
            None if memory is None else memory[rows[0]],
        )

    def _step(self, pieces: Sequence[Piece], surrogate: Surrogate) -> dict[str, Tensor]:
        """One step of the optimiser, its gradient accumulated piece by piece."""
        count = sum(piece.block.count for piece in pieces)
        reports = [self._accumulate(piece, surrogate[piece.block.rows], count) for piece in pieces]
        report = {name: torch.stack([one[name] for one in reports]).sum() for name in reports[0]}
        report["actor_grad_norm"] = optimiser_step(self.optimiser, self.parameters, self.config.max_grad_norm)
        return report

    def _accumulate(self, piece: Piece, aim: Surrogate, count: int) -> dict[str, Tensor]:
        """Add the gradient of `policy loss - entropy_coef * entropy` over one piece."""
        mask, old, clip = piece.block.counts, aim.reference, aim.clip
        distribution = self.actor(piece.prepared, piece.memory, piece.legal)
        log_prob = distribution.log_prob(piece.actions)
        policy_loss = clipped_policy_loss(log_prob, old, aim.advantages, mask, clip, count)
        entropy = entropy_bonus(distribution.entropy(), mask, count)
        torch.autograd.backward(policy_loss - self.config.entropy_coef * entropy)
        return {
            "policy_loss": policy_loss.detach(),
            "entropy": entropy.detach(),
            **policy_diagnostics(log_prob, old, mask, clip, count),
        }
