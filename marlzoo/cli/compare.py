"""`marlzoo compare`: run algorithms, environments and seeds against each other, and give a verdict."""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import json
import os
import shlex
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console

from marlzoo.bench.matrix import FIRST_LOOK, Matrix, Protocol, extend_matrix, make_matrix, parse_seeds
from marlzoo.cli.complete import complete_algorithm, complete_environment, complete_suite
from marlzoo.cli.render import print_table
from marlzoo.cli.session import EXIT_INTERRUPTED, count_option, json_option, quiet_option
from marlzoo.cli.shared_options import threshold_option
from marlzoo.cli.state import State, pass_state
from marlzoo.errors import MissingPieceError, RunError, UsageError

if TYPE_CHECKING:
    from marlzoo.bench.calibration import Cost
    from marlzoo.bench.comparison import Comparison
    from marlzoo.bench.executors import Launch, Watcher
    from marlzoo.registry import Registry

ROOT = Path("comparisons")
EXIT_INCOMPLETE = 1
_CALIBRATION_SECONDS = 120.0
"""Of training, shared by all pairs."""
_BUSY = 0.9
"""With less of a core than this a measured run was kept waiting."""


@click.command("compare")
@click.argument("algorithms", nargs=-1, shell_complete=complete_algorithm)
@click.option(
    "--env",
    "environments",
    multiple=True,
    metavar="ENV",
    help="Environment. May be repeated.",
    shell_complete=complete_environment,
)
@click.option(
    "--suite",
    metavar="NAME",
    help=f"Environments, budget and seeds of a suite.  [default: {FIRST_LOOK}]",
    shell_complete=complete_suite,
)
@click.option(
    "--seeds", type=parse_seeds, metavar="LIST", help="Seeds: 0..9 or 0,1,2.  [default: the suite's]"
)
@count_option("--steps", "Budget of each run.  [default: the suite's, else 1M]")
@click.option(
    "-o",
    "--option",
    "overrides",
    multiple=True,
    metavar="[ALGORITHM.]KEY=VALUE",
    help="Hyper-parameter to set, for all algorithms or for one: -o srsv.lr=1e-3.",
)
@click.option("--jobs", type=click.IntRange(min=1), help="Runs at a time.  [default: number of cores]")
@click.option(
    "--executor",
    type=click.Choice(["local", "ray"]),
    default="local",
    show_default=True,
    help="Where runs are executed: on this machine, or on a Ray cluster with shared storage.",
)
@click.option("--resume", is_flag=True, help="Go on with a comparison: the one in --out, or the latest.")
@click.option(
    "--extend", is_flag=True, help="Like --resume, with more algorithms, --env, --seeds or --steps."
)
@click.option("--retry-failed", is_flag=True, help="With --resume or --extend: try failed runs again.")
@click.option(
    "--dry-run", is_flag=True, help="Show the matrix, the hours and the disk it takes; keep nothing."
)
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="DIR", help=f"Folder; by default under {ROOT}/."
)
@count_option("--eval-interval", "Steps between evaluations.  [default: steps / 50]")
@count_option("--eval-episodes", "Greedy episodes per evaluation.  [default: 32]")
@click.option(
    "--absolute-episodes",
    type=click.IntRange(min=0),
    help="New episodes for the best policy at the end.  [default: 320]",
)
@count_option("--checkpoint-interval", "Steps between checkpoints.  [default: every minute]")
@threshold_option
@json_option
@quiet_option
@pass_state
def command(
    state: State,
    /,
    out: Path | None,
    resume: bool,
    extend: bool,
    retry_failed: bool,
    dry_run: bool,
    jobs: int | None,
    executor: str,
    threshold: float,
    as_json: bool,
    quiet: bool,
    **asked: Any,
) -> None:
    """Compare ALGORITHMS over environments and seeds, each run in a process of its own.

    Without --env and --suite it takes a first look, which ends within a quarter of an hour on two cores.
    Ctrl-C saves all runs and stops; nothing is lost if the machine goes down; --resume goes on. Exits with 1
    if a run has no result.
    """
    _check_modes(resume=resume, extend=extend, retry_failed=retry_failed, dry_run=dry_run)
    if executor == "ray" and importlib.util.find_spec("ray") is None:
        raise MissingPieceError("--executor ray needs Ray; install it with: pip install 'marlzoo[ray]'")
    if dry_run:
        _print_cost(_new_matrix(state, asked), jobs or _cores(), as_json=as_json)
        return
    comparison = _resumed(state, out, asked, extend) if resume or extend else _begun(state, out, asked)
    with comparison.locked():
        if extend:
            _extend(state, comparison, asked)
        display = functools.partial(_display, comparison, as_json=as_json, quiet=quiet)
        complete = _work(comparison, executor, jobs, retry_failed, display)
        if complete:
            _conclude(state.registry, comparison, threshold, as_json=as_json)
    if not complete:
        _say(
            f"interrupted; continue with: marlzoo compare --resume --out {shlex.quote(str(comparison.path))}"
        )
        click.get_current_context().exit(EXIT_INTERRUPTED)
    if any(status.state != "finished" for status in comparison.statuses()):
        click.get_current_context().exit(EXIT_INCOMPLETE)


def _check_modes(*, resume: bool, extend: bool, retry_failed: bool, dry_run: bool) -> None:
    if resume and extend:
        raise UsageError("give --resume or --extend, not both; --extend goes on with what is there, too")
    if retry_failed and not (resume or extend):
        raise UsageError("--retry-failed goes with --resume or --extend; a new comparison has no failed runs")
    if dry_run and (resume or extend):
        raise UsageError("--dry-run is for a new comparison; leave out --resume and --extend")


def _new_matrix(state: State, asked: dict[str, Any]) -> Matrix:
    protocol = Protocol(**{name: asked[name] for name in Protocol.model_fields})
    return make_matrix(
        state.registry,
        asked["algorithms"],
        asked["environments"],
        suite=asked["suite"],
        seeds=asked["seeds"] or (),
        steps=asked["steps"],
        protocol=protocol,
        plugins=state.files,
        overrides=asked["overrides"],
    )


def _begun(state: State, out: Path | None, asked: dict[str, Any]) -> Comparison:
    matrix = _new_matrix(state, asked)
    # Only now, when all names are known to be right: this imports torch.
    from marlzoo.bench.comparison import Comparison, default_path

    return Comparison.create(out or default_path(ROOT, matrix), matrix)


def _resumed(state: State, out: Path | None, asked: dict[str, Any], extend: bool) -> Comparison:
    """The comparison to go on with. The command may be repeated with all it said; unless the comparison is
    to be extended, it may not say anything else."""
    from marlzoo.bench.comparison import Comparison, latest

    path = out or latest(ROOT)
    comparison = Comparison.existing(path)
    _say(f"going on with {path}")
    known = [Path(file) for file in comparison.matrix.plugins]
    state.files += [file for file in known if file not in {given.resolve() for given in state.files}]
    if not extend and any(asked.values()) and _new_matrix(state, asked) != comparison.matrix:
        raise UsageError(
            f"{path} compares something else; say 'marlzoo compare --resume --out {path}' alone, "
            "--extend to add to it, or start a new comparison"
        )
    return comparison


def _extend(state: State, comparison: Comparison, asked: dict[str, Any]) -> None:
    fixed = [name for name in ("suite", *Protocol.model_fields) if asked[name] is not None]
    if fixed:
        flag = fixed[0].replace("_", "-")
        raise UsageError(
            f"--{flag} cannot change in a comparison; give --env, --seeds, --steps or algorithms"
        )
    larger = extend_matrix(
        state.registry,
        comparison.matrix,
        algorithms=asked["algorithms"],
        environments=asked["environments"],
        seeds=asked["seeds"] or (),
        steps=asked["steps"],
        overrides=asked["overrides"],
        plugins=state.files,
    )
    comparison.extend(larger)


def _work(
    comparison: Comparison,
    executor: str,
    jobs: int | None,
    retry_failed: bool,
    display: Callable[[], AbstractContextManager[Watcher]],
) -> bool:
    from marlzoo.bench.executors import Executor, launch_here
    from marlzoo.run.stop import stop_on_signals

    with contextlib.ExitStack() as stack:
        launch: Launch = launch_here
        cores = _cores
        if executor == "ray":
            # Before our own signal handlers, in whose place Ray puts others.
            from marlzoo.bench.ray_cells import RayCluster

            cluster = stack.enter_context(RayCluster())
            launch, cores = cluster.launch, cluster.cores
        stop = stack.enter_context(stop_on_signals())
        watcher = stack.enter_context(display())
        return Executor(comparison, jobs or cores(), watcher, launch).work(stop, retry_failed=retry_failed)


def _display(comparison: Comparison, *, as_json: bool, quiet: bool) -> AbstractContextManager[Watcher]:
    from marlzoo.cli.compare_table import make_watcher

    return make_watcher(comparison, Console(stderr=as_json), quiet=quiet)


def _conclude(registry: Registry, comparison: Comparison, threshold: float, *, as_json: bool) -> None:
    """Judge what there is, write it down and print it."""
    from marlzoo.bench.conclusion import conclude

    document, lines = conclude(registry, comparison, threshold)
    if as_json:
        click.echo(json.dumps({"comparison": str(comparison.path), **document}))
        return
    click.echo("\n".join(lines).rstrip())
    click.echo(f"\nverdict: {comparison.path / 'verdict.md'}")


def _print_cost(matrix: Matrix, jobs: int, *, as_json: bool) -> None:
    from marlzoo.bench.calibration import measure_costs
    from marlzoo.run.stop import stop_on_signals

    pairs = len(matrix.algorithms) * len(matrix.environments)
    seconds = min(10.0, max(2.0, _CALIBRATION_SECONDS / pairs))
    _say(
        f"measuring {pairs} pair(s) of algorithm and environment, up to {seconds:.0f} s of training each ..."
    )
    with stop_on_signals() as stop:
        costs = measure_costs(matrix, seconds, stop)
        if stop():
            click.get_current_context().exit(EXIT_INTERRUPTED)
    if as_json:
        click.echo(json.dumps({"matrix": matrix.model_dump(mode="json"), **_totals(matrix, costs, jobs)}))
    else:
        _show_costs(matrix, costs, jobs)
    if any(cost.error for cost in costs):
        raise RunError("some pairs cannot run as asked, see above; the totals leave them out")


def _totals(matrix: Matrix, costs: Sequence[Cost], jobs: int) -> dict[str, Any]:
    seeds = len(matrix.seeds)
    hours = seeds * sum(cost.seconds for cost in costs) / 3600
    size = seeds * sum(cost.bytes for cost in costs)
    facts = {"jobs": jobs, "runs": len(matrix.cells()), "core_hours": hours, "hours": hours / jobs}
    return {**facts, "bytes": size, "pairs": [vars(cost) for cost in costs]}


def _show_costs(matrix: Matrix, costs: Sequence[Cost], jobs: int) -> None:
    from marlzoo.cli.progress import format_duration

    totals = _totals(matrix, costs, jobs)
    print_table(
        ("Algorithm", "Environment", "Seeds", "Steps", "Steps/s", "Core", "Time per run", "MB per run"),
        [_cost_row(cost, len(matrix.seeds), matrix.steps) for cost in costs],
    )
    one, several = (format_duration(3600 * totals[name]) for name in ("core_hours", "hours"))
    click.echo(
        f"{totals['runs']} runs: {one} of one core, {several} with {jobs} at a time on free cores; "
        f"{totals['bytes'] / 1e6:.1f} MB of disk"
    )
    least = min((cost.core_share for cost in costs if not cost.error), default=1.0)
    if least < _BUSY:
        click.echo(
            f"measured with as little as {least:.0%} of a core: unless the runs wait for another process, "
            f"this machine is busy and the time is up to {1 / max(least, 0.01):.1f} times too long"
        )


def _cost_row(cost: Cost, seeds: int, steps: int) -> tuple[str, ...]:
    from marlzoo.cli.progress import format_duration

    head = (cost.algorithm, cost.environment, str(seeds), f"{steps:,}")
    if cost.error:
        return (*head, cost.error, "", "", "")
    speed = (f"{cost.steps_per_second:,.0f}", f"{cost.core_share:.0%}")
    return (*head, *speed, format_duration(cost.seconds), f"{cost.bytes / 1e6:.1f}")


def _cores() -> int:
    """The cores that this process may use."""
    with contextlib.suppress(AttributeError):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _say(text: str) -> None:
    click.echo(text, err=True)
