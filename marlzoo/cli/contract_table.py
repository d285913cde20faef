"""What `check` and `check-env` share: choosing checks, running them, and showing what came of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeVar

import click
from rich.console import Console

from marlzoo.cli.render import print_facts, print_heading, print_table
from marlzoo.errors import UsageError, nearest
from marlzoo.wording import counted

if TYPE_CHECKING:
    from marlzoo.testing.checks import Case, Outcome

S = TypeVar("S")

CHECK_FAILED = 1
"""The exit code."""


def choose(cases: Sequence[Case[S]], names: Sequence[str]) -> list[Case[S]]:
    """The cases of the named checks, all if none is named. Raises `UsageError` for an unknown name."""
    known = {case.check.name for case in cases}
    for name in names:
        if name not in known:
            raise UsageError(f"unknown check {name!r}{nearest(name, known)}")
    return [case for case in cases if not names or case.check.name in names]


def run_cases(cases: Sequence[Case[S]], subject: S) -> list[Outcome]:
    """Run the cases, on a terminal with a line that says how far it is."""
    from marlzoo.testing.checks import outcomes

    found: list[Outcome] = []
    with Console(stderr=True).status(f"{len(cases)} checks") as status:
        for outcome in outcomes(cases, subject):
            found.append(outcome)
            status.update(f"{len(found)} of {len(cases)}: {outcome.rule}")
    return found


def print_outcomes(name: str, found: Sequence[Outcome]) -> None:
    """A row for each check, then every failure with what was expected and what happened."""
    checks = dict.fromkeys(outcome.check for outcome in found)
    grouped = [[outcome for outcome in found if outcome.check == check] for check in checks]
    rows = [(group[0].check, _result(group), group[0].rule) for group in grouped]
    print_table(("Check", "Result", "What must hold"), rows)
    _print_failures([outcome for outcome in found if outcome.status == "failed"])
    click.echo()
    failed = any(outcome.status == "failed" for outcome in found)
    click.secho(f"{name} {verdict(found)}", fg="red" if failed else "green", bold=True)


def verdict(found: Sequence[Outcome]) -> str:
    """What came of all checks: `keeps its contract: 17 checks, 3 skipped`."""
    failed = {outcome.check for outcome in found if outcome.status == "failed"}
    tried = {outcome.check for outcome in found if outcome.status != "skipped"}
    skipped = {outcome.check for outcome in found} - tried
    said = f"keeps its contract: {counted(len(tried), 'check')}"
    if failed:
        said = f"fails {len(failed)} of {counted(len(tried), 'check')}"
    return said + (f", {len(skipped)} skipped" if skipped else "")


def _result(group: Sequence[Outcome]) -> str:
    """How a check went in all its worlds, in a few words."""
    failed = [outcome.world for outcome in group if outcome.status == "failed"]
    if failed:
        return "failed" if failed == [""] else f"failed in {', '.join(failed)}"
    passed = [outcome for outcome in group if outcome.status == "ok"]
    if not passed:
        return f"skipped: {group[0].reason}"
    return "ok" if len(group) == 1 else f"ok in {counted(len(passed), 'world')}"


def _print_failures(failures: Sequence[Outcome]) -> None:
    """What was expected, what happened, and what the guide says; once if it is the same in several worlds."""
    from marlzoo.testing.guide import explanation

    worlds: dict[tuple[str, ...], list[str]] = {}
    for failure in failures:
        told = (failure.check, failure.expected, failure.happened, failure.guide)
        worlds.setdefault(told, []).append(failure.world)
    for (check, expected, happened, guide), where in worlds.items():
        click.echo()
        print_heading(check, f"in {', '.join(where)}" if where != [""] else "")
        facts = [
            ("expected", expected),
            ("happened", happened),
            ("why", explanation(check)),
            ("guide", guide),
        ]
        print_facts(facts)
