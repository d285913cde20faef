"""A grid on which agents meet: an environment family in one file, and what marlzoo is told of it."""

from __future__ import annotations

from pathlib import Path

from marlzoo.api import EnvironmentSpec, Score, Suite, hookimpl, read_suites
from marlzoo_gridworld.version import __version__

__all__ = ["__version__", "marlzoo_environments", "marlzoo_suites"]

MARLZOO_API = 1


@hookimpl
def marlzoo_environments() -> list[EnvironmentSpec]:
    return [
        EnvironmentSpec(
            name="gridworld",
            make="marlzoo_gridworld.rendezvous:make",
            config="marlzoo_gridworld.config:GridworldConfig",
            summary="Agents on a grid meet in one cell as soon as they can; the optimum is known",
            score=Score("efficiency", metric="efficiency", percent=True),
            tasks=("rendezvous-5x5-2", "rendezvous-8x8-4", "rendezvous-16x16-8"),
            open_tasks=True,
        )
    ]


@hookimpl
def marlzoo_suites() -> list[Suite]:
    return read_suites(Path(__file__).parent / "suites")
