"""The family's arguments, and what a task's name stands for. Imports nothing heavy."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pydantic import Field

from marlzoo.api import EnvConfig, UsageError

_TASK = re.compile(r"rendezvous-(\d{1,3})x(\d{1,3})-(\d{1,4})")


class GridworldConfig(EnvConfig):
    """Arguments of `gridworld:rendezvous-<width>x<height>-<agents>`."""

    horizon: int | None = Field(
        default=None, ge=1, le=100_000, description="Time limit in steps; by default 2 (width + height)."
    )
    step_cost: float = Field(default=0.02, ge=0, le=1, description="What every step costs the team.")


@dataclass(frozen=True)
class Task:
    """A grid and how many agents are on it."""

    width: int
    height: int
    agents: int

    @classmethod
    def named(cls, name: str) -> Task:
        """Read a task's name. Raises `UsageError` when it is none, or too small for anybody to be apart."""
        found = _TASK.fullmatch(name)
        if found is None:
            raise UsageError(
                f"gridworld has no task {name!r}; write rendezvous-<width>x<height>-<agents>, "
                "such as rendezvous-8x8-4"
            )
        task = cls(*map(int, found.groups()))
        if task.agents < 2 or task.width * task.height < 2:
            raise UsageError(f"{name} has nobody to meet; give it two agents and two cells at least")
        return task
