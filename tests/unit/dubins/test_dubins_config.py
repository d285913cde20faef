"""Task names, presets and what follows from them."""

from __future__ import annotations

import math

import pytest

from marlzoo.envs.dubins.config import PRESETS, DubinsConfig, resolve
from marlzoo.envs.dubins.rules import travel_limit
from marlzoo.envs.dubins.spec import DUBINS
from marlzoo.errors import UsageError


@pytest.mark.parametrize(
    ("task", "area"), [("srsv-64", 8.0), ("gcbfplus-8", 4.0), ("transfer-1024", 45.2548)]
)
def test_the_arena_keeps_the_density(task, area):
    assert resolve(task, DubinsConfig()).area == pytest.approx(area, abs=1e-4)


def test_the_spec_lists_the_presets():
    assert {task.partition("-")[0] for task in DUBINS.tasks} == set(PRESETS)
    for task in DUBINS.tasks:
        assert resolve(task, DubinsConfig()).cars == int(task.rpartition("-")[2])


def test_arguments_win_over_the_preset():
    config = DubinsConfig(control="raw", max_travel="free", obstacles=3, area=9.0, dynamics="v0")
    settings = resolve("transfer-8", config)
    assert (settings.control, settings.max_travel, settings.area) == ("raw", math.inf, 9.0)
    assert (settings.points, settings.boxes, settings.variant.name) == (3, 0, "v0")
    assert resolve("hard-64", DubinsConfig()).boxes == 64


@pytest.mark.parametrize(
    ("task", "message"),
    [
        ("transfer", "is not"),
        ("transfer-x", "is not"),
        ("transfr-8", "did you mean 'transfer'"),
        ("transfer-0", "choose from 1"),
    ],
)
def test_unknown_tasks_are_refused(task, message):
    with pytest.raises(UsageError, match=message):
        resolve(task, DubinsConfig())


@pytest.mark.parametrize(
    ("dynamics", "horizon", "limit"),
    # The table of travel limits that was worked out for the published settings, plus the radius of reaching.
    [("plus", 256, 6.1), ("plus", 512, 12.3), ("v0", 500, 11.9), ("v0", 2500, 59.9)],
)
def test_travel_limit_of_the_published_settings(dynamics, horizon, limit):
    settings = resolve("gcbfplus-8", DubinsConfig(dynamics=dynamics, horizon=horizon))
    assert travel_limit(settings) == pytest.approx(limit, abs=0.06)


def test_the_unlimited_reverse_gear_raises_the_ceiling():
    settings = resolve("srsv-8", DubinsConfig(compat=True))
    assert travel_limit(settings) == pytest.approx(0.5 * 2 * 15**2, rel=0.01)
    assert travel_limit(resolve("transfer-8", DubinsConfig(compat=True))) < 6.2
