"""Reward and end of a battle with SMAC's default arguments, until the configurable scorer is in place."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from marlzoo.envs.smac.jit import exact
from marlzoo.envs.smac.rules import HEALER, HP_MAX, SHIELD_MAX, Rules


class ScoreLayout(NamedTuple):
    scale: float
    healer_ally: NDArray[np.bool_]
    healer_enemy: NDArray[np.bool_]


def score_layout(rules: Rules) -> ScoreLayout:
    a, u = rules.n_allies, rules.n_units
    top = 200.0 + 10.0 * (u - a) + float(rules.stat[HP_MAX, a:u].sum() + rules.stat[SHIELD_MAX, a:u].sum())
    healer = rules.trait[HEALER] != 0
    return ScoreLayout(top / 20.0, healer[:a].copy(), healer[a:u].copy())


@exact
def score_into(s: ScoreLayout, allies_before, enemies_before, allies, enemies, out) -> None:  # noqa: ANN001
    delta, gained, fighters, foes, foe_fighters, lost, killed = 0.0, 0.0, 0, 0, 0, 0, 0
    for k in range(enemies.shape[0]):
        before = np.float64(enemies_before[k, 2]) + np.float64(enemies_before[k, 3])
        now = np.float64(enemies[k, 2]) + np.float64(enemies[k, 3])
        if enemies[k, 6] > 0:
            delta += before - now
            gained += max(now - before, 0.0)
            foes += 1
            foe_fighters += 0 if s.healer_enemy[k] else 1
        else:
            killed += 1
            if enemies_before[k, 6] > 0:
                delta += before + 10.0
    alive = 0
    for k in range(allies.shape[0]):
        if allies[k, 6] > 0:
            alive += 1
            fighters += 0 if s.healer_ally[k] else 1
        else:
            lost += 1
    reward = abs(delta)
    end = -2.0
    if (alive == 0 and foes > 0) or (fighters == 0 and alive > 0):
        end = -1.0
    elif (foes == 0 and alive > 0) or (foes == 1 and foe_fighters == 0):
        end = 1.0
        reward += 200.0
    elif foes == 0 and alive == 0:
        end = 0.0
    out[0] = reward / s.scale
    out[1] = end
    out[2] = lost
    out[3] = killed
    out[4] = (reward - max(delta, 0.0)) / s.scale if delta < 0 else 0.0
