"""The base of the tiny worlds: a batched environment in a few lines of NumPy, but complete.

It alternates two sets of output tensors, draws from one generator per environment, refuses illegal actions,
truncates at its horizon, and can be saved and restored.
"""

from __future__ import annotations

import abc
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from marlzoo.algorithm import View, World
from marlzoo.envs.contract import BatchedEnv, StepResult
from marlzoo.errors import UsageError

Array = NDArray[Any]


class TinyWorld(BatchedEnv):
    """E copies of a world whose state is `self.state`, arrays with E first, and the step count `self.clock`.

    A subclass says how one environment starts, what a joint action does, and what is seen.
    """

    backend = "tiny"
    backend_version = "1"

    def __init__(self, world: World) -> None:
        self.world = world
        self.clock: Array = np.zeros(world.num_envs, np.int64)
        self.state: dict[str, Array] = {}
        self.generators: list[np.random.Generator] = []
        self._pair = (_blank_view(world), _blank_view(world))
        self._turn = 0
        self._ended: Array = np.zeros(world.num_envs, np.bool_)

    @abc.abstractmethod
    def start(self, env: int, generator: np.random.Generator) -> None:
        """Write the state in which an episode of environment `env` begins."""

    @abc.abstractmethod
    def advance(self, actions: Array) -> tuple[Array, Array]:
        """Apply `actions [E, N]` or `[E, N, A]`; returns the reward, broadcast to `[E, N]`, and terminated.

        `self.clock` counts the steps before this one.
        """

    @abc.abstractmethod
    def show(self, view: View) -> None:
        """Write what is seen of the state into the tensors of `view`; `first` is taken care of."""

    def out_of_time(self) -> Array:
        """`[E]`: where time has run out, after the step."""
        if self.world.horizon is None:
            return np.zeros(self.world.num_envs, np.bool_)
        return self.clock >= self.world.horizon

    def metrics(self) -> dict[str, Array]:
        """The episode metrics, `[E]` each, read after the last step of an episode."""
        return {}

    def reset(self, seeds: Sequence[np.random.SeedSequence]) -> View:
        self.generators = [np.random.default_rng(seed) for seed in seeds]
        if len(self.generators) != self.world.num_envs:
            raise UsageError(f"{len(seeds)} seeds for {self.world.num_envs} environments; give one to each")
        self._ended[:] = True
        return self.reset_done()

    def step(self, actions: Tensor) -> StepResult:
        self._refuse_illegal(actions)
        reward, terminated = self.advance(actions.numpy())
        self.clock += 1
        truncated = self.out_of_time() & ~terminated
        self._ended = terminated | truncated
        self._turn = 1 - self._turn
        view = self._pair[self._turn]
        self.show(view)
        view.first.fill_(False)
        shape = (self.world.num_envs, self.world.num_agents)
        return StepResult(
            view,
            torch.tensor(np.broadcast_to(reward, shape), dtype=torch.float32),
            torch.tensor(terminated),
            torch.tensor(truncated),
            self.metrics(),
        )

    def reset_done(self) -> View:
        view = self._pair[self._turn]
        for env in self._ended.nonzero()[0]:
            self.clock[env] = 0
            self.start(int(env), self.generators[env])
        self.show(view)
        view.first.copy_(torch.from_numpy(self._ended))
        self._ended = np.zeros_like(self._ended)
        return view

    def snapshot(self) -> dict[str, Any]:
        return {
            "clock": self.clock.copy(),
            "state": {name: array.copy() for name, array in self.state.items()},
            "generators": [generator.bit_generator.state for generator in self.generators],
            "first": self._pair[self._turn].first.numpy().copy(),
        }

    def restore(self, snapshot: Mapping[str, Any]) -> View:
        self.clock[:] = snapshot["clock"]
        for name, array in self.state.items():
            array[...] = snapshot["state"][name]
        self.generators = [np.random.default_rng() for _ in snapshot["generators"]]
        for generator, state in zip(self.generators, snapshot["generators"], strict=True):
            generator.bit_generator.state = state
        view = self._pair[self._turn]
        self.show(view)
        view.first.copy_(torch.from_numpy(np.asarray(snapshot["first"])))
        self._ended[:] = False
        return view

    def _refuse_illegal(self, actions: Tensor) -> None:
        mask = self._pair[self._turn].action_mask
        if not self.world.discrete:
            legal = bool(torch.isfinite(actions).all())
        elif mask is None:
            legal = bool(((actions >= 0) & (actions < self.world.action_dim)).all())
        else:
            legal = bool(mask.gather(-1, actions.unsqueeze(-1)).all())
        if not legal:
            raise UsageError("an action is not legal; choose among those that View.action_mask shows")


def _blank_view(world: World) -> View:
    envs, agents = world.num_envs, world.num_agents
    per_agent = (agents,) if world.state_per_agent else ()
    mask = torch.ones(envs, agents, world.action_dim, dtype=torch.bool) if world.has_action_mask else None
    return View(
        obs=torch.zeros(envs, agents, world.obs_dim),
        alive=torch.ones(envs, agents, dtype=torch.bool),
        first=torch.zeros(envs, dtype=torch.bool),
        state=torch.zeros(envs, *per_agent, world.state_dim) if world.state_dim else None,
        action_mask=mask,
    )
