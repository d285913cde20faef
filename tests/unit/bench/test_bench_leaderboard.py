"""What may stand together on the leaderboard, under which name, at which rank; and the README made of it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from boards import HOSTILE, SCALES, runs, two_tasks
from entries import entry

from marlzoo.bench.leaderboard import Run, make_sections, rank_ranges, stored_runs, version_key
from marlzoo.bench.leaderboard_build import build_leaderboard
from marlzoo.bench.leaderboard_readme import render_readme
from marlzoo.bench.statistics import Estimate, interquartile_mean_interval, mean_interval
from marlzoo.bench.store import Stored, place, read_store, write_entry
from marlzoo.bench.verdict import SuitePair
from marlzoo.errors import RunError, UsageError
from marlzoo.registry import Registry

FIVE = [0.8, 0.9, 0.85, 0.95, 0.88]
ROOT = Path(__file__).parents[3]


def means(section):
    return {s.algorithm: s.mean.value for board in section.tasks for s in board.task.standings}


def test_engine_versions_stand_apart_and_the_newest_comes_first():
    found = make_sections(
        [*runs("a", [0.1], backend_version="1.9"), *runs("a", [0.7], backend_version="1.10")], SCALES
    )
    assert [(s.engines, s.superseded, means(s)) for s in found] == [
        (("embedded 1.10",), False, {"a": 0.7}),
        (("embedded 1.9",), True, {"a": 0.1}),
    ]


def test_a_suite_may_span_families_but_not_versions_of_one():
    mixed = [
        *runs("a", FIVE, "x:1", backend_version="2"),
        *runs("a", FIVE, "x:2", backend_version="1"),
        *runs("a", FIVE, "y:1", backend_version="7"),
    ]
    current, earlier = make_sections(mixed, SCALES)
    assert [board.task.environment for board in current.tasks] == ["x:1", "y:1"]
    assert (current.overall.tasks, current.engines) == (2, ("embedded 2", "embedded 7"))
    assert [board.task.environment for board in earlier.tasks] == ["x:2"]
    assert earlier.superseded


def test_backends_of_one_family_stand_apart_and_neither_is_superseded():
    other = runs("a", [0.3], backend="starcraft2", backend_version="4.10")
    found = make_sections([*runs("a", [0.1, 0.2]), *other], SCALES)
    assert [(s.engines, s.superseded) for s in found] == [
        (("embedded 1",), False),
        (("starcraft2 4.10",), False),
    ]


def test_budgets_and_suites_stand_apart_the_largest_budget_first():
    found = make_sections(
        [*runs("a", [0.1]), *runs("a", [0.2], steps=5000), *runs("a", [0.3], suite="big", steps=9000)], SCALES
    )
    assert [(s.suite, s.steps) for s in found] == [("big", 9000), ("core", 5000), ("core", 1000)]
    assert [list(means(s).values()) for s in found] == [[0.3], [0.2], [0.1]]


def test_presets_of_one_algorithm_are_different_algorithms():
    one = runs("a", [0.1, 0.2])
    other = runs("a", [0.8, 0.9], config={"lr": 0.2})
    (section,) = make_sections([*one, *other], SCALES)
    assert means(section) == pytest.approx({"a [lr=0.1]": 0.15, "a [lr=0.2]": 0.85})


def test_presets_that_differ_in_many_settings_or_lack_some_are_told_apart_by_their_digits():
    one = runs("a", [0.1], config={"lr": 0.1, "clip": 0.1, "epochs": 5})
    other = runs("a", [0.8], config={"lr": 0.2, "clip": 0.2, "epochs": 9})
    (section,) = make_sections([*one, *other], SCALES)
    assert section.algorithms == sorted(f"a [{run.entry.preset}]" for run in (*one, *other))
    older = runs("a", [0.8], config={"lr": 0.1, "clip": 0.1})
    (section,) = make_sections([*one, *older], SCALES)
    assert section.algorithms == sorted(["a [epochs=5]", f"a [{older[0].entry.preset}]"])


def test_settings_that_follow_the_task_do_not_tell_algorithms_apart():
    easy, hard = runs("a", [0.1], "x:1", config={"lr": 0.1}), runs("a", [0.8], "x:2", config={"lr": 0.2})
    (section,) = make_sections([*easy, *hard], SCALES)
    assert section.algorithms == ["a"]


def test_names_are_short_where_that_is_clear():
    theirs = Run(entry("b", 0, 0.3).model_copy(update={"algorithm": "foo/b"}), suite="core")
    (section,) = make_sections([*runs("a", [0.1]), *runs("b", [0.1]), *runs("c", [0.1])], SCALES)
    assert section.algorithms == ["a", "b", "c"]
    (section,) = make_sections([*runs("a", [0.1]), *runs("b", [0.1, 0.2]), theirs], SCALES)
    assert section.algorithms == ["a", "foo/b", "marlzoo/b"]


def test_who_lacks_a_task_is_left_out_of_the_ranking_and_named():
    (section,) = make_sections(two_tasks(), SCALES)
    assert section.left_out == ("absent",)
    assert section.overall is not None
    expected = interquartile_mean_interval([np.array(FIVE)] * 2)
    assert section.overall.interquartile_means["high"] == expected
    assert section.ranks() == {"high": "1", "low": "2–3", "lower": "2–3"}
    assert section.tasks[0].ranks() == section.ranks()


def test_few_seeds_have_no_rank():
    (section,) = make_sections([*runs("a", FIVE[:4]), *runs("b", FIVE)], SCALES)
    assert section.tasks[0].ranks() == section.ranks() == {"b": "1"}


def test_ranks_follow_from_what_is_shown():
    nothing = Estimate(0, 0, 0)
    said = {"ab": False, "ac": True, "bc": True, "cd": False, "ad": True, "bd": False}
    pairs = [SuitePair(a, b, nothing, nothing, True, shown) for (a, b), shown in said.items()]
    assert rank_ranges("abcd", pairs) == {"a": "1–2", "b": "1–3", "c": "3–4", "d": "2–4"}


def test_versions_are_ordered_by_their_numbers():
    versions = ["gymnasium 1.10.0, adapter 1", "gymnasium 1.9.2, adapter 3", "gymnasium 1.10.0, adapter 12"]
    assert sorted(versions, key=version_key) == [versions[1], versions[0], versions[2]]


def test_links_hold_in_the_folder_of_the_page(tmp_path):
    one = entry("a", 0, 0.5)
    path = write_entry(tmp_path / "results", "core", one)
    (run,) = stored_runs([Stored("core", path, one)], tmp_path / "site" / "board")
    assert (run.source, run.replay) == (f"../../results/core/{place(one).as_posix()}", "")
    replay = tmp_path / "replays" / "core" / place(one).with_suffix(".html")
    replay.parent.mkdir(parents=True)
    replay.touch()
    (run,) = stored_runs([Stored("core", path, one)], tmp_path)
    assert (tmp_path / run.replay).is_file()


def test_the_readme_says_what_the_statistics_say():
    text = render_readme(make_sections(runs("a", FIVE), SCALES), {"core": ["A note."]})
    mean = mean_interval(FIVE)
    cells = f"| 1 | a | {100 * mean.value:.1f} % | {100 * mean.low:.1f} % to {100 * mean.high:.1f} % | 5 |"
    assert cells in text
    assert "A note." in text
    assert "Unranked" not in text


def test_hostile_names_mean_nothing_in_the_readme():
    text = render_readme(make_sections(runs(HOSTILE, [0.5, 0.6]), SCALES), {})
    assert r"\<script\>alert('x')\</script\>\<img" in text
    rows = [line for line in text.splitlines() if line.startswith("| –")]
    assert [line.replace(r"\|", "").count("|") for line in rows] == [10]


@pytest.fixture(scope="module")
def registry():
    return Registry.load()


def store_of(root):
    for name, score in (("mat", 0.5), ("srsv", 0.75)):
        for seed in range(2):
            made = entry(name, seed, score, env="smac:3m", steps=250_000)
            write_entry(root, "first-look", made)


def test_building_writes_both_files_the_same_every_time(registry, tmp_path):
    store_of(tmp_path / "results")
    (tmp_path / "results" / "first-look" / "note.txt").write_text("Made\nby hand.\n\nTwice.\n")
    first = [path.read_bytes() for path in build_leaderboard(registry, tmp_path / "results", tmp_path).files]
    built = build_leaderboard(registry, tmp_path / "results", tmp_path)
    assert (built.runs, built.sections) == (4, 1)
    assert [path.name for path in built.files] == ["README.md", "index.html"]
    assert [path.read_bytes() for path in built.files] == first
    for content in first:
        assert b"Made by hand." in content
        assert b"Twice." in content


def test_what_a_suite_lacks_is_said(registry, tmp_path):
    made = entry("a", 0, 0.5, env="smac:3s5z", steps=2_500_000)
    write_entry(tmp_path / "results", "srsv-paper", made)
    build_leaderboard(registry, tmp_path / "results", tmp_path)
    assert "No results yet on dubins:srsv-8." in (tmp_path / "README.md").read_text()


def test_an_edited_result_stops_the_build_and_is_named(registry, tmp_path):
    store_of(tmp_path)
    path = next(iter(sorted(tmp_path.rglob("*.json"))))
    path.write_text(path.read_text().replace('"agents": 2', '"agents": 3'))
    with pytest.raises(RunError, match=f"{path.name} was edited"):
        build_leaderboard(registry, tmp_path, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_an_empty_store_says_how_to_fill_it(registry, tmp_path):
    with pytest.raises(UsageError, match="has no results; add some by 'marlzoo leaderboard add"):
        build_leaderboard(registry, tmp_path, tmp_path)


def test_the_committed_results_are_whole_and_where_they_belong():
    root = ROOT / "leaderboard" / "results"
    found = read_store(root)
    assert found
    for stored in found:
        assert stored.path == root / stored.suite / place(stored.entry)
        assert json.loads(stored.path.read_text())["sha256"] == stored.entry.digest()
