"""Numba kernel that compares two pairs of unit tables: reward, end of the battle, casualties.

Sums are kept in double and in the order in which SMAC adds them. No fastmath here.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from marlzoo.envs.smac.jit import exact, merged
from marlzoo.envs.smac.observe_kernel import ALIVE, HP, SHIELD, Bools, Doubles, Floats

REWARD, END, DEAD_ALLIES, DEAD_ENEMIES, REGENERATION = range(5)
"""Entries of a score. `REGENERATION` is the part of the reward that enemies' regeneration brought."""

SCORE_ENTRIES = 5

DEFEAT, DRAW, VICTORY, UNDECIDED = -1.0, 0.0, 1.0, -2.0
"""How a battle stands."""


class ScoreLayout(NamedTuple):
    """The prices of what happens in a battle."""

    sparse: bool
    only_positive: bool
    regeneration: bool
    """Pay for regeneration as SMAC does."""
    death_value: float
    win: float
    defeat: float
    negative_scale: float
    divisor: float
    """Every reward is divided by it."""
    medical: bool
    """Medivacs count for nothing in the end."""
    ally_medivac: Bools
    """`[N]`."""
    enemy_medivac: Bools
    """`[M]`."""


@merged
def score_into(
    layout: ScoreLayout,
    allies_before: Floats,
    enemies_before: Floats,
    allies: Floats,
    enemies: Floats,
    out: Doubles,
) -> None:
    """Write the score of one step into `out` `[SCORE_ENTRIES]`; the tables are `[N, 7]` and `[M, 7]`."""
    ours, theirs = _count_living(allies), _count_living(enemies)
    end = _end(layout, allies, enemies, ours, theirs)
    reward, regeneration = 0.0, 0.0
    if not layout.sparse:
        reward, regeneration = _fight_reward(layout, allies_before, enemies_before, allies, enemies)
    if end == VICTORY:
        reward = 1.0 if layout.sparse else reward + layout.win
    elif end == DEFEAT:
        reward = -1.0 if layout.sparse else reward + layout.defeat
    out[REWARD] = reward / layout.divisor
    out[END] = end
    out[DEAD_ALLIES] = allies.shape[0] - ours
    out[DEAD_ENEMIES] = enemies.shape[0] - theirs
    out[REGENERATION] = regeneration / layout.divisor


@exact
def _living(table: Floats, i: int) -> bool:
    return table[i, ALIVE] > 0 and table[i, HP] > 0


@exact
def _count_living(table: Floats) -> int:
    count = 0
    for i in range(table.shape[0]):
        count += _living(table, i)
    return count


@exact
def _fight_reward(
    layout: ScoreLayout, allies_before: Floats, enemies_before: Floats, allies: Floats, enemies: Floats
) -> tuple[float, float]:
    """Reward before bonuses, and the part of it that regeneration brought."""
    suffered, deaths = _ally_losses(layout, allies_before, allies)
    inflicted, deaths = _enemy_losses(layout, enemies_before, enemies, deaths)
    if not layout.only_positive:
        return inflicted + deaths - suffered, 0.0
    total = inflicted + deaths
    return abs(total), -total if total < 0.0 else 0.0


@exact
def _ally_losses(layout: ScoreLayout, before: Floats, now: Floats) -> tuple[float, float]:
    """Weighted hit points and shields that allies lost, and the (negative) price of their deaths."""
    suffered, deaths = 0.0, 0.0
    for i in range(now.shape[0]):
        if not _living(before, i):
            continue
        previous = np.float64(before[i, HP]) + np.float64(before[i, SHIELD])
        if _living(now, i):
            left = previous - np.float64(now[i, HP]) - np.float64(now[i, SHIELD])
            suffered += layout.negative_scale * left
        else:
            suffered += previous * layout.negative_scale
            if not layout.only_positive:
                deaths -= layout.death_value * layout.negative_scale
    return suffered, deaths


@exact
def _enemy_losses(layout: ScoreLayout, before: Floats, now: Floats, deaths: float) -> tuple[float, float]:
    """Hit points and shields that enemies lost, and `deaths` increased by the price of theirs."""
    inflicted = 0.0
    for i in range(now.shape[0]):
        if not _living(before, i):
            continue
        previous = np.float64(before[i, HP]) + np.float64(before[i, SHIELD])
        if _living(now, i):
            lost = previous - np.float64(now[i, HP]) - np.float64(now[i, SHIELD])
            inflicted += lost if layout.regeneration or lost > 0.0 else 0.0
        else:
            deaths += layout.death_value
            inflicted += previous
    return inflicted, deaths


@exact
def _end(layout: ScoreLayout, allies: Floats, enemies: Floats, ours: int, theirs: int) -> float:
    """How the battle stands with so many living on each side, tested in SMAC's order."""
    if (ours == 0 and theirs > 0) or (layout.medical and _count_fighters(allies, layout.ally_medivac) == 0):
        return DEFEAT
    lone_medivac = layout.medical and theirs == 1 and _count_fighters(enemies, layout.enemy_medivac) == 0
    if (ours > 0 and theirs == 0) or lone_medivac:
        return VICTORY
    return DRAW if theirs == 0 else UNDECIDED


@exact
def _count_fighters(table: Floats, medivac: Bools) -> int:
    """How many units other than medivacs live."""
    count = 0
    for i in range(table.shape[0]):
        count += not medivac[i] and _living(table, i)
    return count


def score_buffer() -> NDArray[np.float64]:
    """Room for one score."""
    return np.zeros(SCORE_ENTRIES)
