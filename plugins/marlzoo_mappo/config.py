"""MAPPO's settings."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from marlzoo.learn.team_config import TeamPpoConfig


class MappoConfig(TeamPpoConfig):
    """MAPPO has no settings of its own: those of actors with a critic."""


class IppoConfig(MappoConfig):
    """MAPPO's settings with a critic per agent that sees what its actor sees."""

    critic_input: Literal["auto", "state", "state_and_obs", "joint_obs", "obs"] = Field(
        "obs", description="What the critic sees. IPPO: the agent's own observation; anything else is MAPPO."
    )
