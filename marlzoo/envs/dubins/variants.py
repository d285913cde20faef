"""The two published DubinsCar environments, as constants.

`plus` is the environment of GCBF+ (Zhang et al., 2024, gcbfplus), `v0` the one of its predecessor GCBF
(Zhang et al., CoRL 2023, gcbf-pytorch). Lengths are in arena units, times in seconds, angles in radians.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from marlzoo.errors import UsageError, nearest

DT = 0.03
"""Length of a step."""
SPEED_LIMIT = 0.8
CAR_RADIUS = 0.05

DynamicsName = Literal["plus", "v0"]
ReachWhen = Literal["any", "last"]
Control = Literal["raw", "residual"]


@dataclass(frozen=True)
class Variant:
    """One published environment."""

    name: DynamicsName
    control: Control
    """What the published step takes: the raw action, or a residual on top of the nominal controller."""
    action_limit: float
    """Turn command and acceleration are clipped to plus or minus this."""
    turn_gain: float
    """Radians per second per unit of turn command."""
    speed_clipped: bool
    """False where the published speed limit acts on the motion alone, and only forwards."""
    freeze_radius: float
    """A car nearer than this to its goal stands still for good."""
    reach_radius: float
    reach_when: ReachWhen
    """Whether a goal counts when it was reached at any time, or only when the car is there at the end."""
    sensing_radius: float
    heading_gain: float
    speed_gain: float
    distance_gain: float
    distance_cap: float
    """The nominal controller sees no goal as farther away than this."""
    guarded: bool
    """Whether the nominal controller refuses to accelerate beyond the speed limit."""
    start_gap: float
    """Least distance between two starts."""
    goal_gap: float
    obstacle_gap: float
    """Least distance of starts and goals from an obstacle."""
    density: float
    """Cars per unit area, which fixes the arena for any number of cars."""


PLUS = Variant(
    name="plus",
    control="raw",
    action_limit=3.0,
    turn_gain=20.0,
    speed_clipped=True,
    freeze_radius=0.025,
    reach_radius=0.1,
    reach_when="any",
    sensing_radius=0.5,
    heading_gain=1.0,
    speed_gain=2.5,
    distance_gain=2.3,
    distance_cap=0.5,
    guarded=False,
    start_gap=0.2,
    goal_gap=0.2,
    obstacle_gap=0.2,
    density=0.5,
)

V0 = Variant(
    name="v0",
    control="residual",
    action_limit=2.0,
    turn_gain=10.0,
    speed_clipped=False,
    freeze_radius=0.05,
    reach_radius=0.05,
    reach_when="last",
    sensing_radius=1.0,
    heading_gain=0.2,
    speed_gain=0.6,
    distance_gain=0.3,
    distance_cap=math.inf,
    guarded=True,
    start_gap=0.2,
    goal_gap=0.25,
    obstacle_gap=0.2,
    density=1.0,
)

_BY_NAME = {
    "plus": PLUS,
    "gcbfplus": PLUS,
    "gcbf+": PLUS,
    "v0": V0,
    "gcbf": V0,
    "gcbf-pytorch": V0,
}


def variant(name: str) -> Variant:
    """The published environment called `name`: `plus` (or `gcbfplus`), or `v0` (or `gcbf-pytorch`).

    Raises:
        UsageError: there is no such environment.
    """
    try:
        return _BY_NAME[name.lower()]
    except KeyError:
        hint = nearest(name, _BY_NAME)
        raise UsageError(f"unknown dynamics {name!r}{hint}") from None
