"""Settings of PPO for joint policies. Imports nothing heavy."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from marlzoo.learn.ppo_config import FramesConfig, PpoConfig


class JointPpoConfig(PpoConfig, FramesConfig):
    """Settings of `JointPpo`. Defaults are MAT's published ones for SMAC, where maps have them in common."""

    epochs: int = Field(10, ge=1, le=1000, description="Passes over each rollout.")
    clip: float = Field(0.05, gt=0, le=1, description="PPO's clipping range, for values too.")
    value_coef: float = Field(1.0, ge=0, description="Weight of the value loss.")
    ratio_agg: Literal["per_dim", "prod"] = Field(
        "per_dim",
        description="Continuous actions: one ratio per action component (published) or their product.",
    )
