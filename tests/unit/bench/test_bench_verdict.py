"""Verdicts: when a difference is shown, when not, what may not be pooled, and how it is said."""

from __future__ import annotations

import json

import numpy as np
import pytest
from entries import ORIGIN, entry, sample

from marlzoo.bench.comparison import CellStatus
from marlzoo.bench.matrix import Cell
from marlzoo.bench.sentences import UNRANKED, missing_lines, pair_sentence, suite_sentence, verdict_lines
from marlzoo.bench.verdict import Group, Scale, judge, mean_curve
from marlzoo.specs import Score

SCALES = dict.fromkeys(("x:1", "x:2"), Scale(Score("win_rate", "won", percent=True), (0.0, 1.0)))
LOW = [0.1, 0.15, 0.2, 0.12, 0.18]
HIGH = [0.8, 0.9, 0.85, 0.95, 0.88]


def only_pair(results):
    verdict = judge(results, SCALES)
    ((task,),) = [verdict.tasks]
    (pair,) = task.pairs
    return task, pair


def test_a_clear_difference_is_shown_and_said():
    task, pair = only_pair([*sample("low", LOW), *sample("high", HIGH)])
    assert (pair.first, pair.second, pair.shown, pair.ranked) == ("high", "low", True, True)
    assert pair.difference.value == pytest.approx(np.mean(HIGH) - np.mean(LOW))
    assert pair.difference.p == pytest.approx(2 / 252)
    assert pair_sentence(task, pair) == (
        "On x:1, high is better than low by 72.6 points of win rate (95 % interval "
        f"{100 * pair.difference.low:.1f} to {100 * pair.difference.high:.1f} points; p = 0.0079; "
        "5 and 5 seeds)."
    )


def test_an_overlap_is_no_difference_shown():
    task, pair = only_pair([*sample("a", [0.1, 0.9, 0.5, 0.3, 0.7]), *sample("b", [0.2, 0.8, 0.4, 0.9, 0.6])])
    assert not pair.shown
    assert pair_sentence(task, pair).startswith(
        "On x:1, no difference shown between b and a: b has 8.0 points more"
    )


def test_equal_scores_are_no_difference_shown():
    task, pair = only_pair([*sample("a", [1.0] * 5), *sample("b", [1.0] * 5)])
    assert pair_sentence(task, pair).startswith(
        "On x:1, no difference shown between a and b (95 % interval 0.0"
    )


def test_few_seeds_are_never_ranked_however_far_apart():
    task, pair = only_pair([*sample("low", LOW[:4]), *sample("high", HIGH[:4])])
    assert pair.p_corrected < 0.05
    assert not pair.shown
    assert pair_sentence(task, pair).endswith(UNRANKED)


def test_a_suite_of_single_seeds_has_no_intervals_and_says_so():
    results = [
        *sample("a", [0.9]), *sample("b", [0.4]),
        *sample("a", [0.8], env="x:2"), *sample("b", [0.2], env="x:2"),
    ]  # fmt: skip
    verdict = judge(results, SCALES)
    assert verdict.overall is not None
    (pair,) = verdict.overall.pairs
    assert suite_sentence(verdict.overall, pair) == (
        "Over 2 tasks, no difference shown between a and b: interquartile mean +0.550, probability of "
        f"improvement 1.00; no intervals from a single seed. {UNRANKED}"
    )
    assert "| a | 0.850 | - |" in verdict_lines(verdict, [])
    assert json.loads(json.dumps(verdict.to_json(), allow_nan=False))


def test_a_single_seed_has_no_interval_and_says_so():
    task, pair = only_pair([*sample("low", LOW[:1]), *sample("high", HIGH)])
    assert "no interval from a single seed" in pair_sentence(task, pair)
    assert not pair.shown


def test_several_rivals_are_corrected_for():
    verdict = judge(
        [*sample("a", LOW), *sample("b", HIGH), *sample("c", [0.5, 0.4, 0.45, 0.55, 0.5])], SCALES
    )
    (task,) = verdict.tasks
    assert [pair.p_corrected for pair in task.pairs] == pytest.approx([3 * 2 / 252] * 3)
    assert "after Holm's correction over 3 pairs" in pair_sentence(task, task.pairs[0])


@pytest.mark.parametrize(
    "other", [{"backend": "starcraft2"}, {"backend_version": "2"}, {"steps": 2000}, {"eval_episodes": 16}]
)
def test_what_differs_is_never_pooled(other):
    verdict = judge([*sample("a", LOW), *sample("a", HIGH, **other)], SCALES)
    assert [len(task.standings[0].seeds) for task in verdict.tasks] == [5, 5]
    assert verdict.overall is None


def test_paired_differences_use_the_shared_seeds_only():
    results = [*sample("a", [0.5, 0.6, 0.7]), ("b", entry("b", 1, 0.1)), ("b", entry("b", 2, 0.3))]
    _, pair = only_pair(results)
    assert pair.paired is not None
    assert pair.paired.value == pytest.approx((0.5 + 0.4) / 2)
    _, unshared = only_pair([*sample("a", [0.5]), ("b", entry("b", 1, 0.1))])
    assert unshared.paired is None


def test_steps_to_the_threshold_count_seeds_that_never_arrive():
    fast = [("fast", entry("fast", seed, 0.9, curve=[0, 0.6, 0.2, 0.9, 0.9])) for seed in range(2)]
    slow = [("slow", entry("slow", 0, 0.6, curve=[0, 0, 0, 0.6, 0.6]))]
    slow += [("slow", entry("slow", 1, 0.1, curve=[0, 0, 0, 0.1, 0.1]))]
    task, pair = only_pair([*fast, *slow])
    assert [(s.reached, s.steps_to_threshold) for s in task.standings] == [(2, 250.0), (1, 875.0)]
    assert pair.steps_saved.value == 625.0


def test_curves_on_other_steps_are_interpolated():
    group = Group("a", (entry("a", 0, 1, curve=[0, 1, 2, 3, 4]), entry("a", 1, 1, curve=[0, 4])))
    assert [(step, estimate.value) for step, estimate in mean_curve(group)] == [
        (250 * i, pytest.approx(float(i))) for i in range(5)
    ]


def test_several_tasks_are_put_together_where_nobody_lacks_one():
    results = [*sample("low", LOW), *sample("high", HIGH)]
    second = [*sample("low", LOW, env="x:2"), *sample("high", HIGH, env="x:2")]
    overall = judge([*results, *second], SCALES).overall
    assert overall is not None
    (pair,) = overall.pairs
    assert (pair.first, pair.shown, pair.improvement.value) == ("high", True, 1.0)
    assert suite_sentence(overall, pair).startswith(
        "Over 2 tasks, high is better than low: interquartile mean +0.7"
    )
    assert judge([*results, *second[:5]], SCALES).overall is None


def test_a_verdict_is_json_and_markdown():
    verdict = judge([*sample("low", LOW), *sample("high", HIGH[:1])], SCALES)
    document = json.loads(json.dumps(verdict.to_json(), allow_nan=False))
    assert document["tasks"][0]["standings"][1]["mean"] == {"value": 0.8, "low": None, "high": None}
    lines = verdict_lines(verdict, [])
    assert lines[0] == "## x:1: win rate, 1,000 steps, best policy on 320 new episodes"
    assert "| high | 80.0 % | - | 1 (unranked) | 1,000 (1 of 1 seeds reached it) | 2.0 min |" in lines


def test_the_missing_are_named():
    statuses = [
        CellStatus(Cell("a", "x:1", 0), "finished", 10),
        CellStatus(Cell("a", "x:1", 1), "failed", 7, error="out of luck"),
        CellStatus(Cell("b", "x:1", 0), "stopped", 3),
    ]
    assert missing_lines(statuses) == [
        "## Missing: 2 of 3 cells",
        "",
        "- a on x:1, seed 1: failed at step 7: out of luck",
        "- b on x:1, seed 0: stopped at step 3",
    ]
    assert missing_lines(statuses[:1]) == []


@pytest.mark.parametrize(
    "other", [{"config": {"lr": 0.2}}, {"algorithm_origin": ORIGIN | {"sha256": "1" * 64}}]
)
def test_seeds_made_in_different_ways_are_pointed_out(other):
    results = [("a", entry("a", 0, 0.5)), ("a", entry("a", 1, 0.6, **other))]
    lines = verdict_lines(judge(results, SCALES), [])
    assert "- Mind: The seeds of a were made with 2 versions of its code or settings." in lines
    assert not [line for line in verdict_lines(judge(results[:1], SCALES), []) if "Mind" in line]


DRIVING = Scale(Score("success_ratio", "success", percent=True, beside=("reach", "ceiling")), (0.0, 1.0))


def driven(algorithm, reached, ceiling):
    """A seed per pair of means."""
    return [
        (algorithm, entry(algorithm, seed, 0.5, episode_metrics={"reach": one, "ceiling": most, "odd": 7.0}))
        for seed, (one, most) in enumerate(zip(reached, ceiling, strict=True))
    ]


def test_what_the_score_cannot_be_judged_without_stands_beside_it():
    verdict = judge([*driven("a", [0.8, 0.9], [1.0, 0.98]), *sample("b", [0.2, 0.3])], {"x:1": DRIVING})
    a, b = verdict.tasks[0].standings
    assert a.beside == {"reach": pytest.approx(0.85), "ceiling": pytest.approx(0.99)}
    assert b.beside == {}
    head, _, first, second = [line for line in verdict_lines(verdict, []) if line.startswith("|")]
    assert head.endswith("| beside the score |")
    assert first.endswith("| reach 85.0 %, ceiling 99.0 % |")
    assert second.endswith("| - |")
    assert head.count("|") == first.count("|") == second.count("|")


def test_a_mean_that_lacks_a_seed_does_not_stand_beside_the_score():
    lacking = [driven("a", [0.8], [1.0])[0], *sample("a", [0.2, 0.3])[1:]]
    verdict = judge(lacking, {"x:1": DRIVING})
    assert verdict.tasks[0].standings[0].beside == {}
    assert "beside the score" not in "\n".join(verdict_lines(verdict, []))
