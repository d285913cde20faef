"""The grid's search against comparing all pairs, and LiDAR against intersecting every wall."""

from __future__ import annotations

import literal_dubins as oracle
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from marlzoo.envs.dubins.batched import make
from marlzoo.envs.dubins.config import DubinsConfig
from marlzoo.envs.dubins.neighbours import grid_side


def expected_neighbours(positions, radius, most):
    """The indices of each car's nearest others within the radius, ties to the lower index, padded with -1."""
    offsets = positions[None] - positions[:, None]
    squared = (offsets * offsets).sum(-1)
    np.fill_diagonal(squared, np.inf)
    order = np.argsort(squared, axis=1, kind="stable")[:, :most]
    inside = np.take_along_axis(squared, order, 1) < np.float32(radius * radius)
    padded = np.full((len(positions), most), -1)
    padded[:, : order.shape[1]] = np.where(inside, order, -1)
    return padded


def scatter(env, rng, spread):
    """Move all cars to random places, some outside the arena, and show the view."""
    snapshot = env.snapshot()
    for axis in ("x", "y"):
        low, high = -spread * env.settings.area, (1 + spread) * env.settings.area
        snapshot[f"cars.{axis}"] = rng.uniform(low, high, len(snapshot["cars.x"])).astype(np.float32)
    return env.restore(snapshot), snapshot


@pytest.mark.parametrize(
    ("task", "arguments"),
    [
        ("transfer-5", {"area": 1.0}),
        ("transfer-60", {}),
        ("transfer-300", {"area": 5.0}),
        ("srsv-200", {"nominal": False}),
        ("transfer-100", {"area": 100.0}),
    ],
)
@pytest.mark.parametrize("spread", [0.0, 0.3])
def test_neighbours_equal_comparing_all_pairs(task, arguments, spread):
    env = make(task, DubinsConfig.model_validate(arguments), 2)
    env.reset(np.random.SeedSequence(1).spawn(2))
    view, snapshot = scatter(env, np.random.default_rng(3), spread)
    cars, radius = env.settings.cars, env.settings.variant.sensing_radius
    positions = np.stack([snapshot["cars.x"], snapshot["cars.y"]], 1).reshape(2, cars, 2)
    for shown, places in zip(view.neighbours.numpy(), positions, strict=True):
        np.testing.assert_array_equal(shown, expected_neighbours(places, radius, 8))
    contacts = [oracle.in_contact(places) for places in positions]
    np.testing.assert_array_equal(env.flags()["car_collision"], contacts)


@given(st.floats(0.1, 1000), st.sampled_from([0.1, 0.5, 1.0]), st.integers(1, 200_000))
def test_cells_are_never_narrower_than_the_radius_nor_far_more_than_bodies(area, radius, bodies):
    side = grid_side(area, radius, bodies)
    assert side == 1 or area / side >= radius * (1 - 1e-12)
    assert side * side <= max(1, 4 * bodies)


@pytest.mark.parametrize("frame", ["body", "world"])
@pytest.mark.parametrize("spread", [0.0, 0.2])
def test_lidar_and_contacts_equal_intersecting_every_wall(frame, spread):
    env = make("hard-60", DubinsConfig(lidar_frame=frame, neighbours=2), 1)
    env.reset(np.random.SeedSequence(5).spawn(1))
    view, snapshot = scatter(env, np.random.default_rng(6), spread)
    shapes = snapshot["boxes"][0].astype(np.float64)
    boxes = [(x, y, 2 * a, 2 * b, np.arctan2(sin, cos)) for x, y, a, b, cos, sin in shapes]
    places = np.stack([snapshot["cars.x"], snapshot["cars.y"]], 1).astype(np.float64)
    touching = [any(oracle.near_rectangle(p, box, 0.05) for box in boxes) for p in places]
    assert env.flags()["obstacle_collision"][0].tolist() == touching
    ranges = view.obs[0, :, 17:].numpy()
    expected = np.empty_like(ranges)
    for i, place in enumerate(places):
        turn = snapshot["cars.heading"][i] if frame == "body" else 0.0
        for k in range(16):
            angle = turn - np.pi + 2 * np.pi * k / 16
            ray = (np.cos(angle), np.sin(angle))
            expected[i, k] = min(oracle.ray_range(place, ray, box, 0.5) for box in boxes) / 0.5
    # A ray that grazes a corner may hit in one precision and miss in the other.
    assert (np.abs(ranges - expected) > 1e-4).mean() < 0.002
    assert (expected < 1).any()
    assert (expected == 1).any()


def test_points_are_seen_like_cars():
    env = make("srsv-4", DubinsConfig(obstacles=60, area=6.0, neighbours=1, control="raw"), 1)
    env.reset(np.random.SeedSequence(2).spawn(1))
    view = env.step(torch.zeros(1, 4, 2)).view
    state = env.snapshot()
    for i in range(4):
        heading = np.array([np.cos(state["cars.heading"][i]), np.sin(state["cars.heading"][i])])
        frame = np.stack([heading, [-heading[1], heading[0]]])
        offsets = np.stack([state["points.x"], state["points.y"]], 1) - [
            state["cars.x"][i],
            state["cars.y"][i],
        ]
        nearest = np.argsort(np.linalg.norm(offsets, axis=1))[:4]
        seen = view.obs[0, i, 12:].reshape(4, 5).numpy()
        for token, p in zip(seen, nearest, strict=True):
            if np.linalg.norm(offsets[p]) < 1:
                velocity = np.array([state["points.vx"][p], state["points.vy"][p]])
                np.testing.assert_allclose(token[:2], frame @ offsets[p], atol=1e-5)
                np.testing.assert_allclose(token[2:4], frame @ velocity / 0.8, atol=1e-5)
                assert token[4] == 1
            else:
                assert (token == 0).all()
