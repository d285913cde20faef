"""The statistics of a comparison. A sample is one score per seed, `[n]`; a curve is `[seeds, evaluations]`;
results of a suite are one sample per task, normalised before they come here.

The aggregates over tasks (interquartile mean, probability of improvement, performance profile, stratified
bootstrap) follow Agarwal et al., "Deep Reinforcement Learning at the Edge of the Statistical Precipice",
NeurIPS 2021. How often each interval covers the truth at 5 and 10 seeds stands in docs/evaluation.md.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from marlzoo.bench.student import t_quantile, t_two_sided

Floats = NDArray[np.float64]
Tasks = Sequence[Floats]
"""One sample per task. Numbers of seeds may differ."""

CONFIDENCE = 0.95
_RESAMPLES = 2000
_PERMUTATIONS = 200_000
"""Up to so many splits of two samples are all visited; of more, `_DRAWS` random ones."""
_DRAWS = 20_000


@dataclass(frozen=True)
class Estimate:
    """A number and its interval. The interval is NaN where the data allow none (a single seed)."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Difference(Estimate):
    """How much larger one quantity is than another, and the two-sided p-value of "not at all"."""

    p: float


def mean_interval(sample: ArrayLike, confidence: float = CONFIDENCE) -> Estimate:
    """The mean over seeds with Student's interval."""
    values = _sample(sample)
    mean = float(values.mean())
    if len(values) < 2:
        return Estimate(mean, math.nan, math.nan)
    half = t_quantile(confidence, len(values) - 1) * float(values.std(ddof=1)) / math.sqrt(len(values))
    return Estimate(mean, mean - half, mean + half)


def curve_interval(curves: ArrayLike, confidence: float = CONFIDENCE) -> list[Estimate]:
    """`mean_interval` at every evaluation of `curves` `[seeds, evaluations]`. Each interval holds for its
    own step, not for the whole curve at once."""
    return [mean_interval(column, confidence) for column in np.asarray(curves, float).T]


def mean_difference(first: ArrayLike, second: ArrayLike, confidence: float = CONFIDENCE) -> Difference:
    """Mean of `first` less mean of `second`: Welch's (1947) interval, and the p-value of the exact
    permutation test, which needs no normal scores."""
    a, b = _sample(first), _sample(second)
    value = float(a.mean() - b.mean())
    low, high = welch_interval(
        value, (_variance_of_mean(a), len(a)), (_variance_of_mean(b), len(b)), confidence
    )
    return Difference(value, low, high, permutation_p(a, b))


def welch_interval(
    value: float, first: tuple[float, int], second: tuple[float, int], confidence: float = CONFIDENCE
) -> tuple[float, float]:
    """The interval around the difference `value` of two estimates, each given by its squared standard error
    and number of seeds, with Satterthwaite's degrees of freedom."""
    (u, n), (v, m) = first, second
    if min(n, m) < 2:
        return math.nan, math.nan
    if u + v == 0:
        return value, value
    freedom = (u + v) ** 2 / (u**2 / (n - 1) + v**2 / (m - 1))
    half = t_quantile(confidence, freedom) * math.sqrt(u + v)
    return value - half, value + half


def permutation_p(first: ArrayLike, second: ArrayLike, seed: int = 0) -> float:
    """Two-sided p-value of the permutation test for the difference of means (Fisher 1935): the share of
    splits of the pooled seeds whose difference is at least as large as the one seen."""
    a, b = _sample(first), _sample(second)
    pooled = np.concatenate([a, b])
    exact = math.comb(len(pooled), len(a)) <= _PERMUTATIONS
    chosen = _all_splits(len(pooled), len(a)) if exact else _random_splits(len(pooled), len(a), seed)
    sums = pooled[chosen].sum(axis=1)
    deviations = np.abs(sums - pooled.mean() * len(a))
    seen = abs(a.sum() - pooled.mean() * len(a))
    # Sums of the same numbers in another order differ in the last bits; they must count as equal.
    extreme = int((deviations >= seen - 1e-9 * max(1.0, float(np.abs(pooled).sum()))).sum())
    return extreme / len(chosen) if exact else (extreme + 1) / (len(chosen) + 1)


@lru_cache(maxsize=8)
def _all_splits(total: int, size: int) -> NDArray[np.int64]:
    return np.array(list(combinations(range(total), size)), np.int64)


def _random_splits(total: int, size: int, seed: int) -> NDArray[np.int64]:
    return np.argsort(_rng(seed).random((_DRAWS, total)), axis=1)[:, :size]


def paired_difference(first: ArrayLike, second: ArrayLike, confidence: float = CONFIDENCE) -> Difference:
    """Mean of the differences seed by seed, with Student's interval and test; `first[i]` and `second[i]`
    belong to the same seed, which fixes the streams of the environments and of the evaluation."""
    differences = _sample(first) - _sample(second)
    estimate = mean_interval(differences, confidence)
    spread = float(differences.std(ddof=1)) if len(differences) > 1 else math.nan
    if math.isnan(spread):
        p = math.nan
    elif spread == 0:
        p = 1.0 if estimate.value == 0 else 0.0
    else:
        p = t_two_sided(estimate.value / spread * math.sqrt(len(differences)), len(differences) - 1)
    return Difference(estimate.value, estimate.low, estimate.high, p)


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's (1979) adjusted p-values: comparing each with alpha keeps the chance of any false claim among
    all of them below alpha."""
    order = sorted(range(len(p_values)), key=lambda index: p_values[index])
    adjusted, largest = [0.0] * len(p_values), 0.0
    for rank, index in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = largest
    return adjusted


def interquartile_mean(scores: ArrayLike) -> float:
    """The mean of the middle half of all scores; the lowest and the highest quarter are cut, rounded down."""
    return float(_interquartile_means([np.asarray(scores, float).reshape(1, -1)])[0])


def _interquartile_means(drawn: Tasks) -> Floats:
    """One for each row of the tasks' draws, `[draws, seeds]` each."""
    values = np.sort(np.concatenate(drawn, axis=1), axis=1)
    cut = values.shape[1] // 4
    means: Floats = values[:, cut : values.shape[1] - cut].mean(axis=1)
    return means


def interquartile_mean_interval(tasks: Tasks, seed: int = 0, confidence: float = CONFIDENCE) -> Estimate:
    """The interquartile mean over all seeds of all tasks, with the stratified bootstrap's interval."""
    return _bootstrap(_interquartile_means, tasks, seed, confidence)


def interquartile_mean_difference(
    first: Tasks, second: Tasks, seed: int = 0, confidence: float = CONFIDENCE
) -> Estimate:
    """How much larger the interquartile mean of `first` is. Both have the same tasks in the same order."""
    count = _same_tasks(first, second)

    def differences(drawn: Tasks) -> Floats:
        return _interquartile_means(drawn[:count]) - _interquartile_means(drawn[count:])

    return _bootstrap(differences, [*first, *second], seed, confidence)


def probability_of_improvement(
    first: Tasks, second: Tasks, seed: int = 0, confidence: float = CONFIDENCE
) -> Estimate:
    """The probability that a seed of `first` scores higher than a seed of `second` on the same task, averaged
    over tasks; ties count half."""
    count = _same_tasks(first, second)

    def probabilities(drawn: Tasks) -> Floats:
        each = [_superiority(a, b) for a, b in zip(drawn[:count], drawn[count:], strict=True)]
        return np.mean(each, axis=0, dtype=np.float64)

    return _bootstrap(probabilities, [*first, *second], seed, confidence)


def _superiority(a: Floats, b: Floats) -> Floats:
    """Mann and Whitney's (1947) U over the number of pairs, for each row of `[draws, seeds]`."""
    wins: Floats = (np.sign(a[:, :, None] - b[:, None, :]).mean(axis=(1, 2)) + 1) / 2
    return wins


def performance_profile(tasks: Tasks, thresholds: ArrayLike) -> Floats:
    """The share of runs that score at least each threshold, every task weighing the same: `[thresholds]`."""
    levels = np.asarray(thresholds, float)
    return np.mean([(task[:, None] >= levels[None, :]).mean(axis=0) for task in tasks], axis=0)


def normalise(scores: ArrayLike, bounds: tuple[float, float]) -> Floats:
    """Scores as fractions of the way from the lower to the upper bound; may leave [0, 1]."""
    low, high = bounds
    return (np.asarray(scores, float) - low) / (high - low)


def _bootstrap(statistic: Callable[[Tasks], Floats], strata: Tasks, seed: int, confidence: float) -> Estimate:
    """Percentile bootstrap that draws seeds anew within each task (Agarwal et al. 2021, section 4.1).
    `statistic` takes `[draws, seeds]` of every stratum and returns `[draws]`. Of a single seed nothing can be
    drawn but itself: there is no interval then."""
    rng = _rng(seed)
    samples = [_sample(stratum) for stratum in strata]
    value = float(statistic([sample[None, :] for sample in samples])[0])
    if min(map(len, samples)) < 2:
        return Estimate(value, math.nan, math.nan)
    drawn = [sample[rng.integers(len(sample), size=(_RESAMPLES, len(sample)))] for sample in samples]
    low, high = np.quantile(statistic(drawn), ((1 - confidence) / 2, (1 + confidence) / 2))
    return Estimate(value, float(low), float(high))


def _same_tasks(first: Tasks, second: Tasks) -> int:
    if len(first) != len(second) or not first:
        raise ValueError(f"expected samples of the same tasks, got {len(first)} and {len(second)} tasks")
    return len(first)


def _variance_of_mean(values: Floats) -> float:
    return float(values.var(ddof=1)) / len(values) if len(values) > 1 else math.nan


def _sample(values: ArrayLike) -> Floats:
    array = np.asarray(values, np.float64)
    if array.ndim != 1 or not len(array) or not np.isfinite(array).all():
        raise ValueError(f"expected a non-empty list of finite scores, got shape {array.shape}")
    return array


def _rng(seed: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(seed))
