"""The nominal controller's own score on an episode's layout: the baseline that belongs beside every reach
ratio.

The layout is driven again without observations or rewards, from the same starts to the same goals, as
residual control with a residual of zero.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from marlzoo.envs.dubins.boxes import Boxes, nearest_box
from marlzoo.envs.dubins.config import Settings
from marlzoo.envs.dubins.dynamics import Physics
from marlzoo.envs.dubins.kernel import Bools, Floats, kernel
from marlzoo.envs.dubins.metrics import Results
from marlzoo.envs.dubins.motion import aim_car, drift, drive
from marlzoo.envs.dubins.neighbours import Grid, any_body, fill_grid, make_grid
from marlzoo.envs.dubins.rules import Rules
from marlzoo.envs.dubins.state import Cars, Ledger, Points, zeros
from marlzoo.envs.dubins.variants import CAR_RADIUS


class Shadow(NamedTuple):
    """A second set of one environment's N cars and P points, for the nominal controller to drive."""

    cars: Cars
    points: Points
    still: Bools
    closest: Floats
    unsafe: Bools
    idle: Floats
    """`[N, 2]`: the residual, zero."""
    grid: Grid
    point_grid: Grid


def make_shadow(settings: Settings) -> Shadow:
    """Room for one environment."""
    cars, contact = settings.cars, 2 * CAR_RADIUS
    return Shadow(
        cars=zeros(Cars, cars),
        points=zeros(Points, settings.points),
        still=np.zeros(cars, np.bool_),
        closest=np.zeros(cars, np.float32),
        unsafe=np.zeros(cars, np.bool_),
        idle=np.zeros((cars, 2), np.float32),
        grid=make_grid(settings.area, contact, cars, np.float32),
        point_grid=make_grid(settings.area, contact, settings.points, np.float32),
    )


@kernel
def _load(env: int, cars: Cars, ledger: Ledger, points: Points, shadow: Shadow) -> None:
    """Put everybody back to the start of the episode."""
    count, dots = len(shadow.still), len(shadow.points.x)
    for i in range(count):
        row = env * count + i
        shadow.cars.x[i], shadow.cars.y[i] = ledger.start_x[row], ledger.start_y[row]
        shadow.cars.heading[i], shadow.cars.speed[i] = ledger.start_heading[row], 0
        shadow.cars.goal_x[i], shadow.cars.goal_y[i] = cars.goal_x[row], cars.goal_y[row]
        shadow.closest[i] = ledger.start_distance[row]
        shadow.still[i] = shadow.unsafe[i] = False
    for p in range(dots):
        row = env * dots + p
        shadow.points.x[p], shadow.points.y[p] = points.start_x[row], points.start_y[row]
        shadow.points.vx[p], shadow.points.vy[p] = points.vx[row], points.vy[row]


@kernel
def _aim_moving(shadow: Shadow, physics: Physics) -> int:
    """Bring the moving cars up to date; returns how many there still are."""
    moving = 0
    for i in range(len(shadow.still)):
        if shadow.still[i]:
            continue
        aim_car(i, shadow.cars, True, physics)
        shadow.closest[i] = min(shadow.closest[i], shadow.cars.distance[i])
        shadow.still[i] = shadow.cars.distance[i] < physics.freeze_radius
        moving += not shadow.still[i]
    return moving


@kernel
def _note_contacts(env: int, shadow: Shadow, boxes: Boxes, rules: Rules) -> None:
    cars, points = shadow.cars, shadow.points
    contact = rules.car_radius + rules.car_radius
    fill_grid(cars.x, cars.y, cars.vx, cars.vy, 0, len(cars.x), shadow.grid)
    if len(points.x):
        fill_grid(points.x, points.y, points.vx, points.vy, 0, len(points.x), shadow.point_grid)
    for i in range(len(cars.x)):
        if shadow.unsafe[i]:
            continue
        touched = any_body(cars.x[i], cars.y[i], i, contact * contact, shadow.grid)
        if len(points.x):
            touched |= any_body(cars.x[i], cars.y[i], -1, contact * contact, shadow.point_grid)
        if boxes.shapes.shape[1]:
            touched |= nearest_box(env, cars.x[i], cars.y[i], boxes) < rules.car_radius
        shadow.unsafe[i] = touched


@kernel
def score_nominal(
    env: int,
    cars: Cars,
    ledger: Ledger,
    boxes: Boxes,
    points: Points,
    shadow: Shadow,
    rules: Rules,
    physics: Physics,
    out: Results,
) -> None:
    """Drive the layout of environment `env` with the nominal controller and write its reach, safety and
    success."""
    _load(env, cars, ledger, points, shadow)
    dots = len(shadow.points.x)
    for time in range(rules.horizon + 1):
        moving = _aim_moving(shadow, physics)
        _note_contacts(env, shadow, boxes, rules)
        if time == rules.horizon or (moving == 0 and dots == 0):
            break
        drive(shadow.cars, 0, rules.cars, True, shadow.idle, physics)
        drift(shadow.points, 0, dots, physics)
    reach = safe = success = 0
    for i in range(rules.cars):
        reached = shadow.closest[i] < rules.reach_radius
        if rules.reach_at_end:
            reached = shadow.cars.distance[i] < rules.reach_radius
        reach += reached
        safe += not shadow.unsafe[i]
        success += reached and not shadow.unsafe[i]
    out.nominal_reach[env], out.nominal_safe[env] = reach / rules.cars, safe / rules.cars
    out.nominal_success[env] = success / rules.cars
