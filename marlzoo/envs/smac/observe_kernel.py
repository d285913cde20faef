"""Numba kernels that turn two unit tables into observations, state and action masks.

Everything is computed in double from the float32 unit fields and stored as float32, operation by operation as
SMAC does it, so that the results agree to the last bit. No fastmath here.

A *view* is one vector (an agent's observation, or a state), made of blocks at fixed offsets; a block of
units is made of rows, and a row of columns. `layout` decides offsets and columns, so these kernels serve
both observation profiles. Units are numbered allies first, then enemies. All numbers of a row are scaled once
per step, for one agent or for all.

What varies between maps and arguments stands in arrays, not in types, and every function is called from one
place: that keeps the time of compilation down.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from marlzoo.envs.smac.jit import exact, merged

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]
Longs = NDArray[np.int64]
Bools = NDArray[np.bool_]
Doubles = NDArray[np.float64]

X, Y, HP, SHIELD, ENERGY, COOLDOWN, ALIVE = range(7)
"""Columns of a unit table."""

STOP, NORTH, SOUTH, EAST, WEST, FIRST_TARGET = range(1, 7)
"""Actions; 0 is the no-op of the dead, and `FIRST_TARGET + k` attacks enemy k (or heals ally k)."""

Index = np.uint64
"""Numba tests a signed index for being negative, each time."""

SIGHT = 9.0
SHOOT = 6.0
TIE = 1e-9
"""Squared distances this close to a squared range are decided by `hypot`, as the reference decides all."""

HEALTH_SHARE, SHIELD_SHARE, CHARGE, CENTER_X, CENTER_Y = range(5)
"""Columns of what every observer sees alike of a unit, scaled."""

UNIT_COLUMNS = 5

DISTANCE, DX, DY = range(3)
"""What lies between an agent and a unit, as a share of the sight range."""

RELATIONS = 3

OBS, STATE = range(2)
"""Views."""

(
    AT_MOVE,
    AT_ACTIONS,
    AT_LOCAL_OBS,
    AT_AGENT_ID,
    AT_TIME,
    SEES_ALL,
    SKIPS_SELF,
    MUST_BE_ALIVE,
    SHOWS_PATHING,
    SHOWS_HEIGHT,
) = range(10)
"""Entries of a view: offsets of blocks (-1: absent), then flags.

`SEES_ALL`: units beyond sight are included. `SKIPS_SELF`: the block of allies leaves out the observer.
`MUST_BE_ALIVE`: all but agent number and time is zero for a dead observer."""

VIEW_ENTRIES = 10

ALLIES, ENEMIES, OWN = range(3)
"""Blocks of units."""

(
    AT,
    WIDTH,
    ROW_AVAILABLE,
    ROW_VISIBLE,
    ROW_DISTANCE,
    ROW_DX,
    ROW_DY,
    ROW_HEALTH,
    ROW_SHIELD,
    ROW_CHARGE,
    ROW_CENTER_X,
    ROW_CENTER_Y,
    ROW_KIND,
    ROW_ACTION,
) = range(14)
"""Entries of a block: its offset in the view, the width of a row, the column of each feature (-1: absent)."""

BLOCK_ENTRIES = 14


class ObserveLayout(NamedTuple):
    """All that `observe_into` needs to know of a map and its arguments, and its scratch memory, for N agents
    and U units in all. One layout must not be used by two threads at once."""

    n_agents: int
    n_enemies: int
    n_actions: int
    obs_size: int
    state_rows: int
    """1 for a common state, N for one per agent."""
    state_size: int
    state_is_obs: bool
    """The state is all observations in a row."""
    episode_limit: int
    move_amount: float
    views: Longs
    """`[2, VIEW_ENTRIES]`: observation and state."""
    blocks: Longs
    """`[2, 3, BLOCK_ENTRIES]`."""
    grids: Doubles
    """`[2, width, height]`: 1 where one can walk; terrain heights from 0 to 1."""
    frame: Doubles
    """`[2, 2]`: centre of the map, and extent of the playable area, in x and y."""
    largest: Doubles
    """`[U, 3]`: largest health and shield, longest cooldown (of a medivac: largest energy)."""
    kind: Longs
    """`[U]`: one-hot index of the type."""
    medivac: Bools
    """`[U]`: allies whose target actions name (other) allies and whose energy counts as their charge."""
    alive: Bools
    """Scratch `[U]`."""
    position: Doubles
    """Scratch `[2, U]`: x and y."""
    distance: Doubles
    """Scratch `[N, U]`; rows of dead agents hold old numbers, the diagonal is zero."""
    relation: Floats
    """Scratch `[RELATIONS, N, U]`, as `distance`."""
    units: Floats
    """Scratch `[U, UNIT_COLUMNS]`."""


@merged
def observe_into(
    layout: ObserveLayout,
    allies: Floats,
    enemies: Floats,
    last_actions: Ints,
    step: int,
    obs_out: Floats,
    state_out: Floats,
    mask_out: Bools,
    alive_out: Bools,
) -> None:
    """Write what one battle looks like.

    Args:
        layout: made by `layout(map, config)`.
        allies, enemies: unit tables `[N, 7]`, `[M, 7]`: x, y, hp, shield, energy, cooldown, alive.
        last_actions: `[N]`, -1 where there was none yet.
        step: steps since the episode began.
        obs_out: `[N, obs_size]`.
        state_out: `[state_rows, state_size]`.
        mask_out: `[N, n_actions]`, True where an action is available.
        alive_out: `[N]`.
    """
    alive, distance, n_agents = layout.alive, layout.distance, layout.n_agents
    for side in range(2):
        _read_side(layout, enemies if side else allies, n_agents if side else 0)
    _measure(alive, layout.position, distance, layout.relation)
    for i in range(n_agents):
        alive_out[i] = alive[i]
        x, y = layout.position[0, i], layout.position[1, i]
        _mask_moves(alive[i], x, y, layout.grids[0], layout.move_amount / 2, mask_out[i])
        _mask_targets(i, alive, distance, layout.medivac, mask_out[i])
    time = step / layout.episode_limit
    for v in range(2):
        out = state_out if v == STATE else obs_out
        if v == STATE and layout.state_is_obs:
            _copy_observations(obs_out, out)
        else:
            _write_view(layout, v, last_actions, time, mask_out, obs_out, out)


@exact
def _read_side(layout: ObserveLayout, table: Floats, first: int) -> None:
    """Read one side's table; `first` is the number of its first unit."""
    frame, largest = layout.frame, layout.largest
    for row in range(table.shape[0]):
        unit = first + row
        living = table[row, ALIVE] > 0 and table[row, HP] > 0
        charge = table[row, ENERGY] if layout.medivac[unit] else table[row, COOLDOWN]
        share = layout.units[unit]
        layout.alive[unit] = living
        layout.position[0, unit] = table[row, X]
        layout.position[1, unit] = table[row, Y]
        share[HEALTH_SHARE] = table[row, HP] / largest[unit, 0] if living else 0.0
        share[SHIELD_SHARE] = table[row, SHIELD] / largest[unit, 1]
        share[CHARGE] = charge / largest[unit, 2]
        share[CENTER_X] = (table[row, X] - frame[0, 0]) / frame[1, 0]
        share[CENTER_Y] = (table[row, Y] - frame[0, 1]) / frame[1, 1]


@exact
def _measure(alive: Bools, position: Doubles, distance: Doubles, relation: Floats) -> None:
    """How far every unit is from every living agent, and in which direction."""
    for i in range(distance.shape[0]):
        if alive[i]:
            _measure_from(i, position, distance, relation)


@exact
def _measure_from(i: int, position: Doubles, distance: Doubles, relation: Floats) -> None:
    """One agent's part of `distance` and `relation`, in loops that vectorise: ties are rare."""
    x, y, n_units = position[0, i], position[1, i], distance.shape[1]
    ties = 0
    for j in range(n_units):
        dx, dy = position[0, j] - x, position[1, j] - y
        square = dx * dx + dy * dy
        distance[i, j] = math.sqrt(square)
        ties += (abs(square - SHOOT * SHOOT) < TIE) | (abs(square - SIGHT * SIGHT) < TIE)
    if ties > 0:
        for j in range(n_units):
            distance[i, j] = _length(position[0, j] - x, position[1, j] - y)
    for j in range(n_units):
        relation[DISTANCE, i, j] = distance[i, j] / SIGHT
        relation[DX, i, j] = (position[0, j] - x) / SIGHT
        relation[DY, i, j] = (position[1, j] - y) / SIGHT


@exact
def _length(dx: float, dy: float) -> float:
    square = dx * dx + dy * dy
    if abs(square - SHOOT * SHOOT) < TIE or abs(square - SIGHT * SIGHT) < TIE:
        return math.hypot(dx, dy)
    return math.sqrt(square)


@exact
def _mask_moves(living: bool, x0: float, y0: float, pathing: Doubles, reach: float, mask: Bools) -> None:
    """No-op, stop and the four moves of one agent; its targets are cleared."""
    for k in range(mask.shape[0]):
        mask[k] = False
    mask[0] = not living
    if living:
        mask[STOP] = True
        for k in range(4):
            step = reach if k % 2 == 0 else -reach
            x, y = (x0, y0 + step) if k < 2 else (x0 + step, y0)
            mask[NORTH + k] = _inside(pathing, x, y) and pathing[int(x), int(y)] != 0.0


@exact
def _inside(grid: Doubles, x: float, y: float) -> bool:
    """Whether the cell of a point is on the map. Coordinates are cut towards zero, so -0.5 is inside."""
    return -1.0 < x < grid.shape[0] and -1.0 < y < grid.shape[1]


@exact
def _mask_targets(i: int, alive: Bools, distance: Doubles, medivac: Bools, mask: Bools) -> None:
    """Living enemies within agent i's reach; if it is a medivac, living allies that are none."""
    n_agents, n_units = distance.shape
    first, end = (0, n_agents) if medivac[i] else (n_agents, n_units)
    if alive[i]:
        for j in range(first, end):
            mask[FIRST_TARGET + j - first] = alive[j] and not medivac[j] and distance[i, j] <= SHOOT


@exact
def _copy_observations(obs: Floats, out: Floats) -> None:
    """All observations in a row, as every row of `out`."""
    size = obs.shape[1]
    for line in range(out.shape[0]):
        for i in range(obs.shape[0]):
            for k in range(size):
                out[line, i * size + k] = obs[i, k]


@merged
def _write_view(
    layout: ObserveLayout, v: int, last_actions: Ints, time: float, mask: Bools, obs: Floats, out: Floats
) -> None:
    """One vector per row of `out`: row i as agent i has it, or a single row as the first living agent has it.

    `obs` are all finished observations, for a state that includes one.
    """
    view, lines = layout.views[v], out.shape[0]
    solo = _first_living(layout.alive, layout.n_agents)
    for line in range(lines):
        for k in range(out.shape[1]):
            out[line, k] = 0.0
    for b in range(3):
        if layout.blocks[v, b, AT] >= 0:
            _write_block(layout, v, b, solo, last_actions, mask, out)
    for line in range(lines):
        observer = line if lines > 1 else solo
        if view[AT_MOVE] >= 0 and layout.alive[observer]:
            _write_moves(layout, view, observer, mask, out[line])
        if view[AT_ACTIONS] >= 0:
            for i in range(layout.n_agents):
                if last_actions[i] >= 0:
                    out[line, view[AT_ACTIONS] + i * layout.n_actions + last_actions[i]] = 1.0
        if view[AT_LOCAL_OBS] >= 0:
            for k in range(layout.obs_size):
                out[line, view[AT_LOCAL_OBS] + k] = obs[observer, k]
        if view[AT_AGENT_ID] >= 0:
            out[line, view[AT_AGENT_ID] + observer] = 1.0
        if view[AT_TIME] >= 0:
            out[line, view[AT_TIME]] = time


@exact
def _first_living(alive: Bools, n_agents: int) -> int:
    """The living agent with the lowest number; 0 if there is none."""
    for i in range(n_agents):
        if alive[i]:
            return i
    return 0


@merged
def _write_block(
    layout: ObserveLayout, v: int, b: int, solo: int, last_actions: Ints, mask: Bools, out: Floats
) -> None:
    """A block of units for every observer: each unit that is alive and in sight, or one's own row."""
    view, block, alive = layout.views[v], layout.blocks[v, b], layout.alive
    first, end = (layout.n_agents, alive.shape[0]) if b == ENEMIES else (0, layout.n_agents)
    skips_self, sees_all = view[SKIPS_SELF] != 0 and b == ALLIES, view[SEES_ALL] != 0
    for line in range(out.shape[0]):
        observer = line if out.shape[0] > 1 else solo
        if view[MUST_BE_ALIVE] != 0 and not alive[observer]:
            continue
        relates = alive[observer] or b == OWN
        tells_action = b != ENEMIES and (relates or view[SKIPS_SELF] != 0)
        at = Index(block[AT])
        for unit in range(observer if b == OWN else first, observer + 1 if b == OWN else end):
            if skips_self and unit == observer:
                continue
            if (alive[unit] or b == OWN) and (sees_all or layout.distance[observer, unit] < SIGHT):
                last_action = last_actions[unit] if tells_action else -1
                _describe(block, layout.units[unit], layout.kind[unit], last_action, out[line], at)
                if relates:
                    available = b == ENEMIES and mask[observer, FIRST_TARGET + unit - first]
                    visible = layout.distance[observer, unit] < SIGHT
                    _relate(block, layout.relation, observer, unit, available, visible, out[line], at)
            at += Index(block[WIDTH])


@exact
def _describe(block: Longs, share: Floats, kind: int, last_action: int, row: Floats, at: int) -> None:
    """The part of a unit's row, which begins at `at`, that does not depend on who looks."""
    if block[ROW_HEALTH] >= 0:
        row[at + Index(block[ROW_HEALTH])] = share[HEALTH_SHARE]
    if block[ROW_SHIELD] >= 0:
        row[at + Index(block[ROW_SHIELD])] = share[SHIELD_SHARE]
    if block[ROW_CHARGE] >= 0:
        row[at + Index(block[ROW_CHARGE])] = share[CHARGE]
    if block[ROW_CENTER_X] >= 0:
        row[at + Index(block[ROW_CENTER_X])] = share[CENTER_X]
        row[at + Index(block[ROW_CENTER_Y])] = share[CENTER_Y]
    if block[ROW_KIND] >= 0:
        row[at + Index(block[ROW_KIND] + kind)] = 1.0
    if block[ROW_ACTION] >= 0 and last_action >= 0:
        row[at + Index(block[ROW_ACTION] + last_action)] = 1.0


@exact
def _relate(
    block: Longs,
    relation: Floats,
    observer: int,
    unit: int,
    available: bool,
    visible: bool,
    row: Floats,
    at: int,
) -> None:
    """The part of a unit's row, which begins at `at`, that depends on who looks."""
    if block[ROW_AVAILABLE] >= 0:
        row[at + Index(block[ROW_AVAILABLE])] = available
    if block[ROW_VISIBLE] >= 0:
        row[at + Index(block[ROW_VISIBLE])] = visible
    if block[ROW_DISTANCE] >= 0:
        row[at + Index(block[ROW_DISTANCE])] = relation[DISTANCE, observer, unit]
    if block[ROW_DX] >= 0:
        row[at + Index(block[ROW_DX])] = relation[DX, observer, unit]
        row[at + Index(block[ROW_DY])] = relation[DY, observer, unit]


@exact
def _write_moves(layout: ObserveLayout, view: Longs, observer: int, mask: Bools, out: Floats) -> None:
    """Legal moves, then what the ground around is like: 8 points for pathing, 9 for height, 1 off the map."""
    at = view[AT_MOVE]
    for k in range(4):
        out[at + k] = mask[observer, NORTH + k]
    at += 4
    x, y = float(int(layout.position[0, observer])), float(int(layout.position[1, observer]))
    for g in range(2):
        if view[SHOWS_PATHING + g] == 0:
            continue
        grid = layout.grids[g]
        for k in range(8 + g):
            px, py = _around(x, y, layout.move_amount, k)
            out[at + k] = grid[int(px), int(py)] if _inside(grid, px, py) else 1.0
        at += 8


@exact
def _around(x: float, y: float, reach: float, k: int) -> tuple[float, float]:
    """The k-th sample point: N, S, E, W at twice the reach, then NE, SW, SE, NW, then the place itself."""
    if k < 2:
        return x, y + (2 * reach if k == 0 else -2 * reach)
    if k < 4:
        return x + (2 * reach if k == 2 else -2 * reach), y
    if k == 8:
        return x, y
    return x + (reach if k % 2 == 0 else -reach), y + (reach if k % 3 == 1 else -reach)
