"""The statistics against scipy, against literal definitions, and against numbers worked out by hand."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from marlzoo.bench import statistics as own
from marlzoo.bench.student import t_quantile, t_two_sided

scores = st.lists(st.floats(-100, 100, allow_subnormal=False), min_size=2, max_size=7)


@pytest.fixture
def samples():
    rng = np.random.default_rng(3)
    return rng.normal(1.0, 1.0, 6), rng.normal(0.0, 2.0, 5)


@pytest.mark.parametrize("freedom", [1, 2, 3.7, 9, 40, 1000])
@pytest.mark.parametrize("t", [0.0, 0.1, 1.0, 2.5, 30.0])
def test_students_tail_is_scipys(t, freedom):
    assert t_two_sided(t, freedom) == pytest.approx(2 * stats.t.sf(t, freedom), rel=1e-9, abs=1e-300)


@pytest.mark.parametrize("freedom", [1, 1.3, 4, 8.6, 300])
@pytest.mark.parametrize("confidence", [0.5, 0.95, 0.999])
def test_students_quantile_is_scipys(confidence, freedom):
    assert t_quantile(confidence, freedom) == pytest.approx(
        stats.t.ppf((1 + confidence) / 2, freedom), rel=1e-9
    )


def test_the_interval_of_a_mean_is_scipys(samples):
    estimate = own.mean_interval(samples[0])
    expected = stats.t.interval(0.95, 5, samples[0].mean(), stats.sem(samples[0]))
    assert (estimate.low, estimate.high) == pytest.approx(expected)


def test_a_single_seed_on_a_task_leaves_a_suite_without_intervals():
    few, many = np.array([0.5]), np.array([0.2, 0.4, 0.6])
    for found in (
        own.interquartile_mean_interval([many, few]),
        own.interquartile_mean_difference([many, few], [many, many]),
        own.probability_of_improvement([many, few], [many, many]),
    ):
        assert math.isfinite(found.value)
        assert math.isnan(found.low)
        assert math.isnan(found.high)


def test_a_single_seed_has_a_mean_and_no_interval():
    estimate = own.mean_interval([0.5])
    assert estimate.value == 0.5
    assert math.isnan(estimate.low)
    assert math.isnan(estimate.high)


def test_a_curve_has_an_interval_at_every_step(samples):
    curves = np.stack([samples[1], samples[1] + 1])
    assert own.curve_interval(curves) == [own.mean_interval(curves[:, i]) for i in range(5)]


def test_the_interval_of_a_difference_is_scipys_welch(samples):
    difference = own.mean_difference(*samples)
    expected = stats.ttest_ind(*samples, equal_var=False).confidence_interval(0.95)
    assert (difference.low, difference.high) == pytest.approx((expected.low, expected.high))
    assert difference.value == pytest.approx(samples[0].mean() - samples[1].mean())


def test_the_permutation_test_is_scipys(samples):
    expected = stats.permutation_test(
        samples, lambda a, b: abs(a.mean() - b.mean()), n_resamples=np.inf, alternative="greater"
    ).pvalue
    assert own.permutation_p(*samples) == pytest.approx(expected)
    assert own.permutation_p(*samples) == pytest.approx(literal_p(*samples))


def literal_p(a, b):
    pooled = [*a, *b]
    seen = abs(np.mean(a) - np.mean(b))
    extreme = count = 0
    for chosen in combinations(range(len(pooled)), len(a)):
        left = [pooled[i] for i in chosen]
        right = [pooled[i] for i in range(len(pooled)) if i not in chosen]
        extreme += abs(np.mean(left) - np.mean(right)) >= seen - 1e-9
        count += 1
    return extreme / count


def test_clear_separation_has_the_smallest_p_there_is():
    assert own.permutation_p([1, 2, 3], [7, 8, 9]) == 2 / math.comb(6, 3)
    assert own.permutation_p(range(5), range(10, 15)) == 2 / math.comb(10, 5)


def test_many_seeds_are_permuted_at_random():
    a, b = np.arange(15.0), np.arange(15.0) + 100
    assert own.permutation_p(a, b) == 1 / 20_001
    assert own.permutation_p(a, a) == 1.0


@given(scores, scores)
def test_a_difference_turns_its_sign_with_its_samples(a, b):
    one, other = own.mean_difference(a, b), own.mean_difference(b, a)
    assert one.value == pytest.approx(-other.value)
    assert (one.low, one.high) == pytest.approx((-other.high, -other.low))
    assert one.p == pytest.approx(other.p)
    assert 0 < one.p <= 1


def test_the_paired_difference_is_scipys(samples):
    first, second = samples[0][:5], samples[1]
    difference = own.paired_difference(first, second)
    expected = stats.ttest_rel(first, second)
    interval = expected.confidence_interval(0.95)
    assert difference.p == pytest.approx(expected.pvalue)
    assert (difference.low, difference.high) == pytest.approx((interval.low, interval.high))


@pytest.mark.parametrize(("shift", "p"), [(0.0, 1.0), (1.0, 0.0)])
def test_a_paired_difference_without_spread(shift, p):
    assert own.paired_difference(np.arange(3.0) + shift, np.arange(3.0)).p == p


def test_holm_by_hand():
    assert own.holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert own.holm([0.6, 0.7]) == [1.0, 1.0]
    assert own.holm([]) == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=6))
def test_holm_rejects_what_its_stepwise_definition_rejects(p_values):
    adjusted = own.holm(p_values)
    ordered = sorted(range(len(p_values)), key=lambda i: p_values[i])
    rejected = set()
    for rank, index in enumerate(ordered):
        if p_values[index] * (len(p_values) - rank) > 0.05:
            break
        rejected.add(index)
    assert {i for i, p in enumerate(adjusted) if p <= 0.05} == rejected


@pytest.mark.parametrize("count", [1, 3, 4, 10, 17])
def test_the_interquartile_mean_is_scipys_trimmed_mean(count):
    values = np.random.default_rng(count).normal(size=count)
    assert own.interquartile_mean(values) == pytest.approx(stats.trim_mean(values, 0.25))


def test_the_stratified_bootstrap_of_one_task_is_scipys():
    values = np.random.default_rng(0).normal(size=12)
    mine = own.interquartile_mean_interval([values])
    drawn = stats.bootstrap(
        (values,), own.interquartile_mean, n_resamples=9999, method="percentile", vectorized=False, rng=1
    ).confidence_interval
    assert mine.value == own.interquartile_mean(values)
    assert (mine.low, mine.high) == pytest.approx((drawn.low, drawn.high), abs=0.06)


def test_the_bootstrap_keeps_tasks_apart():
    """Where every task has one value for all seeds, drawing within tasks changes nothing."""
    estimate = own.interquartile_mean_interval([np.full(3, 0.2), np.full(3, 0.9)])
    assert (estimate.low, estimate.high) == (estimate.value, estimate.value)


def test_the_probability_of_improvement_is_mann_whitneys_u():
    rng = np.random.default_rng(5)
    first = [rng.integers(5, size=6).astype(float), rng.normal(size=4)]
    second = [rng.integers(5, size=5).astype(float), rng.normal(size=7)]
    expected = [
        stats.mannwhitneyu(a, b).statistic / (len(a) * len(b)) for a, b in zip(first, second, strict=True)
    ]
    estimate = own.probability_of_improvement(first, second)
    assert estimate.value == pytest.approx(np.mean(expected))
    assert 0 <= estimate.low <= estimate.value <= estimate.high <= 1


def test_the_difference_of_interquartile_means_is_of_the_same_tasks():
    first, second = [np.array([0.5, 0.7, 0.9])], [np.array([0.1, 0.2])]
    estimate = own.interquartile_mean_difference(first, second)
    assert estimate.value == pytest.approx(0.7 - 0.15)
    with pytest.raises(ValueError, match="same tasks"):
        own.interquartile_mean_difference(first, [*second, *second])


def test_a_performance_profile_by_hand():
    tasks = [np.array([0.0, 0.5, 1.0, 1.0]), np.array([0.5, 0.5])]
    assert own.performance_profile(tasks, [0.0, 0.5, 0.6]).tolist() == [1.0, 0.875, 0.25]


def test_normalisation_is_a_line_through_the_bounds():
    assert own.normalise([-10, 0, 30], (-10, 10)).tolist() == [0.0, 0.5, 2.0]


@pytest.mark.parametrize("bad", [[], [[1.0]], [math.nan]])
def test_samples_that_are_none_are_refused(bad):
    with pytest.raises(ValueError, match="non-empty list of finite scores"):
        own.mean_interval(bad)
