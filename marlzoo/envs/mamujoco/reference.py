"""The reference: gymnasium-robotics' `mamujoco_v1`, unchanged, one environment per copy.

Three things are passed in through its own arguments: the splits that the papers use and it lacks, names that
break a tie in Pusher, and `ManySegment*` models written to a temporary file of our own, because upstream
writes them into its installation under one fixed name.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import gymnasium
import mujoco
import numpy as np
from numpy.typing import NDArray

from marlzoo.envs.mamujoco.engine import Engine, Floats, Outcome, TaskShape, read_physics, write_physics
from marlzoo.envs.mamujoco.morphology import PUSHER_JOINTS
from marlzoo.envs.mamujoco.partitions import SPLIT_FURTHER, TaskName
from marlzoo.envs.mamujoco.rendering import Camera
from marlzoo.errors import MissingPieceError

_STALE = ("xpos", "xipos")
"""What a step reads of `MjData` from the step before, beside the integration state."""


class ReferenceEngine(Engine):
    """E environments of gymnasium-robotics, in float64, stacked."""

    def __init__(self, task: TaskName, obsk: int, num_envs: int) -> None:
        robotics = _import_robotics()
        self.version = ", ".join(
            f"{module.__name__} {module.__version__}" for module in (mujoco, gymnasium, robotics)
        )
        self._envs = [build_reference(task, obsk) for _ in range(num_envs)]
        self._names = self._envs[0].possible_agents
        self.shape = _shape(self._envs[0])
        self._cameras: dict[int, Camera] = {}
        self.obs = np.zeros((num_envs, self.shape.num_agents, self.shape.obs_dim))
        self.state = np.zeros((num_envs, self.shape.state_dim))

    def reset(self, indices: Sequence[int], generators: Sequence[np.random.Generator]) -> None:
        for index, generator in zip(indices, generators, strict=True):
            env = self._envs[index]
            env.single_agent_env.unwrapped.np_random = generator
            observations, _ = env.reset()
            self._show(index, observations)

    def step(self, actions: Floats) -> Outcome:
        results = [self._step_one(index, rows) for index, rows in enumerate(actions)]
        rewards, terminated, truncated = (np.array(column) for column in zip(*results, strict=True))
        return Outcome(rewards.astype(np.float64), terminated.astype(np.bool_), truncated.astype(np.bool_))

    def _step_one(self, index: int, rows: Floats) -> tuple[float, bool, bool]:
        widths = self.shape.action_dims
        joint = {name: rows[i, : widths[i]] for i, name in enumerate(self._names)}
        observations, rewards, terminated, truncated, _ = self._envs[index].step(joint)
        self._show(index, observations)
        first = self._names[0]
        return rewards[first], terminated[first], truncated[first]

    def _show(self, index: int, observations: Mapping[str, Floats]) -> None:
        for agent, name in enumerate(self._names):
            self.obs[index, agent, : self.shape.obs_dims[agent]] = observations[name]
        self.state[index] = self._envs[index].state()

    def capture(self) -> dict[str, Any]:
        cores = [env.single_agent_env.unwrapped for env in self._envs]
        return {
            "physics": np.stack([read_physics(core.model, core.data) for core in cores]),
            "stale": {name: np.stack([getattr(core.data, name) for core in cores]) for name in _STALE},
            "elapsed": np.array([_timer(env)._elapsed_steps for env in self._envs]),
            "obs": self.obs.copy(),
            "state": self.state.copy(),
        }

    def restore(self, saved: Mapping[str, Any]) -> None:
        for index, env in enumerate(self._envs):
            core = env.single_agent_env.unwrapped
            # A fresh Gymnasium environment refuses to step before it has been reset.
            env.reset(seed=0)
            write_physics(core.model, core.data, np.asarray(saved["physics"][index]))
            for name in _STALE:
                getattr(core.data, name)[...] = saved["stale"][name][index]
            _timer(env)._elapsed_steps = int(saved["elapsed"][index])
        self.obs[...] = saved["obs"]
        self.state[...] = saved["state"]

    def frame(self, index: int) -> NDArray[np.uint8]:
        core = self._envs[index].single_agent_env.unwrapped
        if index not in self._cameras:
            twin = gymnasium.make(core.spec.id, **core.spec.kwargs) if core.spec else core
            self._cameras[index] = Camera(twin.unwrapped)
        return self._cameras[index].frame(core.data)

    def close(self) -> None:
        for camera in self._cameras.values():
            camera.close()
        for env in self._envs:
            env.close()


def build_reference(task: TaskName, obsk: int) -> Any:
    """One environment of gymnasium-robotics for `task`.

    Raises:
        MissingPieceError: gymnasium-robotics is missing, or the installed mujoco cannot run the task.
    """
    _import_robotics()
    from gymnasium_robotics import mamujoco_v1

    with _single_agent_env(task) as base:
        try:
            return mamujoco_v1.parallel_env(
                task.scenario,
                task.partition,
                agent_obsk=obsk,
                agent_factorization=_factorization(task),
                gym_env=base,
            )
        except IndexError as error:
            if task.scenario != "CoupledHalfCheetah":
                raise
            raise MissingPieceError(
                f"CoupledHalfCheetah does not work with mujoco {mujoco.__version__} (a fault of "
                "gymnasium-robotics); it was seen to work with 3.5: pip install 'mujoco<3.6'"
            ) from error


def _import_robotics() -> Any:
    try:
        import gymnasium_robotics
    except ImportError as error:
        raise MissingPieceError(
            "this task runs in gymnasium-robotics, which is not installed: pip install 'marlzoo[robotics]'"
        ) from error
    return gymnasium_robotics


@contextlib.contextmanager
def _single_agent_env(task: TaskName) -> Iterator[Any]:
    """The whole robot of a `ManySegment*` task, built from a temporary model; None for every other task."""
    if not task.scenario.startswith("ManySegment"):
        yield None
        return
    from gymnasium_robotics.envs.multiagent_mujoco import many_segment_ant, many_segment_swimmer

    ant = task.scenario == "ManySegmentAnt"
    agents, per_agent = (int(number) for number in task.partition.split("x"))
    with tempfile.TemporaryDirectory(prefix="marlzoo-mujoco-") as folder:
        path = str(Path(folder) / "robot.xml")
        (many_segment_ant if ant else many_segment_swimmer).gen_asset(agents * per_agent, path)
        yield gymnasium.make("Ant-v5" if ant else "Swimmer-v5", xml_file=path)


def _factorization(task: TaskName) -> dict[str, Any] | None:
    """The argument `agent_factorization` for splits that upstream lacks, and for Pusher's namesakes."""
    parent = SPLIT_FURTHER.get((task.scenario, task.partition))
    if parent is None and task.scenario != "Pusher":
        return None
    from gymnasium_robotics.envs.multiagent_mujoco.obsk import get_parts_and_edges

    parts, edges, root = get_parts_and_edges(task.scenario, parent or task.partition)
    if parent is not None:
        parts = [(node,) for part in parts for node in part]
    else:
        for node, name in zip((node for part in parts for node in part), PUSHER_JOINTS, strict=True):
            node.label = name
    return {"partition": parts, "edges": edges, "globals": root}


def _timer(env: Any) -> Any:
    layer = env.single_agent_env
    while not isinstance(layer, gymnasium.wrappers.TimeLimit):
        layer = layer.env
    return layer


def _shape(env: Any) -> TaskShape:
    observed = tuple(env.observation_space(name).shape[0] for name in env.possible_agents)
    driven = tuple(env.action_space(name).shape[0] for name in env.possible_agents)
    bounds = env.action_space(env.possible_agents[0])
    return TaskShape(
        obs_dims=observed,
        action_dims=driven,
        state_dim=len(env.state()),
        horizon=int(_timer(env)._max_episode_steps),
        action_low=float(bounds.low[0]),
        action_high=float(bounds.high[0]),
    )
