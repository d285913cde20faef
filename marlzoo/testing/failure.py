"""What breaking a contract looks like: what was expected, what happened, and where the guide explains it."""

from __future__ import annotations

from marlzoo.errors import MarlzooError
from marlzoo.testing.guide import place


class ContractFailure(MarlzooError):
    """A check that found something. The check that ran fills in its own name.

    Attributes:
        expected: what the contract asks for.
        happened: what was seen instead.
        check: the name of the check, which is also that of its section in the guide.
    """

    def __init__(self, expected: str, happened: str, check: str = "") -> None:
        super().__init__(expected, happened, check)
        self.expected = expected
        self.happened = happened
        self.check = check

    @property
    def guide(self) -> str:
        """Where the guide explains it, as `path:line`."""
        return place(self.check)

    def __str__(self) -> str:
        return f"{self.happened}; expected {self.expected} (see {self.guide})"
