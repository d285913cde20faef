"""SrSv's settings: those of MAT, and those of its value stream. The README argues the defaults."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from marlzoo.learn.joint_config import JointPpoConfig
from marlzoo.nets.body_config import BodyConfig


class SrsvConfig(JointPpoConfig, BodyConfig):
    """`i` is the agent whose value is estimated, `j` any agent, in the order of choosing."""

    v: Literal["srsv", "mat", "pool", "dov"] = Field(
        "srsv",
        description="Value function: SrSv's; or a control: MAT's, attention over observations without any "
        "action (pool), MAT's head on the decoder's output (dov).",
    )
    succ: Literal["plan", "tf", "greedy_cont", "marginal"] = Field(
        "plan",
        description="Where the actions of agents j >= i come from: the greedy joint action; the policy's "
        "choice after the executed actions (tf: leaks a_i into V^i); the greedy continuation of the executed "
        "ones (slow, at most 16 agents); a separate head without autoregression.",
    )
    succ_form: Literal["argmax", "soft"] = Field(
        "argmax", description="Those actions as choices, or as probabilities (continuous: with deviations)."
    )
    value_base: Literal["eo", "do"] = Field(
        "eo",
        description="What a value token holds beside its action: encoder or decoder output (1.4x the time).",
    )
    without_pi: bool = Field(False, description="Ablation: V^i ignores the policies of agents j >= i.")
    without_a: bool = Field(False, description="Ablation: V^i ignores the executed actions of agents j < i.")
    value_attn: Literal["own", "decoder"] = Field(
        "own", description="Weights of the value's sum: an attention of its own, or the decoder's last one."
    )
    detach_w: bool = Field(False, description="The value loss does not train the weights of the value's sum.")
    value_grad: Literal["full", "encoder_only", "head_only"] = Field(
        "full", description="How far the value loss reaches: all, encoder and value stream, value stream."
    )
    gae: Literal["per_agent", "state", "micro_step"] = Field(
        "per_agent",
        description="Advantages: along time for each agent; going on from the first agent's value; along the "
        "agents of a step and then along time.",
    )
    agent_lambda: float = Field(
        1.0, ge=0, le=1, description="Lambda between the agents of a step (micro_step)."
    )
    value_target: Literal["lambda", "td0"] = Field(
        "lambda", description="Target of the value loss: the lambda-return or the one-step Bellman target."
    )
    marginal_coef: float = Field(1.0, ge=0, description="Weight of the marginal head's imitation loss.")

    @model_validator(mode="after")
    def _fits_together(self) -> SrsvConfig:
        if self.without_pi and self.without_a:
            raise ValueError("without_pi and without_a together leave nothing but MAT's value; use v=mat")
        if self.value_attn == "decoder" and (self.without_a or self.without_pi):
            raise ValueError(
                "value_attn=decoder sees executed actions only; without_pi and without_a need value_attn=own"
            )
        if self.value_grad == "encoder_only" and self.value_base == "do":
            raise ValueError(
                "value_grad=encoder_only needs value_base=eo; decoder outputs get no gradient then"
            )
        if self.without_a and self.succ in ("tf", "greedy_cont"):
            raise ValueError(
                f"without_a needs succ=plan or marginal; {self.succ} follows the executed actions"
            )
        return self

    @property
    def wants_actions(self) -> bool:
        """True when the value depends on actions at all."""
        return self.v in ("srsv", "dov")

    @property
    def wants_stream(self) -> bool:
        """True when the value has an attention of its own."""
        return self.v == "pool" or (self.v == "srsv" and self.value_attn == "own")

    @property
    def wants_successors(self) -> bool:
        """True when the value depends on actions of agents j >= i."""
        return self.v == "srsv" and self.value_attn == "own" and not self.without_pi

    @property
    def wants_plan(self) -> bool:
        """True when acting has to decode the greedy joint action as well."""
        return self.wants_successors and self.succ == "plan"
