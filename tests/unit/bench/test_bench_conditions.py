"""What is said of how runs were made: mixed code, changed global state, a machine that was shared."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from boards import SCALES
from entries import ORIGIN, entry, sample

from marlzoo.bench.conditions import conditions_of, interference_text, warnings
from marlzoo.bench.leaderboard import Run
from marlzoo.bench.leaderboard_verify import verify
from marlzoo.bench.page import render_page
from marlzoo.bench.sentences import verdict_lines
from marlzoo.bench.store import entry_from_run
from marlzoo.bench.verdict import judge
from marlzoo.registry import Registry
from marlzoo.run.experiment import begin_run, resume_run
from marlzoo.run.plan import make_plan
from marlzoo.run.settings import RunSettings

RUN_TESTS = Path(__file__).parents[1] / "run"
DTYPE = "torch's default dtype"


def test_nothing_is_said_of_runs_that_are_as_they_should_be():
    found = conditions_of([entry("a", seed, 0.5, interference={}) for seed in range(3)])
    assert (found.makes, found.interfered, found.interference) == (1, [], {})
    assert warnings({"a": found}) == []


def test_results_that_do_not_know_are_not_accused():
    assert conditions_of([entry("a", 0, 0.5)]).interfered == []
    assert interference_text(None) == "not recorded"
    assert interference_text({}) == "none"


def test_versions_of_code_and_settings_are_counted():
    other = {"algorithm_origin": ORIGIN | {"sha256": "1" * 64}}
    made = [entry("a", 0, 0.5), entry("a", 1, 0.5, **other), entry("a", 2, 0.5, config={"lr": 0.2})]
    assert conditions_of(made).makes == 3
    assert warnings({"a": conditions_of(made)}) == [
        "The seeds of a were made with 3 versions of its code or settings."
    ]


def test_interference_is_added_up_over_seeds_and_named():
    counts = ({DTYPE: 3}, {}, {DTYPE: 1, "the working directory": 2})
    found = conditions_of([entry("a", seed, 0.5, interference=each) for seed, each in enumerate(counts)])
    assert found.interfered == [0, 2]
    assert found.interference == {"the working directory": 2, DTYPE: 4}
    (warning,) = warnings({"a": found})
    assert warning == (
        "Interfered with: a, seed 0, 2. A plug-in changed the global state of the process (the working "
        "directory: 2, torch's default dtype: 4); each time it was put back."
    )


def test_a_shared_machine_shows_in_the_share_of_time_spent_computing():
    one = entry("a", 0, 0.5, wall_seconds=100.0, cpu_seconds=95.0, settings={"threads": 1})
    half = entry("b", 0, 0.5, wall_seconds=100.0, cpu_seconds=95.0, settings={"threads": 2})
    found = {name: conditions_of([each]) for name, each in (("a", one), ("b", half))}
    assert (found["a"].core_share, found["b"].core_share) == pytest.approx((0.95, 0.475))
    (warning,) = warnings(found)
    assert "they computed for 48 % (b) of their time." in warning


def test_verdicts_and_the_page_show_it():
    results = [*sample("a", [0.5, 0.6], interference={DTYPE: 1}), *sample("b", [0.4, 0.5], interference={})]
    verdict = judge(results, SCALES)
    (mind,) = [line for line in verdict_lines(verdict, []) if line.startswith("- Mind: ")]
    assert mind.startswith("- Mind: Interfered with: a, seed 0, 1.")
    standings = verdict.to_json()["tasks"][0]["standings"]
    assert [one["conditions"]["interfered"] for one in standings] == [[0, 1], []]
    page = render_page([Run(made, suite="core") for _, made in results], SCALES, title="Board")
    assert page.count('<small class="flag">interfered with</small>') == 1
    assert page.count("<td>torch&#39;s default dtype: 1</td>") == 2
    assert "Interfered with: a, seed 0, 1." in page


def test_a_ranking_over_tasks_shows_it_whatever_the_task():
    quiet, loud = ({"interference": counts} for counts in ({}, {DTYPE: 1}))
    results = [
        *sample("a", [0.5, 0.6], **quiet), *sample("b", [0.4, 0.5], **quiet),
        *sample("a", [0.5, 0.6], env="x:2", **loud), *sample("b", [0.4, 0.5], env="x:2", **quiet),
    ]  # fmt: skip
    page = render_page([Run(made, suite="core") for _, made in results], SCALES, title="Board")
    # In the ranking and in the table of the second task.
    assert page.count('<small class="flag">interfered with</small>') == 2


@pytest.fixture(scope="module")
def registry():
    sys.path.insert(0, str(RUN_TESTS))
    return Registry.load([RUN_TESTS / "tiny_zoo.py", RUN_TESTS / "vandal_zoo.py"])


def test_a_run_hands_on_what_the_guard_found_and_how_often_it_was_resumed(registry, tmp_path):
    settings = RunSettings(steps=200, eval_interval=100, eval_episodes=2, absolute_episodes=2)
    polls = iter(range(1000))
    plan = make_plan(registry, "vandal", "echo:2", overrides=["deed=dtype"], settings=settings)
    begin_run(registry, plan, tmp_path / "run", stop=lambda: next(polls) > 6)
    assert resume_run(registry, tmp_path / "run").status == "finished"
    found = entry_from_run(tmp_path / "run")
    assert found.sessions == 2
    assert found.interference is not None
    assert list(found.interference) == [DTYPE]
    assert found.interference[DTYPE] > 0
    assert found.document()["interference"] == found.interference
    again = verify(registry, found, 100)
    assert again is not None
    assert again.equal
    assert list(again.interference) == [DTYPE]
