"""Checks and their outcomes: the one form in which pytest classes and the command line use a contract.

A check is a plain function of a subject and the name of a world, which raises `ContractFailure`. What the
subject's own code raises on the way counts as a failure of the check that called it.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

from marlzoo.run.global_state import kept
from marlzoo.testing.failure import ContractFailure

S = TypeVar("S")

Status = Literal["ok", "failed", "skipped"]


def _no_reason(subject: object, world: str) -> str:
    return ""


@dataclass(frozen=True)
class Check(Generic[S]):
    """One paragraph of a contract.

    Attributes:
        name: short, with hyphens; the heading of its section in the guide.
        rule: what must hold, in one line.
        run: raises `ContractFailure` where it does not hold.
        worlds: the names of the worlds that it is run in; `("",)` for a check without one.
        reason_to_skip: why it does not concern a subject in a world; empty where it does.
        essential: where it fails, the checks after it make no sense.
    """

    name: str
    rule: str
    run: Callable[[S, str], None]
    worlds: Sequence[str] = ("",)
    reason_to_skip: Callable[[S, str], str] = _no_reason
    essential: bool = False

    def __call__(self, subject: S, world: str = "") -> None:
        """Run it in one world. Global state that the subject's code changes is put back afterwards.

        Raises:
            ContractFailure: the rule does not hold, or the subject's code raised something.
        """
        try:
            with kept():
                self.run(subject, world)
        except ContractFailure as failure:
            failure.check = self.name
            raise
        except Exception as error:
            raise ContractFailure(self.rule, described(error), self.name) from error


@dataclass(frozen=True)
class Case(Generic[S]):
    """A check in one world."""

    check: Check[S]
    world: str

    def __str__(self) -> str:
        return f"{self.check.name}-{self.world}" if self.world else self.check.name


@dataclass(frozen=True)
class Outcome:
    """What came of a case. `reason` says why it was skipped; the rest is that of the failure."""

    check: str
    world: str
    rule: str
    status: Status
    reason: str = ""
    expected: str = ""
    happened: str = ""
    guide: str = ""


def cases(checks: Iterable[Check[S]]) -> list[Case[S]]:
    """Every check in every one of its worlds."""
    return [Case(check, world) for check in checks for world in check.worlds]


def outcomes(chosen: Iterable[Case[S]], subject: S) -> Iterator[Outcome]:
    """Run the cases one after the other; only an essential check that fails keeps the rest from running."""
    failed = ""
    for case in chosen:
        if failed:
            reason = f"not tried after {failed} failed"
            yield Outcome(case.check.name, case.world, case.check.rule, "skipped", reason=reason)
            continue
        found = outcome(case, subject)
        yield found
        if case.check.essential and found.status == "failed":
            failed = case.check.name


def outcome(case: Case[S], subject: S) -> Outcome:
    """Run one case, unless it does not concern the subject."""
    check, world = case.check, case.world
    reason = check.reason_to_skip(subject, world)
    if reason:
        return Outcome(check.name, world, check.rule, "skipped", reason=reason)
    try:
        check(subject, world)
    except ContractFailure as failure:
        expected, happened, guide = failure.expected, failure.happened, failure.guide
        return Outcome(
            check.name, world, check.rule, "failed", expected=expected, happened=happened, guide=guide
        )
    return Outcome(check.name, world, check.rule, "ok")


def described(error: BaseException) -> str:
    """An exception in one line, with the place where it was raised."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f" ({frames[-1].filename}, line {frames[-1].lineno})" if frames else ""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}{where}" if text else f"{type(error).__name__}{where}"
