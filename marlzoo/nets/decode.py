"""Agent-by-agent decoding with a key-value cache: the joint action of all agents in N cheap steps.

This is the reference for the fused decoder of `decode_numba`; it also takes actions that are given.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from marlzoo.nets.attention import Attention, Decoder, DecoderBlock
from marlzoo.nets.heads import ActionDistribution

Distribution = Callable[[Tensor, int], ActionDistribution]
"""Makes agent i's action distribution of its decoder output `[B, A]` and i."""


@dataclass(frozen=True)
class Forced:
    """Actions that are given: in row b those of agents 0..count[b]-1. The rest is decoded."""

    actions: Tensor
    """`[B, N]` int64 or `[B, N, A]`; entries from `count` on are not looked at."""
    count: Tensor
    """`[B]` int64."""

    def override(self, agent: int, chosen: Tensor) -> Tensor:
        """The agent's actions: given where they are, else `chosen [B]` or `[B, A]`."""
        given = self.count > agent
        return torch.where(given if chosen.dim() == 1 else given[:, None], self.actions[:, agent], chosen)


class AttentionCache:
    """Keys and values of the tokens decoded so far, `[B, heads, N, D/heads]`."""

    def __init__(self, attention: Attention, rows: int, agents: int) -> None:
        self.attention = attention
        size = (rows, attention.heads, agents, attention.key.out_features // attention.heads)
        self.keys = torch.empty(size)
        self.values = torch.empty(size)

    def attend(self, query: Tensor, token: Tensor, agent: int, visible: Tensor | None) -> Tensor:
        """Add agent's `token [B, D]`, then let the projected `query [B, D]` look at all tokens up to it."""
        heads = (len(token), self.attention.heads, -1)
        self.keys[:, :, agent] = self.attention.key(token).view(heads)
        self.values[:, :, agent] = self.attention.value(token).view(heads)
        keys, values = self.keys[:, :, : agent + 1], self.values[:, :, : agent + 1]
        scores = (keys @ query.reshape(heads).unsqueeze(-1)).squeeze(-1) / math.sqrt(keys.shape[-1])
        if visible is not None:
            scores = scores.masked_fill(~visible[:, None, agent, : agent + 1], -math.inf)
        mixed = (scores.softmax(-1).unsqueeze(-2) @ values).flatten(1)
        return self.attention.proj(mixed)


class CachedBlock:
    """One decoder block that takes a token at a time."""

    def __init__(self, block: DecoderBlock, rep: Tensor) -> None:
        rows, agents = rep.shape[:2]
        self.block = block
        self.rep = rep
        self.queries = block.cross_attention.query(rep)
        self.own = AttentionCache(block.self_attention, rows, agents)
        self.cross = AttentionCache(block.cross_attention, rows, agents)

    def step(self, y: Tensor, agent: int, visible: Tensor | None) -> Tensor:
        """The block's output `[B, D]` for the agent, whose token is `y [B, D]`."""
        block = self.block
        query = block.self_attention.query(y)
        y = block.self_norm(y + self.own.attend(query, y, agent, visible))
        z = self.cross.attend(self.queries[:, agent], y, agent, visible)
        z = block.cross_norm(self.rep[:, agent] + z)
        return block.mlp_norm(z + block.mlp(z))


@torch.no_grad()
def decode(
    decoder: Decoder,
    rep: Tensor,
    distribution: Distribution,
    noise: Tensor | None = None,
    *,
    visible: Tensor | None = None,
    forced: Forced | None = None,
) -> Tensor:
    """The joint action, `[B, N]` int64 or `[B, N, A]`, agent after agent.

    Args:
        decoder: the decoder of a `MatBody`.
        rep: `[B, N, D]`, the encoder's output.
        distribution: gives agent i's distribution over its actions.
        noise: `[B, N, A]`, Gumbel (discrete) or normal (continuous); None decodes greedily.
        visible: `[B, N, N]` bool, causal; None lets everyone see every predecessor.
        forced: actions that are given instead of chosen.
    """
    blocks = [CachedBlock(block, rep) for block in decoder.stages]
    chosen: list[Tensor] = []
    for agent in range(rep.shape[1]):
        y = embed_previous(decoder, rep, chosen)
        for block in blocks:
            y = block.step(y, agent, visible)
        options = distribution(decoder.head(y), agent)
        action = options.greedy() if noise is None else options.sample(noise[:, agent])
        chosen.append(action if forced is None else forced.override(agent, action))
    return torch.stack(chosen, dim=1)


def embed_previous(decoder: Decoder, rep: Tensor, chosen: list[Tensor]) -> Tensor:
    """The token of the action chosen last, or the start token: `[B, D]`."""
    if chosen:
        return decoder.tokens(decoder.tokens.of_actions(chosen[-1]), rep[:, len(chosen) - 1])
    return decoder.tokens(decoder.tokens.start(rep.shape[0]), torch.zeros_like(rep[:, 0]))
