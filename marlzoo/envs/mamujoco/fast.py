"""The fast path: one MuJoCo model, E `MjData`, one process, no per-agent Python.

After each physics step the arrays of all copies are gathered into one feature array `[E, F]`; observations
and state are one indexed read each. Results equal gymnasium-robotics bit for bit (tests/unit/mamujoco). What
that rests on: one `MjData` per copy for life, `mj_step` over the whole frame skip followed by
`mj_rnePostConstraint` where contact forces are used, resets through `mj_resetData` and `mj_forward`, and
float64 contiguous actions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import gymnasium
import mujoco
import numpy as np
from numpy.typing import NDArray

from marlzoo.envs.mamujoco.clock import untimed
from marlzoo.envs.mamujoco.engine import Engine, Floats, Outcome, TaskShape, read_physics, write_physics
from marlzoo.envs.mamujoco.partitions import Plan, TaskName, plan
from marlzoo.envs.mamujoco.rendering import Camera
from marlzoo.envs.mamujoco.scenarios import SCENARIOS, Blocks, Scenario


class FastEngine(Engine):
    """E copies of a task whose scenario is in `SCENARIOS`."""

    def __init__(self, task: TaskName, obsk: int, num_envs: int) -> None:
        template: Any = gymnasium.make(f"{task.scenario}-v5").unwrapped
        split = plan(task, obsk)
        self.version = f"mujoco {mujoco.__version__}, gymnasium {gymnasium.__version__}"
        self.shape = _shape(template, split)
        self._model = template.model
        _skip_needless_work(self._model)
        self._frame_skip = template.frame_skip
        self._seconds = template.dt
        self._rest = (template.init_qpos.copy(), template.init_qvel.copy())
        self._scenario: Scenario = SCENARIOS[task.scenario](self._model)
        self._data = [mujoco.MjData(self._model) for _ in range(num_envs)]
        self._controls = [data.ctrl for data in self._data]
        self._camera = Camera(template)
        self._elapsed = np.zeros(num_envs, np.int64)
        self._features = _Features(self._scenario, self._data, split, self.shape.obs_dim)
        self.obs = np.zeros((num_envs, self.shape.num_agents, self.shape.obs_dim))
        self.state = np.zeros((num_envs, self.shape.state_dim))
        self._control_source = _control_source(split)
        self._anchor = np.zeros(num_envs)

    def reset(self, indices: Sequence[int], generators: Sequence[np.random.Generator]) -> None:
        with untimed():
            for index, generator in zip(indices, generators, strict=True):
                data = self._data[index]
                mujoco.mj_resetData(self._model, data)
                data.qpos[:], data.qvel[:] = self._scenario.start(self._rest, generator)
                mujoco.mj_forward(self._model, data)
                self._elapsed[index] = 0
                self._look(slice(index, index + 1))
        self._features.observe_some(indices, self.obs, self.state)

    def step(self, actions: Floats) -> Outcome:
        # `take`, because indexing would return a transposed layout and change the last bit of row sums.
        control = np.take(actions.reshape(len(self._data), -1), self._control_source, axis=1)
        before = self._anchor.copy()
        self._advance(control)
        self._look(slice(None))
        self._show()
        velocity = (self._anchor - before) / self._seconds
        reward, terminated = self._scenario.judge(self._features.blocks, control, velocity)
        self._elapsed += 1
        return Outcome(reward, terminated, self._elapsed >= self.shape.horizon)

    def _advance(self, control: Floats) -> None:
        model, skip, step = self._model, self._frame_skip, mujoco.mj_step
        with untimed():
            for data, own, row in zip(self._data, self._controls, control, strict=True):
                own[:] = row
                step(model, data, skip)
            if self._scenario.contact_forces:
                for data in self._data:
                    mujoco.mj_rnePostConstraint(model, data)

    def _look(self, copies: slice) -> None:
        """Read features and anchors of some copies."""
        blocks = self._features.gather(copies)
        self._anchor[copies] = self._scenario.anchor(blocks)

    def _show(self) -> None:
        self._features.observe(self.obs, self.state)

    def capture(self) -> dict[str, Any]:
        return {
            "physics": np.stack([read_physics(self._model, data) for data in self._data]),
            "features": self._features.values.copy(),
            "anchor": self._anchor.copy(),
            "elapsed": self._elapsed.copy(),
        }

    def restore(self, saved: Mapping[str, Any]) -> None:
        for data, values in zip(self._data, saved["physics"], strict=True):
            write_physics(self._model, data, values)
        self._features.values[...] = saved["features"]
        self._anchor = np.array(saved["anchor"])
        self._elapsed = np.array(saved["elapsed"])
        self._show()

    def frame(self, index: int) -> NDArray[np.uint8]:
        return self._camera.frame(self._data[index])

    def close(self) -> None:
        self._camera.close()


class _Features:
    """The numbers of all copies side by side, `values [E, F + 1]`; the last column is the zero of the
    padding."""

    def __init__(self, scenario: Scenario, data: Sequence[Any], split: Plan, obs_dim: int) -> None:
        self._scenario = scenario
        self._views = [getattr(one, name).reshape(-1) for one in data for name in scenario.raw]
        raw = {name: view.size for name, view in zip(scenario.raw, self._views, strict=False)}
        self._raw = np.zeros((len(data), sum(raw.values())))
        sizes = raw | scenario.derived()
        ends = np.cumsum(list(sizes.values()))
        self.values = np.zeros((len(data), int(ends[-1]) + 1))
        self._starts = {name: int(end) - size for (name, size), end in zip(sizes.items(), ends, strict=True)}
        self._sizes = sizes
        self.blocks = {
            name: self.values[:, start : start + sizes[name]] for name, start in self._starts.items()
        }
        self._obs_index = self._padded_index(split, obs_dim)
        self._state_index = _state_index(scenario, self._starts, self._sizes)

    def _padded_index(self, split: Plan, obs_dim: int) -> NDArray[np.intp]:
        zero = self.values.shape[1] - 1
        index = np.full((len(split.sources), obs_dim), zero, np.intp)
        for agent, sources in enumerate(split.sources):
            for place, (block, number) in enumerate(sources):
                index[agent, place] = self._starts[block] + number % self._sizes[block]
        return index

    def gather(self, copies: slice) -> Blocks:
        """Copy the raw arrays out of some copies' `MjData`, derive the rest, and return those rows'
        blocks."""
        rows, width, arrays = self._raw[copies], self._raw.shape[1], len(self._scenario.raw)
        first = copies.indices(len(self._raw))[0] * arrays
        np.concatenate(self._views[first : first + len(rows) * arrays], out=rows.reshape(-1))
        self.values[copies, :width] = rows
        blocks = {name: block[copies] for name, block in self.blocks.items()}
        self._scenario.derive(blocks)
        return blocks

    def observe(self, obs: Floats, state: Floats) -> None:
        """Write observations `[E, N, O]` and states `[E, S]`."""
        np.take(self.values, self._obs_index, axis=1, out=obs, mode="clip")
        np.take(self.values, self._state_index, axis=1, out=state, mode="clip")

    def observe_some(self, copies: Sequence[int], obs: Floats, state: Floats) -> None:
        """The same for the rows of some copies."""
        rows = list(copies)
        values = self.values[rows]
        obs[rows] = np.take(values, self._obs_index, axis=1)
        state[rows] = np.take(values, self._state_index, axis=1)


def _skip_needless_work(model: Any) -> None:
    """Do not look for constraint islands in a robot of one kinematic tree: it is one island.

    With several trees (Pusher, Reacher) islands change the solver's arithmetic, so the search stays on there.
    The midphase of collision detection stays on for everybody: without it the order of contacts can change.
    """
    if model.ntree == 1:
        model.opt.disableflags |= int(getattr(mujoco.mjtDisableBit, "mjDSBL_ISLAND", 0))


def _state_index(scenario: Scenario, starts: Mapping[str, int], sizes: Mapping[str, int]) -> NDArray[np.intp]:
    parts = []
    for block, start, stop in scenario.state:
        last = sizes[block] if stop is None else stop
        parts.append(np.arange(starts[block] + start, starts[block] + last))
    return np.concatenate(parts)


def _control_source(split: Plan) -> NDArray[np.intp]:
    """For every actuator, where its number stands among the flattened, padded actions of all agents."""
    width = max(split.action_dims)
    source = {
        actuator: agent * width + place
        for agent, actuators in enumerate(split.actuators)
        for place, actuator in enumerate(actuators)
    }
    return np.array([source[actuator] for actuator in range(len(source))], np.intp)


def _shape(template: Any, split: Plan) -> TaskShape:
    return TaskShape(
        obs_dims=split.obs_dims,
        action_dims=split.action_dims,
        state_dim=template.observation_space.shape[0],
        horizon=gymnasium.spec(template.spec.id).max_episode_steps or 0,
        action_low=float(template.action_space.low[0]),
        action_high=float(template.action_space.high[0]),
    )
