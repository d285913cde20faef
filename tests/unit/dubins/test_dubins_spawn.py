"""Distances that a layout keeps, with and without the published quirks."""

from __future__ import annotations

import literal_dubins as oracle
import numpy as np
import pytest

from marlzoo.envs.dubins.batched import make
from marlzoo.envs.dubins.config import DubinsConfig
from marlzoo.errors import UsageError


def layout(task, seed=0, **arguments):
    env = make(task, DubinsConfig.model_validate(arguments), 1)
    env.reset(np.random.SeedSequence(seed).spawn(1))
    state = env.snapshot()
    starts = np.stack([state["cars.x"], state["cars.y"]], 1).astype(np.float64)
    goals = np.stack([state["cars.goal_x"], state["cars.goal_y"]], 1).astype(np.float64)
    return env, state, starts, goals


def least_gap(places):
    gaps = np.linalg.norm(places[None] - places[:, None], axis=-1)
    np.fill_diagonal(gaps, np.inf)
    return gaps.min()


@pytest.mark.parametrize("compat", [False, True])
@pytest.mark.parametrize(("task", "start_gap", "goal_gap"), [("hard-200", 0.2, 0.2), ("srsv-150", 0.2, 0.25)])
def test_starts_and_goals_keep_their_distances(task, start_gap, goal_gap, compat):
    env, state, starts, goals = layout(task, compat=compat)
    assert least_gap(starts) > start_gap - 1e-6
    assert least_gap(goals) > goal_gap - 1e-6
    for places in (starts, goals):
        assert places.min() >= 0
        assert places.max() <= env.settings.area
    assert (np.abs(state["cars.heading"]) <= np.float32(np.pi)).all()
    assert (state["cars.speed"] == 0).all()
    if compat:
        assert np.linalg.norm(np.concatenate([starts, goals]), axis=1).min() > 0.2 - 1e-6


def test_rectangles_stay_clear_of_starts_and_goals():
    _, state, starts, goals = layout("hard-100")
    shapes = state["boxes"][0].astype(np.float64)
    boxes = [(x, y, 2 * a, 2 * b, np.arctan2(sin, cos)) for x, y, a, b, cos, sin in shapes]
    for place in np.concatenate([starts, goals]):
        assert not any(oracle.near_rectangle(place, box, 0.2 - 1e-6) for box in boxes)
    assert (shapes[:, 2:4] >= 0.05).all()
    assert (shapes[:, 2:4] <= 0.3).all()


def test_points_stay_clear_of_starts_and_goals():
    _, state, starts, goals = layout("srsv-50", obstacles=50, area=10.0)
    points = np.stack([state["points.x"], state["points.y"]], 1)
    gaps = np.linalg.norm(np.concatenate([starts, goals])[:, None] - points[None], axis=-1)
    assert gaps.min() > 0.2 - 1e-6
    assert (np.hypot(state["points.vx"], state["points.vy"]) <= 0.2 + 1e-6).all()


def test_travel_is_limited_to_a_disc_and_the_published_square():
    _, _, starts, goals = layout("transfer-1000")
    travel = goals - starts
    assert np.linalg.norm(travel, axis=1).max() <= 4 + 1e-5
    assert np.abs(travel.mean(axis=0)).max() < 0.3
    _, _, starts, goals = layout("srsv-1000", max_travel=4.0, compat=True)
    assert np.abs(goals - starts).max() <= 4 + 1e-5
    assert np.linalg.norm(goals - starts, axis=1).max() > 4


def test_the_published_goals_are_biased_to_the_upper_right():
    _, _, starts, goals = layout("transfer-1000", compat=True)
    assert (goals - starts).mean() > 0.5


def test_too_small_an_arena_is_an_error():
    env = make("transfer-50", DubinsConfig(area=1.0), 1)
    with pytest.raises(UsageError, match="find no places"):
        env.reset(np.random.SeedSequence(0).spawn(1))
