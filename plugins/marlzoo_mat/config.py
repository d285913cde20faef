"""The settings of MAT and MAT-Dec."""

from __future__ import annotations

from pydantic import Field

from marlzoo.learn.joint_config import JointPpoConfig
from marlzoo.nets.body_config import BodyConfig, EncoderConfig


class MatConfig(JointPpoConfig, BodyConfig):
    """MAT has no settings of its own: those of its body and of PPO for joint policies."""


class MatDecConfig(JointPpoConfig, EncoderConfig):
    """MAT-Dec's settings: those of MAT without its decoder, and whether agents share an actor."""

    share_parameters: bool = Field(
        True, description="One actor for all agents (published); false: one for each."
    )
