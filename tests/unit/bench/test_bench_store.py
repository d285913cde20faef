"""Entries of the store: complete, hashed, never replaced, never edited unseen."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest
from entries import entry

from marlzoo.bench.schema import Entry
from marlzoo.bench.store import entry_from_run, find_entry, read_entry, read_store, write_entry
from marlzoo.errors import RunError, UsageError
from marlzoo.registry import Registry
from marlzoo.run.experiment import begin_run
from marlzoo.run.plan import make_plan
from marlzoo.run.settings import RunSettings

RUN_TESTS = Path(__file__).parents[1] / "run"
SMALL = {"steps": 200, "seed": 3, "eval_interval": 100, "eval_episodes": 4, "absolute_episodes": 6}


@pytest.fixture(scope="module")
def registry():
    sys.path.insert(0, str(RUN_TESTS))
    return Registry.load([RUN_TESTS / "tiny_zoo.py"])


@pytest.fixture(scope="module")
def finished(registry, tmp_path_factory):
    path = tmp_path_factory.mktemp("runs") / "run"
    plan = make_plan(registry, "parrot", "echo:2", overrides=["lr=0.1"], settings=RunSettings(**SMALL))
    begin_run(registry, plan, path)
    return path


def test_an_entry_says_all_there_is_to_say_about_a_run(finished):
    found = entry_from_run(finished)
    result = json.loads((finished / "result.json").read_text())
    assert (found.environment, found.backend, found.backend_version) == ("echo:2", "embedded", "1")
    assert (found.seed, found.steps, found.eval_episodes, found.agents) == (3, 200, 4, 2)
    assert found.algorithm.endswith("/parrot")
    assert len(found.algorithm_origin.sha256) == 64
    assert found.config["lr"] == 0.1
    assert found.origins["lr"] == "option -o"
    assert (found.settings["absolute_episodes"], found.settings["threads"]) == (6, 1)
    assert (found.interference, found.sessions) == ({}, 1)
    rows = [json.loads(line) for line in (finished / "metrics.jsonl").read_text().splitlines()]
    last = {name: value for name, value in rows[-1].items() if name != "step" and "time/" not in name}
    assert found.curve[-1].metrics == last
    assert found.curve[0].metrics == {}
    assert [point.step for point in found.curve] == [0, 100, 200]
    assert found.absolute is not None
    assert (found.score, found.absolute.score) == (result["score"], result["absolute"]["score"])
    assert found.episode_metrics == result["absolute"]["metrics"] != {}
    protocol = "--eval-interval 100 --eval-episodes 4 --absolute-episodes 6"
    assert found.command == (
        f"marlzoo run {found.algorithm} --env echo:2 --steps 200 --seed 3 {protocol} -o lr=0.1"
    )


def test_without_new_episodes_the_metrics_are_those_of_the_last_evaluation(finished, tmp_path):
    folder = shutil.copytree(finished, tmp_path / "run")
    result = json.loads((folder / "result.json").read_text())
    (folder / "result.json").write_text(json.dumps(result | {"absolute": None}))
    rows = [json.loads(line) for line in (folder / "evaluations.jsonl").read_text().splitlines()]
    rows[-1]["metrics"] = {"hit": 0.25, "never_measured": None}
    (folder / "evaluations.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    assert entry_from_run(folder).episode_metrics == {"hit": 0.25}


def test_the_command_of_an_entry_chooses_the_preset_that_has_a_name(finished, tmp_path):
    folder = shutil.copytree(finished, tmp_path / "run")
    manifest = json.loads((folder / "manifest.json").read_text())
    for origin, options in (("preset mine echo", "-o preset=mine -o lr=0.1"), ("preset echo", "-o lr=0.1")):
        manifest["config"]["num_envs"]["origin"] = f"{origin} (tiny_zoo/presets.toml)"
        (folder / "manifest.json").write_text(json.dumps(manifest))
        assert entry_from_run(folder).command.endswith(f"--absolute-episodes 6 {options}")


def test_entries_are_written_read_and_never_replaced(tmp_path):
    one, other = entry("a", 0, 0.5), entry("a", 0, 0.6)
    path = write_entry(tmp_path, "core", one)
    assert path == tmp_path / "core" / "x-1@embedded-1" / f"marlzoo-a@{one.preset}" / "0.json"
    assert read_entry(path) == one
    before = path.read_bytes()
    assert write_entry(tmp_path, "core", one) == path
    with pytest.raises(UsageError, match="entries are never replaced"):
        write_entry(tmp_path, "core", other)
    assert path.read_bytes() == before


def test_a_run_that_was_added_in_an_older_format_stays_as_it_is(tmp_path):
    path = write_entry(tmp_path, "core", entry("a", 0, 0.5, format=2))
    before = path.read_bytes()
    assert write_entry(tmp_path, "core", entry("a", 0, 0.5, format=3, interference={})) == path
    assert path.read_bytes() == before


def test_engine_versions_and_presets_have_folders_of_their_own(tmp_path):
    one = entry("a", 0, 0.5)
    for other in ({"backend_version": "2"}, {"config": {"lr": 0.2}}):
        assert write_entry(tmp_path, "core", entry("a", 0, 0.6, **other)) != write_entry(
            tmp_path, "core", one
        )
    assert [stored.suite for stored in read_store(tmp_path)] == ["core"] * 3


def test_a_copied_file_does_not_count_as_one_more_seed(tmp_path):
    path = write_entry(tmp_path, "core", entry("a", 0, 0.5))
    path.with_name("7.json").write_bytes(path.read_bytes())
    with pytest.raises(UsageError, match=r"7\.json and .*0\.json hold the same seed twice"):
        read_store(tmp_path)


def test_an_entry_is_found_by_its_file_or_its_hash(tmp_path):
    one = entry("a", 0, 0.5)
    path = write_entry(tmp_path, "core", one)
    write_entry(tmp_path, "core", entry("a", 1, 0.5))
    assert find_entry(tmp_path, str(path)).entry == one
    assert find_entry(tmp_path, one.digest()[:10]).path == path
    for wrong in ("nowhere.json", one.digest()[:3], "f" * 64):
        with pytest.raises(UsageError, match="neither a file nor the beginning of a result's hash"):
            find_entry(tmp_path, wrong)


def test_results_of_format_1_keep_their_hash(tmp_path):
    old = entry("a", 0, 0.5)
    assert old.format == 1
    assert set(old.document()) == set(Entry.model_fields) - {
        "origins",
        "settings",
        "system",
        "interference",
        "sessions",
        "episode_metrics",
    }
    assert read_entry(write_entry(tmp_path, "core", old)).digest() == old.digest()


def test_an_edited_entry_is_found_out(tmp_path):
    path = write_entry(tmp_path, "core", entry("a", 0, 0.5))
    path.write_text(path.read_text().replace('"seed": 0', '"seed": 1'))
    with pytest.raises(RunError, match="was edited"):
        read_entry(path)


def test_another_layout_of_the_same_content_is_the_same_entry(tmp_path):
    path = write_entry(tmp_path, "core", entry("a", 0, 0.5))
    document = json.loads(path.read_text())
    path.write_text(json.dumps(dict(reversed(document.items()))))
    assert read_entry(path) == entry("a", 0, 0.5)


@pytest.mark.parametrize(("key", "value"), [("score", "much"), ("steps", 0), ("mood", "good"), ("format", 5)])
def test_what_does_not_fit_the_schema_is_refused(key, value, tmp_path):
    path = write_entry(tmp_path, "core", entry("a", 0, 0.5))
    path.write_text(json.dumps(json.loads(path.read_text()) | {key: value}))
    with pytest.raises(UsageError, match=f"{key}: .*; restore the file"):
        read_entry(path)


def test_a_run_that_is_not_finished_makes_no_entry(registry, tmp_path):
    plan = make_plan(registry, "parrot", "echo:2", settings=RunSettings(**SMALL))
    begin_run(registry, plan, tmp_path / "run", stop=lambda: True)
    with pytest.raises(UsageError, match="is interrupted, not finished; go on with it by 'marlzoo resume"):
        entry_from_run(tmp_path / "run")
