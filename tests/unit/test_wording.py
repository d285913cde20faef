"""Numbers in sentences."""

from __future__ import annotations

import pytest

from marlzoo.wording import counted


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0 runs"), (1, "1 run"), (2, "2 runs"), (1200, "1,200 runs")]
)
def test_one_is_singular_and_thousands_are_set_apart(number, text):
    assert counted(number, "run") == text
