"""The scripted opponent: what a StarCraft II unit does by itself after one attack-move order at spawn.

It looks for targets near by, fires at what it can reach, chases what it has chosen until that is dead,
answers an attacker from afar, calls friends near by for help, gives up a target that it cannot get at, and
otherwise walks to the goal of its order.
"""

from __future__ import annotations

import math

import numpy as np

from marlzoo.envs.smac.combat import foes, gap, in_reach
from marlzoo.envs.smac.jit import physics
from marlzoo.envs.smac.rules import (
    BIOLOGICAL,
    DELIVERY,
    HEAL_BEGIN,
    HEALER,
    HP_MAX,
    KIND,
    RADIUS,
    RANK,
    SCAN,
    SPEED,
    UNARMED,
    Rules,
)
from marlzoo.envs.smac.state import (
    ALIVE,
    ATTACK_MOVE,
    BANNED,
    BANNED_LEFT,
    ENERGY,
    FROM_X,
    FROM_Y,
    HELP_LEFT,
    HP,
    HUNT,
    HURT_BY,
    ORDER,
    PHASE,
    STILL,
    TARGET,
    WINDUP,
    Floats,
    Ints,
    X,
    Y,
)

ZERO = np.float32(0.0)
HUGE = np.float32(1e9)
RESCAN = 4  # loops between two looks for a better target
STUCK_CHECK = 8  # loops between two checks of progress
STUCK_SHARE = np.float32(0.25)  # of the full speed; less is being stuck
BAN = 16  # loops for which an unreachable target is left alone
LOYALTY = np.float32(0.25)  # by how much the present target counts as nearer
CLASS_STEP = np.float32(1000.0)  # one priority class outweighs any distance
CALL_RADIUS = np.float32(4.0)
CALL_PAUSE = 32
ESCORT = np.float32(6.0)


@physics
def choose(r: Rules, f: Floats, n: Ints, i: int, loop: int) -> None:
    """Look after the target of scripted unit i: at its turn, and as soon as its target is dead."""
    target = n[TARGET, i]
    lost = target >= 0 and f[ALIVE, target] == ZERO
    if lost:
        n[TARGET, i] = -1
        n[WINDUP, i] = -1
    phase = loop + n[PHASE, i]
    if phase % RESCAN != 0 and not lost:
        return
    if r.trait[HEALER, i] != 0:
        _choose_patient(r, f, n, i)
        return
    if phase % STUCK_CHECK == 0:
        _check_progress(r, f, n, i)
    _choose_foe(r, f, n, i)


@physics
def _choose_foe(r: Rules, f: Floats, n: Ints, i: int) -> None:
    """Keep a target that can be fired at; else the nearest of the first class within the scan radius."""
    current = np.int64(n[TARGET, i])
    if current >= 0 and (n[WINDUP, i] >= 0 or in_reach(r, f, i, current)):
        return
    best, best_key = current, HUGE
    limit = HUGE if n[ORDER, i] == HUNT else r.stat[SCAN, i]
    low, high = foes(r, i)
    for j in range(max(low, 0), high):
        rank = r.pair[RANK, r.trait[KIND, i], j]
        banned = n[BANNED_LEFT, i] > 0 and n[BANNED, i] == j
        if f[ALIVE, j] > ZERO and rank >= ZERO and not banned:
            # Compared as squares: the key improves where the distance is below the bound.
            handicap = rank * CLASS_STEP - (LOYALTY if j == current else ZERO)
            bound = min(limit, best_key - handicap) + r.stat[RADIUS, i] + r.stat[RADIUS, j]
            dx, dy = f[X, j] - f[X, i], f[Y, j] - f[Y, i]
            square = dx * dx + dy * dy
            if bound > ZERO and square < bound * bound:
                best = j
                best_key = handicap + math.sqrt(square) - r.stat[RADIUS, i] - r.stat[RADIUS, j]
    if best != current:
        n[TARGET, i] = best
        n[WINDUP, i] = -1


@physics
def _check_progress(r: Rules, f: Floats, n: Ints, i: int) -> None:
    """A unit that walks after a target and hardly gets on in its direction leaves it alone for a while."""
    j = n[TARGET, i]
    if j >= 0 and f[STILL, i] == ZERO:
        tx, ty = f[X, j] - f[FROM_X, i], f[Y, j] - f[FROM_Y, i]
        advance = (f[X, i] - f[FROM_X, i]) * tx + (f[Y, i] - f[FROM_Y, i]) * ty
        needed = STUCK_SHARE * np.float32(STUCK_CHECK) * r.stat[SPEED, i]
        if advance < needed * math.sqrt(tx * tx + ty * ty):
            n[BANNED, i] = j
            n[BANNED_LEFT, i] = BAN
    f[FROM_X, i], f[FROM_Y, i] = f[X, i], f[Y, i]


@physics
def _choose_patient(r: Rules, f: Floats, n: Ints, i: int) -> None:
    """The wounded biological friend with the lowest share of life in the scan radius, then the nearest."""
    low, high = (0, r.n_allies) if i < r.n_allies else (r.n_allies, r.n_units)
    best, best_share, best_gap = -1, HUGE, HUGE
    if f[ENERGY, i] < r.stat[HEAL_BEGIN, i] and n[WINDUP, i] < 0:
        high = low
    for j in range(low, high):
        if j != i and f[ALIVE, j] > ZERO and r.trait[BIOLOGICAL, j] != 0 and f[HP, j] < r.stat[HP_MAX, j]:
            share, edge = f[HP, j] / r.stat[HP_MAX, j], gap(f, i, j) - r.stat[RADIUS, i] - r.stat[RADIUS, j]
            better = share < best_share or (share == best_share and edge < best_gap)
            if edge <= r.stat[SCAN, i] and better:
                best, best_share, best_gap = j, share, edge
    n[TARGET, i] = best


@physics
def escort_pace(r: Rules, f: Floats, n: Ints, i: int) -> float:
    """How fast a healer without a patient goes on: no faster than its friends near by, 0 while they fight."""
    low, high = (0, r.n_allies) if i < r.n_allies else (r.n_allies, r.n_units)
    pace = r.stat[SPEED, i]
    for j in range(low, high):
        if j != i and f[ALIVE, j] > ZERO and r.trait[DELIVERY, j] != UNARMED and gap(f, i, j) <= ESCORT:
            pace = min(pace, ZERO if n[TARGET, j] >= 0 else r.stat[SPEED, j])
    return pace


@physics
def answer_attackers(r: Rules, f: Floats, n: Ints) -> None:
    """Scripted units without a target turn on who hurt them in this loop, and call idle friends to help."""
    for i in range(r.n_units):
        attacker = n[HURT_BY, i]
        if attacker >= 0:
            n[HURT_BY, i] = -1
            if n[ORDER, i] >= ATTACK_MOVE and f[ALIVE, attacker] > ZERO:
                _turn_on(r, f, n, i, attacker)
                if n[HELP_LEFT, i] == 0:
                    n[HELP_LEFT, i] = CALL_PAUSE
                    _call_for_help(r, f, n, i, attacker)


@physics
def _turn_on(r: Rules, f: Floats, n: Ints, i: int, attacker: int) -> None:
    can_hit = r.pair[RANK, r.trait[KIND, i], attacker] >= ZERO
    if f[ALIVE, i] > ZERO and n[TARGET, i] < 0 and r.trait[HEALER, i] == 0 and can_hit:
        n[TARGET, i] = attacker


@physics
def _call_for_help(r: Rules, f: Floats, n: Ints, i: int, attacker: int) -> None:
    low, high = (0, r.n_allies) if i < r.n_allies else (r.n_allies, r.n_units)
    for j in range(low, high):
        if j != i and n[ORDER, j] >= ATTACK_MOVE and gap(f, i, j) <= CALL_RADIUS:
            _turn_on(r, f, n, j, attacker)
