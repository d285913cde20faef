"""A stand-in for oxwhirl's `StarCraft2Env` with the same methods, and with ways to fail on demand.

`replay_prefix` names the failure, `replay_dir` a folder in which it leaves marks that outlive the process.
"""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

AGENTS, ENEMIES, ACTIONS, LIMIT = 3, 3, 9, 4


class SCLaunchError(Exception):
    """Named like pysc2's."""


class StandIn:
    """Three marines that win in their third step, unless told otherwise. Shows its seed in observations."""

    def __init__(self, **arguments: Any) -> None:
        self.arguments = arguments
        self.mode, self.folder = arguments["replay_prefix"], Path(arguments["replay_dir"] or ".")
        self.reward_sparse, self.reward_only_positive = False, True
        self.reward_death_value, self.reward_scale = 10, False
        self.steps = self.resets = 0
        self.enemies: dict[int, SimpleNamespace] = {}
        self.previous_enemy_units: dict[int, SimpleNamespace] | None = None

    def get_env_info(self) -> dict[str, Any]:
        own_slot = int(self.arguments["obs_timestep_number"])
        return {
            "state_shape": 6,
            "obs_shape": 5 + own_slot,
            "n_actions": ACTIONS,
            "n_agents": AGENTS,
            "episode_limit": LIMIT,
        }

    def reset(self) -> tuple[list[np.ndarray], np.ndarray]:
        if self.mode == "not installed":
            raise SCLaunchError("No SC2 binary found")
        if self.mode == "never starts":
            raise RuntimeError("no licence")
        self.steps, self.resets = 0, self.resets + 1
        self.enemies = {k: SimpleNamespace(health=45.0, shield=0.0) for k in range(ENEMIES)}
        return self.get_obs(), self.get_state()

    def step(self, actions: list[int]) -> tuple[float, bool, dict[str, Any]]:
        assert all(type(action) is int for action in actions)
        self.steps += 1
        self._fail()
        if self.mode == "connection lost":
            return 0, True, {}
        self.previous_enemy_units = {k: SimpleNamespace(**vars(unit)) for k, unit in self.enemies.items()}
        info = {"battle_won": False, "dead_allies": 1, "dead_enemies": 0}
        if self.mode == "timeout":
            ended = self.steps == LIMIT
            return 0.5, ended, {**info, "episode_limit": True} if ended else info
        if self.steps == 1:
            self.enemies[0].shield = 6.0  # regained: pays by absolute value
            return 6.0, False, info
        if self.steps == 2:
            self.enemies[0].health = 15.0
            return 30.0, False, info
        return 64.0, True, {**info, "battle_won": True, "dead_enemies": 3}

    def _fail(self) -> None:
        if self.mode == "dies once" and self.steps == 2 and not (self.folder / "died").exists():
            (self.folder / "died").touch()
            os._exit(7)
        if self.mode == "dies always":
            os._exit(7)
        if self.mode == "hangs":
            game = subprocess.Popen(["sleep", "600"])
            (self.folder / "game").write_text(str(game.pid))
            time.sleep(600)

    def get_obs(self) -> list[np.ndarray]:
        extra = 2 * int(self.arguments["obs_timestep_number"])
        seed = float(self.arguments["seed"] or 0) % 1000
        return [
            np.array([agent, self.steps, self.resets, seed, 1.5] + [0.0] * extra) for agent in range(AGENTS)
        ]

    def get_state(self) -> np.ndarray:
        return np.full(6, self.steps, np.float32)

    def get_avail_actions(self) -> list[list[int]]:
        alive, dead = [0, 1, 1, 1, 1, 1, 0, 0, 1], [1] + [0] * 8
        return [alive, alive, dead]

    def close(self) -> None:
        self.steps = 0
