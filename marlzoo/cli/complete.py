"""What a shell may complete an argument to. Completion never fails: without a registry it offers nothing."""

from __future__ import annotations

import click

from marlzoo.cli.state import State
from marlzoo.errors import MarlzooError
from marlzoo.registry import Registry


def complete_algorithm(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
    return _starting(
        incomplete, [entry.address for registry in _registry(ctx) for entry in registry.algorithms()]
    )


def complete_environment(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
    return _starting(incomplete, [name for registry in _registry(ctx) for name in environment_ids(registry)])


def complete_suite(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
    return _starting(
        incomplete, [entry.address for registry in _registry(ctx) for entry in registry.suites()]
    )


def complete_name(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """Anything that `marlzoo show` knows."""
    return [
        *complete_algorithm(ctx, parameter, incomplete),
        *complete_environment(ctx, parameter, incomplete),
        *complete_suite(ctx, parameter, incomplete),
    ]


def environment_ids(registry: Registry) -> list[str]:
    """Every known `family:task`; the family alone where any task may exist."""
    return [
        name
        for entry in registry.environments()
        for name in ([f"{entry.address}:{task}" for task in entry.spec.tasks] or [f"{entry.address}:"])
    ]


def _registry(ctx: click.Context) -> list[Registry]:
    try:
        return [ctx.ensure_object(State).catalogue]
    except MarlzooError:
        return []


def _starting(incomplete: str, names: list[str]) -> list[str]:
    return [name for name in names if name.startswith(incomplete)]
