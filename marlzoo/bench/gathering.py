"""Results from wherever they lie: run folders, comparisons, documents of the store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from marlzoo.bench.comparison import FINISHED, Comparison
from marlzoo.bench.store import Entry, entry_from_run, read_entry
from marlzoo.errors import UsageError


@dataclass(frozen=True)
class Gathered:
    """A finished run."""

    path: Path
    """Its folder, or its document."""
    entry: Entry


def gather(paths: Sequence[Path]) -> list[Gathered]:
    """All finished runs in `paths`, each once, in their order.

    A path is a run folder, a comparison (whose unfinished cells are left out), a document of the store, or a
    folder with any of these below it.

    Raises:
        UsageError: there is nothing in a path, or what is there is no finished run.
        RunError: a document was edited.
    """
    found = {one.path.resolve(): one for path in paths for one in _gather_one(path)}
    return list(found.values())


def _gather_one(path: Path) -> list[Gathered]:
    if path.is_file():
        return [Gathered(path, read_entry(path))]
    if (path / "manifest.json").is_file():
        return [Gathered(path, entry_from_run(path))]
    if (path / "comparison.json").is_file():
        return _finished_cells(Comparison.existing(path))
    found = _below(path)
    if not found:
        raise UsageError(
            f"{path} holds no results; give run folders, comparisons, or documents of leaderboard/results"
        )
    return found


def _finished_cells(comparison: Comparison) -> list[Gathered]:
    folders = [comparison.folder(status.cell) for status in comparison.statuses() if status.state == FINISHED]
    if not folders:
        raise UsageError(
            f"no run of {comparison.path} is finished; go on by 'marlzoo compare --resume --out "
            f"{comparison.path}'"
        )
    return [Gathered(folder, entry_from_run(folder)) for folder in folders]


def _below(path: Path) -> list[Gathered]:
    """The finished runs and the documents in a folder of folders. What lies inside a run is not looked at."""
    if not path.is_dir():
        return []
    found: list[Gathered] = []
    for child in sorted(path.iterdir()):
        if child.suffix == ".json" and child.stem.isdigit():
            found.append(Gathered(child, read_entry(child)))
        elif (child / "result.json").is_file():
            found.append(Gathered(child, entry_from_run(child)))
        elif child.is_dir() and not (child / "manifest.json").is_file():
            found += _below(child)
    return found
