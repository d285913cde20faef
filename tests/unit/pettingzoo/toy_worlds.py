"""Small PettingZoo environments whose every number is known, and some that misbehave."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import numpy as np
from gymnasium import spaces
from pettingzoo import AECEnv, ParallelEnv


class Corridor(ParallelEnv):
    """A scout with a mask and a porter without one.

    The scout sees (time, noise) and chooses among 2 actions; the porter sees 3 zeros and chooses among 3,
    numbered from 1. At step 2 the porter dies, after step 4 the episode ends. Each is paid its own action.
    """

    metadata = {"name": "corridor"}  # noqa: RUF012
    possible_agents = ["scout_0", "porter_0"]  # noqa: RUF012
    length = 4

    def __init__(self, ending: str = "terminate", mask_in: str = "observation") -> None:
        self.ending, self.mask_in = ending, mask_in
        self.agents: list[str] = []
        self.received: list[dict[str, Any]] = []
        seen = spaces.Box(-np.inf, np.inf, (2,), np.float32)
        mask = spaces.Box(0, 1, (2,), np.int8)
        self._scout = (
            spaces.Dict({"observation": seen, "action_mask": mask}) if mask_in == "observation" else seen
        )
        self._porter = spaces.Box(-np.inf, np.inf, (3,), np.float32)
        self._actions = {"scout_0": spaces.Discrete(2), "porter_0": spaces.Discrete(3, start=1)}

    def observation_space(self, agent: str) -> spaces.Space[Any]:
        return self._scout if agent == "scout_0" else self._porter

    def action_space(self, agent: str) -> spaces.Space[Any]:
        return self._actions[agent]

    def reset(self, seed: int | None = None, options: Any = None) -> tuple[dict[str, Any], dict[str, Any]]:
        self.rng = np.random.default_rng(seed)
        self.time, self.agents = 0, list(self.possible_agents)
        self.noise = float(self.rng.random())
        return self._observe(), self._infos()

    def _mask(self) -> np.ndarray:
        return np.array([1, self.time % 2], np.int8)

    def _observe(self) -> dict[str, Any]:
        seen: Any = np.array([self.time, self.noise], np.float32)
        if self.mask_in == "observation":
            seen = {"observation": seen, "action_mask": self._mask()}
        return {name: seen if name == "scout_0" else np.zeros(3, np.float32) for name in self.agents}

    def _infos(self) -> dict[str, Any]:
        masked = {"action_mask": self._mask()} if self.mask_in == "info" else {}
        return {name: masked if name == "scout_0" else {} for name in self.agents}

    def step(self, actions: dict[str, Any]) -> tuple[dict[str, Any], ...]:
        self.received.append(actions)
        self.time += 1
        self.noise = float(self.rng.random())
        acting, over = list(self.agents), self.time == self.length
        observations, infos = self._observe(), self._infos()
        dead = {name for name in acting if name == "porter_0" and self.time == 2}
        terminated = {name: name in dead or (over and self.ending == "terminate") for name in acting}
        truncated = dict.fromkeys(acting, over and self.ending == "truncate")
        self.agents = [name for name in acting if not (terminated[name] or truncated[name])]
        rewards = {name: float(actions[name]) for name in acting}
        return observations, rewards, terminated, truncated, infos

    def state(self) -> np.ndarray:
        return np.array([[self.time, self.noise]], np.float32)


class Faulty(Corridor):
    """Fails in step 2: always, or only while the file `until` does not exist (and then creates it)."""

    def __init__(self, fault: str, until: str | None = None) -> None:
        super().__init__()
        self._fault, self._until = fault, until

    def step(self, actions: dict[str, Any]) -> tuple[dict[str, Any], ...]:
        if self.time == 1 and not (self._until and Path(self._until).exists()):
            if self._until:
                Path(self._until).touch()
            self._fail()
        return super().step(actions)

    def _fail(self) -> None:
        if self._fault == "raise":
            raise ValueError("the cart fell over")
        if self._fault == "exit":
            os._exit(7)
        time.sleep(600)


class Touchy(Corridor):
    """Ends the process when the scout chooses action 1."""

    def step(self, actions: dict[str, Any]) -> tuple[dict[str, Any], ...]:
        if actions["scout_0"] == 1:
            os._exit(7)
        return super().step(actions)


class FaultyReset(Corridor):
    """Ends the process in its third reset, unless the file `until` exists. Lengths depend on seeds."""

    def __init__(self, until: str) -> None:
        super().__init__()
        self._until, self._resets = until, 0

    def reset(self, seed: int | None = None, options: Any = None) -> tuple[dict[str, Any], dict[str, Any]]:
        self._resets += 1
        if self._resets == 3 and not Path(self._until).exists():
            Path(self._until).touch()
            os._exit(7)
        self.length = 3 + (seed or 0) % 5
        return super().reset(seed, options)


class Restless(Corridor):
    """Ignores its seed."""

    def reset(self, seed: int | None = None, options: Any = None) -> tuple[dict[str, Any], dict[str, Any]]:
        return super().reset(None, options)


class Entangled(Corridor):
    """All copies share one clock."""

    clock = 0

    def reset(self, seed: int | None = None, options: Any = None) -> tuple[dict[str, Any], dict[str, Any]]:
        Entangled.clock += 1
        return super().reset(seed, options)

    def _observe(self) -> dict[str, Any]:
        seen = super()._observe()
        if "scout_0" in seen:
            seen["scout_0"]["observation"][0] = Entangled.clock
        return seen


class Levers(ParallelEnv):
    """Two agents with boxes of given bounds; both see the values that arrive."""

    metadata = {"name": "levers"}  # noqa: RUF012
    possible_agents = ["lever_0", "lever_1"]  # noqa: RUF012

    def __init__(self, bounds: list[list[float]]) -> None:
        self.agents: list[str] = []
        self._seen = spaces.Box(-np.inf, np.inf, (4,), np.float32)
        self._boxes: dict[str, spaces.Space[Any]] = {
            name: spaces.Box(low, high, (2,), np.float32)
            for name, (low, high) in zip(self.possible_agents, bounds, strict=True)
        }

    def observation_space(self, agent: str) -> spaces.Space[Any]:
        return self._seen

    def action_space(self, agent: str) -> spaces.Space[Any]:
        return self._boxes[agent]

    def reset(self, seed: int | None = None, options: Any = None) -> tuple[dict[str, Any], dict[str, Any]]:
        self.agents = list(self.possible_agents)
        return {name: np.zeros(4, np.float32) for name in self.agents}, {name: {} for name in self.agents}

    def step(self, actions: dict[str, Any]) -> tuple[dict[str, Any], ...]:
        arrived = np.concatenate([actions[name] for name in self.possible_agents]).astype(np.float32)
        return (
            dict.fromkeys(self.agents, arrived),
            {"lever_0": 1.0, "lever_1": 3.0},
            dict.fromkeys(self.agents, False),
            dict.fromkeys(self.agents, False),
            {name: {} for name in self.agents},
        )


class Mixed(Levers):
    """One agent presses a button, the other pulls a lever."""

    def __init__(self, bounds: list[list[float]]) -> None:
        super().__init__(bounds)
        self._boxes["lever_0"] = spaces.Discrete(2)


class Turns(AECEnv):
    """An AEC environment whose agents take turns."""

    metadata = {"name": "turns", "is_parallelizable": False}  # noqa: RUF012


def not_an_env() -> int:
    return 3
