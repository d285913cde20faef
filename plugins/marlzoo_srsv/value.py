"""SrSv's value stream: the values of all N agents in one masked attention.

Agent i's value may depend on the observations and on what agents before i did, never on a_i or anything
computed from it: only then is it a baseline. Each agent j therefore has two tokens, an executed one `A_j` and
a planned one `B_j`, and V^i looks at `A_1..A_{i-1}` and `B_i..B_N`: N tokens for every i, from two per agent.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from marlzoo.nets.attention import GELU_GAIN, SMALL_GAIN, causal_mask
from marlzoo.nets.mlp import linear


class ValueTokens(nn.Module):
    """Tokens `LN(GELU(W a_j) + base_j + t)`; the learned vector `t` tells executed from planned."""

    def __init__(self, action_features: int, width: int, generator: torch.Generator) -> None:
        super().__init__()
        self.action = linear(action_features, width, GELU_GAIN, generator, bias=False)
        self.executed_type = nn.Parameter(torch.zeros(width))
        self.planned_type = nn.Parameter(torch.zeros(width))
        self.norm = nn.LayerNorm(width)

    def executed(self, actions: Tensor, base: Tensor) -> Tensor:
        """`[B, N, D]` from executed actions `[B, N]` or `[B, N, A]`."""
        return self.norm(self._embed(actions) + base + self.executed_type)

    def planned(self, actions: Tensor, base: Tensor) -> Tensor:
        """`[B, N, D]` from planned actions: indices, probabilities or vectors.

        `[B, N, N, D]` where every agent i has its own plan.
        """
        embedded = self._embed(actions)
        if embedded.dim() > base.dim():
            base = base.unsqueeze(1)
        return self.norm(embedded + base + self.planned_type)

    def _embed(self, actions: Tensor) -> Tensor:
        if actions.is_floating_point():
            # Executed continuous actions have no deviation where planned ones do: it counts as 0.
            missing = self.action.in_features - actions.shape[-1]
            return functional.gelu(self.action(functional.pad(actions, (0, missing))))
        return functional.embedding(actions, functional.gelu(self.action.weight.t()))


class Weigh(nn.Module):
    """The weights of a sum; a module of its own, so that they can be looked at where they arise."""

    def forward(self, scores: Tensor, visible: Tensor) -> Tensor:
        """The softmax of `scores [B, N, M]` over what `visible [N, M]` shows; 0 in rows that see nothing."""
        return scores.masked_fill(~visible, torch.finfo(scores.dtype).min).softmax(-1) * visible


class ValueAttention(nn.Module):
    """`V^i = sum_j w_ij f(token_j)`; `w_i` is the softmax of `query_i W_q . token_j W_k / sqrt(D)`."""

    def __init__(self, width: int, detach_weights: bool, generator: torch.Generator) -> None:
        super().__init__()
        self.detach_weights = detach_weights
        self.weigh = Weigh()
        self.query = linear(width, width, SMALL_GAIN, generator)
        # A bias of the keys would shift all scores of a row alike.
        self.key = linear(width, width, SMALL_GAIN, generator, bias=False)

    def scores(self, query: Tensor, tokens: Tensor) -> Tensor:
        """`query [B, N, D]` against common `tokens [B, M, D]` or its own `[B, N, M, D]`: `[B, N, M]`."""
        # (q W_q)(t W_k)^T = (q W_q W_k^T) t^T saves a product of the tokens' size.
        query = self.query(query) @ self.key.weight / math.sqrt(query.shape[-1])
        if tokens.dim() == 3:
            return query @ tokens.transpose(-1, -2)
        return (tokens @ query.unsqueeze(-1)).squeeze(-1)

    def forward(self, scores: Tensor, worth: Tensor, visible: Tensor) -> Tensor:
        """Weigh `worth` (`f` of the tokens, `[B, M]` or `[B, N, M]`) by `scores [B, N, M]`.

        `visible` is `[N, M]` bool. Rows that see nothing have the value 0.
        """
        weights = self.weigh(scores, visible)
        if self.detach_weights:
            weights = weights.detach()
        if worth.dim() == 2:
            worth = worth.unsqueeze(1)
        return (weights * worth).sum(-1)


class ValueStream(nn.Module):
    """The four ways to sum over tokens. `head` is `f`, shared with MAT's form of the value."""

    def __init__(
        self, action_features: int, width: int, detach_weights: bool, generator: torch.Generator
    ) -> None:
        super().__init__()
        self.tokens = ValueTokens(action_features, width, generator)
        self.attention = ValueAttention(width, detach_weights, generator)

    def two_streams(self, head: nn.Module, query: Tensor, executed: Tensor, planned: Tensor) -> Tensor:
        """`[B, N]`: executed tokens of agents before i, planned ones from i on.

        `planned` is `[B, N, D]`, or `[B, N, N, D]` where every i has its own plan.
        """
        before = causal_mask(query.shape[1]).tril(-1)
        visible = torch.cat((before, ~before), dim=1)
        if planned.dim() == 3:
            tokens = torch.cat((executed, planned), dim=1)
            return self.attention(self.attention.scores(query, tokens), _worth(head, tokens), visible)
        scores = (self.attention.scores(query, executed), self.attention.scores(query, planned))
        worth = (_worth(head, executed).unsqueeze(1).expand_as(scores[0]), _worth(head, planned))
        return self.attention(torch.cat(scores, -1), torch.cat(worth, -1), visible)

    def executed_only(self, head: nn.Module, query: Tensor, executed: Tensor) -> Tensor:
        """Without successors' policies. Agent 1 sees no token, hence the term `f(query_i)` for everyone."""
        before = causal_mask(query.shape[1]).tril(-1)
        seen = self.attention(self.attention.scores(query, executed), _worth(head, executed), before)
        return seen + _worth(head, query)

    def planned_only(self, head: nn.Module, query: Tensor, planned: Tensor) -> Tensor:
        """Without executed actions; `query` must hold none either."""
        scores = self.attention.scores(query, planned)
        own_onwards = ~causal_mask(query.shape[1]).tril(-1)
        worth = _worth(head, planned)
        return self.attention(scores, worth, own_onwards)

    def pooled(self, head: nn.Module, rep: Tensor) -> Tensor:
        """The control without any action: attention over `LN(rep_j + t)`."""
        tokens = self.tokens.norm(rep + self.tokens.planned_type)
        everything = torch.ones(rep.shape[1], rep.shape[1], dtype=torch.bool)
        return self.attention(self.attention.scores(rep, tokens), _worth(head, tokens), everything)


def _worth(head: nn.Module, tokens: Tensor) -> Tensor:
    """`f`: `[..., D]` to `[...]`."""
    return head(tokens).squeeze(-1)
