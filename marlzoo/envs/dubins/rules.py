"""The task as a tuple of scalars that kernels take as an argument."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from marlzoo.envs.dubins.config import Settings
from marlzoo.envs.dubins.variants import CAR_RADIUS, DT, SPEED_LIMIT

REWARD_CODES = {"progress": 0, "gcbf": 1, "uref": 2, "dgppo": 3}


class Rules(NamedTuple):
    """Counts are Python integers, switches booleans, and every other number a single-precision scalar."""

    cars: int
    horizon: int
    residual: bool
    wants_nominal: bool
    """Whether the nominal action is observed, corrected or rewarded."""
    score_nominal: bool
    early_end: bool
    reach_at_end: bool
    compat: bool
    reward: int
    """One of `REWARD_CODES`."""
    shared_reward: bool
    push: float
    """Turn command and acceleration of an action of 1."""
    sensing_radius: float
    car_radius: float
    reach_radius: float
    collision_cost: float
    cost_weight: float
    travel_limit: float
    """Cars whose goal is at least this far away cannot reach it, whatever they do."""
    top_speed: float


def make_rules(settings: Settings) -> Rules:
    """The rules of a task."""
    return Rules(
        cars=settings.cars,
        horizon=settings.horizon,
        residual=settings.residual,
        wants_nominal=settings.residual or settings.reward == "uref",
        score_nominal=settings.score_nominal,
        early_end=settings.early_end,
        reach_at_end=settings.reach_at_end,
        compat=settings.compat,
        reward=REWARD_CODES[settings.reward],
        shared_reward=settings.shared_reward,
        push=np.float32(settings.action_scale * settings.variant.action_limit),
        sensing_radius=np.float32(settings.variant.sensing_radius),
        car_radius=np.float32(CAR_RADIUS),
        reach_radius=np.float32(settings.reach_radius),
        collision_cost=np.float32(settings.collision_cost),
        cost_weight=np.float32(settings.cost_weight),
        travel_limit=np.float32(travel_limit(settings)),
        top_speed=np.float32(SPEED_LIMIT),
    )


def travel_limit(settings: Settings) -> float:
    """How far away a goal may be for any policy to reach it within the horizon.

    The bound is the straight drive at full acceleration from rest, and the radius at which the goal counts as
    reached; the turn at the start is not subtracted. The published v0 does not limit the speed of a car that
    drives backwards, and where that quirk is kept, the bound has to allow it too.
    """
    backwards = settings.compat and not settings.variant.speed_clipped
    limit = math.inf if backwards else SPEED_LIMIT
    speeds = np.minimum(np.arange(settings.horizon) * (settings.variant.action_limit * DT), limit)
    return float(speeds.sum() * DT) + settings.reach_radius
