"""What `run` and `resume` share: threads, signals, the display, and how the process ends."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import click
from rich.console import Console

from marlzoo.cli.threads import limit_threads
from marlzoo.run.settings import parse_count

if TYPE_CHECKING:
    from marlzoo.run.experiment import Outcome
    from marlzoo.run.listener import Listener
    from marlzoo.run.stop import StopRequest

EXIT_INTERRUPTED = 130

F = TypeVar("F", bound=Callable[..., Any])


def count_option(flag: str, text: str, default: str | None = None) -> Callable[[F], F]:
    """An option that takes a count such as `500k`."""
    return click.option(
        flag, type=parse_count, metavar="COUNT", default=default, show_default=default is not None, help=text
    )


def json_option(command: F) -> F:
    """`--json`: one object on standard output, and nothing else."""
    text = "Print the result as one JSON object, and nothing else."
    return click.option("--json", "as_json", is_flag=True, help=text)(command)


def quiet_option(command: F) -> F:
    return click.option("--quiet", is_flag=True, help="Show no progress.")(command)


@dataclass(frozen=True)
class Session:
    """What a run is given by the command line."""

    command: list[str]
    listener: Listener
    stop: StopRequest


@contextlib.contextmanager
def open_session(threads: int, *, as_json: bool, quiet: bool) -> Iterator[Session]:
    """Everything heavy is imported in here, after the number of threads is set."""
    limit_threads(threads)
    from marlzoo.cli.progress import make_progress
    from marlzoo.run.manifest import command_line
    from marlzoo.run.stop import stop_on_signals

    listener = make_progress(Console(stderr=as_json), quiet=quiet)
    with stop_on_signals() as stop:
        yield Session(command_line(), listener, stop)


def finish(outcome: Outcome, *, as_json: bool) -> None:
    """Print the result where it was asked for; exit with 130 when the run was interrupted."""
    if as_json:
        document = {"run": str(outcome.path), "status": outcome.status, "step": outcome.step}
        click.echo(json.dumps(document | (outcome.result or {})))
    if outcome.status == "interrupted":
        click.get_current_context().exit(EXIT_INTERRUPTED)
