"""The command group of marlzoo: commands are imported when they are used, and plug-ins may add some.

The help page and shell completion show the names and texts of the table below and import no command.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import click
from click.shell_completion import CompletionItem

from marlzoo.cli.state import State
from marlzoo.errors import nearest


@dataclass(frozen=True)
class LazyCommand:
    """A command that lives as `command` in a module of its own."""

    module: str
    help: str

    @property
    def exists(self) -> bool:
        return importlib.util.find_spec(self.module) is not None

    def load(self) -> click.Command:
        command: click.Command = importlib.import_module(self.module).command
        return command


BUILTIN_COMMANDS = {
    "run": LazyCommand("marlzoo.cli.run", "Train an algorithm in an environment."),
    "resume": LazyCommand("marlzoo.cli.resume", "Go on with a run that was stopped."),
    "evaluate": LazyCommand("marlzoo.cli.evaluate", "Measure the policy of a run."),
    "compare": LazyCommand("marlzoo.cli.compare", "Run several algorithms and say which is better."),
    "leaderboard": LazyCommand("marlzoo.cli.leaderboard", "Collect, rank and verify results."),
    "report": LazyCommand("marlzoo.cli.report", "Make one page of some runs."),
    "export": LazyCommand("marlzoo.cli.export", "Write results for other tools."),
    "replay": LazyCommand("marlzoo.cli.replay", "Show episodes of a trained policy."),
    "list": LazyCommand("marlzoo.cli.list", "List algorithms, environments or suites."),
    "show": LazyCommand("marlzoo.cli.show", "Show all there is to know about one of them."),
    "plugins": LazyCommand("marlzoo.cli.plugins", "List plug-ins, and what is wrong with them."),
    "check": LazyCommand("marlzoo.cli.check", "Check that an algorithm keeps its contract."),
    "check-env": LazyCommand("marlzoo.cli.check_env", "Check that an environment keeps its contract."),
    "new-plugin": LazyCommand("marlzoo.cli.new_plugin", "Write a new plug-in to start from."),
    "completion": LazyCommand("marlzoo.cli.completion", "Print a shell's completion script."),
}
"""In the order of the help page. Those whose module does not exist yet are not shown, but reserved."""

RESERVED = frozenset(BUILTIN_COMMANDS)

_GLOBAL_FLAG = "--debug"
_GLOBAL_OPTION = "--plugin"


class MarlzooGroup(click.Group):
    """Looks commands up in `BUILTIN_COMMANDS` first and then among those of plug-ins."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.ensure_object(State).reserved = RESERVED
        return super().parse_args(ctx, hoist_global_options(args))

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [name for name, _ in self._catalogue(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        builtin = BUILTIN_COMMANDS.get(cmd_name)
        if builtin is not None:
            return builtin.load() if builtin.exists else None
        return ctx.ensure_object(State).plugin_commands.get(cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if self.get_command(ctx, args[0]) is None and not ctx.resilient_parsing:
            ctx.fail(f"unknown command {args[0]!r}{nearest(args[0], self.list_commands(ctx))}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        rows = list(self._catalogue(ctx))
        for title, wanted in (("Commands", True), ("Commands of plug-ins", False)):
            section = [(name, text) for name, text in rows if (name in RESERVED) is wanted]
            if section:
                with formatter.section(title):
                    formatter.write_dl(section)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        commands = [
            CompletionItem(name, help=text)
            for name, text in self._catalogue(ctx)
            if name.startswith(incomplete)
        ]
        return commands + click.Command.shell_complete(self, ctx, incomplete)

    def _catalogue(self, ctx: click.Context) -> Iterable[tuple[str, str]]:
        yield from ((name, lazy.help) for name, lazy in BUILTIN_COMMANDS.items() if lazy.exists)
        for name, command in ctx.ensure_object(State).plugin_commands.items():
            if not command.hidden:
                yield name, command.get_short_help_str(limit=60)


def hoist_global_options(args: Sequence[str]) -> list[str]:
    """Move `--debug` and `--plugin FILE` to the front, so that they may stand anywhere before a `--`."""
    front: list[str] = []
    rest: list[str] = []
    end = args.index("--") if "--" in args else len(args)
    words = iter(args[:end])
    for word in words:
        if word == _GLOBAL_OPTION:
            front += [word, *[value for value in [next(words, None)] if value is not None]]
        elif word == _GLOBAL_FLAG or word.startswith(f"{_GLOBAL_OPTION}="):
            front.append(word)
        else:
            rest.append(word)
    return [*front, *rest, *args[end:]]
