"""HAPPO's settings."""

from __future__ import annotations

from pydantic import Field

from marlzoo.learn.team_config import TeamPpoConfig


class HappoConfig(TeamPpoConfig):
    """The settings of PPO for teams; actors are separate and three layers deep, as published."""

    layers: int = Field(3, ge=1, le=16, description="Number of hidden layers.")
    share_parameters: bool = Field(
        False,
        description="One actor for all agents, which voids the method's guarantee; published: one for each.",
    )
    fixed_order: bool = Field(
        False, description="Agents are updated in the environment's order; published: in a random one."
    )
