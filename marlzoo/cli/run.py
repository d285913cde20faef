"""`marlzoo run`: train one algorithm in one environment."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from marlzoo.cli.complete import complete_algorithm, complete_environment
from marlzoo.cli.render import print_table, show_value
from marlzoo.cli.session import count_option, finish, json_option, open_session, quiet_option
from marlzoo.cli.state import pass_registry
from marlzoo.run.settings import RunSettings

if TYPE_CHECKING:
    from marlzoo.registry import Registry
    from marlzoo.run.plan import Plan


@click.command("run")
@click.argument("algorithm", shell_complete=complete_algorithm)
@click.option(
    "--env",
    "environment",
    required=True,
    metavar="ENV",
    shell_complete=complete_environment,
    help="Environment, such as smac:3s5z.",
)
@click.option(
    "--env-arg", "env_args", multiple=True, metavar="KEY=VALUE", help="Argument of the environment."
)
@click.option(
    "-o", "--option", "overrides", multiple=True, metavar="KEY=VALUE", help="Hyper-parameter to set."
)
@count_option("--steps", "Budget of environment steps: 500k, 1.5M, 1e6.  [default: 1M]")
@click.option(
    "--seed", type=click.IntRange(min=0), metavar="N", help="Root of all random streams.  [default: 0]"
)
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="DIR", help="Run folder; by default under runs/."
)
@count_option("--eval-interval", "Steps between evaluations.  [default: steps / 50]")
@count_option("--eval-episodes", "Greedy episodes per evaluation.  [default: 32]")
@click.option(
    "--absolute-episodes",
    type=click.IntRange(min=0),
    metavar="N",
    help="New episodes for the best policy at the end.  [default: 320]",
)
@count_option("--checkpoint-interval", "Steps between checkpoints.  [default: every minute]")
@click.option(
    "--sink", "sinks", multiple=True, metavar="NAME", help="One more place for metrics: tensorboard."
)
@click.option(
    "--threads", type=click.IntRange(min=1), metavar="N", help="Threads to compute with.  [default: 1]"
)
@click.option("--print-config", is_flag=True, help="Show every hyper-parameter and its origin; run nothing.")
@json_option
@quiet_option
@pass_registry
def command(
    registry: Registry, /, out: Path | None, print_config: bool, as_json: bool, quiet: bool, **rest: Any
) -> None:
    """Train ALGORITHM in an environment, keeping everything in a run folder.

    Ctrl-C saves and stops; `marlzoo resume` goes on exactly from there.
    """
    plan = _plan(registry, **rest)
    if print_config:
        _print_config(plan, as_json=as_json)
        return
    with open_session(plan.settings.threads, as_json=as_json, quiet=quiet) as session:
        from marlzoo.run.experiment import begin_run

        outcome = begin_run(
            registry,
            plan,
            out or _default_out(plan),
            command=session.command,
            listener=session.listener,
            stop=session.stop,
        )
    finish(outcome, as_json=as_json)


def _plan(
    registry: Registry,
    *,
    algorithm: str,
    environment: str,
    env_args: tuple[str, ...],
    overrides: tuple[str, ...],
    sinks: tuple[str, ...],
    **settings: Any,
) -> Plan:
    from marlzoo.run.plan import make_plan

    given = {name: value for name, value in settings.items() if value is not None}
    return make_plan(
        registry,
        algorithm,
        environment,
        env_args=env_args,
        overrides=overrides,
        settings=RunSettings(**given),
        sinks=sinks,
    )


def _default_out(plan: Plan) -> Path:
    from marlzoo.run.folder import default_path

    return default_path(Path("runs"), plan.environment.id, plan.algorithm.address, plan.settings.seed)


def _print_config(plan: Plan, *, as_json: bool) -> None:
    rows = plan.rows()
    if as_json:
        click.echo(json.dumps({key: {"value": value, "origin": origin} for key, value, origin in rows}))
        return
    print_table(("Key", "Value", "Origin"), [(key, show_value(value), origin) for key, value, origin in rows])
