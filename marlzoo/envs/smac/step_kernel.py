"""The entry kernels: they begin battles, advance them, and write what they look like.

Physics and interface are compiled apart, each once; a batch of 64 battles passes from one to the other within
the second-level cache.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from marlzoo.envs.smac.jit import exact, persistent, persistent_physics
from marlzoo.envs.smac.observe_kernel import ObserveLayout, observe_into
from marlzoo.envs.smac.rules import Rules
from marlzoo.envs.smac.score_kernel import (
    DEAD_ALLIES,
    DEAD_ENEMIES,
    END,
    REGENERATION,
    REWARD,
    UNDECIDED,
    VICTORY,
    ScoreLayout,
    score_into,
)
from marlzoo.envs.smac.simulate import give_orders, run_loops
from marlzoo.envs.smac.spawn import Spawn, start
from marlzoo.envs.smac.state import TABLE_WIDTH, Floats, Ints, Words

Bools = NDArray[np.bool_]
Doubles = NDArray[np.float64]

LEGAL = -1

EPISODE_METRICS = ("battle_won", "dead_allies", "dead_enemies", "episode_limit", "regeneration_share")
WON, LOST, KILLED, TIMED_OUT, REGAINED = range(5)
"""Rows of `Outputs.info`, one for each metric."""


class Battles(NamedTuple):
    """The state of E battles: everything that a snapshot has to hold."""

    floats: Floats
    """`[E, F, W]`."""
    ints: Ints
    """`[E, I, W]`."""
    words: Words
    """`[E, 1]`: random generators."""
    clock: Ints
    """`[E, 2]`: game loops and environment steps of the episode."""
    last: Ints
    """`[E, N]`: last actions, -1 before the first."""
    allies: Floats
    """`[E, N, 7]`: unit tables as they were shown last."""
    enemies: Floats
    """`[E, M, 7]`."""
    totals: Doubles
    """`[E, 2]`: rewards of the episode, and the part of them that enemies' regeneration brought."""


class Scratch(NamedTuple):
    """Unit tables of the one battle at hand, and its scores."""

    allies: Floats
    enemies: Floats
    scores: Doubles


class Outputs(NamedTuple):
    """Where results go, E environments first."""

    obs: Floats
    state: Floats
    """`[E, state_rows, state_size]`, also where a state is common to all agents."""
    mask: Bools
    alive: Bools
    first: Bools
    reward: Floats
    terminated: Bools
    truncated: Bools
    info: Doubles
    """`[5, E]`."""


@persistent
def begin_battles(rules: Rules, spawn: Spawn, battles: Battles, which: Bools) -> None:
    """Set up new battles in the environments named by `which [E]`."""
    for e in range(which.shape[0]):
        if which[e]:
            start(rules, spawn, battles.floats[e], battles.ints[e], battles.words[e], battles.clock[e])
            for i in range(rules.n_allies):
                battles.last[e, i] = -1
            battles.totals[e, 0] = battles.totals[e, 1] = 0.0


@persistent_physics
def advance_battles(rules: Rules, battles: Battles, which: Bools, loops: int) -> None:
    """Run the environments named by `which [E]` for some game loops, under the orders they have."""
    for e in range(which.shape[0]):
        if which[e]:
            run_loops(rules, battles.floats[e], battles.ints[e], battles.words[e], battles.clock[e], loops)


@persistent
def order_agents(
    rules: Rules, battles: Battles, actions: NDArray[np.int64], mask: Bools, move_amount: float
) -> int:
    """Turn actions `[E, N]` into orders and count the step.

    Returns LEGAL, or the flat index of an action that `mask [E, N, A]` forbids; then nothing was done.
    """
    illegal = _first_illegal(actions, mask)
    if illegal != LEGAL:
        return illegal
    for e in range(actions.shape[0]):
        for i in range(rules.n_allies):
            battles.last[e, i] = actions[e, i]
        battles.clock[e, 1] += 1
        give_orders(rules, battles.floats[e], battles.ints[e], battles.last[e], np.float32(move_amount))
    return LEGAL


@exact
def _first_illegal(actions: NDArray[np.int64], mask: Bools) -> int:
    """The flat index of the first action that is not available, or LEGAL."""
    for e in range(actions.shape[0]):
        for i in range(actions.shape[1]):
            action = actions[e, i]
            if action < 0 or action >= mask.shape[2] or not mask[e, i, action]:
                return e * actions.shape[1] + i
    return LEGAL


@persistent
def show_battles(
    layout: ObserveLayout,
    prices: ScoreLayout,
    battles: Battles,
    scratch: Scratch,
    which: Bools,
    fresh: bool,
    out: Outputs,
) -> None:
    """Write the views of the environments named by `which [E]`, and scores unless the battles are `fresh`."""
    for e in range(which.shape[0]):
        out.first[e] = which[e] and fresh
        if which[e]:
            for side in range(2):
                table = scratch.enemies if side else scratch.allies
                _fill_table(battles.floats[e], side * layout.n_agents, table)
            if not fresh:
                allies, enemies, scores = scratch.allies, scratch.enemies, scratch.scores
                score_into(prices, battles.allies[e], battles.enemies[e], allies, enemies, scores)
                _record(layout.episode_limit, battles, scores, out, e)
            for side in range(2):
                shown = battles.enemies[e] if side else battles.allies[e]
                _copy(scratch.enemies if side else scratch.allies, shown)
            observe_into(
                layout,
                battles.allies[e],
                battles.enemies[e],
                battles.last[e],
                battles.clock[e, 1],
                out.obs[e],
                out.state[e],
                out.mask[e],
                out.alive[e],
            )


@exact
def _fill_table(f: Floats, first: int, table: Floats) -> None:
    """Copy the columns of the units from number `first` on into the rows of a table."""
    for row in range(TABLE_WIDTH):
        for i in range(table.shape[0]):
            table[i, row] = f[row, first + i]


@exact
def _copy(source: Floats, target: Floats) -> None:
    for i in range(source.shape[0]):
        for row in range(TABLE_WIDTH):
            target[i, row] = source[i, row]


@exact
def _record(limit: int, battles: Battles, scores: Doubles, out: Outputs, e: int) -> None:
    """Write reward, end of episode and episode metrics of environment e."""
    battles.totals[e, 0] += scores[REWARD]
    battles.totals[e, 1] += scores[REGENERATION]
    total = battles.totals[e, 0]
    out.reward[e] = scores[REWARD]
    out.terminated[e] = scores[END] != UNDECIDED
    out.truncated[e] = scores[END] == UNDECIDED and battles.clock[e, 1] >= limit
    out.info[WON, e] = scores[END] == VICTORY
    out.info[LOST, e] = scores[DEAD_ALLIES]
    out.info[KILLED, e] = scores[DEAD_ENEMIES]
    out.info[TIMED_OUT, e] = out.truncated[e]
    out.info[REGAINED, e] = battles.totals[e, 1] / total if total > 0.0 else 0.0
