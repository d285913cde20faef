"""Random situations on SMAC maps: crowds and crumbs, dead and damaged units, units off the map."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from reference_tables import ALLY_KINDS, ENEMY_KINDS, FACTS, HIT_POINTS

FLAGS = (
    "obs_all_health",
    "obs_own_health",
    "obs_last_action",
    "obs_pathing_grid",
    "obs_terrain_height",
    "obs_instead_of_state",
    "obs_timestep_number",
    "state_last_action",
    "state_timestep_number",
)

FORK_FLAGS = (
    "obs_agent_id",
    "state_agent_id",
    "use_state_agent",
    "use_mustalive",
    "add_center_xy",
    "add_move_state",
    "add_local_obs",
    "add_visible_state",
    "add_distance_state",
    "add_xy_state",
    "add_enemy_action_state",
    "add_agent_id",
)

REWARD_FLAGS = ("reward_sparse", "reward_only_positive", "reward_scale", "continuing_episode")


@dataclass
class Situation:
    """Everything that decides what SMAC shows: arguments for the reference and for the code under test."""

    map_name: str
    allies: np.ndarray
    enemies: np.ndarray
    pathing: np.ndarray
    height: np.ndarray
    bytes_of_height: np.ndarray
    last_actions: np.ndarray | None
    step: int
    ally_kinds: list[str]
    enemy_kinds: list[str]
    arguments: dict[str, Any] = field(default_factory=dict)


def coin(rng: np.random.Generator, chance: float = 0.5) -> bool:
    return bool(rng.random() < chance)


def some_flags(rng: np.random.Generator, names: tuple[str, ...]) -> dict[str, Any]:
    """A random half of the flags, each set at random; the rest keep their defaults."""
    return {name: coin(rng) for name in names if coin(rng)}


def unit_table(rng: np.random.Generator, kinds: list[str], middle: np.ndarray) -> np.ndarray:
    """Units around a point, partly on whole numbers, partly dead (by hit points, or by the flag)."""
    table = np.zeros((len(kinds), 7), np.float32)
    table[:, :2] = rng.normal(middle, rng.choice([0.5, 3.0, 10.0]), (len(kinds), 2))
    if coin(rng, 0.3):
        table[:, :2] = np.round(table[:, :2])
    for row, kind in zip(table, kinds, strict=True):
        life, shield = HIT_POINTS[kind]
        row[2:6] = rng.random(4) * (life, shield, 200, 40)
        row[2] = life if coin(rng) else row[2]
        row[6] = coin(rng, 0.8)
        if coin(rng, 0.1):
            row[2] = 0
    return table


def situation(map_name: str, seed: int) -> Situation:
    """A situation that `seed` determines."""
    rng, facts = np.random.default_rng(seed), FACTS[map_name]
    ally_kinds, enemy_kinds = list(ALLY_KINDS[map_name]), list(ENEMY_KINDS[map_name])
    if coin(rng):
        rng.shuffle(ally_kinds)
        rng.shuffle(enemy_kinds)
    middle = rng.uniform(0, 32, 2)
    heights = rng.integers(0, 256, (32, 32)).astype(np.uint8)
    arguments = some_flags(rng, FLAGS) | {"move_amount": int(rng.integers(1, 5))}
    if coin(rng):
        arguments |= {"playable_width": 30, "playable_height": 28.5}
    return Situation(
        map_name=map_name,
        allies=unit_table(rng, ally_kinds, middle),
        enemies=unit_table(rng, enemy_kinds, middle + rng.normal(0, 4, 2)),
        pathing=rng.random((32, 32)) < 0.6,
        height=heights / 255,
        bytes_of_height=heights,
        last_actions=None if coin(rng, 0.2) else rng.integers(0, facts.actions, facts.agents),
        step=int(rng.integers(0, facts.limit + 1)),
        ally_kinds=ally_kinds,
        enemy_kinds=enemy_kinds,
        arguments=arguments,
    )


def aftermath(rng: np.random.Generator, table: np.ndarray, kinds: list[str], deadliness: float) -> np.ndarray:
    """The same units one step later: damaged, healed, dead; the dead stay dead and keep place and shield."""
    after = table.copy()
    for row, kind in zip(after, kinds, strict=True):
        life, shield = HIT_POINTS[kind]
        row[2] = np.clip(row[2] + rng.normal(-2, 5), 0, life)
        row[3] = np.clip(row[3] + rng.normal(0, 5), 0, shield)
        row[6] = row[6] > 0 and row[2] > 0 and not coin(rng, deadliness)
    after[table[:, 6] == 0, 6] = 0
    after[table[:, 2] == 0, 2] = 0
    return after
