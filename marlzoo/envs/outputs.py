"""The preallocated outputs of a batched environment: NumPy arrays to write into, torch tensors over the same
memory to hand out. Two sets take turns, so that a view and its successor are readable at the same time.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from marlzoo.algorithm import View, World


class ViewArrays:
    """The arrays behind one `View` of E environments.

    `obs [E, N, O]`, `state [E, S]` (`[E, N, S]` where each agent has its own) and `action_mask [E, N, A]` are
    None in `view` where the world has none; the arrays exist always (with a zero-sized last dimension), so
    that adapters need not ask.
    """

    def __init__(self, world: World) -> None:
        envs, agents = world.num_envs, world.num_agents
        masked = world.action_dim if world.has_action_mask else 0
        self.obs = np.zeros((envs, agents, world.obs_dim), np.float32)
        per_agent = (agents,) if world.state_per_agent else ()
        self.state = np.zeros((envs, *per_agent, world.state_dim), np.float32)
        self.action_mask = np.zeros((envs, agents, masked), np.bool_)
        self.alive = np.ones((envs, agents), np.bool_)
        self.first = np.zeros(envs, np.bool_)
        self.view = View(
            obs=torch.from_numpy(self.obs),
            alive=torch.from_numpy(self.alive),
            first=torch.from_numpy(self.first),
            state=torch.from_numpy(self.state) if world.state_dim else None,
            action_mask=torch.from_numpy(self.action_mask) if masked else None,
        )

    def named(self) -> dict[str, NDArray[Any]]:
        """The arrays by name; writing into them changes the view."""
        return {
            "obs": self.obs,
            "state": self.state,
            "action_mask": self.action_mask,
            "alive": self.alive,
            "first": self.first,
        }


class AlternatingViews:
    """Two `ViewArrays` that take turns: `current` is on show, `advance` makes the other one current."""

    def __init__(self, world: World) -> None:
        self._pair = (ViewArrays(world), ViewArrays(world))
        self._turn = 0

    @property
    def current(self) -> ViewArrays:
        return self._pair[self._turn]

    def advance(self) -> ViewArrays:
        """Switch sets and return the new current one, which still holds what it showed two steps ago."""
        self._turn = 1 - self._turn
        return self.current

    def snapshot(self) -> dict[str, NDArray[Any]]:
        """Copies of the current arrays."""
        return {name: array.copy() for name, array in self.current.named().items()}

    def restore(self, saved: Mapping[str, Any]) -> View:
        """Write a snapshot into the current arrays."""
        for name, array in self.current.named().items():
            array[...] = np.asarray(saved[name])
        return self.current.view


class StepArrays:
    """Reward `[E, N]`, terminated `[E]` and truncated `[E]` of one step, with tensors over the same
    memory."""

    def __init__(self, world: World) -> None:
        self.reward = np.zeros((world.num_envs, world.num_agents), np.float32)
        self.terminated = np.zeros(world.num_envs, np.bool_)
        self.truncated = np.zeros(world.num_envs, np.bool_)
        self.reward_tensor = torch.from_numpy(self.reward)
        self.terminated_tensor = torch.from_numpy(self.terminated)
        self.truncated_tensor = torch.from_numpy(self.truncated)

    @property
    def ended(self) -> NDArray[np.bool_]:
        """`[E]`: the environments whose episode ended in the last step."""
        return self.terminated | self.truncated

    def forget_ends(self) -> None:
        """Nothing has ended since; for `reset` and `restore`."""
        self.terminated[:] = self.truncated[:] = False
