"""The folder of a comparison: the matrix, one run folder per cell, and how each cell stands.

    comparison.json                         the matrix
    cells/<env>/<algorithm>/<seed>/         the run folder of a cell
    cells/<env>/<algorithm>/<seed>.log      what its processes said
    cells/<env>/<algorithm>/<seed>.failure.json    why it failed, if it did
    verdict.json, verdict.md                what came out

How a cell stands is read from its files every time, so that a killed comparison has nothing to lose.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from marlzoo.bench.matrix import Cell, Matrix, as_name
from marlzoo.errors import RunError, UsageError
from marlzoo.run.files import read_json, reported, write_json
from marlzoo.run.folder import RunFolder

WAITING, RUNNING, STOPPED, FINISHED, FAILED = "waiting", "running", "stopped", "finished", "failed"
_TAIL_BYTES = 65_536


@dataclass(frozen=True)
class CellStatus:
    """How a cell stands, by its files. A running cell looks stopped: who started it knows better."""

    cell: Cell
    state: str
    """`waiting`, `stopped` (it has a folder and can go on), `finished` or `failed`."""
    step: int = 0
    score: float | None = None
    """Of the last evaluation."""
    error: str = ""


class Comparison:
    """Paths and contents of one comparison."""

    def __init__(self, path: Path, matrix: Matrix) -> None:
        self.path = path
        self.matrix = matrix

    @classmethod
    def create(cls, path: Path, matrix: Matrix) -> Comparison:
        """Raises `UsageError` when something is there already."""
        if (path / "comparison.json").exists():
            raise UsageError(f"{path} holds a comparison already; give --resume, or another --out")
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            raise UsageError(f"{path} exists and is not an empty folder; give another --out")
        with reported(path, "nothing was started"):
            path.mkdir(parents=True, exist_ok=True)
        write_json(path / "comparison.json", matrix.model_dump(mode="json"))
        return cls(path, matrix)

    @classmethod
    def existing(cls, path: Path) -> Comparison:
        """Raises `UsageError` when `path` is not the folder of a comparison."""
        file = path / "comparison.json"
        if not file.is_file():
            raise UsageError(f"{path} is not a comparison (no comparison.json); give --out of the one meant")
        try:
            return cls(path, Matrix.model_validate(read_json(file)))
        except ValidationError as error:
            first = error.errors()[0]
            raise UsageError(f"{file}: {first['loc']}: {first['msg']}; start a new comparison") from error

    def extend(self, matrix: Matrix) -> None:
        """Go on with a larger matrix. The comparison must be locked."""
        write_json(self.path / "comparison.json", matrix.model_dump(mode="json"))
        self.matrix = matrix

    def folder(self, cell: Cell) -> Path:
        return self.path / "cells" / cell.place

    def log(self, cell: Cell) -> Path:
        return self._beside(cell, ".log")

    def record_failure(self, cell: Cell, error: str) -> None:
        path = self._beside(cell, ".failure.json")
        with reported(path):
            path.parent.mkdir(parents=True, exist_ok=True)
        write_json(path, {"error": error})

    def forgive(self, cell: Cell) -> None:
        """Forget that `cell` failed, so that it is tried again."""
        self._beside(cell, ".failure.json").unlink(missing_ok=True)

    def _beside(self, cell: Cell, suffix: str) -> Path:
        folder = self.folder(cell)
        return folder.with_name(folder.name + suffix)

    def statuses(self) -> list[CellStatus]:
        return [self.status(cell) for cell in self.matrix.cells()]

    def status(self, cell: Cell) -> CellStatus:
        folder = self.folder(cell)
        failure = self._beside(cell, ".failure.json")
        if (folder / "result.json").is_file() and self._status_in_manifest(cell) == FINISHED:
            result = read_json(folder / "result.json")
            # A comparison may have got a larger budget since.
            if result["steps"] >= self.matrix.steps:
                return CellStatus(cell, FINISHED, result["steps"], result["score"])
        last, evaluation = _last_row(folder / "metrics.jsonl"), _last_row(folder / "evaluations.jsonl")
        step, score = max(last.get("step", 0), evaluation.get("step", 0)), evaluation.get("score")
        if failure.is_file():
            return CellStatus(cell, FAILED, step, score, str(read_json(failure).get("error", "")))
        started = (folder / "manifest.json").is_file()
        return CellStatus(cell, STOPPED if started else WAITING, step, score)

    def _status_in_manifest(self, cell: Cell) -> str:
        return str(RunFolder.existing(self.folder(cell)).read_manifest().get("status", ""))

    def in_use(self, cell: Cell) -> bool:
        """Whether a process that outlived an earlier comparison still works on the cell."""
        folder = RunFolder(self.folder(cell))
        if not folder.path.is_dir():
            return False
        try:
            with folder.locked():
                return False
        except RunError:
            return True

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the comparison for this process. Raises `RunError` if another one works on it."""
        with RunFolder(self.path).locked():
            yield


def default_path(root: Path, matrix: Matrix) -> Path:
    """`root/<suite or first environment>-<time>`, a folder that does not exist yet."""
    subject = matrix.suite or "+".join(as_name(environment) for environment in matrix.environments[:1])
    stem = f"{as_name(subject)}-{datetime.now().strftime('%Y%m%d-%H%M%S')}"
    path, attempt = root / stem, 1
    while path.exists():
        attempt += 1
        path = root / f"{stem}-{attempt}"
    return path


def latest(root: Path) -> Path:
    """The comparison below `root` that was begun last. Raises `UsageError` when there is none."""
    found = list(root.glob("*/comparison.json"))
    if not found:
        raise UsageError(f"no comparison below {root}; give --out with the folder of the one to resume")
    return max(found, key=lambda file: (file.stat().st_mtime, file)).parent


def _last_row(path: Path) -> dict[str, Any]:
    """The last whole line of a file of JSON lines that somebody may be writing to; empty if there is none."""
    try:
        with open(path, "rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - _TAIL_BYTES))
            lines = [line for line in file.read().splitlines(keepends=True) if line.endswith(b"\n")]
        row = json.loads(lines[-1]) if lines else {}
    except (OSError, ValueError):
        return {}
    return row if isinstance(row, dict) else {}
