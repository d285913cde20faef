"""The settings of QMIX and VDN. Imports nothing heavy."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from marlzoo.api import AlgorithmConfig


class QmixConfig(AlgorithmConfig):
    """The defaults are those of the tuned QMIX of Hu et al. (2021), with less replay per step played."""

    mixer: Literal["monotonic", "sum"] = Field(
        "monotonic", description="How agents' values make the team's: monotonically (QMIX) or added (VDN)."
    )

    replay_steps: int = Field(
        50_000, ge=2, le=10_000_000, description="Environment steps that the replay remembers."
    )
    batch_episodes: int = Field(32, ge=1, le=4096, description="Episodes per optimiser step.")
    train_interval: int = Field(8, ge=1, description="Finished episodes per optimiser step.")
    target_interval: int = Field(
        200, ge=1, description="Finished episodes between copies to the target network."
    )

    gamma: float = Field(0.99, ge=0, le=1, description="Discount per step.")
    td_lambda: float = Field(
        0.6, ge=0, le=1, description="Lambda of Peng's Q(lambda); 0: one-step targets as in the paper."
    )
    double_q: bool = Field(True, description="The learning network picks the action that the target values.")
    timeout: Literal["terminate", "bootstrap"] = Field(
        "bootstrap", description="What follows a step that ran out of time: value 0, or the last view's."
    )

    epsilon_start: float = Field(1.0, ge=0, le=1, description="Share of random actions at the beginning.")
    epsilon_final: float = Field(0.05, ge=0, le=1, description="Share of random actions in the end.")
    epsilon_steps: int = Field(50_000, ge=1, description="Environment steps from the one to the other.")

    lr: float = Field(1e-3, gt=0, le=1, description="Adam's learning rate.")
    linear_lr_decay: bool = Field(False, description="The learning rate falls linearly to 0 over the run.")
    adam_eps: float = Field(1e-5, gt=0, le=1, description="Adam's epsilon.")
    max_grad_norm: float | None = Field(10.0, gt=0, description="Gradients are scaled down to this norm.")

    width: int = Field(64, ge=1, le=8192, description="Width of the agents' network and its memory.")
    last_action: bool = Field(True, description="Agents see their own last action.")
    agent_code: Literal["none", "sinusoidal"] = Field(
        "sinusoidal", description="A fixed code of the agent's number, for any number of agents."
    )
    mixing_width: int = Field(32, ge=1, le=4096, description="Hidden units of the monotonic mixer.")
    hyper_width: int = Field(
        64, ge=1, le=4096, description="Hidden units of the networks that make the mixer's weights."
    )


class VdnConfig(QmixConfig):
    """QMIX's settings with a mixer that adds."""

    mixer: Literal["monotonic", "sum"] = Field(
        "sum", description="How agents' values make the team's: added (VDN); anything else is QMIX."
    )
