"""`marlzoo leaderboard`: keep results, and rank them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from marlzoo.cli.render import json_option, print_json
from marlzoo.cli.state import pass_registry
from marlzoo.errors import UsageError
from marlzoo.specs import Suite

if TYPE_CHECKING:
    from marlzoo.bench.store import Entry
    from marlzoo.registry import Registry

_STORE = Path("leaderboard/results")

store_option = click.option(
    "--store",
    type=click.Path(path_type=Path),
    default=_STORE,
    show_default=True,
    metavar="DIR",
    help="Where results are kept.",
)
suite_option = click.option("--suite", required=True, metavar="NAME", help="The suite that they belong to.")


@click.group("leaderboard")
def command() -> None:
    """Collect and rank results."""


@command.command("add")
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path))
@suite_option
@store_option
@pass_registry
def add(registry: Registry, /, runs: tuple[Path, ...], suite: str, store: Path) -> None:
    """Put finished RUNS into the store: run folders, or comparisons with all their finished cells.

    A result that is there already stays as it is; another one in its place is an error.
    """
    found = registry.suite(suite)
    from marlzoo.bench.store import entry_from_run, write_entry

    entries = [entry_from_run(path) for run in runs for path in _run_folders(run)]
    for entry in entries:
        _check_belongs(found.spec, entry)
    for entry in entries:
        click.echo(str(write_entry(store, found.address, entry)))


@command.command("show")
@suite_option
@store_option
@json_option
@pass_registry
def show(registry: Registry, /, suite: str, store: Path, as_json: bool) -> None:
    """Show what the results in the store say about a suite."""
    found = registry.suite(suite)
    from marlzoo.bench.conclusion import scale_of
    from marlzoo.bench.sentences import verdict_lines
    from marlzoo.bench.store import read_entries
    from marlzoo.bench.verdict import judge

    entries = read_entries(store, found.address)
    if not entries:
        raise UsageError(f"{store} has no results of {suite!r}; add some by 'marlzoo leaderboard add RUN...'")
    scales = {entry.environment: scale_of(registry, entry.environment) for entry in entries}
    verdict = judge([(entry.algorithm, entry) for entry in entries], scales)
    if as_json:
        print_json(verdict.to_json())
        return
    click.echo("\n".join(verdict_lines(verdict, [])).rstrip())


def _run_folders(path: Path) -> list[Path]:
    """The run itself, or the finished cells of a comparison."""
    from marlzoo.bench.comparison import FINISHED, Comparison

    if not (path / "comparison.json").is_file():
        return [path]
    comparison = Comparison.existing(path)
    return [comparison.folder(status.cell) for status in comparison.statuses() if status.state == FINISHED]


def _check_belongs(suite: Suite, entry: Entry) -> None:
    """Raises `UsageError` for a result of another environment or budget."""
    if entry.environment not in suite.environments:
        raise UsageError(f"{entry.environment} is not in suite {suite.name!r}; name the suite that it is in")
    if entry.steps != suite.steps:
        raise UsageError(
            f"a run of {entry.steps:,} steps does not belong to suite {suite.name!r}, whose budget is "
            f"{suite.steps:,}; run it with that budget"
        )
