"""The decoder of the multi-agent transformer as one compiled loop, without gradient.

A few joint steps are decoded to the end, then the next few, so that their keys and values stay in the cache.
It saves work in two exact ways: the queries of the second attention do not depend on actions and are made for
all agents at once, and discrete actions with `dec_token="action"` have only A+1 different tokens, whose
embedding and first projections are looked up.

The results equal those of `marlzoo.nets.decode` up to float32 round-off.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from marlzoo.nets.attention import Decoder, Near, Visible
from marlzoo.nets.decode_layers import (
    Bools,
    Floats,
    Sight,
    Weights,
    Y,
    add_actor,
    array_of,
    feed_forward,
    head,
    inlined,
    jit,
    memory_attention,
    own_attention,
    pack,
)

Ints = NDArray[np.int64]

GROUP = 32
"""The largest number of joint steps decoded side by side."""

GROUP_FLOATS = 1 << 18
"""How many keys and values a group may hold: 1 MB, which fits a second-level cache."""


class Inputs(NamedTuple):
    """What a group of G joint steps is decoded from, agents first."""

    rep: Floats
    """`[N, G, D]`."""
    queries: Floats
    """`[L, N, G, D]`: projected for the second attention."""
    legal: Bools
    """`[N, G, A]`: legal actions, or real components; `[0, 0, 0]` where all are."""
    noise: Floats
    """`[N, G, A]`, or `[0, 0, 0]` for greedy decoding."""
    sight: Sight


class Room(NamedTuple):
    """The memory that decoding a group needs."""

    scratch: Floats
    """`[5, G, D]`: see `decode_layers`."""
    cache: Floats
    """`[L, 4, G, H, N, S]`: keys and values of both attentions."""
    scores: Floats
    """Of one query and all it may look at."""


@inlined
def _look_up(tokens: Floats, agent: int, actions: Ints, scratch: Floats) -> None:
    """The token of what the agent's predecessor chose, and its projections, into the first scratch rows."""
    for row in range(len(actions)):
        token = actions[row, agent - 1] + 1 if agent > 0 else 0
        for k in range(tokens.shape[1]):
            scratch[k, row] = tokens[token, k]


@inlined
def _choose(logits: Floats, legal: Bools, noise: Floats, agent: int, actions: Ints) -> None:
    """The legal action with the largest logit, plus noise where there is any."""
    for row in range(len(logits)):
        best, top = 0, np.float32(-np.inf)
        for action in range(logits.shape[1]):
            value = logits[row, action]
            if len(noise) > 0:
                value += noise[agent, row, action]
            if len(legal) > 0 and not legal[agent, row, action]:
                value += np.float32(-1e10)
            if value > top:
                best, top = action, value
        actions[row, agent] = best


@inlined
def _embed(tokens: Floats, agent: int, actions: Floats, token: Floats) -> None:
    """The linear part of the token of what the agent's predecessor did; the start token is that of zeros."""
    features = len(tokens) - 1
    for row in range(len(actions)):
        token[row] = tokens[features, 0]
        for k in range(features if agent > 0 else 0):
            for j in range(tokens.shape[2]):
                token[row, j] += actions[row, agent - 1, k] * tokens[k, 0, j]


@inlined
def _steer(means: Floats, real: Bools, noise: Floats, agent: int, actions: Floats) -> None:
    """The mean, plus noise where there is any, and 0 where a component is padding."""
    for row in range(len(means)):
        for k in range(means.shape[1]):
            value = means[row, k]
            if len(noise) > 0:
                value += noise[agent, row, k]
            if len(real) > 0 and not real[agent, row, k]:
                value = np.float32(0.0)
            actions[row, agent, k] = value


@inlined
def _advance(
    weights: Weights, inputs: Inputs, room: Room, agent: int, looked_up: bool, outputs: Floats
) -> None:
    """The agent's token, which is in the scratch memory, on its way through blocks and head: `[G, A]`."""
    few, scratch, sight, rep = inputs.sight.listed.shape[2], room.scratch, inputs.sight, inputs.rep[agent]
    scores = room.scores[: few if few > 0 else agent + 1]
    for block in range(len(weights.blocks)):
        layers, norms, cache = weights.blocks[block], weights.norms[block], room.cache[block]
        own_attention(scratch, layers, norms[0], cache, sight, agent, scores, looked_up and block == 0)
        queries = inputs.queries[block, agent]
        memory_attention(scratch, layers, norms[1], cache, sight, agent, scores, queries, rep)
        feed_forward(scratch, layers, norms[2])
    head(scratch, weights.ends[0], weights.end_norms[0], weights.head_out, outputs)


@inlined
def _make_room(blocks: int, inputs: Inputs, heads: int) -> Room:
    agents, rows, width = inputs.rep.shape
    return Room(
        np.empty((5, rows, width), np.float32),
        np.empty((blocks, 4, rows, heads, agents, width // heads), np.float32),
        np.empty(max(agents, inputs.sight.listed.shape[2]), np.float32),
    )


@jit
def decode_group(weights: Weights, inputs: Inputs, heads: int) -> tuple[Ints, Floats]:
    """The joint actions `[G, N]` of a group, one agent after the other, and their logits `[N, G, A]`."""
    agents, rows = inputs.rep.shape[:2]
    room = _make_room(len(weights.blocks), inputs, heads)
    logits = np.empty((agents, rows, weights.head_out.shape[1]), np.float32)
    actions = np.empty((rows, agents), np.int64)
    looked_up = weights.tokens.shape[1] > 1
    for agent in range(agents):
        _look_up(weights.tokens, agent, actions, room.scratch)
        if not looked_up:
            add_actor(inputs.rep, agent, room.scratch, weights.ends[1], weights.end_norms[1])
        _advance(weights, inputs, room, agent, looked_up, logits[agent])
        _choose(logits[agent], inputs.legal, inputs.noise, agent, actions)
    return actions, logits


@jit
def steer_group(weights: Weights, inputs: Inputs, heads: int) -> tuple[Floats, Floats]:
    """As `decode_group`, for continuous actions: `[G, N, A]`, and their means `[N, G, A]`."""
    agents, rows = inputs.rep.shape[:2]
    room = _make_room(len(weights.blocks), inputs, heads)
    means = np.empty((agents, rows, weights.head_out.shape[1]), np.float32)
    actions = np.empty((rows, agents, means.shape[2]), np.float32)
    for agent in range(agents):
        _embed(weights.tokens, agent, actions, room.scratch[Y])
        # Where tokens do not carry their actor, its layer is all zeros.
        add_actor(inputs.rep, agent, room.scratch, weights.ends[1], weights.end_norms[1])
        _advance(weights, inputs, room, agent, False, means[agent])
        _steer(means[agent], inputs.legal, inputs.noise, agent, actions)
    return actions, means


class FusedDecoder:
    """Chooses joint actions with a `Decoder`'s present parameters.

    They are packed when they differ from those packed last. That is told by comparing them all, which costs
    little beside decoding: torch's version counters miss what its fused optimisers do.
    """

    def __init__(self, decoder: Decoder) -> None:
        self.decoder = decoder
        self._decode_group = decode_group if decoder.shape.discrete else steer_group
        self._parameters = list(decoder.parameters())
        self._weights: Weights | None = None
        self._packed: Floats = np.empty(0, np.float32)

    @torch.no_grad()
    def __call__(
        self, rep: Tensor, action_mask: Tensor | None, noise: Tensor | None, visible: Visible
    ) -> Tensor:
        """The joint action, `[B, N]` int64 or `[B, N, A]`; arguments as in `marlzoo.nets.decode.decode`.

        What is added to continuous actions is `noise` itself: multiply it by the standard deviation before.
        """
        return self.with_outputs(rep, action_mask, noise, visible)[0]

    @torch.no_grad()
    def with_outputs(
        self, rep: Tensor, action_mask: Tensor | None, noise: Tensor | None, visible: Visible
    ) -> tuple[Tensor, Tensor]:
        """The joint action, and the logits or means `[B, N, A]` it was chosen by, before mask and noise."""
        queries = torch.stack([block.cross_attention.query(rep) for block in self.decoder.stages])
        weights, heads = self.weights(), self.decoder.shape.heads
        groups = self._groups(rep, queries, action_mask, noise, visible)
        decoded = [self._decode_group(weights, inputs, heads) for inputs in groups]
        actions = torch.cat([torch.from_numpy(actions) for actions, _ in decoded])
        return actions, torch.cat([torch.from_numpy(outputs).transpose(0, 1) for _, outputs in decoded])

    def _groups(
        self,
        rep: Tensor,
        queries: Tensor,
        action_mask: Tensor | None,
        noise: Tensor | None,
        visible: Visible,
    ) -> Iterator[Inputs]:
        size = max(1, min(GROUP, GROUP_FLOATS // (4 * queries[:, 0].numel())))
        for start in range(0, len(rep), size):
            part = slice(start, start + size)
            yield Inputs(
                rep=_agents_first(rep, part),
                queries=array_of(queries[:, part].transpose(1, 2)),
                legal=_agents_first(action_mask, part, torch.bool),
                noise=_agents_first(noise, part),
                sight=_sight(visible, part),
            )

    def weights(self) -> Weights:
        """The packed parameters, up to date."""
        present = np.concatenate([p.detach().numpy().ravel() for p in self._parameters])
        if self._weights is None or not np.array_equal(present, self._packed):
            self._weights, self._packed = pack(self.decoder), present
        return self._weights


def _sight(visible: Visible, part: slice) -> Sight:
    listed = visible.index if isinstance(visible, Near) else None
    return Sight(
        visible=_agents_first(None if isinstance(visible, Near) else visible, part, torch.bool),
        listed=_agents_first(None if listed is None else listed.int(), part, torch.int32),
    )


def _agents_first(tensor: Tensor | None, part: slice, kind: torch.dtype = torch.float32) -> NDArray[Any]:
    """Some rows of a tensor `[B, N, ...]` as `[N, G, ...]`; without any agents if there is no tensor."""
    if tensor is None:
        return array_of(torch.empty((0, 0, 0), dtype=kind))
    return array_of(tensor[part].transpose(0, 1))
