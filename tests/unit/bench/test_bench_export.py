"""Exports, read back: the table cell by cell, and the layout that marl-eval documents."""

from __future__ import annotations

import csv
import json

import pytest
from entries import entry

from marlzoo.bench.exporting import COLUMNS, rows, write_export
from marlzoo.bench.gathering import gather
from marlzoo.bench.store import write_entry
from marlzoo.errors import MissingPieceError, UsageError


@pytest.fixture
def some():
    return [entry(name, seed, 0.25 * seed + 0.1) for name in ("a", "b") for seed in (0, 1)]


def test_a_csv_has_a_row_for_every_evaluation(some, tmp_path):
    write_export(some, "csv", tmp_path / "t.csv")
    with open(tmp_path / "t.csv", encoding="utf-8", newline="") as file:
        table = list(csv.DictReader(file))
    assert list(table[0]) == list(COLUMNS)
    assert len(table) == sum(len(one.curve) + (one.absolute is not None) for one in some)
    best = [
        row for row in table if (row["kind"], row["algorithm"], row["seed"]) == ("absolute", "marlzoo/b", "1")
    ]
    assert [float(row["score"]) for row in best] == [some[3].absolute.score]
    last = [
        row
        for row in table
        if (row["kind"], row["algorithm"], row["seed"]) == ("evaluation", "marlzoo/a", "0")
    ]
    assert [int(row["step"]) for row in last] == [point.step for point in some[0].curve]
    assert [float(row["mean_return"]) for row in last] == [point.mean_return for point in some[0].curve]


def test_a_parquet_file_holds_the_same_table(some, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed")
    write_export(some, "parquet", tmp_path / "t.parquet")
    table = parquet.read_table(tmp_path / "t.parquet")
    assert table.to_pylist() == rows(some)
    assert {field.name: str(field.type) for field in table.schema} == dict(COLUMNS)


def test_without_pyarrow_it_says_what_to_install(some, tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(MissingPieceError, match=r"pip install 'marlzoo\[parquet\]'"):
        write_export(some, "parquet", tmp_path / "t.parquet")
    assert not list(tmp_path.iterdir())


def test_marl_eval_finds_environment_task_algorithm_run_and_step(some, tmp_path):
    write_export(some, "marl-eval", tmp_path / "t.json")
    tree = json.loads((tmp_path / "t.json").read_text())
    family, _, task = some[0].environment.lower().partition(":")
    assert set(tree) == {family}
    assert set(tree[family]) == {task}
    assert set(tree[family][task]) == {"marlzoo/a", "marlzoo/b"}
    runs = tree[family][task]["marlzoo/b"]
    assert list(runs) == ["seed_0", "seed_1"]
    one, metric = some[3], some[3].score_name.lower()
    assert list(runs["seed_1"]) == [*(f"step_{k + 1}" for k in range(len(one.curve))), "absolute_metrics"]
    assert runs["seed_1"]["step_1"] == {"step_count": one.curve[0].step, metric: [one.curve[0].score]}
    assert runs["seed_1"]["absolute_metrics"] == {metric: [one.absolute.score]}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"backend_version": "9.9"}, "differ in engine, budget or evaluation"),
        ({"steps": 77}, "differ in engine, budget or evaluation"),
        ({"config": {"lr": 7.0}}, "several hyper-parameters"),
        ({"absolute": None}, "differ in engine, budget or evaluation"),
        ({"seed": 0}, "has seed 0 twice"),
        ({"algorithm": "marlzoo/c"}, "the same algorithms on every task"),
    ],
)
def test_marl_eval_gets_nothing_that_it_would_pool_or_could_not_read(some, change, message, tmp_path):
    odd = some[1].model_copy(update=change)
    with pytest.raises(UsageError, match=message):
        write_export([some[0], odd, *some[2:]], "marl-eval", tmp_path / "t.json")


def test_marl_eval_needs_the_absolute_metric(some, tmp_path):
    bare = [one.model_copy(update={"absolute": None}) for one in some]
    with pytest.raises(UsageError, match="has no absolute metric"):
        write_export(bare, "marl-eval", tmp_path / "t.json")


def test_results_are_gathered_from_files_and_from_folders_of_them_once(some, tmp_path):
    paths = [write_entry(tmp_path / "store", "quick", one) for one in some]
    found = gather([paths[2], tmp_path / "store"])
    assert found[0].entry.digest() == some[2].digest()
    assert sorted(one.entry.digest() for one in found) == sorted(one.digest() for one in some)


def test_where_there_is_nothing_it_says_so(tmp_path):
    for place in (tmp_path, tmp_path / "absent"):
        with pytest.raises(UsageError, match="holds no results; give run folders, comparisons"):
            gather([place])
