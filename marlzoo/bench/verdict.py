"""Who is better than whom, on what, by how much, how sure: the numbers. `sentences` puts them into words.

Within a task, algorithms are compared by their score per seed: that of the best policy on new episodes where
it was measured, else the last evaluation's. A claim needs at least `RANKED_SEEDS` seeds of both, a p-value
below 5 % after Holm's correction over all pairs of the task, and an interval that leaves out zero.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any

import numpy as np

from marlzoo.bench.conditions import Conditions, conditions_of, warnings
from marlzoo.bench.schema import Entry
from marlzoo.bench.statistics import (
    Difference,
    Estimate,
    Floats,
    curve_interval,
    holm,
    interquartile_mean_difference,
    interquartile_mean_interval,
    mean_difference,
    mean_interval,
    normalise,
    paired_difference,
    performance_profile,
    probability_of_improvement,
)
from marlzoo.bench.survival import arrivals, restricted_mean, restricted_mean_difference
from marlzoo.specs import Score

RANKED_SEEDS = 5
"""Fewer are shown and not ranked."""
ALPHA = 0.05
_PROFILE_LEVELS = np.linspace(0, 1, 21)


@dataclass(frozen=True)
class Scale:
    """How a task's score is read."""

    score: Score
    bounds: tuple[float, float]

    def at(self, share: float) -> float:
        """The score at a share of the way between the bounds."""
        low, high = self.bounds
        return low + share * (high - low)


@dataclass(frozen=True)
class Group:
    """The finished seeds of one algorithm on one task, in the order of seeds."""

    algorithm: str
    entries: tuple[Entry, ...]

    @property
    def seeds(self) -> list[int]:
        return [entry.seed for entry in self.entries]

    @property
    def scores(self) -> Floats:
        """`[seeds]`."""
        return np.array([entry.final_score for entry in self.entries])

    @property
    def curves(self) -> list[tuple[list[int], list[float]]]:
        """Steps and scores of every seed's evaluations."""
        return [([p.step for p in e.curve], [p.score for p in e.curve]) for e in self.entries]


@dataclass(frozen=True)
class Standing:
    """One algorithm on one task."""

    algorithm: str
    seeds: list[int]
    scores: list[float]
    mean: Estimate
    curve: list[tuple[int, Estimate]]
    """Step, and mean over seeds with its interval."""
    reached: int
    """How many seeds reached the threshold."""
    steps_to_threshold: float
    """Restricted mean within the budget."""
    cpu_seconds: float
    """Mean per run."""
    wall_seconds: float
    """Mean per run."""
    steps_per_second: float
    """Mean per run, of training without evaluation."""
    beside: dict[str, float]
    """Means over seeds of the episode metrics without which the score cannot be judged, as far as known."""
    conditions: Conditions
    """Under which its runs were made."""


@dataclass(frozen=True)
class Pair:
    """Two algorithms on one task; positive differences speak for the first."""

    first: str
    second: str
    seeds: tuple[int, int]
    difference: Difference
    p_corrected: float
    paired: Difference | None
    """Over the seeds that both have, where there are two or more."""
    steps_saved: Difference
    """How many steps to the threshold the first saves, within the budget."""
    ranked: bool
    shown: bool
    """Whether the difference is shown; never where it is not ranked."""


@dataclass(frozen=True)
class Task:
    """One environment with one backend, budget and protocol."""

    environment: str
    backend: str
    steps: int
    basis: str
    score: str
    percent: bool
    threshold: float
    standings: list[Standing]
    pairs: list[Pair]

    @property
    def has_beside(self) -> bool:
        """Whether something has to stand beside the scores, and is known."""
        return any(standing.beside for standing in self.standings)

    @property
    def warnings(self) -> list[str]:
        """What to mind about the runs behind the numbers."""
        return warnings({standing.algorithm: standing.conditions for standing in self.standings})


@dataclass(frozen=True)
class SuitePair:
    first: str
    second: str
    difference: Estimate
    """Of interquartile means, at the confidence that allows for all pairs (Bonferroni)."""
    improvement: Estimate
    """The probability that a seed of the first beats one of the second."""
    ranked: bool
    shown: bool


@dataclass(frozen=True)
class Overall:
    """All tasks together, on normalised scores."""

    tasks: int
    interquartile_means: dict[str, Estimate]
    profiles: dict[str, list[tuple[float, float]]]
    """Normalised score, and share of runs that reach it."""
    pairs: list[SuitePair]


@dataclass(frozen=True)
class Verdict:
    tasks: list[Task]
    overall: Overall | None
    """`None` where there is one task only, or an algorithm lacks a task."""

    def to_json(self) -> dict[str, Any]:
        document: dict[str, Any] = _plain(asdict(self))
        return document


def judge(
    results: Sequence[tuple[str, Entry]], scales: Mapping[str, Scale], threshold: float = 0.5
) -> Verdict:
    """The verdict over `results`, pairs of an algorithm's name and an entry; `scales` by environment;
    `threshold` is a share of the way between the bounds of the score. Results of different backends, engine
    versions, budgets or protocols become tasks of their own, even in the same environment."""
    pools, grouped, scale_of = _by_pool(results, scales)
    tasks = [_task(groups, scale, threshold) for groups, scale in zip(grouped, scale_of, strict=True)]
    return Verdict(tasks, aggregate(results, scales) if len(pools) > 1 else None)


def aggregate(results: Sequence[tuple[str, Entry]], scales: Mapping[str, Scale]) -> Overall | None:
    """All tasks together, be it one only; `None` where an algorithm lacks a task, or where an environment
    has results that may not be pooled."""
    pools, grouped, scale_of = _by_pool(results, scales)
    return _overall(grouped, scale_of) if _whole(grouped, pools) else None


def _by_pool(
    results: Sequence[tuple[str, Entry]], scales: Mapping[str, Scale]
) -> tuple[list[tuple[Any, ...]], list[list[Group]], list[Scale]]:
    """The pools in the order in which they appear, and the groups and the scale of each."""
    pools: list[tuple[Any, ...]] = list(dict.fromkeys(entry.pool for _, entry in results))
    grouped = [_groups([pair for pair in results if pair[1].pool == pool]) for pool in pools]
    return pools, grouped, [scales[pool[0]] for pool in pools]


def _groups(results: Sequence[tuple[str, Entry]]) -> list[Group]:
    names = list(dict.fromkeys(name for name, _ in results))
    return [
        Group(name, tuple(sorted((e for other, e in results if other == name), key=lambda e: e.seed)))
        for name in names
    ]


def _task(groups: list[Group], scale: Scale, share: float) -> Task:
    entry = groups[0].entries[0]
    threshold = scale.at(share)
    absolute = entry.absolute
    return Task(
        environment=entry.environment,
        backend=f"{entry.backend} {entry.backend_version}".strip(),
        steps=entry.steps,
        basis=f"best policy on {absolute.episodes} new episodes" if absolute else "last evaluation",
        score=entry.score_name,
        percent=scale.score.percent,
        threshold=threshold,
        standings=[_standing(group, scale.score.beside, threshold, entry.steps) for group in groups],
        pairs=_pairs(groups, threshold, entry.steps),
    )


def _standing(group: Group, beside: Sequence[str], threshold: float, budget: int) -> Standing:
    reached = arrivals(group.curves, threshold)
    return Standing(
        algorithm=group.algorithm,
        seeds=group.seeds,
        scores=group.scores.tolist(),
        mean=mean_interval(group.scores),
        curve=mean_curve(group),
        reached=int(reached.reached.sum()),
        steps_to_threshold=restricted_mean(reached, budget).value,
        cpu_seconds=float(np.mean([entry.cpu_seconds for entry in group.entries])),
        wall_seconds=float(np.mean([entry.wall_seconds for entry in group.entries])),
        steps_per_second=float(np.mean([entry.steps_per_second for entry in group.entries])),
        beside=_beside(group, beside),
        conditions=conditions_of(group.entries),
    )


def _beside(group: Group, names: Sequence[str]) -> dict[str, float]:
    seeds = [entry.episode_metrics for entry in group.entries]
    known = [name for name in names if all(name in metrics for metrics in seeds)]
    return {name: float(np.mean([metrics[name] for metrics in seeds])) for name in known}


def mean_curve(group: Group) -> list[tuple[int, Estimate]]:
    """Mean score over seeds at the evaluations of the first seed. Where seeds were evaluated at other steps
    (a configuration that changed the rollout), their scores are interpolated."""
    grid = group.curves[0][0]
    last = min(steps[-1] for steps, _ in group.curves)
    shared = [step for step in grid if step <= last]
    curves = np.array([np.interp(shared, steps, scores) for steps, scores in group.curves])
    return list(zip(shared, curve_interval(curves), strict=True))


def _pairs(groups: list[Group], threshold: float, budget: int) -> list[Pair]:
    rivals = [_ordered(a, b) for a, b in combinations(groups, 2)]
    differences = [mean_difference(a.scores, b.scores) for a, b in rivals]
    corrected = holm([difference.p for difference in differences])
    return [
        _pair(a, b, difference, p, _steps_saved(a, b, threshold, budget))
        for (a, b), difference, p in zip(rivals, differences, corrected, strict=True)
    ]


def _ordered(a: Group, b: Group) -> tuple[Group, Group]:
    """The one with the higher mean first."""
    return (a, b) if a.scores.mean() >= b.scores.mean() else (b, a)


def _pair(a: Group, b: Group, difference: Difference, p: float, saved: Difference) -> Pair:
    ranked = min(len(a.entries), len(b.entries)) >= RANKED_SEEDS
    return Pair(
        first=a.algorithm,
        second=b.algorithm,
        seeds=(len(a.entries), len(b.entries)),
        difference=difference,
        p_corrected=p,
        paired=_paired(a, b),
        steps_saved=saved,
        ranked=ranked,
        shown=ranked and p < ALPHA and excludes_zero(difference),
    )


def _paired(a: Group, b: Group) -> Difference | None:
    shared = sorted(set(a.seeds) & set(b.seeds))
    if len(shared) < 2:
        return None
    first, second = (dict(zip(group.seeds, group.scores, strict=True)) for group in (a, b))
    return paired_difference([first[seed] for seed in shared], [second[seed] for seed in shared])


def _steps_saved(a: Group, b: Group, threshold: float, budget: int) -> Difference:
    return restricted_mean_difference(arrivals(b.curves, threshold), arrivals(a.curves, threshold), budget)


def excludes_zero(estimate: Estimate) -> bool:
    """False for an interval that is not known."""
    return estimate.low > 0 or estimate.high < 0


def _whole(grouped: list[list[Group]], pools: Sequence[tuple[Any, ...]]) -> bool:
    """Whether tasks can be put together: each in one pool, each with the same algorithms."""
    one_pool_each = len({pool[0] for pool in pools}) == len(pools)
    teams = {frozenset(group.algorithm for group in groups) for groups in grouped}
    return one_pool_each and len(teams) == 1


def _overall(grouped: list[list[Group]], scales: list[Scale]) -> Overall:
    names = [group.algorithm for group in grouped[0]]
    tasks: dict[str, list[Floats]] = {name: [] for name in names}
    fewest = dict.fromkeys(names, RANKED_SEEDS)
    for groups, scale in zip(grouped, scales, strict=True):
        for group in groups:
            tasks[group.algorithm].append(normalise(group.scores, scale.bounds))
            fewest[group.algorithm] = min(fewest[group.algorithm], len(group.entries))
    profiles = {name: performance_profile(tasks[name], _PROFILE_LEVELS).tolist() for name in names}
    return Overall(
        tasks=len(grouped),
        interquartile_means={name: interquartile_mean_interval(tasks[name]) for name in names},
        profiles={
            name: list(zip(_PROFILE_LEVELS.tolist(), shares, strict=True))
            for name, shares in profiles.items()
        },
        pairs=_suite_pairs(tasks, fewest),
    )


def _suite_pairs(tasks: Mapping[str, list[Floats]], fewest: Mapping[str, int]) -> list[SuitePair]:
    pairs = list(combinations(tasks, 2))
    confidence = 1 - ALPHA / max(1, len(pairs))
    found = []
    for a, b in pairs:
        difference = interquartile_mean_difference(tasks[a], tasks[b], confidence=confidence)
        if difference.value < 0:
            a, b = b, a
            difference = Estimate(-difference.value, -difference.high, -difference.low)
        ranked = min(fewest[a], fewest[b]) >= RANKED_SEEDS
        improvement = probability_of_improvement(tasks[a], tasks[b], confidence=confidence)
        found.append(SuitePair(a, b, difference, improvement, ranked, ranked and excludes_zero(difference)))
    return found


def _plain(value: Any) -> Any:
    """`value` for JSON, which has no NaN."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
