"""What the page's tables and details say, as text ready to be set. All statistics come from `verdict`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from marlzoo.bench.conditions import interference_text
from marlzoo.bench.leaderboard import Run, Section, TaskBoard
from marlzoo.bench.page_charts import (
    Chart,
    Strip,
    curves_chart,
    profile_chart,
    score_range,
    strip,
    strip_axis,
)
from marlzoo.bench.schema import Entry, setting_text
from marlzoo.bench.sentences import (
    beside_texts,
    format_bounds,
    format_interval,
    format_minutes,
    format_score,
    pair_sentence,
    spoken,
    suite_sentence,
)
from marlzoo.bench.statistics import Estimate
from marlzoo.bench.verdict import RANKED_SEEDS, Overall, Pair, Standing, SuitePair

P = TypeVar("P", Pair, SuitePair)

_HASH_DIGITS = 12


@dataclass(frozen=True)
class Sentence:
    """A verdict, and the two algorithms that it is about."""

    text: str
    first: str
    second: str
    shown: bool


@dataclass(frozen=True)
class Row:
    """One algorithm in a table of scores."""

    algorithm: str
    look: int
    rank: str
    score: str
    interval: str
    strip: Strip
    seeds: int
    anchor: str
    """The id of the details about the runs behind the row."""
    interfered: bool = False
    """Whether a plug-in changed global state in some of the runs."""
    threshold: str = ""
    reached: str = ""
    steps_per_second: str = ""
    core_time: str = ""
    wall_time: str = ""
    beside: tuple[str, ...] = ()
    """What has to stand beside the score."""


@dataclass(frozen=True)
class MatrixCell:
    """The probability that the row's algorithm beats the column's; empty on the diagonal."""

    column: str
    value: str = ""
    interval: str = ""
    share: float = 0.5
    sure: bool = False
    """Whether there are enough seeds and the interval leaves out one half."""


@dataclass(frozen=True)
class MatrixRow:
    algorithm: str
    look: int
    cells: tuple[MatrixCell, ...]


@dataclass(frozen=True)
class RunRow:
    """One run behind a number."""

    seed: int
    score: str
    last: str
    steps_per_second: str
    core_time: str
    wall_time: str
    interference: str
    ended: str
    digest: str
    source: str
    manifest: str
    command: str


@dataclass(frozen=True)
class RunDetails:
    """All seeds of one algorithm on one task."""

    anchor: str
    algorithm: str
    look: int
    rows: tuple[RunRow, ...]
    facts: tuple[tuple[str, tuple[str, ...]], ...]
    """What they were made with; several values where seeds differ."""
    settings: tuple[tuple[str, str, str], ...]
    """Key, value and origin of every hyper-parameter."""


@dataclass(frozen=True)
class TaskView:
    anchor: str
    environment: str
    summary: str
    protocol: str
    threshold: str
    score_name: str
    scale: tuple[str, str]
    """What the ends of the rows' strips stand for."""
    ranked: bool
    """Whether any row has a rank."""
    has_beside: bool
    """Whether any row has something that has to stand beside its score."""
    rows: tuple[Row, ...]
    sentences: tuple[Sentence, ...]
    warnings: tuple[str, ...]
    chart: Chart
    details: tuple[RunDetails, ...]
    replay: str


@dataclass(frozen=True)
class SectionView:
    anchor: str
    suite: str
    heading: str
    superseded: bool
    unranked: tuple[str, ...]
    """The algorithms with too few seeds somewhere."""
    left_out: tuple[str, ...]
    several: bool
    """Whether there are several tasks to rank over."""
    ranking: tuple[Row, ...]
    sentences: tuple[Sentence, ...]
    matrix: tuple[MatrixRow, ...]
    profile: Chart | None
    tasks: tuple[TaskView, ...]


def section_view(section: Section, anchor: str, looks: Mapping[str, int]) -> SectionView:
    overall, several = section.overall, len(section.tasks) > 1
    ranking = _ranking(section, overall, anchor, looks) if overall and several else ()
    pairs = overall.pairs if overall and several else []
    views = [
        _task_view(board, f"{anchor}-{index}", looks) for index, board in enumerate(section.tasks, start=1)
    ]
    return SectionView(
        anchor=anchor,
        suite=section.suite,
        heading=section.heading,
        superseded=section.superseded,
        unranked=_unranked(section),
        left_out=section.left_out if several else (),
        several=several,
        ranking=ranking,
        sentences=tuple(
            Sentence(suite_sentence(overall, pair), pair.first, pair.second, pair.shown)
            for pair in _clearest_first(pairs)
            if overall
        ),
        matrix=_matrix(overall, looks) if overall and overall.pairs else (),
        profile=profile_chart(section, looks) if overall else None,
        tasks=tuple(views),
    )


def _clearest_first(pairs: Sequence[P]) -> list[P]:
    """The differences that are shown, then the others; the largest first."""
    return sorted(pairs, key=lambda pair: (not pair.shown, -pair.difference.value))


def _unranked(section: Section) -> tuple[str, ...]:
    few = {
        standing.algorithm
        for board in section.tasks
        for standing in board.task.standings
        if len(standing.seeds) < RANKED_SEEDS
    }
    return tuple(sorted(few))


def _ranking(section: Section, overall: Overall, anchor: str, looks: Mapping[str, int]) -> tuple[Row, ...]:
    ranks, axis = section.ranks(), strip_axis(0, 1)
    means = sorted(overall.interquartile_means.items(), key=lambda item: (-item[1].value, item[0]))
    standings = [standing for board in section.tasks for standing in board.task.standings]
    disturbed = {standing.algorithm for standing in standings if standing.conditions.interfered}
    return tuple(
        Row(
            algorithm=name,
            look=looks[name],
            rank=ranks.get(name, ""),
            score=f"{estimate.value:.3f}",
            interval=format_bounds(estimate, ".3f") or "–",
            strip=strip(estimate, axis),
            seeds=min(len(board.runs[name]) for board in section.tasks),
            anchor=f"{anchor}-1-{looks[name]}",
            interfered=name in disturbed,
        )
        for name, estimate in means
    )


def _matrix(overall: Overall, looks: Mapping[str, int]) -> tuple[MatrixRow, ...]:
    means = overall.interquartile_means
    names = sorted(means, key=lambda name: (-means[name].value, name))
    found = {(pair.first, pair.second): pair for pair in overall.pairs}
    return tuple(
        MatrixRow(row, looks[row], tuple(_matrix_cell(row, column, found) for column in names))
        for row in names
    )


def _matrix_cell(row: str, column: str, pairs: Mapping[tuple[str, str], SuitePair]) -> MatrixCell:
    if row == column:
        return MatrixCell(column)
    pair = pairs.get((row, column)) or pairs[column, row]
    estimate = pair.improvement if pair.first == row else _mirrored(pair.improvement)
    return MatrixCell(
        column,
        value=f"{estimate.value:.2f}",
        interval=format_bounds(estimate, ".2f"),
        share=round(estimate.value, 2),
        sure=pair.ranked and (estimate.low > 0.5 or estimate.high < 0.5),
    )


def _mirrored(improvement: Estimate) -> Estimate:
    """Ties count half, so the two directions of a pair add up to 1."""
    return Estimate(1 - improvement.value, 1 - improvement.high, 1 - improvement.low)


def _task_view(board: TaskBoard, anchor: str, looks: Mapping[str, int]) -> TaskView:
    task = board.task
    low, high = score_range(board)
    entry = next(iter(board.runs.values()))[0].entry
    ranks = board.ranks()
    return TaskView(
        anchor=anchor,
        environment=task.environment,
        summary=f"{entry.agents} agents; {spoken(task.score)} of the {task.basis}",
        protocol=f"{task.backend}; {entry.eval_episodes} episodes every {entry.eval_interval:,} steps",
        threshold=format_score(task.threshold, task.percent),
        score_name=spoken(task.score),
        scale=(format_score(low, task.percent), format_score(high, task.percent)),
        ranked=bool(ranks),
        has_beside=task.has_beside,
        rows=tuple(_task_row(board, one, ranks, anchor, looks) for one in board.standings),
        sentences=tuple(
            Sentence(pair_sentence(task, pair), pair.first, pair.second, pair.shown)
            for pair in _clearest_first(task.pairs)
        ),
        warnings=tuple(task.warnings),
        chart=curves_chart(board, looks),
        details=tuple(_details(board, one, anchor, looks) for one in board.standings),
        replay=_replay(board),
    )


def _task_row(
    board: TaskBoard, standing: Standing, ranks: Mapping[str, str], anchor: str, looks: Mapping[str, int]
) -> Row:
    percent, name, seeds = board.task.percent, standing.algorithm, len(standing.seeds)
    return Row(
        algorithm=name,
        look=looks[name],
        rank=ranks.get(name, ""),
        score=format_score(standing.mean.value, percent),
        interval=format_interval(standing.mean, percent) or "–",
        strip=strip(standing.mean, strip_axis(*score_range(board)), standing.scores),
        seeds=seeds,
        anchor=f"{anchor}-{looks[name]}",
        interfered=bool(standing.conditions.interfered),
        threshold=f"{standing.steps_to_threshold:,.0f}",
        reached=f"{standing.reached}/{seeds}",
        steps_per_second=f"{standing.steps_per_second:,.0f}",
        core_time=format_minutes(standing.cpu_seconds),
        wall_time=format_minutes(standing.wall_seconds),
        beside=beside_texts(board.task, standing),
    )


def _replay(board: TaskBoard) -> str:
    """The replay of the best run that has one."""
    runs = [run for runs in board.runs.values() for run in runs if run.replay]
    return max(runs, key=lambda run: run.entry.final_score).replay if runs else ""


def _details(board: TaskBoard, standing: Standing, anchor: str, looks: Mapping[str, int]) -> RunDetails:
    name = standing.algorithm
    runs = board.runs[name]
    first = runs[0].entry
    return RunDetails(
        anchor=f"{anchor}-{looks[name]}",
        algorithm=name,
        look=looks[name],
        rows=tuple(_run_row(run, board.task.percent) for run in runs),
        facts=_facts(runs),
        settings=tuple(
            (key, setting_text(value), first.origins.get(key, "")) for key, value in first.config.items()
        ),
    )


def _run_row(run: Run, percent: bool) -> RunRow:
    entry = run.entry
    return RunRow(
        seed=entry.seed,
        score=format_score(entry.final_score, percent),
        last=format_score(entry.score, percent),
        steps_per_second=f"{entry.steps_per_second:,.0f}",
        core_time=format_minutes(entry.cpu_seconds),
        wall_time=format_minutes(entry.wall_seconds),
        interference=interference_text(entry.interference),
        ended=entry.ended[:16].replace("T", " "),
        digest=entry.digest()[:_HASH_DIGITS],
        source=run.source,
        manifest=run.manifest,
        command=entry.command,
    )


def _facts(runs: Sequence[Run]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    entries = [run.entry for run in runs]
    rows: list[tuple[str, Iterable[str]]] = [
        ("algorithm", (f"{e.algorithm} ({_made_by(e.algorithm_origin)})" for e in entries)),
        ("environment", (f"{e.environment} ({_made_by(e.environment_origin)})" for e in entries)),
        ("backend", (e.engine for e in entries)),
        ("marlzoo", (e.marlzoo for e in entries)),
        ("settings", (_key_values(e.settings) for e in entries)),
        ("times resumed", (_resumed(e) for e in entries)),
        ("libraries", (_key_values(e.versions) for e in entries)),
        ("processor", (e.processor for e in entries)),
        ("system", (e.system for e in entries)),
    ]
    distinct = [(label, tuple(dict.fromkeys(value for value in values if value))) for label, values in rows]
    return tuple((label, values) for label, values in distinct if values)


def _made_by(origin: Any) -> str:
    return f"{origin.distribution} {origin.version}, files sha256 {origin.sha256[:_HASH_DIGITS]}"


def _resumed(entry: Entry) -> str:
    """Empty for a run that was made in one go."""
    times = (entry.sessions or 1) - 1
    return f"seed {entry.seed}: {times}" if times else ""


def _key_values(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{key} {setting_text(value)}" for key, value in values.items())
