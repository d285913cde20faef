"""What a comparison shows while it runs."""

from __future__ import annotations

import io
import json

import pytest
from rich.console import Console

from marlzoo.bench.comparison import Comparison
from marlzoo.bench.matrix import Matrix
from marlzoo.cli.compare_table import make_watcher


@pytest.fixture
def comparison(tmp_path):
    matrix = Matrix(suite=None, algorithms=("a", "b"), environments=("x:1",), seeds=(0, 1), steps=1000)
    made = Comparison.create(tmp_path / "c", matrix)
    folder = made.folder(matrix.cells()[0])
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text(json.dumps({"status": "running"}))
    (folder / "evaluations.jsonl").write_text('{"step": 500, "score": 0.25}\n')
    made.record_failure(matrix.cells()[1], "no luck")
    return made


def test_the_live_table_has_all_cells(comparison):
    terminal = {"force_terminal": True, "width": 100, "color_system": None, "_environ": {"TERM": "xterm"}}
    console = Console(file=io.StringIO(), **terminal)
    with make_watcher(comparison, console, quiet=False) as watcher:
        watcher.changed(comparison.matrix.cells()[0], running=True)
        watcher.tick()
    shown = console.file.getvalue()
    assert "1 running, 1 failed, 2 waiting; 12% of all steps" in shown
    assert [line.split() for line in shown.splitlines() if line.startswith("x:1")][-2:] == [
        ["x:1", "a", "500", "0.25", "waiting"],
        ["x:1", "b", "failed!", "waiting"],
    ]


def test_a_pipe_gets_a_line_per_event(comparison):
    console = Console(file=io.StringIO(), width=100)
    first, second = comparison.matrix.cells()[:2]
    with make_watcher(comparison, console, quiet=False) as watcher:
        watcher.changed(first, running=True)
        watcher.changed(second, running=False)
    assert console.file.getvalue().splitlines() == [
        "a on x:1, seed 0: started (had reached step 500)",
        "b on x:1, seed 0: failed at step 0: no luck",
    ]


def test_quiet_says_nothing(comparison):
    console = Console(file=io.StringIO(), force_terminal=True)
    with make_watcher(comparison, console, quiet=True) as watcher:
        watcher.changed(comparison.matrix.cells()[0], running=True)
    assert console.file.getvalue() == ""
