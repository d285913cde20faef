"""Counts as people write them, and intervals that follow from the budget."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marlzoo.errors import UsageError
from marlzoo.run.settings import RunSettings, parse_count


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("1", 1),
        ("500000", 500_000),
        ("500_000", 500_000),
        ("500k", 500_000),
        ("500K", 500_000),
        ("1.5M", 1_500_000),
        ("1.1m", 1_100_000),
        ("1e6", 1_000_000),
        ("2g", 2_000_000_000),
        (" 10k ", 10_000),
    ],
)
def test_counts(text: str, count: int) -> None:
    assert parse_count(text) == count


@pytest.mark.parametrize(
    "text", ["", "k", "many", "0", "-5", "1.5", "0.1k5", "nan", "inf", "1e400", "5kk", "2.0000001k"]
)
def test_what_is_not_a_count_is_a_usage_error(text: str) -> None:
    with pytest.raises(UsageError, match="positive whole number"):
        parse_count(text)


@given(st.integers(1, 10**15))
def test_every_whole_number_is_read_back(count: int) -> None:
    assert parse_count(str(count)) == count


def test_intervals_follow_from_the_budget_unless_given() -> None:
    assert RunSettings(steps=1000).resolved().eval_interval == 20
    assert RunSettings(steps=1000).resolved().log_interval == 2
    assert RunSettings(steps=7).resolved().eval_interval == 1
    assert RunSettings(steps=1000, eval_interval=300, log_interval=5).resolved().eval_interval == 300
