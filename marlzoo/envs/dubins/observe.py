"""What a car sees, in its own frame and without any reference to place, identity or number of cars.

Features in order: own (7), nearest cars (5 each), obstacles (LiDAR ranges, or 5 for each of 4 points) where
there are any, and the nominal action (2) where it is corrected. docs/dubins.md describes each.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from marlzoo.envs.dubins.boxes import Boxes, nearest_box, scan_boxes
from marlzoo.envs.dubins.config import NEIGHBOUR_FEATURES, OWN_FEATURES
from marlzoo.envs.dubins.dynamics import Physics, clip
from marlzoo.envs.dubins.kernel import Floats, Ints, kernel
from marlzoo.envs.dubins.neighbours import Grid, fill_grid, nearest_bodies
from marlzoo.envs.dubins.rules import Rules
from marlzoo.envs.dubins.state import Cars, Found, Points, Senses

_ZERO, _ONE = np.float32(0), np.float32(1)
_FAR = np.float32(4)
"""Distances to the goal saturate here."""


class Surroundings(NamedTuple):
    """Everything beside the cars that sensing needs."""

    grid: Grid
    boxes: Boxes
    points: Points
    point_grid: Grid
    rays: Floats
    """`[R, 2]`: unit vectors of the LiDAR's rays."""
    rays_turn: bool
    """Whether the rays are fixed to the car rather than to the world."""
    found: Found


def ray_directions(rays: int) -> Floats:
    """Unit vectors at the angles -pi + 2 pi k / rays, `[rays, 2]` float32."""
    angles = -math.pi + 2 * math.pi * np.arange(rays) / rays
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


@kernel
def _write_own(i: int, cars: Cars, rules: Rules, obs: Floats) -> None:
    dx, dy = cars.goal_x[i] - cars.x[i], cars.goal_y[i] - cars.y[i]
    hx, hy, distance = cars.hx[i], cars.hy[i], cars.distance[i]
    shrink = _ONE / max(distance, rules.sensing_radius)
    obs[i, 0] = (hx * dx + hy * dy) * shrink
    obs[i, 1] = (hx * dy - hy * dx) * shrink
    obs[i, 2] = min(distance, _FAR) / _FAR
    obs[i, 3] = cars.speed[i] / rules.top_speed
    obs[i, 4] = hx
    obs[i, 5] = hy
    obs[i, 6] = _ONE if distance < rules.reach_radius else _ZERO


@kernel
def _write_bodies(
    i: int, column: int, count: int, found: Ints, grid: Grid, cars: Cars, rules: Rules, obs: Floats
) -> None:
    """Relative place and velocity of the nearest bodies in the car's frame; zeros where there are fewer."""
    hx, hy = cars.hx[i], cars.hy[i]
    for s in range(len(found)):
        if s >= count:
            obs[i, column : column + NEIGHBOUR_FEATURES] = _ZERO
        else:
            k = found[s]
            dx, dy = (grid.places[k, 0] - cars.x[i]), (grid.places[k, 1] - cars.y[i])
            dvx, dvy = grid.places[k, 2] - cars.vx[i], grid.places[k, 3] - cars.vy[i]
            obs[i, column] = (hx * dx + hy * dy) / rules.sensing_radius
            obs[i, column + 1] = (hx * dy - hy * dx) / rules.sensing_radius
            obs[i, column + 2] = (hx * dvx + hy * dvy) / rules.top_speed
            obs[i, column + 3] = (hx * dvy - hy * dvx) / rules.top_speed
            obs[i, column + 4] = _ONE
        column += NEIGHBOUR_FEATURES


@kernel
def _see_cars(
    i: int,
    low: int,
    cars: Cars,
    senses: Senses,
    around: Surroundings,
    rules: Rules,
    obs: Floats,
    nearest: NDArray[np.int64],
) -> None:
    found, distances, reach = around.found.cars, around.found.car_distances, rules.sensing_radius
    count = nearest_bodies(cars.x[i], cars.y[i], i - low, reach * reach, around.grid, found, distances)
    _write_bodies(i, OWN_FEATURES, count, found, around.grid, cars, rules, obs)
    for s in range(len(found)):
        nearest[i, s] = around.grid.order[found[s]] if s < count else -1
    senses.gap[i] = math.sqrt(distances[0]) if count else reach
    senses.contact[i] = senses.gap[i] < rules.car_radius + rules.car_radius


@kernel
def _see_boxes(
    i: int, env: int, column: int, cars: Cars, senses: Senses, around: Surroundings, rules: Rules, obs: Floats
) -> None:
    hx, hy = (cars.hx[i], cars.hy[i]) if around.rays_turn else (_ONE, _ZERO)
    ranges = obs[i, column : column + len(around.rays)]
    scan_boxes(env, cars.x[i], cars.y[i], hx, hy, around.boxes, around.rays, ranges)
    senses.obstacle_gap[i] = nearest_box(env, cars.x[i], cars.y[i], around.boxes)
    senses.hit[i] = senses.obstacle_gap[i] < rules.car_radius


@kernel
def _see_points(
    i: int, column: int, cars: Cars, senses: Senses, around: Surroundings, rules: Rules, obs: Floats
) -> None:
    """A point counts as touched at two radii, as the published code has it."""
    found, distances, reach = around.found.points, around.found.point_distances, rules.sensing_radius
    count = nearest_bodies(cars.x[i], cars.y[i], -1, reach * reach, around.point_grid, found, distances)
    _write_bodies(i, column, count, found, around.point_grid, cars, rules, obs)
    senses.obstacle_gap[i] = math.sqrt(distances[0]) if count else reach
    senses.hit[i] = senses.obstacle_gap[i] < rules.car_radius + rules.car_radius


@kernel
def _write_nominal(i: int, column: int, cars: Cars, physics: Physics, obs: Floats) -> None:
    limit = physics.action_limit
    turn, accel = cars.nominal_turn[i], cars.nominal_accel[i]
    if physics.tame:
        turn, accel = clip(turn, -limit, limit), clip(accel, -limit, limit)
    obs[i, column], obs[i, column + 1] = turn / limit, accel / limit


@kernel
def sense(
    env: int,
    cars: Cars,
    senses: Senses,
    around: Surroundings,
    rules: Rules,
    physics: Physics,
    obs: Floats,
    nearest: NDArray[np.int64],
) -> None:
    """Fill the rows of one environment in `obs [E * N, O]` and `nearest [E * N, K]`, and note contacts.

    The cars' derived quantities (`aim`) must be up to date.
    """
    low, high = env * rules.cars, (env + 1) * rules.cars
    boxes, points = around.boxes.shapes.shape[1], len(around.point_grid.order)
    fill_grid(cars.x, cars.y, cars.vx, cars.vy, low, high, around.grid)
    if points:
        seen = around.points
        fill_grid(seen.x, seen.y, seen.vx, seen.vy, env * points, (env + 1) * points, around.point_grid)
    column = OWN_FEATURES + NEIGHBOUR_FEATURES * len(around.found.cars)
    for i in range(low, high):
        _write_own(i, cars, rules, obs)
        _see_cars(i, low, cars, senses, around, rules, obs, nearest)
        if boxes:
            _see_boxes(i, env, column, cars, senses, around, rules, obs)
        elif points:
            _see_points(i, column, cars, senses, around, rules, obs)
        if rules.residual:
            _write_nominal(i, obs.shape[1] - 2, cars, physics, obs)


@kernel
def write_team_state(env: int, cars: int, obs: Floats, mean: Floats, state: Floats) -> None:
    """A state per car, `[E * N, 2 * O]`: its own observation, then the mean of the team's."""
    low, high = env * cars, (env + 1) * cars
    width = obs.shape[1]
    mean[:] = _ZERO
    for i in range(low, high):
        for k in range(width):
            mean[k] += obs[i, k]
    for i in range(low, high):
        for k in range(width):
            state[i, k] = obs[i, k]
            state[i, width + k] = mean[k] / np.float32(cars)
