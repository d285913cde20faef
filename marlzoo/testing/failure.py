"""What breaking a contract looks like: what was expected, what happened, and where the guide explains it."""

from __future__ import annotations

from marlzoo.errors import MarlzooError

GUIDE = "docs/contract.md"
"""The page of the documentation with one section per check, named as the check is."""


class ContractFailure(MarlzooError):
    """A check that found something. The check that ran fills in its own name.

    Attributes:
        expected: what the contract asks for.
        happened: what was seen instead.
        check: the name of the check, which is also the anchor of its section in the guide.
    """

    def __init__(self, expected: str, happened: str, check: str = "") -> None:
        super().__init__(expected, happened, check)
        self.expected = expected
        self.happened = happened
        self.check = check

    @property
    def guide(self) -> str:
        """Where the guide explains it."""
        return f"{GUIDE}#{self.check}" if self.check else GUIDE

    def __str__(self) -> str:
        return f"{self.happened}; expected {self.expected} (see {self.guide})"
