"""MAT's settings."""

from __future__ import annotations

from marlzoo.learn.joint_config import JointPpoConfig
from marlzoo.nets.body_config import BodyConfig


class MatConfig(JointPpoConfig, BodyConfig):
    """MAT has no settings of its own: those of its body and of PPO for joint policies."""
