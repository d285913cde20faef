"""What a DubinsCar arena looks like: cars, goals and obstacles."""

from __future__ import annotations

import numpy as np

from marlzoo.envs.drawing import NEUTRAL, OURS, Body, Moment, Polygon, Scene
from marlzoo.envs.dubins.boxes import LONGEST_SIDE
from marlzoo.envs.dubins.config import Settings
from marlzoo.envs.dubins.kernel import Floats
from marlzoo.envs.dubins.rules import Rules
from marlzoo.envs.dubins.step import Arena
from marlzoo.envs.dubins.variants import CAR_RADIUS, DT, SPEED_LIMIT

_MARGIN = LONGEST_SIDE / 2


class DrawnArena:
    """Makes an environment `Drawable` that has these attributes. Moving points are bodies after the cars."""

    settings: Settings
    _arena: Arena
    _rules: Rules

    def scene(self, index: int) -> Scene:
        """The arena of one copy; its rectangles are drawn anew for every episode."""
        settings = self.settings
        reach, far = float(self._rules.sensing_radius), settings.area
        cars = [Body(f"car_{i}", "car", OURS, CAR_RADIUS, reach) for i in range(settings.cars)]
        points = [Body(f"point_{i}", "point", NEUTRAL, CAR_RADIUS) for i in range(settings.points)]
        return Scene(
            bounds=(-_MARGIN, -_MARGIN, far + _MARGIN, far + _MARGIN),
            bodies=(*cars, *points),
            step_seconds=DT,
            walls=tuple(_corners(box) for box in self._arena.around.boxes.shapes[index]),
            gauges={
                "speed": self._with_points(np.full(settings.cars, SPEED_LIMIT, np.float32), 0),
                "distance": self._with_points(np.full(settings.cars, far, np.float32), 0),
            },
        )

    def moment(self, index: int) -> Moment:
        """The cars and points of one copy as they are now."""
        cars, senses, points = self._arena.cars, self._arena.senses, self._arena.around.points
        own = slice(index * self.settings.cars, (index + 1) * self.settings.cars)
        moving = slice(index * self.settings.points, (index + 1) * self.settings.points)
        marks = {
            "arrived": cars.distance[own] < self._rules.reach_radius,
            "contact": senses.contact[own] | senses.hit[own],
        }
        return Moment(
            x=np.concatenate([cars.x[own], points.x[moving]]),
            y=np.concatenate([cars.y[own], points.y[moving]]),
            alive=np.ones(self.settings.cars + self.settings.points, np.bool_),
            heading=self._with_points(cars.heading[own], np.nan),
            goal_x=self._with_points(cars.goal_x[own], np.nan),
            goal_y=self._with_points(cars.goal_y[own], np.nan),
            gauges={
                "speed": self._with_points(np.abs(cars.speed[own]), 0),
                "distance": self._with_points(cars.distance[own], 0),
            },
            marks={name: np.pad(values, (0, self.settings.points)) for name, values in marks.items()},
        )

    def _with_points(self, values: Floats, rest: float) -> Floats:
        """Values of the cars, followed by `rest` for each point."""
        return np.concatenate([values, np.full(self.settings.points, rest, np.float32)])


def _corners(box: Floats) -> Polygon:
    """The corners of a rectangle, given as `boxes.BOX_COLUMNS` says."""
    x, y, half_width, half_height, cos, sin = (float(value) for value in box)
    signs = ((-1, -1), (1, -1), (1, 1), (-1, 1))
    sides = [(a * half_width, b * half_height) for a, b in signs]
    return tuple((x + cos * a - sin * b, y + sin * a + cos * b) for a, b in sides)
