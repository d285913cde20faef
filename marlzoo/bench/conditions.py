"""Under what conditions the runs behind a number were made: what a reader has to mind before believing it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from marlzoo.bench.schema import Entry

_WHOLE_CORE = 0.9
"""Runs that computed for less of their time were kept waiting."""


@dataclass(frozen=True)
class Conditions:
    """How the seeds of one algorithm on one task were made."""

    makes: int
    """How many versions of code and settings they were made with; one, or they do not belong together."""
    interfered: list[int]
    """The seeds in whose process a plug-in changed global state."""
    interference: dict[str, int]
    """What it changed, and how often, over these seeds. Each time it was put back."""
    core_share: float
    """Processor time over wall time and threads. Less than 1 means waiting: on a machine that was shared, or
    for an environment in another process."""


def conditions_of(entries: Sequence[Entry]) -> Conditions:
    """The conditions of `entries`, the seeds of one algorithm on one task."""
    disturbed = [entry for entry in entries if entry.interference]
    counts: Counter[str] = Counter()
    for entry in disturbed:
        counts.update(entry.interference)
    given = sum(entry.wall_seconds * (entry.settings.get("threads") or 1) for entry in entries)
    return Conditions(
        makes=len({(e.algorithm_origin.sha256, json.dumps(e.config, sort_keys=True)) for e in entries}),
        interfered=[entry.seed for entry in disturbed],
        interference=dict(sorted(counts.items())),
        core_share=sum(entry.cpu_seconds for entry in entries) / given if given else 1.0,
    )


def warnings(conditions: Mapping[str, Conditions]) -> list[str]:
    """What to mind about the runs on one task, as sentences; `conditions` by algorithm."""
    mixed = [
        f"The seeds of {name} were made with {one.makes} versions of its code or settings."
        for name, one in conditions.items()
        if one.makes > 1
    ]
    disturbed = [
        f"Interfered with: {name}, seed {', '.join(map(str, one.interfered))}. A plug-in changed the global "
        f"state of the process ({interference_text(one.interference)}); each time it was put back."
        for name, one in conditions.items()
        if one.interfered
    ]
    shares = ", ".join(
        f"{100 * one.core_share:.0f} % ({name})"
        for name, one in conditions.items()
        if one.core_share < _WHOLE_CORE
    )
    waited = (
        f"Runs were kept waiting, as on a shared machine; they computed for {shares} of their time. Speeds "
        "and wall times say little."
    )
    return [*mixed, *disturbed, *([waited] if shares else [])]


def interference_text(counts: Mapping[str, int] | None) -> str:
    """What was changed and how often: `none` where nothing was, `not recorded` for older results."""
    if counts is None:
        return "not recorded"
    return ", ".join(f"{name}: {count}" for name, count in counts.items()) or "none"
