"""The entry kernels of the batched environment: each does everything for one environment before the next, so
that a battle's two kilobytes stay in the nearest cache."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from marlzoo.envs.smac.jit import exact, persistent
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

SETTLING_LOOPS = 2  # SMAC lets the game run this long before it shows the first observation
LEGAL = -1

EPISODE_METRICS = ("battle_won", "dead_allies", "dead_enemies", "episode_limit", "regeneration_share")
WON, LOST, KILLED, TIMED_OUT, REGAINED = range(5)
"""Rows of `Outputs.info`, one for each metric."""


class Battles(NamedTuple):
    """The state of E battles. Everything that a snapshot has to hold is here."""

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
    totals: Doubles
    """`[E, 2]`: rewards of the episode, and the part of them that enemies' regeneration brought."""


class Scratch(NamedTuple):
    """Unit tables of the one battle at hand, before and after the step, and its scores."""

    allies_before: Floats
    enemies_before: Floats
    allies: Floats
    enemies: Floats
    scores: Doubles


class Outputs(NamedTuple):
    """Where results go, E environments first."""

    obs: Floats
    state: Floats
    mask: Bools
    alive: Bools
    first: Bools
    reward: Floats
    terminated: Bools
    truncated: Bools
    info: Doubles
    """`[5, E]`."""


@exact
def fill_tables(rules: Rules, f: Floats, allies: Floats, enemies: Floats) -> None:
    """Write the unit tables of a battle."""
    for row in range(TABLE_WIDTH):
        for i in range(rules.n_allies):
            allies[i, row] = f[row, i]
        for i in range(rules.n_allies, rules.n_units):
            enemies[i - rules.n_allies, row] = f[row, i]


@exact
def _first_illegal(actions: NDArray[np.int64], mask: Bools) -> int:
    """The flat index of the first action that is not available, or LEGAL."""
    for e in range(actions.shape[0]):
        for i in range(actions.shape[1]):
            action = actions[e, i]
            if action < 0 or action >= mask.shape[2] or not mask[e, i, action]:
                return e * actions.shape[1] + i
    return LEGAL


@exact
def _show(layout: ObserveLayout, battles: Battles, scratch: Scratch, out: Outputs, e: int) -> None:
    """Write the view of environment e from the tables in the scratch memory."""
    observe_into(
        layout,
        scratch.allies,
        scratch.enemies,
        battles.last[e],
        battles.clock[e, 1],
        out.obs[e],
        out.state[e],
        out.mask[e],
        out.alive[e],
    )


@exact
def _score(prices: ScoreLayout, scratch: Scratch) -> None:
    score_into(
        prices,
        scratch.allies_before,
        scratch.enemies_before,
        scratch.allies,
        scratch.enemies,
        scratch.scores,
    )


@exact
def _record(limit: int, battles: Battles, scores: Doubles, out: Outputs, e: int) -> None:
    """Write reward, end of episode and episode metrics of environment e."""
    battles.totals[e, 0] += scores[REWARD]
    battles.totals[e, 1] += scores[REGENERATION]
    total = battles.totals[e, 0]
    out.reward[e] = scores[REWARD]
    out.first[e] = False
    out.terminated[e] = scores[END] != UNDECIDED
    out.truncated[e] = scores[END] == UNDECIDED and battles.clock[e, 1] >= limit
    out.info[WON, e] = scores[END] == VICTORY
    out.info[LOST, e] = scores[DEAD_ALLIES]
    out.info[KILLED, e] = scores[DEAD_ENEMIES]
    out.info[TIMED_OUT, e] = out.truncated[e]
    out.info[REGAINED, e] = battles.totals[e, 1] / total if total > 0.0 else 0.0


@persistent
def step_batch(
    rules: Rules,
    layout: ObserveLayout,
    prices: ScoreLayout,
    battles: Battles,
    scratch: Scratch,
    actions: NDArray[np.int64],
    mask: Bools,
    loops: int,
    out: Outputs,
) -> int:
    """Advance E battles by one step of `loops` game loops.

    Returns LEGAL, or the flat index `[E, N]` of an action that `mask` forbids, in which case nothing was done.
    """
    illegal = _first_illegal(actions, mask)
    if illegal != LEGAL:
        return illegal
    for e in range(actions.shape[0]):
        f, n = battles.floats[e], battles.ints[e]
        for i in range(rules.n_allies):
            battles.last[e, i] = actions[e, i]
        fill_tables(rules, f, scratch.allies_before, scratch.enemies_before)
        give_orders(rules, f, n, battles.last[e], np.float32(layout.move_amount))
        run_loops(rules, f, n, battles.words[e], battles.clock[e], loops)
        battles.clock[e, 1] += 1
        fill_tables(rules, f, scratch.allies, scratch.enemies)
        _score(prices, scratch)
        _record(layout.episode_limit, battles, scratch.scores, out, e)
        _show(layout, battles, scratch, out, e)
    return LEGAL


@persistent
def restart_batch(
    rules: Rules,
    spawn: Spawn,
    layout: ObserveLayout,
    battles: Battles,
    scratch: Scratch,
    which: Bools,
    out: Outputs,
) -> None:
    """Begin new battles in the environments named by `which [E]`, and show them."""
    for e in range(which.shape[0]):
        out.first[e] = which[e]
        if which[e]:
            f, n = battles.floats[e], battles.ints[e]
            start(rules, spawn, f, n, battles.words[e], battles.clock[e])
            run_loops(rules, f, n, battles.words[e], battles.clock[e], SETTLING_LOOPS)
            battles.last[e] = -1
            battles.totals[e] = 0.0
            fill_tables(rules, f, scratch.allies, scratch.enemies)
            _show(layout, battles, scratch, out, e)
