"""From the folder of a comparison to its verdict, on disk and in words."""

from __future__ import annotations

from typing import Any

from marlzoo.bench.comparison import FINISHED, Comparison
from marlzoo.bench.matrix import FIRST_LOOK
from marlzoo.bench.sentences import verdict_lines
from marlzoo.bench.store import Entry, entry_from_run
from marlzoo.bench.verdict import Scale, Verdict, judge
from marlzoo.registry import Registry
from marlzoo.run.files import replace_file, reported, write_json

_FIRST_LOOK_NOTE = "A first look: too short and too few seeds for a ranking. This result is unranked."


def conclude(
    registry: Registry, comparison: Comparison, threshold: float
) -> tuple[dict[str, Any], list[str]]:
    """Judge the finished cells; write `verdict.json` and `verdict.md`, and return their contents."""
    statuses = comparison.statuses()
    results = finished_entries(comparison)
    scales = {entry.environment: scale_of(registry, entry.environment) for _, entry in results}
    verdict = judge(results, scales, threshold) if results else Verdict([], None)
    lines = [f"# {comparison.path.name}", "", *verdict_lines(verdict, statuses)]
    if comparison.matrix.suite == FIRST_LOOK:
        lines[2:2] = [_FIRST_LOOK_NOTE, ""]
    missing = [
        {**vars(status.cell), "state": status.state, "step": status.step, "error": status.error}
        for status in statuses
        if status.state != FINISHED
    ]
    document = {
        "format": 1,
        "suite": comparison.matrix.suite,
        "cells": len(statuses),
        "missing": missing,
        **verdict.to_json(),
        "sentences": [line.removeprefix("- ") for line in lines if line.startswith("- ")],
    }
    write_json(comparison.path / "verdict.json", document)
    text = comparison.path / "verdict.md"
    with reported(text):
        replace_file(text, ("\n".join(lines).rstrip() + "\n").encode())
    return document, lines


def finished_entries(comparison: Comparison) -> list[tuple[str, Entry]]:
    """The algorithm's name and the entry of every finished cell."""
    finished = [status.cell for status in comparison.statuses() if status.state == FINISHED]
    return [(cell.algorithm, entry_from_run(comparison.folder(cell))) for cell in finished]


def scale_of(registry: Registry, environment: str) -> Scale:
    """The score of an environment with its bounds, which the environment's spec fixes."""
    choice = registry.environment(environment)
    return Scale(choice.score, choice.score.task_bounds.get(choice.task, choice.score.bounds))
