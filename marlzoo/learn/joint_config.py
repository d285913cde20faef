"""Settings of PPO for joint policies. Imports nothing heavy."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from marlzoo.config import AlgorithmConfig


class JointPpoConfig(AlgorithmConfig):
    """Settings of `JointPpo`. Defaults are MAT's published ones for SMAC."""

    rollout_length: int = Field(100, ge=1, description="Steps per environment between two updates.")
    epochs: int = Field(10, ge=1, description="Passes over each rollout.")
    minibatches: int = Field(
        1, ge=1, description="Optimiser steps per epoch; minibatches hold whole joint steps."
    )
    micro_batch: int = Field(
        400,
        ge=1,
        description="Joint steps per forward pass; gradients add up exactly, so only speed depends on it.",
    )
    clip: float = Field(0.05, gt=0, le=1, description="PPO's clipping range, for values too.")
    lr: float = Field(5e-4, gt=0, description="Adam's learning rate.")
    gamma: float = Field(0.99, ge=0, le=1, description="Discount per step.")
    gae_lambda: float = Field(0.95, ge=0, le=1, description="Lambda of generalised advantage estimation.")
    entropy_coef: float = Field(0.01, ge=0, description="Weight of the entropy bonus.")
    value_coef: float = Field(1.0, ge=0, description="Weight of the value loss.")
    max_grad_norm: float | None = Field(10.0, gt=0, description="Gradients are scaled down to this norm.")
    huber_delta: float | None = Field(
        10.0, gt=0, description="Where Huber's loss turns linear; null for never."
    )
    value_clip: bool = Field(True, description="Clip values around those of the rollout.")
    value_loss_agents: Literal["all", "living"] = Field(
        "all", description="Whose values are trained; published runs include the dead."
    )
    value_norm_decay: float = Field(
        0.99999, ge=0, lt=1, description="Decay of the return statistics, per update."
    )
    timeout: Literal["terminate", "zero_advantage", "bootstrap"] = Field(
        "terminate",
        description="What follows a step that ran out of time: value 0, advantage 0, or the last view's.",
    )
    ratio_agg: Literal["per_dim", "prod"] = Field(
        "per_dim",
        description="Continuous actions: one ratio per action component (published) or their product.",
    )
