"""Returns, lengths and metrics of episodes, whoever plays them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from marlzoo.envs.contract import StepResult


@dataclass(frozen=True)
class Finished:
    """The episodes that ended with one step. All arrays are `[K]`, one entry per ended environment.

    The return of an episode is the sum over time of the mean over agents of the reward, undiscounted; with a
    team reward that is the team's return.
    """

    slots: np.ndarray
    returns: np.ndarray
    lengths: np.ndarray
    metrics: Mapping[str, np.ndarray]


class EpisodeTracker:
    """Adds up the rewards of E running episodes."""

    def __init__(self, num_envs: int, metric_names: Sequence[str]) -> None:
        self._metric_names = tuple(metric_names)
        self._returns = np.zeros(num_envs)
        self._lengths = np.zeros(num_envs, np.int64)

    def add(self, step: StepResult) -> Finished | None:
        """Count one step of every environment; returns the episodes that it ended, if any."""
        self._returns += step.reward.numpy().mean(axis=1)
        self._lengths += 1
        ended = step.terminated.numpy() | step.truncated.numpy()
        if not ended.any():
            return None
        slots = np.flatnonzero(ended)
        metrics = {name: np.asarray(step.info[name])[slots].astype(float) for name in self._metric_names}
        finished = Finished(slots, self._returns[slots], self._lengths[slots], metrics)
        self._returns[slots] = 0.0
        self._lengths[slots] = 0
        return finished

    def state_dict(self) -> dict[str, Any]:
        return {"returns": self._returns, "lengths": self._lengths}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self._returns[:] = state["returns"]
        self._lengths[:] = state["lengths"]


@dataclass
class Averages:
    """Running means by name; `take` returns and forgets them."""

    sums: dict[str, float] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)

    def add(self, name: str, value: float, count: int = 1) -> None:
        """Add `count` values whose sum is `value`."""
        self.sums[name] = self.sums.get(name, 0.0) + value
        self.counts[name] = self.counts.get(name, 0) + count

    def add_episodes(self, finished: Finished) -> None:
        count = len(finished.slots)
        self.add("train/return", float(finished.returns.sum()), count)
        self.add("train/length", float(finished.lengths.sum()), count)
        for name, values in finished.metrics.items():
            self.add(f"train/{name}", float(values.sum()), count)

    def take(self) -> dict[str, float]:
        means = {name: total / self.counts[name] for name, total in self.sums.items()}
        self.sums, self.counts = {}, {}
        return means
