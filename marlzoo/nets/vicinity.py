"""Who is near whom: nearest agents and cells, for attention that does not grow with the number of agents."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from marlzoo.kernel_collector import hold_collector_while_compiling
from marlzoo.nets.attention import Near

hold_collector_while_compiling()
_jit = numba.njit(cache=True, error_model="numpy")


def nearest_agents(places: Tensor, count: int) -> Near:
    """For every agent itself and the `count - 1` agents nearest to it, nearest first; all if there are fewer.

    Exact, at a cost per agent that grows with the square root of their number where they are spread evenly
    over a square. Of agents at equal distances, those that are less far along the first axis come first.

    Args:
        places: `[B, N, 2]`.
        count: at least 1.
    """
    index = np.empty((*places.shape[:2], min(count, places.shape[1])), np.int64)
    for row, found in zip(places.double().numpy(), index, strict=True):
        order = np.argsort(row[:, 0], kind="stable")
        _sweep(row[order], order, found)
    return Near(torch.from_numpy(index))


@_jit
def _sweep(ordered: NDArray[Any], order: NDArray[Any], index: NDArray[Any]) -> None:
    """Fill `index [N, K]`; `ordered [N, 2]` are the places along the first axis, `order [N]` whose they are.

    From each agent the sweep goes outwards on both sides, until what is left is too far along that axis.
    """
    agents, count = index.shape
    found, distances = np.empty(count, np.int64), np.empty(count)
    for i in range(agents):
        found[0], distances[0], taken = i, -1.0, 1
        left, right = i - 1, i + 1
        while left >= 0 or right < agents:
            k, left, right = _next(ordered, i, left, right)
            along, across = ordered[k, 0] - ordered[i, 0], ordered[k, 1] - ordered[i, 1]
            if taken == count and along * along >= distances[count - 1]:
                break
            taken = _insert(k, along * along + across * across, taken, found, distances)
        for slot in range(count):
            index[order[i], slot] = order[found[slot]]


@_jit
def _next(ordered: NDArray[Any], i: int, left: int, right: int) -> tuple[int, int, int]:
    """The nearer along the first axis of the candidates on the left and on the right, and those after it."""
    if left < 0:
        return right, left, right + 1
    if right == len(ordered) or ordered[i, 0] - ordered[left, 0] <= ordered[right, 0] - ordered[i, 0]:
        return left, left - 1, right
    return right, left, right + 1


@_jit
def _insert(k: int, distance: float, taken: int, found: NDArray[Any], distances: NDArray[Any]) -> int:
    """Put `k` in its place among the nearest so far; returns how many those are then."""
    if taken == len(found):
        if distance >= distances[taken - 1]:
            return taken
        taken -= 1
    slot = taken
    while distances[slot - 1] > distance:
        found[slot], distances[slot] = found[slot - 1], distances[slot - 1]
        slot -= 1
    found[slot], distances[slot] = k, distance
    return taken + 1


def cells(places: Tensor, most: int) -> list[Tensor]:
    """Divide the agents into as few cells as hold at most `most` each, as equal in number as can be.

    The area is cut into strips with equally many cells, and each strip into cells. Agents keep their order
    within a cell.

    Args:
        places: `[B, N, 2]`.
        most: at least 1.

    Returns:
        Indices of agents `[B, C, n]`: C cells of n agents each. One tensor, or two whose n differ by 1.
    """
    agents = places.shape[1]
    count = -(-agents // most)
    small, large = agents // count, agents % count
    sizes = torch.tensor([small + 1] * large + [small] * (count - large))
    strips = torch.arange(count) // -(-count // max(1, round(count**0.5)))
    strip = strips.repeat_interleave(sizes)
    along = places[..., 0].argsort(stable=True)
    across = places[..., 1].gather(-1, along)
    # Within each strip by the second coordinate: sort by that, then, stably, by strip.
    order = across.argsort(stable=True)
    order = order.gather(-1, strip[order].argsort(stable=True))
    inside = along.gather(-1, order)
    split = large * (small + 1)
    larger = inside[:, :split].view(len(places), large, small + 1)
    smaller = inside[:, split:].view(len(places), count - large, small)
    return [part.sort(-1).values for part in (larger, smaller) if part.shape[1]]
