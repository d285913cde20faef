"""Turns the description of observation and state into the offsets, constants and arrays that the kernels
work with."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from marlzoo.envs.smac import observe_kernel as kernel
from marlzoo.envs.smac.config import SmacConfig
from marlzoo.envs.smac.forces import LARGEST_SHIELD, Forces, forces
from marlzoo.envs.smac.maps import SmacMap
from marlzoo.envs.smac.observe_kernel import Battle, Block, ObserveLayout, ViewLayout
from marlzoo.envs.smac.on_policy_view import (
    differs_by_agent,
    on_policy_agent_state,
    on_policy_observation,
    on_policy_shared_state,
)
from marlzoo.envs.smac.terrain import terrain
from marlzoo.envs.smac.view_spec import Names, ViewSpec, smac_observation, smac_state

_COLUMNS = (
    "available",
    "visible",
    "distance",
    "dx",
    "dy",
    "health",
    "shield",
    "charge",
    "center_x",
    "center_y",
    "action",
)


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
    obs, obs_size = _view(obs_spec, force, local_obs=0)
    state, state_size = _view(state_spec, force, local_obs=obs_size)
    if config.obs_instead_of_state:
        state_size = len(force.allies) * obs_size
    ground = terrain(smac_map.terrain)
    n_agents, n_enemies = smac_map.n_allies, smac_map.n_enemies
    units = force.allies + force.enemies
    return ObserveLayout(
        n_agents=n_agents,
        n_enemies=n_enemies,
        n_actions=smac_map.n_actions,
        obs_size=obs_size,
        state_rows=state_rows,
        state_size=state_size,
        state_is_obs=config.obs_instead_of_state,
        episode_limit=smac_map.episode_limit,
        move_amount=float(config.move_amount),
        playable_width=float(config.playable_width),
        playable_height=float(config.playable_height),
        pathing=ground.ground.copy(),
        terrain=ground.height / 255,
        health_max=np.array([unit.hp for unit in units], np.float64),
        shield_max=np.array([LARGEST_SHIELD.get(unit.name, 1.0) for unit in units], np.float64),
        charge_max=np.array([force.longest_cooldown(unit) for unit in units], np.float64),
        medivac=np.array([force.is_medivac(unit) for unit in force.allies] + [False] * n_enemies),
        obs=obs,
        state=state,
        battle=_battle(n_agents, n_enemies),
    )


def _battle(n_agents: int, n_enemies: int) -> Battle:
    count = n_agents + n_enemies
    return Battle(
        alive=np.zeros(count, bool),
        position=np.zeros((count, 2)),
        distance=np.zeros((n_agents, count)),
        units=np.zeros((count, kernel.UNIT_COLUMNS), np.float32),
    )


def _specs(smac_map: SmacMap, config: SmacConfig) -> tuple[ViewSpec, ViewSpec, int]:
    """Observation, state, and how many states there are."""
    if config.obs_profile == "smac":
        return smac_observation(smac_map, config), smac_state(smac_map, config), 1
    rows = smac_map.n_allies if differs_by_agent(config) else 1
    state = on_policy_agent_state if config.use_state_agent else on_policy_shared_state
    return on_policy_observation(smac_map, config), state(smac_map, config), rows


def _view(spec: ViewSpec, force: Forces, local_obs: int) -> tuple[ViewLayout, int]:
    """The view and its length; `local_obs` is the length of an observation, where the view includes one."""
    n_agents, smac_map = len(force.allies), force.smac_map
    widths = {
        "allies": _width(spec.ally, smac_map) * (n_agents - spec.skips_self),
        "enemies": _width(spec.enemy, smac_map) * len(force.enemies),
        "move": spec.move_width,
        "own": _width(spec.own, smac_map),
        "actions": n_agents * smac_map.n_actions,
        "local_obs": local_obs,
        "agent_id": n_agents,
        "time": 1,
    }
    at = dict.fromkeys(widths, -1)
    size = 0
    for name in spec.blocks:
        at[name] = size
        size += widths[name]
    ally_types, enemy_types = _type_indices(force)
    view = ViewLayout(
        allies=_block(spec.ally, smac_map, at["allies"], 0, ally_types),
        enemies=_block(spec.enemy, smac_map, at["enemies"], n_agents, enemy_types),
        own=_block(spec.own, smac_map, at["own"], 0, ally_types),
        at_move=at["move"],
        at_actions=at["actions"],
        at_local_obs=at["local_obs"],
        at_agent_id=at["agent_id"],
        at_time=at["time"],
        sees_all=spec.sees_all,
        skips_self=spec.skips_self,
        must_be_alive=spec.must_be_alive,
        shows_pathing=spec.shows_pathing,
        shows_height=spec.shows_height,
    )
    return view, size


def _type_indices(force: Forces) -> tuple[list[int], list[int]]:
    """One-hot index of each ally and each enemy; zeros on maps that do not show types."""
    if not force.smac_map.type_bits:
        return [0] * len(force.allies), [0] * len(force.enemies)
    return [force.ally_index(unit) for unit in force.allies], [
        force.enemy_index(unit) for unit in force.enemies
    ]


def _feature_width(name: str, smac_map: SmacMap) -> int:
    if name == "kind":
        return smac_map.type_bits
    return smac_map.n_actions if name in ("action", "unused_actions") else 1


def _width(names: Names, smac_map: SmacMap) -> int:
    return sum(_feature_width(name, smac_map) for name in names)


def _block(names: Names, smac_map: SmacMap, at: int, first: int, types: list[int]) -> Block:
    """A block whose rows hold nothing yet but the types."""
    columns = dict.fromkeys(_COLUMNS, -1)
    rows = np.zeros((len(types), _width(names, smac_map)), np.float32)
    column = 0
    for name in names:
        if name in columns:
            columns[name] = column
        if name == "kind":
            rows[np.arange(len(types)), column + np.array(types)] = 1.0
        column += _feature_width(name, smac_map)
    return Block(at=at, first=first, width=column, rows=rows, **columns)
