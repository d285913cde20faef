"""The hooks of marlzoo: everything that a plug-in can do, each documented where it is declared.

A plug-in is a module named by an entry point of the group `marlzoo`. It carries `MARLZOO_API = 1`, is cheap
to import, and implements any of the hooks below with `@marlzoo.hookimpl`. A hook may leave out arguments that
it does not use.

There are three kinds of hooks. *Catalogue* hooks say what the plug-in offers; they are called once, when the
plug-in is loaded, and a plug-in whose answer is not what was asked for is not loaded at all. *Observers* are
told what happens during a run and can change nothing about it: one that raises is logged once and muted, and
global state that it changed is put back. *Extensions* add to the command line. No hook can take a name that
is somebody else's, whatever the order in which plug-ins were installed.

`docs/hooks.md` is made from this module by `scripts/hooks_page.py`.
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

    They are reachable as `distribution/name`, and as `name` alone where nobody else claims it. Strings name
    the classes, so that listing what exists imports neither them nor torch.

    Example:

        from marlzoo.api import AlgorithmSpec, hookimpl

        MARLZOO_API = 1


        @hookimpl
        def marlzoo_algorithms() -> list[AlgorithmSpec]:
            return [
                AlgorithmSpec(
                    name="foo",
                    algorithm="marlzoo_foo.algorithm:Foo",
                    config="marlzoo_foo.config:FooConfig",
                    summary="What it does, in one line",
                )
            ]
    """


@hookspec
def marlzoo_environments() -> list[EnvironmentSpec]:  # type: ignore[empty-body]
    """The environment families of this plug-in, addressed as `family:task`.

    Example:

        from marlzoo.api import EnvironmentSpec, Score, hookimpl

        MARLZOO_API = 1


        @hookimpl
        def marlzoo_environments() -> list[EnvironmentSpec]:
            return [
                EnvironmentSpec(
                    name="pond",
                    make="marlzoo_pond.env:make",
                    config="marlzoo_pond.config:PondConfig",
                    summary="Frogs that meet on a leaf",
                    score=Score("met", metric="met"),
                    tasks=("small", "large"),
                )
            ]
    """


@hookspec
def marlzoo_suites() -> list[Suite]:  # type: ignore[empty-body]
    """The benchmark suites of this plug-in: what is compared, on what, and for how long.

    `marlzoo.api.read_suites` reads them from TOML files.

    Example:

        from marlzoo.api import Suite, hookimpl

        MARLZOO_API = 1


        @hookimpl
        def marlzoo_suites() -> list[Suite]:
            environments = ("pond:small", "pond:large")
            return [Suite("pond", "Both ponds, ten seeds", environments, steps=500_000, seeds=10)]
    """


@hookspec
def marlzoo_sinks() -> list[SinkSpec]:  # type: ignore[empty-body]
    """The places where this plug-in can send metrics, chosen with `--sink NAME`.

    `sink` names a callable that is given the run's folder and returns a `marlzoo.api.Sink`. One that cannot
    be opened is an error before the first step. One that raises later is reported, told nothing more, and
    named in the manifest and the result under `dropped_sinks`; the run goes on.

    Example:

        from marlzoo.api import SinkSpec, hookimpl

        MARLZOO_API = 1


        @hookimpl
        def marlzoo_sinks() -> list[SinkSpec]:
            return [SinkSpec(name="csv", sink="marlzoo_foo.sinks:CsvSink", summary="metrics.csv")]
    """


@hookspec
def marlzoo_run_started(run: Any) -> None:
    """A run is about to take its first step, or to go on after `marlzoo resume`.

    `run` describes it: `path` (the run folder), `algorithm`, `environment`, `backend`, `seed`, `steps` (the
    budget) and `score`. Files of the plug-in belong into `run.path`, which no other run uses.

    Example:

        from typing import Any

        from marlzoo.api import hookimpl

        MARLZOO_API = 1


        @hookimpl
        def marlzoo_run_started(run: Any) -> None:
            (run.path / "who.txt").write_text(f"{run.algorithm} on {run.environment}, seed {run.seed}")
    """


@hookspec
def marlzoo_evaluated(run: Any, evaluation: Any) -> None:
    """An evaluation was written to the run's folder.

    `evaluation` holds `step`, `score`, `scores` (one per episode), `mean_return`, `mean_length`, `metrics`
    (means over episodes by name) and `wall_seconds`.

    Example:

        from typing import Any

        from marlzoo.api import hookimpl

        MARLZOO_API = 1


        @hookimpl
        def marlzoo_evaluated(run: Any, evaluation: Any) -> None:
            if evaluation.score >= 0.9:
                (run.path / "solved.txt").write_text(f"at step {evaluation.step}")
    """


@hookspec
def marlzoo_checkpointed(run: Any, path: Path) -> None:
    """A checkpoint was completed at `path`. It may be rotated away later: copy it to keep it.

    Example:

        import shutil
        from pathlib import Path
        from typing import Any

        from marlzoo.api import hookimpl

        MARLZOO_API = 1


        @hookimpl
        def marlzoo_checkpointed(run: Any, path: Path) -> None:
            shutil.copy2(path, run.path / f"kept-{path.name}")
    """


@hookspec
def marlzoo_run_finished(run: Any, outcome: str) -> None:
    """A run ended; `outcome` is `"finished"`, `"interrupted"` or `"failed"`.

    It is called after everything was written down. `result.json` in `run.path` exists where the run is
    finished.

    Example:

        import json
        from typing import Any

        from marlzoo.api import hookimpl

        MARLZOO_API = 1


        @hookimpl
        def marlzoo_run_finished(run: Any, outcome: str) -> None:
            if outcome == "finished":
                score = json.loads((run.path / "result.json").read_text())["score"]
                (run.path / "score.txt").write_text(f"{score:.3f}")
    """


@hookspec
def marlzoo_commands(cli: click.Group) -> None:
    """Add commands to the command line: `@cli.command()` or `cli.add_command(command)`.

    `cli` starts empty. What is added to it becomes a command of `marlzoo`, unless the name is taken: a
    command is never replaced, and the attempt is reported.

    Example:

        import click

        from marlzoo.api import hookimpl

        MARLZOO_API = 1


        @hookimpl
        def marlzoo_commands(cli: click.Group) -> None:
            @cli.command("greet")
            @click.argument("name")
            def greet(name: str) -> None:
                \"\"\"Greet NAME.\"\"\"
                click.echo(f"hello, {name}")
    """
