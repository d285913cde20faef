"""Thousands of cars: the published ceilings and baselines, and a hundred thousand cars at once."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from marlzoo.envs.dubins.batched import make
from marlzoo.envs.dubins.config import DubinsConfig

pytestmark = pytest.mark.slow


def idle_episode(task, envs, **arguments):
    """Mean episode metrics with actions of zero."""
    env = make(task, DubinsConfig.model_validate({"early_end": False, **arguments}), envs)
    env.reset(np.random.SeedSequence(2).spawn(envs))
    idle = torch.zeros(envs, env.world.num_agents, 2)
    for _ in range(env.settings.horizon):
        step = env.step(idle)
    return {name: float(values.mean()) for name, values in step.info.items()}


@pytest.mark.parametrize(
    ("task", "arguments", "ceiling", "nominal_reach"),
    # Shares of uniform start and goal pairs that any policy, and the nominal controller, can connect in time.
    [
        ("gcbfplus-64", {}, 0.54, 0.22),
        ("gcbfplus-256", {}, 0.18, 0.064),
        ("gcbfplus-1024", {}, 0.051, 0.017),
        ("gcbfplus-1024", {"horizon": 512}, 0.18, 0.065),
        ("srsv-256", {}, 0.79, 0.79),
        ("srsv-1024", {}, 0.31, 0.31),
        ("transfer-1024", {}, 1.0, 0.71),
    ],
)
def test_ceilings_and_nominal_reach_of_the_study(task, arguments, ceiling, nominal_reach):
    metrics = idle_episode(task, 4, **arguments)
    assert metrics["ceiling"] == pytest.approx(ceiling, abs=0.04)
    assert metrics["nominal_reach"] == pytest.approx(nominal_reach, abs=0.05)
    assert metrics["reach"] <= metrics["ceiling"]


def test_success_of_the_nominal_controller_at_a_thousand_cars():
    metrics = idle_episode("transfer-1024", 4, compat=True)
    assert metrics["nominal_success"] == pytest.approx(0.553, abs=0.03)
    assert metrics["nominal_safe"] == pytest.approx(0.773, abs=0.03)


def test_a_hundred_thousand_cars_see_their_true_neighbours():
    env = make("transfer-100000", DubinsConfig(horizon=20), 1)
    env.reset(np.random.SeedSequence(0).spawn(1))
    generator = torch.Generator().manual_seed(0)
    for _ in range(20):
        step = env.step(torch.empty(1, 100_000, 2).uniform_(-1, 1, generator=generator))
    state = env.snapshot()
    places = np.stack([state["cars.x"], state["cars.y"]], 1)
    for i in np.random.default_rng(0).integers(0, 100_000, 50):
        offsets = places - places[i]
        squared = (offsets * offsets).sum(1)
        squared[i] = np.inf
        expected = [j for j in np.argsort(squared, kind="stable")[:8] if squared[j] < 0.25]
        shown = step.view.neighbours[0, i].tolist()
        assert shown == expected + [-1] * (8 - len(expected))
    assert 0 < step.info["nominal_safe"][0] <= 1
