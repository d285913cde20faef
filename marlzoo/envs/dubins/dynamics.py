"""How a car moves and how the nominal controller drives it, car by car, in single or double precision.

The model is a unicycle with states `x, y, heading, speed` and actions `turn, acceleration`, integrated with
explicit Euler steps of 0.03 s; see `variants` for the two published sets of constants.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from marlzoo.envs.dubins.kernel import Floats, kernel
from marlzoo.envs.dubins.variants import DT, SPEED_LIMIT, Control, Variant, variant
from marlzoo.errors import UsageError

_STEERING_LIMIT = 5.0
_SOFTENING = 1e-4
_ALIGNED = 1e-6
# Single-precision constants promote nothing: with doubles they give doubles.
_ZERO, _ONE = np.float32(0), np.float32(1)


class Physics(NamedTuple):
    """The constants of one dynamics. Every number is a NumPy scalar of one float type."""

    dt: float
    turn_gain: float
    action_limit: float
    speed_limit: float
    """The speed is clipped to plus or minus this after a step."""
    pace_limit: float
    """No car moves forwards faster than this, whatever its speed."""
    freeze_radius: float
    heading_gain: float
    speed_gain: float
    distance_gain: float
    distance_cap: float
    steering_limit: float
    guard_speed: float
    softening: float
    aligned: float
    tame: bool
    """Clip the nominal action before a residual is added, so that full residuals can always cancel it."""


def make_physics(
    base: Variant, dtype: type[np.floating[Any]], *, turn_gain: float | None = None, compat: bool = True
) -> Physics:
    """The constants of `base` in the given float type.

    With `compat` the published code is followed to the letter: v0 then never clips the speed itself, only the
    forward motion. Without it the speed is clipped to plus or minus 0.8 in both.
    """
    clipped = base.speed_clipped or not compat
    numbers = {
        "dt": DT,
        "turn_gain": base.turn_gain if turn_gain is None else turn_gain,
        "action_limit": base.action_limit,
        "speed_limit": SPEED_LIMIT if clipped else math.inf,
        "pace_limit": math.inf if base.speed_clipped else SPEED_LIMIT,
        "freeze_radius": base.freeze_radius,
        "heading_gain": base.heading_gain,
        "speed_gain": base.speed_gain,
        "distance_gain": base.distance_gain,
        "distance_cap": base.distance_cap,
        "steering_limit": _STEERING_LIMIT,
        "guard_speed": SPEED_LIMIT if base.guarded else math.inf,
        "softening": _SOFTENING,
        "aligned": _ALIGNED,
    }
    return Physics(**{name: dtype(value) for name, value in numbers.items()}, tame=not compat)


@kernel
def clip(value: float, low: float, high: float) -> float:
    return min(max(value, low), high)


@kernel
def _left_when_aligned(heading: float, dx: float, dy: float) -> bool:
    """The published rule, which decides where the goal lies straight ahead or straight behind."""
    full = 2.0 * math.pi
    angle = heading % full
    difference = math.atan2(dy, dx) % full - angle
    if angle <= math.pi:
        return 0.0 <= difference < math.pi
    return not -math.pi < difference <= 0.0


@kernel
def turn_sign(
    heading: float, hx: float, hy: float, dx: float, dy: float, distance: float, physics: Physics
) -> float:
    """+1 where the short way to the goal is to the left, -1 where it is to the right."""
    cross = hx * dy - hy * dx
    aligned = abs(cross) <= physics.aligned * distance
    left = _left_when_aligned(heading, dx, dy) if aligned else cross > 0
    return _ONE if left else -_ONE


@kernel
def nominal_action(
    heading: float,
    hx: float,
    hy: float,
    speed: float,
    dx: float,
    dy: float,
    distance: float,
    physics: Physics,
) -> tuple[float, float]:
    """The nominal controller: turn towards the goal, and hold a speed that grows with the distance.

    `hx, hy` is the unit vector of the heading, `dx, dy` the way to the goal. It sees neither cars nor
    obstacles.
    """
    cosine = clip((dx * hx + dy * hy) / (distance + physics.softening), -_ONE, _ONE)
    sign = turn_sign(heading, hx, hy, dx, dy, distance, physics)
    turn = physics.heading_gain * sign * math.acos(cosine)
    accel = physics.distance_gain * min(distance, physics.distance_cap) - physics.speed_gain * speed
    if speed > physics.guard_speed:
        accel = min(accel, _ZERO)
    if speed < -physics.guard_speed:
        accel = max(accel, _ZERO)
    return clip(turn, -physics.steering_limit, physics.steering_limit), accel


@kernel
def total_action(
    turn: float, accel: float, nominal_turn: float, nominal_accel: float, residual: bool, physics: Physics
) -> tuple[float, float]:
    """The command that reaches the car, after the residual's sum and the clipping."""
    limit = physics.action_limit
    if residual:
        if physics.tame:
            nominal_turn = clip(nominal_turn, -limit, limit)
            nominal_accel = clip(nominal_accel, -limit, limit)
        turn = turn + nominal_turn
        accel = accel + nominal_accel
    return clip(turn, -limit, limit), clip(accel, -limit, limit)


@kernel
def advance(
    x: float,
    y: float,
    heading: float,
    speed: float,
    hx: float,
    hy: float,
    turn: float,
    accel: float,
    physics: Physics,
) -> tuple[float, float, float, float]:
    """One Euler step: the old heading and speed move the position."""
    pace = physics.dt * min(speed, physics.pace_limit)
    faster = speed + physics.dt * accel
    return (
        x + pace * hx,
        y + pace * hy,
        heading + physics.dt * physics.turn_gain * turn,
        clip(faster, -physics.speed_limit, physics.speed_limit),
    )


@kernel
def _step_rows(
    states: Floats, goals: Floats, actions: Floats, residual: bool, physics: Physics, out: Floats
) -> None:
    for i in range(len(states)):
        x, y, heading, speed = states[i, 0], states[i, 1], states[i, 2], states[i, 3]
        dx, dy = goals[i, 0] - x, goals[i, 1] - y
        distance = math.sqrt(dx * dx + dy * dy)
        out[i, 0], out[i, 1], out[i, 2], out[i, 3] = x, y, heading, speed
        if distance < physics.freeze_radius:
            continue
        hx, hy = math.cos(heading), math.sin(heading)
        aim = nominal_action(heading, hx, hy, speed, dx, dy, distance, physics)
        turn, accel = total_action(actions[i, 0], actions[i, 1], aim[0], aim[1], residual, physics)
        moved = advance(x, y, heading, speed, hx, hy, turn, accel, physics)
        out[i, 0], out[i, 1], out[i, 2], out[i, 3] = moved


@kernel
def _nominal_rows(states: Floats, goals: Floats, physics: Physics, out: Floats) -> None:
    for i in range(len(states)):
        heading = states[i, 2]
        dx, dy = goals[i, 0] - states[i, 0], goals[i, 1] - states[i, 1]
        distance = math.sqrt(dx * dx + dy * dy)
        hx, hy = math.cos(heading), math.sin(heading)
        out[i, 0], out[i, 1] = nominal_action(heading, hx, hy, states[i, 3], dx, dy, distance, physics)


def as_rows(array: ArrayLike, columns: int, name: str, dtype: Any) -> NDArray[Any]:
    """`array` as contiguous `[N, >= columns]`. Raises `UsageError` for any other shape."""
    rows = np.ascontiguousarray(array, dtype=dtype)
    if rows.ndim != 2 or rows.shape[1] < columns:
        raise UsageError(f"{name} has shape {rows.shape}; expected [N, {columns}]")
    return rows


def float_type(array: ArrayLike) -> type[np.floating[Any]]:
    """Single precision for single-precision input, double for everything else."""
    return np.float32 if np.asarray(array).dtype == np.float32 else np.float64


def step_states(
    states: ArrayLike,
    goals: ArrayLike,
    actions: ArrayLike,
    *,
    dynamics: str,
    control: Control | None = None,
    compat: bool = True,
) -> NDArray[Any]:
    """The states one step later, `[N, 4]` (x, y, heading, speed), computed in the float type of `states`.

    `goals` is `[N, 2]`. `actions [N, 2]` (turn, acceleration) are in the published units, not scaled to [-1,
    1]: the raw action for `dynamics="plus"`, and a residual on top of the nominal controller for `"v0"`, as
    the published code takes them; `control` overrides that. By default the published code's quirks are kept.

    Raises:
        UsageError: unknown dynamics, or shapes that do not fit.
    """
    base = variant(dynamics)
    dtype = float_type(states)
    rows = as_rows(states, 4, "states", dtype)
    targets, commands = as_rows(goals, 2, "goals", dtype), as_rows(actions, 2, "actions", dtype)
    if not len(rows) == len(targets) == len(commands):
        raise UsageError(
            f"states, goals and actions have {len(rows)}, {len(targets)} and {len(commands)} rows; "
            "expected one row per car in each"
        )
    physics = make_physics(base, dtype, compat=compat)
    moved = np.empty((len(rows), 4), dtype)
    _step_rows(rows, targets, commands, (control or base.control) == "residual", physics, moved)
    return moved


def nominal_controller(states: ArrayLike, goals: ArrayLike, *, dynamics: str) -> NDArray[Any]:
    """The nominal actions `[N, 2]` (turn, acceleration) for states `[N, 4]` and goals `[N, 2]`, not yet
    clipped to the action limit, in the float type of `states`.

    Raises:
        UsageError: unknown dynamics, or shapes that do not fit.
    """
    base = variant(dynamics)
    dtype = float_type(states)
    rows, targets = as_rows(states, 4, "states", dtype), as_rows(goals, 2, "goals", dtype)
    if len(rows) != len(targets):
        raise UsageError(f"there are {len(rows)} states and {len(targets)} goals; expected one goal per car")
    actions = np.empty((len(rows), 2), dtype)
    _nominal_rows(rows, targets, make_physics(base, dtype), actions)
    return actions
