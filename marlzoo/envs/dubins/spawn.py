"""Where an episode begins: obstacles, starts and goals, by rejection with a hash grid, in time O(N)."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from marlzoo.envs.dubins.boxes import LONGEST_SIDE, SHORTEST_SIDE, Boxes, fill_boxes, nearest_box
from marlzoo.envs.dubins.config import Settings
from marlzoo.envs.dubins.kernel import Floats, Ints, Words, kernel
from marlzoo.envs.dubins.neighbours import cell_index, grid_side
from marlzoo.envs.dubins.state import Cars, Points
from marlzoo.envs.dubins.streams import draw

_TRIES = 1024
"""Failed tries for one place after which the whole layout starts again."""
_LAYOUTS = 100
"""Layouts after which the arena counts as too small."""
_POINT_SPEED = 0.2


class Places(NamedTuple):
    """Occupied places in cells no narrower than the gap to keep: a linked list per cell."""

    side: int
    scale: float
    gap: float
    heads: Ints
    """`[side * side]`: the body placed last in each cell, -1 for none."""
    links: Ints
    """`[N]`: the body placed before it in the same cell."""


class Spawner(NamedTuple):
    """What a layout has to look like, and scratch room to find one."""

    area: float
    max_travel: float
    square: bool
    """Goals within a square rather than a disc around the start (published v0)."""
    biased: bool
    """The first candidate for a goal lies to the upper right of the start (published plus)."""
    corner: bool
    """Nothing may lie at the corner (0, 0) (both as published)."""
    obstacle_gap: float
    starts: Places
    goals: Places
    dots: Places


def _make_places(area: float, gap: float, bodies: int) -> Places:
    side = grid_side(area, gap, bodies)
    return Places(
        side=side,
        scale=np.float32(side / area),
        gap=np.float32(gap),
        heads=np.full(side * side, -1, np.int32),
        links=np.full(bodies, -1, np.int32),
    )


def make_spawner(settings: Settings) -> Spawner:
    """The spawner of a task."""
    base, plus = settings.variant, settings.variant.speed_clipped
    return Spawner(
        area=settings.area,
        max_travel=settings.max_travel,
        square=settings.compat and not plus,
        biased=settings.compat and plus,
        corner=settings.compat,
        obstacle_gap=np.float32(base.obstacle_gap),
        starts=_make_places(settings.area, base.start_gap, settings.cars),
        goals=_make_places(settings.area, base.goal_gap, settings.cars),
        dots=_make_places(settings.area, base.obstacle_gap, settings.points),
    )


@kernel
def _is_free(x: float, y: float, xs: Floats, ys: Floats, low: int, places: Places) -> bool:
    """Whether no placed body is within the gap. Coordinates are rows `low + body` of `xs` and `ys`."""
    side = places.side
    column, row = cell_index(x, side, places.scale), cell_index(y, side, places.scale)
    for line in range(max(row - 1, 0), min(row + 1, side - 1) + 1):
        for cell in range(line * side + max(column - 1, 0), line * side + min(column + 1, side - 1) + 1):
            body = places.heads[cell]
            while body >= 0:
                dx, dy = xs[low + body] - x, ys[low + body] - y
                if dx * dx + dy * dy <= places.gap * places.gap:
                    return False
                body = places.links[body]
    return True


@kernel
def _occupy(body: int, x: float, y: float, places: Places) -> None:
    cell = cell_index(y, places.side, places.scale) * places.side + cell_index(x, places.side, places.scale)
    places.links[body] = places.heads[cell]
    places.heads[cell] = body


@kernel
def _clear_of_obstacles(env: int, x: float, y: float, boxes: Boxes, points: Points, spawner: Spawner) -> bool:
    dots = len(spawner.dots.links)
    if boxes.shapes.shape[1] and nearest_box(env, x, y, boxes) < spawner.obstacle_gap:
        return False
    return dots == 0 or _is_free(x, y, points.x, points.y, env * dots, spawner.dots)


@kernel
def _off_corner(x: float, y: float, gap: float, spawner: Spawner) -> bool:
    return not spawner.corner or x * x + y * y > gap * gap


@kernel
def _place_start(
    env: int, i: int, low: int, cars: Cars, boxes: Boxes, points: Points, spawner: Spawner, streams: Words
) -> bool:
    for _ in range(_TRIES):
        x, y = np.float32(spawner.area * draw(streams, env)), np.float32(spawner.area * draw(streams, env))
        if (
            _off_corner(x, y, spawner.starts.gap, spawner)
            and _is_free(x, y, cars.x, cars.y, low, spawner.starts)
            and _clear_of_obstacles(env, x, y, boxes, points, spawner)
        ):
            cars.x[i], cars.y[i] = x, y
            cars.heading[i] = math.pi * (2.0 * draw(streams, env) - 1.0)
            cars.speed[i] = 0
            _occupy(i - low, x, y, spawner.starts)
            return True
    return False


@kernel
def _goal_coordinate(start: float, biased: bool, env: int, spawner: Spawner, streams: Words) -> float:
    """A candidate for one coordinate of a goal: near the start where travel is limited, else anywhere."""
    if spawner.max_travel == math.inf:
        return np.float32(spawner.area * draw(streams, env))
    lowest = 0.0 if biased else -spawner.max_travel
    return np.float32(start + lowest + (spawner.max_travel - lowest) * draw(streams, env))


@kernel
def _within_travel(dx: float, dy: float, spawner: Spawner) -> bool:
    return spawner.square or math.sqrt(dx * dx + dy * dy) <= spawner.max_travel


@kernel
def _inside(x: float, y: float, area: float) -> bool:
    return 0 <= x <= area and 0 <= y <= area


@kernel
def _place_goal(
    env: int, i: int, low: int, cars: Cars, boxes: Boxes, points: Points, spawner: Spawner, streams: Words
) -> bool:
    for attempt in range(_TRIES):
        biased = spawner.biased and attempt == 0
        x = _goal_coordinate(cars.x[i], biased, env, spawner, streams)
        y = _goal_coordinate(cars.y[i], biased, env, spawner, streams)
        if (
            _inside(x, y, spawner.area)
            and _within_travel(x - cars.x[i], y - cars.y[i], spawner)
            and _off_corner(x, y, spawner.goals.gap, spawner)
            and _is_free(x, y, cars.goal_x, cars.goal_y, low, spawner.goals)
            and _clear_of_obstacles(env, x, y, boxes, points, spawner)
        ):
            cars.goal_x[i], cars.goal_y[i] = x, y
            _occupy(i - low, x, y, spawner.goals)
            return True
    return False


@kernel
def _place_boxes(env: int, boxes: Boxes, area: float, streams: Words) -> None:
    """Rectangles of random place, size and angle, which may overlap."""
    for b in range(boxes.shapes.shape[1]):
        shape = boxes.shapes[env, b]
        shape[0], shape[1] = area * draw(streams, env), area * draw(streams, env)
        shape[2] = (SHORTEST_SIDE + (LONGEST_SIDE - SHORTEST_SIDE) * draw(streams, env)) / 2
        shape[3] = (SHORTEST_SIDE + (LONGEST_SIDE - SHORTEST_SIDE) * draw(streams, env)) / 2
        angle = 2 * math.pi * draw(streams, env)
        shape[4], shape[5] = math.cos(angle), math.sin(angle)
    fill_boxes(env, boxes)


@kernel
def _place_points(env: int, points: Points, spawner: Spawner, streams: Words) -> None:
    dots = len(spawner.dots.links)
    for p in range(env * dots, (env + 1) * dots):
        points.start_x[p], points.start_y[p] = (
            spawner.area * draw(streams, env),
            spawner.area * draw(streams, env),
        )
        points.x[p], points.y[p] = points.start_x[p], points.start_y[p]
        angle, speed = 2 * math.pi * draw(streams, env), _POINT_SPEED * draw(streams, env)
        points.vx[p], points.vy[p] = speed * math.cos(angle), speed * math.sin(angle)
        _occupy(p - env * dots, points.x[p], points.y[p], spawner.dots)


@kernel
def _place_all(env: int, cars: Cars, boxes: Boxes, points: Points, spawner: Spawner, streams: Words) -> bool:
    for places in (spawner.starts, spawner.goals, spawner.dots):
        places.heads[:] = -1
    if boxes.shapes.shape[1]:
        _place_boxes(env, boxes, spawner.area, streams)
    _place_points(env, points, spawner, streams)
    count = len(spawner.starts.links)
    low = env * count
    for i in range(low, low + count):
        if not _place_start(env, i, low, cars, boxes, points, spawner, streams):
            return False
        if not _place_goal(env, i, low, cars, boxes, points, spawner, streams):
            return False
    return True


@kernel
def spawn(env: int, cars: Cars, boxes: Boxes, points: Points, spawner: Spawner, streams: Words) -> int:
    """Draw a layout for one environment; returns how often it had to start again, or -1 if none fits."""
    for restarts in range(_LAYOUTS):
        if _place_all(env, cars, boxes, points, spawner, streams):
            return restarts
    return -1
