"""Every reward, recomputed from the states before and after the step."""

from __future__ import annotations

import literal_dubins as oracle
import numpy as np
import pytest
import torch

from marlzoo.envs.dubins.batched import make
from marlzoo.envs.dubins.config import DubinsConfig


def rollout(task, steps=120, seed=0, **arguments):
    """Yields the state before, actions, rewards and the state after each step in a crowded arena."""
    env = make(task, DubinsConfig.model_validate({"area": 1.2, "nominal": False, **arguments}), 1)
    env.reset(np.random.SeedSequence(seed).spawn(1))
    generator = torch.Generator().manual_seed(seed)
    for _ in range(steps):
        before = env.snapshot()
        actions = 0.3 * torch.randn(1, env.world.num_agents, 2, generator=generator)
        step = env.step(actions)
        reward = step.reward[0].numpy().astype(np.float64)
        yield env, before, actions[0].numpy().clip(-1, 1).astype(np.float64), reward, env.snapshot()
        if step.terminated | step.truncated:
            return


def distances(state):
    return np.hypot(state["cars.goal_x"] - state["cars.x"], state["cars.goal_y"] - state["cars.y"])


def contacts(state):
    return np.array(oracle.in_contact(np.stack([state["cars.x"], state["cars.y"]], 1).astype(np.float64)))


def test_progress():
    arrived, touched = 0, 0
    ever = None
    for _, before, actions, reward, after in rollout("transfer-6", collision_cost=0.3):
        ever = distances(before) < 0.1 if ever is None else ever
        there = distances(after) < 0.1
        touching = contacts(after)
        expected = distances(before) - distances(after) - 0.3 * touching
        expected += np.where(ever, 0, np.where(there, 1.0, -0.001)) - 0.0005 * (actions**2).sum(1)
        np.testing.assert_allclose(reward, expected, atol=1e-5)
        arrived += (there & ~ever).sum()
        touched += touching.sum()
        ever |= there
    assert arrived > 0
    assert touched > 0


@pytest.mark.parametrize("compat", [False, True])
def test_gcbf(compat):
    arrived = 0
    for _, before, actions, reward, after in rollout("srsv-6", steps=300, compat=compat):
        change = (distances(after) < 0.05).astype(float) - (distances(before) < 0.05)
        effort = 2 * np.linalg.norm(actions, axis=1)
        paid = 0.01 * (effort.sum() if compat else effort.mean())
        np.testing.assert_allclose(reward, 10 * change - 0.1 * contacts(after) - 0.0001 - paid, atol=1e-4)
        arrived += change.sum()
    assert arrived > 0


@pytest.mark.parametrize("control", ["raw", "residual"])
def test_uref(control):
    for _, before, actions, reward, _ in rollout(
        "transfer-6", reward="uref", cost_weight=2.0, control=control
    ):
        rows = zip(
            *(before[f"cars.{key}"] for key in ("x", "y", "heading", "speed", "goal_x", "goal_y")),
            strict=True,
        )
        aimed = np.array([oracle.nominal(row[:4], row[4:], "plus") for row in rows])
        total = 3 * actions + (aimed.clip(-3, 3) if control == "residual" else 0)
        expected = -((total.clip(-3, 3) - aimed) ** 2).sum(1).mean() - 2 * contacts(before).mean()
        np.testing.assert_allclose(reward, np.full(6, expected), rtol=1e-3, atol=1e-4)


def test_dgppo():
    touched = 0
    for _, _, actions, reward, after in rollout("transfer-6", reward="dgppo", cost_weight=3.0):
        away = distances(after)
        team = (-0.01 * away - 0.001 * (away > 0.01) - 0.0001 * 9 * (actions**2).sum(1)).mean()
        places = np.stack([after["cars.x"], after["cars.y"]], 1).astype(np.float64)
        gaps = np.linalg.norm(places[None] - places[:, None], axis=-1) + 9 * np.eye(6)
        overlap = 0.1 - gaps.min(1)
        cost = np.where(overlap >= 0, np.minimum(overlap + 0.5, 1), 0)
        np.testing.assert_allclose(reward, team - 3 * cost, atol=1e-5)
        touched += (overlap >= 0).sum()
    assert touched > 0


def test_shared_rewards_are_the_mean():
    own = [reward for *_, reward, _ in rollout("transfer-6", steps=20)]
    shared = [reward for *_, reward, _ in rollout("transfer-6", steps=20, shared_reward=True)]
    np.testing.assert_allclose(shared, np.repeat(np.mean(own, axis=1)[:, None], 6, 1), atol=1e-6)
