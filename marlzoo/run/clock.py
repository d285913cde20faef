"""Where a run's time goes. Survives interruptions: seconds add up over all processes that worked on the
run."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping
from typing import Any

PARTS = ("environment", "policy", "update", "evaluation", "saving")


class Clock:
    """Wall and CPU time since the run began, and wall time per part."""

    def __init__(self) -> None:
        self.seconds = dict.fromkeys(PARTS, 0.0)
        self._wall_start, self._cpu_start = time.perf_counter(), time.process_time()
        self._wall_before = self._cpu_before = 0.0

    @property
    def wall(self) -> float:
        return self._wall_before + time.perf_counter() - self._wall_start

    @property
    def cpu(self) -> float:
        return self._cpu_before + time.process_time() - self._cpu_start

    @property
    def training(self) -> float:
        """Wall seconds of training proper: environment, policy and update."""
        return self.seconds["environment"] + self.seconds["policy"] + self.seconds["update"]

    @contextlib.contextmanager
    def part(self, name: str) -> Iterator[None]:
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] += time.perf_counter() - start

    def state_dict(self) -> dict[str, Any]:
        return {"seconds": dict(self.seconds), "wall": self.wall, "cpu": self.cpu}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.seconds.update(state["seconds"])
        self._wall_before, self._cpu_before = state["wall"], state["cpu"]
        self._wall_start, self._cpu_start = time.perf_counter(), time.process_time()
