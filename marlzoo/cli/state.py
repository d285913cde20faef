"""What one invocation of the command line knows: global options, and the plug-ins once they are needed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from marlzoo.plugins import PluginHost
    from marlzoo.registry import Registry

R = TypeVar("R")


@dataclass
class State:
    """`ctx.obj` of every command. Plug-ins are loaded when `registry` is first read, and not before."""

    debug: bool = False
    files: list[Path] = field(default_factory=list)
    """The plug-ins given by `--plugin`."""
    reserved: frozenset[str] = frozenset()
    """Names of commands that plug-ins cannot take."""

    @cached_property
    def registry(self) -> Registry:
        """What exists. Broken plug-ins cost one line each on standard error."""
        for problem in self.catalogue.host.problems:
            click.echo(f"warning: {problem} (see 'marlzoo plugins')", err=True)
        return self.catalogue

    @property
    def catalogue(self) -> Registry:
        """The same, saying nothing."""
        return self._loaded[0]

    @property
    def plugin_commands(self) -> dict[str, click.Command]:
        """The commands that plug-ins add, by name."""
        return self._loaded[1]

    @cached_property
    def _loaded(self) -> tuple[Registry, dict[str, click.Command]]:
        from marlzoo.registry import Registry

        registry = Registry.load(self.files)
        return registry, collect_commands(registry.host, self.reserved)


def collect_commands(host: PluginHost, reserved: frozenset[str]) -> dict[str, click.Command]:
    """The commands of all plug-ins. Each fills an empty group and cannot touch what is there already."""
    found: dict[str, click.Command] = {}
    for plugin in host.implementing("marlzoo_commands"):
        group = click.Group()
        host.attempt(plugin, "marlzoo_commands", cli=group)
        for name, command in sorted(group.commands.items()):
            if name in reserved or name in found:
                host.report(plugin.name, plugin.distribution, f"may not replace the command {name!r}")
            else:
                found[name] = command
    return found


pass_state = click.make_pass_decorator(State, ensure=True)


def pass_registry(function: Callable[..., R]) -> Callable[..., R]:
    """Give a command the registry as its first argument."""

    @pass_state
    @wraps(function)
    def with_registry(state: State, /, *arguments: Any, **options: Any) -> R:
        return function(state.registry, *arguments, **options)

    return with_registry
