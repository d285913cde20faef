"""What methods share that update agents one after another: joint ratios, agent orders, clipping ranges.

Log-ratios are `log pi_new(a) - log pi_old(a)` per agent, `[T, E, N]`, and 0 for the dead. Agents are named by
`int64` index tensors. Sources: Wang et al., 2023 (A2PO), Kuba et al., 2022 (HAPPO).
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

AgentOrder = Literal["semi_greedy", "greedy", "reverse_semi_greedy", "reverse_greedy", "random", "fixed"]

SMALLEST_VALUE = 1e-8
"""Values are taken to be at least so far from 0 when advantages are divided by them."""


def joint_log_ratio(log_ratio: Tensor, agents: Tensor) -> Tensor:
    """`[T, E, 1]`: the logarithm of the product of the ratios of `agents [K]`."""
    return log_ratio[..., agents].sum(-1, keepdim=True)


def others_ratio(log_ratio: Tensor, agents: Tensor, clip: float | None) -> Tensor:
    """`[T, E, N]`: for each agent the product of the ratios of `agents [K]` but for its own.

    Cut off at `1 - clip` and `1 + clip` (A2PO's bound on preceding policies), or not at all.
    """
    considered = torch.zeros(log_ratio.shape[-1], dtype=torch.bool)
    considered[agents] = True
    own = torch.where(considered, log_ratio, 0.0)
    product = (own.sum(-1, keepdim=True) - own).exp()
    return product if clip is None else product.clamp(1.0 - clip, 1.0 + clip)


def urgency(advantages: Tensor, values: Tensor, alive: Tensor) -> Tensor:
    """`[N]`: the mean of `|A / V|` over an agent's living steps, 0 for one that never lived.

    Args:
        advantages: `[T, E, N]`, normalised.
        values: `[T, E, N]` or `[T, E, 1]`, on the critic's scale.
        alive: `[T, E, N]` bool.
    """
    relative = advantages.abs() / values.abs().clamp_min(SMALLEST_VALUE)
    total = torch.where(alive, relative, 0.0).sum((0, 1))
    return total / alive.sum((0, 1)).clamp_min(1)


def agent_order(kind: AgentOrder, scores: Tensor, generator: torch.Generator) -> Tensor:
    """The agents `[N]` in the order of their updates.

    `greedy` by descending score; `semi_greedy` takes in turn the best and a random one of those left; both
    begin with the lowest score as `reverse_greedy` and `reverse_semi_greedy`. `random` ignores the scores;
    `fixed` is the environment's order, which the paper calls cyclic.
    """
    if kind == "fixed":
        return torch.arange(len(scores))
    if kind == "random":
        return torch.randperm(len(scores), generator=generator)
    ranked = scores.argsort(descending=not kind.startswith("reverse"), stable=True)
    return _alternating(ranked, generator) if kind.endswith("semi_greedy") else ranked


def _alternating(ranked: Tensor, generator: torch.Generator) -> Tensor:
    left, order = ranked.tolist(), []
    while left:
        order.append(left.pop(0))
        if left:
            order.append(left.pop(int(torch.randint(len(left), (), generator=generator))))
    return torch.tensor(order)


def blocks_of(order: Tensor, number: int) -> list[Tensor]:
    """`order [N]` in `number` consecutive blocks of nearly equal size; at most N blocks."""
    return list(order.tensor_split(min(number, len(order))))


def cumulative(blocks: list[Tensor]) -> list[Tensor]:
    """Each block together with all before it."""
    return [torch.cat(blocks[: number + 1]) for number in range(len(blocks))]


def position_clip(clip: float, position: int, number: int, weight: float = 0.5) -> float:
    """The range of block `position` (from 0) of `number`: `clip * (w k / n + 1 - w)` with `k = position + 1`.

    Early updates move the ground under later ones and get less room; the last has all of it.
    """
    return clip * (weight * (position + 1) / number + 1.0 - weight)


def ratio_clips(log_ratio: Tensor, order: Tensor, clip: float) -> Tensor:
    """`[N]` ranges in proportion to how little an agent and those after it have moved already.

    `c_i = mean 1 / prod_{j from i on} (1 + |1 - rho_j|)`, where "from i on" goes along `order [N]`, and
    `clip_i = clip * c_i / max_j c_j`.
    """
    moved = (1.0 + (1.0 - log_ratio.exp()).abs()).log()[..., order]
    suffix = moved.flip(-1).cumsum(-1).flip(-1)
    share = torch.empty_like(suffix[0, 0])
    share[order] = suffix.neg().exp().mean((0, 1))
    return clip * share / share.max()
