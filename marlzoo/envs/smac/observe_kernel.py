"""Numba kernels that turn two unit tables into observations, state and action masks.

Everything is computed in double from the float32 unit fields and stored as float32, operation by operation as
SMAC does it, so that the results agree to the last bit. No fastmath here.

A *view* is one vector (an agent's observation, or a state), made of blocks at fixed offsets; a block of
units is made of rows, and a row of columns. `layout` decides offsets and columns, so these kernels serve
both observation profiles. Units are numbered allies first, then enemies. A unit's part of a row that does
not depend on who looks (health, type, ...) is prepared once per step.

Every function runs over a whole battle: passing arrays to a Numba function costs more than a pair of units.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from marlzoo.envs.smac.jit import exact

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]
Bools = NDArray[np.bool_]
Doubles = NDArray[np.float64]

X, Y, HP, SHIELD, ENERGY, COOLDOWN, ALIVE = range(7)
"""Columns of a unit table."""

TABLE_COLUMNS = 7

STOP, NORTH, SOUTH, EAST, WEST, FIRST_TARGET = range(1, 7)
"""Actions; 0 is the no-op of the dead, and `FIRST_TARGET + k` attacks enemy k (or heals ally k)."""

HEALTH, SHIELD_LEFT, CHARGE, CENTER_X, CENTER_Y = range(5)
"""Columns of what every observer sees alike of a unit, scaled."""

UNIT_COLUMNS = 5

SIGHT = 9.0
SHOOT = 6.0
TIE = 1e-9
"""Squared distances this close to a squared range are decided by `hypot`, as the reference decides all."""


class Block(NamedTuple):
    """Rows of units in a view: where the block begins, and the column of each feature, -1 where it is
    absent."""

    at: int
    first: int
    """Number of the unit in the first row."""
    width: int
    available: int
    visible: int
    distance: int
    dx: int
    dy: int
    health: int
    shield: int
    charge: int
    center_x: int
    center_y: int
    action: int
    rows: Floats
    """`[count, width]`, what does not depend on the observer; types are set once, the rest each step."""


class ViewLayout(NamedTuple):
    """How one vector is built. Offsets are -1 where a block is absent."""

    allies: Block
    enemies: Block
    own: Block
    at_move: int
    at_actions: int
    at_local_obs: int
    at_agent_id: int
    at_time: int
    sees_all: bool
    """Units beyond sight are included (a state), or not (an observation)."""
    skips_self: bool
    """The block of allies leaves out the observer."""
    must_be_alive: bool
    """All but agent number and time is zero for a dead observer."""
    shows_pathing: bool
    shows_height: bool


class Battle(NamedTuple):
    """Scratch memory: what the tables say, for N agents and U units in all."""

    alive: Bools
    """`[U]`."""
    position: Doubles
    """`[U, 2]`."""
    distance: Doubles
    """`[N, U]`; rows of dead agents hold old numbers, the diagonal is zero."""
    units: Floats
    """`[U, UNIT_COLUMNS]`."""


class ObserveLayout(NamedTuple):
    """All that `observe_into` needs to know of a map and its arguments, and its scratch memory.

    One layout must not be used by two threads at once.
    """

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
    playable_width: float
    playable_height: float
    pathing: Bools
    """`[width, height]` of the map, as `terrain`."""
    terrain: Doubles
    """Heights from 0 to 1."""
    health_max: Doubles
    """`[U]`; likewise `shield_max` and `charge_max`."""
    shield_max: Doubles
    charge_max: Doubles
    """Longest cooldown, of a medivac the largest energy."""
    medivac: Bools
    """`[U]`: allies whose target actions name (other) allies and whose energy counts as their charge."""
    obs: ViewLayout
    state: ViewLayout
    battle: Battle


@exact
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
        state_out: `[state_size]` or `[state_rows, state_size]`, contiguous.
        mask_out: `[N, n_actions]`, True where an action is available.
        alive_out: `[N]`.
    """
    battle, time = layout.battle, step / layout.episode_limit
    _scale_side(layout, allies, 0)
    _scale_side(layout, enemies, layout.n_agents)
    _measure(battle.alive, battle.position, battle.distance)
    for i in range(layout.n_agents):
        alive_out[i] = battle.alive[i]
    _mask_moves(battle.alive, battle.position, layout.pathing, layout.move_amount / 2, mask_out)
    _mask_targets(battle.alive, battle.distance, layout.medivac, mask_out)
    _write_view(layout, layout.obs, last_actions, time, mask_out, obs_out, obs_out)
    states = state_out.reshape((layout.state_rows, layout.state_size))
    if layout.state_is_obs:
        _write_observations(obs_out, states)
    else:
        _write_view(layout, layout.state, last_actions, time, mask_out, obs_out, states)


@exact
def _write_observations(obs: Floats, out: Floats) -> None:
    """All observations in a row, as every row of `out`."""
    size = obs.shape[1]
    for line in range(out.shape[0]):
        for i in range(obs.shape[0]):
            for k in range(size):
                out[line, i * size + k] = obs[i, k]


@exact
def _clear(out: Floats) -> None:
    for line in range(out.shape[0]):
        for k in range(out.shape[1]):
            out[line, k] = 0.0


@exact
def _scale_side(layout: ObserveLayout, table: Floats, first: int) -> None:
    """Read one side's table; `first` is the number of its first unit."""
    battle = layout.battle
    middle_x, middle_y = layout.pathing.shape[0] / 2, layout.pathing.shape[1] / 2
    for row in range(table.shape[0]):
        j = first + row
        alive = table[row, ALIVE] > 0 and table[row, HP] > 0
        charge = table[row, ENERGY] if layout.medivac[j] else table[row, COOLDOWN]
        battle.alive[j] = alive
        battle.position[j, 0] = table[row, X]
        battle.position[j, 1] = table[row, Y]
        battle.units[j, HEALTH] = table[row, HP] / layout.health_max[j] if alive else 0.0
        battle.units[j, SHIELD_LEFT] = table[row, SHIELD] / layout.shield_max[j]
        battle.units[j, CHARGE] = charge / layout.charge_max[j]
        battle.units[j, CENTER_X] = (table[row, X] - middle_x) / layout.playable_width
        battle.units[j, CENTER_Y] = (table[row, Y] - middle_y) / layout.playable_height


@exact
def _measure(alive: Bools, position: Doubles, distance: Doubles) -> None:
    """How far every living agent is from every unit."""
    n_agents, n_units = distance.shape
    for i in range(n_agents):
        if not alive[i]:
            continue
        for j in range(i + 1, n_units):
            gap = _length(position[j, 0] - position[i, 0], position[j, 1] - position[i, 1])
            distance[i, j] = gap
            if j < n_agents:
                distance[j, i] = gap


@exact
def _length(dx: float, dy: float) -> float:
    square = dx * dx + dy * dy
    if abs(square - SHOOT * SHOOT) < TIE or abs(square - SIGHT * SIGHT) < TIE:
        return math.hypot(dx, dy)
    return math.sqrt(square)


@exact
def _mask_moves(alive: Bools, position: Doubles, pathing: Bools, reach: float, mask: Bools) -> None:
    """No-op, stop and the four moves; targets are cleared."""
    for i in range(mask.shape[0]):
        for k in range(mask.shape[1]):
            mask[i, k] = False
        if alive[i]:
            x, y = position[i, 0], position[i, 1]
            mask[i, STOP] = True
            mask[i, NORTH] = _walkable(pathing, x, y + reach)
            mask[i, SOUTH] = _walkable(pathing, x, y - reach)
            mask[i, EAST] = _walkable(pathing, x + reach, y)
            mask[i, WEST] = _walkable(pathing, x - reach, y)
        else:
            mask[i, 0] = True


@exact
def _mask_targets(alive: Bools, distance: Doubles, medivac: Bools, mask: Bools) -> None:
    """Living enemies within reach; for a medivac, living allies that are no medivacs."""
    n_agents, n_units = distance.shape
    for i in range(n_agents):
        if not alive[i]:
            continue
        if medivac[i]:
            for j in range(n_agents):
                mask[i, FIRST_TARGET + j] = alive[j] and not medivac[j] and distance[i, j] <= SHOOT
        else:
            for j in range(n_agents, n_units):
                mask[i, FIRST_TARGET + j - n_agents] = alive[j] and distance[i, j] <= SHOOT


@exact
def _inside(grid: Bools | Doubles, x: float, y: float) -> bool:
    """Whether the cell of a point is on the map. Coordinates are cut towards zero, so -0.5 is inside."""
    return 0 <= np.trunc(x) < grid.shape[0] and 0 <= np.trunc(y) < grid.shape[1]


@exact
def _walkable(pathing: Bools, x: float, y: float) -> bool:
    return _inside(pathing, x, y) and pathing[int(x), int(y)]


@exact
def _write_view(
    layout: ObserveLayout,
    view: ViewLayout,
    last_actions: Ints,
    time: float,
    mask: Bools,
    obs: Floats,
    out: Floats,
) -> None:
    """One vector per row of `out`: row i as agent i has it, or a single row as the first living agent has it.

    `obs` are all finished observations, for a state that includes one.
    """
    _clear(out)
    battle = layout.battle
    _write_block(battle, view, view.allies, last_actions, mask, out)
    _write_block(battle, view, view.enemies, last_actions, mask, out)
    if view.at_move >= 0:
        _write_moves(layout, view, mask, out)
    if view.own.at >= 0:
        _write_own(view, battle, last_actions, out)
    for row in range(out.shape[0]):
        observer = row if out.shape[0] > 1 else _first_living(battle.alive, layout.n_agents)
        if view.at_actions >= 0:
            for i in range(layout.n_agents):
                if last_actions[i] >= 0:
                    out[row, view.at_actions + i * layout.n_actions + last_actions[i]] = 1.0
        if view.at_local_obs >= 0:
            for k in range(layout.obs_size):
                out[row, view.at_local_obs + k] = obs[observer, k]
        if view.at_agent_id >= 0:
            out[row, view.at_agent_id + observer] = 1.0
        if view.at_time >= 0:
            out[row, view.at_time] = time


@exact
def _first_living(alive: Bools, n_agents: int) -> int:
    """The living agent with the lowest number; 0 if there is none."""
    for i in range(n_agents):
        if alive[i]:
            return i
    return 0


@exact
def _fill_rows(block: Block, units: Floats, last_actions: Ints) -> None:
    """Prepare all of a block's rows but the types, which never change, and what depends on the observer."""
    rows = block.rows
    for row in range(rows.shape[0]):
        unit = block.first + row
        if block.health >= 0:
            rows[row, block.health] = units[unit, HEALTH]
        if block.shield >= 0:
            rows[row, block.shield] = units[unit, SHIELD_LEFT]
        if block.charge >= 0:
            rows[row, block.charge] = units[unit, CHARGE]
        if block.center_x >= 0:
            rows[row, block.center_x] = units[unit, CENTER_X]
            rows[row, block.center_y] = units[unit, CENTER_Y]
        if block.action >= 0:
            for k in range(block.action, block.width):
                rows[row, k] = 0.0
            if last_actions[row] >= 0:
                rows[row, block.action + last_actions[row]] = 1.0


@exact
def _write_block(
    battle: Battle, view: ViewLayout, block: Block, last_actions: Ints, mask: Bools, out: Floats
) -> None:
    """Rows of all living units, or of those in sight, for every observer."""
    _fill_rows(block, battle.units, last_actions)
    alive, distance, n_agents = battle.alive, battle.distance, mask.shape[0]
    for line in range(out.shape[0]):
        observer = line if out.shape[0] > 1 else _first_living(alive, n_agents)
        if view.must_be_alive and not alive[observer]:
            continue
        at = block.at
        for row in range(block.rows.shape[0]):
            unit = block.first + row
            if unit == observer and view.skips_self:
                continue
            if alive[unit] and (view.sees_all or distance[observer, unit] < SIGHT):
                for k in range(block.width):
                    out[line, at + k] = block.rows[row, k]
                if alive[observer]:
                    _relate(battle, block, observer, unit, out, line, at)
                    if block.available >= 0:
                        out[line, at + block.available] = mask[observer, FIRST_TARGET + row]
                elif block.action >= 0 and not view.skips_self:
                    for k in range(block.action, block.width):
                        out[line, at + k] = 0.0
            at += block.width


@exact
def _relate(battle: Battle, block: Block, observer: int, unit: int, out: Floats, line: int, at: int) -> None:
    """The part of a row that depends on who looks."""
    distance, position = battle.distance[observer, unit], battle.position
    if block.visible >= 0:
        out[line, at + block.visible] = distance < SIGHT
    if block.distance >= 0:
        out[line, at + block.distance] = distance / SIGHT
    if block.dx >= 0:
        out[line, at + block.dx] = (position[unit, 0] - position[observer, 0]) / SIGHT
        out[line, at + block.dy] = (position[unit, 1] - position[observer, 1]) / SIGHT


@exact
def _write_own(view: ViewLayout, battle: Battle, last_actions: Ints, out: Floats) -> None:
    own = view.own
    _fill_rows(own, battle.units, last_actions)
    for i in range(out.shape[0]):
        if battle.alive[i] or not view.must_be_alive:
            for k in range(own.width):
                out[i, own.at + k] = own.rows[i, k]
            if own.visible >= 0:
                out[i, own.at + own.visible] = 1.0


@exact
def _write_moves(layout: ObserveLayout, view: ViewLayout, mask: Bools, out: Floats) -> None:
    """Legal moves, then what the ground around is like: 8 points for pathing, 9 for height."""
    for i in range(out.shape[0]):
        if not layout.battle.alive[i]:
            continue
        for k in range(4):
            out[i, view.at_move + k] = mask[i, NORTH + k]
        at = view.at_move + 4
        if view.shows_pathing:
            _write_around(layout, layout.pathing, i, out, at, 8)
            at += 8
        if view.shows_height:
            _write_around(layout, layout.terrain, i, out, at, 9)


@exact
def _write_around(
    layout: ObserveLayout, grid: Bools | Doubles, i: int, out: Floats, at: int, points: int
) -> None:
    """Values of a grid around agent i, 1 beyond the map."""
    position = layout.battle.position
    x, y = np.trunc(position[i, 0]), np.trunc(position[i, 1])
    for k in range(points):
        px, py = _around(x, y, layout.move_amount, k)
        out[i, at + k] = grid[int(px), int(py)] if _inside(grid, px, py) else 1.0


@exact
def _around(x: float, y: float, reach: float, k: int) -> tuple[float, float]:
    """The k-th sample point: N, S, E, W at twice the reach, then NE, SW, SE, NW, then the place itself."""
    if k < 2:
        return x, y + (2 * reach if k == 0 else -2 * reach)
    if k < 4:
        return x + (2 * reach if k == 2 else -2 * reach), y
    if k == 8:
        return x, y
    return x + (reach if k in (4, 6) else -reach), y + (reach if k in (4, 7) else -reach)
