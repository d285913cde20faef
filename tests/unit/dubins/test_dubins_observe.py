"""Observations, worked out again from the state, and what they must not depend on."""

from __future__ import annotations

import literal_dubins as oracle
import numpy as np
import pytest
import torch

from marlzoo.envs.dubins.batched import make
from marlzoo.envs.dubins.config import DubinsConfig


def fresh(task="transfer-12", seed=4, steps=30, **arguments):
    """An environment some steps into an episode, so that speeds differ, and its state."""
    env = make(task, DubinsConfig.model_validate({"area": 2.0, **arguments}), 1)
    env.reset(np.random.SeedSequence(seed).spawn(1))
    generator = torch.Generator().manual_seed(seed)
    for _ in range(steps):
        env.step(torch.empty(1, env.world.num_agents, 2).uniform_(-1, 1, generator=generator))
        view = env.reset_done()
    return env, view, env.snapshot()


def literal_observation(state, i, found, settings):
    x, y, heading, speed = (state[f"cars.{key}"].astype(np.float64) for key in ("x", "y", "heading", "speed"))
    radius = settings.variant.sensing_radius
    h = np.array([np.cos(heading[i]), np.sin(heading[i])])
    frame = np.stack([h, [-h[1], h[0]]])
    away = np.array([state["cars.goal_x"][i] - x[i], state["cars.goal_y"][i] - y[i]])
    distance = np.linalg.norm(away)
    goal = frame @ away / max(distance, radius)
    row = [*goal, min(distance, 4) / 4, speed[i] / 0.8, *h, float(distance < settings.reach_radius)]
    moving = np.hypot(state["cars.goal_x"] - x, state["cars.goal_y"] - y) >= settings.variant.freeze_radius
    velocity = (np.where(moving, speed, 0) * np.stack([np.cos(heading), np.sin(heading)])).T
    for j in found:
        if j < 0:
            row += [0.0] * 5
        else:
            offset = frame @ np.array([x[j] - x[i], y[j] - y[i]]) / radius
            row += [*offset, *(frame @ (velocity[j] - velocity[i]) / 0.8), 1.0]
    if settings.residual:
        limit = settings.variant.action_limit
        aimed = oracle.nominal(
            (x[i], y[i], heading[i], speed[i]), away + np.array([x[i], y[i]]), settings.variant.name
        )
        row += [min(limit, max(-limit, u)) / limit for u in aimed]
    return row


@pytest.mark.parametrize("task", ["transfer-12", "srsv-12", "gcbfplus-12"])
def test_observations_say_what_the_state_says(task):
    env, view, state = fresh(task)
    for i in range(12):
        expected = literal_observation(state, i, view.neighbours[0, i].tolist(), env.settings)
        np.testing.assert_allclose(view.obs[0, i].numpy(), expected, atol=2e-4)
    assert (view.neighbours >= 0).any()


def test_moving_and_turning_the_world_changes_only_the_heading_vector():
    env, view, state = fresh(steps=40)
    before = view.obs.clone()
    angle, shift = 0.7, np.array([5.0, -3.0])
    turned = dict(state.items())
    for a, b in (("x", "y"), ("goal_x", "goal_y")):
        x, y = state[f"cars.{a}"].astype(np.float64), state[f"cars.{b}"].astype(np.float64)
        turned[f"cars.{a}"] = (np.cos(angle) * x - np.sin(angle) * y + shift[0]).astype(np.float32)
        turned[f"cars.{b}"] = (np.sin(angle) * x + np.cos(angle) * y + shift[1]).astype(np.float32)
    turned["cars.heading"] = (state["cars.heading"] + angle).astype(np.float32)
    after = env.restore(turned).obs
    same = [k for k in range(before.shape[-1]) if k not in (4, 5)]
    torch.testing.assert_close(after[..., same], before[..., same], atol=2e-3, rtol=0)
    assert (after[..., 4] - before[..., 4]).abs().max() > 0.1


def test_the_order_of_the_cars_does_not_matter():
    env, view, state = fresh(steps=40)
    obs, order = view.obs.clone(), np.random.default_rng(0).permutation(12)
    mixed = {k: v[order] if k.startswith(("cars.", "ledger.", "senses.")) else v for k, v in state.items()}
    torch.testing.assert_close(env.restore(mixed).obs, obs[:, order.tolist()], atol=0, rtol=0)


def test_width_does_not_depend_on_the_number_of_cars():
    widths = {make(f"transfer-{n}", DubinsConfig(), 1).world.obs_dim for n in (8, 64, 1000)}
    assert widths == {49}
    assert make("gcbfplus-8", DubinsConfig(), 1).world.obs_dim == 47
    assert make("hard-8", DubinsConfig(), 1).world.obs_dim == 63


def test_the_team_state_is_own_observation_and_the_mean():
    env = make("transfer-6", DubinsConfig(state="team"), 3)
    view = env.reset(np.random.SeedSequence(0).spawn(3))
    assert env.world.state_per_agent
    mean = view.obs.mean(dim=1, keepdim=True).expand_as(view.obs)
    torch.testing.assert_close(view.state, torch.cat([view.obs, mean], dim=-1))
