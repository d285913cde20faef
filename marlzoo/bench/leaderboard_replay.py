"""A replay of the best policy on each task, where the leaderboard links it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from marlzoo.bench.replay import replay_run
from marlzoo.bench.replay_page import write_page
from marlzoo.bench.schema import Entry
from marlzoo.bench.store import replay_place
from marlzoo.errors import UsageError
from marlzoo.registry import Registry


def record_best(registry: Registry, runs: Sequence[tuple[Path, Entry]], suite: str, out: Path) -> list[Path]:
    """Write an episode of the best of `runs` (folder and entry) on each task, below the folder `out` of the
    pages. Returns the files.

    Raises:
        UsageError: an environment cannot be looked at, or its engine is not the one of the result.
        RunError: a file cannot be written.
    """
    best: dict[tuple[object, ...], tuple[Path, Entry]] = {}
    for folder, entry in runs:
        if entry.pool not in best or entry.final_score > best[entry.pool][1].final_score:
            best[entry.pool] = folder, entry
    files = []
    for folder, entry in best.values():
        replay = replay_run(registry, folder)
        if replay.backend != entry.engine:
            raise UsageError(f"{folder} was made with {entry.engine}, installed is {replay.backend}")
        files.append(out / replay_place(suite, entry))
        write_page(replay, files[-1])
    return files
