"""What an episode comes to: reach, safety, success and their company, in the styles of both publications.

`docs/dubins.md` defines every name. One touch makes a car unsafe for the episode, and success is the
conjunction, per car, of safe and reached.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from marlzoo.envs.dubins.kernel import Floats, kernel
from marlzoo.envs.dubins.rules import Rules
from marlzoo.envs.dubins.state import Cars, Deeds, Ledger, Senses
from marlzoo.envs.dubins.variants import DT, PLUS, V0


class Results(NamedTuple):
    """Metrics of the last finished episode of every environment, each `[E]` float64."""

    success: Floats
    reach: Floats
    safe: Floats
    ceiling: Floats
    plus_reach: Floats
    plus_success: Floats
    v0_reach: Floats
    v0_success: Floats
    collision_rate: Floats
    collision_events: Floats
    time_to_goal: Floats
    time_to_goal_censored: Floats
    path_efficiency: Floats
    length: Floats
    horizon: Floats
    area: Floats
    nominal_success: Floats
    nominal_reach: Floats
    nominal_safe: Floats


NOMINAL_METRICS = ("nominal_success", "nominal_reach", "nominal_safe")
"""The metrics that are left out where the nominal controller is not scored."""


def make_results(envs: int, horizon: int, area: float) -> Results:
    """Room for the metrics of E environments, with the constants of the task filled in."""
    results = Results(**{name: np.zeros(envs, np.float64) for name in Results._fields})
    results.horizon[:] = horizon
    results.area[:] = area
    return results


_PLUS_RADIUS, _V0_RADIUS = np.float32(PLUS.reach_radius), np.float32(V0.reach_radius)


@kernel
def open_ledger(cars: Cars, senses: Senses, ledger: Ledger, low: int, high: int, rules: Rules) -> None:
    """Begin the books of an episode with the state at step 0, which counts for reach and safety."""
    for i in range(low, high):
        ledger.start_x[i], ledger.start_y[i], ledger.start_heading[i] = cars.x[i], cars.y[i], cars.heading[i]
        ledger.start_distance[i] = cars.distance[i]
        ledger.closest[i] = cars.distance[i]
        ledger.path[i] = 0
        ledger.reached_at[i] = 0 if cars.distance[i] < rules.reach_radius else -1
        ledger.contact_steps[i] = 0
        ledger.contact_events[i] = 0
        ledger.was_contact[i], ledger.was_hit[i] = senses.contact[i], senses.hit[i]
        ledger.unsafe[i] = senses.contact[i] or senses.hit[i]


@kernel
def keep_ledger(
    cars: Cars, senses: Senses, ledger: Ledger, deeds: Deeds, low: int, high: int, time: int, rules: Rules
) -> int:
    """Enter step `time` (1 for the first). Returns how many cars are at their goals now."""
    there = 0
    for i in range(low, high):
        at_goal = cars.distance[i] < rules.reach_radius
        there += at_goal
        if ledger.reached_at[i] < 0:
            ledger.path[i] += deeds.way[i]
            if at_goal:
                ledger.reached_at[i] = time
        ledger.closest[i] = min(ledger.closest[i], cars.distance[i])
        touching = senses.contact[i] or senses.hit[i]
        if touching:
            ledger.unsafe[i] = True
            ledger.contact_steps[i] += 1
            ledger.contact_events[i] += not (ledger.was_contact[i] or ledger.was_hit[i])
        ledger.was_contact[i], ledger.was_hit[i] = senses.contact[i], senses.hit[i]
    return there


@kernel
def _count_goals(env: int, cars: Cars, ledger: Ledger, rules: Rules, out: Results) -> None:
    """The shares of cars that are safe, that reached their goals, and that could have."""
    low, high = env * rules.cars, (env + 1) * rules.cars
    success = reach = safe = ceiling = plus_reach = plus_success = v0_reach = v0_success = 0
    for i in range(low, high):
        unharmed = not ledger.unsafe[i]
        there = cars.distance[i] < rules.reach_radius if rules.reach_at_end else ledger.reached_at[i] >= 0
        plus, v0 = ledger.closest[i] < _PLUS_RADIUS, cars.distance[i] < _V0_RADIUS
        success += unharmed and there
        reach += there
        safe += unharmed
        ceiling += ledger.start_distance[i] < rules.travel_limit
        plus_reach += plus
        plus_success += unharmed and plus
        v0_reach += v0
        v0_success += unharmed and v0
    out.success[env], out.reach[env] = success / rules.cars, reach / rules.cars
    out.safe[env], out.ceiling[env] = safe / rules.cars, ceiling / rules.cars
    out.plus_reach[env], out.plus_success[env] = plus_reach / rules.cars, plus_success / rules.cars
    out.v0_reach[env], out.v0_success[env] = v0_reach / rules.cars, v0_success / rules.cars


@kernel
def _measure_ways(env: int, ledger: Ledger, rules: Rules, out: Results) -> None:
    """Times and path lengths over the cars that reached their goals; the time limit and 0 if none did."""
    reached, steps, efficiency = 0, 0, 0.0
    for i in range(env * rules.cars, (env + 1) * rules.cars):
        if ledger.reached_at[i] >= 0:
            reached += 1
            steps += ledger.reached_at[i]
            driven = max(ledger.path[i], ledger.start_distance[i])
            efficiency += ledger.start_distance[i] / driven if driven > 0 else 1.0
    late = (rules.cars - reached) * rules.horizon
    out.time_to_goal[env] = DT * (steps / reached if reached else rules.horizon)
    out.time_to_goal_censored[env] = DT * (steps + late) / rules.cars
    out.path_efficiency[env] = efficiency / reached if reached else 0.0


@kernel
def _count_contacts(env: int, ledger: Ledger, time: int, rules: Rules, out: Results) -> None:
    steps = events = 0
    for i in range(env * rules.cars, (env + 1) * rules.cars):
        steps += ledger.contact_steps[i]
        events += ledger.contact_events[i]
    out.collision_rate[env] = steps / (rules.cars * time)
    out.collision_events[env] = events / rules.cars


@kernel
def close_ledger(env: int, cars: Cars, ledger: Ledger, time: int, rules: Rules, out: Results) -> None:
    """Write the metrics of an episode of `time` steps, except the nominal controller's, to entry `env`."""
    _count_goals(env, cars, ledger, rules, out)
    _measure_ways(env, ledger, rules, out)
    _count_contacts(env, ledger, time, rules, out)
    out.length[env] = time
