"""What an arena shows to those who draw it."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from marlzoo.envs.drawing import NEUTRAL, OURS, Drawable
from marlzoo.envs.dubins.batched import make
from marlzoo.envs.dubins.boxes import box_distance
from marlzoo.envs.dubins.config import DubinsConfig
from marlzoo.envs.dubins.drawing import _corners


def driven(task, steps=20, **arguments):
    env = make(task, DubinsConfig.model_validate(arguments), 2)
    env.reset(np.random.SeedSequence(1).spawn(2))
    generator = torch.Generator().manual_seed(0)
    for _ in range(steps):
        env.step(torch.rand(2, env.world.num_agents, 2, generator=generator) * 2 - 1)
        env.reset_done()
    return env


def test_a_moment_shows_the_cars_of_its_copy():
    env = driven("transfer-6")
    assert isinstance(env, Drawable)
    first, second = env.moment(0), env.moment(1)
    state = env.snapshot()
    for name in ("x", "y", "heading", "goal_x", "goal_y"):
        assert (np.concatenate([getattr(first, name), getattr(second, name)]) == state[f"cars.{name}"]).all()
    away = np.hypot(second.x - second.goal_x, second.y - second.goal_y)
    assert second.gauges["distance"] == pytest.approx(away, abs=1e-5)
    flags = env.flags()
    for mark, flag in (("arrived", "reach"), ("contact", "collision")):
        assert (np.stack([first.marks[mark], second.marks[mark]]) == flags[flag]).all()


def test_moving_points_are_bodies_of_nobody():
    env = driven("srsv-3", obstacles=4, area=4.0)
    scene, moment = env.scene(1), env.moment(1)
    assert [body.team for body in scene.bodies] == [OURS] * 3 + [NEUTRAL] * 4
    assert (moment.x[3:] == env.snapshot()["points.x"][4:]).all()
    assert np.isnan(moment.heading[3:]).all()
    assert np.isnan(moment.goal_x[3:]).all()
    assert not moment.marks["contact"][3:].any()
    assert {len(values) for values in (*moment.gauges.values(), *scene.gauges.values())} == {7}


def test_rectangles_are_walls():
    env = driven("hard-5")
    boxes = env.snapshot()["boxes"]
    assert boxes.shape[1] == 5
    for index in range(2):
        for polygon, box in zip(env.scene(index).walls, boxes[index], strict=True):
            centre = np.mean(polygon, axis=0)
            assert centre == pytest.approx(box[:2], abs=1e-5)
            for x, y in polygon:
                assert box_distance(np.float32(x), np.float32(y), box) == pytest.approx(0, abs=1e-5)
                assert math.dist((x, y), centre) == pytest.approx(math.hypot(box[2], box[3]), abs=1e-5)


def test_the_corners_of_a_rectangle_that_is_turned_by_a_right_angle():
    box = np.array([3, 5, 2, 1, math.cos(math.pi / 2), math.sin(math.pi / 2)], np.float32)
    corners = [(round(x, 4), round(y, 4)) for x, y in _corners(box)]
    assert corners == [(4, 3), (4, 7), (2, 7), (2, 3)]


def test_looking_changes_nothing():
    env = driven("hard-5")
    before = env.snapshot()
    env.scene(0)
    seen = env.moment(0)
    seen.x[:] = seen.heading[:] = 0
    after = env.snapshot()
    assert all(np.array_equal(before[key], after[key]) for key in before)
