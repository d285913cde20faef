"""MA-MuJoCo as a PettingZoo `ParallelEnv`, for use in other libraries."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from gymnasium.spaces import Box
from numpy.typing import NDArray
from pettingzoo.utils.env import ParallelEnv

from marlzoo.envs.mamujoco.batched import build_engine
from marlzoo.envs.mamujoco.config import MamujocoConfig
from marlzoo.envs.mamujoco.partitions import parse_task
from marlzoo.envs.mamujoco.presenting import Presentation
from marlzoo.errors import UsageError

AgentDict = dict[str, Any]


def parallel_env(task: str, **arguments: Any) -> MamujocoParallelEnv:
    """The task `<Scenario>-<partition>` as a `ParallelEnv`; `arguments` are those of `MamujocoConfig`.

    Raises:
        UsageError: no such task.
        MissingPieceError: the task needs gymnasium-robotics and it is not installed.
    """
    return MamujocoParallelEnv(task, MamujocoConfig(**arguments))


class MamujocoParallelEnv(ParallelEnv):  # type: ignore[misc]
    """One copy of a task. Observations are float64 and unpadded, as gymnasium-robotics gives them."""

    metadata: ClassVar[dict[str, Any]] = {"name": "marlzoo_mamujoco", "render_modes": ["rgb_array"]}
    render_mode = "rgb_array"

    def __init__(self, task: str, config: MamujocoConfig) -> None:
        self._engine = build_engine(parse_task(task), config, num_envs=1)
        self._presentation = Presentation(self._engine, config.presenting)
        self._generator = np.random.default_rng()
        shape = self._engine.shape
        self.possible_agents = [f"agent_{number}" for number in range(shape.num_agents)]
        self.agents: list[str] = []
        low, high = self._presentation.action_low, self._presentation.action_high
        self.observation_spaces = {
            name: Box(-np.inf, np.inf, (size,), np.float64)
            for name, size in zip(self.possible_agents, self._presentation.obs_dims, strict=True)
        }
        self.action_spaces = {
            name: Box(low, high, (size,), np.float32)
            for name, size in zip(self.possible_agents, shape.action_dims, strict=True)
        }
        self.state_space = Box(-np.inf, np.inf, (shape.state_dim,), np.float64)

    def observation_space(self, agent: str) -> Box:
        return self.observation_spaces[agent]

    def action_space(self, agent: str) -> Box:
        return self.action_spaces[agent]

    def reset(
        self, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[AgentDict, AgentDict]:
        """Start an episode; without a seed the random stream goes on."""
        if seed is not None:
            self._generator = np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed)))
        self._engine.reset([0], [self._generator])
        self.agents = list(self.possible_agents)
        return self._observations(), {name: {} for name in self.agents}

    def step(
        self, actions: dict[str, NDArray[np.float32]]
    ) -> tuple[AgentDict, AgentDict, AgentDict, AgentDict, AgentDict]:
        if not self.agents:
            raise UsageError("the episode is over: call reset() before step()")
        agents = self.agents
        outcome = self._engine.step(self._presentation.controls(self._joint(actions)))
        terminated, truncated = bool(outcome.terminated[0]), bool(outcome.truncated[0])
        if terminated or truncated:
            self.agents = []
        return (
            self._observations(),
            dict.fromkeys(agents, float(outcome.reward[0])),
            dict.fromkeys(agents, terminated),
            dict.fromkeys(agents, truncated),
            {name: {} for name in agents},
        )

    def _joint(self, actions: dict[str, NDArray[np.float32]]) -> NDArray[np.float64]:
        shape = self._engine.shape
        joint = np.zeros((1, shape.num_agents, shape.action_dim))
        for number, name in enumerate(self.possible_agents):
            joint[0, number, : shape.action_dims[number]] = actions[name]
        return joint

    def _observations(self) -> AgentDict:
        padded = self._presentation.observations()[0]
        sizes = self._presentation.obs_dims
        return {
            name: padded[number, : sizes[number]].copy() for number, name in enumerate(self.possible_agents)
        }

    def state(self) -> NDArray[np.float64]:
        return self._presentation.states()[0].copy()

    def render(self) -> NDArray[np.uint8]:
        return self._engine.frame(0)

    def close(self) -> None:
        self._engine.close()
