"""The arguments of the PettingZoo family."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from marlzoo.config import EnvConfig


class PettingZooConfig(EnvConfig):
    """Arguments of `pettingzoo:<module>` and `pettingzoo:<module>:<factory>`."""

    kwargs: dict[str, Any] = Field({}, description='Arguments of the factory, as JSON: {"N": 3}.')
    reward: Literal["individual", "mean", "sum"] = Field(
        "individual", description="What an agent is paid: its own reward, or the team's mean or sum."
    )
    horizon: int | None = Field(
        None, ge=1, description="Truncate episodes after so many steps; none: the environment's own limit."
    )
    workers: int = Field(
        0, ge=0, le=256, description="Worker processes; 0: all copies step in the training process."
    )
    timeout: float = Field(
        60.0, gt=0, description="Seconds a worker may take for a step of its copies before it counts as hung."
    )
    max_restarts: int = Field(
        3, ge=0, description="Failures of a worker, without an episode finished in between, before giving up."
    )
