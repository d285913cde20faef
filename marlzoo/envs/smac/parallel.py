"""SMAC battles as a PettingZoo `ParallelEnv`: one battle, agents `stalker_0`, `stalker_1`, `zealot_2`, ..."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import torch
from gymnasium.spaces import Box, Discrete
from gymnasium.spaces import Dict as DictSpace
from numpy.typing import NDArray
from pettingzoo import ParallelEnv

from marlzoo.algorithm import View
from marlzoo.envs.smac.batched import make
from marlzoo.envs.smac.config import smac_config
from marlzoo.errors import UsageError

Observation = dict[str, NDArray[Any]]
Infos = dict[str, dict[str, Any]]

STOP, NO_OP = 1, 0


class SmacParallelEnv(ParallelEnv[str, Observation, int]):  # type: ignore[misc]
    """One battle of `smac:<map>` for other libraries.

    Observations are `{"observation": [O] float32, "action_mask": [A] int8}`. As in SMAC, a dead agent stays
    until the battle ends; its observation is zero and its only action is 0. Libraries that ignore the mask
    are not punished: an unavailable action counts as `stop` (no-op for the dead), and the agent's info says
    `unavailable_action`. The infos of an episode's last step hold its metrics, `battle_won` among them.
    """

    metadata: ClassVar[dict[str, Any]] = {"name": "marlzoo_smac_v1", "render_modes": []}

    def __init__(self, map_name: str = "8m", **smac_args: Any) -> None:
        self._env = make(map_name, smac_config(smac_args), 1)
        world = self._env.world
        self.possible_agents = [agent.name for agent in world.agents]
        self.agents: list[str] = []
        self.render_mode = None
        self._view: View | None = None
        self._seeds = np.random.SeedSequence()
        self._action_spaces = {name: Discrete(world.action_dim) for name in self.possible_agents}
        self._observation_spaces = {
            name: DictSpace(
                observation=Box(-np.inf, np.inf, (world.obs_dim,), np.float32),
                action_mask=Box(0, 1, (world.action_dim,), np.int8),
            )
            for name in self.possible_agents
        }
        rows = (world.num_agents,) if world.state_per_agent else ()
        self.state_space = Box(-np.inf, np.inf, (*rows, world.state_dim), np.float32)

    def observation_space(self, agent: str) -> DictSpace:
        return self._observation_spaces[agent]

    def action_space(self, agent: str) -> Discrete:
        return self._action_spaces[agent]

    def reset(
        self, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Observation], Infos]:
        """Start a new battle; without a seed, the sequence of the last one goes on."""
        if seed is not None:
            self._seeds = np.random.SeedSequence(seed)
        self._view = self._env.reset(self._seeds.spawn(1))
        self.agents = list(self.possible_agents)
        return self._observe(self._view), {name: {} for name in self.agents}

    def step(
        self, actions: dict[str, int]
    ) -> tuple[dict[str, Observation], dict[str, float], dict[str, bool], dict[str, bool], Infos]:
        """Advance by one step. All agents end at once; afterwards `agents` is empty until the next reset."""
        if self._view is None or not self.agents:
            raise UsageError("the episode is over; call reset() first")
        names = self.agents
        chosen, unavailable = self._available(actions, self._view)
        step = self._env.step(torch.from_numpy(chosen)[None])
        self._view = step.view
        terminated, truncated = bool(step.terminated[0]), bool(step.truncated[0])
        ended = terminated or truncated
        metrics = {name: float(values[0]) for name, values in step.info.items()} if ended else {}
        infos = {
            name: {"unavailable_action": bool(odd), **metrics}
            for name, odd in zip(names, unavailable, strict=True)
        }
        rewards = dict(zip(names, step.reward[0].tolist(), strict=True))
        observations = self._observe(step.view)
        self.agents = [] if ended else names
        return observations, rewards, dict.fromkeys(names, terminated), dict.fromkeys(names, truncated), infos

    def state(self) -> NDArray[np.float32]:
        """The centralised state `[S]`, or `[N, S]` where every agent has its own."""
        if self._view is None or self._view.state is None:
            raise UsageError("no state before the first reset; call reset() first")
        return self._view.state[0].numpy().copy()

    def close(self) -> None:
        self._env.close()

    def _available(self, actions: dict[str, int], view: View) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """The actions `[N]` with unavailable ones replaced, and where that was done."""
        assert view.action_mask is not None
        mask = view.action_mask[0].numpy()
        wanted = np.array([actions[name] for name in self.agents], np.int64)
        legal = mask[np.arange(len(wanted)), wanted]
        return np.where(legal, wanted, np.where(mask[:, NO_OP], NO_OP, STOP)), ~legal

    def _observe(self, view: View) -> dict[str, Observation]:
        assert view.action_mask is not None
        masks = view.action_mask[0].numpy().astype(np.int8)
        rows = view.obs[0].numpy()
        return {
            name: {"observation": rows[k].copy(), "action_mask": masks[k]}
            for k, name in enumerate(self.possible_agents)
        }


def parallel_env(map_name: str = "8m", **smac_args: Any) -> SmacParallelEnv:
    """A PettingZoo environment of one map; `smac_args` are SMAC's own argument names (see `SmacConfig`).

    Raises:
        UsageError: an unknown map or argument.
    """
    return SmacParallelEnv(map_name, **smac_args)
