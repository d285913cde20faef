"""From results to what is shown of them: sections whose results belong together, and what each of them says.

A section is one suite at one budget, with one engine version for each family of environments. Results of
other engines have sections of their own; nothing is ever put together across sections.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from marlzoo.bench.schema import Entry, setting_text
from marlzoo.bench.store import Stored, replay_place
from marlzoo.bench.verdict import (
    RANKED_SEEDS,
    Overall,
    Pair,
    Scale,
    Standing,
    SuitePair,
    Task,
    Verdict,
    aggregate,
    judge,
)

Engine = tuple[str, str, str]
"""Family of environments, backend and its version."""

_NAMED_SETTINGS = 2
"""Presets of an algorithm that differ in more settings are told apart by their digits."""


@dataclass(frozen=True)
class Run:
    """One finished run, and where a reader finds more."""

    entry: Entry
    suite: str = ""
    source: str = ""
    """A link to the document of the result, relative to the page; empty where there is none."""
    manifest: str = ""
    """A link to the manifest of a run folder, likewise. The documents of a store hold what it says."""
    replay: str = ""
    """A link to a replay of its best policy, likewise."""


@dataclass(frozen=True)
class TaskBoard:
    """One task of a section: its numbers, and the runs behind them by algorithm."""

    task: Task
    scale: Scale
    runs: Mapping[str, Sequence[Run]]

    @property
    def standings(self) -> list[Standing]:
        """The best mean first; of equal ones, by name."""
        return sorted(self.task.standings, key=lambda standing: (-standing.mean.value, standing.algorithm))

    def ranks(self) -> dict[str, str]:
        ranked = [one.algorithm for one in self.task.standings if len(one.seeds) >= RANKED_SEEDS]
        return rank_ranges(ranked, self.task.pairs)


@dataclass(frozen=True)
class Section:
    """Results that may stand side by side."""

    suite: str
    steps: int
    engines: tuple[str, ...]
    superseded: bool
    """Whether the store has results of a newer version of the engine."""
    tasks: tuple[TaskBoard, ...]
    overall: Overall | None
    """Over the algorithms with results on every task. `None` where an environment was evaluated by several
    protocols, or no algorithm has all tasks."""
    left_out: tuple[str, ...]
    """The algorithms that lack a task."""

    @property
    def heading(self) -> str:
        earlier = " (earlier engine)" if self.superseded else ""
        return f"{' + '.join(self.engines)}, {self.steps:,} steps{earlier}"

    @property
    def verdict(self) -> Verdict:
        return Verdict([board.task for board in self.tasks], self.overall if len(self.tasks) > 1 else None)

    def to_json(self) -> dict[str, Any]:
        facts = {"suite": self.suite, "engines": self.engines, "steps": self.steps}
        ranks = [board.ranks() for board in self.tasks]
        return {**facts, "superseded": self.superseded, "ranks": ranks, **self.verdict.to_json()}

    @property
    def algorithms(self) -> list[str]:
        return sorted({name for board in self.tasks for name in board.runs})

    def ranks(self) -> dict[str, str]:
        """Ranks over all tasks."""
        if self.overall is None:
            return {}
        fewest = {
            name: min(len(board.runs[name]) for board in self.tasks)
            for name in self.overall.interquartile_means
        }
        ranked = [name for name, seeds in fewest.items() if seeds >= RANKED_SEEDS]
        return rank_ranges(ranked, self.overall.pairs)


def stored_runs(stored: Sequence[Stored], out: Path) -> list[Run]:
    """The runs of a store, with links that hold in a page in the folder `out`. A replay is linked if it lies
    in `out/replays/` where the result lies in the store, with the ending `.html`."""
    return [_stored_run(one, out) for one in stored]


def _stored_run(stored: Stored, out: Path) -> Run:
    replay = replay_place(stored.suite, stored.entry)
    return Run(
        stored.entry,
        suite=stored.suite,
        source=Path(os.path.relpath(stored.path, out)).as_posix(),
        replay=replay.as_posix() if (out / replay).is_file() else "",
    )


def make_sections(runs: Sequence[Run], scales: Mapping[str, Scale], threshold: float = 0.5) -> list[Section]:
    """All sections: the suite with the largest budget first, and within a suite the current engine first.
    `scales` by environment; `threshold` as in `judge`."""
    bare = _bare_names(runs)
    suites: dict[str, list[Run]] = {}
    for run in sorted(runs, key=lambda run: run.suite):
        suites.setdefault(run.suite, []).append(run)
    ordered = sorted(suites, key=lambda suite: (-max(run.entry.steps for run in suites[suite]), suite))
    return [
        section for suite in ordered for section in _suite_sections(suites[suite], scales, threshold, bare)
    ]


def _suite_sections(
    runs: Sequence[Run], scales: Mapping[str, Scale], threshold: float, bare: Mapping[str, str]
) -> list[Section]:
    current = _current_engines(runs)
    groups: dict[tuple[int, Engine | None], list[Run]] = {}
    for run in runs:
        engine = engine_of(run.entry)
        groups.setdefault((run.entry.steps, None if engine in current else engine), []).append(run)
    newest = _newest_versions(runs)
    keys = sorted((key for key in groups if key[1] is None), reverse=True)
    keys += sorted((key for key in groups if key[1] is not None), key=_section_order, reverse=True)
    return [_section(groups[key], scales, threshold, bare, newest) for key in keys]


def _section_order(key: tuple[int, Engine | None]) -> tuple[int, str, str, list[tuple[int, str]]]:
    steps, engine = key
    family, backend, version = engine or ("", "", "")
    return steps, family, backend, version_key(version)


def _section(
    runs: Sequence[Run],
    scales: Mapping[str, Scale],
    threshold: float,
    bare: Mapping[str, str],
    newest: Mapping[tuple[str, str], str],
) -> Section:
    ordered = sorted(runs, key=lambda run: (run.entry.pool, run.entry.algorithm, run.entry.seed))
    labels = _labels(ordered, bare)
    labelled = [(label, run.entry) for label, run in zip(labels, ordered, strict=True)]
    verdict = judge(labelled, scales, threshold)
    pools = dict.fromkeys(run.entry.pool for run in ordered)
    boards = [
        TaskBoard(task, scales[task.environment], _by_label(labels, ordered, pool))
        for task, pool in zip(verdict.tasks, pools, strict=True)
    ]
    complete = set.intersection(*(set(board.runs) for board in boards))
    entry = ordered[0].entry
    engines = dict.fromkeys(engine_of(run.entry) for run in ordered)
    return Section(
        suite=ordered[0].suite,
        steps=entry.steps,
        engines=tuple(dict.fromkeys(f"{backend} {version}".strip() for _, backend, version in engines)),
        superseded=any(version != newest[family, backend] for family, backend, version in engines),
        tasks=tuple(boards),
        overall=aggregate([pair for pair in labelled if pair[0] in complete], scales) if complete else None,
        left_out=tuple(sorted(set(labels) - complete)),
    )


def _by_label(labels: Sequence[str], runs: Sequence[Run], pool: tuple[object, ...]) -> dict[str, list[Run]]:
    found: dict[str, list[Run]] = {}
    for label, run in zip(labels, runs, strict=True):
        if run.entry.pool == pool:
            found.setdefault(label, []).append(run)
    return found


def engine_of(entry: Entry) -> Engine:
    return entry.environment.partition(":")[0], entry.backend, entry.backend_version


def _current_engines(runs: Sequence[Run]) -> set[Engine]:
    """For each family the newest version of the backend with the most runs."""
    newest = _newest_versions(runs)
    counts: dict[tuple[str, str], int] = {}
    for run in runs:
        family, backend, _ = engine_of(run.entry)
        counts[family, backend] = counts.get((family, backend), 0) + 1
    chosen: dict[str, str] = {}
    for family, backend in sorted(counts, key=lambda key: (-counts[key], key)):
        chosen.setdefault(family, backend)
    return {(family, backend, newest[family, backend]) for family, backend in chosen.items()}


def _newest_versions(runs: Sequence[Run]) -> dict[tuple[str, str], str]:
    newest: dict[tuple[str, str], str] = {}
    for family, backend, version in sorted(
        (engine_of(run.entry) for run in runs), key=lambda engine: version_key(engine[2])
    ):
        newest[family, backend] = version
    return newest


def version_key(version: str) -> list[tuple[int, str]]:
    """Orders versions by their numbers: 1.10 comes after 1.9."""
    parts = re.findall(r"\d+|[^\d]+", version)
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]


def _bare_names(runs: Iterable[Run]) -> dict[str, str]:
    """For each qualified name the shortest one that means nobody else among `runs`."""
    qualified = sorted({run.entry.algorithm for run in runs})
    bare = [name.partition("/")[2] for name in qualified]
    return {
        name: short if bare.count(short) == 1 else name for name, short in zip(qualified, bare, strict=True)
    }


def _labels(runs: Sequence[Run], bare: Mapping[str, str]) -> list[str]:
    """What each run's algorithm is called in its section. One that has results of several presets on a task
    counts as several algorithms, told apart by the settings in which these differ: `srsv [gamma=0.95]`."""
    by_algorithm: dict[str, list[Entry]] = {}
    for run in runs:
        by_algorithm.setdefault(run.entry.algorithm, []).append(run.entry)
    differing = {algorithm: _differing_settings(entries) for algorithm, entries in by_algorithm.items()}
    return [_label(run.entry, bare[run.entry.algorithm], differing[run.entry.algorithm]) for run in runs]


def _label(entry: Entry, name: str, differing: Sequence[str]) -> str:
    if not differing:
        return name
    if len(differing) > _NAMED_SETTINGS or not all(key in entry.config for key in differing):
        return f"{name} [{entry.preset}]"
    settings = ", ".join(f"{key}={setting_text(entry.config[key])}" for key in differing)
    return f"{name} [{settings}]"


def _differing_settings(entries: Sequence[Entry]) -> list[str]:
    """The hyper-parameters that one algorithm's results on the same task do not agree in, on any task."""
    configs: dict[tuple[object, ...], list[Mapping[str, Any]]] = {}
    for entry in entries:
        configs.setdefault(entry.pool, []).append(entry.config)
    return sorted(
        {
            key
            for first, *others in configs.values()
            for other in others
            for key in {**first, **other}
            if key not in first or key not in other or first[key] != other[key]
        }
    )


def rank_ranges(ranked: Sequence[str], pairs: Sequence[Pair] | Sequence[SuitePair]) -> dict[str, str]:
    """The ranks that each of the `ranked` algorithms may have, given which differences are shown: `1`, or
    `2–4` where nothing is shown between the second and the fourth."""
    worse = dict.fromkeys(ranked, 0)
    better = dict(worse)
    for pair in pairs:
        if pair.shown:
            worse[pair.first] += 1
            better[pair.second] += 1
    found = {}
    for name in ranked:
        best, last = 1 + better[name], len(ranked) - worse[name]
        found[name] = str(best) if best == last else f"{best}–{last}"
    return found
