"""Observations, state and action masks from unit tables.

`observe_units` is the public function; the engine calls the kernel `observe_into` with a `layout` made once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from marlzoo.envs.smac.config import SmacConfig, smac_config
from marlzoo.envs.smac.jit import persistent
from marlzoo.envs.smac.layout import layout
from marlzoo.envs.smac.maps import SmacMap, get_map
from marlzoo.envs.smac.observe_kernel import SIGHT, Bools, Floats, Ints, ObserveLayout, observe_into
from marlzoo.envs.smac.tables import unit_table
from marlzoo.errors import UsageError

__all__ = ["ObserveLayout", "layout", "observe_into", "observe_units"]


def observe_units(
    map_name: str,
    allies: ArrayLike,
    enemies: ArrayLike,
    *,
    last_actions: ArrayLike | None = None,
    step: int = 0,
    ally_kinds: Sequence[str] | None = None,
    enemy_kinds: Sequence[str] | None = None,
    pathing: ArrayLike | None = None,
    terrain_height: ArrayLike | None = None,
    **smac_args: Any,
) -> dict[str, NDArray[Any]]:
    """What a battle looks like through SMAC's interface, to the last bit.

    Args:
        map_name: one of the 23 SMAC maps.
        allies, enemies: tables `[n, 7]`, one row per unit in id order: x, y, hp, shield, energy, cooldown
            (loops), alive. A unit without hit points is dead, whatever `alive` says.
        last_actions: `[n]` numbers (-1: none) or one-hots `[n, n_actions]`; none: right after a reset.
        step: steps since the episode began.
        ally_kinds, enemy_kinds: snake_case kinds in id order, if not the map's own.
        pathing: bool `[32, 32]` indexed `[x, y]`, if not the map's own.
        terrain_height: `[32, 32]` indexed `[x, y]`: bytes (integers), or heights from 0 to 1 (floats).
        smac_args: SMAC's constructor arguments by their names, and those of `SmacConfig`.

    Returns:
        `obs` `[n_agents, O]`, `state` `[S]` (or `[n_agents, S]` where the profile has one per agent),
        float32, or float64 where SMAC's own become that (`obs_timestep_number`); `avail` int `[n_agents,
        n_actions]`; `visibility` bool `[n_agents, n_agents + n_enemies]`, who of the living sees whom.

    Raises:
        UsageError: unknown map, argument or kind, or an array of the wrong shape.
    """
    smac_map, config = get_map(map_name), smac_config(smac_args)
    plan = _with_grids(layout(smac_map, config, ally_kinds, enemy_kinds), pathing, terrain_height)
    obs = np.zeros((plan.n_agents, plan.obs_size), np.float32)
    states = np.zeros((plan.state_rows, plan.state_size), np.float32)
    mask = np.zeros((plan.n_agents, plan.n_actions), bool)
    alive = np.zeros(plan.n_agents, bool)
    ours = unit_table("allies", allies, plan.n_agents)
    theirs = unit_table("enemies", enemies, plan.n_enemies)
    actions = _action_numbers(last_actions, plan.n_agents, plan.n_actions)
    _observe(plan, ours, theirs, actions, step, obs, states, mask, alive)
    obs, states = _with_exact_time(config, smac_map, step, obs, states)
    return {
        "obs": obs,
        "state": states if plan.state_rows > 1 else states[0],
        "avail": mask.astype(np.int64),
        "visibility": _visibility(plan),
    }


def _with_grids(
    plan: ObserveLayout, pathing: ArrayLike | None, terrain_height: ArrayLike | None
) -> ObserveLayout:
    grids = plan.grids.copy()
    if pathing is not None:
        grids[0] = _grid("pathing", pathing, grids.shape[1:]).astype(np.bool_)
    if terrain_height is not None:
        heights = _grid("terrain_height", terrain_height, grids.shape[1:])
        grids[1] = heights / 255 if np.issubdtype(heights.dtype, np.integer) else heights
    return plan._replace(grids=grids)


def _grid(name: str, grid: ArrayLike, shape: tuple[int, ...]) -> NDArray[Any]:
    array = np.asarray(grid)
    if array.shape != shape:
        raise UsageError(f"{name} must have shape {shape} indexed [x, y], not {array.shape}")
    return array


def _action_numbers(last_actions: ArrayLike | None, n_agents: int, n_actions: int) -> NDArray[np.int32]:
    """Actions as numbers `[n]`, -1 where there was none."""
    if last_actions is None:
        return np.full(n_agents, -1, np.int32)
    array = np.asarray(last_actions)
    if array.shape == (n_agents, n_actions):
        if not np.isin(array, (0, 1)).all() or (array.sum(axis=1) > 1).any():
            raise UsageError("last_actions as a matrix must be one-hot rows")
        return np.where(array.any(axis=1), array.argmax(axis=1), -1).astype(np.int32)
    if array.shape != (n_agents,):
        raise UsageError(
            f"last_actions must have shape ({n_agents},) or ({n_agents}, {n_actions}), not {array.shape}"
        )
    if (array < -1).any() or (array >= n_actions).any():
        raise UsageError(f"last_actions must lie between -1 and {n_actions - 1}")
    return array.astype(np.int32)


def _with_exact_time(
    config: SmacConfig, smac_map: SmacMap, step: int, obs: NDArray[Any], states: NDArray[Any]
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Widen to double what SMAC widens by appending the time, and put the exact time at its end."""
    time = step / smac_map.episode_limit
    if config.obs_timestep_number:
        obs = obs.astype(np.float64)
        obs[:, -1] = time
    per_agent = config.obs_profile == "on_policy" and config.use_state_agent
    if config.state_timestep_number and per_agent and not config.obs_instead_of_state:
        states = states.astype(np.float64)
        states[:, -1] = time
    return obs, states


def _visibility(plan: ObserveLayout) -> NDArray[np.bool_]:
    """Who of the living sees whom, from what `observe_into` left in the scratch memory."""
    agents_alive = plan.alive[: plan.n_agents]
    seen = agents_alive[:, None] & plan.alive[None, :] & (plan.distance < SIGHT)
    np.fill_diagonal(seen, False)
    return seen


@persistent
def _observe(
    plan: ObserveLayout,
    allies: Floats,
    enemies: Floats,
    last_actions: Ints,
    step: int,
    obs: Floats,
    states: Floats,
    mask: Bools,
    alive: Bools,
) -> None:
    observe_into(plan, allies, enemies, last_actions, step, obs, states, mask, alive)
