"""A plug-in as it was written for API 1, with something of everything. It stays while the number is 1."""

from __future__ import annotations

import click

from marlzoo.api import AlgorithmSpec, EnvironmentSpec, Score, SinkSpec, Suite, hookimpl

MARLZOO_API = 1


@hookimpl
def marlzoo_algorithms():
    return [AlgorithmSpec("old", "parts_for_api_1:Old", "parts_for_api_1:OldConfig", "Plays at random")]


@hookimpl
def marlzoo_environments():
    score = Score("optimal", "optimal", percent=True)
    return [
        EnvironmentSpec(
            "old_world",
            "parts_for_api_1:make",
            "parts_for_api_1:OldEnvConfig",
            "A game",
            score,
            ("game",),
        )
    ]


@hookimpl
def marlzoo_suites():
    return [Suite("old-suite", "One game", ("old_world:game",), 64, 5)]


@hookimpl
def marlzoo_sinks():
    return [SinkSpec("old-sink", "parts_for_api_1:OldSink", "Forgets")]


@hookimpl
def marlzoo_run_started(run):
    (run.path / "started.txt").write_text(f"{run.algorithm} {run.environment} {run.seed} {run.steps}")


@hookimpl
def marlzoo_run_finished(outcome):
    """It may leave out the run."""


@hookimpl
def marlzoo_commands(cli):
    @cli.command("old-command")
    def command():
        """Says something."""
        click.echo("said")
