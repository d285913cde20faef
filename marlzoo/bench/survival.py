"""Steps to a threshold. A run that never got there is censored: all that is known is that it takes longer
than the budget. Leaving such runs out, or counting them as if they had arrived at the end, would flatter
whoever fails; the restricted mean compares the steps spent below the threshold within the budget.

Royston and Parmar, "Restricted mean survival time: an alternative to the hazard ratio", BMC Med. Res.
Methodol. 13:152 (2013).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from marlzoo.bench.statistics import Difference, permutation_p, welch_interval

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Arrivals:
    """Steps to a threshold, one entry per seed, `[n]`."""

    steps: Floats
    """Where the threshold was reached, or how far the run was watched."""
    reached: NDArray[np.bool_]

    def __post_init__(self) -> None:
        if not len(self.steps) or len(self.steps) != len(self.reached):
            raise ValueError("expected one entry per seed in steps and reached, and at least one seed")


@dataclass(frozen=True)
class RestrictedMean:
    """Mean steps to the threshold within a horizon, and its squared standard error (NaN for one seed)."""

    value: float
    variance: float


def arrivals(curves: Sequence[tuple[ArrayLike, ArrayLike]], threshold: float) -> Arrivals:
    """The first evaluation of each curve `(steps, scores)` that is at `threshold` or above."""
    steps, reached = [], []
    for grid, scores in curves:
        grid_array = np.asarray(grid, float)
        above = np.flatnonzero(np.asarray(scores, float) >= threshold)
        steps.append(float(grid_array[above[0]] if len(above) else grid_array[-1]))
        reached.append(len(above) > 0)
    return Arrivals(np.array(steps), np.array(reached, bool))


def kaplan_meier(data: Arrivals) -> tuple[Floats, Floats]:
    """Kaplan and Meier's (1958) estimate: the steps at which runs arrived, and the share still below the
    threshold after each."""
    times, events, at_risk = _table(data)
    return times, _share_left(events, at_risk)


def restricted_mean(data: Arrivals, horizon: float) -> RestrictedMean:
    """The area below the Kaplan-Meier curve up to `horizon`.

    The variance is Greenwood's, times n / (n - 1): where nobody is censored before the horizon it then is
    that of a mean.
    """
    times, events, at_risk = _table(data)
    inside = times < horizon
    times, events, at_risk = times[inside], events[inside], at_risk[inside]
    edges = np.concatenate([[0.0], times, [horizon]])
    share = np.concatenate([[1.0], _share_left(events, at_risk)])
    areas = share * np.diff(edges)
    beyond = np.cumsum(areas[::-1])[::-1][1:]
    left = at_risk * (at_risk - events)
    terms = np.divide(beyond**2 * events, left, out=np.zeros_like(beyond), where=left > 0)
    count = len(data.steps)
    variance = float(terms.sum()) * count / (count - 1) if count > 1 else math.nan
    return RestrictedMean(float(areas.sum()), variance)


def restricted_mean_difference(first: Arrivals, second: Arrivals, horizon: float) -> Difference:
    """How many more steps `first` spends below the threshold within `horizon`: Welch's interval, and the
    p-value of the permutation test on the steps watched within the horizon."""
    a, b = restricted_mean(first, horizon), restricted_mean(second, horizon)
    value = a.value - b.value
    low, high = welch_interval(value, (a.variance, len(first.steps)), (b.variance, len(second.steps)))
    p = permutation_p(np.minimum(first.steps, horizon), np.minimum(second.steps, horizon))
    return Difference(value, low, high, p)


def _share_left(events: Floats, at_risk: Floats) -> Floats:
    share: Floats = np.cumprod(1 - events / at_risk, dtype=np.float64)
    return share


def _table(data: Arrivals) -> tuple[Floats, Floats, Floats]:
    """Times of arrival in order, how many arrived at each, and how many were still watched just before."""
    times = np.unique(data.steps[data.reached])
    events = np.array([(data.reached & (data.steps == time)).sum() for time in times], float)
    at_risk = np.array([(data.steps >= time).sum() for time in times], float)
    return times, events, at_risk
