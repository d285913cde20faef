"""Path-finding on the three maps whose armies do not see each other in a straight line.

For every goal cell and every own cell the table holds the farthest cell along a shortest path that lies in
a straight walkable line. A unit walks towards that cell's centre, and straight to its goal once the table
names the goal cell itself. Cells are numbered `x * 32 + y`.
"""

from __future__ import annotations

from functools import cache

import numba
import numpy as np
from numpy.typing import NDArray

from marlzoo.envs.smac.terrain import SIZE, terrain

CELLS = SIZE * SIZE
FAR = 1_000_000
STRAIGHT, DIAGONAL = 5, 7  # integer lengths of the two kinds of steps, close to 1 : sqrt(2)
LOOK_AHEAD = 12


@cache
def waypoints(name: str) -> NDArray[np.int16]:
    """The table `[1024, 1024]` (goal cell, own cell) of a terrain.

    Goal cells and own cells that cannot be walked on stand for the nearest one that can.
    """
    walkable = np.ascontiguousarray(terrain(name).ground)
    table = np.zeros((CELLS, CELLS), np.int16)
    _fill_table(walkable, table)
    near = _nearest_walkable(walkable)
    return np.ascontiguousarray(table[near][:, near])


def _nearest_walkable(walkable: NDArray[np.bool_]) -> NDArray[np.int64]:
    """For each cell the walkable cell nearest to it, `[1024]`."""
    cells = np.stack(np.divmod(np.arange(CELLS), SIZE), axis=1)
    open_cells = cells[walkable.reshape(-1)]
    gaps = ((cells[:, None, :] - open_cells[None, :, :]) ** 2).sum(-1)
    return open_cells[gaps.argmin(1)] @ np.array([SIZE, 1])


@numba.njit(cache=True)
def _fill_table(walkable: NDArray[np.bool_], table: NDArray[np.int16]) -> None:
    distance = np.empty(CELLS, np.int64)
    for goal in range(CELLS):
        if walkable[goal // SIZE, goal % SIZE]:
            _distances(walkable, goal, distance)
            for cell in range(CELLS):
                if walkable[cell // SIZE, cell % SIZE] and distance[cell] < FAR:
                    table[goal, cell] = _farthest_in_line(walkable, distance, cell)
                else:
                    table[goal, cell] = cell


@numba.njit(cache=True)
def _can_step(walkable: NDArray[np.bool_], x: int, y: int, dx: int, dy: int) -> bool:
    """Whether a step to a neighbouring cell is free; diagonal steps must not cut corners."""
    if not (0 <= x + dx < SIZE and 0 <= y + dy < SIZE):
        return False
    return walkable[x + dx, y + dy] and walkable[x + dx, y] and walkable[x, y + dy]


@numba.njit(cache=True)
def _distances(walkable: NDArray[np.bool_], goal: int, distance: NDArray[np.int64]) -> None:
    """Shortest path lengths to `goal`, by relaxation in the order of a queue."""
    distance[:] = FAR
    distance[goal] = 0
    queue = [goal]
    head = 0
    while head < len(queue):
        cell = queue[head]
        head += 1
        x, y = cell // SIZE, cell % SIZE
        for dx in range(-1, 2):
            for dy in range(-1, 2):
                length = distance[cell] + (DIAGONAL if dx * dy != 0 else STRAIGHT)
                if _can_step(walkable, x, y, dx, dy) and length < distance[cell + dx * SIZE + dy]:
                    distance[cell + dx * SIZE + dy] = length
                    queue.append(cell + dx * SIZE + dy)


@numba.njit(cache=True)
def _downhill(walkable: NDArray[np.bool_], distance: NDArray[np.int64], cell: int) -> int:
    """The neighbour nearest to the goal; the cell itself at the goal."""
    x, y = cell // SIZE, cell % SIZE
    best = cell
    for dx in range(-1, 2):
        for dy in range(-1, 2):
            if _can_step(walkable, x, y, dx, dy):
                other = cell + dx * SIZE + dy
                if distance[other] < distance[best]:
                    best = other
    return best


@numba.njit(cache=True)
def _farthest_in_line(walkable: NDArray[np.bool_], distance: NDArray[np.int64], cell: int) -> int:
    """Follow the path from `cell` for as long as its cells can be walked to in a straight line."""
    best = _downhill(walkable, distance, cell)
    ahead = best
    for _ in range(LOOK_AHEAD):
        ahead = _downhill(walkable, distance, ahead)
        if not _in_line(walkable, cell, ahead):
            break
        best = ahead
    return best


@numba.njit(cache=True)
def _in_line(walkable: NDArray[np.bool_], start: int, end: int) -> bool:
    """Whether the straight segment between two cell centres stays on walkable ground, by samples."""
    x, y = start // SIZE + 0.5, start % SIZE + 0.5
    dx, dy = end // SIZE + 0.5 - x, end % SIZE + 0.5 - y
    samples = int(8 * max(abs(dx), abs(dy))) + 1
    for k in range(samples + 1):  # noqa: SIM110 (Numba has no generators in nopython mode)
        if not walkable[int(x + dx * k / samples), int(y + dy * k / samples)]:
            return False
    return True
