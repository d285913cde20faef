"""`marlzoo check`: hold an algorithm to its contract."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from marlzoo.cli.complete import complete_algorithm
from marlzoo.cli.contract_table import CHECK_FAILED, choose, print_outcomes, run_cases
from marlzoo.cli.render import json_option, print_json
from marlzoo.cli.state import pass_registry
from marlzoo.cli.threads import limit_threads

if TYPE_CHECKING:
    from marlzoo.registry import Registry


@click.command("check")
@click.argument("algorithm", shell_complete=complete_algorithm)
@click.option(
    "-o", "--option", "overrides", multiple=True, metavar="KEY=VALUE", help="Hyper-parameter to set."
)
@click.option("--only", multiple=True, metavar="CHECK", help="Run this check alone. May be repeated.")
@json_option
@pass_registry
def command(
    registry: Registry, /, algorithm: str, overrides: tuple[str, ...], only: tuple[str, ...], as_json: bool
) -> None:
    """Check that ALGORITHM keeps the contract of algorithms.

    It plays tiny worlds with known answers: half a minute, no pytest. What makes it learn quickly there may
    stand in the table ["tiny"] of its presets. Exits with 1 if a check fails.
    """
    entry = registry.algorithm(algorithm)
    limit_threads(1)
    from marlzoo.testing.algorithm_checks import algorithm_cases
    from marlzoo.testing.subject import Subject, quick_options

    chosen = choose(algorithm_cases(), only)
    found = run_cases(chosen, Subject(entry, quick_options(entry, overrides)))
    if as_json:
        print_json({"algorithm": entry.qualified, "checks": [vars(outcome) for outcome in found]})
    else:
        print_outcomes(entry.address, found)
    if any(outcome.status == "failed" for outcome in found):
        click.get_current_context().exit(CHECK_FAILED)
