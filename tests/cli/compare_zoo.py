"""A plug-in for tests of comparisons, on top of `tiny_zoo.py`: a slow parrot and one that always fails."""

from __future__ import annotations

from pydantic import Field
from tiny_zoo import Parrot, ParrotConfig

from marlzoo import hookimpl
from marlzoo.specs import AlgorithmSpec

MARLZOO_API = 1


class MacawConfig(ParrotConfig):
    pause: float = Field(default=0.03, ge=0, description="Seconds to sleep in every update.")


class DodoConfig(ParrotConfig):
    fault: str = Field(default="raise:3", description="What goes wrong, and at which update.")


class Macaw(Parrot):
    """Takes its time."""


class Dodo(Parrot):
    """Falls off its perch."""


@hookimpl
def marlzoo_algorithms() -> list[AlgorithmSpec]:
    return [
        AlgorithmSpec(
            name=name,
            algorithm=f"compare_zoo:{name.title()}",
            config=f"compare_zoo:{name.title()}Config",
            summary=name,
            continuous=False,
        )
        for name in ("macaw", "dodo")
    ]
