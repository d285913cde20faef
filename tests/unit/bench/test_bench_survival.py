"""Steps to a threshold against scipy's Kaplan-Meier estimate, integrals by hand, and plain means."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from marlzoo.bench.statistics import mean_difference
from marlzoo.bench.survival import (
    Arrivals,
    arrivals,
    kaplan_meier,
    restricted_mean,
    restricted_mean_difference,
)


def data(steps, reached):
    return Arrivals(np.array(steps, float), np.array(reached, bool))


def test_arrival_is_the_first_evaluation_at_the_threshold():
    grid = [0, 100, 200, 300]
    found = arrivals([(grid, [0, 0.5, 0.2, 0.9]), (grid, [0, 0.1, 0.1, 0.4]), (grid, [0.7, 0, 0, 0])], 0.5)
    assert found.steps.tolist() == [100, 300, 0]
    assert found.reached.tolist() == [True, False, True]


@pytest.mark.parametrize("seed", range(5))
def test_kaplan_meier_is_scipys(seed):
    rng = np.random.default_rng(seed)
    sample = data(rng.integers(1, 8, size=12), rng.random(12) < 0.6)
    times, share = kaplan_meier(sample)
    censored = stats.CensoredData.right_censored(sample.steps, ~sample.reached)
    assert share == pytest.approx(stats.ecdf(censored).sf.evaluate(times))


def test_a_restricted_mean_by_hand():
    """One arrives at 2, one is lost at 3, one arrives at 5, one is below the threshold to the end (10):
    2 * 1 + 3 * 3/4 + 5 * 3/8."""
    assert restricted_mean(data([2, 3, 5, 10], [True, False, True, False]), 10).value == pytest.approx(6.125)


def test_greenwoods_variance_by_hand():
    """Areas beyond the arrivals are 33/8 and 15/8; 4 * 3 and 2 * 1 were at risk; n / (n - 1) is 4 / 3."""
    expected = ((33 / 8) ** 2 / 12 + (15 / 8) ** 2 / 2) * 4 / 3
    assert restricted_mean(data([2, 3, 5, 10], [True, False, True, False]), 10).variance == pytest.approx(
        expected
    )


def test_without_early_censoring_it_is_the_mean_of_the_restricted_steps():
    steps = np.array([100.0, 250.0, 400.0, 400.0, 60.0])
    mean = restricted_mean(data(steps, steps < 400), 400)
    assert mean.value == pytest.approx(steps.mean())
    assert mean.variance == pytest.approx(steps.var(ddof=1) / 5)


def test_without_early_censoring_the_comparison_is_that_of_means():
    first, second = np.array([100.0, 150, 130, 400, 170]), np.array([300.0, 400, 400, 350, 280])
    found = restricted_mean_difference(data(first, first < 400), data(second, second < 400), 400)
    expected = mean_difference(first, second)
    assert vars(found) == pytest.approx(vars(expected))


def test_runs_that_all_arrive_before_the_horizon_and_runs_that_never_do():
    assert restricted_mean(data([3, 5], [True, True]), 100).value == 4
    assert restricted_mean(data([100, 100], [False, False]), 100).value == 100
    assert restricted_mean(data([0, 0], [True, True]), 100).value == 0
    assert math.isnan(restricted_mean(data([3], [True]), 100).variance)


def test_no_seeds_are_refused():
    with pytest.raises(ValueError, match="at least one seed"):
        data([], [])
