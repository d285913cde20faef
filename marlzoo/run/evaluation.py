"""What greedy play brought: one evaluation, and the interval around its score."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from marlzoo.errors import RunError
from marlzoo.specs import Score

_Z95 = 1.959963984540054
_RESAMPLES = 2000


@dataclass(frozen=True)
class Episodes:
    """One entry per episode, `[K]`, in the order of the seeds."""

    returns: np.ndarray
    lengths: np.ndarray
    metrics: Mapping[str, np.ndarray]

    def values(self, metric: str) -> np.ndarray:
        """One number per episode: `"return"`, `"length"` or one of the environment's episode metrics."""
        known = {"return": self.returns, "length": self.lengths, **self.metrics}
        if metric not in known:
            raise RunError(f"the environment reports no episode metric {metric!r}; it has {', '.join(known)}")
        return known[metric]


@dataclass(frozen=True)
class Evaluation:
    """Greedy play with the parameters that the run had after `step` environment steps."""

    step: int
    index: int
    """0 for the evaluation at step 0, then counting."""
    score_name: str
    score: float
    """Mean of the environment's score over episodes."""
    scores: tuple[float, ...]
    """The score of each episode."""
    mean_return: float
    mean_length: float
    metrics: Mapping[str, float]
    wall_seconds: float = 0.0

    @classmethod
    def of(
        cls, episodes: Episodes, score: Score, step: int, index: int, wall_seconds: float = 0.0
    ) -> Evaluation:
        """Summarise `episodes`.

        Raises:
            RunError: the score of an episode is not finite.
        """
        scores = episodes.values(score.metric).astype(float)
        if not np.isfinite(scores).all():
            raise RunError(f"step {step}: the score {score.name!r} of an episode is not a finite number")
        return cls(
            step=step,
            index=index,
            score_name=score.name,
            score=float(scores.mean()),
            scores=tuple(scores.tolist()),
            mean_return=float(episodes.returns.mean()),
            mean_length=float(episodes.lengths.mean()),
            metrics={name: float(values.mean()) for name, values in episodes.metrics.items()},
            wall_seconds=wall_seconds,
        )

    def to_json(self) -> dict[str, Any]:
        return {
            "step": self.step,
            "index": self.index,
            "score_name": self.score_name,
            "score": self.score,
            "interval": list(interval(self.scores)),
            "episodes": len(self.scores),
            "return": self.mean_return,
            "length": self.mean_length,
            "metrics": {
                name: value if math.isfinite(value) else None for name, value in self.metrics.items()
            },
            "scores": list(self.scores),
            "wall_seconds": round(self.wall_seconds, 3),
        }


def interval(scores: tuple[float, ...]) -> tuple[float, float]:
    """A 95 % interval for the mean of independent `scores`: Wilson's (1927) where each is 0 or 1, else a
    percentile bootstrap with a fixed stream. It speaks of episodes only, not of seeds."""
    values = np.asarray(scores)
    if np.isin(values, (0.0, 1.0)).all():
        return _wilson(float(values.mean()), len(values))
    draws = np.random.Generator(np.random.PCG64(0)).integers(len(values), size=(_RESAMPLES, len(values)))
    low, high = np.percentile(values[draws].mean(axis=1), (2.5, 97.5))
    return float(low), float(high)


def _wilson(mean: float, count: int) -> tuple[float, float]:
    centre = mean + _Z95**2 / (2 * count)
    spread = _Z95 * math.sqrt(mean * (1 - mean) / count + _Z95**2 / (4 * count**2))
    scale = 1 + _Z95**2 / count
    return max(0.0, (centre - spread) / scale), min(1.0, (centre + spread) / scale)
