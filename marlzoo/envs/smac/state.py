"""How a battle lies in memory: one packed float array and one packed integer array per environment.

Rows are quantities, columns are units: allies in agent-id order, then enemies in enemy-id order, then unused
columns (never alive) up to a multiple of 16, so that loops over units vectorise without a remainder.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]
Words = NDArray[np.uint64]

LANES = 16

# Rows of the float array. The first seven are the columns of the unit tables, in their order.
X, Y, HP, SHIELD, ENERGY, COOLDOWN, ALIVE = range(7)
TABLE_WIDTH = 7
PACE = 7  # current speed of a unit that accelerates, cells per loop
CALM = 8  # loops since the last damage
GOAL_X, GOAL_Y = 9, 10  # where a move or attack-move order points
FROM_X, FROM_Y = 11, 12  # position when progress was last checked
STILL = 13  # 1 while the unit means to stand: it blocks others and is not pushed by movers
PUSH_X, PUSH_Y = 14, 15  # correction of the push-out pass
FLOAT_ROWS = 16

# Rows of the integer array.
ORDER = 0
TARGET = 1  # unit that the order or the script is after, -1 for none
WINDUP = 2  # loops until release, -1 when not winding up; 0 while a healer channels
HIT_TARGET = 3  # whom the missile, second hit or beam under way will strike
HIT_LEFT = 4  # loops until it lands, 0 for none
SIDE = 5  # +1 or -1: which way round an obstacle
SIDE_LEFT = 6  # loops for which the side is remembered
BANNED = 7  # target given up as out of reach
BANNED_LEFT = 8
HELP_LEFT = 9  # loops until the unit may call for help again
HURT_BY = 10  # who damaged the unit in this loop, -1 for nobody
PHASE = 11  # when the unit looks round and checks its progress: random, so that no side is first
INT_ROWS = 12

# Orders. Allies have the first four, the scripted opponent the last two.
IDLE, MOVE, ATTACK, HEAL, ATTACK_MOVE, HUNT = range(6)


def padded(units: int) -> int:
    """The number of columns for a battle of `units`."""
    return -(-units // LANES) * LANES
