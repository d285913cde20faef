"""Where units appear: a packed blob around each group's point, filled in the order of creation.

The game places each new unit at the free spot nearest to the point. The layout is the same in every episode
up to a jitter of a few hundredths of a cell, and the enemy's blob is the mirror image of ours.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from marlzoo.envs.smac.jit import exact, merged
from marlzoo.envs.smac.maps import Group, SmacMap
from marlzoo.envs.smac.rng import draw
from marlzoo.envs.smac.rules import ENERGY_START, HP_MAX, KIND, SHIELD_MAX, SHIELD_WAIT, Rules
from marlzoo.envs.smac.state import (
    ALIVE,
    ATTACK_MOVE,
    CALM,
    ENERGY,
    FLOAT_ROWS,
    FROM_X,
    FROM_Y,
    GOAL_X,
    GOAL_Y,
    HP,
    HUNT,
    HURT_BY,
    IDLE,
    INT_ROWS,
    ORDER,
    PHASE,
    SHIELD,
    STILL,
    TARGET,
    WINDUP,
    Floats,
    Ints,
    Words,
    X,
    Y,
    padded,
)
from marlzoo.envs.smac.terrain import terrain
from marlzoo.envs.smac.units import UnitKind, unit_kinds

GAP = 0.05
JITTER = np.float32(0.04)
RING_STEP = 0.05
RINGS = 200
ZERO, ONE = np.float32(0.0), np.float32(1.0)
PHASES = np.float32(8.0)


class Spawn(NamedTuple):
    """How battles on a map begin."""

    position: Floats
    """`[2, W]`: x and y of every unit, allies sorted by kind, before the jitter."""
    order: int
    """Order of the scripted side: IDLE, ATTACK_MOVE or HUNT."""
    goal: Floats
    """`[2, 2]`: the ends of the segment on which the goal of the order lies."""
    holds: bool
    """True where the scripted side has no goal but its own place."""


def build_spawn(one: SmacMap, profile: str = "liberty") -> Spawn:
    """The beginning of battles on map `one`."""
    kinds = unit_kinds(profile)
    walkable = terrain(one.terrain).ground
    allies = _blobs(one.ally_groups, kinds, walkable, 1.0)
    enemies = _blobs(one.enemy_groups, kinds, walkable, -1.0)
    created = [group.kind for group in one.ally_groups for _ in range(group.count)]
    by_kind = sorted(range(len(created)), key=lambda k: one.ally_kinds.index(created[k]))
    position = np.zeros((2, padded(len(allies) + len(enemies))), np.float32)
    for column, spot in enumerate([*(allies[k] for k in by_kind), *enemies]):
        position[:, column] = spot
    points = one.order.points or ((0.0, 0.0),)
    order = HUNT if one.order.kind == "attack_target" else ATTACK_MOVE
    goal = np.array([points[0], points[-1]], np.float32)
    return Spawn(position, order, goal, holds=not one.order.points)


Spot = tuple[float, float]


class _Body(NamedTuple):
    """A unit that has its place, relative to its side's first group."""

    kind: UnitKind
    spot: Spot


def _blobs(
    groups: tuple[Group, ...], kinds: Mapping[str, UnitKind], walkable: NDArray[np.bool_], sense: float
) -> list[Spot]:
    """A spot for every unit of one side, in the order of creation.

    The search is done relative to the first group and, for `sense` -1, mirrored: equal armies get exactly
    equal blobs, which mirror battles need in order to be fair.
    """
    origin = groups[0]
    placed: list[_Body] = []
    for group in groups:
        # A spot that was no good for one unit of the group is no good for the next: the search goes on.
        spots = _spots_around((sense * (group.x - origin.x), sense * (group.y - origin.y)))
        for _ in range(group.count):
            for spot in spots:
                x, y = origin.x + sense * spot[0], origin.y + sense * spot[1]
                if _stays_walkable(walkable, x, y) and _stands_free(kinds[group.kind], spot, placed):
                    placed.append(_Body(kinds[group.kind], spot))
                    break
    return [(origin.x + sense * body.spot[0], origin.y + sense * body.spot[1]) for body in placed]


def _spots_around(centre: Spot) -> Iterator[Spot]:
    """Points in growing distance from a centre."""
    for ring in range(RINGS):
        radius = ring * RING_STEP
        count = max(1, math.ceil(math.pi * ring))
        for k in range(count):
            angle = 2 * math.pi * k / count
            yield centre[0] + radius * math.cos(angle), centre[1] + radius * math.sin(angle)


def _stays_walkable(walkable: NDArray[np.bool_], x: float, y: float) -> bool:
    """Whether the jitter around a spot reaches no wall."""
    reach = float(JITTER) / 2
    return all(walkable[int(x + dx), int(y + dy)] for dx in (-reach, reach) for dy in (-reach, reach))


def _stands_free(kind: UnitKind, spot: Spot, placed: Sequence[_Body]) -> bool:
    return all(
        body.kind.flying != kind.flying
        or math.dist(spot, body.spot) >= kind.separation + body.kind.separation + GAP
        for body in placed
    )


@merged
def start(r: Rules, spawn: Spawn, f: Floats, n: Ints, rng: Words, clock: Ints) -> None:
    """Set up one battle afresh."""
    _clear(f, n)
    clock[0] = clock[1] = 0
    for j in range(r.n_units):
        f[X, j] = spawn.position[0, j] + JITTER * (draw(rng) - np.float32(0.5))
        f[Y, j] = spawn.position[1, j] + JITTER * (draw(rng) - np.float32(0.5))
        f[HP, j] = r.stat[HP_MAX, j]
        f[SHIELD, j] = r.stat[SHIELD_MAX, j]
        f[ENERGY, j] = r.stat[ENERGY_START, j]
        f[CALM, j] = r.stat[SHIELD_WAIT, j]
        f[ALIVE, j] = ONE
        f[STILL, j] = ONE
        n[TARGET, j] = n[WINDUP, j] = n[HURT_BY, j] = -1
        n[ORDER, j] = IDLE
        n[PHASE, j] = np.int32(draw(rng) * PHASES)
    _sort_agents(r, f)
    _order_script(r, spawn, f, n, rng)


@exact
def _clear(f: Floats, n: Ints) -> None:
    for row in range(FLOAT_ROWS):
        for j in range(f.shape[1]):
            f[row, j] = ZERO
    for row in range(INT_ROWS):
        for j in range(n.shape[1]):
            n[row, j] = 0


@exact
def _sort_agents(r: Rules, f: Floats) -> None:
    """Agent ids: within one kind, ascending by x, then y (insertion sort)."""
    for i in range(1, r.n_allies):
        j = i
        while j > 0 and r.trait[KIND, j - 1] == r.trait[KIND, i] and _comes_before(f, j, j - 1):
            f[X, j - 1], f[X, j] = f[X, j], f[X, j - 1]
            f[Y, j - 1], f[Y, j] = f[Y, j], f[Y, j - 1]
            j -= 1


@exact
def _comes_before(f: Floats, a: int, b: int) -> bool:
    return f[X, a] < f[X, b] or (f[X, a] == f[X, b] and f[Y, a] < f[Y, b])


@exact
def _order_script(r: Rules, spawn: Spawn, f: Floats, n: Ints, rng: Words) -> None:
    """Give the scripted side its one order; its goal is one random point of the segment."""
    along = draw(rng)
    for j in range(r.n_units):
        f[FROM_X, j], f[FROM_Y, j] = f[X, j], f[Y, j]
        if j >= r.n_allies:
            n[ORDER, j] = spawn.order
            f[GOAL_X, j] = spawn.goal[0, 0] + along * (spawn.goal[1, 0] - spawn.goal[0, 0])
            f[GOAL_Y, j] = spawn.goal[0, 1] + along * (spawn.goal[1, 1] - spawn.goal[0, 1])
            if spawn.holds:
                f[GOAL_X, j], f[GOAL_Y, j] = f[X, j], f[Y, j]
