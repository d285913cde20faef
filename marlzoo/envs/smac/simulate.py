"""One environment step of the battle: the agents' orders, then eight game loops."""

from __future__ import annotations

import numpy as np

from marlzoo.envs.smac.combat import bury, fight, heal, land_hits, reach
from marlzoo.envs.smac.jit import merged, physics
from marlzoo.envs.smac.movement import push_apart, stand, walk
from marlzoo.envs.smac.opponent import answer_attackers, choose, escort_pace
from marlzoo.envs.smac.rng import draw
from marlzoo.envs.smac.rules import (
    ENERGY_MAX,
    ENERGY_REGEN,
    HEALER,
    HP_MAX,
    KIND,
    LIFE_REGEN,
    RANK,
    SHIELD_MAX,
    SHIELD_REGEN,
    SHIELD_WAIT,
    SPEED,
    Rules,
)
from marlzoo.envs.smac.state import (
    ALIVE,
    ATTACK,
    ATTACK_MOVE,
    BANNED_LEFT,
    CALM,
    COOLDOWN,
    ENERGY,
    GOAL_X,
    GOAL_Y,
    HEAL,
    HELP_LEFT,
    HP,
    IDLE,
    MOVE,
    ORDER,
    SHIELD,
    SIDE_LEFT,
    TARGET,
    WINDUP,
    Floats,
    Ints,
    Words,
    X,
    Y,
)

LOOPS = 8
MOVE_ACTIONS, ATTACK_ACTIONS = 2, 6
ZERO, HALF, ONE = np.float32(0.0), np.float32(0.5), np.float32(1.0)
ARRIVED = np.float32(0.25)  # how near its goal an attack-moving unit stops
CLOSE_IN = np.float32(0.01)  # how far inside its range a unit stops, against rounding


@physics
def give_orders(r: Rules, f: Floats, n: Ints, actions: Ints, move_amount: float) -> None:
    """Turn the agents' actions `[N]` into orders. The same attack again goes on with its wind-up."""
    for i in range(r.n_allies):
        action = actions[i]
        if f[ALIVE, i] == ZERO:
            continue
        if action >= ATTACK_ACTIONS:
            _order_target(r, f, n, i, action - ATTACK_ACTIONS)
            continue
        n[TARGET, i] = -1
        n[WINDUP, i] = -1
        n[ORDER, i] = IDLE
        if action >= MOVE_ACTIONS:
            n[ORDER, i] = MOVE
            f[GOAL_X, i] = f[X, i] + move_amount * np.float32((action == 4) - (action == 5))
            f[GOAL_Y, i] = f[Y, i] + move_amount * np.float32((action == 2) - (action == 3))


@physics
def _order_target(r: Rules, f: Floats, n: Ints, i: int, k: int) -> None:
    """Attack enemy k, or heal agent k; an order that the game would reject leaves the unit idle."""
    healer = r.trait[HEALER, i] != 0
    order, target = (HEAL, k) if healer else (ATTACK, r.n_allies + k)
    possible = f[HP, k] < r.stat[HP_MAX, k] if healer else r.pair[RANK, r.trait[KIND, i], target] >= ZERO
    if not possible:
        order, target = IDLE, -1
    if n[ORDER, i] != order or n[TARGET, i] != target:
        n[WINDUP, i] = -1
    n[ORDER, i] = order
    n[TARGET, i] = target


@merged
def run_loops(r: Rules, f: Floats, n: Ints, rng: Words, clock: Ints, loops: int) -> None:
    """Advance the battle by `loops` game loops. `clock[0]` counts the loops of the episode."""
    for _ in range(loops):
        loop = clock[0]
        _tick(r, f, n)
        land_hits(r, f, n)
        # A random place to start from and a random direction: any two units go first equally often.
        i = np.int64(draw(rng) * np.float32(r.n_units))
        stride = 1 if draw(rng) < HALF else r.n_units - 1
        for _ in range(r.n_units):
            if f[ALIVE, i] > ZERO:
                _act(r, f, n, rng, i, loop)
            i += stride
            if i >= r.n_units:
                i -= r.n_units
        if loop % 2 == 1:
            push_apart(r, f)
        bury(r, f, n)
        answer_attackers(r, f, n)
        clock[0] = loop + 1


@physics
def _tick(r: Rules, f: Floats, n: Ints) -> None:
    """Timers run down; shields, life and energy come back."""
    for j in range(f.shape[1]):
        f[COOLDOWN, j] = max(f[COOLDOWN, j] - ONE, ZERO)
    for j in range(f.shape[1]):
        f[CALM, j] += ONE
    for j in range(f.shape[1]):
        calm = r.stat[SHIELD_REGEN, j] if f[CALM, j] > r.stat[SHIELD_WAIT, j] else ZERO
        f[SHIELD, j] = min(f[SHIELD, j] + calm * f[ALIVE, j], max(r.stat[SHIELD_MAX, j], f[SHIELD, j]))
    for j in range(f.shape[1]):
        gain = r.stat[LIFE_REGEN, j] * f[ALIVE, j]
        f[HP, j] = min(f[HP, j] + gain, max(r.stat[HP_MAX, j], f[HP, j]))
    for j in range(f.shape[1]):
        gain = r.stat[ENERGY_REGEN, j] * f[ALIVE, j]
        f[ENERGY, j] = min(f[ENERGY, j] + gain, max(r.stat[ENERGY_MAX, j], f[ENERGY, j]))
    for j in range(f.shape[1]):
        n[SIDE_LEFT, j] = max(n[SIDE_LEFT, j] - 1, 0)
    for j in range(f.shape[1]):
        n[BANNED_LEFT, j] = max(n[BANNED_LEFT, j] - 1, 0)
    for j in range(f.shape[1]):
        n[HELP_LEFT, j] = max(n[HELP_LEFT, j] - 1, 0)


@merged
def _act(r: Rules, f: Floats, n: Ints, rng: Words, i: int, loop: int) -> None:
    """One loop of living unit i."""
    order = n[ORDER, i]
    if order >= ATTACK_MOVE:
        choose(r, f, n, i, loop)
    target = np.int64(n[TARGET, i])
    healer = r.trait[HEALER, i] != 0
    gx, gy, stop_at, pace = f[GOAL_X, i], f[GOAL_Y, i], ZERO, r.stat[SPEED, i]
    if target >= 0 and f[ALIVE, target] > ZERO:
        walks = heal(r, f, n, i, target) if healer else fight(r, f, n, rng, i, target)
        gx, gy, stop_at = f[X, target], f[Y, target], reach(r, i, target) - CLOSE_IN
    else:
        n[WINDUP, i] = -1
        walks = order == MOVE
        if order == ATTACK_MOVE:
            walks, stop_at = True, ARRIVED
            if healer:
                pace = escort_pace(r, f, n, i)
    if walks:
        walk(r, f, n, i, gx, gy, stop_at, pace)
    else:
        stand(f, i)
