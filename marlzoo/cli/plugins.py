"""`marlzoo plugins`: what was found, what it brings, and what was set aside and why."""

from __future__ import annotations

from typing import Any

import click

from marlzoo.cli.render import json_option, print_facts, print_heading, print_json, print_table
from marlzoo.cli.state import State, pass_state
from marlzoo.hookspecs import CATALOGUE_HOOKS
from marlzoo.plugins import PluginHost, PluginInfo, Problem


@click.command("plugins")
@click.option("--verbose", "-v", is_flag=True, help="Show modules, files, hooks and hashes as well.")
@json_option
@pass_state
def command(state: State, verbose: bool, as_json: bool) -> None:
    """List plug-ins: what each brings, and those that were set aside, with the reason.

    MARLZOO_PLUGINS names the only outside plug-ins to load, MARLZOO_BLOCK_PLUGINS those not to load, both
    separated by commas. MARLZOO_STRICT_PLUGINS=1 makes every problem an error, MARLZOO_TRACE_PLUGINS=1 shows
    every call of a hook on standard error.
    """
    host = state.catalogue.host
    if as_json:
        print_json(_as_json(host))
        return
    if verbose:
        _print_details(host)
    else:
        rows = [(plugin.name, _release(plugin), ", ".join(_offers(host, plugin))) for plugin in host.plugins]
        print_table(("Plug-in", "Distribution", "Brings"), rows)
    _print_problems("Problems", "red", host.problems)
    _print_problems("Not wanted", "yellow", host.skipped)


def _print_details(host: PluginHost) -> None:
    for plugin in host.plugins:
        print_heading(plugin.qualified, plugin.version)
        facts = [
            ("brings", ", ".join(_offers(host, plugin))),
            ("module", plugin.module),
            ("file", str(plugin.path)),
            ("hooks", ", ".join(plugin.hooks)),
            ("sha256", plugin.file_hash()),
        ]
        print_facts(facts)


def _print_problems(title: str, colour: str, problems: list[Problem]) -> None:
    if not problems:
        return
    click.echo()
    click.secho(title, fg=colour, bold=True)
    print_facts([(f"{problem.distribution}/{problem.plugin}", problem.message) for problem in problems])


def _release(plugin: PluginInfo) -> str:
    return f"{plugin.distribution} {plugin.version}".strip()


def _offers(host: PluginHost, plugin: PluginInfo) -> list[str]:
    """The names of what a plug-in brings, then the hooks by which it takes part otherwise."""
    names = [spec.name for hook in CATALOGUE_HOOKS for owner, spec in host.catalogue(hook) if owner == plugin]
    others = [hook.removeprefix("marlzoo_") for hook in plugin.hooks if hook not in CATALOGUE_HOOKS]
    return names + [f"({name})" for name in others]


def _as_json(host: PluginHost) -> dict[str, Any]:
    return {
        "plugins": [_plugin_json(host, plugin) for plugin in host.plugins],
        "problems": [vars(problem) for problem in host.problems],
        "skipped": [vars(problem) for problem in host.skipped],
    }


def _plugin_json(host: PluginHost, plugin: PluginInfo) -> dict[str, Any]:
    catalogue = {
        hook.removeprefix("marlzoo_"): [spec.name for owner, spec in host.catalogue(hook) if owner == plugin]
        for hook in CATALOGUE_HOOKS
    }
    return {
        "name": plugin.name,
        "qualified": plugin.qualified,
        "distribution": plugin.distribution,
        "version": plugin.version,
        "builtin": plugin.builtin,
        "module": plugin.module,
        "path": str(plugin.path),
        "hooks": list(plugin.hooks),
        "sha256": plugin.file_hash(),
        "offers": {kind: names for kind, names in catalogue.items() if names},
    }
