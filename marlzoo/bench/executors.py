"""Working through the cells of a comparison, each in a process of its own, on this machine or elsewhere.

A cell that fails is written down and the rest goes on. The child of a killed parent is asked by the system to
save and stop, so that nobody computes unseen; what was saved is there for the next `--resume`.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

from marlzoo.bench.comparison import FAILED, FINISHED, Comparison
from marlzoo.bench.matrix import Cell
from marlzoo.run.files import read_json, reported

_POLL_SECONDS = 0.2
EXIT_INTERRUPTED = 130
_PARENT_DEATH_SIGNAL = 1
"""`PR_SET_PDEATHSIG` of prctl(2)."""


class Watcher:
    """What is told about cells while they run. Does nothing by itself."""

    def changed(self, cell: Cell, running: bool) -> None:
        """`cell` was started, or has ended."""

    def tick(self) -> None:
        """Called several times a second."""


class Job(Protocol):
    """A cell at work. A `subprocess.Popen` is one."""

    def poll(self) -> int | None:
        """The exit code of its process, negative for a signal; None while it works."""

    def terminate(self) -> None:
        """Ask it to save and stop."""

    def kill(self) -> None:
        """End it at once."""

    def wait(self) -> int:
        """Wait for its end."""


Launch = Callable[[Comparison, Cell], Job]


class Executor:
    """At most `jobs` cells at a time, each started by `launch`."""

    def __init__(self, comparison: Comparison, jobs: int, watcher: Watcher, launch: Launch) -> None:
        self._comparison = comparison
        self._jobs = jobs
        self._watcher = watcher
        self._launch = launch
        self._running: dict[Cell, Job] = {}
        self._asked: set[Cell] = set()
        """Those that were asked to save and stop."""

    def work(self, stop: Callable[[], bool], *, retry_failed: bool = False) -> bool:
        """Run every cell that is neither finished nor failed; with `retry_failed` those that failed, too.

        Returns:
            Whether all were worked through; false after `stop()` became true, when all are saved and ended.
        """
        pending = self._pending(retry_failed)
        with self._ended_at_exit():
            while (pending and not stop()) or self._running:
                if stop():
                    self._ask_to_stop()
                self._start_some(pending, stop)
                self._collect()
                self._watcher.tick()
                time.sleep(_POLL_SECONDS)
        return not pending and not stop()

    def _pending(self, retry_failed: bool) -> list[Cell]:
        pending = []
        for status in self._comparison.statuses():
            if status.state == FAILED and retry_failed:
                self._comparison.forgive(status.cell)
            elif status.state in (FINISHED, FAILED):
                continue
            pending.append(status.cell)
        return pending

    def _start_some(self, pending: list[Cell], stop: Callable[[], bool]) -> None:
        for cell in list(pending):
            if stop() or len(self._running) >= self._jobs:
                return
            if not self._comparison.in_use(cell):
                pending.remove(cell)
                self._start(cell)

    def _start(self, cell: Cell) -> None:
        self._running[cell] = self._launch(self._comparison, cell)
        self._watcher.changed(cell, running=True)

    def _collect(self) -> None:
        for cell, process in list(self._running.items()):
            code = process.poll()
            if code is None:
                continue
            del self._running[cell]
            # Asked before it could listen, a process just ends.
            stopped = code == EXIT_INTERRUPTED or (cell in self._asked and code == -signal.SIGTERM)
            if code != 0 and not stopped:
                self._comparison.record_failure(cell, _reason(code, self._comparison.log(cell)))
            self._watcher.changed(cell, running=False)

    def _ask_to_stop(self) -> None:
        """Once per process: a second signal would end it before it has saved."""
        for cell, process in self._running.items():
            if cell not in self._asked:
                self._asked.add(cell)
                process.terminate()

    @contextlib.contextmanager
    def _ended_at_exit(self) -> Iterator[None]:
        """However the block is left, no process is left behind."""
        try:
            yield
        finally:
            for process in self._running.values():
                process.kill()
                process.wait()


def launch_here(comparison: Comparison, cell: Cell) -> subprocess.Popen[bytes]:
    """Start a cell on this machine; what it says goes to its log."""
    log = comparison.log(cell)
    with reported(log):
        log.parent.mkdir(parents=True, exist_ok=True)
        with open(log, "ab") as output:
            return start_process(cell_command(comparison, cell), output.fileno())


def cell_command(comparison: Comparison, cell: Cell) -> list[str]:
    """Begin the cell, or go on with it if it has been begun."""
    matrix, folder = comparison.matrix, comparison.folder(cell)
    manifest = folder / "manifest.json"
    if not manifest.is_file():
        return marlzoo_command(matrix.plugins, "run", *matrix.run_arguments(cell), "--out", str(folder))
    extended = read_json(manifest).get("steps", matrix.steps) < matrix.steps
    budget = ["--steps", str(matrix.steps)] if extended else []
    return marlzoo_command(matrix.plugins, "resume", str(folder), *budget)


def marlzoo_command(plugins: Sequence[str], *arguments: str) -> list[str]:
    """This installation's `marlzoo`, with the plug-ins given by file."""
    files = [part for path in plugins for part in ("--plugin", path)]
    return [sys.executable, "-m", "marlzoo", *files, *arguments]


def start_process(command: Sequence[str], output: int) -> subprocess.Popen[bytes]:
    """A process in a session of its own (Ctrl-C reaches the parent alone, which then asks it to stop) that
    does not outlive this one."""
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        start_new_session=True,
        preexec_fn=_die_with(os.getpid()) if sys.platform == "linux" else None,
    )


def _die_with(parent: int) -> Callable[[], None]:
    """What a child does first: ask Linux for SIGTERM when its parent dies, which may be already."""
    library = ctypes.CDLL(None)

    def prepare() -> None:
        library.prctl(_PARENT_DEATH_SIGNAL, signal.SIGTERM, 0, 0, 0)
        if os.getppid() != parent:
            os.kill(os.getpid(), signal.SIGTERM)

    return prepare


def _reason(code: int, log: Path) -> str:
    """Why a process ended: the error that it printed last, or its exit code."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    errors = [line.removeprefix("error: ") for line in lines if line.startswith("error: ")]
    if code < 0:
        return f"ended by signal {-code} ({signal.Signals(-code).name})"
    return errors[-1] if errors else f"exit code {code}; see {log}"
