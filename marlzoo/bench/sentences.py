"""The verdict in words. "No difference shown" is a verdict too."""

from __future__ import annotations

import math
from collections.abc import Sequence

from marlzoo.bench.comparison import FINISHED, CellStatus
from marlzoo.bench.statistics import Estimate
from marlzoo.bench.verdict import RANKED_SEEDS, Overall, Pair, Standing, SuitePair, Task, Verdict

UNRANKED = f"Unranked: fewer than {RANKED_SEEDS} seeds."


def verdict_lines(verdict: Verdict, statuses: Sequence[CellStatus]) -> list[str]:
    """The whole verdict as Markdown: a table, sentences per task, all tasks together, what is missing."""
    lines: list[str] = []
    for task in verdict.tasks:
        lines += [*task_lines(task), ""]
    if verdict.overall is not None:
        lines += [f"## All {verdict.overall.tasks} tasks", "", *_overall_lines(verdict.overall), ""]
    return [*lines, *missing_lines(statuses)]


def task_lines(task: Task) -> list[str]:
    heading = f"## {task.environment}: {spoken(task.score)}, {task.steps:,} steps, {task.basis}"
    head = ["algorithm", "mean", "95 % interval", "seeds", "steps to threshold", "core time"]
    if task.has_beside:
        head.append("beside the score")
    table = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    ordered = sorted(task.standings, key=lambda standing: -standing.mean.value)
    table += [_row(task, standing) for standing in ordered]
    note = (
        f"Backend {task.backend}. Threshold: {format_score(task.threshold, task.percent)}; "
        "seeds that did not reach it count with the whole budget."
    )
    pairs = [f"- {pair_sentence(task, pair)}" for pair in task.pairs]
    mind = [f"- Mind: {warning}" for warning in task.warnings]
    return [heading, "", *table, "", note, "", *pairs, *mind]


def _row(task: Task, standing: Standing) -> str:
    mean = standing.mean
    seeds = len(standing.seeds)
    cells = [
        standing.algorithm,
        format_score(mean.value, task.percent),
        format_interval(mean, task.percent) or "-",
        f"{seeds}{' (unranked)' if seeds < RANKED_SEEDS else ''}",
        f"{standing.steps_to_threshold:,.0f} ({standing.reached} of {seeds} seeds reached it)",
        format_minutes(standing.cpu_seconds),
    ]
    if task.has_beside:
        cells.append(", ".join(beside_texts(task, standing)) or "-")
    return f"| {' | '.join(cells)} |"


def beside_texts(task: Task, standing: Standing) -> tuple[str, ...]:
    """`reach 99.0 %` and whatever else has to stand beside the score."""
    return tuple(
        f"{spoken(name)} {format_score(value, task.percent)}" for name, value in standing.beside.items()
    )


def pair_sentence(task: Task, pair: Pair) -> str:
    """Who is better than whom, on what, by how much, how sure, with how many seeds."""
    amount = format_difference(pair.difference.value, task.percent)
    sure = _sureness(pair, task)
    seeds = f"{pair.seeds[0]} and {pair.seeds[1]} seeds"
    unit = spoken(task.score)
    if pair.shown:
        return (
            f"On {task.environment}, {pair.first} is better than {pair.second} by {amount} of {unit} "
            f"({sure}; {seeds})."
        )
    text = f"On {task.environment}, no difference shown between {pair.first} and {pair.second}"
    if pair.difference.value > 0:
        text += f": {pair.first} has {amount} more {unit}"
    return f"{text} ({sure}; {seeds})." + ("" if pair.ranked else f" {UNRANKED}")


def _sureness(pair: Pair, task: Task) -> str:
    rivals = len(task.pairs)
    correction = f" after Holm's correction over {rivals} pairs" if rivals > 1 else ""
    p = f"p = {pair.p_corrected:.2g}{correction}"
    low, high = pair.difference.low, pair.difference.high
    if math.isnan(low):
        return f"no interval from a single seed; {p}"
    bounds = f"{100 * low:.1f} to {100 * high:.1f} points" if task.percent else f"{low:.4g} to {high:.4g}"
    return f"95 % interval {bounds}; {p}"


def _overall_lines(overall: Overall) -> list[str]:
    lines = ["| algorithm | interquartile mean | 95 % interval |", "|---|---|---|"]
    ranking = sorted(overall.interquartile_means.items(), key=lambda item: -item[1].value)
    lines += [f"| {name} | {iqm.value:.3f} | {format_bounds(iqm, '.3f') or '-'} |" for name, iqm in ranking]
    return [*lines, "", *(f"- {suite_sentence(overall, pair)}" for pair in overall.pairs)]


def suite_sentence(overall: Overall, pair: SuitePair) -> str:
    mean, chance = format_bounds(pair.difference, "+.3f"), format_bounds(pair.improvement, ".2f")
    sure = f"simultaneous 95 % intervals over {len(overall.pairs)} pair(s)"
    facts = (
        f"interquartile mean {pair.difference.value:+.3f}{f' ({mean})' if mean else ''}, probability of "
        f"improvement {pair.improvement.value:.2f}{f' ({chance})' if chance else ''}; "
        f"{sure if mean else 'no intervals from a single seed'}"
    )
    if pair.shown:
        return f"Over {overall.tasks} tasks, {pair.first} is better than {pair.second}: {facts}."
    text = f"Over {overall.tasks} tasks, no difference shown between {pair.first} and {pair.second}: {facts}."
    return text if pair.ranked else f"{text} {UNRANKED}"


def missing_lines(statuses: Sequence[CellStatus]) -> list[str]:
    """One line per cell that has no result; nothing stands in for it."""
    lost = [status for status in statuses if status.state != FINISHED]
    if not lost:
        return []
    lines = [f"## Missing: {len(lost)} of {len(statuses)} cells", ""]
    for status in lost:
        error = f": {status.error}" if status.error else ""
        lines.append(f"- {status.cell}: {status.state} at step {status.step:,}{error}")
    return lines


def format_score(value: float, percent: bool) -> str:
    return f"{100 * value:.1f} %" if percent else f"{value:.4g}"


def format_difference(value: float, percent: bool) -> str:
    return f"{100 * value:.1f} points" if percent else f"{value:.4g}"


def format_interval(estimate: Estimate, percent: bool) -> str:
    """The bounds, shares between 0 and 1 cut to what is possible; empty where they are not known."""
    if math.isnan(estimate.low):
        return ""
    low, high = estimate.low, estimate.high
    if percent:
        low, high = max(0.0, low), min(1.0, high)
    return f"{format_score(low, percent)} to {format_score(high, percent)}"


def format_bounds(estimate: Estimate, form: str) -> str:
    """The bounds in the format `form`; empty where they are not known."""
    return "" if math.isnan(estimate.low) else f"{estimate.low:{form}} to {estimate.high:{form}}"


def spoken(name: str) -> str:
    return name.replace("_", " ")


def format_minutes(seconds: float) -> str:
    """A time at a glance: `42 s`, `9.3 min`, `12.5 h`."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.1f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"
