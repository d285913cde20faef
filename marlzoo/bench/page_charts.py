"""The geometry of the page's charts, in units of their view box. The templates draw them as SVG; the script
reads `Chart.hover` to show values.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from marlzoo.bench.leaderboard import Run, Section, TaskBoard
from marlzoo.bench.sentences import format_interval, format_score, spoken
from marlzoo.bench.statistics import Estimate
from marlzoo.bench.verdict import RANKED_SEEDS, Standing

Points = Sequence[tuple[float, float]]

WIDTH, HEIGHT = 400.0, 250.0
_LEFT, _TOP, _BOTTOM = 44.0, 12.0, 34.0
_LETTER = 7.6
"""Width of a letter of a label."""
_LABEL_LETTERS = 20
_LABEL_GAP = 13.0
"""Least distance between two labels."""
_MOST_POINTS = 81
"""A curve with more evaluations is thinned; at this size nobody could tell."""


@dataclass(frozen=True)
class Axis:
    """A straight scale from values to the view box."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)

    def clipped(self, value: float) -> float:
        """The place of `value`, or of the end of the axis that is nearest to it."""
        return self(min(self.high, max(self.low, value)))

    def ticks(self, count: int = 5) -> list[float]:
        """About `count` round numbers along the axis."""
        raw = (self.high - self.low) / count
        unit = 10 ** math.floor(math.log10(raw))
        step = next(factor * unit for factor in (1, 2, 2.5, 5, 10) if raw <= factor * unit * 1.0001)
        first = math.ceil(self.low / step - 1e-9)
        return [index * step for index in range(first, math.floor(self.high / step + 1e-9) + 1)]


@dataclass(frozen=True)
class Tick:
    place: float
    label: str


@dataclass(frozen=True)
class Line:
    """One algorithm in a chart."""

    algorithm: str
    look: int
    """Which of the page's colours and dashes."""
    path: str
    band: str
    seeds: tuple[str, ...]
    label: str
    label_y: float


@dataclass(frozen=True)
class Chart:
    title: str
    """For those who do not see it: what is drawn, and what comes out."""
    x_name: str
    y_name: str
    right: float
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    lines: tuple[Line, ...]
    hover: Mapping[str, Any]
    """Places and texts for the crosshair."""
    width: float = field(default=WIDTH, init=False)
    height: float = field(default=HEIGHT, init=False)
    left: float = field(default=_LEFT, init=False)
    top: float = field(default=_TOP, init=False)
    bottom: float = field(default=HEIGHT - _BOTTOM, init=False)


@dataclass(frozen=True)
class Strip:
    """An interval on a common scale, drawn within a row of a table; `seeds` are dots."""

    value: float
    low: float
    high: float
    known: bool
    """Whether there is an interval."""
    seeds: tuple[float, ...]


STRIP_WIDTH = 132.0


def curves_chart(board: TaskBoard, looks: Mapping[str, int]) -> Chart:
    """Mean score over steps with a 95 % band, and each of a few seeds as a thin line."""
    task = board.task
    right = _right([standing.algorithm for standing in board.standings])
    x = Axis(0, task.steps, _LEFT, right)
    y = _score_axis(board)
    means = [[(float(step), e.value) for step, e in standing.curve] for standing in board.standings]
    ends = _label_places([y.clipped(points[-1][1]) for points in means])
    lines = tuple(
        Line(
            algorithm=standing.algorithm,
            look=looks[standing.algorithm],
            path=_path(points, x, y),
            band=_band(standing, x, y),
            seeds=_seed_paths(board.runs[standing.algorithm], x, y),
            label=_short(standing.algorithm),
            label_y=end,
        )
        for standing, points, end in zip(board.standings, means, ends, strict=True)
    )
    return Chart(
        title=_curves_title(board),
        x_name="environment steps",
        y_name=spoken(task.score),
        right=right,
        x_ticks=tuple(Tick(round(x(step), 1), format_steps(step)) for step in x.ticks(4)),
        y_ticks=tuple(Tick(round(y(v), 1), _tick(v, task.percent)) for v in y.ticks(4)),
        lines=lines,
        hover=_curves_hover(board, looks, x, y),
    )


def profile_chart(section: Section, looks: Mapping[str, int]) -> Chart:
    """The share of runs that reach each normalised score."""
    assert section.overall is not None
    profiles = section.overall.profiles
    names = sorted(profiles, key=lambda name: (-_area(profiles[name]), name))
    right = _right(names)
    x, y = Axis(0, 1, _LEFT, right), Axis(0, 1, HEIGHT - _BOTTOM, _TOP)
    starts = _label_places([y(profiles[name][-1][1]) for name in names])
    lines = tuple(
        Line(name, looks[name], _steps_path(profiles[name], x, y), "", (), _short(name), start)
        for name, start in zip(names, starts, strict=True)
    )
    levels = [level for level, _ in profiles[names[0]]]
    series = [
        {
            "name": name,
            "look": looks[name],
            "y": [round(y(share), 1) for _, share in profiles[name]],
            "text": [f"{100 * share:.0f} %" for _, share in profiles[name]],
        }
        for name in names
    ]
    return Chart(
        title="Performance profile: share of runs that score at least each normalised score. "
        + "; ".join(
            f"{name}: half of the range or more in {_share_at_half(profiles[name])}" for name in names
        ),
        x_name="normalised score",
        y_name="share of runs with at least this score",
        right=right,
        x_ticks=tuple(Tick(round(x(value), 1), f"{value:g}") for value in x.ticks(5)),
        y_ticks=tuple(Tick(round(y(value), 1), _tick(value, True)) for value in y.ticks(4)),
        lines=lines,
        hover={
            "x": [round(x(level), 1) for level in levels],
            "at": [f"normalised score {level:.2f} or more" for level in levels],
            "series": series,
        },
    )


def strip(estimate: Estimate, axis: Axis, seeds: Sequence[float] = ()) -> Strip:
    known = not math.isnan(estimate.low)
    low, high = (estimate.low, estimate.high) if known else (estimate.value, estimate.value)
    return Strip(
        value=round(axis.clipped(estimate.value), 1),
        low=round(axis.clipped(low), 1),
        high=round(axis.clipped(high), 1),
        known=known,
        seeds=tuple(round(axis.clipped(score), 1) for score in seeds),
    )


def strip_axis(low: float, high: float) -> Axis:
    return Axis(low, high, 4, STRIP_WIDTH - 4)


def score_range(board: TaskBoard) -> tuple[float, float]:
    """What an axis of the task's scores has to show: the bounds of a share, else what there is."""
    if board.task.percent:
        return board.scale.bounds
    seen = [score for standing in board.task.standings for score in standing.scores]
    seen += [point.score for runs in board.runs.values() for run in runs for point in run.entry.curve]
    low, high = min(seen), max(seen)
    margin = 0.05 * (high - low) or 0.05 * abs(high) or 1.0
    return low - margin, high + margin


def format_steps(step: float) -> str:
    for unit, suffix in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if step >= unit:
            return f"{step / unit:.4g}{suffix}"
    return f"{step:.0f}"


def thinned(points: Sequence[Any], most: int = _MOST_POINTS) -> list[Any]:
    """Every k-th of `points`, so that at most `most` remain, the first and the last among them."""
    stride = max(1, math.ceil((len(points) - 1) / (most - 1)))
    kept = list(points[::stride])
    return kept if (len(points) - 1) % stride == 0 else [*kept, points[-1]]


def _score_axis(board: TaskBoard) -> Axis:
    return Axis(*score_range(board), HEIGHT - _BOTTOM, _TOP)


def _right(labels: Sequence[str]) -> float:
    """Where the plot ends so that the labels find room."""
    return WIDTH - 12 - _LETTER * max(len(_short(label)) for label in labels)


def _short(label: str) -> str:
    return label if len(label) <= _LABEL_LETTERS else f"{label[: _LABEL_LETTERS - 1]}…"


def _tick(value: float, percent: bool) -> str:
    return f"{100 * value:.0f} %" if percent else f"{value:,.6g}"


def _seed_paths(runs: Sequence[Run], x: Axis, y: Axis) -> tuple[str, ...]:
    """None for many seeds: they would hide the means, and their band says enough."""
    return tuple(_path(_curve(run), x, y) for run in runs) if len(runs) <= RANKED_SEEDS else ()


def _curve(run: Run) -> list[tuple[float, float]]:
    return [(float(point.step), point.score) for point in run.entry.curve]


def _path(points: Points, x: Axis, y: Axis) -> str:
    """A broken line. A run may end a rollout beyond its budget; the plot ends at the budget."""
    places = [f"{x.clipped(step):.1f} {y.clipped(value):.1f}" for step, value in thinned(points)]
    return "M" + "L".join(places)


def _steps_path(points: Points, x: Axis, y: Axis) -> str:
    """A staircase: the share holds up to each level."""
    path = f"M{x(points[0][0]):.1f} {y(points[0][1]):.1f}"
    for level, share in points[1:]:
        path += f"V{y(share):.1f}H{x(level):.1f}"
    return path


def _band(standing: Standing, x: Axis, y: Axis) -> str:
    """The outline of the intervals; empty for a single seed, which has none."""
    curve = thinned(standing.curve)
    if any(math.isnan(estimate.low) for _, estimate in curve):
        return ""
    upper = [f"{x.clipped(step):.1f} {y.clipped(estimate.high):.1f}" for step, estimate in curve]
    lower = [f"{x.clipped(step):.1f} {y.clipped(estimate.low):.1f}" for step, estimate in reversed(curve)]
    return "M" + "L".join([*upper, *lower]) + "Z"


def _label_places(wanted: Sequence[float]) -> list[float]:
    """Heights near the `wanted` ones that keep labels apart and inside the plot."""
    order = sorted(range(len(wanted)), key=lambda index: (wanted[index], index))
    places = [0.0] * len(wanted)
    next_free = _TOP
    for index in order:
        places[index] = max(wanted[index], next_free)
        next_free = places[index] + _LABEL_GAP
    limit = HEIGHT - _BOTTOM
    for index in reversed(order):
        places[index] = round(min(places[index], limit), 1)
        limit = places[index] - _LABEL_GAP
    return places


def _curves_title(board: TaskBoard) -> str:
    finals = [
        f"{standing.algorithm} {format_score(standing.curve[-1][1].value, board.task.percent)}"
        for standing in board.standings
    ]
    name = spoken(board.task.score)
    return f"Learning curves on {board.task.environment}: {name} at the last evaluation: {', '.join(finals)}"


def _curves_hover(board: TaskBoard, looks: Mapping[str, int], x: Axis, y: Axis) -> dict[str, Any]:
    """For each step of the longest curve, the value of each algorithm at its nearest evaluation."""
    grid = [step for step, _ in thinned(max((one.curve for one in board.task.standings), key=len))]
    return {
        "x": [round(x.clipped(step), 1) for step in grid],
        "at": [f"step {step:,}" for step in grid],
        "series": [
            _hover_series(standing, looks[standing.algorithm], grid, y, board.task.percent)
            for standing in board.standings
        ],
    }


def _hover_series(
    standing: Standing, look: int, grid: Sequence[int], y: Axis, percent: bool
) -> dict[str, Any]:
    steps = np.array([step for step, _ in standing.curve])
    nearest = [standing.curve[int(np.abs(steps - step).argmin())][1] for step in grid]
    return {
        "name": standing.algorithm,
        "look": look,
        "y": [round(y.clipped(estimate.value), 1) for estimate in nearest],
        "text": [_with_interval(estimate, percent) for estimate in nearest],
    }


def _with_interval(estimate: Estimate, percent: bool) -> str:
    bounds = format_interval(estimate, percent)
    return format_score(estimate.value, percent) + (f" ({bounds})" if bounds else "")


def _area(profile: Points) -> float:
    return sum(share for _, share in profile)


def _share_at_half(profile: Points) -> str:
    share = next(share for level, share in profile if level >= 0.5)
    return f"{100 * share:.0f} % of runs"
