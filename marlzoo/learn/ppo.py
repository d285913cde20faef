"""The losses of PPO (Schulman et al., 2017) as all algorithms here share them.

Each is a sum divided by `count`, the number of entries that count in the *whole* minibatch. The losses of its
micro-batches therefore add up to the minibatch's loss, and their gradients to its gradient. `mask` drops
entries (dead agents); it is None where such rows were left out beforehand.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def clipped_policy_loss(
    log_prob: Tensor,
    old_log_prob: Tensor,
    advantages: Tensor,
    mask: Tensor | None,
    clip: float | Tensor,
    count: float,
) -> Tensor:
    """`-sum min(rho A, clamp(rho, 1 - clip, 1 + clip) A) / count` with `rho = exp(log_prob - old_log_prob)`.

    All shapes alike, or broadcasting: with log-probabilities per action component `[..., A]`, advantages and
    mask `[..., 1]`, the components' losses are summed, as MAT does. `clip` may differ from row to row.
    """
    ratio, width = (log_prob - old_log_prob).exp(), torch.as_tensor(clip)
    surrogate = torch.minimum(ratio * advantages, ratio.clamp(1.0 - width, 1.0 + width) * advantages)
    return -_masked_mean(surrogate, mask, count)


def clipped_value_loss(
    value: Tensor,
    old_value: Tensor,
    target: Tensor,
    mask: Tensor | None,
    clip: float | None,
    huber_delta: float | None,
    count: float,
) -> Tensor:
    """`sum max(h(R - V), h(R - V_clipped)) / count`, `V_clipped = V_old + clamp(V - V_old, -clip, clip)`.

    `h` is Huber's function, quadratic (`e^2 / 2`) up to `huber_delta` on both sides; None for quadratic
    everywhere, and None for `clip` leaves the second error out. Shapes alike.
    """
    loss = _huber(target - value, huber_delta)
    if clip is not None:
        clipped = old_value + (value - old_value).clamp(-clip, clip)
        loss = torch.maximum(loss, _huber(target - clipped, huber_delta))
    return _masked_mean(loss, mask, count)


def entropy_bonus(entropy: Tensor, mask: Tensor | None, count: float) -> Tensor:
    """The mean entropy over the entries that count; subtract it, weighted, from the loss."""
    return _masked_mean(entropy, mask, count)


@torch.no_grad()
def policy_diagnostics(
    log_prob: Tensor, old_log_prob: Tensor, mask: Tensor | None, clip: float | Tensor, count: float
) -> dict[str, Tensor]:
    """How far the policy moved: `clip_fraction`, and `approx_kl`, the estimate `mean(rho - 1 - log rho)`.

    Sums over `count` like the losses, so the values of micro-batches add up.
    """
    log_ratio = log_prob - old_log_prob
    ratio = log_ratio.exp()
    return {
        "clip_fraction": _masked_mean(((ratio - 1.0).abs() > clip).float(), mask, count),
        "approx_kl": _masked_mean(ratio - 1.0 - log_ratio, mask, count),
    }


@torch.no_grad()
def explained_variance(values: Tensor, returns: Tensor) -> float:
    """`1 - var(R - V) / var(R)`: 1 for a perfect critic, 0 for one that knows the mean; 0 for constant R."""
    variance = float(returns.var(correction=0))
    if variance == 0.0:
        return 0.0
    return 1.0 - float((returns - values).var(correction=0)) / variance


def _huber(error: Tensor, delta: float | None) -> Tensor:
    if delta is None:
        return 0.5 * error.square()
    return functional.huber_loss(error, torch.zeros_like(error), reduction="none", delta=delta)


def _masked_mean(entries: Tensor, mask: Tensor | None, count: float) -> Tensor:
    kept = entries if mask is None else torch.where(mask, entries, 0.0)
    return kept.sum() / count
