"""`marlzoo leaderboard`: keep results, and rank them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from marlzoo.cli.render import json_option, print_json, print_table, show_value
from marlzoo.cli.session import EXIT_INTERRUPTED, count_option
from marlzoo.cli.state import pass_registry
from marlzoo.cli.threads import limit_threads
from marlzoo.errors import UsageError
from marlzoo.specs import Suite
from marlzoo.wording import counted

if TYPE_CHECKING:
    from marlzoo.bench.leaderboard_verify import Verification
    from marlzoo.bench.schema import Entry
    from marlzoo.registry import Registry

_STORE = Path("leaderboard/results")
EXIT_DIFFERENT = 1

store_option = click.option(
    "--results",
    "--store",
    "store",
    type=click.Path(path_type=Path),
    default=_STORE,
    show_default=True,
    metavar="DIR",
    help="Where results are kept.",
)
suite_option = click.option("--suite", required=True, metavar="NAME", help="The suite that they belong to.")


@click.group("leaderboard")
def command() -> None:
    """Collect, rank, show and verify results."""


@command.command("add")
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path))
@suite_option
@store_option
@click.option(
    "--replay", is_flag=True, help="Also record an episode of the best policy on each task, for the page."
)
@json_option
@pass_registry
def add(
    registry: Registry, /, runs: tuple[Path, ...], suite: str, store: Path, replay: bool, as_json: bool
) -> None:
    """Put finished RUNS into the store: run folders, or comparisons with all their finished cells.

    A result that is there already stays as it is; another one in its place is an error.
    """
    if replay:
        limit_threads(1)
    found = registry.suite(suite)
    from marlzoo.bench.store import entry_from_run, write_entry

    folders = [path for run in runs for path in _run_folders(run)]
    for folder in folders:
        _check_not_extended(folder)
    entries = [entry_from_run(folder) for folder in folders]
    for entry in entries:
        _check_belongs(found.spec, entry)
    files = [str(write_entry(store, found.address, entry)) for entry in entries]
    if replay:
        from marlzoo.bench.leaderboard_replay import record_best

        made = list(zip(folders, entries, strict=True))
        files += map(str, record_best(registry, made, found.address, store.parent))
    if as_json:
        print_json({"files": files})
    else:
        click.echo("\n".join(files))


@command.command("show")
@click.option("--suite", metavar="NAME", help="One suite only.  [default: all]")
@store_option
@json_option
@pass_registry
def show(registry: Registry, /, suite: str | None, store: Path, as_json: bool) -> None:
    """Show what the results in the store say, by suite and engine."""
    wanted = None if suite is None else registry.suite(suite).address
    from marlzoo.bench.conclusion import scale_of
    from marlzoo.bench.leaderboard import make_sections, stored_runs
    from marlzoo.bench.matrix import as_name
    from marlzoo.bench.sentences import verdict_lines
    from marlzoo.bench.store import read_store

    stored = [one for one in read_store(store) if wanted is None or one.suite == as_name(wanted)]
    if not stored:
        subject = "no results" if suite is None else f"no results of {suite!r}"
        raise UsageError(f"{store} has {subject}; add some by 'marlzoo leaderboard add RUN...'")
    scales = {one.entry.environment: scale_of(registry, one.entry.environment) for one in stored}
    sections = make_sections(stored_runs(stored, store), scales)
    if as_json:
        print_json({"sections": [section.to_json() for section in sections]})
        return
    for section in sections:
        click.echo(f"# {section.suite}: {section.heading}\n")
        click.echo("\n".join(verdict_lines(section.verdict, [])).rstrip() + "\n")


@command.command("build")
@store_option
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Where the pages go.  [default: the folder above the results]",
)
@json_option
@pass_registry
def build(registry: Registry, /, store: Path, out: Path | None, as_json: bool) -> None:
    """Write README.md and index.html about all results in the store.

    The page needs no network and no server: open it from the file. The same results give the same bytes.
    """
    from marlzoo.bench.leaderboard_build import build_leaderboard

    built = build_leaderboard(registry, store, out or store.parent)
    files = [str(path) for path in built.files]
    if as_json:
        print_json({"files": files, "runs": built.runs, "sections": built.sections})
    else:
        click.echo(f"{' and '.join(files)}: {built.runs} run(s) in {built.sections} section(s)")


@command.command("verify")
@click.argument("entry")
@store_option
@count_option("--steps", "How far to run it again.  [default: to the first evaluation after the start]")
@click.option("--whole", is_flag=True, help="Run all of it again.")
@json_option
@pass_registry
def verify(
    registry: Registry, /, entry: str, store: Path, steps: int | None, whole: bool, as_json: bool
) -> None:
    """Run a result again from its document, and compare evaluations and training metrics.

    ENTRY is the file of a result, or the beginning of its hash. Exits with 0 if every number is the same to
    the last bit, with 1 if not, and with 3 if it cannot be run here. Equality is to be expected with the
    same processor, libraries and code; what differs is named.
    """
    if whole and steps is not None:
        raise UsageError("give --steps or --whole, not both")
    limit_threads(1)  # before anything heavy is imported, as a run does
    from marlzoo.bench.store import find_entry

    found = find_entry(store, entry).entry
    limit_threads(found.settings.get("threads") or 1)
    verification = _verified(registry, found, steps, whole)
    if verification is None:
        click.get_current_context().exit(EXIT_INTERRUPTED)
    if as_json:
        print_json(verification.to_json())
    else:
        _show_verification(verification)
    if not verification.equal:
        click.get_current_context().exit(EXIT_DIFFERENT)


def _verified(registry: Registry, entry: Entry, steps: int | None, whole: bool) -> Verification | None:
    from marlzoo.bench.leaderboard_verify import default_steps, verify
    from marlzoo.run.stop import stop_on_signals

    limit = None if whole else steps or default_steps(entry)
    share = f"all {entry.steps:,}" if limit is None else f"the first {limit:,} of {entry.steps:,}"
    subject = f"{entry.algorithm} on {entry.environment}, seed {entry.seed}"
    click.echo(f"{subject}: running {share} steps again ...", err=True)
    with stop_on_signals() as stop:
        return verify(registry, entry, limit, stop)


def _show_verification(found: Verification) -> None:
    from marlzoo.bench.conditions import interference_text

    extent = f"{found.numbers} numbers of {found.evaluations} evaluation(s) up to step {found.steps:,}"
    if found.equal:
        click.echo(f"equal: {extent} are the same to the last bit")
    else:
        click.echo(f"different: of {extent}, these are the first that came out otherwise")
        rows = [
            (f"{one.step:,}", one.name, show_value(one.recorded), show_value(one.found))
            for one in found.deviations
        ]
        print_table(("Step", "Number", "Recorded", "Now"), rows)
    if found.circumstances:
        click.echo("not as it was when the result was made:")
        changed = [(one.name, _brief(one.recorded), _brief(one.found)) for one in found.circumstances]
        print_table(("What", "Then", "Now"), changed)
    elif not found.equal:
        click.echo("processor, system, libraries and code are as they were: this should have been equal")
    if found.interference:
        click.echo(f"a plug-in changed global state meanwhile: {interference_text(found.interference)}")


def _brief(text: str) -> str:
    """A hash by its first digits, anything else as it is."""
    return text[:12] if re.fullmatch("[0-9a-f]{64}", text) else text


def _run_folders(path: Path) -> list[Path]:
    """The run itself, or the finished cells of a comparison."""
    from marlzoo.bench.comparison import FINISHED, Comparison

    if not (path / "comparison.json").is_file():
        return [path]
    comparison = Comparison.existing(path)
    return [comparison.folder(status.cell) for status in comparison.statuses() if status.state == FINISHED]


def _check_not_extended(folder: Path) -> None:
    """Raises `UsageError` for a run whose budget grew on the way: its schedules were made for another one, so
    that nobody could run it again in one go."""
    from marlzoo.run.folder import RunFolder

    extensions = RunFolder.existing(folder).read_manifest().get("extensions", [])
    if extensions:
        raise UsageError(
            f"{folder} began with a budget of {extensions[0]['from']:,} steps and was extended; "
            "make a run that has its whole budget from the start"
        )


def _check_belongs(suite: Suite, entry: Entry) -> None:
    """Raises `UsageError` for a result of another environment, budget or protocol of evaluation."""
    from marlzoo.run.settings import RunSettings

    if entry.environment not in suite.environments:
        raise UsageError(f"{entry.environment} is not in suite {suite.name!r}; name the suite that it is in")
    if entry.steps != suite.steps:
        raise UsageError(
            f"a run of {entry.steps:,} steps does not belong to suite {suite.name!r}, whose budget is "
            f"{suite.steps:,}; run it with that budget"
        )
    protocol = RunSettings(steps=suite.steps, eval_interval=suite.eval_interval).resolved()
    wanted = (protocol.eval_interval, protocol.eval_episodes, protocol.absolute_episodes)
    found = (entry.eval_interval, entry.eval_episodes, entry.absolute.episodes if entry.absolute else 0)
    if found != wanted:
        raise UsageError(
            f"the run was evaluated by {_evaluations(found)}; suite {suite.name!r} has "
            f"{_evaluations(wanted)}; run it by 'marlzoo compare --suite {suite.name}' as it is"
        )


def _evaluations(protocol: tuple[int | None, int, int]) -> str:
    interval, episodes, absolute = protocol
    return f"{counted(episodes, 'episode')} every {interval:,} steps and {absolute} at the end"
