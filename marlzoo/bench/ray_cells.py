"""Cells as tasks of a Ray cluster.

Every node needs this installation and the comparison's folder, at the same paths. A task starts the cell's
process and waits for it. When a node is lost, its cells are submitted again and go on elsewhere from their
last checkpoint; Ray's own retries are off, so that somebody counts.
"""

from __future__ import annotations

import logging
import os
import time
from types import TracebackType
from typing import Any

import ray
from ray.exceptions import RayError, RayTaskError, TaskCancelledError

from marlzoo.bench.comparison import Comparison
from marlzoo.bench.executors import EXIT_INTERRUPTED, Job, launch_here
from marlzoo.bench.matrix import Cell

_POLL_SECONDS = 0.2
_EXIT_FAILED = 1
_MOST_LOSSES = 5
"""A cell whose node is lost more often than this is taken for the cause of it."""


class RayCluster:
    """The cluster that `RAY_ADDRESS` names or that runs on this machine; otherwise one is started here for as
    long as the block lasts."""

    def __enter__(self) -> RayCluster:
        # A cluster that is started here tells nobody about it.
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        ray.init(log_to_driver=False, logging_level=logging.WARNING)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        ray.shutdown()

    def cores(self) -> int:
        """Of all nodes together."""
        return max(1, int(ray.cluster_resources().get("CPU", 1)))

    def launch(self, comparison: Comparison, cell: Cell) -> Job:
        """Submit a cell; it starts when a node has a core free."""
        return _RayJob(Comparison(comparison.path.resolve(), comparison.matrix), cell)


class _RayJob:
    """One cell as a task, submitted again when its node is lost."""

    def __init__(self, comparison: Comparison, cell: Cell) -> None:
        self._comparison = comparison
        self._cell = cell
        self._losses = 0
        self._asked = False
        self._task: Any = None
        self._submit()

    def poll(self) -> int | None:
        ready, _ = ray.wait([self._task], timeout=0)
        if not ready:
            return None
        try:
            return int(ray.get(self._task))
        except TaskCancelledError:
            return EXIT_INTERRUPTED
        except RayTaskError as error:
            return self._failed(" ".join(str(error.cause).split()))
        except RayError as error:
            return self._lost(type(error).__name__)

    def terminate(self) -> None:
        self._asked = True
        ray.cancel(self._task, force=False)

    def kill(self) -> None:
        self._asked = True
        ray.cancel(self._task, force=True)

    def wait(self) -> int:
        while (code := self.poll()) is None:
            time.sleep(_POLL_SECONDS)
        return code

    def _submit(self) -> None:
        options = {"num_cpus": 1, "max_retries": 0, "scheduling_strategy": "SPREAD"}
        self._task = ray.remote(**options)(_work).remote(self._comparison, self._cell)

    def _lost(self, how: str) -> int | None:
        self._losses += 1
        if self._asked:
            return EXIT_INTERRUPTED
        if self._losses > _MOST_LOSSES:
            return self._failed(f"its node was lost {self._losses} times, the last time by {how}")
        self._submit()
        return None

    def _failed(self, reason: str) -> int:
        """Put the reason where the reasons of failed processes are read."""
        log = self._comparison.log(self._cell)
        log.parent.mkdir(parents=True, exist_ok=True)
        with open(log, "a", encoding="utf-8") as file:
            file.write(f"error: {reason}\n")
        return _EXIT_FAILED


def _work(comparison: Comparison, cell: Cell) -> int:
    """Runs on a node: one cell from start to end, or until Ray cancels the task, which Ray does by a
    `KeyboardInterrupt`. Returns the exit code of the cell's process."""
    try:
        while comparison.in_use(cell):  # what a lost node left behind is still saving
            time.sleep(_POLL_SECONDS)
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    return _watch(launch_here(comparison, cell))


def _watch(process: Job) -> int:
    try:
        while (code := process.poll()) is None:
            time.sleep(_POLL_SECONDS)
    except KeyboardInterrupt:
        process.terminate()
        return process.wait()
    return code
