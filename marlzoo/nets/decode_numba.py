"""The decoder of the multi-agent transformer as one compiled loop, for discrete actions and no gradient.

A few joint steps are decoded to the end, then the next few, so that their keys and values stay in the cache.
Everything is float32 and plain loops over the width, which the compiler turns into vector instructions. It
saves work in two exact ways: the queries of the second attention do not depend on actions and are made for
all agents at once, and with `dec_token="action"` there are only A+1 different tokens, whose embedding and
first projections are looked up.

The results equal those of `marlzoo.nets.decode` up to float32 round-off.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numba
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from marlzoo.nets.attention import Decoder, DecoderBlock

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]

GROUP = 32
"""The largest number of joint steps decoded side by side."""

GROUP_FLOATS = 1 << 18
"""How many keys and values a group may hold: 1 MB, which fits a second-level cache."""

Y, QUERY, KEY, VALUE, MIXED = range(5)
"""What the scratch memory holds: the token on its way through the blocks, and the parts of attention."""

OWN_QUERY, OWN_KEY, OWN_VALUE, OWN_PROJ, MEMORY_KEY, MEMORY_VALUE, MEMORY_PROJ, WIDEN, NARROW = range(9)
"""The linear layers of a block."""

_jit = numba.njit(cache=True, fastmath=True, error_model="numpy", nogil=True)
_inlined = numba.njit(inline="always", fastmath=True, error_model="numpy")
"""For kernels with one or two callers: compiled as part of those, which halves the time of compiling."""


class Weights(NamedTuple):
    """A decoder's parameters, packed for the kernels: L blocks, width D, A actions.

    Linear layers are `[inputs + 1, outputs]` with the bias as last row; layer norms are `[gain, shift]`.
    """

    tokens: Floats
    """`[A+1, 4, D]`: embedded tokens with their query, key and value in the first block. With `action+rep`
    `[A+1, 1, D]`, their part before the activation."""
    blocks: Floats
    """`[L, 9, D+1, D]`: the layers of the blocks."""
    norms: Floats
    """`[L, 3, 2, D]`: the norms of the blocks."""
    ends: Floats
    """`[2, D+1, D]`: the first layer of the head, the actor's part of a token (0 without `action+rep`)."""
    end_norms: Floats
    """`[2, 2, D]`: of the head, and of the tokens."""
    head_out: Floats
    """`[D+1, A]`."""


class Inputs(NamedTuple):
    """What a group of G joint steps is decoded from, agents first."""

    rep: Floats
    """`[N, G, D]`."""
    queries: Floats
    """`[L, N, G, D]`: projected for the second attention."""
    legal: Bools
    """`[N, G, A]`, or `[0, 0, 0]` where everything is legal."""
    noise: Floats
    """`[N, G, A]`, or `[0, 0, 0]` for greedy decoding."""
    visible: Bools
    """`[N, G, N]`, or `[0, 0, 0]` where all predecessors are visible."""


@_jit
def _affine(x: Floats, layer: Floats, out: Floats) -> None:
    """`out = x @ weight + bias`, four rows of the weight at a time."""
    inputs, outputs = len(layer) - 1, layer.shape[1]
    whole = inputs - inputs % 4
    for row in range(len(x)):
        out[row] = layer[inputs]
    for k in range(0, whole, 4):
        w0, w1, w2, w3 = layer[k], layer[k + 1], layer[k + 2], layer[k + 3]
        for row in range(len(x)):
            x_row, out_row = x[row], out[row]
            x0, x1, x2, x3 = x_row[k], x_row[k + 1], x_row[k + 2], x_row[k + 3]
            for j in range(outputs):
                out_row[j] += x0 * w0[j] + x1 * w1[j] + x2 * w2[j] + x3 * w3[j]
    for k in range(whole, inputs):
        for row in range(len(x)):
            x0, w0, out_row = x[row, k], layer[k], out[row]
            for j in range(outputs):
                out_row[j] += x0 * w0[j]


@_jit
def _gelu(x: Floats) -> None:
    """`x/2 (1 + erf(x / sqrt 2))`, in place.

    erf is `z P(z^2) / Q(z^2)`, fitted on |z| < 3.92, beyond which it is 1 in float32; the error is below
    5e-7.
    """
    flat = x.reshape(x.size)
    for j in range(len(flat)):
        z = min(max(flat[j] * np.float32(0.70710678), np.float32(-3.92)), np.float32(3.92))
        t = z * z
        above = np.float32(2.03473155e-06)
        above = above * t + np.float32(0.000287480303)
        above = above * t + np.float32(0.00386835937)
        above = above * t + np.float32(0.05306058)
        above = above * t + np.float32(0.192764774)
        above = above * t + np.float32(1.12837899)
        below = np.float32(3.80706551e-05)
        below = below * t + np.float32(0.00118812325)
        below = below * t + np.float32(0.0151723595)
        below = below * t + np.float32(0.115084916)
        below = below * t + np.float32(0.504164994)
        below = below * t + np.float32(1.0)
        flat[j] = np.float32(0.5) * flat[j] * (np.float32(1.0) + z * above / below)


@_jit
def _add(x: Floats, y: Floats) -> None:
    """`x += y`."""
    for row in range(len(x)):
        x_row, y_row = x[row], y[row]
        for j in range(len(x_row)):
            x_row[j] += y_row[j]


@_jit
def _normalise(x: Floats, norm: Floats) -> None:
    """Layer norm of every row, in place; `norm = [gain, shift]`."""
    gain, shift = norm[0], norm[1]
    size = np.float32(x.shape[1])
    for row in range(len(x)):
        values = x[row]
        total = np.float32(0.0)
        for j in range(len(values)):
            total += values[j]
        mean = total / size
        total = np.float32(0.0)
        for j in range(len(values)):
            total += (values[j] - mean) * (values[j] - mean)
        scale = np.float32(1.0) / np.sqrt(total / size + np.float32(1e-5))
        for j in range(len(values)):
            values[j] = (values[j] - mean) * scale * gain[j] + shift[j]


@_inlined
def _scores(query: Floats, keys: Floats, scores: Floats) -> None:
    """`scores[j] = query . keys[j] / sqrt(S)`, keys `[n, S]`."""
    scale = np.float32(1.0) / np.sqrt(np.float32(len(query)))
    for j in range(len(scores)):
        key = keys[j]
        total = np.float32(0.0)
        for d in range(len(key)):
            total += query[d] * key[d]
        scores[j] = total * scale


@_inlined
def _hide(scores: Floats, visible: Bools) -> None:
    """Make the scores of what is not visible hugely negative."""
    for j in range(len(scores)):
        if not visible[j]:
            scores[j] = np.float32(-1e30)


@_inlined
def _softmax(scores: Floats) -> None:
    """In place."""
    top = scores[0]
    for j in range(1, len(scores)):
        top = max(top, scores[j])
    total = np.float32(0.0)
    for j in range(len(scores)):
        scores[j] = math.exp(scores[j] - top)
        total += scores[j]
    for j in range(len(scores)):
        scores[j] /= total


@_inlined
def _weigh(values: Floats, weights: Floats, out: Floats) -> None:
    """`out = sum_j weights[j] values[j]`, values `[n, S]`."""
    out[:] = np.float32(0.0)
    for j in range(len(weights)):
        weight, value = weights[j], values[j]
        for d in range(len(out)):
            out[d] += weight * value[d]


@_jit
def _attend(
    queries: Floats, keys: Floats, values: Floats, visible: Bools, agent: int, scores: Floats, out: Floats
) -> None:
    """Queries `[G, D]` look at keys and values `[G, H, N, S]` of agents up to this one, for `out [G, D]`."""
    heads, size = keys.shape[1], keys.shape[3]
    for row in range(len(keys)):
        for head in range(heads):
            part = slice(head * size, (head + 1) * size)
            _scores(queries[row, part], keys[row, head], scores)
            if len(visible) > 0:
                _hide(scores, visible[agent, row])
            _softmax(scores)
            _weigh(values[row, head], scores, out[row, part])


@_jit
def _remember(cache: Floats, agent: int, projected: Floats) -> None:
    """Write `projected [G, D]` into `cache [G, H, N, S]` as the agent's."""
    rows, heads, _, size = cache.shape
    for row in range(rows):
        for head in range(heads):
            cache[row, head, agent] = projected[row, head * size : (head + 1) * size]


@_inlined
def _look_up(tokens: Floats, agent: int, actions: Ints, scratch: Floats) -> None:
    """The token of what the agent's predecessor chose, and its projections, into the first scratch rows."""
    for row in range(len(actions)):
        token = actions[row, agent - 1] + 1 if agent > 0 else 0
        for k in range(tokens.shape[1]):
            scratch[k, row] = tokens[token, k]


@_inlined
def _add_actor(rep: Floats, agent: int, scratch: Floats, layer: Floats, norm: Floats) -> None:
    """Finish a token of kind `action+rep`."""
    if agent > 0:
        _affine(rep[agent - 1], layer, scratch[MIXED])
        _add(scratch[Y], scratch[MIXED])
    _gelu(scratch[Y])
    _normalise(scratch[Y], norm)


@_inlined
def _own_attention(
    scratch: Floats,
    layers: Floats,
    norm: Floats,
    cache: Floats,
    visible: Bools,
    agent: int,
    scores: Floats,
    looked_up: bool,
) -> None:
    """Self-attention over the tokens so far, its residual and norm."""
    if not looked_up:
        for k in range(3):
            _affine(scratch[Y], layers[OWN_QUERY + k], scratch[QUERY + k])
    _remember(cache[0], agent, scratch[KEY])
    _remember(cache[1], agent, scratch[VALUE])
    _attend(scratch[QUERY], cache[0], cache[1], visible, agent, scores, scratch[MIXED])
    _affine(scratch[MIXED], layers[OWN_PROJ], scratch[KEY])
    _add(scratch[Y], scratch[KEY])
    _normalise(scratch[Y], norm)


@_inlined
def _memory_attention(
    scratch: Floats,
    layers: Floats,
    norm: Floats,
    cache: Floats,
    visible: Bools,
    agent: int,
    scores: Floats,
    queries: Floats,
    rep: Floats,
) -> None:
    """Attention from the representation to the tokens; its residual is the representation."""
    for k in range(2):
        _affine(scratch[Y], layers[MEMORY_KEY + k], scratch[KEY + k])
        _remember(cache[2 + k], agent, scratch[KEY + k])
    _attend(queries, cache[2], cache[3], visible, agent, scores, scratch[MIXED])
    _affine(scratch[MIXED], layers[MEMORY_PROJ], scratch[Y])
    _add(scratch[Y], rep)
    _normalise(scratch[Y], norm)


@_inlined
def _feed_forward(scratch: Floats, layers: Floats, norm: Floats) -> None:
    """The last part of a block, its residual and norm."""
    _affine(scratch[Y], layers[WIDEN], scratch[MIXED])
    _gelu(scratch[MIXED])
    _affine(scratch[MIXED], layers[NARROW], scratch[KEY])
    _add(scratch[Y], scratch[KEY])
    _normalise(scratch[Y], norm)


@_inlined
def _head(scratch: Floats, layer: Floats, norm: Floats, last: Floats, logits: Floats) -> None:
    """Logits `[G, A]` from the decoded tokens."""
    _affine(scratch[Y], layer, scratch[MIXED])
    _gelu(scratch[MIXED])
    _normalise(scratch[MIXED], norm)
    _affine(scratch[MIXED], last, logits)


@_inlined
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


@_jit
def decode_group(weights: Weights, inputs: Inputs, heads: int) -> tuple[Ints, Floats]:
    """The joint actions `[G, N]` of a group, one agent after the other, and their logits `[N, G, A]`."""
    agents, rows, width = inputs.rep.shape
    blocks, visible = len(weights.blocks), inputs.visible
    scratch = np.empty((5, rows, width), np.float32)
    cache = np.empty((blocks, 4, rows, heads, agents, width // heads), np.float32)
    all_scores = np.empty(agents, np.float32)
    logits = np.empty((agents, rows, weights.head_out.shape[1]), np.float32)
    actions = np.empty((rows, agents), np.int64)
    with_heads = weights.tokens.shape[1] > 1
    for agent in range(agents):
        scores, rep = all_scores[: agent + 1], inputs.rep[agent]
        _look_up(weights.tokens, agent, actions, scratch)
        if not with_heads:
            _add_actor(inputs.rep, agent, scratch, weights.ends[1], weights.end_norms[1])
        for block in range(blocks):
            layers, norms, store = weights.blocks[block], weights.norms[block], cache[block]
            looked_up = with_heads and block == 0
            _own_attention(scratch, layers, norms[0], store, visible, agent, scores, looked_up)
            queries = inputs.queries[block, agent]
            _memory_attention(scratch, layers, norms[1], store, visible, agent, scores, queries, rep)
            _feed_forward(scratch, layers, norms[2])
        _head(scratch, weights.ends[0], weights.end_norms[0], weights.head_out, logits[agent])
        _choose(logits[agent], inputs.legal, inputs.noise, agent, actions)
    return actions, logits


class FusedDecoder:
    """Chooses joint actions with a `Decoder`'s present parameters.

    They are packed when they differ from those packed last. That is told by comparing them all, which costs
    little beside decoding: torch's version counters miss what its fused optimisers do.
    """

    def __init__(self, decoder: Decoder) -> None:
        self.decoder = decoder
        self._parameters = list(decoder.parameters())
        self._weights: Weights | None = None
        self._packed: Floats = np.empty(0, np.float32)

    @torch.no_grad()
    def __call__(
        self, rep: Tensor, action_mask: Tensor | None, noise: Tensor | None, visible: Tensor | None
    ) -> Tensor:
        """The joint action `[B, N]` int64; arguments as in `marlzoo.nets.decode.decode`."""
        return self.with_logits(rep, action_mask, noise, visible)[0]

    @torch.no_grad()
    def with_logits(
        self, rep: Tensor, action_mask: Tensor | None, noise: Tensor | None, visible: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """The joint action, and the logits `[B, N, A]` it was chosen by, before mask and noise."""
        queries = torch.stack([block.cross_attention.query(rep) for block in self.decoder.stages])
        weights, heads = self.weights(), self.decoder.shape.heads
        groups = self._groups(rep, queries, action_mask, noise, visible)
        decoded = [decode_group(weights, inputs, heads) for inputs in groups]
        actions = torch.cat([torch.from_numpy(actions) for actions, _ in decoded])
        return actions, torch.cat([torch.from_numpy(logits).transpose(0, 1) for _, logits in decoded])

    def _groups(
        self,
        rep: Tensor,
        queries: Tensor,
        action_mask: Tensor | None,
        noise: Tensor | None,
        visible: Tensor | None,
    ) -> Iterator[Inputs]:
        size = max(1, min(GROUP, GROUP_FLOATS // (4 * queries[:, 0].numel())))
        for start in range(0, len(rep), size):
            part = slice(start, start + size)
            yield Inputs(
                rep=_agents_first(rep, part),
                queries=_array(queries[:, part].transpose(1, 2)),
                legal=_agents_first(action_mask, part, torch.bool),
                noise=_agents_first(noise, part),
                visible=_agents_first(visible, part, torch.bool),
            )

    def weights(self) -> Weights:
        """The packed parameters, up to date."""
        present = np.concatenate([p.detach().numpy().ravel() for p in self._parameters])
        if self._weights is None or not np.array_equal(present, self._packed):
            self._weights, self._packed = pack(self.decoder), present
        return self._weights


@torch.no_grad()
def pack(decoder: Decoder) -> Weights:
    """A decoder's parameters as the kernels take them."""
    tokens, blocks = decoder.tokens, decoder.stages
    head_in, head_out = _linears(decoder.head)
    layers = torch.stack([torch.stack([_packed(layer) for layer in _layers(block)]) for block in blocks])
    norms = [torch.stack((_norm(b.self_norm), _norm(b.cross_norm), _norm(b.mlp_norm))) for b in blocks]
    if tokens.rep is None:
        table = tokens.table()
        first = [table @ layer[:-1] + layer[-1] for layer in layers[0, OWN_QUERY : OWN_VALUE + 1]]
        looked_up, actor = torch.stack([table, *first], dim=1), torch.zeros_like(layers[0, 0])
    else:
        looked_up, actor = tokens.embed.weight.t().unsqueeze(1), _packed(tokens.rep)
    head_norm = next(part for part in decoder.head if isinstance(part, nn.LayerNorm))
    return Weights(
        tokens=_array(looked_up),
        blocks=_array(layers),
        norms=_array(torch.stack(norms)),
        ends=_array(torch.stack((_packed(head_in), actor))),
        end_norms=_array(torch.stack((_norm(head_norm), _norm(tokens.norm)))),
        head_out=_array(_packed(head_out)),
    )


def _layers(block: DecoderBlock) -> list[nn.Linear]:
    """In the order of the constants above."""
    own, memory = block.self_attention, block.cross_attention
    attention = [own.query, own.key, own.value, own.proj, memory.key, memory.value, memory.proj]
    return attention + _linears(block.mlp)


def _linears(parts: nn.Sequential) -> list[nn.Linear]:
    return [part for part in parts if isinstance(part, nn.Linear)]


def _packed(layer: nn.Linear) -> Tensor:
    """`[inputs + 1, outputs]`, the bias last."""
    bias = layer.weight.new_zeros(layer.out_features) if layer.bias is None else layer.bias
    return torch.cat((layer.weight.t(), bias.unsqueeze(0)))


def _norm(norm: nn.LayerNorm) -> Tensor:
    """`[2, D]`: gain and shift."""
    return torch.stack((norm.weight, norm.bias))


def _array(tensor: Tensor) -> NDArray[Any]:
    return np.ascontiguousarray(tensor.detach().numpy())


def _agents_first(tensor: Tensor | None, part: slice, kind: torch.dtype = torch.float32) -> NDArray[Any]:
    """Some rows of a tensor `[B, N, ...]` as `[N, G, ...]`; without any agents if there is no tensor."""
    if tensor is None:
        return _array(torch.empty((0, 0, 0), dtype=kind))
    return _array(tensor[part].transpose(0, 1))
