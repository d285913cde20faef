"""Showing a run: a live display on a terminal, one line per evaluation elsewhere."""

from __future__ import annotations

import shlex
import time
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from marlzoo.run.evaluation import Evaluation
from marlzoo.run.listener import Listener
from marlzoo.run.record import RunInfo
from marlzoo.run.trainer import Trainer
from marlzoo.specs import Score
from marlzoo.wording import counted

_PARTS = ("environment", "policy", "update")
_WINDOW_SECONDS = 20.0
_SHOWN_EVALUATIONS = 5
_WIDTHS = {"step": 10, "return": 6, "length": 4}


def make_progress(console: Console, *, quiet: bool) -> Listener:
    """The display that suits `console`."""
    if quiet:
        return Listener()
    return LiveProgress(console) if console.is_terminal else LineProgress(console)


def format_score(value: float, score: Score) -> str:
    return f"{100 * value:.1f} %" if score.percent else f"{value:.4g}"


def format_duration(seconds: float) -> str:
    """`0:42`, `12:03` or `3:07:00`."""
    minutes, rest = divmod(max(0, round(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def format_count(value: float) -> str:
    """Three digits and a suffix: `987`, `1.02k`, `31.4k`."""
    for suffix, unit in (("M", 1e6), ("k", 1e3)):
        if value >= unit:
            digits = f"{value / unit:.3g}" if value < 1000 * unit else f"{value / unit:.0f}"
            return digits + suffix
    return f"{value:.0f}"


class Speed:
    """Steps per second over the last seconds, whole and per part."""

    def __init__(self) -> None:
        self._samples: deque[tuple[float, int, dict[str, float]]] = deque()

    def add(self, trainer: Trainer) -> None:
        now = time.monotonic()
        if self._samples and now - self._samples[-1][0] < _WINDOW_SECONDS / 20:
            return
        self._samples.append((now, trainer.counters.step, dict(trainer.clock.seconds)))
        while now - self._samples[0][0] > _WINDOW_SECONDS and len(self._samples) > 2:
            self._samples.popleft()

    def rates(self) -> dict[str, float]:
        """Steps per second of wall time (`total`), of training, and of each part of it; empty at first."""
        if len(self._samples) < 2:
            return {}
        (start, first, before), (end, last, after) = self._samples[0], self._samples[-1]
        steps = last - first
        seconds = {part: after[part] - before[part] for part in _PARTS}
        seconds |= {"training": sum(seconds.values()), "total": end - start}
        return {part: steps / spent for part, spent in seconds.items() if spent > 0}


class LineProgress(Listener):
    """Plain lines, for logs and pipes."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._trainer: Trainer | None = None
        self._speed = Speed()

    def _say(self, text: str) -> None:
        self._console.print(text, highlight=False, markup=False, soft_wrap=True)

    def phase(self, text: str) -> None:
        self._say(f"{text} ...")

    def note(self, text: str) -> None:
        self._say(f"note: {text}")

    def started(self, run: RunInfo, trainer: Trainer) -> None:
        self._trainer = trainer
        self._say(banner(run))

    def tick(self, trainer: Trainer) -> None:
        self._speed.add(trainer)

    def evaluated(self, run: RunInfo, evaluation: Evaluation) -> None:
        rates = self._speed.rates()
        cells = [
            f"{name} {value:>{_WIDTHS.get(name, 7)}}"
            for name, value in evaluation_fields(evaluation, run.score).items()
        ]
        cells += rate_cells(rates)
        remaining = time_left(self._trainer, run, rates)
        self._say("  ".join([*cells, f"{remaining} left"] if remaining else cells))

    def ended(self, run: RunInfo, outcome: str, result: dict[str, Any] | None) -> None:
        for line in closing_lines(run, outcome, result):
            self._say(line)


class LiveProgress(Listener):
    """A display that is redrawn in place."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live: Live | None = None
        self._run: RunInfo | None = None
        self._trainer: Trainer | None = None
        self._speed = Speed()
        self._evaluations: deque[Evaluation] = deque(maxlen=_SHOWN_EVALUATIONS)
        self._training: dict[str, float] = {}
        self._phase = ""

    def phase(self, text: str) -> None:
        self._phase = text
        if self._live is None:
            self._console.print(f"{text} ...", style="dim", highlight=False, markup=False)

    def note(self, text: str) -> None:
        self._console.print(f"note: {text}", style="yellow", highlight=False, markup=False)

    def started(self, run: RunInfo, trainer: Trainer) -> None:
        self._run, self._trainer, self._phase = run, trainer, "training"
        self._console.print(Panel(Text(banner(run)), border_style="dim", expand=False))
        self._live = Live(console=self._console, get_renderable=self._render, refresh_per_second=4)
        self._live.start()

    def tick(self, trainer: Trainer) -> None:
        self._speed.add(trainer)

    def metrics(self, run: RunInfo, step: int, values: Mapping[str, float]) -> None:
        self._training.update({key: value for key, value in values.items() if key.startswith("train/")})

    def evaluated(self, run: RunInfo, evaluation: Evaluation) -> None:
        self._evaluations.append(evaluation)

    def ended(self, run: RunInfo, outcome: str, result: dict[str, Any] | None) -> None:
        if self._live is not None:
            self._phase = "training"
            self._live.stop()
        for line in closing_lines(run, outcome, result):
            self._console.print(line, highlight=False, markup=False, soft_wrap=True)

    def _render(self) -> RenderableType:
        if self._run is None or self._trainer is None:
            return Text(self._phase)
        return Group(
            self._progress_row(self._run, self._trainer),
            self._speed_row(),
            *self._training_row(),
            self._table(),
        )

    def _progress_row(self, run: RunInfo, trainer: Trainer) -> RenderableType:
        step = trainer.counters.step
        row = Table.grid(padding=(0, 1))
        left = time_left(trainer, run, self._speed.rates())
        text = f"{step:,} of {run.steps:,} steps" + (f"  {left} left" if left else "")
        if self._phase != "training":
            text = f"{self._phase} ..."
        row.add_row(ProgressBar(total=run.steps, completed=min(step, run.steps), width=24), Text(text))
        return row

    def _speed_row(self) -> RenderableType:
        return Text("  ".join(rate_cells(self._speed.rates())) or "measuring speed ...", style="dim")

    def _training_row(self) -> list[RenderableType]:
        if self._run is None or "train/return" not in self._training:
            return []
        cells = [f"training episodes: return {self._training['train/return']:.4g}"]
        score = self._run.score
        if f"train/{score.metric}" in self._training and score.metric != "return":
            cells.append(f"{_spoken(score)} {format_score(self._training[f'train/{score.metric}'], score)}")
        cells.append(f"length {self._training['train/length']:.0f}")
        return [Text("  ".join(cells), style="dim")]

    def _table(self) -> RenderableType:
        if self._run is None or not self._evaluations:
            return Text("first evaluation ...")
        table = Table(box=None, padding=(0, 2, 0, 0))
        rows = [evaluation_fields(one, self._run.score) for one in list(self._evaluations)]
        for heading in rows[0]:
            table.add_column("evaluated at step" if heading == "step" else heading, justify="right")
        for row in rows:
            table.add_row(*row.values())
        return table


def banner(run: RunInfo) -> str:
    """Who plays what: algorithm, environment, backend, seed, budget and folder."""
    return (
        f"{run.algorithm} on {run.environment}  (backend: {run.backend})\n"
        f"seed {run.seed}, {run.steps:,} steps, {run.path}"
    )


def evaluation_fields(evaluation: Evaluation, score: Score) -> dict[str, str]:
    """What is shown of an evaluation, by heading; the return only where it is not the score itself."""
    fields = {
        "step": f"{evaluation.step:,}",
        _spoken(score): format_score(evaluation.score, score),
        **{
            name.replace("_", " "): format_score(evaluation.metrics[name], score)
            for name in score.beside
            if name in evaluation.metrics
        },
        "return": f"{evaluation.mean_return:.4g}",
        "length": f"{evaluation.mean_length:.0f}",
    }
    if score.metric == "return" and score.name != "return":
        del fields["return"]
    return fields


def rate_cells(rates: Mapping[str, float]) -> list[str]:
    """`1.02k steps/s (environment 31k, policy 9.1k, update 1.2k)`, or nothing at first."""
    if "training" not in rates:
        return []
    parts = ", ".join(f"{part} {format_count(rates[part])}" for part in _PARTS if part in rates)
    return [f"{format_count(rates['training'])} steps/s ({parts})"]


def time_left(trainer: Trainer | None, run: RunInfo, rates: Mapping[str, float]) -> str:
    if trainer is None or not rates.get("total"):
        return ""
    return format_duration(max(0, run.steps - trainer.counters.step) / rates["total"])


def closing_lines(run: RunInfo, outcome: str, result: Mapping[str, Any] | None) -> list[str]:
    """The score, where the run lies, and how to continue it."""
    folder = shlex.quote(str(_shown(run.path)))
    lines = []
    if result is not None:
        lines.append(
            f"finished: {_spoken(run.score)} {format_score(result['score'], run.score)}{_best(run, result)}"
        )
        lines.append(f"run: {folder}")
        lines.append(f"continue: marlzoo resume {folder} --steps {2 * run.steps}")
        lines.append(f"evaluate: marlzoo evaluate {folder}")
    elif outcome == "interrupted":
        lines.append(f"interrupted; continue with: marlzoo resume {folder}")
    return lines


def _best(run: RunInfo, result: Mapping[str, Any]) -> str:
    absolute = result["absolute"]
    if absolute is None:
        return ""
    low, high = (format_score(bound, run.score) for bound in absolute["interval"])
    return (
        f"; best policy (step {absolute['step']:,}) on {counted(absolute['episodes'], 'new episode')}: "
        f"{format_score(absolute['score'], run.score)} ({low} to {high})"
    )


def _spoken(score: Score) -> str:
    return score.name.replace("_", " ")


def _shown(path: Path) -> Path:
    """Relative to the working folder where that is shorter to type."""
    try:
        return path.resolve().relative_to(Path.cwd())
    except ValueError:
        return path
