"""How an environment lets itself be looked at: two optional protocols beside the contract.

A world that is a plane with bodies on it offers `Drawable`, one that has a camera offers `Pictured`; what has
neither trains and is evaluated all the same. Looking never changes an environment. The methods may be called
whenever a view is current, also between a `step` that ended an episode and `reset_done`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

Polygon = tuple[tuple[float, float], ...]

OURS, THEIRS, NEUTRAL = range(3)
"""Teams: the agents, their opponents, and what belongs to nobody."""


@dataclass(frozen=True)
class Body:
    """What stays the same about one body during an episode."""

    name: str
    kind: str
    team: int
    radius: float
    reach: float = 0.0
    """How far it shoots or sees, measured from its centre; 0 is not drawn."""


@dataclass(frozen=True)
class Scene:
    """What stays the same about U bodies and their ground during an episode. Lengths are in world units."""

    bounds: tuple[float, float, float, float]
    """Left, bottom, right and top of what is worth showing; y grows upwards."""
    bodies: tuple[Body, ...]
    """The agents first, in their order."""
    step_seconds: float
    """Seconds of the world's own time in one step."""
    walls: tuple[Polygon, ...] = ()
    actions: tuple[str, ...] = ()
    """Names of discrete actions, by number."""
    gauges: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    """`[U]` each: the largest value of every gauge of `Moment`, 0 for bodies that do not have it."""


@dataclass(frozen=True)
class Moment:
    """Where U bodies are, and how they are; every array is `[U]` and the caller's own.

    Gauges are shown as numbers and meters; `health` and `shield` are drawn beside the body as well. Marks are
    shown as words; `contact` is drawn as a warning, `arrived` as success.
    """

    x: NDArray[np.float32]
    y: NDArray[np.float32]
    alive: NDArray[np.bool_]
    heading: NDArray[np.float32] | None = None
    """Radians, 0 along x, counted against the clock."""
    target: NDArray[np.int32] | None = None
    """The body that each is after, -1 for none."""
    goal_x: NDArray[np.float32] | None = None
    """Where each is bound for, not a number for those who are bound nowhere."""
    goal_y: NDArray[np.float32] | None = None
    gauges: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    marks: Mapping[str, NDArray[np.bool_]] = field(default_factory=dict)


@runtime_checkable
class Drawable(Protocol):
    """Optional for a `BatchedEnv`: a plane with bodies on it."""

    def scene(self, index: int) -> Scene:
        """The ground and the bodies of copy `index`, in the episode at hand."""

    def moment(self, index: int) -> Moment:
        """The bodies of copy `index` as they are now."""


@runtime_checkable
class Pictured(Protocol):
    """Optional for a `BatchedEnv`: a camera."""

    def frame(self, index: int = 0) -> NDArray[np.uint8]:
        """A picture `[height, width, 3]` of copy `index`.

        Raises:
            MissingPieceError: nothing can render here; the message names what to install.
        """
