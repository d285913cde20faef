"""One copy of a PettingZoo environment that writes what happens into its rows of the batch's arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marlzoo.envs.pettingzoo_env.layout import MASK, Layout
from marlzoo.errors import RunError


@dataclass(frozen=True)
class Arrays:
    """The batch: what the copies read (`actions`) and write. In worker mode it is shared memory."""

    actions: NDArray[Any]
    """`[E, N]` int64 or `[E, N, A]` float32."""
    obs: NDArray[np.float32]
    state: NDArray[np.float32]
    mask: NDArray[np.bool_]
    alive: NDArray[np.bool_]
    reward: NDArray[np.float32]
    terminated: NDArray[np.bool_]
    truncated: NDArray[np.bool_]
    busy: NDArray[np.int64]
    """`[E]`: 1 while this copy works, to tell which one crashed or hung."""


def array_shapes(layout: Layout, num_envs: int) -> dict[str, tuple[tuple[int, ...], str]]:
    """Shape and type of every field of `Arrays`."""
    envs, agents, masked = num_envs, len(layout.agents), layout.action_dim if layout.masked else 0
    act = (envs, agents) if layout.discrete else (envs, agents, layout.action_dim)
    return {
        "actions": (act, "int64" if layout.discrete else "float32"),
        "obs": ((envs, agents, layout.obs_dim), "float32"),
        "state": ((envs, layout.state_dim), "float32"),
        "mask": ((envs, agents, masked), "bool"),
        "alive": ((envs, agents), "bool"),
        "reward": ((envs, agents), "float32"),
        "terminated": ((envs,), "bool"),
        "truncated": ((envs,), "bool"),
        "busy": ((envs,), "int64"),
    }


@dataclass(frozen=True)
class Episode:
    """An episode up to now: the seed of its reset and the joint actions since, `[T, N]` or `[T, N, A]`."""

    seed: int
    actions: Sequence[NDArray[Any]] = ()


class Driver:
    """Steps one environment. Rows `index` of `arrays` are its own."""

    def __init__(self, env: Any, layout: Layout, arrays: Arrays, index: int, horizon: int | None) -> None:
        self._env = env
        self._layout = layout
        self._arrays = arrays
        self._index = index
        self._horizon = horizon
        self._elapsed = 0

    def begin(self, episode: Episode) -> None:
        """Reset, and repeat the actions of an episode that is already under way."""
        observations, infos = self._env.reset(seed=episode.seed)
        self._elapsed = 0
        self._arrays.reward[self._index] = 0
        self._end(False, False)
        self._show(observations, infos, set(self._env.agents))
        for row in episode.actions:
            self._advance(row)

    def step(self) -> None:
        """Act as the rows of `arrays.actions` say."""
        self._advance(self._arrays.actions[self._index])

    def close(self) -> None:
        self._env.close()

    def _advance(self, row: NDArray[Any]) -> None:
        acting = set(self._env.agents)
        joint = {
            agent.name: agent.decode(row[number], self._layout.rescale)
            for number, agent in enumerate(self._layout.agents)
            if agent.name in acting
        }
        observations, rewards, terminations, truncations, infos = self._env.step(joint)
        self._elapsed += 1
        for number, agent in enumerate(self._layout.agents):
            self._arrays.reward[self._index, number] = rewards.get(agent.name, 0.0)
        cut = {name for name in acting if truncations.get(name) and not terminations.get(name)}
        over = acting <= {name for name in acting if terminations.get(name) or truncations.get(name)}
        over = over or not self._env.agents
        out_of_time = self._horizon is not None and self._elapsed >= self._horizon and not over
        self._end(over and not cut, (over and bool(cut)) or out_of_time)
        self._show(observations, infos, set(self._env.agents) | cut)

    def _end(self, terminated: bool, truncated: bool) -> None:
        self._arrays.terminated[self._index] = terminated
        self._arrays.truncated[self._index] = truncated

    def _show(self, observations: Mapping[str, Any], infos: Mapping[str, Any], alive: set[str]) -> None:
        """Write observations, masks, who lives, and the state. The dead see zeros and may do action 0."""
        arrays, index = self._arrays, self._index
        for number, agent in enumerate(self._layout.agents):
            living = agent.name in alive and agent.name in observations
            arrays.alive[index, number] = living
            if living:
                agent.observe(observations[agent.name], arrays.obs[index, number])
            else:
                arrays.obs[index, number] = 0
            if self._layout.masked:
                self._show_mask(number, observations if living else {}, infos)
        if self._layout.state_dim:
            arrays.state[index] = np.asarray(self._env.state(), np.float32).ravel()

    def _show_mask(self, number: int, observations: Mapping[str, Any], infos: Mapping[str, Any]) -> None:
        agent = self._layout.agents[number]
        row = self._arrays.mask[self._index, number]
        row[:] = False
        if agent.name not in observations:
            row[0] = True
            return
        source = {"observation": observations, "info": infos, "none": {}}[self._layout.mask_place]
        entry = source.get(agent.name, {})
        row[: agent.action_dim] = entry[MASK] if isinstance(entry, Mapping) and MASK in entry else True
        if not row.any():
            raise RunError(f"agent {agent.name} lives but its action mask allows nothing; allow a no-op")
