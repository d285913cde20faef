"""Episode metrics, recomputed from the whole trajectory of an episode."""

from __future__ import annotations

import literal_dubins as oracle
import numpy as np
import pytest
import torch

from marlzoo.envs.dubins import flags
from marlzoo.envs.dubins.batched import make
from marlzoo.envs.dubins.config import DubinsConfig


def drive_episode(task, noise=0.0, seed=0, **arguments):
    """The states `[T + 1, N, 4]` and goals of one episode, its rectangles, and the metrics at its end."""
    env = make(task, DubinsConfig.model_validate(arguments), 1)
    env.reset(np.random.SeedSequence(seed).spawn(1))
    generator = torch.Generator().manual_seed(seed)
    states = [env.snapshot()]
    while True:
        step = env.step(noise * torch.randn(1, env.world.num_agents, 2, generator=generator))
        states.append(env.snapshot())
        if step.terminated | step.truncated:
            break
    rows = np.array([np.stack([s[f"cars.{k}"] for k in ("x", "y", "heading", "speed")], 1) for s in states])
    goals = np.stack([states[0]["cars.goal_x"], states[0]["cars.goal_y"]], 1)
    metrics = {name: float(value[0]) for name, value in step.info.items()}
    return env, rows, goals, states[0]["boxes"][0], metrics


def literal_flags(rows, goals, shapes, name):
    boxes = np.array([(x, y, 2 * a, 2 * b, np.arctan2(s, c)) for x, y, a, b, c, s in shapes]).reshape(-1, 5)
    obstacles = boxes if len(boxes) else None
    found = [flags(state, goals, dynamics=name, obstacles=obstacles) for state in rows]
    return np.array([f.collision for f in found])


@pytest.mark.parametrize(
    ("task", "arguments"),
    [
        ("transfer-20", {}),
        ("hard-20", {"control": "residual"}),
        ("srsv-20", {}),
        ("srsv-9", {"horizon": 120}),
    ],
)
def test_metrics_follow_their_definitions(task, arguments):
    env, rows, goals, shapes, metrics = drive_episode(task, noise=0.1, **arguments)
    plus = env.settings.variant.name == "plus"
    collision = literal_flags(rows, goals, shapes, env.settings.variant.name)
    distance = np.linalg.norm(rows[:, :, :2] - goals, axis=-1)
    safe = ~collision.any(axis=0)
    finished, ended = (distance < 0.1).any(axis=0), distance[-1] < 0.05
    reached = finished if plus else ended
    expected = {
        "reach": reached.mean(),
        "safe": safe.mean(),
        "success": (safe & reached).mean(),
        "plus_reach": finished.mean(),
        "plus_success": (safe & finished).mean(),
        "v0_reach": ended.mean(),
        "v0_success": (safe & ended).mean(),
        "collision_rate": collision[1:].mean(),
        "collision_events": (collision[1:] & ~collision[:-1]).sum(axis=0).mean(),
        "length": len(rows) - 1,
        "horizon": env.settings.horizon,
        "area": env.settings.area,
    }
    assert {name: metrics[name] for name in expected} == pytest.approx(expected)
    first = np.argmax(distance < env.settings.reach_radius, axis=0)[reached]
    late = (~reached).sum() * env.settings.horizon
    if reached.any():
        assert metrics["time_to_goal"] == pytest.approx(0.03 * first.mean())
    assert metrics["time_to_goal_censored"] == pytest.approx(0.03 * (first.sum() + late) / len(goals))
    assert 0 <= metrics["path_efficiency"] <= 1
    assert metrics["reach"] <= metrics["ceiling"]


def test_idle_residuals_score_what_the_nominal_controller_scores():
    for task in ("transfer-30", "srsv-16"):
        for arguments in ({}, {"obstacles": 10, "area": 8.0}):
            *_, metrics = drive_episode(task, seed=3, **arguments)
            for name in ("reach", "safe", "success"):
                assert metrics[name] == metrics[f"nominal_{name}"], (task, name)


def test_a_straight_drive_is_efficient_and_a_detour_is_not():
    *_, straight = drive_episode("transfer-1", seed=1)
    *_, detour = drive_episode("transfer-1", noise=0.5, seed=1)
    assert straight["reach"] == 1
    assert straight["path_efficiency"] > 0.9
    assert detour["path_efficiency"] < straight["path_efficiency"]


def full_speed_ahead(env):
    """Turn to the goal and drive as fast as the car can."""
    state = env.snapshot()
    rows = np.stack([state[f"cars.{key}"] for key in ("x", "y", "heading", "speed")], 1)
    goals = np.stack([state["cars.goal_x"], state["cars.goal_y"]], 1)
    actions = np.array([oracle.nominal(row, goal, "plus") for row, goal in zip(rows, goals, strict=True)])
    actions[:, 1] = 3.0
    return torch.from_numpy((actions / 3).astype(np.float32))[None]


def test_the_fastest_drive_comes_close_to_the_ceiling_and_not_above():
    env = make("gcbfplus-200", DubinsConfig(horizon=120, area=5.0), 1)
    env.reset(np.random.SeedSequence(0).spawn(1))
    for _ in range(120):
        step = env.step(full_speed_ahead(env))
    reach, ceiling = step.info["plus_reach"][0], step.info["ceiling"][0]
    assert 0.2 < ceiling < 0.9
    assert ceiling - 0.1 < reach <= ceiling


def test_travel_within_the_limit_makes_the_ceiling_one():
    *_, metrics = drive_episode("transfer-64")
    assert metrics["ceiling"] == 1.0


@pytest.mark.parametrize(
    ("task", "arguments", "published"),
    [
        # The study's figures for the nominal controller: reach, safe, success of the original code.
        ("transfer-8", {"max_travel": "free"}, (0.865, 0.744, 0.652)),
        ("transfer-8", {"compat": True}, (0.891, 0.742, 0.666)),
        ("hard-8", {}, (0.883, 0.465, 0.434)),
        ("srsv-8", {"compat": True}, (1.0, 0.68, 0.68)),
        ("transfer-64", {"compat": True}, (0.750, 0.739, 0.560)),
    ],
)
def test_nominal_scores_of_the_original_code(task, arguments, published):
    envs = 192 if task.endswith("-8") else 48
    env = make(task, DubinsConfig.model_validate({"horizon": None, **arguments, "early_end": False}), envs)
    env.reset(np.random.SeedSequence(11).spawn(envs))
    idle = torch.zeros(envs, env.world.num_agents, 2)
    for _ in range(env.world.horizon):
        step = env.step(idle)
    scores = [step.info[f"nominal_{name}"].mean() for name in ("reach", "safe", "success")]
    # The original figures come from 64 episodes or fewer, with a spread of about 0.2 per episode.
    assert scores == pytest.approx(published, abs=0.06)
