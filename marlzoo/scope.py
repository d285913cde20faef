"""Who attends to whom when a policy acts, perhaps among many more agents than it was trained with.

Imports nothing heavy.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from marlzoo.errors import UsageError


@dataclass(frozen=True)
class AttentionScope:
    """`all`; `nearest:K`, where everybody attends to itself and the K - 1 agents nearest to it; or
    `cells:K`, where space is divided into cells of at most K agents that act as if they were alone."""

    kind: Literal["all", "nearest", "cells"] = "all"
    agents: int = 0
    """K; means nothing for `all`."""

    @classmethod
    def parse(cls, text: str) -> AttentionScope:
        """What `str` of a scope was.

        Raises:
            UsageError: it is no scope.
        """
        kind, _, number = text.partition(":")
        if text == "all":
            return cls()
        if number.isascii() and number.isdecimal() and int(number) > 0:
            if kind == "nearest":
                return cls("nearest", int(number))
            if kind == "cells":
                return cls("cells", int(number))
        raise UsageError(
            f"attention {text!r} is unknown; choose all, nearest:8 or cells:8 (or another number)"
        )

    def __str__(self) -> str:
        return "all" if self.kind == "all" else f"{self.kind}:{self.agents}"
