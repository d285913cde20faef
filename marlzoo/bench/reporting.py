"""One page about private runs, made of the parts of the leaderboard's page."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from marlzoo.bench.conclusion import scale_of
from marlzoo.bench.gathering import Gathered
from marlzoo.bench.leaderboard import Run
from marlzoo.bench.page import render_page
from marlzoo.errors import UsageError
from marlzoo.registry import Registry
from marlzoo.run.files import replace_file, reported

REPLAY_FILE = "replay.html"
"""A replay of this name in the folder of a run is linked."""


def write_report(
    registry: Registry, results: Sequence[Gathered], out: Path, title: str, threshold: float
) -> None:
    """Write the page about `results` to `out`.

    Raises:
        UsageError: a seed is there twice, or an environment is not installed.
        RunError: the file cannot be written.
    """
    _check_distinct(results)
    runs = [_run(result, out.parent) for result in results]
    environments = {result.entry.environment for result in results}
    scales = {environment: scale_of(registry, environment) for environment in sorted(environments)}
    page = render_page(runs, scales, title=title, threshold=threshold)
    with reported(out):
        out.parent.mkdir(parents=True, exist_ok=True)
        replace_file(out, page.encode())


def _run(result: Gathered, folder: Path) -> Run:
    """A run with links that hold in a page in `folder`."""
    document = result.path / "result.json" if result.path.is_dir() else result.path
    replay, manifest = result.path / REPLAY_FILE, result.path / "manifest.json"
    return Run(
        result.entry,
        source=_link(document, folder),
        manifest=_link(manifest, folder) if manifest.is_file() else "",
        replay=_link(replay, folder) if replay.is_file() else "",
    )


def _link(target: Path, folder: Path) -> str:
    return Path(os.path.relpath(target, folder)).as_posix()


def _check_distinct(results: Sequence[Gathered]) -> None:
    """The same seed counted twice would make everything look surer than it is."""
    first: dict[object, Path] = {}
    for result in results:
        entry = result.entry
        other = first.setdefault((entry.algorithm, entry.preset, entry.pool, entry.seed), result.path)
        if other != result.path:
            raise UsageError(
                f"{other} and {result.path} are the same: {entry.algorithm} on {entry.environment}, seed "
                f"{entry.seed}; leave one out"
            )
