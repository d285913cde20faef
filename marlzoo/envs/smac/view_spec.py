"""Descriptions of vectors by the names of their blocks and features, and SMAC's own two vectors in these
terms."""

from __future__ import annotations

from dataclasses import dataclass

from marlzoo.envs.smac.config import SmacConfig
from marlzoo.envs.smac.maps import SmacMap

Names = tuple[str, ...]

MOVE_DIRECTIONS = 4
PATHING_POINTS = 8
HEIGHT_POINTS = 9


@dataclass(frozen=True)
class ViewSpec:
    """One vector: its blocks in order, and the features of a row of each block of units.

    Blocks: `allies enemies move own actions local_obs agent_id time`. Features: `available visible distance
    dx dy health shield charge center_x center_y kind action`, and `unused` and `unused_actions` for slots
    that stay zero.
    """

    blocks: Names
    ally: Names
    enemy: Names
    own: Names = ()
    move_width: int = MOVE_DIRECTIONS
    sees_all: bool = False
    skips_self: bool = True
    must_be_alive: bool = True
    shows_pathing: bool = False
    shows_height: bool = False


RELATION: Names = ("distance", "dx", "dy")
CENTER: Names = ("center_x", "center_y")


def health(shown: bool, race: str) -> Names:
    """Health, and shield for a Protoss side."""
    if not shown:
        return ()
    return ("health", "shield") if race == "P" else ("health",)


def kind(smac_map: SmacMap) -> Names:
    """The type, on maps with several."""
    return ("kind",) if smac_map.type_bits else ()


def when(condition: bool, *names: str) -> Names:
    return names if condition else ()


def move_width(config: SmacConfig) -> int:
    """Numbers in the block of moves of an observation."""
    points = PATHING_POINTS * config.obs_pathing_grid + HEIGHT_POINTS * config.obs_terrain_height
    return MOVE_DIRECTIONS + points


def seen_enemy(smac_map: SmacMap, config: SmacConfig) -> Names:
    """An enemy's row in an observation, the same in both profiles."""
    shown = health(config.obs_all_health, smac_map.enemy_race)
    return ("available", *RELATION, *shown, *kind(smac_map))


def seen_ally(smac_map: SmacMap, config: SmacConfig) -> Names:
    """An ally's row in an observation, the same in both profiles."""
    shown = health(config.obs_all_health, smac_map.ally_race)
    return ("visible", *RELATION, *shown, *kind(smac_map), *when(config.obs_last_action, "action"))


def own_health(smac_map: SmacMap, config: SmacConfig) -> Names:
    """`obs_all_health` implies `obs_own_health`."""
    return health(config.obs_all_health or config.obs_own_health, smac_map.ally_race)


def smac_observation(smac_map: SmacMap, config: SmacConfig) -> ViewSpec:
    """SMAC's observation: moves, enemies, allies, own features.

    With `obs_timestep_number` the own features have one more slot, which stays zero, and the time comes
    after it.
    """
    timed = config.obs_timestep_number
    return ViewSpec(
        blocks=("move", "enemies", "allies", "own", *when(timed, "time")),
        ally=seen_ally(smac_map, config),
        enemy=seen_enemy(smac_map, config),
        own=(*own_health(smac_map, config), *kind(smac_map), *when(timed, "unused")),
        move_width=move_width(config),
        shows_pathing=config.obs_pathing_grid,
        shows_height=config.obs_terrain_height,
    )


def smac_state(smac_map: SmacMap, config: SmacConfig) -> ViewSpec:
    """SMAC's state: all living units, last actions, time."""
    actions = when(config.state_last_action, "actions")
    time = when(config.state_timestep_number, "time")
    ally_shield = when(smac_map.ally_race == "P", "shield")
    enemy_shield = when(smac_map.enemy_race == "P", "shield")
    return ViewSpec(
        blocks=("allies", "enemies", *actions, *time),
        ally=("health", "charge", *CENTER, *ally_shield, *kind(smac_map)),
        enemy=("health", *CENTER, *enemy_shield, *kind(smac_map)),
        sees_all=True,
        skips_self=False,
        must_be_alive=False,
    )
