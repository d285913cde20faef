"""Settings of the multi-agent transformer's body. Imports nothing heavy."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from marlzoo.config import AlgorithmConfig


class EncoderConfig(AlgorithmConfig):
    """Settings of the encoder. Defaults are MAT's published ones."""

    width: int = Field(64, ge=1, le=8192, description="Width of the transformer.")
    heads: int = Field(1, ge=1, le=64, description="Attention heads; must divide the width.")
    blocks: int = Field(1, ge=1, le=64, description="Blocks of the encoder and of the decoder.")
    feature_norm: bool = Field(True, description="Layer normalisation of the observations.")
    agent_code: Literal["none", "sinusoidal"] = Field(
        "none",
        description="A fixed code of the agent's index, in place of the id in published observations.",
    )
    mask_dead_keys: bool = Field(
        False, description="Nobody attends to dead agents; published: everybody does."
    )


class BodyConfig(EncoderConfig):
    """Settings of a `MatBody`, encoder and decoder."""

    dec_token: Literal["action", "action+rep"] = Field(
        "action", description="What a decoder token carries: the action, or also the actor's representation."
    )
    decoder: Literal["fused", "torch"] = Field(
        "fused",
        description="What chooses actions: a compiled loop or plain PyTorch.",
    )
