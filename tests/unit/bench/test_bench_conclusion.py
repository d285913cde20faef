"""What a verdict says before its numbers: settings made by hand, and budgets that grew."""

from __future__ import annotations

from pathlib import Path

import pytest

from marlzoo.bench.comparison import Comparison
from marlzoo.bench.conclusion import conclude
from marlzoo.bench.matrix import Matrix, extend_matrix
from marlzoo.registry import Registry
from marlzoo.run.experiment import begin_run, resume_run
from marlzoo.run.plan import make_plan
from marlzoo.run.settings import RunSettings

ZOO = Path(__file__).parents[1] / "run" / "tiny_zoo.py"


@pytest.fixture(scope="module")
def registry():
    return Registry.load([ZOO])


def finished(registry, path, **rest):
    """A comparison of one parrot with two seeds, both finished."""
    matrix = Matrix(
        suite=None, algorithms=("parrot",), environments=("echo:1",), seeds=(0, 1), steps=40, **rest
    )
    comparison = Comparison.create(path, matrix)
    for cell in matrix.cells():
        settings = RunSettings(
            steps=40, seed=cell.seed, eval_interval=40, eval_episodes=2, absolute_episodes=2
        )
        overrides = matrix.overrides_of("parrot")
        plan = make_plan(registry, "parrot", "echo:1", overrides=overrides, settings=settings)
        begin_run(registry, plan, comparison.folder(cell))
    return comparison


def test_without_anything_special_there_is_no_note(registry, tmp_path):
    document, lines = conclude(registry, finished(registry, tmp_path / "c"), 0.5)
    assert lines[2].startswith("## echo:1")
    assert document["overrides"] == []


def test_settings_by_hand_and_grown_budgets_are_said_first(registry, tmp_path):
    comparison = finished(registry, tmp_path / "c", overrides=("parrot.lr=0.1",))
    comparison.extend(extend_matrix(registry, comparison.matrix, steps=80))
    assert [status.state for status in comparison.statuses()] == ["stopped", "stopped"]
    resume_run(registry, comparison.folder(comparison.matrix.cells()[0]), steps=80)
    document, lines = conclude(registry, Comparison.existing(comparison.path), 0.5)
    assert lines[2] == "Hyper-parameters set by hand: parrot.lr=0.1."
    assert lines[4] == "1 run(s) were begun with a smaller budget: until then they had its schedules."
    assert document["overrides"] == ["parrot.lr=0.1"]
    (task,) = document["tasks"]
    assert task["standings"][0]["seeds"] == [0]
    assert [missing["seed"] for missing in document["missing"]] == [1]
