"""What the commands of the documentation do in tests: the same with small budgets.

Run as a program this is `marlzoo`, with the arguments that `small` makes of those given. Commands named in
the variable `ONLY_PARSED` just take their arguments.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from types import MappingProxyType

import click

from marlzoo.cli.main import cli, main
from marlzoo.cli.state import State

_RUN = {
    "--steps": "100",
    "--eval-interval": "50",
    "--eval-episodes": "2",
    "--absolute-episodes": "2",
}

BUDGETS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "run": _RUN,
        "compare": _RUN | {"--seeds": "0", "--jobs": "1"},
        "resume": {},
        "evaluate": {"--episodes": "2"},
        "replay": {"--episodes": "1"},
    }
)
"""Options that take these values, whether they are given or not."""

REPLACED: Mapping[tuple[str, str], str] = MappingProxyType(
    {
        ("resume", "--steps"): "200",
        ("compare", "--suite"): "first-look",
    }
)
"""Options that take these values where they are given."""

SETTINGS: Mapping[str, Sequence[str]] = MappingProxyType(
    {
        "run": ("-o", "num_envs=2"),
    }
)
"""What is added at the end."""


def small(arguments: Sequence[str]) -> list[str]:
    """The same command with small budgets; others are left as they are."""
    name = next((word for word in arguments if not word.startswith("-")), "")
    if "--help" in arguments or "--print-config" in arguments:
        return list(arguments)
    budgets = BUDGETS.get(name, {})
    kept: list[str] = []
    words = iter(arguments)
    for word in words:
        if word in budgets:
            next(words)
        elif (name, word) in REPLACED:
            next(words)
            kept += [word, REPLACED[name, word]]
        else:
            kept.append(word)
    added = [part for option in budgets.items() for part in option]
    return [*kept, *added, *SETTINGS.get(name, ())]


def parse(words: Sequence[str]) -> None:
    """Take the arguments as the command would, without doing anything; of `run`, resolve the settings too.

    Raises:
        click.ClickException: a command or an option is unknown.
        MarlzooError: `run` could not be done with these settings.
    """
    resolve = ["--print-config", "--json"] if words[0] == "run" else []
    command: click.Command = cli
    context = click.Context(cli, obj=State())
    while isinstance(command, click.Group):
        name, command, words = command.resolve_command(context, list(words))
    with command.make_context(name, [*words, *resolve], parent=context) as inner:
        if resolve:
            command.invoke(inner)


def expect_known(words: Sequence[str]) -> None:
    """That a command of a sentence exists, with its options. Its arguments may be placeholders.

    Raises:
        AssertionError: it does not.
    """
    command: click.Command = cli
    context = click.Context(cli, obj=State())
    known = {"--help", *_flags(cli)}
    for word in words:
        found = command.get_command(context, word) if isinstance(command, click.Group) else None
        if found is not None:
            command = found
            known.update(_flags(command))
    flags = {word.partition("=")[0] for word in words if word.startswith("-")}
    assert flags <= known, f"{' '.join(words)}: unknown {', '.join(sorted(flags - known))}"
    assert command is not cli or "--help" in words, f"{' '.join(words)}: no such command"


def _flags(command: click.Command) -> list[str]:
    return [flag for parameter in command.params for flag in (*parameter.opts, *parameter.secondary_opts)]


if __name__ == "__main__":
    arguments = small(sys.argv[1:])
    if arguments[:1] and arguments[0] in os.environ.get("ONLY_PARSED", "").split():
        parse(arguments)
    else:
        main(arguments)
