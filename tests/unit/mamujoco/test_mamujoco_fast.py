"""The fast path equals what it replaces, bit for bit: gymnasium-robotics, and Gymnasium's own tasks."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import pytest
from mamujoco_drive import actions, generators, reset_ended

from marlzoo.envs.mamujoco.fast import FastEngine
from marlzoo.envs.mamujoco.partitions import SPLITS, TASKS, parse_task

FAST = [task for task in TASKS if parse_task(task).has_fast_path]


def _robotics(task: str, obsk: int, count: int) -> list[Any]:
    pytest.importorskip("gymnasium_robotics", reason="the reference, gymnasium-robotics, is not installed")
    from marlzoo.envs.mamujoco.reference import build_reference

    return [build_reference(parse_task(task), obsk) for _ in range(count)]


def _assert_same_view(engine: FastEngine, index: int, env: Any, observations: dict[str, Any]) -> None:
    for agent, name in enumerate(env.possible_agents):
        size = engine.shape.obs_dims[agent]
        np.testing.assert_array_equal(engine.obs[index, agent, :size], observations[name])
        assert not engine.obs[index, agent, size:].any()
    np.testing.assert_array_equal(engine.state[index], env.state())


def _compare_with_robotics(task: str, obsk: int, steps: int) -> int:
    """Step both side by side; returns how many episodes ended."""
    seeds = (3, 5)
    engine, envs = FastEngine(parse_task(task), obsk, 2), _robotics(task, obsk, 2)
    streams = generators(seeds)
    engine.reset([0, 1], streams)
    for index, env in enumerate(envs):
        _assert_same_view(engine, index, env, env.reset(seed=seeds[index])[0])
    endings = 0
    for joint in actions(engine, 2, steps):
        outcome = engine.step(joint)
        for index, env in enumerate(envs):
            rows = {
                name: joint[index, agent, : engine.shape.action_dims[agent]]
                for agent, name in enumerate(env.possible_agents)
            }
            observations, rewards, terminated, truncated, _ = env.step(rows)
            _assert_same_view(engine, index, env, observations)
            assert outcome.reward[index] == rewards["agent_0"]
            assert outcome.terminated[index] == terminated["agent_0"]
            assert outcome.truncated[index] == truncated["agent_0"]
        for index in reset_ended(engine, outcome, streams):
            endings += 1
            _assert_same_view(engine, index, envs[index], envs[index].reset()[0])
    return endings


@pytest.mark.parametrize("task", FAST)
def test_equals_gymnasium_robotics(task: str) -> None:
    endings = _compare_with_robotics(task, obsk=1, steps=100)
    if parse_task(task).scenario in ("Hopper", "Walker2d", "Humanoid", "Reacher"):
        assert endings > 0


@pytest.mark.parametrize("obsk", [0, 2, 4])
@pytest.mark.parametrize("task", ["HalfCheetah-6x1", "Ant-8x1", "Humanoid-17x1", "Reacher-2x1", "Pusher-3p"])
def test_equals_gymnasium_robotics_at_every_depth(task: str, obsk: int) -> None:
    _compare_with_robotics(task, obsk, steps=5)


@pytest.mark.slow
@pytest.mark.parametrize("task", FAST)
def test_equals_gymnasium_robotics_over_whole_episodes(task: str) -> None:
    assert _compare_with_robotics(task, obsk=1, steps=1010) > 0


@pytest.mark.parametrize("scenario", sorted(SPLITS))
def test_equals_gymnasium(scenario: str) -> None:
    """State, reward, ends and resets against the v5 task itself, which is always installed."""
    task = f"{scenario}-{next(iter(SPLITS[scenario]))}"
    engine, env = FastEngine(parse_task(task), 0, 1), gymnasium.make(f"{scenario}-v5")
    streams = generators([11])
    engine.reset([0], streams)
    np.testing.assert_array_equal(engine.state[0], env.reset(seed=11)[0])
    order = engine._control_source
    for joint in actions(engine, 1, 55):
        outcome = engine.step(joint)
        observation, reward, terminated, truncated, _ = env.step(
            np.ascontiguousarray(joint.reshape(-1)[order])
        )
        np.testing.assert_array_equal(engine.state[0], observation)
        assert (outcome.reward[0], outcome.terminated[0], outcome.truncated[0]) == (
            reward,
            terminated,
            truncated,
        )
        if reset_ended(engine, outcome, streams):
            np.testing.assert_array_equal(engine.state[0], env.reset()[0])


def test_the_time_limit_truncates() -> None:
    engine = FastEngine(parse_task("Reacher-2x1"), 1, 1)
    engine.reset([0], generators([0]))
    outcomes = [engine.step(joint) for joint in actions(engine, 1, 50)]
    assert [bool(outcome.truncated[0]) for outcome in outcomes] == [False] * 49 + [True]
    assert not any(outcome.terminated[0] for outcome in outcomes)
