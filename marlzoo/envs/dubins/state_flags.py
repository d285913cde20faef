"""Collision and reach flags of arbitrary states, for analysis and tests."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from marlzoo.envs.dubins.boxes import box_distance
from marlzoo.envs.dubins.dynamics import as_rows, float_type
from marlzoo.envs.dubins.kernel import Bools, Floats, kernel
from marlzoo.envs.dubins.neighbours import Grid, any_body, fill_grid, make_grid
from marlzoo.envs.dubins.variants import CAR_RADIUS, Variant, variant
from marlzoo.errors import UsageError


class Flags(NamedTuple):
    """What is true of each car, each `[N]` bool."""

    reach: Bools
    """Nearer to the goal than the published radius of reaching it."""
    collision: Bools
    """In contact with a car or an obstacle."""
    car_collision: Bools
    obstacle_collision: Bools
    frozen: Bools
    """So near to the goal that the car stands still."""


@kernel
def _touching_cars(states: Floats, contact: float, grid: Grid, out: Bools) -> None:
    fill_grid(states[:, 0], states[:, 1], states[:, 2], states[:, 3], 0, len(states), grid)
    for i in range(len(states)):
        out[i] = any_body(states[i, 0], states[i, 1], i, contact * contact, grid)


@kernel
def _touching_boxes(states: Floats, shapes: Floats, radius: float, out: Bools) -> None:
    for i in range(len(states)):
        for b in range(len(shapes)):
            out[i] |= box_distance(states[i, 0], states[i, 1], shapes[b]) < radius


@kernel
def _touching_points(states: Floats, points: Floats, contact: float, out: Bools) -> None:
    for i in range(len(states)):
        for p in range(len(points)):
            dx, dy = points[p, 0] - states[i, 0], points[p, 1] - states[i, 1]
            out[i] |= math.sqrt(dx * dx + dy * dy) < contact


def _car_collisions(states: Floats, dtype: type[np.floating[Any]]) -> Bools:
    out = np.zeros(len(states), np.bool_)
    if len(states):
        area = max(float(states[:, :2].max()), 4 * CAR_RADIUS)
        grid = make_grid(area, 2 * CAR_RADIUS, len(states), dtype)
        _touching_cars(states, dtype(2 * CAR_RADIUS), grid, out)
    return out


def _obstacle_collisions(states: Floats, obstacles: ArrayLike | None, base: Variant, dtype: Any) -> Bools:
    out = np.zeros(len(states), np.bool_)
    if obstacles is None:
        return out
    if not base.speed_clipped:
        _touching_points(states, as_rows(obstacles, 2, "obstacles", dtype), dtype(2 * CAR_RADIUS), out)
        return out
    x, y, width, height, angle = as_rows(obstacles, 5, "obstacles", dtype).T[:5]
    shapes = np.stack([x, y, width / 2, height / 2, np.cos(angle), np.sin(angle)], axis=1)
    _touching_boxes(states, np.ascontiguousarray(shapes, dtype), dtype(CAR_RADIUS), out)
    return out


def flags(states: ArrayLike, goals: ArrayLike, *, dynamics: str, obstacles: ArrayLike | None = None) -> Flags:
    """The flags of states `[N, 4]` with goals `[N, 2]`, computed in the float type of `states`.

    Cars collide when their centres are less than two radii (0.1) apart. `obstacles` are rectangles `[B, 5]`
    (x, y, width, height, angle) for `dynamics="plus"`, touched within one radius of their outline, and points
    `[P, 2]` for `"v0"`, touched within two.

    Raises:
        UsageError: unknown dynamics, or shapes that do not fit.
    """
    base = variant(dynamics)
    dtype = float_type(states)
    rows, targets = as_rows(states, 4, "states", dtype), as_rows(goals, 2, "goals", dtype)
    if len(rows) != len(targets):
        raise UsageError(f"there are {len(rows)} states and {len(targets)} goals; expected one goal per car")
    away = targets[:, :2] - rows[:, :2]
    distance = np.sqrt((away * away).sum(axis=1))
    cars = _car_collisions(rows, dtype)
    hit = _obstacle_collisions(rows, obstacles, base, dtype)
    return Flags(
        reach=distance < dtype(base.reach_radius),
        collision=cars | hit,
        car_collision=cars,
        obstacle_collision=hit,
        frozen=distance < dtype(base.freeze_radius),
    )
