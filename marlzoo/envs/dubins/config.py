"""Arguments and presets of the DubinsCar family, and what a task name stands for.

A task is `<preset>-<cars>`. An argument that is left out has the preset's value; `resolve` puts the two
together.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Annotated, Literal, TypeVar

from pydantic import Field

from marlzoo.config import EnvConfig
from marlzoo.envs.dubins.variants import PLUS, V0, Control, DynamicsName, ReachWhen, Variant, variant
from marlzoo.errors import UsageError, nearest

Reward = Literal["progress", "gcbf", "uref", "dgppo"]
T = TypeVar("T")

OWN_FEATURES = 7
NEIGHBOUR_FEATURES = 5
POINT_TOKENS = 4
"""How many of the nearest moving points a car sees."""
MOST_CARS = 1_000_000


class DubinsConfig(EnvConfig):
    """Arguments of `dubins:<preset>-<cars>`; whatever is not given comes from the preset."""

    dynamics: DynamicsName | None = Field(default=None, description="plus: GCBF+; v0: gcbf-pytorch.")
    control: Control | None = Field(
        default=None,
        description="raw: the action drives the car; residual: it is added to the nominal controller.",
    )
    action_scale: float | None = Field(
        default=None,
        gt=0,
        le=1,
        description="Share of the published action limit that an action of 1 commands.",
    )
    turn_gain: float | None = Field(
        default=None, gt=0, le=20, description="Radians per second per unit of turn."
    )
    reward: Reward | None = Field(
        default=None, description="progress, gcbf, uref or dgppo; see docs/dubins.md."
    )
    shared_reward: bool = Field(default=False, description="Give every car the mean of all cars' rewards.")
    collision_cost: float = Field(
        default=0.2, ge=0, description="reward=progress: price of a step in contact."
    )
    cost_weight: float = Field(default=1.0, ge=0, description="reward=uref and dgppo: weight of the cost.")
    horizon: int | None = Field(default=None, ge=1, le=100_000, description="Time limit in steps of 0.03 s.")
    area: float | None = Field(default=None, gt=0, le=10_000, description="Side of the square arena.")
    max_travel: Annotated[float, Field(gt=0)] | Literal["free"] | None = Field(
        default=None, description="Greatest distance from start to goal, or free."
    )
    obstacles: int | None = Field(
        default=None, ge=0, le=MOST_CARS, description="Rectangles (plus) or points (v0)."
    )
    lidar_rays: int = Field(default=16, ge=1, le=256, description="Rays per car, where there are rectangles.")
    lidar_frame: Literal["body", "world"] = Field(default="body", description="What the rays are fixed to.")
    neighbours: int = Field(default=8, ge=1, le=64, description="How many of the nearest cars a car sees.")
    state: Literal["none", "team"] = Field(
        default="none", description="team: a state per car, its own observation beside the team's mean."
    )
    early_end: bool | None = Field(default=None, description="End the episode once every car is at its goal.")
    reach_radius: float | None = Field(
        default=None, gt=0, description="Distance at which a goal counts as reached."
    )
    reach_when: ReachWhen | None = Field(
        default=None, description="Count a goal reached at any time, or at the end."
    )
    nominal: bool = Field(
        default=True, description="Score the nominal controller on the layout of every finished episode."
    )
    compat: bool = Field(default=False, description="Keep the published implementations' quirks.")


@dataclass(frozen=True)
class Preset:
    """What a preset's name stands for."""

    variant: Variant
    control: Control
    reward: Reward
    horizon: int
    max_travel: float = math.inf
    obstacles_per_car: float = 0.0
    early_end: bool = False
    action_scale: float = 1.0


PRESETS = {
    "srsv": Preset(V0, "residual", "gcbf", horizon=500, early_end=True),
    "gcbfplus": Preset(PLUS, "raw", "progress", horizon=256),
    "hard": Preset(PLUS, "raw", "progress", horizon=256, obstacles_per_car=1.0),
    "transfer": Preset(PLUS, "residual", "progress", horizon=256, max_travel=4.0),
}


@dataclass(frozen=True)
class Settings:
    """A task with every argument filled in. Lengths are in arena units, `horizon` in steps."""

    cars: int
    variant: Variant
    control: Control
    action_scale: float
    turn_gain: float
    reward: Reward
    shared_reward: bool
    collision_cost: float
    cost_weight: float
    horizon: int
    area: float
    max_travel: float
    boxes: int
    points: int
    lidar_rays: int
    lidar_in_body_frame: bool
    neighbours: int
    team_state: bool
    early_end: bool
    reach_radius: float
    reach_at_end: bool
    score_nominal: bool
    compat: bool

    @property
    def residual(self) -> bool:
        return self.control == "residual"

    @property
    def obs_dim(self) -> int:
        """Features of one car: own, neighbours, obstacles, and the nominal action where it is corrected."""
        obstacles = self.lidar_rays if self.boxes else POINT_TOKENS * NEIGHBOUR_FEATURES if self.points else 0
        nominal = 2 if self.residual else 0
        return OWN_FEATURES + NEIGHBOUR_FEATURES * self.neighbours + obstacles + nominal

    @property
    def state_dim(self) -> int:
        return 2 * self.obs_dim if self.team_state else 0


def parse_task(task: str) -> tuple[Preset, int]:
    """The preset and the number of cars of `"<preset>-<cars>"`.

    Raises:
        UsageError: the name has another form, an unknown preset or an impossible number of cars.
    """
    match = re.fullmatch(r"([a-z0-9+_]+)-([0-9]+)", task)
    if match is None:
        raise UsageError(f"dubins task {task!r} is not '<preset>-<cars>'; for example 'transfer-8'")
    name, cars = match[1], int(match[2])
    if name not in PRESETS:
        raise UsageError(f"unknown dubins preset {name!r}{nearest(name, PRESETS)}")
    if not 1 <= cars <= MOST_CARS:
        raise UsageError(f"dubins task {task!r} asks for {cars} cars; choose from 1 to {MOST_CARS}")
    return PRESETS[name], cars


def _or(given: T | None, default: T) -> T:
    return default if given is None else given


def _travel(limit: float | Literal["free"]) -> float:
    return math.inf if limit == "free" else limit


def resolve(task: str, config: DubinsConfig) -> Settings:
    """Fill in what `config` leaves to the preset of `task`.

    Raises:
        UsageError: no such task.
    """
    preset, cars = parse_task(task)
    base = preset.variant if config.dynamics is None else variant(config.dynamics)
    obstacles = _or(config.obstacles, round(preset.obstacles_per_car * cars))
    rectangles = base is PLUS
    return Settings(
        cars=cars,
        variant=base,
        control=_or(config.control, preset.control),
        action_scale=_or(config.action_scale, preset.action_scale),
        turn_gain=_or(config.turn_gain, base.turn_gain),
        reward=_or(config.reward, preset.reward),
        shared_reward=config.shared_reward,
        collision_cost=config.collision_cost,
        cost_weight=config.cost_weight,
        horizon=_or(config.horizon, preset.horizon),
        area=_or(config.area, math.sqrt(cars / base.density)),
        max_travel=_travel(_or(config.max_travel, preset.max_travel)),
        boxes=obstacles if rectangles else 0,
        points=0 if rectangles else obstacles,
        lidar_rays=config.lidar_rays,
        lidar_in_body_frame=config.lidar_frame == "body",
        neighbours=config.neighbours,
        team_state=config.state == "team",
        early_end=_or(config.early_end, preset.early_end),
        reach_radius=_or(config.reach_radius, base.reach_radius),
        reach_at_end=_or(config.reach_when, base.reach_when) == "last",
        score_nominal=config.nominal,
        compat=config.compat,
    )
