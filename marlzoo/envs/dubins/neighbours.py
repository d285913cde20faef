"""Exact neighbour search on a uniform grid, whose cost per car does not grow with the number of cars.

Cells are at least as wide as the radius of the search, so all that a car can sense lies in its own and the
eight surrounding cells. Bodies are sorted by cell, row by row; the three cells of a row are then one run of
memory. Whoever is outside the arena counts to the cell at the edge: clamping never moves two bodies farther
apart in cells than they were, so the search stays exact.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from marlzoo.envs.dubins.kernel import Floats, Ints, kernel

_CROWD = 48
"""Up to so many bodies, comparing all pairs is faster than sorting."""


class Grid(NamedTuple):
    """Room for one sorted set of bodies, used by one environment after the other."""

    side: int
    """Cells along each axis."""
    scale: float
    """Cells per unit of length, in the float type of the positions."""
    starts: Ints
    """`[side * side + 1]`: where each cell begins in the sorted order."""
    cells: Ints
    """`[N]`: the cell of each body."""
    order: Ints
    """`[N]`: the bodies sorted by cell, and by index within a cell."""
    places: Floats
    """`[N, 4]`: x, y, and velocity of the sorted bodies."""


def grid_side(area: float, radius: float, bodies: int) -> int:
    """Cells along each axis: as narrow as `radius` allows, but no more than about four cells per body."""
    if bodies <= _CROWD:
        return 1
    return max(1, min(int(area / radius), int(2 * math.sqrt(bodies))))


def make_grid(area: float, radius: float, bodies: int, dtype: type[np.floating]) -> Grid:
    """An empty grid over `[0, area]^2` for searches within `radius`."""
    side = grid_side(area, radius, bodies)
    return Grid(
        side=side,
        scale=dtype(side / area),
        starts=np.zeros(side * side + 1, np.int32),
        cells=np.zeros(bodies, np.int32),
        order=np.zeros(bodies, np.int32),
        places=np.zeros((bodies, 4), dtype),
    )


@kernel
def cell_index(position: float, side: int, scale: float) -> int:
    """The column or row of a coordinate, clamped into the grid."""
    return min(max(int(position * scale), 0), side - 1)


@kernel
def _count(x: Floats, y: Floats, low: int, high: int, grid: Grid) -> None:
    grid.starts[:] = 0
    for i in range(low, high):
        cell = cell_index(y[i], grid.side, grid.scale) * grid.side + cell_index(x[i], grid.side, grid.scale)
        grid.cells[i - low] = cell
        grid.starts[cell] += 1


@kernel
def _accumulate(starts: Ints) -> None:
    """Turn the counts into the end of every cell; filling from the back makes them starts."""
    total = 0
    for cell in range(len(starts)):
        total += starts[cell]
        starts[cell] = total


@kernel
def fill_grid(x: Floats, y: Floats, vx: Floats, vy: Floats, low: int, high: int, grid: Grid) -> None:
    """Sort the bodies `low..high` of the flat arrays into the grid; they become bodies `0..high - low`."""
    _count(x, y, low, high, grid)
    _accumulate(grid.starts)
    for i in range(high - 1, low - 1, -1):
        cell = grid.cells[i - low]
        grid.starts[cell] -= 1
        k = grid.starts[cell]
        grid.order[k] = i - low
        grid.places[k, 0] = x[i]
        grid.places[k, 1] = y[i]
        grid.places[k, 2] = vx[i]
        grid.places[k, 3] = vy[i]


@kernel
def _insert(grid: Grid, k: int, squared: float, count: int, found: Ints, distances: Floats) -> int:
    """Put sorted body `k` in its place among the nearest; ties go to the lower index."""
    slot = min(count, len(found) - 1)
    if count == len(found) and not _nearer(grid, k, squared, found[slot], distances[slot]):
        return count
    while slot > 0 and _nearer(grid, k, squared, found[slot - 1], distances[slot - 1]):
        found[slot] = found[slot - 1]
        distances[slot] = distances[slot - 1]
        slot -= 1
    found[slot] = k
    distances[slot] = squared
    return min(count + 1, len(found))


@kernel
def _nearer(grid: Grid, k: int, squared: float, other: int, other_squared: float) -> bool:
    if squared == other_squared:
        return grid.order[k] < grid.order[other]
    return squared < other_squared


@kernel
def nearest_bodies(
    x: float, y: float, itself: int, squared_radius: float, grid: Grid, found: Ints, distances: Floats
) -> int:
    """Find the nearest bodies closer than the radius, except body `itself` (-1 for none).

    Writes their places in the sorted order to `found` and their squared distances to `distances`, nearest
    first, and returns how many there are (at most `len(found)`).
    """
    count = 0
    side = grid.side
    column, row = cell_index(x, side, grid.scale), cell_index(y, side, grid.scale)
    left, right = max(column - 1, 0), min(column + 1, side - 1)
    for line in range(max(row - 1, 0), min(row + 1, side - 1) + 1):
        for k in range(grid.starts[line * side + left], grid.starts[line * side + right + 1]):
            dx, dy = grid.places[k, 0] - x, grid.places[k, 1] - y
            squared = dx * dx + dy * dy
            if squared < squared_radius and grid.order[k] != itself:
                count = _insert(grid, k, squared, count, found, distances)
    return count


@kernel
def any_body(x: float, y: float, itself: int, squared_radius: float, grid: Grid) -> bool:
    """Whether any body except `itself` (-1 for none) is closer than the radius."""
    side = grid.side
    column, row = cell_index(x, side, grid.scale), cell_index(y, side, grid.scale)
    left, right = max(column - 1, 0), min(column + 1, side - 1)
    for line in range(max(row - 1, 0), min(row + 1, side - 1) + 1):
        for k in range(grid.starts[line * side + left], grid.starts[line * side + right + 1]):
            dx, dy = grid.places[k, 0] - x, grid.places[k, 1] - y
            if dx * dx + dy * dy < squared_radius and grid.order[k] != itself:
                return True
    return False
