"""Where the actions of agents j >= i in V^i come from, and their form.

All but `tf` are functions of the observations and of executed actions before i only. They are made once, with
the parameters that acted, and stay the same over the epochs.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from marlzoo.errors import UsageError
from marlzoo.nets.decode import Forced
from marlzoo.nets.heads import ActionDistribution, Categorical, Gaussian
from marlzoo.nets.mat_body import MatBody

CONTINUATION_LIMIT = 16
"""Greedy continuations cost N^2/2 decoder steps per joint step, and value tokens of their own for every i."""


@dataclass(frozen=True)
class Situation:
    """B joint steps, encoded: `rep [B, N, D]`, `alive [B, N]`, `action_mask [B, N, A]` or None."""

    rep: Tensor
    alive: Tensor
    action_mask: Tensor | None

    def repeat_agents(self) -> Situation:
        """Every step N times in a row: `[B*N, N, ...]`."""
        agents = self.rep.shape[1]
        mask = None if self.action_mask is None else self.action_mask.repeat_interleave(agents, 0)
        return Situation(self.rep.repeat_interleave(agents, 0), self.alive.repeat_interleave(agents, 0), mask)


def form(options: ActionDistribution, soft: bool) -> Tensor:
    """What `options` are to value tokens: choices, or (soft) probabilities, or means and deviations."""
    if not soft:
        return options.greedy().detach()
    if isinstance(options, Categorical):
        return options.log_probs.exp().detach()
    if isinstance(options, Gaussian):
        return torch.cat((options.mean, options.std.expand_as(options.mean)), -1).detach()
    raise TypeError(f"no soft form of {type(options).__name__}")


def hidden_along(body: MatBody, at: Situation, plan: Tensor) -> Tensor:
    """The decoder's output along `plan`: `[B, N, D]`, or `[B, N, N, D]` where every i has its own plan."""
    if not has_own_plans(at, plan):
        return body.decode_parallel(at.rep, plan, at.alive)
    wide = at.repeat_agents()
    hidden = body.decode_parallel(wide.rep, plan.flatten(0, 1), wide.alive)
    return hidden.view(*plan.shape[:2], *hidden.shape[1:])


@torch.no_grad()
def soft_plan(body: MatBody, at: Situation, plan: Tensor) -> Tensor:
    """Everybody's policy after the choices of `plan` before it, as value tokens take it."""
    mask = at.action_mask
    if mask is not None and has_own_plans(at, plan):
        mask = mask.unsqueeze(1)
    return form(body.distribution(hidden_along(body, at, plan), mask), soft=True)


def has_own_plans(at: Situation, plan: Tensor) -> bool:
    """Whether `plan` is `[B, N, N]` (`[B, N, N, A]`) rather than `[B, N]` (`[B, N, A]`)."""
    return plan.dim() - (1 if plan.is_floating_point() else 0) > at.alive.dim()


@torch.no_grad()
def greedy_continuations(body: MatBody, at: Situation, actions: Tensor) -> Tensor:
    """`[B, N, N]` (`[B, N, N, A]`): row i is `actions` before agent i and greedy choices from i on.

    Raises:
        UsageError: more agents than `CONTINUATION_LIMIT`.
    """
    rows, agents = at.alive.shape
    if agents > CONTINUATION_LIMIT:
        raise UsageError(
            f"succ=greedy_cont serves at most {CONTINUATION_LIMIT} agents, not {agents}; use succ=plan"
        )
    wide = at.repeat_agents()
    forced = Forced(actions.repeat_interleave(agents, 0), torch.arange(agents).repeat(rows))
    mixed = body.act(wide.rep, wide.alive, wide.action_mask, None, forced)
    return mixed.view(rows, agents, *mixed.shape[1:])


def imitation_loss(taught: ActionDistribution, teacher: ActionDistribution, alive: Tensor) -> Tensor:
    """`KL(teacher || taught)` of living agents, 0 for dead ones, averaged over all.

    The teacher gets no gradient.
    """
    if isinstance(taught, Categorical) and isinstance(teacher, Categorical):
        target = teacher.log_probs.detach()
        divergence = (target.exp() * (target - taught.log_probs)).sum(-1)
    elif isinstance(taught, Gaussian) and isinstance(teacher, Gaussian):
        divergence = 0.5 * ((teacher.mean.detach() - taught.mean) / teacher.std.detach()).square().sum(-1)
    else:
        raise TypeError("teacher and taught must be distributions of one kind")
    return torch.where(alive, divergence, 0.0).mean()
