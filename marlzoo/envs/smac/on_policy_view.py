"""The `on_policy` profile: observation and state of the SMAC fork that MAPPO, HAPPO, MAT and A2PO were
published with.

Order and content of the blocks follow that fork, not a guess. By default every agent has a state of its own:
what it would see without a limit of sight, then itself. With `use_state_agent=False` the state lists all
units instead. There the rows of enemies keep room for actions that never come (the fork reserves it), and the
fork hands every agent a copy that is zero once the agent is dead; here it is one vector, the copy of a living
agent, unless an argument makes the copies differ.
"""

from __future__ import annotations

from marlzoo.envs.smac.config import SmacConfig
from marlzoo.envs.smac.maps import SmacMap
from marlzoo.envs.smac.view_spec import (
    CENTER,
    RELATION,
    ViewSpec,
    health,
    kind,
    move_width,
    own_health,
    seen_ally,
    seen_enemy,
    when,
)


def on_policy_observation(smac_map: SmacMap, config: SmacConfig) -> ViewSpec:
    """The fork's observation: allies, enemies, moves, own features, agent number, time."""
    last_action = when(config.obs_last_action, "action")
    own = ("visible", *RELATION, *own_health(smac_map, config), *kind(smac_map), *last_action)
    agent_id = when(config.obs_agent_id, "agent_id")
    return ViewSpec(
        blocks=("allies", "enemies", "move", "own", *agent_id, *when(config.obs_timestep_number, "time")),
        ally=seen_ally(smac_map, config),
        enemy=seen_enemy(smac_map, config),
        own=own,
        move_width=move_width(config),
        shows_pathing=config.obs_pathing_grid,
        shows_height=config.obs_terrain_height,
    )


def on_policy_agent_state(smac_map: SmacMap, config: SmacConfig) -> ViewSpec:
    """The state from one agent's point of view: every living unit, moves, own features, agent number, time.

    The block of moves is as wide as the observation's, but its grid slots stay zero, as in the fork.
    """
    center = when(config.add_center_xy, *CENTER)
    action = when(config.state_last_action, "action")
    ally_health = health(config.obs_all_health, smac_map.ally_race)
    enemy_health = health(config.obs_all_health, smac_map.enemy_race)
    agent_id, time = when(config.state_agent_id, "agent_id"), when(config.state_timestep_number, "time")
    types = kind(smac_map)
    return ViewSpec(
        blocks=("allies", "enemies", "move", "own", *agent_id, *time),
        ally=("visible", *RELATION, "charge", *ally_health, *center, *types, *action),
        enemy=("available", *RELATION, "visible", *enemy_health, *types, *center),
        own=("visible", *RELATION, *own_health(smac_map, config), *center, *types, *action),
        move_width=move_width(config),
        sees_all=True,
        must_be_alive=config.use_mustalive,
    )


def on_policy_shared_state(smac_map: SmacMap, config: SmacConfig) -> ViewSpec:
    """The state of `use_state_agent=False`: all units, then optional blocks from one agent's point of
    view."""
    center = when(config.add_center_xy, *CENTER)
    relation = (
        *when(config.add_distance_state, "distance"),
        *when(config.add_xy_state, "dx", "dy"),
        *when(config.add_visible_state, "visible"),
    )
    ally_shield = when(smac_map.ally_race == "P", "shield")
    enemy_shield = when(smac_map.enemy_race == "P", "shield")
    available = when(config.add_enemy_action_state, "available")
    action = when(config.state_last_action, "action")
    unused = when(config.state_last_action, "unused_actions")
    return ViewSpec(
        blocks=(
            "allies",
            "enemies",
            *when(config.add_move_state, "move"),
            *when(config.add_local_obs, "local_obs"),
            *when(config.state_timestep_number, "time"),
            *when(config.add_agent_id, "agent_id"),
        ),
        ally=("health", "charge", *center, *ally_shield, *kind(smac_map), *relation, *action),
        enemy=("health", *center, *enemy_shield, *kind(smac_map), *relation, *available, *unused),
        sees_all=True,
        skips_self=False,
        must_be_alive=config.use_mustalive,
    )


def differs_by_agent(config: SmacConfig) -> bool:
    """Whether the state has one row per agent rather than one for all."""
    return config.use_state_agent or any(
        (
            config.add_move_state,
            config.add_local_obs,
            config.add_visible_state,
            config.add_distance_state,
            config.add_xy_state,
            config.add_enemy_action_state,
            config.add_agent_id,
        )
    )
