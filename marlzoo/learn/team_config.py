"""Settings of PPO for teams with actors and a critic. Imports nothing heavy."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from marlzoo.learn.ppo_config import FramesConfig, PpoConfig


class TeamPpoConfig(PpoConfig, FramesConfig):
    """Settings of `TeamPpo`: those of the PPO family, and those of actors with a critic of their own."""

    critic_lr: float = Field(5e-4, gt=0, le=1, description="Adam's learning rate for the critic.")
    value_norm: bool = Field(
        True, description="The critic predicts returns on a scale kept by running statistics."
    )
    popart: bool = Field(
        False,
        description="Rescale the critic's last layer with every change of that scale, so that its values "
        "stay what they were.",
    )

    width: int = Field(64, ge=1, le=8192, description="Width of the hidden layers.")
    layers: int = Field(2, ge=1, le=16, description="Number of hidden layers.")
    feature_norm: bool = Field(True, description="Layer normalisation of the networks' inputs.")
    head_gain: float = Field(0.01, gt=0, description="Gain of the policy's initial output weights.")
    recurrent: bool = Field(
        False, description="A gated recurrent unit after the hidden layers of both networks."
    )
    layers_after: int = Field(
        0, ge=0, le=16, description="Hidden layers after that unit, where there is one."
    )
    chunk_length: int = Field(
        10, ge=1, description="Steps through which the gradient of the recurrence flows."
    )
    log_std: float = Field(0.0, description="Initial x of the standard deviation of continuous actions.")
    std_form: Literal["exp", "half_sigmoid"] = Field(
        "exp", description="Standard deviation as a function of x: exp(x), or sigmoid(x) / 2 as in HARL."
    )

    squash_mean: bool = Field(False, description="The mean of a continuous action goes through tanh.")

    share_parameters: bool = Field(True, description="One actor for all agents; false: one for each.")
    share_critic: bool = Field(
        True, description="One critic for all agents; false: one for each, with a scale of its own."
    )
    agent_ids: bool = Field(False, description="Append the agent's number to the actor's input, one-hot.")
    critic_input: Literal["auto", "state", "state_and_obs", "joint_obs", "obs"] = Field(
        "auto",
        description="What the critic sees: the state, also the agent's observation, all observations, or the "
        "agent's own alone (IPPO). auto: the state, or all observations where there is none.",
    )
    death_masking: bool = Field(False, description="A critic per agent sees zeros in place of a dead agent.")

    @model_validator(mode="after")
    def _one_kind_of_memory(self) -> TeamPpoConfig:
        if self.recurrent and self.frames > 1:
            raise ValueError("frames stand in for a recurrence; set frames=1 or recurrent=false")
        return self

    @model_validator(mode="after")
    def _popart_has_a_scale(self) -> TeamPpoConfig:
        if self.popart and not self.value_norm:
            raise ValueError("popart rescales with value_norm's scale; set value_norm=true too")
        return self
