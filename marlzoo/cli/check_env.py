"""`marlzoo check-env`: hold an environment to its contract."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from marlzoo.cli.complete import complete_environment
from marlzoo.cli.contract_table import CHECK_FAILED, choose, print_outcomes, run_cases
from marlzoo.cli.render import json_option, print_json, print_table
from marlzoo.cli.state import pass_registry
from marlzoo.cli.threads import limit_threads

if TYPE_CHECKING:
    from marlzoo.envs.finding import Finding
    from marlzoo.registry import Registry


@click.command("check-env")
@click.argument("environment", metavar="ENV", shell_complete=complete_environment)
@click.option(
    "--env-arg", "env_args", multiple=True, metavar="KEY=VALUE", help="Argument of the environment."
)
@click.option("--only", multiple=True, metavar="CHECK", help="Run this check alone. May be repeated.")
@click.option(
    "--steps",
    type=click.IntRange(min=1),
    default=200,
    show_default=True,
    help="How long it is played with random legal actions.",
)
@json_option
@pass_registry
def command(
    registry: Registry,
    /,
    environment: str,
    env_args: tuple[str, ...],
    only: tuple[str, ...],
    steps: int,
    as_json: bool,
) -> None:
    """Check that ENV keeps the contract of environments, and say what is missing.

    Any PettingZoo environment can be given: pettingzoo:my_package.my_env, or pettingzoo:my_file:make for a
    factory in a file here. Exits with 1 if a check fails.
    """
    choice = registry.environment(environment, env_args)
    limit_threads(1)
    from marlzoo.testing.environment_checks import environment_cases
    from marlzoo.testing.habitat import companion, habitat_of

    chosen = choose(environment_cases(), only)
    inspect = companion(choice, "inspection", "inspect")
    findings: list[Finding] = [] if inspect is None else inspect(choice.task, choice.config)
    problem = any(finding.level == "problem" for finding in findings)
    found = [] if problem else run_cases(chosen, habitat_of(choice, steps))
    if as_json:
        print_json(
            {
                "environment": choice.id,
                "findings": [vars(finding) for finding in findings],
                "checks": [vars(outcome) for outcome in found],
            }
        )
    else:
        _print_findings(findings)
        if found:
            print_outcomes(choice.id, found)
    if problem or any(outcome.status == "failed" for outcome in found):
        click.get_current_context().exit(CHECK_FAILED)


def _print_findings(findings: Sequence[Finding]) -> None:
    """What was seen before the environment was built, with what to do about it."""
    if findings:
        rows = [(finding.level, finding.what, finding.remedy) for finding in findings]
        print_table(("Finding", "What", "What to do"), rows)
        click.echo()
