"""From the folder of a comparison to its verdict, on disk and in words."""

from __future__ import annotations

from typing import Any

from marlzoo.bench.comparison import FINISHED, Comparison
from marlzoo.bench.matrix import FIRST_LOOK, Cell
from marlzoo.bench.sentences import verdict_lines
from marlzoo.bench.store import Entry, entry_from_run
from marlzoo.bench.verdict import Scale, Verdict, judge
from marlzoo.registry import Registry
from marlzoo.run.files import replace_file, reported, write_json
from marlzoo.run.folder import RunFolder

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
    lines[2:2] = [line for note in _notes(comparison) for line in (note, "")]
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
        "overrides": list(comparison.matrix.overrides),
        **verdict.to_json(),
        "sentences": [line.removeprefix("- ") for line in lines if line.startswith("- ")],
    }
    write_json(comparison.path / "verdict.json", document)
    text = comparison.path / "verdict.md"
    with reported(text):
        replace_file(text, ("\n".join(lines).rstrip() + "\n").encode())
    return document, lines


def _notes(comparison: Comparison) -> list[str]:
    """What a reader has to know before the numbers."""
    matrix, notes = comparison.matrix, []
    if matrix.suite == FIRST_LOOK:
        notes.append(_FIRST_LOOK_NOTE)
    if matrix.overrides:
        notes.append(f"Hyper-parameters set by hand: {', '.join(matrix.overrides)}.")
    extended = sum(
        bool(RunFolder(comparison.folder(cell)).read_manifest().get("extensions"))
        for cell in _finished(comparison)
    )
    if extended:
        notes.append(
            f"{extended} run(s) were begun with a smaller budget: until then they had its schedules."
        )
    return notes


def _finished(comparison: Comparison) -> list[Cell]:
    return [status.cell for status in comparison.statuses() if status.state == FINISHED]


def finished_entries(comparison: Comparison) -> list[tuple[str, Entry]]:
    """The algorithm's name and the entry of every finished cell."""
    return [(cell.algorithm, entry_from_run(comparison.folder(cell))) for cell in _finished(comparison)]


def scale_of(registry: Registry, environment: str) -> Scale:
    """The score of an environment with its bounds, which the environment's spec fixes."""
    choice = registry.environment(environment)
    return Scale(choice.score, choice.score.task_bounds.get(choice.task, choice.score.bounds))
