"""The environment contract: a batch of E copies that step together and write into preallocated arrays.

Two sets of output arrays take turns, so that the view before a step and its successor are both readable
without a copy. The order of calls is fixed:

    view = env.reset(seeds)
    step = env.step(actions)      # step.view is the successor, before any reset
    view = env.reset_done()       # ended environments start anew, in the same arrays
"""

from __future__ import annotations

import abc
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor

from marlzoo.algorithm import View, World


@dataclass(frozen=True)
class StepResult:
    """What one step of E environments brought.

    `info` holds one array `[E]` per episode metric (named by `BatchedEnv.episode_metrics`); its values count
    only where the episode ended with this step.
    """

    view: View
    reward: Tensor
    """`[E, N]` float32."""
    terminated: Tensor
    """`[E]` bool."""
    truncated: Tensor
    """`[E]` bool."""
    info: Mapping[str, np.ndarray]


class BatchedEnv(abc.ABC):
    """E copies of one environment.

    Environment i draws all its randomness from `seeds[i]`, so its episodes do not depend on E or on the other
    environments.
    """

    world: World
    backend: str = "embedded"
    """What computes the dynamics; named in the banner, the manifest and the leaderboard."""
    backend_version: str = ""
    episode_metrics: tuple[str, ...] = ()
    """Keys of `StepResult.info`, e.g. `battle_won`."""

    @abc.abstractmethod
    def reset(self, seeds: Sequence[np.random.SeedSequence]) -> View:
        """Start every environment anew with its own stream; `len(seeds)` must equal `world.num_envs`."""

    @abc.abstractmethod
    def step(self, actions: Tensor) -> StepResult:
        """Advance every environment by one step. `actions` is `[E, N]` int64 or `[E, N, A]` float32.

        Raises `UsageError` when an action is illegal (masked out, or not finite).
        """

    @abc.abstractmethod
    def reset_done(self) -> View:
        """Restart the environments that ended in the last `step` and return the view to act on next.

        Continuing environments keep the successor's rows; restarted ones show their first view (`first` set).
        """

    @abc.abstractmethod
    def snapshot(self) -> dict[str, Any]:
        """The whole state, random generators included: arrays, numbers, strings, and lists and dicts of them.

        Taken between `reset_done` and `step`, or after `reset`.
        """

    @abc.abstractmethod
    def restore(self, snapshot: Mapping[str, Any]) -> View:
        """Go back to a snapshot of an equal batch; returns the view that was current when it was taken."""

    def diagnostics(self) -> Mapping[str, float]:
        """Counters worth a line in the manifest (restarted workers, crashed games, ...)."""
        return {}

    def close(self) -> None:
        """Release processes and windows. Calling it twice is harmless."""
