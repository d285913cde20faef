"""`marlzoo`: the command line, and how it ends.

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 something is not installed, 130 interrupted.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from marlzoo.cli.group import MarlzooGroup
from marlzoo.cli.state import State
from marlzoo.errors import MarlzooError
from marlzoo.version import __version__

EXIT_FAILED = 1
EXIT_INTERRUPTED = 130


def _set_debug(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    ctx.ensure_object(State).debug |= value


def _add_files(ctx: click.Context, _: click.Parameter, value: tuple[Path, ...]) -> None:
    ctx.ensure_object(State).files += value


@click.group(
    "marlzoo",
    cls=MarlzooGroup,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.option(
    "--plugin",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Load a plug-in from a Python file. May be repeated, and stand anywhere.",
    is_eager=True,
    expose_value=False,
    callback=_add_files,
)
@click.option(
    "--debug",
    is_flag=True,
    help="Show the traceback of an error. May stand anywhere.",
    is_eager=True,
    expose_value=False,
    callback=_set_debug,
)
@click.version_option(__version__, message="%(prog)s %(version)s")
@click.pass_context
def cli(ctx: click.Context) -> None:
    """A zoo of cooperative multi-agent reinforcement learning algorithms.

    Start with 'marlzoo list algorithms' and 'marlzoo run srsv --env smac:3m'.
    """
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


def main(arguments: Sequence[str] | None = None) -> None:
    """The console script. Ends the process with the exit code of what happened."""
    state = State()
    try:
        code = _run(state, arguments)
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        code = EXIT_INTERRUPTED
    except BrokenPipeError:
        _discard_output()
        code = EXIT_FAILED
    sys.exit(code)


def _run(state: State, arguments: Sequence[str] | None) -> int:
    args = None if arguments is None else list(arguments)
    try:
        result: Any = cli.main(args, prog_name="marlzoo", standalone_mode=False, obj=state)
    except (click.Abort, KeyboardInterrupt, BrokenPipeError):
        raise
    except Exception as error:
        if state.debug:
            traceback.print_exc()
        message, code = describe_error(error)
        click.echo(f"error: {message}", err=True)
        return code
    return result if isinstance(result, int) else 0


def describe_error(error: Exception) -> tuple[str, int]:
    """One line for the user, and the exit code."""
    if isinstance(error, MarlzooError):
        return str(error), error.exit_code
    if isinstance(error, click.UsageError):
        help_page = f"'{error.ctx.command_path} --help'" if error.ctx is not None else "'marlzoo --help'"
        message = " ".join(error.format_message().split()).rstrip(".")
        return f"{message[:1].lower()}{message[1:]} (see {help_page})", error.exit_code
    if isinstance(error, click.ClickException):
        return error.format_message(), error.exit_code
    reason = " ".join(str(error).split())
    return f"unexpected {type(error).__name__}: {reason}; run with --debug for the traceback", EXIT_FAILED


def _discard_output() -> None:
    """The reader of our output went away; keep Python from complaining about it while it shuts down."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
