"""How numbers are put into sentences."""

from __future__ import annotations


def counted(number: int, noun: str) -> str:
    """`1 world`, `3 worlds`, `1,200 episodes`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
