"""A plug-in in one file with a sink that fails where a test wants it to, and one that would be everywhere."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from marlzoo import hookimpl
from marlzoo.run.evaluation import Evaluation
from marlzoo.run.sinks import Sink
from marlzoo.specs import SinkSpec

MARLZOO_API = 1


def _raise(error: BaseException) -> Any:
    raise error


DEEDS: dict[str, Callable[[], Any]] = {
    "nothing": lambda: None,
    "full disk": lambda: _raise(OSError("no space left")),
    "exit": lambda: _raise(SystemExit(3)),
    "cancel": lambda: _raise(asyncio.CancelledError()),
    "global state": lambda: np.random.rand(),  # noqa: NPY002 (the point of it)
}
plan: dict[str, str] = {}
"""What the sink does on which call: `{"metrics": "full disk"}`; tests set it."""


class Faulty(Sink):
    """Writes the steps that it hears of to `faulty.txt`."""

    def __init__(self, run_dir: Path) -> None:
        _do("open")
        self._path = run_dir / "faulty.txt"
        self._lines: list[str] = self._path.read_text().splitlines() if self._path.exists() else []

    def metrics(self, step: int, values: Mapping[str, float]) -> None:
        _do("metrics")
        self._write(f"metrics {step}")
        if isinstance(values, dict):
            values.clear()

    def evaluation(self, evaluation: Evaluation) -> None:
        _do("evaluation")
        self._write(f"evaluation {evaluation.step}")

    def position(self) -> Any:
        if plan.get("position") == "unfit answer":
            return {"file": self._path}
        _do("position")
        return {"lines": len(self._lines)}

    def rewind(self, position: Mapping[str, int], step: int) -> None:
        _do("rewind")
        self._lines = self._lines[: position.get("lines", 0)]

    def close(self) -> None:
        _do("close")

    def _write(self, line: str) -> None:
        self._lines.append(line)
        self._path.write_text("\n".join(self._lines))


def _do(call: str) -> None:
    DEEDS[plan.get(call, "nothing")]()


@hookimpl
def marlzoo_sinks() -> list[SinkSpec]:
    return [
        SinkSpec("faulty", "sink_zoo:Faulty", "Fails on demand"),
        SinkSpec("pushy", "sink_zoo:Faulty", "Wants to be told of every run", default=True),
    ]
