"""Rectangular obstacles: contact, LiDAR, and the grid that keeps both local.

Rectangles stand still for an episode. Each is entered, once, in every cell from which it can be sensed, so a
car has to look at its own cell only. The rectangles of an environment are rows of `BOX_COLUMNS` numbers.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from marlzoo.envs.dubins.kernel import Floats, Ints, kernel
from marlzoo.envs.dubins.neighbours import cell_index

BOX_COLUMNS = 6
"""Centre x and y, half width, half height, cosine and sine of the angle."""
SHORTEST_SIDE, LONGEST_SIDE = 0.1, 0.6
# Single-precision constants promote nothing: with doubles they give doubles.
_ZERO, _ONE = np.float32(0), np.float32(1)
_LARGEST_RADIUS = math.hypot(LONGEST_SIDE, LONGEST_SIDE) / 2


class Boxes(NamedTuple):
    """The rectangles of E environments and their grids."""

    shapes: Floats
    """`[E, B, 6]`, see `BOX_COLUMNS`."""
    side: int
    scale: float
    reach: float
    """How far from its own outline a rectangle is of interest."""
    starts: Ints
    """`[E, side * side + 1]`: where the list of each cell begins in `members`."""
    members: Ints
    """`[E, ...]`: the rectangles of each cell."""


def make_boxes(envs: int, boxes: int, area: float, reach: float, dtype: type[np.floating]) -> Boxes:
    """Room for `boxes` rectangles in each of `envs` environments."""
    side = max(1, min(int(area / reach), int(2 * math.sqrt(boxes)))) if boxes else 1
    across = min(side, int(2 * (_LARGEST_RADIUS + reach) * side / area) + 2)
    return Boxes(
        shapes=np.zeros((envs, boxes, BOX_COLUMNS), dtype),
        side=side,
        scale=dtype(side / area),
        reach=dtype(reach),
        starts=np.zeros((envs, side * side + 1), np.int32),
        members=np.zeros((envs, boxes * across * across), np.int32),
    )


@kernel
def _tally(env: int, boxes: Boxes, enter: bool) -> None:
    """Count every rectangle in its cells, or (from the back, once counts are ends) enter it there."""
    side, starts = boxes.side, boxes.starts[env]
    for b in range(boxes.shapes.shape[1] - 1, -1, -1):
        shape = boxes.shapes[env, b]
        extent = math.sqrt(shape[2] * shape[2] + shape[3] * shape[3]) + boxes.reach
        left = cell_index(shape[0] - extent, side, boxes.scale)
        right = cell_index(shape[0] + extent, side, boxes.scale)
        bottom = cell_index(shape[1] - extent, side, boxes.scale)
        top = cell_index(shape[1] + extent, side, boxes.scale)
        for row in range(bottom, top + 1):
            for column in range(left, right + 1):
                cell = row * side + column
                if enter:
                    starts[cell] -= 1
                    boxes.members[env, starts[cell]] = b
                else:
                    starts[cell] += 1


@kernel
def fill_boxes(env: int, boxes: Boxes) -> None:
    """Rebuild the grid of one environment from its rectangles."""
    starts = boxes.starts[env]
    starts[:] = 0
    _tally(env, boxes, False)
    total = 0
    for cell in range(len(starts)):
        total += starts[cell]
        starts[cell] = total
    _tally(env, boxes, True)


@kernel
def box_distance(x: float, y: float, shape: Floats) -> float:
    """Distance of a point from a rectangle; 0 inside."""
    dx, dy = x - shape[0], y - shape[1]
    outside_x = max(abs(shape[4] * dx + shape[5] * dy) - shape[2], _ZERO)
    outside_y = max(abs(shape[4] * dy - shape[5] * dx) - shape[3], _ZERO)
    return math.sqrt(outside_x * outside_x + outside_y * outside_y)


@kernel
def nearest_box(env: int, x: float, y: float, boxes: Boxes) -> float:
    """Distance to the nearest rectangle, or `boxes.reach` where none is nearer."""
    closest = boxes.reach
    cell = cell_index(y, boxes.side, boxes.scale) * boxes.side + cell_index(x, boxes.side, boxes.scale)
    for k in range(boxes.starts[env, cell], boxes.starts[env, cell + 1]):
        closest = min(closest, box_distance(x, y, boxes.shapes[env, boxes.members[env, k]]))
    return closest


@kernel
def _slab(origin: float, step: float, half: float, far: float) -> tuple[float, float]:
    """Where a ray enters and leaves the strip `[-half, half]`, in multiples of its direction `step`."""
    if step == 0:
        return (-far, far) if abs(origin) <= half else (far, -far)
    first, second = (-half - origin) / step, (half - origin) / step
    return min(first, second), max(first, second)


@kernel
def _ray(ox: float, oy: float, sx: float, sy: float, shape: Floats, far: float) -> float:
    """Distance along a unit ray, in the rectangle's frame, to its wall; `far` for a miss."""
    enter_x, leave_x = _slab(ox, sx, shape[2], far)
    enter_y, leave_y = _slab(oy, sy, shape[3], far)
    enter = max(enter_x, enter_y)
    return enter if 0 <= enter <= min(leave_x, leave_y) else far


@kernel
def _cast(
    x: float, y: float, hx: float, hy: float, shape: Floats, rays: Floats, reach: float, out: Floats
) -> None:
    """Shorten the ranges `out`, in units of `reach`, by one rectangle."""
    dx, dy = x - shape[0], y - shape[1]
    ox, oy = shape[4] * dx + shape[5] * dy, shape[4] * dy - shape[5] * dx
    if abs(ox) < shape[2] and abs(oy) < shape[3]:
        out[:] = _ZERO
        return
    # The rays' zero direction, turned into the rectangle's frame.
    cx, cy = shape[4] * hx + shape[5] * hy, shape[4] * hy - shape[5] * hx
    for r in range(len(rays)):
        sx, sy = cx * rays[r, 0] - cy * rays[r, 1], cy * rays[r, 0] + cx * rays[r, 1]
        out[r] = min(out[r], _ray(ox, oy, sx, sy, shape, reach) / reach)


@kernel
def scan_boxes(
    env: int, x: float, y: float, hx: float, hy: float, boxes: Boxes, rays: Floats, out: Floats
) -> None:
    """LiDAR: for each ray the distance to the nearest wall in units of the range, 1 for none, 0 inside.

    `rays [R, 2]` are unit vectors in the frame whose first axis is `hx, hy`.
    """
    reach = boxes.reach
    out[:] = _ONE
    cell = cell_index(y, boxes.side, boxes.scale) * boxes.side + cell_index(x, boxes.side, boxes.scale)
    for k in range(boxes.starts[env, cell], boxes.starts[env, cell + 1]):
        shape = boxes.shapes[env, boxes.members[env, k]]
        dx, dy = x - shape[0], y - shape[1]
        extent = reach + math.sqrt(shape[2] * shape[2] + shape[3] * shape[3])
        if dx * dx + dy * dy < extent * extent:
            _cast(x, y, hx, hy, shape, rays, reach, out)
