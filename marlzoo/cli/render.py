"""Showing things: tables for people on a terminal, aligned lines for pipes, JSON for programs."""

from __future__ import annotations

import json
import shutil
import sys
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])

_GAP = "  "


def json_option(command: F) -> F:
    """`--json`: the same as one JSON value on standard output, and nothing else."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON, and nothing else.")(command)


def print_json(value: Any) -> None:
    click.echo(json.dumps(value, indent=2, default=str))


def print_heading(name: str, text: str) -> None:
    """A name in bold with what it is."""
    first, *others = _wrapped(text, name + _GAP, _GAP) or [name]
    click.echo("\n".join([first.replace(name, click.style(name, bold=True), 1), *others]))


def print_facts(facts: Sequence[tuple[str, str]]) -> None:
    """`label  text` lines; those without text are left out. Long texts wrap on a terminal."""
    shown = [(label, text) for label, text in facts if text]
    width = max((len(label) for label, _ in shown), default=0)
    for label, text in shown:
        head = f"{_GAP}{label.ljust(width)}{_GAP}"
        click.echo("\n".join(_wrapped(text, head, " " * len(head))))


def _wrapped(text: str, first: str, following: str) -> list[str]:
    """`text` in lines that begin with `first` and `following`; one line if this is no terminal."""
    if not sys.stdout.isatty():
        return [first + text]
    width = shutil.get_terminal_size().columns
    options: dict[str, Any] = {"break_on_hyphens": False, "break_long_words": False}
    return textwrap.wrap(text, width, initial_indent=first, subsequent_indent=following, **options)


@dataclass(frozen=True)
class SettingRow:
    """One setting for people: `value` is what holds, `default` stands only where that is something else."""

    key: str
    value: str
    default: str
    allowed: str
    help: str

    @property
    def head(self) -> str:
        return f"{self.key} = {self.value}" + (f" (default {self.default})" if self.default else "")


def print_settings(rows: Sequence[SettingRow]) -> None:
    """Settings with their help text below each; in a pipe, one line per setting."""
    if not sys.stdout.isatty():
        cells = [(row.key, row.value, row.default, row.allowed, row.help) for row in rows]
        print_table(("Setting", "Value", "Default", "Allowed", "What it is"), cells)
        return
    heads = [row.head for row in rows]
    width = max((len(head) for head in heads), default=0)
    for row, head in zip(rows, heads, strict=True):
        styled = head.ljust(width).replace(row.key, click.style(row.key, bold=True), 1)
        click.echo(f"{styled}{_GAP}{click.style(row.allowed, dim=True)}")
        click.echo("\n".join(_wrapped(row.help, _GAP * 2, _GAP * 2)))


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table that fits the terminal; in a pipe, one unwrapped line per row."""
    if sys.stdout.isatty():
        _print_rich_table(columns, rows)
        return
    widths = [max(len(row[index]) for row in [columns, *rows]) for index in range(len(columns))]
    for row in [columns, *rows]:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        click.echo(_GAP.join(cells).rstrip())


def _print_rich_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for index, column in enumerate(columns):
        table.add_column(column, overflow="fold", style="bold" if index == 0 else "", no_wrap=index == 0)
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    Console().print(table)


def show_value(value: Any) -> str:
    """A value as one would type it after `-o key=`."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (list, tuple)):
        return ",".join(show_value(item) for item in value)
    return str(value) if value != "" else '""'
