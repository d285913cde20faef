"""DubinsCar as a PettingZoo `ParallelEnv`: one arena, agents `car_0`, `car_1`, ..."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import torch
from gymnasium.spaces import Box
from numpy.typing import NDArray
from pettingzoo import ParallelEnv

from marlzoo.algorithm import View
from marlzoo.envs.dubins.batched import make
from marlzoo.envs.dubins.config import DubinsConfig
from marlzoo.errors import UsageError

Observations = dict[str, NDArray[np.float32]]


def parallel_env(task: str = "transfer-8", **arguments: Any) -> DubinsParallelEnv:
    """One arena of `dubins:<task>`; `arguments` are those of `DubinsConfig`.

    Raises:
        UsageError: no such task.
    """
    return DubinsParallelEnv(task, DubinsConfig(**arguments))


class DubinsParallelEnv(ParallelEnv[str, NDArray[np.float32], NDArray[np.float32]]):  # type: ignore[misc]
    """One arena of `dubins:<task>` for other libraries.

    Actions are `Box(-1, 1, (2,))`. `infos` carry the flags `reach`, `collision`, `car_collision` and
    `obstacle_collision` of each car after the step, and in an episode's last step its metrics.
    """

    metadata: ClassVar[dict[str, Any]] = {"name": "marlzoo_dubins_v1", "render_modes": []}

    def __init__(self, task: str = "transfer-8", config: DubinsConfig | None = None) -> None:
        self._env = make(task, config or DubinsConfig(), 1)
        self.possible_agents = [agent.name for agent in self._env.world.agents]
        self.agents: list[str] = []
        self.render_mode = None
        self._observation_space = Box(-np.inf, np.inf, (self._env.world.obs_dim,), np.float32)
        self._action_spaces = {name: Box(-1.0, 1.0, (2,), np.float32) for name in self.possible_agents}
        self._seeds = np.random.SeedSequence()

    def observation_space(self, agent: str) -> Box:
        return self._observation_space

    def action_space(self, agent: str) -> Box:
        return self._action_spaces[agent]

    def reset(
        self, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observations, dict[str, dict[str, Any]]]:
        """Start a new episode; without a seed, the stream of the last one goes on."""
        if seed is not None:
            self._seeds = np.random.SeedSequence(seed)
        view = self._env.reset(self._seeds.spawn(1))
        self.agents = list(self.possible_agents)
        return self._observe(view), self._flags()

    def step(
        self, actions: dict[str, NDArray[np.float32]]
    ) -> tuple[Observations, dict[str, float], dict[str, bool], dict[str, bool], dict[str, dict[str, Any]]]:
        """Advance by one step. All cars end at once; afterwards `agents` is empty until the next reset."""
        if not self.agents:
            raise UsageError("the episode is over; call reset() first")
        rows = np.stack([np.asarray(actions[name], np.float32) for name in self.agents])
        step = self._env.step(torch.from_numpy(rows)[None])
        terminated, truncated = bool(step.terminated[0]), bool(step.truncated[0])
        infos = self._flags()
        if terminated or truncated:
            metrics = {name: float(values[0]) for name, values in step.info.items()}
            infos = {name: {**info, **metrics} for name, info in infos.items()}
        observations, names = self._observe(step.view), self.agents
        rewards = dict(zip(names, step.reward[0].tolist(), strict=True))
        self.agents = [] if terminated or truncated else names
        return observations, rewards, dict.fromkeys(names, terminated), dict.fromkeys(names, truncated), infos

    def close(self) -> None:
        self._env.close()

    def _observe(self, view: View) -> Observations:
        return dict(zip(self.agents, view.obs[0].numpy().copy(), strict=True))

    def _flags(self) -> dict[str, dict[str, Any]]:
        flags = self._env.flags()
        return {
            name: {key: bool(values[0, i]) for key, values in flags.items()}
            for i, name in enumerate(self.agents)
        }
