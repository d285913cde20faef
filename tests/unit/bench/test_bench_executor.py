"""The executor with stand-ins for runs: how many at a time, what counts as failed, what is retried."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from marlzoo.bench import executors
from marlzoo.bench.comparison import Comparison
from marlzoo.bench.executors import Executor, Watcher, launch_here
from marlzoo.bench.matrix import Cell, Matrix
from marlzoo.run.folder import RunFolder

FINISH = "write('manifest.json', status='finished'); write('result.json', steps=9, score=0.5)"
PROGRAM = """
import json, pathlib, sys, time, os, signal
folder = pathlib.Path(sys.argv[1]); folder.mkdir(parents=True, exist_ok=True)
def write(name, **content): (folder / name).write_text(json.dumps(content))
"""


class Count(Watcher):
    """The largest number of cells that ran at once."""

    def __init__(self) -> None:
        self.running: set[Cell] = set()
        self.most = 0
        self.ended: list[Cell] = []

    def changed(self, cell: Cell, running: bool) -> None:
        if running:
            self.running.add(cell)
        else:
            self.running.remove(cell)
            self.ended.append(cell)
        self.most = max(self.most, len(self.running))


@pytest.fixture
def comparison(tmp_path: Path) -> Comparison:
    matrix = Matrix(suite=None, algorithms=("a",), environments=("x:1",), seeds=(0, 1, 2), steps=9)
    return Comparison.create(tmp_path / "c", matrix)


@pytest.fixture
def play(monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[int, str]], None]:
    """Let the process of each seed run a line of Python in the place of `marlzoo run`."""
    monkeypatch.setattr(executors, "_POLL_SECONDS", 0.01)

    def install(lines: dict[int, str]) -> None:
        def command(comparison: Comparison, cell: Cell) -> list[str]:
            folder = str(comparison.folder(cell))
            return [sys.executable, "-c", PROGRAM + lines.get(cell.seed, FINISH), folder]

        monkeypatch.setattr(executors, "cell_command", command)

    return install


def work(comparison: Comparison, jobs: int = 2, **options: bool) -> Count:
    watcher = Count()
    assert Executor(comparison, jobs, watcher, launch_here).work(lambda: False, **options)
    return watcher


def states(comparison: Comparison) -> list[str]:
    return [status.state for status in comparison.statuses()]


@pytest.mark.parametrize("jobs", [1, 2])
def test_so_many_at_a_time_and_each_once(comparison, play, jobs):
    play({})
    watcher = work(comparison, jobs)
    assert watcher.most == jobs
    assert sorted(cell.seed for cell in watcher.ended) == [0, 1, 2]
    assert states(comparison) == ["finished"] * 3
    assert work(comparison).ended == []


def test_a_failure_is_recorded_with_its_reason_and_tried_again_on_demand_only(comparison, play):
    play({0: "sys.exit('error: no luck')", 1: "os.kill(os.getpid(), signal.SIGKILL)"})
    work(comparison)
    assert states(comparison) == ["failed", "failed", "finished"]
    assert [status.error for status in comparison.statuses()] == [
        "no luck",
        "ended by signal 9 (SIGKILL)",
        "",
    ]
    play({})
    assert work(comparison).ended == []
    assert len(work(comparison, retry_failed=True).ended) == 2
    assert states(comparison) == ["finished"] * 3


def test_a_run_that_somebody_else_stopped_is_not_a_failure(comparison, play):
    play({1: "write('manifest.json', status='interrupted'); sys.exit(130)"})
    work(comparison)
    assert states(comparison) == ["finished", "stopped", "finished"]


def test_stopping_asks_every_process_once_and_starts_no_more(comparison, play):
    save = (
        "signal.signal(signal.SIGTERM, lambda *_: (write('manifest.json'), time.sleep(0.2), sys.exit(130)))"
    )
    play(dict.fromkeys(range(3), f"{save}; write('ready'); time.sleep(60)"))
    ready = [comparison.folder(cell) / "ready" for cell in comparison.matrix.cells()]
    begin = time.monotonic()

    def stop() -> bool:
        return all(path.exists() for path in ready[:2]) or time.monotonic() > begin + 60

    assert not Executor(comparison, 2, Watcher(), launch_here).work(stop)
    assert states(comparison) == ["stopped", "stopped", "waiting"]


def test_a_process_stopped_before_it_could_listen_has_not_failed(comparison, play):
    play(dict.fromkeys(range(3), "write('ready'); time.sleep(60)"))
    begin = time.monotonic()
    ready = comparison.folder(comparison.matrix.cells()[0]) / "ready"

    def stop() -> bool:
        return ready.exists() or time.monotonic() > begin + 60

    assert not Executor(comparison, 1, Watcher(), launch_here).work(stop)
    assert states(comparison) == ["waiting"] * 3


def test_a_cell_that_an_older_process_still_works_on_is_waited_for(comparison, play):
    play({})
    cell = comparison.matrix.cells()[0]
    folder = RunFolder(comparison.folder(cell))
    folder.path.mkdir(parents=True)
    with folder.locked():
        assert comparison.in_use(cell)
        executor = Executor(comparison, 3, Watcher(), launch_here)
        pending = comparison.matrix.cells()
        with executor._ended_at_exit():
            executor._start_some(pending, lambda: False)
    assert pending == [cell]
    assert not comparison.in_use(cell)


def test_progress_is_read_from_files_that_are_being_written(comparison):
    cell = comparison.matrix.cells()[0]
    folder = comparison.folder(cell)
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text(json.dumps({"status": "running"}))
    (folder / "metrics.jsonl").write_text('{"step": 3}\n{"step": 6}\n{"st')
    (folder / "evaluations.jsonl").write_text('{"step": 4, "score": 0.25}\n')
    status = comparison.status(cell)
    assert (status.state, status.step, status.score) == ("stopped", 6, 0.25)
