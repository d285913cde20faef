"""SMAC's interface once more, as slowly and literally as it can be said: plain Python, number after number.

Written from the description of the interface, not from the kernels, which it judges. Numbers are Python
floats (doubles) read from float32 fields, as SMAC reads them from the game's messages.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from reference_tables import ALLY_KINDS, ENEMY_KINDS, FACTS, HIT_POINTS

SMAC_DEFAULTS: dict[str, Any] = {
    "move_amount": 2,
    "continuing_episode": False,
    "obs_all_health": True,
    "obs_own_health": True,
    "obs_last_action": False,
    "obs_pathing_grid": False,
    "obs_terrain_height": False,
    "obs_instead_of_state": False,
    "obs_timestep_number": False,
    "state_last_action": True,
    "state_timestep_number": False,
    "reward_sparse": False,
    "reward_only_positive": True,
    "reward_death_value": 10,
    "reward_win": 200,
    "reward_defeat": 0,
    "reward_negative_scale": 0.5,
    "reward_scale": True,
    "reward_scale_rate": 20,
    "playable_width": 32,
    "playable_height": 32,
}

FORK_DEFAULTS: dict[str, Any] = {
    **SMAC_DEFAULTS,
    "obs_last_action": True,
    "obs_agent_id": True,
    "state_agent_id": True,
    "use_state_agent": True,
    "use_mustalive": True,
    "add_center_xy": True,
    "add_move_state": False,
    "add_local_obs": False,
    "add_visible_state": False,
    "add_distance_state": False,
    "add_xy_state": False,
    "add_enemy_action_state": False,
    "add_agent_id": False,
}

ALLY_ORDER = {
    "stalkers_and_zealots": ["stalker", "zealot"],
    "colossi_stalkers_zealots": ["colossus", "stalker", "zealot"],
    "MMM": ["marauder", "marine", "medivac"],
    "bane": ["baneling", "zergling"],
}
ENEMY_ORDER = {**ALLY_ORDER, "stalkers_and_zealots": ["zealot", "stalker"]}

MAX_SHIELD = {"stalker": 80, "zealot": 50, "colossus": 150}
MAX_COOLDOWN = {
    "marine": 15,
    "marauder": 25,
    "stalker": 35,
    "zealot": 22,
    "colossus": 24,
    "hydralisk": 10,
    "zergling": 11,
    "baneling": 1,
    "medivac": 200,
}


@dataclass
class Unit:
    kind: str
    x: float
    y: float
    health: float
    shield: float
    energy: float
    cooldown: float
    health_max: float


class Reference:
    """One situation on one map."""

    def __init__(
        self,
        map_name: str,
        allies: np.ndarray,
        enemies: np.ndarray,
        *,
        pathing: np.ndarray,
        height: np.ndarray,
        last_actions: Sequence[int] | None = None,
        step: int = 0,
        ally_kinds: Sequence[str] | None = None,
        enemy_kinds: Sequence[str] | None = None,
        defaults: dict[str, Any] = SMAC_DEFAULTS,
        **arguments: Any,
    ) -> None:
        self.map = FACTS[map_name]
        self.args = {**defaults, **arguments}
        self.agents = make_units(ally_kinds or ALLY_KINDS[map_name], allies)
        self.enemies = make_units(enemy_kinds or ENEMY_KINDS[map_name], enemies)
        self.pathing, self.height, self.step = pathing, height, step
        self._avail: dict[int, list[int]] = {}
        self.last_action = np.zeros((self.map.agents, self.map.actions))
        for agent, action in enumerate(last_actions if last_actions is not None else []):
            self.last_action[agent, action] = 1

    def distance(self, a: Unit, b: Unit) -> float:
        return math.hypot(b.x - a.x, b.y - a.y)

    def can_stand(self, x: float, y: float) -> bool:
        cx, cy = int(x), int(y)
        return 0 <= cx < 32 and 0 <= cy < 32 and bool(self.pathing[cx, cy])

    def heals(self, unit: Unit) -> bool:
        return self.map.map_type == "MMM" and unit.kind == "medivac"

    def avail_agent(self, agent: int) -> list[int]:
        if agent not in self._avail:
            self._avail[agent] = self._avail_of(agent)
        return list(self._avail[agent])

    def _avail_of(self, agent: int) -> list[int]:
        unit = self.agents[agent]
        if unit.health <= 0:
            return [1] + [0] * (self.map.actions - 1)
        half = self.args["move_amount"] / 2
        avail = [0, 1]
        avail.append(int(self.can_stand(unit.x, unit.y + half)))
        avail.append(int(self.can_stand(unit.x, unit.y - half)))
        avail.append(int(self.can_stand(unit.x + half, unit.y)))
        avail.append(int(self.can_stand(unit.x - half, unit.y)))
        avail += [0] * self.map.enemies
        targets = self.agents if self.heals(unit) else self.enemies
        for k, target in enumerate(targets):
            if self.heals(unit) and target.kind == "medivac":
                continue
            if target.health > 0 and self.distance(unit, target) <= 6:
                avail[6 + k] = 1
        return avail

    def type_bits(self, kind: str, order: dict[str, list[str]]) -> list[float]:
        if not self.map.type_bits:
            return []
        return [1.0 if name == kind else 0.0 for name in order[self.map.map_type]]

    def health_values(self, unit: Unit, race: str) -> list[float]:
        values = [unit.health / unit.health_max]
        if race == "P":
            values.append(unit.shield / MAX_SHIELD[unit.kind])
        return values

    def move_features(self, agent: int) -> list[float]:
        unit, m = self.agents[agent], self.args["move_amount"]
        features: list[float] = list(self.avail_agent(agent)[2:6])
        x, y = int(unit.x), int(unit.y)
        around = [
            (x, y + 2 * m),
            (x, y - 2 * m),
            (x + 2 * m, y),
            (x - 2 * m, y),
            (x + m, y + m),
            (x - m, y - m),
            (x + m, y - m),
            (x - m, y + m),
        ]
        if self.args["obs_pathing_grid"]:
            features += [float(self.pathing[p]) if inside(p) else 1.0 for p in around]
        if self.args["obs_terrain_height"]:
            features += [float(self.height[p]) if inside(p) else 1.0 for p in [*around, (x, y)]]
        return features

    def seen_enemy(self, agent: int, enemy: int) -> list[float]:
        """Zeros where the enemy is dead or out of sight."""
        unit, other = self.agents[agent], self.enemies[enemy]
        distance = self.distance(unit, other)
        row = [
            self.avail_agent(agent)[6 + enemy],
            distance / 9,
            (other.x - unit.x) / 9,
            (other.y - unit.y) / 9,
        ]
        if self.args["obs_all_health"]:
            row += self.health_values(other, self.map.enemy_race)
        row += self.type_bits(other.kind, ENEMY_ORDER)
        return row if other.health > 0 and distance < 9 else [0.0] * len(row)

    def seen_ally(self, agent: int, ally: int) -> list[float]:
        unit, other = self.agents[agent], self.agents[ally]
        distance = self.distance(unit, other)
        row = [1.0, distance / 9, (other.x - unit.x) / 9, (other.y - unit.y) / 9]
        if self.args["obs_all_health"]:
            row += self.health_values(other, self.map.ally_race)
        row += self.type_bits(other.kind, ALLY_ORDER)
        if self.args["obs_last_action"]:
            row += list(self.last_action[ally])
        return row if other.health > 0 and distance < 9 else [0.0] * len(row)

    def own_health(self, agent: int) -> list[float]:
        if not (self.args["obs_own_health"] or self.args["obs_all_health"]):
            return []
        return self.health_values(self.agents[agent], self.map.ally_race)

    def others(self, agent: int) -> list[int]:
        return [other for other in range(self.map.agents) if other != agent]

    def obs_agent(self, agent: int) -> np.ndarray:
        """float32, or float64 with the time appended."""
        unit = self.agents[agent]
        features = self.move_features(agent)
        for enemy in range(self.map.enemies):
            features += self.seen_enemy(agent, enemy)
        for ally in self.others(agent):
            features += self.seen_ally(agent, ally)
        features += self.own_health(agent) + self.type_bits(unit.kind, ALLY_ORDER)
        if self.args["obs_timestep_number"]:
            features.append(0.0)
        return self.finished(features, alive=unit.health > 0, timed=self.args["obs_timestep_number"])

    def finished(
        self, features: list[float], *, alive: bool, timed: bool, tail: Sequence[float] = ()
    ) -> np.ndarray:
        """A dead agent's features are zero, its tail and the time are not."""
        vector = np.array(features if alive else [0.0] * len(features), np.float64).astype(np.float32)
        vector = np.append(vector, np.array(tail, np.float32))
        return np.append(vector, self.step / self.map.limit) if timed else vector

    def obs(self) -> list[np.ndarray]:
        return [self.obs_agent(agent) for agent in range(self.map.agents)]

    def charge(self, unit: Unit) -> float:
        longest = MAX_COOLDOWN[unit.kind]
        return unit.energy / longest if self.heals(unit) else unit.cooldown / longest

    def centred(self, unit: Unit) -> list[float]:
        return [
            (unit.x - 16.0) / self.args["playable_width"],
            (unit.y - 16.0) / self.args["playable_height"],
        ]

    def state(self) -> np.ndarray:
        if self.args["obs_instead_of_state"]:
            return np.concatenate(self.obs()).astype(np.float32)
        numbers: list[float] = []
        for unit in self.agents:
            health, *shield = self.health_values(unit, self.map.ally_race)
            row = [health, self.charge(unit), *self.centred(unit), *shield]
            row += self.type_bits(unit.kind, ALLY_ORDER)
            numbers += row if unit.health > 0 else [0.0] * len(row)
        for unit in self.enemies:
            health, *shield = self.health_values(unit, self.map.enemy_race)
            row = [health, *self.centred(unit), *shield, *self.type_bits(unit.kind, ENEMY_ORDER)]
            numbers += row if unit.health > 0 else [0.0] * len(row)
        if self.args["state_last_action"]:
            numbers += list(self.last_action.flatten())
        if self.args["state_timestep_number"]:
            numbers.append(self.step / self.map.limit)
        return np.array(numbers, np.float64).astype(np.float32)

    def visibility(self) -> np.ndarray:
        units = self.agents + self.enemies
        matrix = np.zeros((self.map.agents, len(units)), bool)
        for agent, unit in enumerate(self.agents):
            for other, seen in enumerate(units):
                both_alive = unit.health > 0 and seen.health > 0
                matrix[agent, other] = both_alive and agent != other and self.distance(unit, seen) < 9
        return matrix


def inside(point: tuple[int, int]) -> bool:
    return 0 <= point[0] < 32 and 0 <= point[1] < 32


def make_units(kinds: Sequence[str], table: np.ndarray) -> list[Unit]:
    units = []
    for kind, row in zip(kinds, np.asarray(table, np.float32).tolist(), strict=True):
        x, y, health, shield, energy, cooldown, alive = row
        health = health if alive > 0 and health > 0 else 0.0
        units.append(Unit(kind, x, y, health, shield, energy, cooldown, HIT_POINTS[kind][0]))
    return units


class ForkReference(Reference):
    """The same situation as the MAPPO fork shows it."""

    def __init__(self, *positional: Any, **named: Any) -> None:
        super().__init__(*positional, defaults=FORK_DEFAULTS, **named)

    def agent_id(self, agent: int) -> list[float]:
        return [1.0 if k == agent else 0.0 for k in range(self.map.agents)]

    def obs_agent(self, agent: int) -> np.ndarray:
        unit = self.agents[agent]
        features: list[float] = []
        for ally in self.others(agent):
            features += self.seen_ally(agent, ally)
        for enemy in range(self.map.enemies):
            features += self.seen_enemy(agent, enemy)
        features += self.move_features(agent)
        features += [1.0, 0.0, 0.0, 0.0, *self.own_health(agent), *self.type_bits(unit.kind, ALLY_ORDER)]
        if self.args["obs_last_action"]:
            features += list(self.last_action[agent])
        tail = self.agent_id(agent) if self.args["obs_agent_id"] else []
        return self.finished(
            features, alive=unit.health > 0, timed=self.args["obs_timestep_number"], tail=tail
        )

    def global_ally(self, agent: int, ally: int) -> list[float]:
        unit, other = self.agents[agent], self.agents[ally]
        distance = self.distance(unit, other)
        relation = [float(distance < 9), distance / 9, (other.x - unit.x) / 9, (other.y - unit.y) / 9]
        row = relation if unit.health > 0 else [0.0] * 4
        row = [*row, self.charge(other)]
        if self.args["obs_all_health"]:
            row += self.health_values(other, self.map.ally_race)
        if self.args["add_center_xy"]:
            row += self.centred(other)
        row += self.type_bits(other.kind, ALLY_ORDER)
        if self.args["state_last_action"]:
            row += list(self.last_action[ally])
        return row if other.health > 0 else [0.0] * len(row)

    def global_enemy(self, agent: int, enemy: int) -> list[float]:
        unit, other = self.agents[agent], self.enemies[enemy]
        distance = self.distance(unit, other)
        available = self.avail_agent(agent)[6 + enemy]
        relation = [available, distance / 9, (other.x - unit.x) / 9, (other.y - unit.y) / 9]
        relation.append(float(distance < 9))
        row = relation if unit.health > 0 else [0.0] * 5
        if self.args["obs_all_health"]:
            row = row + self.health_values(other, self.map.enemy_race)
        row = row + self.type_bits(other.kind, ENEMY_ORDER)
        if self.args["add_center_xy"]:
            row = row + self.centred(other)
        return row if other.health > 0 else [0.0] * len(row)

    def state_agent(self, agent: int) -> np.ndarray:
        """The state from one agent's point of view."""
        if self.args["obs_instead_of_state"]:
            return np.concatenate(self.obs()).astype(np.float32)
        unit = self.agents[agent]
        features: list[float] = []
        for ally in self.others(agent):
            features += self.global_ally(agent, ally)
        for enemy in range(self.map.enemies):
            features += self.global_enemy(agent, enemy)
        # The block is as wide as the observation's, but nothing fills in the grids.
        width = len(self.move_features(agent))
        features += self.avail_agent(agent)[2:6] + [0] * (width - 4)
        features += [1.0, 0.0, 0.0, 0.0, *self.own_health(agent)]
        if self.args["add_center_xy"]:
            features += self.centred(unit)
        features += self.type_bits(unit.kind, ALLY_ORDER)
        if self.args["state_last_action"]:
            features += list(self.last_action[agent])
        return self.finished(
            features,
            alive=unit.health > 0 or not self.args["use_mustalive"],
            timed=self.args["state_timestep_number"],
            tail=self.agent_id(agent) if self.args["state_agent_id"] else [],
        )

    def relation(self, unit: Unit, other: Unit) -> list[float]:
        """What the shared state optionally says about another unit from one agent's point of view."""
        distance, row = self.distance(unit, other), []
        if self.args["add_distance_state"]:
            row.append(distance / 9)
        if self.args["add_xy_state"]:
            row += [(other.x - unit.x) / 9, (other.y - unit.y) / 9]
        if self.args["add_visible_state"]:
            row.append(float(distance < 9))
        return row if unit.health > 0 else [0.0] * len(row)

    def shared_ally(self, unit: Unit, ally: int) -> list[float]:
        other = self.agents[ally]
        health, *shield = self.health_values(other, self.map.ally_race)
        row = [health, self.charge(other)]
        if self.args["add_center_xy"]:
            row += self.centred(other)
        row += [*shield, *self.type_bits(other.kind, ALLY_ORDER), *self.relation(unit, other)]
        if self.args["state_last_action"]:
            seen = self.last_action[ally] if unit.health > 0 else np.zeros(self.map.actions)
            row += list(seen)
        return row if other.health > 0 else [0.0] * len(row)

    def shared_enemy(self, agent: int, enemy: int) -> list[float]:
        unit, other = self.agents[agent], self.enemies[enemy]
        health, *shield = self.health_values(other, self.map.enemy_race)
        row = [health]
        if self.args["add_center_xy"]:
            row += self.centred(other)
        row += [*shield, *self.type_bits(other.kind, ENEMY_ORDER), *self.relation(unit, other)]
        if self.args["add_enemy_action_state"]:
            row.append(self.avail_agent(agent)[6 + enemy])
        if self.args["state_last_action"]:
            row += [0.0] * self.map.actions  # room that the fork reserves and never uses
        return row if other.health > 0 else [0.0] * len(row)

    def state_shared(self, agent: int) -> np.ndarray:
        """The state of `use_state_agent=False`, as one agent gets it."""
        if self.args["obs_instead_of_state"]:
            return np.concatenate(self.obs()).astype(np.float32)
        unit, numbers = self.agents[agent], []
        for ally in range(self.map.agents):
            numbers += self.shared_ally(unit, ally)
        for enemy in range(self.map.enemies):
            numbers += self.shared_enemy(agent, enemy)
        if self.args["add_move_state"]:
            numbers += self.avail_agent(agent)[2:6]
        if self.args["use_mustalive"] and unit.health <= 0:
            numbers = [0.0] * len(numbers)
        if self.args["add_local_obs"]:
            numbers += list(self.obs_agent(agent))
        if self.args["state_timestep_number"]:
            numbers.append(self.step / self.map.limit)
        if self.args["add_agent_id"]:
            numbers += self.agent_id(agent)
        return np.array(numbers, np.float64).astype(np.float32)
