"""Traces for data that preceding agents' new policies have made off-policy.

Wang et al., 2023, "Order Matters: Agent-by-agent Policy Optimization": once the agents before agent i have
been updated, its advantages are those of another joint policy. They are corrected by truncated products of
ratios (PreOPC),

    A_t = delta_t + sum_k g^k (prod_{l=1..k} lambda min(c, rho_{t+l})) delta_{t+k}
        = delta_t + g lambda min(c, rho_{t+1}) m_{t+1} A_{t+1},

which is `marlzoo.memory.returns.gae` with a lambda for each step.
"""

from __future__ import annotations

import torch
from torch import Tensor


def traced_lambda(log_ratio: Tensor, lam: float, *, cap: float = 1.0, double_lambda: bool = False) -> Tensor:
    """The lambda `[T, E, 1]` with which `gae` computes the corrected advantages.

    Row t weighs what follows step t: `lam * min(cap, rho_{t+1})`. Nothing follows the last step.

    Args:
        log_ratio: `[T, E, 1]`, the logarithm of `rho`, the joint ratio of new to old policies of the agents
            considered.
        lam: lambda of generalised advantage estimation.
        cap: `c`, where ratios are cut off.
        double_lambda: weigh with the square of `lam`, as the published code does.
    """
    weights = log_ratio.exp().clamp(max=cap)
    following = torch.cat([weights[1:], torch.ones_like(weights[:1])])
    return (lam * lam if double_lambda else lam) * following
