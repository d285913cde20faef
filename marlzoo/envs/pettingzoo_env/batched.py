"""A PettingZoo environment as a batched environment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from marlzoo.algorithm import AgentInfo, View, World
from marlzoo.envs.contract import BatchedEnv, StepResult
from marlzoo.envs.outputs import AlternatingViews, StepArrays
from marlzoo.envs.pettingzoo_env.config import PettingZooConfig
from marlzoo.envs.pettingzoo_env.driver import Episode
from marlzoo.envs.pettingzoo_env.layout import Layout, inspect_layout
from marlzoo.envs.pettingzoo_env.loading import Recipe
from marlzoo.envs.pettingzoo_env.stepping import Stepper, make_stepper, rows_of
from marlzoo.errors import RunError, UsageError


def make(task: str, config: PettingZooConfig, num_envs: int) -> PettingZooEnv:
    """`num_envs` copies of the environment `module` or `module:factory`.

    Raises:
        MissingPieceError: the module is not installed.
        UsageError: there is no such factory, or its environment cannot be used here; says why.
    """
    recipe = Recipe(task, config.kwargs)
    probe = recipe.build()
    try:
        layout = inspect_layout(probe)
    finally:
        probe.close()
    return PettingZooEnv(task, layout, make_stepper(recipe, layout, num_envs, config), config, num_envs)


class PettingZooEnv(BatchedEnv):
    """E copies of one `ParallelEnv`.

    Every episode starts with `reset(seed=...)`, the seed drawn from the copy's own stream. A snapshot holds
    the seed and the actions of each running episode and is restored by playing them again, which asks of the
    environment that seed and actions determine an episode.
    """

    backend = "pettingzoo"

    def __init__(
        self, task: str, layout: Layout, stepper: Stepper, config: PettingZooConfig, num_envs: int
    ) -> None:
        import pettingzoo

        self._task = task
        self._layout = layout
        self._stepper = stepper
        self._reward = config.reward
        self.backend_version = f"pettingzoo {pettingzoo.__version__}"
        self.world = _world(layout, config, num_envs)
        self._views = AlternatingViews(self.world)
        self._step = StepArrays(self.world)
        self._generators: list[np.random.Generator] = []
        self._seeds = [0] * num_envs
        self._played: list[list[NDArray[Any]]] = [[] for _ in range(num_envs)]

    def reset(self, seeds: Sequence[np.random.SeedSequence]) -> View:
        if len(seeds) != self.world.num_envs:
            raise UsageError(
                f"reset needs {self.world.num_envs} seeds, one per environment, not {len(seeds)}"
            )
        self._generators = [np.random.Generator(np.random.PCG64(seed)) for seed in seeds]
        self._start(range(self.world.num_envs))
        self._step.forget_ends()
        return self._show(first=True)

    def _start(self, indices: Sequence[int]) -> None:
        """Begin new episodes. Copies that a failing worker takes with it take up their episodes again."""
        waiting = set(indices)
        for index in indices:
            self._draw_seed(index)
        while waiting:
            lost = self._stepper.begin({index: self._episode(index) for index in sorted(waiting)})
            for index in set(lost) & set(indices):
                self._draw_seed(index)
            waiting = set(lost)

    def _draw_seed(self, index: int) -> None:
        self._seeds[index] = int(self._generators[index].integers(2**31))
        self._played[index] = []

    def _episode(self, index: int) -> Episode:
        return Episode(self._seeds[index], tuple(self._played[index]))

    def step(self, actions: Tensor) -> StepResult:
        joint = actions.numpy()
        self._check(joint)
        self._stepper.arrays.actions[...] = joint
        for index, row in enumerate(joint):
            self._played[index].append(row.copy())
        lost = self._stepper.step()
        self._collect(lost)
        previous = self._views.current.named()
        self._views.advance()
        view = self._show(first=False)
        for name, array in self._views.current.named().items():
            if name != "first":
                array[lost] = previous[name][lost]
        return StepResult(
            view=view,
            reward=self._step.reward_tensor,
            terminated=self._step.terminated_tensor,
            truncated=self._step.truncated_tensor,
            info={},
        )

    def _collect(self, lost: Sequence[int]) -> None:
        """Take over rewards and ends; a lost episode ends here, truncated and unpaid."""
        arrays, step = self._stepper.arrays, self._step
        step.reward[...] = arrays.reward
        step.terminated[...] = arrays.terminated
        step.truncated[...] = arrays.truncated
        step.reward[lost], step.terminated[lost], step.truncated[lost] = 0, False, True
        if self._reward != "individual":
            team = step.reward.mean(axis=1) if self._reward == "mean" else step.reward.sum(axis=1)
            step.reward[...] = team[:, None]

    def _check(self, joint: NDArray[Any]) -> None:
        expected = self._stepper.arrays.actions.shape
        if joint.shape != expected:
            raise UsageError(f"actions have shape {joint.shape}, expected {expected}")
        if not self._layout.discrete:
            if not np.isfinite(joint).all():
                env, agent, _ = np.argwhere(~np.isfinite(joint))[0]
                raise UsageError(f"the action of agent {agent} in environment {env} is not finite")
            return
        legal = (joint >= 0) & (joint < self._layout.action_dim)
        if self._layout.masked and legal.all():
            mask = self._views.current.action_mask
            legal = np.take_along_axis(mask, joint[..., None], axis=2)[..., 0]
        if not legal.all():
            env, agent = np.argwhere(~legal)[0]
            raise UsageError(
                f"action {joint[env, agent]} of {self._layout.agents[agent].name} in environment {env} is "
                "illegal; choose among the actions that the mask allows"
            )

    def reset_done(self) -> View:
        done = np.flatnonzero(self._step.ended).tolist()
        if not done:
            return self._views.current.view
        self._start(done)
        return self._show(first=self._step.ended)

    def _show(self, first: bool | NDArray[np.bool_]) -> View:
        current = self._views.current
        named = current.named()
        for name, array in rows_of(self._stepper.arrays).items():
            named[name][...] = array
        current.first[...] = first
        return current.view

    def snapshot(self) -> dict[str, Any]:
        return {
            "generators": [generator.bit_generator.state for generator in self._generators],
            "seeds": list(self._seeds),
            "actions": [[row.copy() for row in played] for played in self._played],
            "view": self._views.snapshot(),
        }

    def restore(self, snapshot: Mapping[str, Any]) -> View:
        """Play the snapshot's episodes again.

        Raises:
            RunError: they came out differently, so the environment is not determined by its seed.
        """
        self._generators = [_generator(state) for state in snapshot["generators"]]
        self._seeds = [int(seed) for seed in snapshot["seeds"]]
        self._played = [[np.asarray(row) for row in played] for played in snapshot["actions"]]
        waiting = list(range(self.world.num_envs))
        while waiting:
            waiting = self._stepper.begin({index: self._episode(index) for index in waiting})
        self._step.forget_ends()
        self._compare(snapshot["view"])
        return self._views.restore(snapshot["view"])

    def _compare(self, saved: Mapping[str, Any]) -> None:
        for name, array in rows_of(self._stepper.arrays).items():
            if not np.array_equal(array, np.asarray(saved[name])):
                raise RunError(
                    f"pettingzoo:{self._task} cannot be resumed: playing its seed and actions again gave "
                    f"another {name}; the environment must draw all its randomness from reset(seed=...)"
                )

    def diagnostics(self) -> Mapping[str, float]:
        return self._stepper.counters()

    def close(self) -> None:
        self._stepper.close()


def _generator(state: Mapping[str, Any]) -> np.random.Generator:
    bits: Any = np.random.PCG64()
    bits.state = dict(state)
    return np.random.Generator(bits)


def _world(layout: Layout, config: PettingZooConfig, num_envs: int) -> World:
    return World(
        num_envs=num_envs,
        agents=_agents(layout),
        obs_dim=layout.obs_dim,
        action_kind="discrete" if layout.discrete else "continuous",
        action_dim=layout.action_dim,
        state_dim=layout.state_dim,
        has_action_mask=layout.masked,
        reward_per_agent=config.reward == "individual",
        horizon=config.horizon,
        action_low=layout.action_low,
        action_high=layout.action_high,
    )


def _agents(layout: Layout) -> tuple[AgentInfo, ...]:
    """One group per name and size: by PettingZoo's convention `adversary_2` is one of the adversaries."""
    agents = []
    for agent in layout.agents:
        prefix, _, number = agent.name.rpartition("_")
        kind = prefix if number.isdigit() else agent.name
        group = f"{kind}:{agent.obs_dim}x{agent.action_dim}"
        agents.append(AgentInfo(agent.name, group, agent.obs_dim, agent.action_dim))
    return tuple(agents)
