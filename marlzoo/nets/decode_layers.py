"""The layers of the multi-agent transformer's decoder as compiled loops: float32, no gradient.

Everything is plain loops over the width, which the compiler turns into vector instructions. `Weights` holds a
decoder's parameters as the kernels take them. G joint steps are decoded side by side; L blocks, width D, A
actions or components of an action, S = D / heads.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numba
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from marlzoo.kernel_collector import hold_collector_while_compiling
from marlzoo.kernel_sources import source_digest
from marlzoo.nets.attention import Decoder, DecoderBlock

F = TypeVar("F", bound=Callable[..., Any])

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]
Places = NDArray[np.int32]

Y, QUERY, KEY, VALUE, MIXED = range(5)
"""What the scratch memory holds: the token on its way through the blocks, and the parts of attention."""

OWN_QUERY, OWN_KEY, OWN_VALUE, OWN_PROJ, MEMORY_KEY, MEMORY_VALUE, MEMORY_PROJ, WIDEN, NARROW = range(9)
"""The linear layers of a block."""

_DIGEST = source_digest(Path(__file__).with_name(name) for name in ("decode_layers.py", "decode_numba.py"))


hold_collector_while_compiling()


def jit(function: F) -> F:
    """Compile a kernel and keep the machine code on disk, for as long as these files stay as they are."""
    function.__qualname__ += f"-{_DIGEST}"
    compiled: Any = numba.njit(cache=True, fastmath=True, error_model="numpy", nogil=True)(function)
    return compiled


inlined = numba.njit(inline="always", fastmath=True, error_model="numpy")
"""For kernels with one or two callers: compiled as part of those, which halves the time of compiling."""


class Weights(NamedTuple):
    """A decoder's parameters, packed for the kernels.

    Linear layers are `[inputs + 1, outputs]` with the bias as last row; layer norms are `[gain, shift]`.
    """

    tokens: Floats
    """`[A+1, 4, D]`: embedded tokens with their query, key and value in the first block. With `action+rep`
    `[A+1, 1, D]`, their part before the activation. For continuous actions a linear layer, `[A+1, 1, D]`."""
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


class Sight(NamedTuple):
    """Whose tokens each agent may look at. With both empty, those of everybody before it."""

    visible: Bools
    """`[N, G, N]`, or `[0, 0, 0]`."""
    listed: Places
    """`[N, G, M]`: the numbers of the tokens, in any order, -1 for none; or `[0, 0, 0]`."""


@jit
def affine(x: Floats, layer: Floats, out: Floats) -> None:
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


@jit
def gelu(x: Floats) -> None:
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


@jit
def add(x: Floats, y: Floats) -> None:
    """`x += y`."""
    for row in range(len(x)):
        x_row, y_row = x[row], y[row]
        for j in range(len(x_row)):
            x_row[j] += y_row[j]


@jit
def normalise(x: Floats, norm: Floats) -> None:
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


@inlined
def _scores(query: Floats, keys: Floats, scores: Floats) -> None:
    """`scores[j] = query . keys[j] / sqrt(S)`, keys `[n, S]`."""
    scale = np.float32(1.0) / np.sqrt(np.float32(len(query)))
    for j in range(len(scores)):
        key = keys[j]
        total = np.float32(0.0)
        for d in range(len(key)):
            total += query[d] * key[d]
        scores[j] = total * scale


@inlined
def _hide(scores: Floats, visible: Bools) -> None:
    """Make the scores of what is not visible hugely negative."""
    for j in range(len(scores)):
        if not visible[j]:
            scores[j] = np.float32(-1e30)


@inlined
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


@inlined
def _weigh(values: Floats, weights: Floats, out: Floats) -> None:
    """`out = sum_j weights[j] values[j]`, values `[n, S]`."""
    out[:] = np.float32(0.0)
    for j in range(len(weights)):
        weight, value = weights[j], values[j]
        for d in range(len(out)):
            out[d] += weight * value[d]


@jit
def _attend_listed(
    query: Floats, keys: Floats, values: Floats, listed: Places, scores: Floats, out: Floats
) -> None:
    """As `attend`, for one row and one head, to the `listed [M]` tokens only; -1 is none."""
    scale = np.float32(1.0) / np.sqrt(np.float32(len(query)))
    for j in range(len(listed)):
        scores[j] = np.float32(-1e30)
        if listed[j] >= 0:
            key = keys[listed[j]]
            total = np.float32(0.0)
            for d in range(len(key)):
                total += query[d] * key[d]
            scores[j] = total * scale
    _softmax(scores)
    out[:] = np.float32(0.0)
    for j in range(len(listed)):
        if listed[j] >= 0:
            weight, value = scores[j], values[listed[j]]
            for d in range(len(out)):
                out[d] += weight * value[d]


@jit
def attend(
    queries: Floats, keys: Floats, values: Floats, sight: Sight, agent: int, scores: Floats, out: Floats
) -> None:
    """Queries `[G, D]` look at keys and values `[G, H, N, S]` of agents up to this one, for `out [G, D]`."""
    heads, size = keys.shape[1], keys.shape[3]
    for row in range(len(keys)):
        for head in range(heads):
            part = slice(head * size, (head + 1) * size)
            if len(sight.listed) > 0:
                listed = sight.listed[agent, row]
                _attend_listed(
                    queries[row, part], keys[row, head], values[row, head], listed, scores, out[row, part]
                )
                continue
            _scores(queries[row, part], keys[row, head], scores)
            if len(sight.visible) > 0:
                _hide(scores, sight.visible[agent, row])
            _softmax(scores)
            _weigh(values[row, head], scores, out[row, part])


@jit
def remember(cache: Floats, agent: int, projected: Floats) -> None:
    """Write `projected [G, D]` into `cache [G, H, N, S]` as the agent's."""
    rows, heads, _, size = cache.shape
    for row in range(rows):
        for head in range(heads):
            cache[row, head, agent] = projected[row, head * size : (head + 1) * size]


@inlined
def add_actor(rep: Floats, agent: int, scratch: Floats, layer: Floats, norm: Floats) -> None:
    """Finish a token of kind `action+rep`."""
    if agent > 0:
        affine(rep[agent - 1], layer, scratch[MIXED])
        add(scratch[Y], scratch[MIXED])
    gelu(scratch[Y])
    normalise(scratch[Y], norm)


@inlined
def own_attention(
    scratch: Floats,
    layers: Floats,
    norm: Floats,
    cache: Floats,
    sight: Sight,
    agent: int,
    scores: Floats,
    looked_up: bool,
) -> None:
    """Self-attention over the tokens so far, its residual and norm."""
    if not looked_up:
        for k in range(3):
            affine(scratch[Y], layers[OWN_QUERY + k], scratch[QUERY + k])
    remember(cache[0], agent, scratch[KEY])
    remember(cache[1], agent, scratch[VALUE])
    attend(scratch[QUERY], cache[0], cache[1], sight, agent, scores, scratch[MIXED])
    affine(scratch[MIXED], layers[OWN_PROJ], scratch[KEY])
    add(scratch[Y], scratch[KEY])
    normalise(scratch[Y], norm)


@inlined
def memory_attention(
    scratch: Floats,
    layers: Floats,
    norm: Floats,
    cache: Floats,
    sight: Sight,
    agent: int,
    scores: Floats,
    queries: Floats,
    rep: Floats,
) -> None:
    """Attention from the representation to the tokens; its residual is the representation."""
    for k in range(2):
        affine(scratch[Y], layers[MEMORY_KEY + k], scratch[KEY + k])
        remember(cache[2 + k], agent, scratch[KEY + k])
    attend(queries, cache[2], cache[3], sight, agent, scores, scratch[MIXED])
    affine(scratch[MIXED], layers[MEMORY_PROJ], scratch[Y])
    add(scratch[Y], rep)
    normalise(scratch[Y], norm)


@inlined
def feed_forward(scratch: Floats, layers: Floats, norm: Floats) -> None:
    """The last part of a block, its residual and norm."""
    affine(scratch[Y], layers[WIDEN], scratch[MIXED])
    gelu(scratch[MIXED])
    affine(scratch[MIXED], layers[NARROW], scratch[KEY])
    add(scratch[Y], scratch[KEY])
    normalise(scratch[Y], norm)


@inlined
def head(scratch: Floats, layer: Floats, norm: Floats, last: Floats, logits: Floats) -> None:
    """Logits `[G, A]` from the decoded tokens."""
    affine(scratch[Y], layer, scratch[MIXED])
    gelu(scratch[MIXED])
    normalise(scratch[MIXED], norm)
    affine(scratch[MIXED], last, logits)


@torch.no_grad()
def pack(decoder: Decoder) -> Weights:
    """A decoder's parameters as the kernels take them."""
    tokens, blocks = decoder.tokens, decoder.stages
    head_in, head_out = _linears(decoder.head)
    layers = torch.stack([torch.stack([_packed(layer) for layer in _layers(block)]) for block in blocks])
    norms = [torch.stack((_norm(b.self_norm), _norm(b.cross_norm), _norm(b.mlp_norm))) for b in blocks]
    actor = torch.zeros_like(layers[0, 0]) if tokens.rep is None else _packed(tokens.rep)
    if not tokens.discrete:
        looked_up = _packed(tokens.embed).unsqueeze(1)
    elif tokens.rep is None:
        table = tokens.table()
        first = [table @ layer[:-1] + layer[-1] for layer in layers[0, OWN_QUERY : OWN_VALUE + 1]]
        looked_up = torch.stack([table, *first], dim=1)
    else:
        looked_up = tokens.embed.weight.t().unsqueeze(1)
    head_norm = next(part for part in decoder.head if isinstance(part, nn.LayerNorm))
    return Weights(
        tokens=array_of(looked_up),
        blocks=array_of(layers),
        norms=array_of(torch.stack(norms)),
        ends=array_of(torch.stack((_packed(head_in), actor))),
        end_norms=array_of(torch.stack((_norm(head_norm), _norm(tokens.norm)))),
        head_out=array_of(_packed(head_out)),
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


def array_of(tensor: Tensor) -> NDArray[Any]:
    """The same numbers, in one piece."""
    return np.ascontiguousarray(tensor.detach().numpy())
