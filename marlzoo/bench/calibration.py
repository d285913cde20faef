"""What a comparison will take, from running every pair of algorithm and environment for some seconds."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from marlzoo.bench.comparison import Comparison
from marlzoo.bench.executors import cell_command, start_process
from marlzoo.bench.matrix import Cell, Matrix
from marlzoo.run.files import read_json, read_rows
from marlzoo.run.settings import RunSettings

_POLL_SECONDS = 0.1
_LONGEST_SECONDS = 300.0
"""For imports, compilation, the first evaluation and the first update, all of it slow on a busy machine."""
_TRAINING = tuple(f"time/{part}_seconds" for part in ("environment", "policy", "update"))


@dataclass(frozen=True)
class Cost:
    """What one run takes. NaN-free: a pair that could not be run has an error instead."""

    algorithm: str
    environment: str
    seconds: float = 0.0
    """Training and evaluation, at the speed that was measured."""
    steps_per_second: float = 0.0
    core_share: float = 1.0
    """Processor time over wall time meanwhile. Little of it means that the run waited: for a busy machine,
    which makes `seconds` too long, or for another process."""
    bytes: int = 0
    error: str = ""


def measure_costs(matrix: Matrix, seconds: float, stop: Callable[[], bool] = lambda: False) -> list[Cost]:
    """One cost per pair, each from a run that is stopped after about `seconds` of training.

    Pairs run one after the other; on a busy machine they come out slower than they are.
    """
    pairs = [
        (algorithm, environment) for environment in matrix.environments for algorithm in matrix.algorithms
    ]
    return [_measure(matrix, Cell(*pair, matrix.seeds[0]), seconds, stop) for pair in pairs if not stop()]


def _measure(matrix: Matrix, cell: Cell, seconds: float, stop: Callable[[], bool]) -> Cost:
    with tempfile.TemporaryDirectory(prefix="marlzoo-calibration-") as place:
        comparison = Comparison(Path(place), matrix)
        with open(Path(place) / "log", "wb+") as log:
            process = start_process(cell_command(comparison, cell), log.fileno())
            try:
                _wait(comparison.folder(cell), seconds, lambda: stop() or process.poll() is not None)
                process.terminate()
                process.wait()
            finally:
                process.kill()
                process.wait()
            log.seek(0)
            said = log.read().decode(errors="replace")
        errors = [line for line in said.splitlines() if line.startswith("error: ")]
        if errors:
            return Cost(cell.algorithm, cell.environment, error=errors[-1].removeprefix("error: "))
        return _cost(cell, matrix, comparison.folder(cell))


def _wait(folder: Path, seconds: float, ended: Callable[[], bool]) -> None:
    """Until `seconds` have passed since the first row of metrics, or it ended, or all patience did."""
    begin, first = time.monotonic(), None
    while not ended() and time.monotonic() - begin < _LONGEST_SECONDS + seconds:
        if first is None and len(read_rows(folder / "metrics.jsonl")) > 0:
            first = time.monotonic()
        if first is not None and time.monotonic() - first >= seconds:
            return
        time.sleep(_POLL_SECONDS)


def _cost(cell: Cell, matrix: Matrix, folder: Path) -> Cost:
    settings = matrix.run_settings()
    rows, evaluations = read_rows(folder / "metrics.jsonl"), read_rows(folder / "evaluations.jsonl")
    manifest = read_json(folder / "manifest.json") if (folder / "manifest.json").is_file() else {}
    rate = _rate(rows, manifest)
    if not rate or not evaluations:
        reason = _reason(bool(manifest), bool(evaluations), settings.eval_episodes)
        return Cost(cell.algorithm, cell.environment, error=reason)
    number = settings.steps // (settings.eval_interval or settings.steps) + 1
    episodes = number * settings.eval_episodes + settings.absolute_episodes
    per_episode = evaluations[-1]["wall_seconds"] / settings.eval_episodes
    return Cost(
        cell.algorithm,
        cell.environment,
        seconds=settings.steps / rate + episodes * per_episode,
        steps_per_second=rate,
        core_share=_core_share(manifest),
        bytes=_size(folder, settings, len(rows), len(evaluations), number),
    )


def _reason(started: bool, evaluated: bool, episodes: int) -> str:
    """Why there is nothing to go by."""
    patience = f"{_LONGEST_SECONDS:.0f} s"
    if not started:
        return f"not ready to start within {patience}; try again on a less busy machine"
    if not evaluated:
        return f"its first evaluation of {episodes} episodes takes more than {patience}; give --eval-episodes"
    return f"no update within {patience}; try again on a less busy machine"


def _rate(rows: list[dict[str, Any]], manifest: dict[str, Any]) -> float:
    """Steps per second of training, without what is slow the first time."""
    if len(rows) > 1:
        first, last = rows[0], rows[-1]
        spent = sum(last[part] - first[part] for part in _TRAINING)
        if spent > 0:
            return float(last["step"] - first["step"]) / spent
    return float(manifest["step"]) / manifest["wall_seconds"] if manifest.get("wall_seconds") else 0.0


def _core_share(manifest: dict[str, Any]) -> float:
    wall = float(manifest["wall_seconds"])
    return min(1.0, float(manifest["cpu_seconds"]) / wall) if wall else 1.0


def _size(folder: Path, settings: RunSettings, rows: int, evaluations: int, number: int) -> int:
    """Checkpoints that are kept, and files that grow with the run."""
    checkpoints = [path.stat().st_size for path in folder.glob("checkpoints/*.pt")]
    metrics = (
        _bytes(folder / "metrics.jsonl") * settings.steps // (settings.log_interval or 1) // max(1, rows)
    )
    scores = _bytes(folder / "evaluations.jsonl") * number // max(1, evaluations)
    return settings.keep_checkpoints * max(checkpoints, default=0) + metrics + scores


def _bytes(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
