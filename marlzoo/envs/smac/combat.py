"""Weapons, damage, healing and death.

Damage takes effect at once but nobody dies before the end of the loop, so two units that fire in the same
loop both do: the order in which units are processed gives no side an advantage.
"""

from __future__ import annotations

import math

import numpy as np

from marlzoo.envs.smac.jit import physics
from marlzoo.envs.smac.rng import draw
from marlzoo.envs.smac.rules import (
    AIR,
    ARMOR,
    BEAM,
    BEAM_LENGTH,
    BEAM_WIDTH,
    DAMAGE,
    DELAY,
    DELIVERY,
    FLIGHT,
    HEAL_BEGIN,
    HEAL_COST,
    HEAL_RATE,
    HITS,
    HP_MAX,
    INSTANT,
    JITTER_LOW,
    JITTER_SPAN,
    KIND,
    LAYER,
    MELEE,
    MIN_DAMAGE,
    MISSILE,
    PERIOD,
    RADIUS,
    RANGE,
    SLOP,
    SPLASH,
    SUICIDE,
    WINDUP_LOOPS,
    Rules,
)
from marlzoo.envs.smac.state import (
    ALIVE,
    CALM,
    COOLDOWN,
    ENERGY,
    HIT_LEFT,
    HIT_TARGET,
    HP,
    HURT_BY,
    SHIELD,
    STILL,
    TARGET,
    WINDUP,
    Floats,
    Ints,
    Words,
    X,
    Y,
)

ZERO, HALF, ONE = np.float32(0.0), np.float32(0.5), np.float32(1.0)
TINY = np.float32(1e-6)
ONCE = np.uint32(1)  # of the type of the HITS row, so that one `_strike` is compiled


@physics
def reach(r: Rules, i: int, j: int) -> float:
    """The distance of the centres at which unit i can fire at (or heal) unit j."""
    return r.stat[RANGE, i] + r.stat[RADIUS, i] + r.stat[RADIUS, j]


@physics
def gap(f: Floats, i: int, j: int) -> float:
    """The distance of the centres of two units."""
    dx, dy = f[X, j] - f[X, i], f[Y, j] - f[Y, i]
    return math.sqrt(dx * dx + dy * dy)


@physics
def in_reach(r: Rules, f: Floats, i: int, j: int) -> bool:
    """Whether unit i can fire at unit j from where it stands."""
    dx, dy = f[X, j] - f[X, i], f[Y, j] - f[Y, i]
    limit = reach(r, i, j)
    return dx * dx + dy * dy <= limit * limit


@physics
def fight(r: Rules, f: Floats, n: Ints, rng: Words, i: int, j: int) -> bool:
    """One loop of unit i against its target: wind up and fire within range. Returns whether it must walk."""
    winding = n[WINDUP, i] >= 0
    limit = reach(r, i, j) + (r.stat[SLOP, i] if winding else ZERO)
    dx, dy = f[X, j] - f[X, i], f[Y, j] - f[Y, i]
    if dx * dx + dy * dy > limit * limit:
        n[WINDUP, i] = -1
        return True
    if winding:
        n[WINDUP, i] -= 1
    elif f[COOLDOWN, i] <= ZERO:
        n[WINDUP, i] = r.trait[WINDUP_LOOPS, i]
    if n[WINDUP, i] == 0:
        n[WINDUP, i] = -1
        _release(r, f, n, rng, i, j)
    return False


@physics
def _release(r: Rules, f: Floats, n: Ints, rng: Words, i: int, j: int) -> None:
    """The end of the wind-up. The period counts from release to release, wind-up included."""
    pause = r.stat[PERIOD, i] + r.stat[JITTER_LOW, i] + r.stat[JITTER_SPAN, i] * draw(rng)
    f[COOLDOWN, i] = max(pause - np.float32(r.trait[WINDUP_LOOPS, i]), ZERO)
    delivery = r.trait[DELIVERY, i]
    if delivery == SUICIDE:
        f[HP, i] = ZERO
        return
    if delivery == INSTANT:
        _strike(r, f, n, i, j, r.trait[HITS, i])
        return
    if delivery == MELEE:
        _strike(r, f, n, i, j, ONCE)
        if r.trait[HITS, i] == 1:
            return
    n[HIT_TARGET, i] = j
    n[HIT_LEFT, i] = r.trait[DELAY, i]
    if delivery == MISSILE:
        n[HIT_LEFT, i] = np.int32(math.ceil(gap(f, i, j) / r.stat[FLIGHT, i]))


@physics
def _strike(r: Rules, f: Floats, n: Ints, i: int, j: int, hits: int) -> None:
    """Unit i hits unit j: shields first, then life; armour counts against each hit on life."""
    for _ in range(hits):
        amount = r.pair[DAMAGE, r.trait[KIND, i], j]
        absorbed = min(f[SHIELD, j], amount)
        f[SHIELD, j] -= absorbed
        if amount > absorbed:
            f[HP, j] -= max(amount - absorbed - r.stat[ARMOR, j], r.stat[MIN_DAMAGE, i])
    f[CALM, j] = ZERO
    n[HURT_BY, j] = i


@physics
def land_hits(r: Rules, f: Floats, n: Ints) -> None:
    """Missiles, second hits and beams that are due. A missile flies on when its shooter is dead."""
    for i in range(r.n_units):
        if n[HIT_LEFT, i] > 0:
            n[HIT_LEFT, i] -= 1
            if n[HIT_LEFT, i] == 0:
                _land(r, f, n, i, np.int64(n[HIT_TARGET, i]))


@physics
def _land(r: Rules, f: Floats, n: Ints, i: int, j: int) -> None:
    delivery = r.trait[DELIVERY, i]
    if f[ALIVE, j] == ZERO or (f[ALIVE, i] == ZERO and delivery != MISSILE):
        return
    if delivery == BEAM:
        _sweep(r, f, n, i, j)
    else:
        _strike(r, f, n, i, j, ONCE)


@physics
def foes(r: Rules, i: int) -> tuple[int, int]:
    """The range of columns of the other side."""
    return (r.n_allies, r.n_units) if i < r.n_allies else (0, r.n_allies)


@physics
def _sweep(r: Rules, f: Floats, n: Ints, i: int, target: int) -> None:
    """The colossus's beams burn a segment through the target, perpendicular to the line of fire."""
    distance = gap(f, i, target) + TINY
    ux, uy = (f[X, target] - f[X, i]) / distance, (f[Y, target] - f[Y, i]) / distance
    half_length, half_width = r.stat[BEAM_LENGTH, i] * HALF, r.stat[BEAM_WIDTH, i] * HALF
    low, high = foes(r, i)
    for j in range(low, high):
        if f[ALIVE, j] > ZERO and r.trait[LAYER, j] != AIR:
            dx, dy = f[X, j] - f[X, target], f[Y, j] - f[Y, target]
            along, across = dy * ux - dx * uy, dx * ux + dy * uy
            beyond = max(abs(along) - half_length, ZERO)
            near = half_width + r.stat[RADIUS, j]
            if beyond * beyond + across * across <= near * near:
                _strike(r, f, n, i, j, r.trait[HITS, i])


@physics
def _explode(r: Rules, f: Floats, n: Ints, i: int) -> None:
    """A dying baneling: full damage to every enemy on the ground whose body meets the circle."""
    low, high = foes(r, i)
    for j in range(low, high):
        grounded = f[ALIVE, j] > ZERO and r.trait[LAYER, j] != AIR
        if grounded and gap(f, i, j) <= r.stat[SPLASH, i] + r.stat[RADIUS, j]:
            _strike(r, f, n, i, j, ONCE)


@physics
def bury(r: Rules, f: Floats, n: Ints) -> None:
    """Units without life die; banelings among them explode, which may kill more, until nobody falls."""
    while _anybody_falls(f):
        for i in range(r.n_units):
            if f[ALIVE, i] > ZERO and f[HP, i] <= ZERO:
                f[ALIVE, i] = ZERO
                f[HP, i] = ZERO
                f[STILL, i] = ZERO
                f[COOLDOWN, i] = ZERO
                n[WINDUP, i] = -1
                n[TARGET, i] = -1
                if r.trait[DELIVERY, i] == SUICIDE:
                    _explode(r, f, n, i)


@physics
def _anybody_falls(f: Floats) -> bool:
    falling = ZERO
    for j in range(f.shape[1]):
        falling += f[ALIVE, j] if f[HP, j] <= ZERO else ZERO
    return falling > ZERO


@physics
def heal(r: Rules, f: Floats, n: Ints, i: int, j: int) -> bool:
    """One loop of healer i with its patient: channel within range. Returns whether it must fly there."""
    if not in_reach(r, f, i, j):
        n[WINDUP, i] = -1
        return True
    missing = r.stat[HP_MAX, j] - f[HP, j]
    tired = n[WINDUP, i] < 0 and f[ENERGY, i] < r.stat[HEAL_BEGIN, i]
    if tired or missing <= ZERO or f[HP, j] <= ZERO:
        n[WINDUP, i] = -1
        return False
    amount = min(min(r.stat[HEAL_RATE, i], missing), f[ENERGY, i] / r.stat[HEAL_COST, i])
    f[HP, j] += amount
    f[ENERGY, i] -= amount * r.stat[HEAL_COST, i]
    n[WINDUP, i] = 0 if f[ENERGY, i] > TINY else -1
    return False
