"""`marlzoo list`: what exists."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import click

from marlzoo.cli.render import json_option, print_facts, print_heading, print_json, print_table
from marlzoo.cli.state import State, pass_state
from marlzoo.registry import Entry


@click.group("list")
def command() -> None:
    """List algorithms, environments or suites."""


@command.command("algorithms")
@json_option
@pass_state
def list_algorithms(state: State, as_json: bool) -> None:
    """List the algorithms of all plug-ins."""
    entries = state.registry.algorithms()
    if as_json:
        print_json([entry_json(entry) for entry in entries])
        return
    rows = [
        (
            entry.address,
            action_kinds(entry.spec.discrete, entry.spec.continuous),
            "any" if entry.spec.count_free else "as trained",
            origin(entry),
            entry.spec.summary,
        )
        for entry in entries
    ]
    print_table(("Name", "Actions", "Agents", "From", "Summary"), rows)


@command.command("environments")
@json_option
@pass_state
def list_environments(state: State, as_json: bool) -> None:
    """List the environment families of all plug-ins, with their tasks."""
    entries = state.registry.environments()
    if as_json:
        print_json([entry_json(entry) for entry in entries])
        return
    for entry in entries:
        print_heading(entry.address, entry.spec.summary)
        tasks = " ".join(f"{entry.address}:{task}" for task in entry.spec.tasks)
        print_facts([("from", origin(entry)), ("score", entry.spec.score.name), ("tasks", tasks)])


@command.command("suites")
@json_option
@pass_state
def list_suites(state: State, as_json: bool) -> None:
    """List the benchmark suites of all plug-ins."""
    entries = state.registry.suites()
    if as_json:
        print_json([entry_json(entry) for entry in entries])
        return
    rows = [
        (
            entry.address,
            str(len(entry.spec.environments)),
            f"{entry.spec.steps:,}",
            str(entry.spec.seeds),
            entry.spec.summary,
        )
        for entry in entries
    ]
    print_table(("Name", "Environments", "Steps", "Seeds", "Summary"), rows)


def entry_json(entry: Entry[Any]) -> dict[str, Any]:
    """A spec with where it came from. `name` is the shortest name that finds it."""
    plugin = entry.plugin
    return {
        **asdict(entry.spec),
        "name": entry.address,
        "qualified": entry.qualified,
        "plugin": plugin.name,
        "distribution": plugin.distribution,
        "version": plugin.version,
        "builtin": plugin.builtin,
    }


def origin(entry: Entry[Any]) -> str:
    return (
        "built in" if entry.plugin.builtin else f"{entry.plugin.distribution} {entry.plugin.version}".strip()
    )


def action_kinds(discrete: bool, continuous: bool) -> str:
    return "both" if discrete and continuous else "discrete" if discrete else "continuous"
