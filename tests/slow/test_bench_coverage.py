"""How often the intervals of comparisons cover the truth, by simulation. docs/evaluation.md has the numbers,
and `python tests/slow/test_bench_coverage.py` prints them."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
import pytest

from marlzoo.bench import statistics as own
from marlzoo.bench.survival import Arrivals, restricted_mean_difference

Draw = Callable[[np.random.Generator, int], np.ndarray]
TASKS = 6
HORIZON = 1.0


def bell(rng: np.random.Generator, count: int) -> np.ndarray:
    return rng.normal(0.6, 0.1, count)


def stuck(rng: np.random.Generator, count: int) -> np.ndarray:
    """Win rates: a fifth of the seeds never learns, the others end between 60 and 100 %."""
    return np.where(rng.random(count) < 0.2, 0.0, 1 - 0.4 * rng.beta(1, 2, count))


def arrival_times(rng: np.random.Generator, count: int) -> np.ndarray:
    """Skewed; about a quarter comes after the horizon."""
    return rng.gamma(2.0, 0.37, count)


DRAWS: dict[str, Draw] = {"bell": bell, "stuck": stuck}


@lru_cache
def population(draw: Draw) -> np.ndarray:
    return draw(np.random.default_rng(99), 1_000_000)


def covered(estimate: own.Estimate, truth: float) -> bool:
    return estimate.low <= truth <= estimate.high


def mean(draw: Draw, rng: np.random.Generator, count: int, truth: np.ndarray) -> bool:
    return covered(own.mean_interval(draw(rng, count)), float(truth.mean()))


def difference(draw: Draw, rng: np.random.Generator, count: int, truth: np.ndarray) -> bool:
    """Welch's interval; the rival is spread half as wide, around another mean."""
    a, b = draw(rng, count), draw(rng, count) / 2
    return covered(own.mean_difference(a, b), float(truth.mean()) / 2)


def paired(draw: Draw, rng: np.random.Generator, count: int, truth: np.ndarray) -> bool:
    return covered(own.paired_difference(draw(rng, count), draw(rng, count) / 2), float(truth.mean()) / 2)


def interquartile_mean(draw: Draw, rng: np.random.Generator, count: int, truth: np.ndarray) -> bool:
    """Six tasks, each a tenth harder than the one before."""
    tasks = [draw(rng, count) - task / 10 for task in range(TASKS)]
    return covered(own.interquartile_mean_interval(tasks), true_interquartile_mean(draw))


@lru_cache
def true_interquartile_mean(draw: Draw) -> float:
    return own.interquartile_mean(np.concatenate([population(draw) - task / 10 for task in range(TASKS)]))


def improvement(draw: Draw, rng: np.random.Generator, count: int, truth: np.ndarray) -> bool:
    """The rival is as good plus noise on every task, so the truth is one half."""
    first, second = ([draw(rng, count) for _ in range(TASKS)] for _ in range(2))
    return covered(own.probability_of_improvement(first, second), 0.5)


def steps_saved(draw: Draw, rng: np.random.Generator, count: int, truth: np.ndarray) -> bool:
    """Restricted mean steps to a threshold; the rival needs half as many. (No use of the scores' `draw`.)"""
    a, b = watched(arrival_times(rng, count)), watched(arrival_times(rng, count) / 2)
    return covered(restricted_mean_difference(a, b, HORIZON), true_steps_saved())


@lru_cache
def true_steps_saved() -> float:
    times = arrival_times(np.random.default_rng(98), 1_000_000)
    return float(np.minimum(times, HORIZON).mean() - np.minimum(times / 2, HORIZON).mean())


def watched(times: np.ndarray) -> Arrivals:
    return Arrivals(np.minimum(times, HORIZON), times < HORIZON)


def false_claim(draw: Draw, rng: np.random.Generator, count: int, truth: np.ndarray) -> bool:
    """Whether a difference between equals is claimed by the rule of the verdict, for one pair."""
    found = own.mean_difference(draw(rng, count), draw(rng, count))
    return found.p < 0.05 and (found.low > 0 or found.high < 0)


def rate(event: Any, draw: Draw, count: int, repetitions: int) -> float:
    rng, truth = np.random.default_rng(count), population(draw)
    return float(np.mean([event(draw, rng, count, truth) for _ in range(repetitions)]))


CASES = [
    # what, scores, seeds, and the share that docs/evaluation.md states
    (mean, "bell", 5, 0.947),
    (mean, "bell", 10, 0.954),
    (mean, "stuck", 5, 0.744),
    (mean, "stuck", 10, 0.889),
    (difference, "bell", 5, 0.943),
    (difference, "stuck", 5, 0.917),
    (paired, "bell", 5, 0.945),
    (paired, "stuck", 5, 0.923),
    (interquartile_mean, "bell", 5, 0.900),
    (interquartile_mean, "bell", 10, 0.938),
    (improvement, "stuck", 5, 0.940),
    (steps_saved, "bell", 5, 0.953),
    (false_claim, "bell", 5, 0.055),
    (false_claim, "stuck", 5, 0.015),
]


@pytest.mark.slow
@pytest.mark.parametrize(("event", "scores", "seeds", "stated"), CASES)
def test_intervals_cover_as_often_as_the_documentation_says(event, scores, seeds, stated):
    """400 simulations of a share near 0.9 are 1.5 points off, give or take."""
    assert rate(event, DRAWS[scores], seeds, 400) == pytest.approx(stated, abs=0.06)


def report() -> None:
    events = (mean, difference, paired, interquartile_mean, improvement, steps_saved, false_claim)
    for event in events:
        repetitions = 1000 if event in (mean, paired) else 400
        for name, draw in DRAWS.items():
            shares = [rate(event, draw, seeds, repetitions) for seeds in (5, 10)]
            print(f"{event.__name__:20} {name:6} {shares[0]:.3f} {shares[1]:.3f}", flush=True)  # noqa: T201


if __name__ == "__main__":
    report()
