"""The arguments of the MA-MuJoCo family."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from marlzoo.config import EnvConfig

Implementation = Literal["auto", "fast", "reference"]


@dataclass(frozen=True)
class Presenting:
    """How a task is shown to the algorithm; all off is gymnasium-robotics' own form."""

    agent_id: bool
    full_state: bool
    standardise: bool
    scale_actions: bool


class MamujocoConfig(EnvConfig):
    """Arguments of `mamujoco:<Scenario>-<partition>`; the defaults are gymnasium-robotics' own."""

    obsk: int = Field(
        1, ge=0, le=16, description="How many joints away an agent sees; 0: its own joints only."
    )
    implementation: Implementation = Field(
        "auto",
        description="'fast' steps all copies in one process, 'reference' runs gymnasium-robotics; both give "
        "equal numbers. 'auto' is fast where that exists.",
    )
    preset: Literal["none", "paper"] = Field(
        "none", description="'paper' turns the four options below on, as the published set-ups have them."
    )
    agent_id: bool = Field(False, description="Append a one-hot agent number to every observation.")
    full_state: bool = Field(False, description="Let every agent observe the whole state.")
    standardise: bool = Field(
        False, description="Give every observation and state vector, by itself, mean 0 and deviation 1."
    )
    scale_actions: bool = Field(
        False, description="Let actions range over [-1, 1] and map them to the task's."
    )

    @property
    def presenting(self) -> Presenting:
        """The four options after the preset."""
        paper = self.preset == "paper"
        return Presenting(
            agent_id=paper or self.agent_id,
            full_state=paper or self.full_state,
            standardise=paper or self.standardise,
            scale_actions=paper or self.scale_actions,
        )
