"""Settings that every algorithm of the PPO family has. Imports nothing heavy."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from marlzoo.config import AlgorithmConfig


class FramesConfig(AlgorithmConfig):
    """How much of the past an algorithm without a recurrence sees."""

    frames: int = Field(
        1,
        ge=1,
        le=64,
        description="How many views the networks see at once, the oldest first; zeros before an episode.",
    )


class PpoConfig(AlgorithmConfig):
    """Rollout, epochs, losses and optimiser; the defaults are MAPPO's published ones where there are any."""

    rollout_length: int = Field(
        100, ge=1, le=100_000, description="Steps per environment between two updates."
    )
    epochs: int = Field(5, ge=1, le=1000, description="Passes over each rollout.")
    minibatches: int = Field(1, ge=1, le=100_000, description="Optimiser steps per pass.")
    micro_batch: int = Field(
        400,
        ge=1,
        description="Joint steps per forward pass; gradients add up exactly, so only speed depends on it.",
    )
    clip: float = Field(0.2, gt=0, le=1, description="PPO's clipping range, for values too.")
    value_clip: bool = Field(True, description="Clip values around those of the rollout.")
    gamma: float = Field(0.99, ge=0, le=1, description="Discount per step.")
    gae_lambda: float = Field(0.95, ge=0, le=1, description="Lambda of generalised advantage estimation.")
    entropy_coef: float = Field(0.01, ge=0, description="Weight of the entropy bonus.")
    huber_delta: float | None = Field(
        10.0, gt=0, description="Where Huber's loss turns linear; null for never."
    )
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
    lr: float = Field(5e-4, gt=0, le=1, description="Adam's learning rate.")
    adam_eps: float = Field(1e-5, gt=0, le=1, description="Adam's epsilon.")
    linear_lr_decay: bool = Field(False, description="Learning rates fall linearly to 0 over the run.")
    max_grad_norm: float | None = Field(10.0, gt=0, description="Gradients are scaled down to this norm.")
