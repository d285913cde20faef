"""Turns the description of observation and state into the offsets, constants and arrays that the kernels
work with."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from marlzoo.envs.smac import observe_kernel as kernel
from marlzoo.envs.smac.config import SmacConfig
from marlzoo.envs.smac.forces import LARGEST_SHIELD, Forces, forces
from marlzoo.envs.smac.maps import SmacMap
from marlzoo.envs.smac.observe_kernel import ObserveLayout
from marlzoo.envs.smac.on_policy_view import (
    differs_by_agent,
    on_policy_agent_state,
    on_policy_observation,
    on_policy_shared_state,
)
from marlzoo.envs.smac.terrain import terrain
from marlzoo.envs.smac.view_spec import Names, ViewSpec, smac_observation, smac_state

_FEATURES = {
    "available": kernel.ROW_AVAILABLE,
    "visible": kernel.ROW_VISIBLE,
    "distance": kernel.ROW_DISTANCE,
    "dx": kernel.ROW_DX,
    "dy": kernel.ROW_DY,
    "health": kernel.ROW_HEALTH,
    "shield": kernel.ROW_SHIELD,
    "charge": kernel.ROW_CHARGE,
    "center_x": kernel.ROW_CENTER_X,
    "center_y": kernel.ROW_CENTER_Y,
    "kind": kernel.ROW_KIND,
    "action": kernel.ROW_ACTION,
}

_OFFSETS = {
    "move": kernel.AT_MOVE,
    "actions": kernel.AT_ACTIONS,
    "local_obs": kernel.AT_LOCAL_OBS,
    "agent_id": kernel.AT_AGENT_ID,
    "time": kernel.AT_TIME,
}

_BLOCKS = {"allies": kernel.ALLIES, "enemies": kernel.ENEMIES, "own": kernel.OWN}


def layout(
    smac_map: SmacMap,
    config: SmacConfig,
    ally_kinds: Sequence[str] | None = None,
    enemy_kinds: Sequence[str] | None = None,
) -> ObserveLayout:
    """The layout of a map under these arguments, with scratch memory of its own.

    `ally_kinds` and `enemy_kinds` name other kinds of units than the map's, in id order.

    Raises:
        UsageError: kinds that the map's interface cannot show.
    """
    force = forces(smac_map, ally_kinds, enemy_kinds)
    obs_spec, state_spec, state_rows = _specs(smac_map, config)
    obs_view, obs_blocks, obs_size = _view(obs_spec, smac_map, local_obs=0)
    state_view, state_blocks, state_size = _view(state_spec, smac_map, local_obs=obs_size)
    n_agents, n_units = smac_map.n_allies, smac_map.n_allies + smac_map.n_enemies
    return ObserveLayout(
        n_agents=n_agents,
        n_enemies=smac_map.n_enemies,
        n_actions=smac_map.n_actions,
        obs_size=obs_size,
        state_rows=state_rows,
        state_size=n_agents * obs_size if config.obs_instead_of_state else state_size,
        state_is_obs=config.obs_instead_of_state,
        episode_limit=smac_map.episode_limit,
        move_amount=float(config.move_amount),
        views=np.stack([obs_view, state_view]),
        blocks=np.stack([obs_blocks, state_blocks]),
        grids=_grids(smac_map),
        frame=_frame(smac_map, config),
        largest=_largest(force),
        kind=np.array(_type_indices(force), np.int64),
        medivac=np.array([force.is_medivac(unit) for unit in force.allies] + [False] * smac_map.n_enemies),
        alive=np.zeros(n_units, bool),
        position=np.zeros((2, n_units)),
        distance=np.zeros((n_agents, n_units)),
        relation=np.zeros((kernel.RELATIONS, n_agents, n_units), np.float32),
        units=np.zeros((n_units, kernel.UNIT_COLUMNS), np.float32),
    )


def _grids(smac_map: SmacMap) -> NDArray[np.float64]:
    ground = terrain(smac_map.terrain)
    return np.stack([ground.ground.astype(np.float64), ground.height / 255])


def _frame(smac_map: SmacMap, config: SmacConfig) -> NDArray[np.float64]:
    centre = (smac_map.width / 2, smac_map.height / 2)
    return np.array([centre, (config.playable_width, config.playable_height)], np.float64)


def _largest(force: Forces) -> NDArray[np.float64]:
    """Largest health, shield (1 where none is shown) and charge of each unit."""
    units = force.allies + force.enemies
    rows = [(unit.hp, LARGEST_SHIELD.get(unit.name, 1.0), force.longest_cooldown(unit)) for unit in units]
    return np.array(rows, np.float64)


def _specs(smac_map: SmacMap, config: SmacConfig) -> tuple[ViewSpec, ViewSpec, int]:
    """Observation, state, and how many states there are."""
    if config.obs_profile == "smac":
        return smac_observation(smac_map, config), smac_state(smac_map, config), 1
    rows = smac_map.n_allies if differs_by_agent(config) else 1
    state = on_policy_agent_state if config.use_state_agent else on_policy_shared_state
    return on_policy_observation(smac_map, config), state(smac_map, config), rows


def _view(
    spec: ViewSpec, smac_map: SmacMap, local_obs: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], int]:
    """The view `[VIEW_ENTRIES]`, its blocks `[3, BLOCK_ENTRIES]`, and its length.

    `local_obs` is the length of an observation, where the view includes one.
    """
    rows = {"allies": spec.ally, "enemies": spec.enemy, "own": spec.own}
    blocks = np.stack([_block(rows[name], smac_map) for name in _BLOCKS])
    counts = {"allies": smac_map.n_allies - spec.skips_self, "enemies": smac_map.n_enemies, "own": 1}
    lengths = {
        "move": spec.move_width,
        "actions": smac_map.n_allies * smac_map.n_actions,
        "local_obs": local_obs,
        "agent_id": smac_map.n_allies,
        "time": 1,
    }
    view = np.full(kernel.VIEW_ENTRIES, -1, np.int64)
    size = 0
    for name in spec.blocks:
        if name in _BLOCKS:
            block = blocks[_BLOCKS[name]]
            block[kernel.AT] = size
            size += counts[name] * int(block[kernel.WIDTH])
        else:
            view[_OFFSETS[name]] = size
            size += lengths[name]
    view[kernel.SEES_ALL] = spec.sees_all
    view[kernel.SKIPS_SELF] = spec.skips_self
    view[kernel.MUST_BE_ALIVE] = spec.must_be_alive
    view[kernel.SHOWS_PATHING] = spec.shows_pathing
    view[kernel.SHOWS_HEIGHT] = spec.shows_height
    return view, blocks, size


def _block(names: Names, smac_map: SmacMap) -> NDArray[np.int64]:
    """Width and columns of a row with these features; the offset is left open."""
    widths = {"kind": smac_map.type_bits, "action": smac_map.n_actions, "unused_actions": smac_map.n_actions}
    block = np.full(kernel.BLOCK_ENTRIES, -1, np.int64)
    block[kernel.WIDTH] = 0
    for name in names:
        if name in _FEATURES:
            block[_FEATURES[name]] = block[kernel.WIDTH]
        block[kernel.WIDTH] += widths.get(name, 1)
    return block


def _type_indices(force: Forces) -> list[int]:
    """One-hot index of each unit's type; zeros on maps that do not show types."""
    if not force.smac_map.type_bits:
        return [0] * len(force.allies + force.enemies)
    return [force.ally_index(unit) for unit in force.allies] + [
        force.enemy_index(unit) for unit in force.enemies
    ]
