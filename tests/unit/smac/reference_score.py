"""SMAC's reward and end of a battle once more, literally, in plain Python."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from reference_builder import SMAC_DEFAULTS, Unit, make_units
from reference_tables import ALLY_KINDS, ENEMY_KINDS, FACTS, HIT_POINTS

Tables = tuple[np.ndarray, np.ndarray]


class ReferenceScore:
    """One step of one battle."""

    def __init__(
        self,
        map_name: str,
        before: Tables,
        after: Tables,
        *,
        step: int,
        ally_kinds: Sequence[str] | None = None,
        enemy_kinds: Sequence[str] | None = None,
        **arguments: Any,
    ) -> None:
        self.map, self.step = FACTS[map_name], step
        self.args = {**SMAC_DEFAULTS, **arguments}
        ours, theirs = ally_kinds or ALLY_KINDS[map_name], enemy_kinds or ENEMY_KINDS[map_name]
        self.previous_agents, self.agents = make_units(ours, before[0]), make_units(ours, after[0])
        self.previous_enemies, self.enemies = make_units(theirs, before[1]), make_units(theirs, after[1])

    def battle_reward(self) -> float:
        if self.args["reward_sparse"]:
            return 0
        delta_deaths: float = 0
        delta_ally: float = 0
        delta_enemy: float = 0
        weight, death_value = self.args["reward_negative_scale"], self.args["reward_death_value"]
        for previous, unit in zip(self.previous_agents, self.agents, strict=True):
            if previous.health == 0:
                continue
            had = previous.health + previous.shield
            if unit.health == 0:
                if not self.args["reward_only_positive"]:
                    delta_deaths -= death_value * weight
                delta_ally += had * weight
            else:
                delta_ally += weight * (had - unit.health - unit.shield)
        for previous, unit in zip(self.previous_enemies, self.enemies, strict=True):
            if previous.health == 0:
                continue
            had = previous.health + previous.shield
            if unit.health == 0:
                delta_deaths += death_value
                delta_enemy += had
            else:
                delta_enemy += had - unit.health - unit.shield
        if self.args["reward_only_positive"]:
            return abs(delta_enemy + delta_deaths)
        return delta_enemy + delta_deaths - delta_ally

    def max_reward(self) -> float:
        total = self.map.enemies * self.args["reward_death_value"] + self.args["reward_win"]
        for enemy in self.enemies:
            total += enemy.health_max + HIT_POINTS[enemy.kind][1]
        return total

    def end_code(self) -> int | None:
        ours, theirs = living(self.agents), living(self.enemies)
        medical = self.map.map_type == "MMM"
        if (not ours and theirs) or (medical and not [unit for unit in ours if unit.kind != "medivac"]):
            return -1
        if (ours and not theirs) or (medical and len(theirs) == 1 and theirs[0].kind == "medivac"):
            return 1
        return 0 if not ours and not theirs else None

    def result(self) -> tuple[float, bool, dict[str, Any]]:
        """Reward, terminated, info."""
        reward, end = self.battle_reward(), self.end_code()
        info: dict[str, Any] = {
            "battle_won": end == 1,
            "dead_allies": len(self.agents) - len(living(self.agents)),
            "dead_enemies": len(self.enemies) - len(living(self.enemies)),
        }
        if end == 1:
            reward = 1 if self.args["reward_sparse"] else reward + self.args["reward_win"]
        if end == -1:
            reward = -1 if self.args["reward_sparse"] else reward + self.args["reward_defeat"]
        timeout = end is None and self.step >= self.map.limit
        if timeout and self.args["continuing_episode"]:
            info["episode_limit"] = True
        if self.args["reward_scale"]:
            reward /= self.max_reward() / self.args["reward_scale_rate"]
        return reward, end is not None or timeout, info


def living(units: Sequence[Unit]) -> list[Unit]:
    return [unit for unit in units if unit.health > 0]
