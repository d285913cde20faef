"""Moving the cars of one environment."""

from __future__ import annotations

import math

import numpy as np

from marlzoo.envs.dubins.dynamics import Physics, advance, clip, nominal_action, total_action
from marlzoo.envs.dubins.kernel import Floats, kernel
from marlzoo.envs.dubins.rules import Rules
from marlzoo.envs.dubins.state import Cars, Deeds, Points

_ZERO, _ONE = np.float32(0), np.float32(1)


@kernel
def aim_car(i: int, cars: Cars, with_nominal: bool, physics: Physics) -> None:
    """Bring everything that follows from the position and heading of car `i` up to date."""
    dx, dy = cars.goal_x[i] - cars.x[i], cars.goal_y[i] - cars.y[i]
    distance = math.sqrt(dx * dx + dy * dy)
    hx, hy = math.cos(cars.heading[i]), math.sin(cars.heading[i])
    pace = _ZERO if distance < physics.freeze_radius else min(cars.speed[i], physics.pace_limit)
    cars.distance[i] = distance
    cars.hx[i], cars.hy[i] = hx, hy
    cars.vx[i], cars.vy[i] = pace * hx, pace * hy
    if with_nominal:
        aimed = nominal_action(cars.heading[i], hx, hy, cars.speed[i], dx, dy, distance, physics)
        cars.nominal_turn[i], cars.nominal_accel[i] = aimed


@kernel
def aim(cars: Cars, low: int, high: int, with_nominal: bool, physics: Physics) -> None:
    """`aim_car` for the cars `low..high`."""
    for i in range(low, high):
        aim_car(i, cars, with_nominal, physics)


@kernel
def drive(cars: Cars, low: int, high: int, residual: bool, commands: Floats, physics: Physics) -> None:
    """Advance the cars `low..high` by one step; those at their goals stand still. `commands [E * N, 2]`."""
    for i in range(low, high):
        if cars.distance[i] < physics.freeze_radius:
            continue
        turn, accel = total_action(
            commands[i, 0], commands[i, 1], cars.nominal_turn[i], cars.nominal_accel[i], residual, physics
        )
        cars.x[i], cars.y[i], cars.heading[i], cars.speed[i] = advance(
            cars.x[i], cars.y[i], cars.heading[i], cars.speed[i], cars.hx[i], cars.hy[i], turn, accel, physics
        )


@kernel
def command(
    cars: Cars,
    deeds: Deeds,
    low: int,
    high: int,
    actions: Floats,
    rules: Rules,
    physics: Physics,
    commands: Floats,
) -> None:
    """Scale actions in [-1, 1] to published units, and note what the reward has to know of them."""
    for i in range(low, high):
        turn, accel = clip(actions[i, 0], -_ONE, _ONE), clip(actions[i, 1], -_ONE, _ONE)
        deeds.effort[i] = turn * turn + accel * accel
        commands[i, 0], commands[i, 1] = rules.push * turn, rules.push * accel
        deeds.before[i] = cars.distance[i]
        deeds.way[i] = physics.dt * math.sqrt(cars.vx[i] * cars.vx[i] + cars.vy[i] * cars.vy[i])
        if rules.wants_nominal:
            aim_turn, aim_accel = cars.nominal_turn[i], cars.nominal_accel[i]
            turn, accel = commands[i, 0], commands[i, 1]
            turn, accel = total_action(turn, accel, aim_turn, aim_accel, rules.residual, physics)
            off_turn, off_accel = turn - aim_turn, accel - aim_accel
            deeds.deviation[i] = off_turn * off_turn + off_accel * off_accel


@kernel
def drift(points: Points, low: int, high: int, physics: Physics) -> None:
    """Move the point obstacles `low..high` by one step."""
    for p in range(low, high):
        points.x[p] += physics.dt * points.vx[p]
        points.y[p] += physics.dt * points.vy[p]
