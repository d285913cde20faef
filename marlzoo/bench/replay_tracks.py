"""What there is to see of an episode, gathered moment by moment: bodies on a plane, or pictures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from marlzoo.envs.contract import BatchedEnv
from marlzoo.envs.drawing import Drawable, Moment, Pictured, Scene
from marlzoo.errors import UsageError

MOST_VALUES = 16_000_000
"""Numbers that an episode may have to show, 64 MB of them: more makes no page that anybody can open."""
MOST_PICTURES = 300
"""Pictures of an episode. Longer ones are shown every second, third, ... step."""
_MARGIN = 0.08
"""Of the length shown, on either side."""


@dataclass(frozen=True)
class Track:
    """A `Scene` and its `Moment`s put together: arrays `[T + 1, U]`."""

    scene: Scene
    x: NDArray[np.float32]
    y: NDArray[np.float32]
    alive: NDArray[np.bool_]
    heading: NDArray[np.float32] | None
    target: NDArray[np.int32] | None
    goal_x: NDArray[np.float32] | None
    goal_y: NDArray[np.float32] | None
    gauges: Mapping[str, NDArray[np.float32]]
    marks: Mapping[str, NDArray[np.bool_]]

    @property
    def stage(self) -> tuple[float, float, float, float]:
        """Left, bottom, right and top of where anything happens: within the scene's bounds, with a margin,
        and at least half as high as it is wide and the other way round."""
        left, bottom, right, top = self.scene.bounds
        widest = 1.5 * max(body.radius for body in self.scene.bodies)
        across = _spread(self.x, self.goal_x, widest)
        up = _spread(self.y, self.goal_y, widest)
        x0, x1 = _widened(across, (up[1] - up[0]) / 2, left, right)
        y0, y1 = _widened(up, (x1 - x0) / 2, bottom, top)
        return x0, y0, x1, y1


def _spread(
    places: NDArray[np.float32], goals: NDArray[np.float32] | None, margin: float
) -> tuple[float, float]:
    """The least and the greatest of all coordinates, and some room."""
    least, greatest = float(places.min()), float(places.max())
    if goals is not None and not np.isnan(goals).all():
        least, greatest = min(least, float(np.nanmin(goals))), max(greatest, float(np.nanmax(goals)))
    room = margin + _MARGIN * (greatest - least)
    return least - room, greatest + room


def _widened(span: tuple[float, float], wanted: float, least: float, most: float) -> tuple[float, float]:
    """`span` at least `wanted` long, as far as `least` and `most` allow."""
    more = max(0.0, wanted - (span[1] - span[0])) / 2
    return max(least, span[0] - more), min(most, span[1] + more)


@dataclass(frozen=True)
class Film:
    """`pictures [P, height, width, 3]`, one for each of the moments in `steps [P]`."""

    pictures: NDArray[np.uint8]
    steps: NDArray[np.int32]


class Watching(Protocol):
    """Looks at an environment, the first time when it is made."""

    def look(self) -> None:
        """A step was taken."""

    def seen(self) -> Track | Film:
        """All of it."""


def watch(env: BatchedEnv, name: str) -> Watching:
    """Begin to watch copy 0 of an environment that has just been reset.

    Raises:
        UsageError: it can neither be drawn nor pictured.
    """
    if isinstance(env, Drawable):
        return _Drawing(env, name)
    if isinstance(env, Pictured):
        return _Filming(env)
    raise UsageError(
        f"{name} cannot be shown: its environment has neither 'scene' and 'moment' nor 'frame' "
        "(marlzoo.envs.drawing says what they are)"
    )


class _Drawing:
    def __init__(self, env: Drawable, name: str) -> None:
        self._env = env
        self._name = name
        self._scene = env.scene(0)
        self._moments = [env.moment(0)]

    def look(self) -> None:
        moment = self._env.moment(0)
        each = len(moment.x) * (8 + len(moment.gauges))
        if each * len(self._moments) > MOST_VALUES:
            raise UsageError(
                f"an episode of {self._name} is too large to show: {len(moment.x):,} bodies for more than "
                f"{len(self._moments):,} steps; replay it with fewer agents, by --env"
            )
        self._moments.append(moment)

    def seen(self) -> Track:
        moments, first = self._moments, self._moments[0]
        return Track(
            scene=self._scene,
            x=np.stack([moment.x for moment in moments]),
            y=np.stack([moment.y for moment in moments]),
            alive=np.stack([moment.alive for moment in moments]),
            heading=_stacked(moments, "heading"),
            target=_stacked(moments, "target"),
            goal_x=_stacked(moments, "goal_x"),
            goal_y=_stacked(moments, "goal_y"),
            gauges={name: np.stack([moment.gauges[name] for moment in moments]) for name in first.gauges},
            marks={name: np.stack([moment.marks[name] for moment in moments]) for name in first.marks},
        )


def _stacked(moments: list[Moment], name: str) -> Any:
    """An optional quantity over time, None where there is none."""
    rows = [getattr(moment, name) for moment in moments]
    return None if rows[0] is None else np.stack(rows)


class _Filming:
    """Keeps at most `MOST_PICTURES`: when there are more, every second one goes, and fewer are taken."""

    def __init__(self, env: Pictured) -> None:
        self._env = env
        self._step = 0
        self._stride = 1
        self._pictures = {0: env.frame(0)}

    def look(self) -> None:
        self._step += 1
        if self._step % self._stride == 0:
            self._pictures[self._step] = self._env.frame(0)
        if len(self._pictures) > MOST_PICTURES:
            self._stride *= 2
            self._pictures = {
                step: picture for step, picture in self._pictures.items() if step % self._stride == 0
            }

    def seen(self) -> Film:
        if self._step not in self._pictures:
            self._pictures[self._step] = self._env.frame(0)
        return Film(np.stack(list(self._pictures.values())), np.array(list(self._pictures), np.int32))
