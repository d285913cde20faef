"""DubinsCar, written down literally: one car at a time, in double precision, as slow as it is plain."""

from __future__ import annotations

import math


def nominal(state, goal, dynamics):
    x, y, theta, v = state
    dx, dy = goal[0] - x, goal[1] - y
    distance = math.hypot(dx, dy)
    along = (dx * math.cos(theta) + dy * math.sin(theta)) / (distance + 1e-4)
    error = math.acos(min(1.0, max(-1.0, along)))
    angle, bearing = theta % (2 * math.pi), math.atan2(dy, dx) % (2 * math.pi)
    difference = bearing - angle
    if angle <= math.pi:
        sign = 1 if 0 <= difference < math.pi else -1
    else:
        sign = -1 if -math.pi < difference <= 0 else 1
    if dynamics == "plus":
        return sign * error, -2.5 * v + 2.3 * min(distance, 0.5)
    accel = -0.6 * v + 0.3 * distance
    if v > 0.8:
        accel = min(accel, 0.0)
    if v < -0.8:
        accel = max(accel, 0.0)
    return 0.2 * sign * error, accel


def step(state, goal, action, dynamics):
    """One step as published: a raw action for `plus`, a residual for `v0`."""
    x, y, theta, v = state
    distance = math.hypot(goal[0] - x, goal[1] - y)
    if dynamics == "plus":
        w, a = (min(3.0, max(-3.0, u)) for u in action)
        if distance < 0.025:
            return state
        moved = x + 0.03 * v * math.cos(theta), y + 0.03 * v * math.sin(theta)
        return (*moved, theta + 0.6 * w, min(0.8, max(-0.8, v + 0.03 * a)))
    total = (u + r for u, r in zip(action, nominal(state, goal, dynamics), strict=True))
    w, a = (min(2.0, max(-2.0, u)) for u in total)
    if distance < 0.05:
        return state
    s = min(v, 0.8)
    return (x + 0.03 * s * math.cos(theta), y + 0.03 * s * math.sin(theta), theta + 0.3 * w, v + 0.03 * a)


def in_contact(positions, radius=0.1):
    """For each car, whether another is nearer than `radius`."""
    return [
        any(i != j and math.dist(p, q) < radius for j, q in enumerate(positions))
        for i, p in enumerate(positions)
    ]


def near_rectangle(point, box, radius):
    """Whether a disc touches the rectangle (x, y, width, height, angle)."""
    x, y, width, height, angle = box
    dx, dy = point[0] - x, point[1] - y
    along = dx * math.cos(angle) + dy * math.sin(angle)
    across = -dx * math.sin(angle) + dy * math.cos(angle)
    return math.hypot(max(abs(along) - width / 2, 0), max(abs(across) - height / 2, 0)) < radius


def ray_range(point, direction, box, reach):
    """Distance along a ray to the first of a rectangle's four walls; `reach` for none."""
    x, y, width, height, angle = box
    cos, sin = math.cos(angle), math.sin(angle)
    corners = [
        (x + cos * a - sin * b, y + sin * a + cos * b)
        for a, b in (
            (-width / 2, -height / 2),
            (width / 2, -height / 2),
            (width / 2, height / 2),
            (-width / 2, height / 2),
        )
    ]
    if near_rectangle(point, box, 1e-12):
        return 0.0
    hits = [reach]
    for (ax, ay), (bx, by) in zip(corners, corners[1:] + corners[:1], strict=True):
        ex, ey = bx - ax, by - ay
        determinant = direction[0] * ey - direction[1] * ex
        if determinant == 0:
            continue
        along = ((ax - point[0]) * ey - (ay - point[1]) * ex) / determinant
        across = ((ax - point[0]) * direction[1] - (ay - point[1]) * direction[0]) / determinant
        if along >= 0 and 0 <= across <= 1:
            hits.append(along)
    return min(hits)
