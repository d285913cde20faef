"""Movement of one loop: steering, blocking, sliding round obstacles and along walls, and the push-out pass.

Units are discs of their separation radius. A unit that means to stand (it attacks, holds or idles) blocks;
units on the move may overlap for a moment and are pushed apart.
"""

from __future__ import annotations

import math

import numpy as np

from marlzoo.envs.smac.jit import merged, physics
from marlzoo.envs.smac.rules import ACCELERATION, AIR, CONTACT, GROUND, KIND, LAYER, SPEED, Rules
from marlzoo.envs.smac.state import (
    ALIVE,
    PACE,
    PUSH_X,
    PUSH_Y,
    SIDE,
    SIDE_LEFT,
    STILL,
    Floats,
    Ints,
    X,
    Y,
)
from marlzoo.envs.smac.terrain import SIZE

ZERO, HALF, ONE = np.float32(0.0), np.float32(0.5), np.float32(1.0)
TINY = np.float32(1e-6)
EDGE = np.float32(SIZE - 1e-3)
MAX_PUSH = np.float32(0.25)
SIDE_MEMORY = 8
TURNS = 3  # 45, 90 and 135 degrees
TURN_COS = (np.float32(math.sqrt(0.5)), np.float32(0.0), np.float32(-math.sqrt(0.5)))
TURN_SIN = (np.float32(math.sqrt(0.5)), np.float32(1.0), np.float32(math.sqrt(0.5)))
SPREAD = np.float32(1e-5)


@physics
def stand(f: Floats, i: int) -> None:
    """Unit i means to stand in this loop."""
    f[STILL, i] = ONE
    f[PACE, i] = ZERO


@merged
def walk(r: Rules, f: Floats, n: Ints, i: int, gx: float, gy: float, stop_at: float, limit: float) -> None:
    """Move unit i one loop towards `(gx, gy)`, until the centre is `stop_at` away, no faster than `limit`."""
    f[STILL, i] = ZERO
    dx, dy = gx - f[X, i], gy - f[Y, i]
    distance = math.sqrt(dx * dx + dy * dy)
    room = distance - stop_at
    if room <= TINY or r.stat[SPEED, i] == ZERO:
        stand(f, i)
        return
    if r.waypoint.shape[0] > 0 and r.trait[LAYER, i] == GROUND:
        own = _cell(f[X, i], f[Y, i])
        goal = _cell(gx, gy)
        via = np.int64(r.waypoint[goal, own])
        if via != r.waypoint[goal, goal] and via != own:
            dx = np.float32(via // SIZE) + HALF - f[X, i]
            dy = np.float32(via % SIZE) + HALF - f[Y, i]
            distance = math.sqrt(dx * dx + dy * dy) + TINY
            room = distance
    step = min(min(_pace(r, f, i), limit), room)
    _step_or_slide(r, f, n, i, dx / distance, dy / distance, step)


@physics
def _pace(r: Rules, f: Floats, i: int) -> float:
    """The speed of this loop; only units with an acceleration need time to reach their full speed."""
    gain = r.stat[ACCELERATION, i]
    if gain == ZERO:
        return r.stat[SPEED, i]
    f[PACE, i] = min(f[PACE, i] + gain, r.stat[SPEED, i])
    return f[PACE, i]


@physics
def _cell(x: float, y: float) -> int:
    return np.int64(x) * SIZE + np.int64(y)


@merged
def _step_or_slide(r: Rules, f: Floats, n: Ints, i: int, ux: float, uy: float, step: float) -> None:
    """Take the step along the unit vector `(ux, uy)`, or slide round the unit that is in the way."""
    nx, ny = within_walls(r, f, i, f[X, i] + ux * step, f[Y, i] + uy * step)
    if _clash(r, f, i, nx, ny) > ZERO:
        _go_round(r, f, n, i, ux, uy, step)
    else:
        f[X, i], f[Y, i] = nx, ny


@physics
def _clash(r: Rules, f: Floats, i: int, x: float, y: float) -> float:
    """How much unit i at `(x, y)` would overlap standing units that it comes nearer to; 0 if not at all.

    A sum without branches, so that it vectorises. Unit i itself is not standing.
    """
    kind = r.trait[KIND, i]
    x0, y0 = f[X, i], f[Y, i]
    overlap = ZERO
    for j in range(f.shape[1]):
        dx, dy, dx0, dy0 = f[X, j] - x, f[Y, j] - y, f[X, j] - x0, f[Y, j] - y0
        after, before = dx * dx + dy * dy, dx0 * dx0 + dy0 * dy0
        near = r.pair[CONTACT, kind, j] * f[STILL, j]
        depth = near * near - after if after < before - TINY else ZERO
        overlap += max(depth, ZERO)
    return overlap


@merged
def _go_round(r: Rules, f: Floats, n: Ints, i: int, ux: float, uy: float, step: float) -> None:
    """Turn away from the unit vector `(ux, uy)`, where somebody stands, until the step is free.

    The side is the one nearer to the goal; it is kept while the unit goes round, so that it follows the
    outline of a crowd instead of swaying behind it. With no way on that side the other is tried; with none at
    all, the unit waits.
    """
    side = np.int32(n[SIDE, i])
    if n[SIDE_LEFT, i] == 0:
        j = _blocker(r, f, i, f[X, i] + ux * step, f[Y, i] + uy * step)
        outward = (f[X, i] - f[X, j]) * uy - (f[Y, i] - f[Y, j]) * ux
        side = np.int32(-1) if outward >= ZERO else np.int32(1)
    for _ in range(2):
        sense = np.float32(side)
        for k in range(TURNS):
            across = sense * TURN_SIN[k]
            nx = f[X, i] + step * (ux * TURN_COS[k] - uy * across)
            ny = f[Y, i] + step * (uy * TURN_COS[k] + ux * across)
            if _free(r, f, i, nx, ny):
                f[X, i], f[Y, i] = nx, ny
                n[SIDE, i] = side
                n[SIDE_LEFT, i] = SIDE_MEMORY
                return
        side = -side


@physics
def _blocker(r: Rules, f: Floats, i: int, x: float, y: float) -> int:
    """The standing unit that unit i at `(x, y)` would overlap most."""
    kind = r.trait[KIND, i]
    worst, deepest = i, ZERO
    for j in range(r.n_units):
        dx, dy = f[X, j] - x, f[Y, j] - y
        near = r.pair[CONTACT, kind, j] * f[STILL, j]
        depth = near * near - dx * dx - dy * dy
        if depth > deepest:
            worst, deepest = j, depth
    return worst


@physics
def _free(r: Rules, f: Floats, i: int, x: float, y: float) -> bool:
    return _open(r, r.trait[LAYER, i], x, y) and _clash(r, f, i, x, y) <= ZERO


@physics
def _open(r: Rules, layer: int, x: float, y: float) -> bool:
    """Whether units of a layer may stand at `(x, y)`."""
    if x < ZERO or y < ZERO or x > EDGE or y > EDGE:
        return False
    return layer == AIR or r.walkable[layer, np.int64(x), np.int64(y)]


@physics
def within_walls(r: Rules, f: Floats, i: int, x: float, y: float) -> tuple[float, float]:
    """Where unit i gets on its way to `(x, y)`: there, or along one axis, or nowhere."""
    layer = r.trait[LAYER, i]
    x, y = min(max(x, ZERO), EDGE), min(max(y, ZERO), EDGE)
    if _open(r, layer, x, y):
        return x, y
    if _open(r, layer, x, f[Y, i]):
        return x, f[Y, i]
    if _open(r, layer, f[X, i], y):
        return f[X, i], y
    return f[X, i], f[Y, i]


@physics
def push_apart(r: Rules, f: Floats) -> None:
    """One pass that separates overlapping units: movers share the correction, one that stands takes none."""
    for i in range(r.n_units):
        if f[ALIVE, i] > ZERO:
            _add_up_pushes(r, f, i)
    for i in range(r.n_units):
        moved = f[PUSH_X, i] != ZERO or f[PUSH_Y, i] != ZERO
        if moved and f[ALIVE, i] > ZERO and r.stat[SPEED, i] > ZERO:
            px = min(max(f[PUSH_X, i], -MAX_PUSH), MAX_PUSH)
            py = min(max(f[PUSH_Y, i], -MAX_PUSH), MAX_PUSH)
            f[X, i], f[Y, i] = within_walls(r, f, i, f[X, i] + px, f[Y, i] + py)


@physics
def _add_up_pushes(r: Rules, f: Floats, i: int) -> None:
    kind = r.trait[KIND, i]
    x, y, still = f[X, i], f[Y, i], f[STILL, i]
    px, py = ZERO, ZERO
    for j in range(f.shape[1]):
        # The tiny offset separates units that stand on exactly the same spot.
        apart = SPREAD * np.float32(np.int32(i) - np.int32(j))
        dx, dy = x - f[X, j] + apart, y - f[Y, j]
        near = r.pair[CONTACT, kind, j] * f[ALIVE, j]
        distance = math.sqrt(dx * dx + dy * dy + TINY * TINY)
        share = HALF + HALF * (f[STILL, j] - still)
        weight = share * max(near - distance, ZERO) / distance
        px += weight * dx
        py += weight * dy
    f[PUSH_X, i], f[PUSH_Y, i] = px, py
