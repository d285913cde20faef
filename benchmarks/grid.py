"""The same small grid around every algorithm's preset, one factor at a time, and its table.

    python benchmarks/grid.py mappo mat --steps 400k [--env smac:3s5z] [--seeds 1000,1001] [--jobs 1]

Five cells: the preset, and the preset with the other rollout length of 25 and 100, the other number of epochs
of 5 and 10, the other clipping range of 0.2 and 0.1, half the learning rate. Seeds begin at 1000, so that no
reported result is tuned on. What is finished is not run again, what was interrupted goes on; `--table` prints
what there is, as Markdown, and runs nothing.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import click

from marlzoo.bench.matrix import as_name, parse_seeds
from marlzoo.cli.session import count_option
from marlzoo.config import AlgorithmConfig, resolve_algorithm_config
from marlzoo.errors import MarlzooError
from marlzoo.registry import Registry

FIRST_TUNING_SEED = 1000
OTHERS: Mapping[str, tuple[float, float]] = {
    "rollout_length": (25, 100),
    "epochs": (5, 10),
    "clip": (0.2, 0.1),
}
LEARNING_RATES = ("lr", "critic_lr")
POINTS = 8
"""Evaluations per run, beside the one before it."""


@dataclass(frozen=True)
class Cell:
    """One run of the grid."""

    algorithm: str
    setting: str
    overrides: tuple[str, ...]
    seed: int
    path: Path

    def command(self, environment: str, steps: int) -> list[str]:
        """What trains it, or goes on training it."""
        marlzoo = [sys.executable, "-m", "marlzoo"]
        if (self.path / "manifest.json").exists():
            return [*marlzoo, "resume", str(self.path), "--quiet"]
        budget = ["--steps", str(steps), "--eval-interval", str(steps // POINTS), "--seed", str(self.seed)]
        options = [part for text in self.overrides for part in ("-o", text)]
        run = ["run", self.algorithm, "--env", environment, *budget, *options]
        return [*marlzoo, *run, "--out", str(self.path), "--quiet"]

    @property
    def finished(self) -> bool:
        return (self.path / "result.json").exists()


def settings_around(config: AlgorithmConfig) -> dict[str, tuple[str, ...]]:
    """The options of each cell by its name in the table, the preset itself first."""
    values = config.model_dump()
    cells: dict[str, tuple[str, ...]] = {"preset": ()}
    for key, (first, second) in OTHERS.items():
        text = f"{key}={second if values[key] == first else first}"
        cells[text] = (text,)
    halved = tuple(f"{key}={values[key] / 2:g}" for key in LEARNING_RATES if key in values)
    return {**cells, halved[0]: halved}


def grid(
    registry: Registry, algorithms: Sequence[str], environment: str, seeds: Sequence[int], folder: Path
) -> list[Cell]:
    """All cells, seed by seed: a grid that is stopped early has something of every setting."""
    choice = registry.environment(environment)
    around = {
        name: settings_around(resolve_algorithm_config(registry.algorithm(name), choice).config)
        for name in algorithms
    }
    return [
        Cell(name, setting, overrides, seed, folder / as_name(name) / as_name(setting) / str(seed))
        for seed in seeds
        for name, settings in around.items()
        for setting, overrides in settings.items()
    ]


def work(cells: Sequence[Cell], environment: str, steps: int, jobs: int) -> list[Cell]:
    """Run what is not finished, `jobs` at a time; returns the cells that failed.

    When this process is asked to end, so are the runs, which save first.
    """
    todo = [cell for cell in cells if not cell.finished]
    running: dict[Cell, subprocess.Popen[bytes]] = {}
    failed: list[Cell] = []
    try:
        while todo or running:
            while todo and len(running) < jobs:
                cell = todo.pop(0)
                click.echo(f"{cell.algorithm}, {cell.setting}, seed {cell.seed}", err=True)
                # Ctrl-C reaches this process alone: a run that is asked twice to end does not save.
                running[cell] = subprocess.Popen(cell.command(environment, steps), start_new_session=True)
            time.sleep(0.2)
            ended = [cell for cell, process in running.items() if process.poll() is not None]
            failed += [cell for cell in ended if running.pop(cell).returncode != 0]
    finally:
        for process in running.values():
            process.terminate()
        for process in running.values():
            process.wait()
    return failed


@dataclass(frozen=True)
class Curve:
    """What a run's folder tells: greedy scores at each evaluation after the first, and those of the training
    episodes since the one before it, with sampled actions; both in [0, 1]."""

    steps: list[int]
    greedy: list[float]
    sampled: list[float | None]

    def arrival(self, threshold: float) -> int | None:
        """The steps at the first evaluation at `threshold` or above."""
        return next(
            (step for step, score in zip(self.steps, self.greedy, strict=True) if score >= threshold), None
        )


def read_curve(path: Path, metric: str) -> Curve:
    """The curve of a run, finished or not; `metric` is what its score is called among the metrics."""
    evaluations, rows = _lines(path / "evaluations.jsonl"), _lines(path / "metrics.jsonl")
    sampled = [
        _training_mean(rows, metric, before["step"], after["step"]) for before, after in pairwise(evaluations)
    ]
    later = evaluations[1:]
    return Curve([one["step"] for one in later], [one["score"] for one in later], sampled)


def _lines(path: Path) -> list[dict[str, Any]]:
    """The objects of a file that may still be written to: without its last line where that is cut off."""
    if not path.exists():
        return []
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    return [json.loads(line) for line in lines if line.endswith("\n")]


def _training_mean(rows: Sequence[Mapping[str, Any]], metric: str, begin: int, end: int) -> float | None:
    """The mean over the episodes that ended between two steps; None without any."""
    total, episodes, counted = 0.0, 0, 0
    for row in rows:
        new, counted = row["count/episodes"] - counted, row["count/episodes"]
        if begin < row["step"] <= end and f"train/{metric}" in row:
            total, episodes = total + new * row[f"train/{metric}"], episodes + new
    return total / episodes if episodes else None


def table(cells: Sequence[Cell], metric: str, steps: int) -> Iterator[str]:
    """The lines of the table, in percent: `greedy (sampled)` at each evaluation."""
    marks = [f"{steps * point // POINTS // 1000}k" for point in range(1, POINTS + 1)]
    head = ["algorithm", "setting", "seed", *marks, "steps to 50 %", "to 90 %", "best, new episodes", "CPU-s"]
    yield f"| {' | '.join(head)} |"
    yield "|---" * len(head) + "|"
    for cell in sorted(cells, key=lambda cell: cell.algorithm):
        yield f"| {' | '.join(_row(cell, metric, steps))} |"


def _row(cell: Cell, metric: str, steps: int) -> list[str]:
    curve = read_curve(cell.path, metric)
    # An evaluation comes with the first update at or after its mark.
    seen = [step * POINTS // steps for step in curve.steps]
    texts = [f"{_percent(g)} ({_percent(s)})" for g, s in zip(curve.greedy, curve.sampled, strict=True)]
    scores = [texts[seen.index(point)] if point in seen else "-" for point in range(1, POINTS + 1)]
    arrivals = [_thousands(curve.arrival(threshold)) for threshold in (0.5, 0.9)]
    return [cell.algorithm, cell.setting, str(cell.seed), *scores, *arrivals, *_ending(cell)]


def _ending(cell: Cell) -> list[str]:
    if not cell.finished:
        return ["-", "-"]
    result = json.loads((cell.path / "result.json").read_text(encoding="utf-8"))
    best = result.get("absolute")
    return ["-" if best is None else f"{100 * best['score']:.1f}", f"{result['cpu_seconds']:.0f}"]


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.0f}"


def _thousands(steps: int | None) -> str:
    return "-" if steps is None else f"{steps / 1000:.0f}k"


def _end(*_: object) -> None:
    raise SystemExit(130)


@click.command()
@click.argument("algorithms", nargs=-1, required=True)
@click.option("--env", "environment", default="smac:3s5z", show_default=True)
@count_option("--steps", "Environment steps of every run.", default="400k")
@click.option("--seeds", type=parse_seeds, default="1000", show_default=True, help="From 1000 on.")
@click.option("--jobs", type=click.IntRange(min=1), default=1, show_default=True, help="Runs at a time.")
@click.option("--out", type=click.Path(path_type=Path), default=Path("runs/grid"), show_default=True)
@click.option("--table", "only_table", is_flag=True, help="Run nothing; print the table of what there is.")
def main(
    algorithms: tuple[str, ...],
    environment: str,
    steps: int,
    seeds: tuple[int, ...],
    jobs: int,
    out: Path,
    only_table: bool,
) -> None:
    """Run the grid around the presets of ALGORITHMS and print its table."""
    if min(seeds) < FIRST_TUNING_SEED:
        raise click.UsageError(f"seeds below {FIRST_TUNING_SEED} are for results; tune with those above")
    try:
        registry = Registry.load()
        cells = grid(registry, algorithms, environment, seeds, out / as_name(environment) / str(steps))
        metric = registry.environment(environment).score.metric
    except MarlzooError as error:
        raise click.UsageError(str(error)) from error
    signal.signal(signal.SIGTERM, _end)
    failed = [] if only_table else work(cells, environment, steps, jobs)
    click.echo("\n".join(table(cells, metric, steps)))
    for cell in failed:
        click.echo(f"error: {cell.path} did not end well; run this again to go on with it", err=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
