"""A2PO's settings."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from marlzoo.learn.team_config import TeamPpoConfig


class A2poConfig(TeamPpoConfig):
    """The settings of PPO for teams and those of sequential updates. Defaults: those published for SMAC."""

    epochs: int = Field(
        8,
        ge=1,
        le=1000,
        description="Passes over each rollout; with a shared actor in ceil(epochs / blocks) loops.",
    )
    layers: int = Field(3, ge=1, le=16, description="Number of hidden layers.")
    blocks: int | None = Field(
        None,
        ge=1,
        description="Blocks into which the order of agents is cut; null: 3 with a shared actor, else N.",
    )
    order: Literal["semi_greedy", "greedy", "reverse_semi_greedy", "reverse_greedy", "random", "fixed"] = (
        Field(
            "semi_greedy",
            description="Who goes first: in turn the agent of largest |A / V| and a random one; the largest; "
            "either from the smallest on; anyone; the environment's order (cyclic in the paper).",
        )
    )
    order_advantages: Literal["corrected", "initial", "weighted"] = Field(
        "corrected",
        description="Whose A that is: as corrected by then; that of before the update (published); the "
        "corrected one times the joint ratio (published orders named _r).",
    )
    trace_cap: float = Field(
        1.0, gt=0, description="Ratios of preceding policies are cut off here in traces."
    )
    trace_targets: bool = Field(True, description="The critic learns from corrected returns, too.")
    two_stage: bool = Field(True, description="A pass of the critic alone before every joint pass.")
    clip_others: bool = Field(True, description="Clip the product of the other agents' ratios in the loss.")
    others_clip: float = Field(
        0.5, gt=0, le=1, description="The range of that product, as a fraction of the clipping range."
    )
    adaptive_clip: Literal["auto", "ratio", "position", "none"] = Field(
        "auto",
        description="Less room where policies have moved (ratio) or for early agents (position). auto: ratio "
        "with a shared actor, else position.",
    )
    position_weight: float = Field(
        0.5, ge=0, le=1, description="How much less room the first agent has: 0 for none, 1 for the most."
    )
    compat_double_lambda: bool = Field(
        False, description="Weigh traces with lambda twice, as the published code does."
    )
    compat_suffix_product: bool = Field(
        False, description="adaptive_clip=ratio goes along the agents' numbers, as in the published code."
    )
