"""The arrays behind E arenas of N cars: what is true of the world, and what an episode has seen so far.

Per-car arrays are flat, `[E * N]`: the cars of environment e are rows `e * N` to `(e + 1) * N`. All lengths
are in arena units, all speeds in units per second; everything is single precision.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeVar, get_type_hints

import numpy as np

from marlzoo.envs.dubins.config import POINT_TOKENS, Settings
from marlzoo.envs.dubins.kernel import Bools, Floats, Ints

A = TypeVar("A")


class Cars(NamedTuple):
    """Where the cars are and what follows from it directly; every field is `[E * N]`."""

    x: Floats
    y: Floats
    heading: Floats
    speed: Floats
    goal_x: Floats
    goal_y: Floats
    hx: Floats
    """Unit vector of the heading."""
    hy: Floats
    vx: Floats
    """Velocity; zero for a car that stands at its goal."""
    vy: Floats
    distance: Floats
    """To the goal."""
    nominal_turn: Floats
    """The nominal action, not yet clipped; zero where nothing asks for it."""
    nominal_accel: Floats


class Deeds(NamedTuple):
    """What the last step did, for the reward; every field is `[E * N]`."""

    before: Floats
    """Distance to the goal before the step."""
    way: Floats
    """Length of the way driven in the step."""
    effort: Floats
    """Squared norm of the action, in [0, 2]."""
    deviation: Floats
    """Squared distance of the command from the nominal action, in published units."""


class Senses(NamedTuple):
    """Contacts of the present moment; every field is `[E * N]`."""

    contact: Bools
    """Another car is nearer than two radii."""
    hit: Bools
    """An obstacle is touched."""
    gap: Floats
    """Distance to the nearest car, at most the sensing radius."""
    obstacle_gap: Floats
    """Distance to the nearest obstacle, at most the sensing radius."""


class Ledger(NamedTuple):
    """What the episode has seen so far; every field is `[E * N]`."""

    start_x: Floats
    start_y: Floats
    start_heading: Floats
    start_distance: Floats
    closest: Floats
    """Least distance to the goal so far, the start included."""
    path: Floats
    """Length of the way driven until the goal was first reached."""
    reached_at: Ints
    """The step in which the goal was first reached, -1 for never."""
    contact_steps: Ints
    contact_events: Ints
    """How often a contact began."""
    was_contact: Bools
    was_hit: Bools
    unsafe: Bools
    """In contact with anything at any time so far."""


class Points(NamedTuple):
    """Point obstacles, which move straight on for ever; every field is `[E * P]`."""

    x: Floats
    y: Floats
    vx: Floats
    vy: Floats
    start_x: Floats
    start_y: Floats


class Found(NamedTuple):
    """Scratch room for one car's nearest bodies: places in the sorted order and squared distances."""

    cars: Ints
    car_distances: Floats
    points: Ints
    point_distances: Floats


_DTYPES: dict[object, type[np.generic]] = {Floats: np.float32, Ints: np.int32, Bools: np.bool_}


def zeros(kind: Callable[..., A], length: int) -> A:
    """A tuple of the given kind whose fields are zeros `[length]` of the annotated types."""
    return kind(**{name: np.zeros(length, _DTYPES[hint]) for name, hint in get_type_hints(kind).items()})


def make_found(settings: Settings) -> Found:
    """Room for as many neighbours and points as a car observes."""
    return Found(
        cars=np.zeros(settings.neighbours, np.int32),
        car_distances=np.zeros(settings.neighbours, np.float32),
        points=np.zeros(POINT_TOKENS, np.int32),
        point_distances=np.zeros(POINT_TOKENS, np.float32),
    )
