"""One step of a whole batch, fused: drive, sense, reward, keep the books; and the start of an episode."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from marlzoo.envs.dubins.boxes import make_boxes
from marlzoo.envs.dubins.config import Settings
from marlzoo.envs.dubins.dynamics import Physics
from marlzoo.envs.dubins.kernel import Bools, Floats, Ints, Words, kernel
from marlzoo.envs.dubins.metrics import Results, close_ledger, keep_ledger, make_results, open_ledger
from marlzoo.envs.dubins.motion import aim, command, drift, drive
from marlzoo.envs.dubins.neighbours import make_grid
from marlzoo.envs.dubins.nominal import Shadow, make_shadow, score_nominal
from marlzoo.envs.dubins.observe import Surroundings, ray_directions, sense, write_team_state
from marlzoo.envs.dubins.rewards import write_rewards
from marlzoo.envs.dubins.rules import Rules
from marlzoo.envs.dubins.spawn import Spawner, make_spawner, spawn
from marlzoo.envs.dubins.state import Cars, Deeds, Ledger, Points, Senses, make_found, zeros


class Arena(NamedTuple):
    """The state of E environments, and the scratch room that stepping them needs.

    Handing an array to a kernel costs a third of a microsecond, so what only the first and the last moment of
    an episode need is kept apart, in `Backstage`.
    """

    cars: Cars
    deeds: Deeds
    senses: Senses
    ledger: Ledger
    around: Surroundings
    commands: Floats
    """`[E * N, 2]`: the actions in published units."""
    team_mean: Floats
    """`[O]`, scratch."""
    time: Ints
    """`[E]`: steps since the episode began."""
    streams: Words
    """`[E]`: see `streams`."""


class Backstage(NamedTuple):
    """What the start and the end of an episode need beside the `Arena`."""

    shadow: Shadow
    spawner: Spawner
    results: Results


class Outputs(NamedTuple):
    """What a step writes; two of them take turns. Per-car arrays are flat, `[E * N, ...]`."""

    obs: Floats
    neighbours: NDArray[np.int64]
    places: Floats
    """`[E * N, 2]`."""
    state: Floats
    reward: Floats
    first: Bools
    terminated: Bools
    truncated: Bools


def make_arena(settings: Settings, envs: int) -> Arena:
    """Room for E environments; nothing is spawned yet."""
    rows, base = envs * settings.cars, settings.variant
    around = Surroundings(
        grid=make_grid(settings.area, base.sensing_radius, settings.cars, np.float32),
        boxes=make_boxes(envs, settings.boxes, settings.area, base.sensing_radius, np.float32),
        points=zeros(Points, envs * settings.points),
        point_grid=make_grid(settings.area, base.sensing_radius, settings.points, np.float32),
        rays=ray_directions(settings.lidar_rays),
        rays_turn=settings.lidar_in_body_frame,
        found=make_found(settings),
    )
    return Arena(
        cars=zeros(Cars, rows),
        deeds=zeros(Deeds, rows),
        senses=zeros(Senses, rows),
        ledger=zeros(Ledger, rows),
        around=around,
        commands=np.zeros((rows, 2), np.float32),
        team_mean=np.zeros(settings.obs_dim, np.float32),
        time=np.zeros(envs, np.int32),
        streams=np.zeros(envs, np.uint64),
    )


def make_backstage(settings: Settings, envs: int) -> Backstage:
    """The rest of it."""
    return Backstage(
        shadow=make_shadow(settings),
        spawner=make_spawner(settings),
        results=make_results(envs, settings.horizon, settings.area),
    )


def make_outputs(settings: Settings, envs: int) -> Outputs:
    """One set of output arrays."""
    rows = envs * settings.cars
    return Outputs(
        obs=np.zeros((rows, settings.obs_dim), np.float32),
        neighbours=np.full((rows, settings.neighbours), -1, np.int64),
        places=np.zeros((rows, 2), np.float32),
        state=np.zeros((rows, settings.state_dim), np.float32),
        reward=np.zeros(rows, np.float32),
        first=np.zeros(envs, np.bool_),
        terminated=np.zeros(envs, np.bool_),
        truncated=np.zeros(envs, np.bool_),
    )


@kernel
def all_finite(actions: Floats) -> bool:
    """Whether no number of `actions [E * N, 2]` is infinite or not a number."""
    strays = 0
    for i in range(len(actions)):
        strays += not (math.isfinite(actions[i, 0]) and math.isfinite(actions[i, 1]))
    return strays == 0


@kernel
def _show(env: int, arena: Arena, rules: Rules, physics: Physics, out: Outputs) -> None:
    """Write the view of one environment, whose cars are up to date."""
    for i in range(env * rules.cars, (env + 1) * rules.cars):
        out.places[i, 0], out.places[i, 1] = arena.cars.x[i], arena.cars.y[i]
    sense(env, arena.cars, arena.senses, arena.around, rules, physics, out.obs, out.neighbours)
    if out.state.shape[1]:
        write_team_state(env, rules.cars, out.obs, arena.team_mean, out.state)


@kernel
def _step_one(env: int, actions: Floats, arena: Arena, rules: Rules, physics: Physics, out: Outputs) -> bool:
    """Returns whether the episode ended."""
    low, high = env * rules.cars, (env + 1) * rules.cars
    cars, deeds, senses, ledger = arena.cars, arena.deeds, arena.senses, arena.ledger
    dots = len(arena.around.point_grid.order)
    command(cars, deeds, low, high, actions, rules, physics, arena.commands)
    drive(cars, low, high, rules.residual, arena.commands, physics)
    drift(arena.around.points, env * dots, (env + 1) * dots, physics)
    aim(cars, low, high, rules.wants_nominal, physics)
    _show(env, arena, rules, physics, out)
    write_rewards(low, high, cars, deeds, senses, ledger, rules, out.reward)
    arena.time[env] += 1
    there = keep_ledger(cars, senses, ledger, deeds, low, high, arena.time[env], rules)
    out.first[env] = False
    out.terminated[env] = rules.early_end and there == rules.cars
    out.truncated[env] = arena.time[env] >= rules.horizon and not out.terminated[env]
    return out.terminated[env] or out.truncated[env]


@kernel
def step_all(actions: Floats, arena: Arena, rules: Rules, physics: Physics, out: Outputs) -> int:
    """Advance every environment by one step; `actions` is `[E * N, 2]`, clipped to [-1, 1].

    Returns how many episodes ended.
    """
    ended = 0
    for env in range(len(arena.time)):
        ended += _step_one(env, actions, arena, rules, physics, out)
    return ended


@kernel
def finish_all(arena: Arena, backstage: Backstage, rules: Rules, physics: Physics, out: Outputs) -> None:
    """Write the metrics of the episodes that ended in the last step."""
    boxes, points = arena.around.boxes, arena.around.points
    for env in range(len(arena.time)):
        if out.terminated[env] or out.truncated[env]:
            close_ledger(env, arena.cars, arena.ledger, arena.time[env], rules, backstage.results)
            if rules.score_nominal:
                shadow, results = backstage.shadow, backstage.results
                score_nominal(env, arena.cars, arena.ledger, boxes, points, shadow, rules, physics, results)


@kernel
def spawn_all(which: Bools, arena: Arena, spawner: Spawner) -> int:
    """Draw new layouts for the environments `which [E]`.

    Returns how many layouts had to be given up, or -1 if none fits into the arena.
    """
    restarts = 0
    for env in range(len(which)):
        if which[env]:
            boxes, points = arena.around.boxes, arena.around.points
            again = spawn(env, arena.cars, boxes, points, spawner, arena.streams)
            if again < 0:
                return -1
            restarts += again
            arena.time[env] = 0
    return restarts


@kernel
def show_all(which: Bools, arena: Arena, rules: Rules, physics: Physics, out: Outputs) -> None:
    """Write the views of the environments `which [E]` as they stand; at step 0 an episode begins."""
    for env in range(len(which)):
        if which[env]:
            low, high = env * rules.cars, (env + 1) * rules.cars
            aim(arena.cars, low, high, rules.wants_nominal, physics)
            _show(env, arena, rules, physics, out)
            out.first[env] = arena.time[env] == 0
            if out.first[env]:
                open_ledger(arena.cars, arena.senses, arena.ledger, low, high, rules)
