"""Checks and their outcomes, with checks that are told how to end."""

from __future__ import annotations

import pytest

from marlzoo.cli.contract_table import verdict
from marlzoo.testing.checks import Check, cases, outcomes
from marlzoo.testing.failure import ContractFailure
from marlzoo.testing.guide import place


def act(subject: dict[str, str], world: str) -> None:
    """End as the subject says for this world."""
    wanted = subject.get(world, "")
    if wanted == "fail":
        raise ContractFailure("peace", f"war in {world}")
    if wanted == "crash":
        raise ValueError("two\nlines")


def skipped(subject: dict[str, str], world: str) -> str:
    return "not here" if subject.get(world) == "skip" else ""


FIRST = Check("first", "there is peace", act, ("a", "b"), skipped, essential=True)
SECOND = Check("second", "there is peace too", act, ("c",), skipped)


def ended(**subject: str) -> list[tuple[str, str, str]]:
    found = outcomes(cases([FIRST, SECOND]), subject)
    return [
        (outcome.world, outcome.status, outcome.reason or outcome.happened.partition(" (")[0])
        for outcome in found
    ]


def test_every_world_of_every_check_is_tried():
    assert [str(case) for case in cases([FIRST, SECOND])] == ["first-a", "first-b", "second-c"]
    assert ended() == [("a", "ok", ""), ("b", "ok", ""), ("c", "ok", "")]


def test_a_failure_does_not_keep_the_others_from_running():
    assert ended(c="fail", a="skip") == [
        ("a", "skipped", "not here"),
        ("b", "ok", ""),
        ("c", "failed", "war in c"),
    ]


def test_after_an_essential_failure_nothing_more_is_tried():
    assert ended(a="fail") == [
        ("a", "failed", "war in a"),
        ("b", "skipped", "not tried after first failed"),
        ("c", "skipped", "not tried after first failed"),
    ]


def test_what_a_plugin_raises_is_a_failure_in_one_line():
    assert ended(c="crash")[-1] == ("c", "failed", "ValueError: two lines")
    with pytest.raises(ContractFailure) as failure:
        SECOND({"c": "crash"}, "c")
    assert failure.value.expected == "there is peace too"
    assert "test_outcomes.py, line " in failure.value.happened
    assert isinstance(failure.value.__cause__, ValueError)


def test_a_failure_is_one_line_that_leads_to_the_guide():
    with pytest.raises(ContractFailure) as failure:
        FIRST({"a": "fail"}, "a")
    assert str(failure.value) == f"war in a; expected peace (see {place('')})"


@pytest.mark.parametrize(
    ("subject", "said"),
    [
        ({}, "keeps its contract: 2 checks"),
        ({"c": "skip"}, "keeps its contract: 1 check, 1 skipped"),
        ({"a": "skip", "c": "fail"}, "fails 1 of 2 checks"),
        ({"a": "fail"}, "fails 1 of 1 check, 1 skipped"),
    ],
)
def test_the_verdict_counts_checks(subject, said):
    assert verdict(list(outcomes(cases([FIRST, SECOND]), subject))) == said
