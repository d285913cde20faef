"""`marlzoo new-plugin`: a distribution to start from."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from marlzoo.cli.render import json_option, print_json
from marlzoo.cli.state import State, pass_state
from marlzoo.errors import UsageError
from marlzoo.scaffold.naming import PluginName, plugin_name
from marlzoo.scaffold.writer import KINDS, write_plugin


@click.command("new-plugin")
@click.argument("name")
@click.option(
    "--kind",
    type=click.Choice(list(KINDS)),
    default="on-policy",
    show_default=True,
    help="What the algorithm to start from is like.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("."),
    metavar="DIR",
    help="Where to put the folder marlzoo-NAME.  [default: here]",
)
@json_option
@pass_state
def command(state: State, name: str, kind: str, out: Path, as_json: bool) -> None:
    """Write a distribution marlzoo-NAME with a short algorithm that works and learns.

    It brings its settings, a preset, the tests of the contract, a README, a licence and a CI file. Once it is
    installed, every command knows it.
    """
    names = plugin_name(name)
    _check_free(state, names)
    folder = write_plugin(names, kind, out)
    algorithm = folder / names.module / "algorithm.py"
    following = (
        f"pip install -e {shlex.quote(str(folder))}",
        f"marlzoo check {names.algorithm}",
        f"marlzoo run {names.algorithm} --env smac:3m",
        f"marlzoo compare {names.algorithm} mappo",
    )
    if as_json:
        print_json({"folder": folder, "algorithm": algorithm, "next": following})
        return
    click.echo("\n  ".join([f"wrote {folder}; now try:", *following]))
    click.echo(f"The algorithm is in {algorithm}.")


def _check_free(state: State, names: PluginName) -> None:
    """Raises `UsageError` for a name that a built-in plug-in has: it would never be found by it."""
    builtin = [plugin for plugin in state.catalogue.host.plugins if plugin.builtin]
    algorithms = {entry.spec.name for entry in state.catalogue.algorithms() if entry.plugin.builtin}
    if names.algorithm in algorithms or names.module in {plugin.module for plugin in builtin}:
        raise UsageError(
            f"{names.algorithm!r} is built in; choose another name, such as my_{names.algorithm}"
        )
