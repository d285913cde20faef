"""PPO for joint policies: one network that scores all agents of a step in one pass.

The rollout stores observations and actions only. Afterwards one batched pass gives the old log-probabilities
and values; then every epoch goes over the joint steps again, in minibatches made of micro-batches whose
gradients add up exactly. An algorithm composes `JointPpo` with its network and its advantage estimator.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from marlzoo.algorithm import Context, Metrics, Transition, World
from marlzoo.learn.batches import micro_batches, minibatches, optimiser_step
from marlzoo.learn.joint_config import JointPpoConfig
from marlzoo.learn.ppo import (
    clipped_policy_loss,
    clipped_value_loss,
    entropy_bonus,
    explained_variance,
    policy_diagnostics,
)
from marlzoo.learn.schedules import linear, set_learning_rate
from marlzoo.memory.returns import normalise
from marlzoo.memory.rollout import Rollout
from marlzoo.nets.frames import PAST, seen, stack
from marlzoo.nets.normalisation import ValueNorm

MICRO_TOKENS = 4096
"""Agents in a micro-batch, at most: with more agents to a joint step, fewer joint steps."""

KEPT_TOKENS = 16384
"""Agents in a rollout up to which the first pass keeps its graph, about 12 kB each, for the first epoch."""


def micro_batch_size(config: JointPpoConfig, agents: int) -> int:
    """How many joint steps go through a network at once."""
    return max(1, min(config.micro_batch, MICRO_TOKENS // agents))


@dataclass(frozen=True)
class JointRows:
    """B joint steps as a network scores them.

    `obs [B, N, O]` is what the network made of the observations once; `alive [B, N]`; `action_mask [B, N, A]`
    or None; executed `actions [B, N]` or `[B, N, A]`. `extras` are tensors with B first that the network adds
    for itself.
    """

    obs: Tensor
    alive: Tensor
    action_mask: Tensor | None
    actions: Tensor
    extras: Mapping[str, Tensor] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.obs)

    def __getitem__(self, index: Tensor | slice) -> JointRows:
        return JointRows(
            self.obs[index],
            self.alive[index],
            None if self.action_mask is None else self.action_mask[index],
            self.actions[index],
            {name: extra[index] for name, extra in self.extras.items()},
        )


@dataclass(frozen=True)
class JointEvaluation:
    """What a network says of B joint steps.

    `log_prob` is `[B, N]`, or `[B, N, A]` where the ratio is to be taken per action component;
    `entropy [B, N]`; `values [B, N]` on the normalised scale; `extra_loss` is a mean over the B rows, added
    to the loss.
    """

    log_prob: Tensor
    entropy: Tensor
    values: Tensor
    extra_loss: Tensor | None = None


class JointNetwork(Protocol):
    """What `JointPpo` needs of a network, an `nn.Module`."""

    def rows(
        self,
        obs: Tensor,
        alive: Tensor,
        action_mask: Tensor | None,
        actions: Tensor,
        memo: Mapping[str, Tensor],
    ) -> JointRows:
        """Prepare B executed joint steps once for all epochs, with the parameters that acted. No gradient."""

    def evaluate(self, rows: JointRows) -> JointEvaluation:
        """Score them, with gradient."""

    def values_ahead(
        self, obs: Tensor, alive: Tensor, action_mask: Tensor | None, generator: torch.Generator
    ) -> Tensor:
        """`[B, N]`: normalised values of views on which nobody has acted yet. No gradient."""


class AdvantageEstimator(Protocol):
    """`marlzoo.memory.returns.gae` or a relative, with its settings already filled in."""

    def __call__(
        self,
        reward: Tensor,
        values: Tensor,
        terminated: Tensor,
        truncated: Tensor,
        *,
        final_values: Tensor | None,
    ) -> tuple[Tensor, Tensor]:
        """Advantages and returns, `[T, E, N]` each."""


@dataclass(frozen=True)
class _Targets:
    """What the losses compare with; `[B, N]` each, `old_log_prob` perhaps `[B, N, A]`."""

    old_log_prob: Tensor
    old_values: Tensor
    advantages: Tensor
    returns: Tensor

    def __getitem__(self, index: Tensor) -> _Targets:
        return _Targets(
            self.old_log_prob[index], self.old_values[index], self.advantages[index], self.returns[index]
        )


class JointPpo:
    """The learner: rollout memory, value normaliser, optimiser, and the update from a full rollout.

    Metrics beside losses and the usual diagnostics: `value_spread` is the deviation of V between the agents
    of a step relative to its deviation over all, 0 for a value that does not tell agents apart;
    `advantage_std` is that of the raw advantages of living agents.
    """

    def __init__(
        self,
        world: World,
        network: nn.Module,
        config: JointPpoConfig,
        estimate: AdvantageEstimator,
        context: Context,
    ) -> None:
        """Make a learner.

        Args:
            world: sizes of the rollout.
            network: an `nn.Module` that satisfies `JointNetwork`; it sees `frames` observations as one.
            config: settings.
            estimate: advantages and returns.
            context: its generator shuffles minibatches and draws the actions that `values_ahead` may need.
        """
        self.network: Any = network
        self.config = config
        self.micro_batch = micro_batch_size(config, world.num_agents)
        self.estimate = estimate
        self.context = context
        self.rollout = Rollout(world, config.rollout_length, keep_final_views=config.timeout == "bootstrap")
        self.parameters = list(network.parameters())
        self.optimiser = torch.optim.Adam(self.parameters, lr=config.lr, eps=config.adam_eps, fused=True)
        self.value_norm = ValueNorm(config.value_norm_decay)
        self.updates = 0

    def observe(self, transition: Transition) -> None:
        """Remember one step."""
        self.rollout.add(transition)

    def update(self) -> Metrics | None:
        """Improve the network if the rollout is full."""
        if not self.rollout.full:
            return None
        self._schedule()
        rows = self._rows()
        first = self._first_pass(rows)
        targets, metrics = self._targets(_joined(first))
        sums: dict[str, Tensor] = {}
        for epoch in range(self.config.epochs):
            ready = first if epoch == 0 and self._reuses_first_pass else None
            for index in minibatches(len(rows), self.config.minibatches, self.context.generator):
                _accumulate(sums, self._step(rows, targets, index, ready))
        self.rollout.clear()
        self.updates += 1
        steps = self.config.epochs * self.config.minibatches
        return metrics | {name: float(total) / steps for name, total in sums.items()}

    def state_dict(self) -> dict[str, Any]:
        """Network, optimiser and value normaliser; nothing in it has the number of agents in its shape."""
        parts = {"network": self.network, "optimiser": self.optimiser, "value_norm": self.value_norm}
        return {"updates": self.updates, **{name: part.state_dict() for name, part in parts.items()}}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take back what `state_dict` returned; a half-full rollout is forgotten."""
        self.load_policy(state)
        self.optimiser.load_state_dict(state["optimiser"])
        self.value_norm.load_state_dict(state["value_norm"])
        self.updates = state["updates"]
        self.rollout.clear()

    def policy_dict(self) -> dict[str, Any]:
        """What `load_policy` takes: the network, and the scale of its values."""
        return {"network": self.network.state_dict(), "value_norm": self.value_norm.state_dict()}

    def load_policy(self, state: Mapping[str, Any]) -> None:
        """Take the network from a `policy_dict` or `state_dict`; acting does not need the scale of values,
        which older policies lack."""
        self.network.load_state_dict(state["network"])
        if "value_norm" in state:
            self.value_norm.load_state_dict(state["value_norm"])

    def in_returns(self, values: Tensor) -> Tensor | None:
        """What the network says of values, in the units of the return; None while their scale is unknown."""
        return self.value_norm.denormalise(values) if float(self.value_norm.debias) > 0 else None

    @property
    def ready_to_save(self) -> bool:
        return self.rollout.empty

    @property
    def _reuses_first_pass(self) -> bool:
        # With one minibatch the first epoch scores the same rows with the same parameters as the pass before.
        return self.config.minibatches == 1 and self.rollout.reward.numel() <= KEPT_TOKENS

    def _schedule(self) -> None:
        if self.config.linear_lr_decay:
            taken = self.updates * self.rollout.reward.shape[:2].numel()
            set_learning_rate(self.optimiser, linear(self.config.lr, 0.0, taken / self.context.total_steps))

    @torch.no_grad()
    def _rows(self) -> JointRows:
        rollout, mask = self.rollout, self.rollout.action_mask
        return self.network.rows(
            seen(rollout.obs[:-1], rollout.memo).flatten(0, 1),
            rollout.alive[:-1].flatten(0, 1),
            None if mask is None else mask[:-1].flatten(0, 1),
            rollout.actions.flatten(0, 1),
            {name: memo.flatten(0, 1) for name, memo in rollout.memo.items() if name != PAST},
        )

    def _seen_after(self, where: Any, obs: Tensor) -> Tensor:
        """`[..., N, frames * O]`: `obs [..., N, O]`, to which the steps `where` led in the same episode, with
        what lies behind."""
        if self.config.frames == 1:
            return obs
        _, behind = stack(self.rollout.memo[PAST][where], self.rollout.obs[:-1][where])
        return stack(behind, obs)[0]

    def _first_pass(self, rows: JointRows) -> list[JointEvaluation]:
        with torch.set_grad_enabled(self._reuses_first_pass):
            pieces = micro_batches(len(rows), self.micro_batch)
            return [self.network.evaluate(rows[piece]) for piece in pieces]

    @torch.no_grad()
    def _targets(self, old: JointEvaluation) -> tuple[_Targets, dict[str, float]]:
        rollout = self.rollout
        values = torch.cat((old.values.view_as(rollout.reward), self._values_after()))
        values = self.value_norm.denormalise(values)
        advantages, returns = self.estimate(
            rollout.reward, values, rollout.terminated, rollout.truncated, final_values=self._final_values()
        )
        self.value_norm.update(returns)
        alive = rollout.alive[:-1]
        targets = _Targets(
            old_log_prob=old.log_prob,
            old_values=old.values,
            advantages=normalise(advantages, alive).flatten(0, 1),
            returns=self.value_norm.normalise(returns).flatten(0, 1),
        )
        return targets, _value_diagnostics(values[:-1], advantages, returns, alive)

    def _values_after(self) -> Tensor:
        """`[1, E, N]`: normalised values of the views after the last step."""
        rollout, mask = self.rollout, self.rollout.action_mask
        obs = self._seen_after(-1, rollout.obs[-1])
        return self._ahead(obs, rollout.alive[-1], None if mask is None else mask[-1])[None]

    def _final_values(self) -> Tensor | None:
        """`[T, E, N]`: values of what was last seen of truncated episodes, 0 elsewhere."""
        if self.config.timeout != "bootstrap":
            return None
        values = torch.zeros_like(self.rollout.reward)
        final = self.rollout.final_views()
        if final is not None:
            where = (final.steps, final.envs)
            obs = self._seen_after(where, final.view.obs)
            ahead = self._ahead(obs, final.view.alive, final.view.action_mask)
            values[where] = self.value_norm.denormalise(ahead)
        return values

    def _ahead(self, obs: Tensor, alive: Tensor, action_mask: Tensor | None) -> Tensor:
        """`[B, N]`: normalised values of views on which nobody has acted."""
        ahead = [
            self.network.values_ahead(
                obs[piece],
                alive[piece],
                None if action_mask is None else action_mask[piece],
                self.context.generator,
            )
            for piece in micro_batches(len(obs), self.micro_batch)
        ]
        return torch.cat(ahead)

    def _step(
        self, rows: JointRows, targets: _Targets, index: Tensor, ready: list[JointEvaluation] | None
    ) -> dict[str, Tensor]:
        """One optimiser step on the minibatch `index`; evaluations that are `ready` are used up."""
        sums: dict[str, Tensor] = {}
        living = max(float(rows.alive[index].sum()), 1.0)
        for number, piece in enumerate(micro_batches(len(index), self.micro_batch)):
            part = index[piece]
            now = self.network.evaluate(rows[part]) if ready is None else ready[number]
            loss, terms = self._loss(now, rows.alive[part], targets[part], living, len(index))
            torch.autograd.backward(loss)
            _accumulate(sums, terms)
        sums["grad_norm"] = optimiser_step(self.optimiser, self.parameters, self.config.max_grad_norm)
        return sums

    def _loss(
        self, now: JointEvaluation, alive: Tensor, targets: _Targets, living: float, rows: int
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Policy and entropy over living agents, values over all (published) or the living."""
        config = self.config
        over_components = now.log_prob.dim() > alive.dim()
        mask = alive.unsqueeze(-1) if over_components else alive
        advantages = targets.advantages.unsqueeze(-1) if over_components else targets.advantages
        everyone = config.value_loss_agents == "all"
        terms = {
            "policy_loss": clipped_policy_loss(
                now.log_prob, targets.old_log_prob, advantages, mask, config.clip, living
            ),
            "value_loss": clipped_value_loss(
                now.values,
                targets.old_values,
                targets.returns,
                None if everyone else alive,
                config.clip if config.value_clip else None,
                config.huber_delta,
                float(rows * alive.shape[1]) if everyone else living,
            ),
            "entropy": entropy_bonus(now.entropy, alive, living),
        }
        loss = terms["policy_loss"] - config.entropy_coef * terms["entropy"]
        loss = loss + config.value_coef * terms["value_loss"]
        if now.extra_loss is not None:
            terms["extra_loss"] = now.extra_loss * (len(alive) / rows)
            loss = loss + terms["extra_loss"]
        diagnostics = policy_diagnostics(
            now.log_prob.detach(), targets.old_log_prob, mask, config.clip, living
        )
        return loss, terms | diagnostics


def _joined(evaluations: list[JointEvaluation]) -> JointEvaluation:
    """All rows in one, without gradient."""
    return JointEvaluation(
        torch.cat([evaluation.log_prob.detach() for evaluation in evaluations]),
        torch.cat([evaluation.entropy.detach() for evaluation in evaluations]),
        torch.cat([evaluation.values.detach() for evaluation in evaluations]),
    )


def _accumulate(sums: dict[str, Tensor], terms: Mapping[str, Tensor]) -> None:
    for name, term in terms.items():
        sums[name] = sums.get(name, torch.zeros(())) + term.detach()


def _value_diagnostics(
    values: Tensor, advantages: Tensor, returns: Tensor, alive: Tensor
) -> dict[str, float]:
    deviation = float(values.std(correction=0))
    between_agents = float(values.var(-1, correction=0).mean().sqrt())
    kept = advantages[alive]
    return {
        "value_spread": between_agents / max(deviation, 1e-8),
        "advantage_std": float(kept.std(correction=0)) if len(kept) else 0.0,
        "explained_variance": explained_variance(values, returns),
    }
