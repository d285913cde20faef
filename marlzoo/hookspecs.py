"""The hooks of marlzoo: everything that a plug-in can do, each documented where it is declared.

A plug-in is a module named by an entry point of the group `marlzoo`. It carries `MARLZOO_API = 1`, is cheap
to import, and implements any of the hooks below with `@marlzoo.hookimpl`. A hook may leave out arguments that
it does not use.

There are three kinds of hooks. *Catalogue* hooks say what the plug-in offers; they are called once, when the
plug-in is loaded, and a plug-in whose answer is not what was asked for is not loaded at all. *Observers* are
told what happens during a run and can change nothing about it. *Extensions* add to the command line.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import pluggy

from marlzoo.specs import AlgorithmSpec, EnvironmentSpec, SinkSpec, Suite

if TYPE_CHECKING:
    import click

hookspec = pluggy.HookspecMarker("marlzoo")

CATALOGUE_HOOKS: Mapping[str, type] = MappingProxyType(
    {
        "marlzoo_algorithms": AlgorithmSpec,
        "marlzoo_environments": EnvironmentSpec,
        "marlzoo_suites": Suite,
        "marlzoo_sinks": SinkSpec,
    }
)
"""Every catalogue hook with the type of the values in the list that it returns."""

OBSERVER_HOOKS = (
    "marlzoo_run_started",
    "marlzoo_evaluated",
    "marlzoo_checkpointed",
    "marlzoo_run_finished",
)

EXTENSION_HOOKS = ("marlzoo_commands",)

ALL_HOOKS = (*CATALOGUE_HOOKS, *OBSERVER_HOOKS, *EXTENSION_HOOKS)


@hookspec
def marlzoo_algorithms() -> list[AlgorithmSpec]:  # type: ignore[empty-body]
    """The algorithms of this plug-in.

    They are reachable as `distribution/name`, and as `name` alone where nobody else claims it.
    """


@hookspec
def marlzoo_environments() -> list[EnvironmentSpec]:  # type: ignore[empty-body]
    """The environment families of this plug-in, addressed as `family:task`."""


@hookspec
def marlzoo_suites() -> list[Suite]:  # type: ignore[empty-body]
    """The benchmark suites of this plug-in: what is compared, on what, and for how long."""


@hookspec
def marlzoo_sinks() -> list[SinkSpec]:  # type: ignore[empty-body]
    """The places where this plug-in can send metrics, chosen with `--sink NAME`."""


@hookspec
def marlzoo_run_started(run: Any) -> None:
    """A run is about to take its first step, or to go on after `marlzoo resume`.

    `run` describes it: `path` (the run folder), `algorithm`, `environment`, `backend`, `seed`, `steps` (the
    budget) and `score`. Like every observer, this hook may never end a run: one that raises is logged once,
    and its plug-in hears no more of the run.
    """


@hookspec
def marlzoo_evaluated(run: Any, evaluation: Any) -> None:
    """An evaluation was written to the run's folder.

    `evaluation` holds `step`, `score`, `scores` (one per episode), `mean_return`, `mean_length`, `metrics`.
    """


@hookspec
def marlzoo_checkpointed(run: Any, path: Path) -> None:
    """A checkpoint was completed at `path`. It may be rotated away later: copy it to keep it."""


@hookspec
def marlzoo_run_finished(run: Any, outcome: str) -> None:
    """A run ended; `outcome` is `"finished"`, `"interrupted"` or `"failed"`."""


@hookspec
def marlzoo_commands(cli: click.Group) -> None:
    """Add commands to the command line: `@cli.command()` or `cli.add_command(command)`.

    `cli` starts empty. What is added to it becomes a command of `marlzoo`, unless the name is taken: a
    command is never replaced, and the attempt is reported.
    """
