"""Advantages and returns: the one place that knows the end of a task from the end of time.

Notation: after step t, `m = 0` where the episode ended there, else 1; `V'` is the value of what follows. The
three treatments of a time limit:

* `terminate`: a truncated episode ends with value 0 (what MAPPO and MAT do on SMAC);
* `zero_advantage`: as above, and the truncated step itself has advantage 0 and return `V` (HARL);
* `bootstrap`: a truncated step goes on from the value of the last view, which is the right one where the time
  limit is not part of the task.

Where both flags are set, the task ended: `terminated` wins.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from marlzoo.errors import PluginError

Timeout = Literal["terminate", "zero_advantage", "bootstrap"]


@dataclass(frozen=True)
class _Ends:
    """How the episodes of a rollout end; all `[T, E, 1]` float32."""

    going_on: Tensor
    """`m`: 1 where the next row belongs to the same episode."""
    counts: Tensor
    """0 where the advantage of the step is to be 0, else 1."""


def gae(
    reward: Tensor,
    values: Tensor,
    terminated: Tensor,
    truncated: Tensor,
    *,
    gamma: float,
    lam: float | Tensor,
    timeout: Timeout = "terminate",
    final_values: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Generalised advantage estimation per agent (Schulman et al., 2016).

    `delta_t = r_t + g V'_t - V_t`, `A_t = delta_t + g l m A_{t+1}`, `R_t = A_t + V_t`.

    Args:
        reward: `[T, E, N]`.
        values: `[T+1, E, N]` on the scale of returns.
        terminated: `[T, E]` bool.
        truncated: `[T, E]` bool.
        gamma: discount, in [0, 1].
        lam: lambda, in [0, 1]; may be `[T, E, 1]`, a weight for each step's successor.
        timeout: see the module's text.
        final_values: `[T, E, N]`, read only where an episode was truncated; required by `bootstrap`. N may be
            1 everywhere, for values that all agents share.

    Returns:
        Advantages and returns, `[T, E, N]` each.

    Raises:
        PluginError: `bootstrap` without `final_values`.
    """
    ends = _ends(terminated, truncated, timeout)
    following = _following_values(values, ends, terminated, truncated, timeout, final_values)
    delta = reward + gamma * following - values[:-1]
    decay = gamma * lam * ends.going_on
    advantages = torch.empty_like(delta)
    carried = torch.zeros_like(delta[0])
    for t in reversed(range(len(delta))):
        carried = (delta[t] + decay[t] * carried) * ends.counts[t]
        advantages[t] = carried
    return advantages, advantages + values[:-1]


def gae_state(
    reward: Tensor,
    values: Tensor,
    terminated: Tensor,
    truncated: Tensor,
    *,
    gamma: float,
    lam: float,
    timeout: Timeout = "terminate",
    final_values: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """GAE in which every agent goes on from the first agent's value, the value of the state.

    `delta^i_t = r^i_t + g V'^1_t - V^i_t`, `A^i_t = delta^i_t + g l m A^1_{t+1}`: for values that are
    conditioned on the actions of earlier agents. The expectation is that of `gae`, the variance smaller.
    Arguments and results as in `gae`.
    """
    ends = _ends(terminated, truncated, timeout)
    following = _following_values(values, ends, terminated, truncated, timeout, final_values)
    delta = reward + gamma * following[..., :1] - values[:-1]
    decay = gamma * lam * ends.going_on
    advantages = torch.empty_like(delta)
    carried = torch.zeros_like(delta[0, :, :1])
    for t in reversed(range(len(delta))):
        advantages[t] = (delta[t] + decay[t] * carried) * ends.counts[t]
        carried = advantages[t, :, :1]
    return advantages, advantages + values[:-1]


def gae_micro_step(
    reward: Tensor,
    values: Tensor,
    terminated: Tensor,
    truncated: Tensor,
    *,
    gamma: float,
    lam: float,
    agent_lam: float,
    timeout: Timeout = "terminate",
    final_values: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """GAE along the agents of a step, one after the other, and then along time.

    `delta_{t,i} = V^{i+1}_t - V^i_t` for i < N and `delta_{t,N} = r_t + g V'^1_t - V^N_t`;
    `A_{t,i} = delta_{t,i} + l_a A_{t,i+1}` and `A_{t,N} = delta_{t,N} + g l m A_{t+1,1}`. With
    `agent_lam = 1` all agents get the credit of `gae_state`, with less the credit is an agent's own change of
    value. The reward is the team's: the mean over agents. Other arguments and results as in `gae`.
    """
    ends = _ends(terminated, truncated, timeout)
    following = _following_values(values, ends, terminated, truncated, timeout, final_values)
    present = values[:-1]
    team = reward.mean(-1) + gamma * following[..., 0] - present[..., -1]
    delta = torch.cat([present[..., 1:] - present[..., :-1], team.unsqueeze(-1)], -1)
    decay = gamma * lam * ends.going_on.squeeze(-1)
    advantages = torch.empty_like(delta)
    carried = torch.zeros_like(team[0])
    for t in reversed(range(len(delta))):
        _along_agents(delta[t], decay[t] * carried, agent_lam, advantages[t])
        advantages[t] *= ends.counts[t]
        carried = advantages[t, :, 0]
    return advantages, advantages + present


def normalise(advantages: Tensor, mask: Tensor) -> Tensor:
    """`(A - mean) / (std + 1e-5)` with the statistics of the entries that are True in `mask`, same shapes."""
    kept = advantages[mask]
    if len(kept) == 0:
        return torch.zeros_like(advantages)
    return (advantages - kept.mean()) / (kept.std(correction=0) + 1e-5)


def normalise_each(advantages: Tensor, mask: Tensor) -> Tensor:
    """As `normalise`, but with the statistics of each agent's own entries; both `[T, E, N]`."""
    columns = zip(advantages.unbind(-1), mask.unbind(-1), strict=True)
    return torch.stack([normalise(own, counts) for own, counts in columns], -1)


def _along_agents(delta: Tensor, after_last: Tensor, agent_lam: float, out: Tensor) -> None:
    """Fill `out [E, N]` from the last agent to the first."""
    out[:, -1] = delta[:, -1] + after_last
    for i in reversed(range(delta.shape[-1] - 1)):
        torch.add(delta[:, i], out[:, i + 1], alpha=agent_lam, out=out[:, i])


def _ends(terminated: Tensor, truncated: Tensor, timeout: Timeout) -> _Ends:
    out_of_time = truncated & ~terminated
    counts = ~out_of_time if timeout == "zero_advantage" else torch.ones_like(terminated)
    return _Ends((~(terminated | truncated)).float().unsqueeze(-1), counts.float().unsqueeze(-1))


def _following_values(
    values: Tensor,
    ends: _Ends,
    terminated: Tensor,
    truncated: Tensor,
    timeout: Timeout,
    final_values: Tensor | None,
) -> Tensor:
    """`V'` `[T, E, N]`: the value of what follows each step, 0 where nothing does."""
    following = values[1:] * ends.going_on
    if timeout != "bootstrap":
        return following
    if final_values is None:
        raise PluginError("timeout='bootstrap' needs final_values [T, E, N]; see Rollout.final_views")
    out_of_time = (truncated & ~terminated).unsqueeze(-1)
    return torch.where(out_of_time, final_values, following)
