"""The body of the multi-agent transformer: an encoder over observations, a causal decoder over actions.

After "Multi-Agent Reinforcement Learning is a Sequence Modeling Problem" (Wen et al., 2022): post-residual
layer norms, feed-forward layers as wide as the model, exact GELU, orthogonal weights. Nothing here has the
number of agents N in a parameter or buffer: masks are built when they are needed, so one set of weights
serves any N.

Shapes: B joint steps, N agents, O observation features, A actions (or action components), D width.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from marlzoo.errors import UsageError
from marlzoo.nets.mlp import linear
from marlzoo.nets.normalisation import FeatureNorm

GELU_GAIN = math.sqrt(2.0)
SMALL_GAIN = 0.01
"""The gain of attention projections and of every last layer."""
LONGEST_WAVE = 100.0
"""The longest wavelength of `agent_codes`, as a multiple of the shortest."""


@dataclass(frozen=True)
class BodyShape:
    """The sizes and options of a `MatBody`.

    `dec_token="action+rep"` adds the representation of the agent that acted to the token of its action, so
    that one decoder block can already bind an action to its agent; the published decoder sees the action
    alone.

    `agent_code="sinusoidal"` adds a fixed code of the agent's index to its embedded observation. It stands in
    for the one-hot agent id that the published runs find in their observations, and has no N in any shape.
    """

    obs_dim: int
    action_dim: int
    discrete: bool
    width: int = 64
    heads: int = 1
    blocks: int = 1
    dec_token: Literal["action", "action+rep"] = "action"
    feature_norm: bool = True
    agent_code: Literal["none", "sinusoidal"] = "none"

    def __post_init__(self) -> None:
        if self.width % self.heads:
            raise UsageError(
                f"width {self.width} is not divisible by heads {self.heads}; choose a multiple of it as width"
            )


@dataclass(frozen=True)
class Near:
    """Attention to few: row i sees the rows `index[b, i]` only. Costs N times K, not N squared."""

    index: Tensor
    """`[B, N, K]` int64; -1 stands for none. No row may be all -1."""

    def mask(self) -> Tensor:
        """The same as `[B, N, N]` bool."""
        seen = self.index.new_zeros((*self.index.shape[:2], self.index.shape[1] + 1), dtype=torch.bool)
        return seen.scatter_(-1, self.index + 1, True)[..., 1:]


Visible = Tensor | Near | None
"""Which rows of a memory `[B, M, D]` a query sees: `[B, N, M]` bool, few of them, or all."""


class Attention(nn.Module):
    """Multi-head attention, scale `1/sqrt(D/heads)`, four projections."""

    def __init__(self, width: int, heads: int, generator: torch.Generator) -> None:
        super().__init__()
        self.heads = heads
        self.query = linear(width, width, SMALL_GAIN, generator)
        self.key = linear(width, width, SMALL_GAIN, generator)
        self.value = linear(width, width, SMALL_GAIN, generator)
        self.proj = linear(width, width, SMALL_GAIN, generator)

    def split(self, x: Tensor) -> Tensor:
        """`[B, N, D] -> [B, heads, N, D/heads]`."""
        return x.view(*x.shape[:-1], self.heads, -1).transpose(-3, -2)

    def mix(self, query: Tensor, key: Tensor, value: Tensor, visible: Tensor | None, causal: bool) -> Tensor:
        """Attention over already projected `[B, N, D]` queries, keys and values."""
        mask = None if visible is None else visible.unsqueeze(-3)
        mixed = functional.scaled_dot_product_attention(
            self.split(query), self.split(key), self.split(value), mask, is_causal=causal and mask is None
        )
        return self.proj(mixed.transpose(-3, -2).flatten(-2))

    def mix_near(self, query: Tensor, key: Tensor, value: Tensor, near: Near) -> Tensor:
        """As `mix`, where every query sees a few rows only."""
        rows = torch.arange(len(query)).view(-1, 1, 1)
        # [B, heads, N, 1, S] against [B, heads, N, K, S].
        keys, values = (self._heads_first(part[rows, near.index]) for part in (key, value))
        mixed = functional.scaled_dot_product_attention(
            self.split(query).unsqueeze(-2), keys, values, (near.index >= 0)[:, None, :, None]
        )
        return self.proj(mixed.squeeze(-2).transpose(-3, -2).flatten(-2))

    def _heads_first(self, few: Tensor) -> Tensor:
        """`[B, N, K, D] -> [B, heads, N, K, D/heads]`."""
        return few.view(*few.shape[:-1], self.heads, -1).movedim(-2, 1)

    def forward(self, query: Tensor, memory: Tensor, visible: Visible, causal: bool = False) -> Tensor:
        """`query [B, N, D]` attends to `memory [B, M, D]`.

        `visible` None is everything (up to the own row where `causal`).
        """
        if isinstance(visible, Near):
            return self.mix_near(self.query(query), self.key(memory), self.value(memory), visible)
        return self.mix(self.query(query), self.key(memory), self.value(memory), visible, causal)


def feed_forward(width: int, generator: torch.Generator) -> nn.Sequential:
    """The feed-forward part of a block, as wide as the model."""
    return nn.Sequential(
        linear(width, width, GELU_GAIN, generator), nn.GELU(), linear(width, width, SMALL_GAIN, generator)
    )


def readout(width: int, outputs: int, generator: torch.Generator) -> nn.Sequential:
    """The head of MAT: logits, action means and values are read from `[..., D]` by one of these."""
    return nn.Sequential(
        linear(width, width, GELU_GAIN, generator),
        nn.GELU(),
        nn.LayerNorm(width),
        linear(width, outputs, SMALL_GAIN, generator),
    )


class EncoderBlock(nn.Module):
    """Unmasked self-attention and a feed-forward layer, each followed by a layer norm."""

    def __init__(self, width: int, heads: int, generator: torch.Generator) -> None:
        super().__init__()
        self.attention = Attention(width, heads, generator)
        self.attention_norm = nn.LayerNorm(width)
        self.mlp = feed_forward(width, generator)
        self.mlp_norm = nn.LayerNorm(width)

    def forward(self, x: Tensor, visible: Visible) -> Tensor:
        x = self.attention_norm(x + self.attention(x, x, visible))
        return self.mlp_norm(x + self.mlp(x))


class Encoder(nn.Module):
    """Observations to one representation per agent."""

    def __init__(self, shape: BodyShape, generator: torch.Generator) -> None:
        super().__init__()
        self.feature_norm = FeatureNorm(shape.obs_dim) if shape.feature_norm else None
        self.embed = linear(shape.obs_dim, shape.width, GELU_GAIN, generator)
        self.agent_code = shape.agent_code == "sinusoidal"
        self.norm = nn.LayerNorm(shape.width)
        self.blocks = nn.ModuleList(
            EncoderBlock(shape.width, shape.heads, generator) for _ in range(shape.blocks)
        )

    def prepare(self, obs: Tensor) -> Tensor:
        """Standardise the observations. No parameter takes part, so once per rollout is enough."""
        return obs if self.feature_norm is None else self.feature_norm.standardise(obs)

    def forward(self, prepared: Tensor, visible: Visible = None) -> Tensor:
        """`prepare(obs) [B, N, O] -> [B, N, D]`; `visible` limits who attends to whom."""
        norm = self.feature_norm
        x = self.embed(prepared) if norm is None else norm.then_linear(prepared, self.embed)
        x = functional.gelu(x)
        if self.agent_code:
            x = x + agent_codes(x.shape[-2], x.shape[-1])
        x = self.norm(x)
        for block in self.blocks:
            x = block(x, visible)
        return x


@cache
def agent_codes(agents: int, width: int) -> Tensor:
    """`[N, D]`: sines and cosines of the agent's index, with geometric wavelengths from 2π to 200π agents.

    The position code of Vaswani et al. (2017), with shorter wavelengths: teams are shorter than texts.
    """
    exponents = torch.arange(0, width, 2) / width
    angles = torch.arange(agents).unsqueeze(-1) * LONGEST_WAVE**-exponents
    return torch.stack((angles.sin(), angles.cos()), -1).flatten(-2)[:, :width]


class ActionTokens(nn.Module):
    """Embeds what the agents did: row i carries the action of agent i-1, row 0 a start token."""

    def __init__(self, shape: BodyShape, generator: torch.Generator) -> None:
        super().__init__()
        self.discrete = shape.discrete
        inputs = shape.action_dim + 1 if shape.discrete else shape.action_dim
        self.embed = linear(inputs, shape.width, GELU_GAIN, generator, bias=not shape.discrete)
        self.rep: nn.Linear | None = None
        if shape.dec_token == "action+rep":
            self.rep = linear(shape.width, shape.width, GELU_GAIN, generator, bias=False)
        self.norm = nn.LayerNorm(shape.width)

    def start(self, rows: int) -> Tensor:
        """The token that comes before the first action: `[B]` int64 or `[B, A]`."""
        if self.discrete:
            return torch.zeros(rows, dtype=torch.int64)
        return torch.zeros(rows, self.embed.in_features)

    def of_actions(self, actions: Tensor) -> Tensor:
        """Tokens that carry `actions`: indices shifted by one (0 is the start flag), or the raw vectors."""
        return actions + 1 if self.discrete else actions

    def forward(self, tokens: Tensor, rep: Tensor | None) -> Tensor:
        """`[..., D]` from tokens `[...]` int64 or `[..., A]`.

        `rep [..., D]`, the actors' representations, counts for `action+rep` only.
        """
        if self.rep is not None and rep is not None:
            return self.norm(functional.gelu(self.project(tokens) + self.rep(rep)))
        if self.discrete:
            # There are only A+1 different tokens: embed those, then look up.
            return functional.embedding(tokens, self.table())
        return self.norm(functional.gelu(self.project(tokens)))

    def table(self) -> Tensor:
        """`[A+1, D]`: every discrete token, embedded."""
        return self.norm(functional.gelu(self.embed.weight.t()))

    def project(self, tokens: Tensor) -> Tensor:
        """The linear part of an embedding, `[..., D]`."""
        return functional.embedding(tokens, self.embed.weight.t()) if self.discrete else self.embed(tokens)


class DecoderBlock(nn.Module):
    """Causal self-attention over action tokens, then causal attention from representations to them.

    The residual of the second attention is the representation, not the token (as published).
    """

    def __init__(self, width: int, heads: int, generator: torch.Generator) -> None:
        super().__init__()
        self.self_attention = Attention(width, heads, generator)
        self.self_norm = nn.LayerNorm(width)
        self.cross_attention = Attention(width, heads, generator)
        self.cross_norm = nn.LayerNorm(width)
        self.mlp = feed_forward(width, generator)
        self.mlp_norm = nn.LayerNorm(width)

    def forward(self, y: Tensor, rep: Tensor, visible: Tensor | None) -> Tensor:
        y = self.self_norm(y + self.self_attention(y, y, visible, causal=True))
        z = self.cross_norm(rep + self.cross_attention(rep, y, visible, causal=True))
        return self.mlp_norm(z + self.mlp(z))


class Decoder(nn.Module):
    """Agent i's action distribution given all observations and the actions of agents before it."""

    def __init__(self, shape: BodyShape, generator: torch.Generator) -> None:
        super().__init__()
        self.shape = shape
        self.tokens = ActionTokens(shape, generator)
        self.blocks = nn.ModuleList(
            DecoderBlock(shape.width, shape.heads, generator) for _ in range(shape.blocks)
        )
        self.head = readout(shape.width, shape.action_dim, generator)

    @property
    def stages(self) -> list[DecoderBlock]:
        """The blocks."""
        return [block for block in self.blocks if isinstance(block, DecoderBlock)]

    def forward_parallel(self, rep: Tensor, actions: Tensor, visible: Tensor | None = None) -> Tensor:
        """The teacher-forced pass: `rep [B, N, D]`, executed `actions [B, N]` or `[B, N, A]` to `[B, N, D]`.

        Row i depends on the actions of agents before i only. `head` turns the result into logits or means;
        `visible [B, N, N]` must be causal.
        """
        y = self.embed_shifted(rep, actions)
        for block in self.blocks:
            y = block(y, rep, visible)
        return y

    def embed_shifted(self, rep: Tensor, actions: Tensor) -> Tensor:
        """The embedded tokens `[B, N, D]`: the start token, then the actions of all agents but the last."""
        tokens = self.tokens.of_actions(actions)
        tokens = torch.cat((self.tokens.start(len(rep)).unsqueeze(1), tokens[:, :-1]), dim=1)
        if self.tokens.rep is None:
            return self.tokens(tokens, None)
        return self.tokens(tokens, functional.pad(rep[:, :-1], (0, 0, 1, 0)))

    def cross_weights(self, rep: Tensor, actions: Tensor, visible: Tensor | None = None) -> Tensor:
        """`[B, N, N]`: the head-averaged weights of the last attention from representations to tokens."""
        y = self.embed_shifted(rep, actions)
        *before, last = self.stages
        for block in before:
            y = block(y, rep, visible)
        y = last.self_norm(y + last.self_attention(y, y, visible, causal=True))
        attention = last.cross_attention
        query, key = attention.split(attention.query(rep)), attention.split(attention.key(y))
        scores = query @ key.transpose(-1, -2) / math.sqrt(query.shape[-1])
        allowed = causal_mask(rep.shape[1]) if visible is None else visible.unsqueeze(-3)
        return scores.masked_fill(~allowed, -math.inf).softmax(-1).mean(-3)


def causal_mask(agents: int) -> Tensor:
    """`[N, N]` bool: row i sees rows 0..i."""
    return torch.ones(agents, agents, dtype=torch.bool).tril()


def living_only(alive: Tensor) -> Tensor:
    """`[B, N, N]`: everybody sees the living, and itself (so that no row sees nothing)."""
    return alive[:, None, :] | torch.eye(alive.shape[1], dtype=torch.bool)


def living_before(alive: Tensor) -> Tensor:
    """`[B, N, N]`, causal: row i sees its own token, the start token, and those of living predecessors.

    Token j carries the action of agent j-1, so agent j-1's death hides token j.
    """
    shown = functional.pad(alive[:, :-1], (1, 0), value=True)
    return living_only(shown) & causal_mask(alive.shape[1])


def living_near(near: Near, alive: Tensor) -> Near:
    """Those of `near` that live, and everybody itself; `alive [B, N]`."""
    rows, own = torch.arange(len(alive)).view(-1, 1, 1), torch.arange(alive.shape[1]).unsqueeze(-1)
    seen = alive[rows, near.index] | (near.index == own)
    return Near(near.index.masked_fill(~seen, -1))


def tokens_near(near: Near) -> Near:
    """Which tokens agent i sees: what agents near it and before it did, the start token and its own.

    Token j carries the action of agent j-1. An agent's own token is always there, whoever comes before it.
    """
    own = torch.arange(near.index.shape[1]).view(1, -1, 1).expand(len(near.index), -1, 1)
    before = torch.where((near.index >= 0) & (near.index + 1 < own), near.index + 1, -1)
    start = torch.where(own > 0, 0, -1)
    return Near(torch.cat((start, before, own), -1))
