"""The rewards, one function each; `docs/dubins.md` has them as formulas, with their sources."""

from __future__ import annotations

import math

import numpy as np

from marlzoo.envs.dubins.dynamics import clip
from marlzoo.envs.dubins.kernel import Bools, Floats, kernel
from marlzoo.envs.dubins.rules import Rules
from marlzoo.envs.dubins.state import Cars, Deeds, Ledger, Senses

_ZERO, _HALF, _ONE = np.float32(0), np.float32(0.5), np.float32(1)
_ARRIVAL = np.float32(1.0)
_DELAY = np.float32(0.001)
_EFFORT = np.float32(0.0005)
_GCBF_REACH, _GCBF_CONTACT = np.float32(10.0), np.float32(0.1)
_GCBF_STEP, _GCBF_ACTION = np.float32(0.0001), np.float32(0.01)
_DGPPO_DISTANCE, _DGPPO_AWAY, _DGPPO_ACTION = np.float32(0.01), np.float32(0.001), np.float32(0.0001)
_DGPPO_THERE = np.float32(0.01)


@kernel
def _progress(
    low: int,
    high: int,
    cars: Cars,
    deeds: Deeds,
    senses: Senses,
    ledger: Ledger,
    rules: Rules,
    reward: Floats,
) -> None:
    """Progress to the goal, a bonus on arrival, and prices of contact, delay and effort."""
    for i in range(low, high):
        value = deeds.before[i] - cars.distance[i] - _EFFORT * deeds.effort[i]
        if senses.contact[i] or senses.hit[i]:
            value -= rules.collision_cost
        if ledger.reached_at[i] < 0:
            value += _ARRIVAL if cars.distance[i] < rules.reach_radius else -_DELAY
        reward[i] = value


@kernel
def _gcbf(
    low: int, high: int, cars: Cars, deeds: Deeds, senses: Senses, rules: Rules, reward: Floats
) -> None:
    """gcbf-pytorch: the change of the reach flag, and prices of contact, time and action.

    The published code charges every car for the summed actions of all, which grows with their number; without
    `compat` it is the mean.
    """
    effort = _ZERO
    for i in range(low, high):
        effort += rules.push * math.sqrt(deeds.effort[i])
    if not rules.compat:
        effort /= np.float32(high - low)
    for i in range(low, high):
        before = deeds.before[i] < rules.reach_radius
        value = -_GCBF_STEP - _GCBF_ACTION * effort
        if (cars.distance[i] < rules.reach_radius) != before:
            value += -_GCBF_REACH if before else _GCBF_REACH
        if senses.contact[i] or senses.hit[i]:
            value -= _GCBF_CONTACT
        reward[i] = value


@kernel
def _share(flags: Bools, low: int, high: int) -> float:
    count = 0
    for i in range(low, high):
        count += flags[i]
    return np.float32(count) / np.float32(high - low)


@kernel
def _uref(low: int, high: int, deeds: Deeds, ledger: Ledger, rules: Rules, reward: Floats) -> None:
    """GCBF+: imitate the nominal controller, at a cost for the share of cars in contact before the step."""
    deviation = _ZERO
    for i in range(low, high):
        deviation += deeds.deviation[i]
    cost = _share(ledger.was_contact, low, high) + _share(ledger.was_hit, low, high)
    reward[low:high] = -deviation / np.float32(high - low) - rules.cost_weight * cost


@kernel
def _violation(radius: float, gap: float) -> float:
    """How far two radii exceed a gap, moved away from zero by a half, and at most 1; 0 for a wide gap."""
    overlap = radius - gap
    return clip(overlap + _HALF, _ZERO, _ONE) if overlap >= 0 else _ZERO


@kernel
def _dgppo(
    low: int, high: int, cars: Cars, deeds: Deeds, senses: Senses, rules: Rules, reward: Floats
) -> None:
    """DGPPO: mean distance, mean of cars away from their goals and mean action, shared by the team; every car
    pays for its own violations."""
    team = _ZERO
    for i in range(low, high):
        team -= _DGPPO_DISTANCE * cars.distance[i] + _DGPPO_ACTION * rules.push * rules.push * deeds.effort[i]
        if cars.distance[i] > _DGPPO_THERE:
            team -= _DGPPO_AWAY
    team /= np.float32(high - low)
    for i in range(low, high):
        cost = _violation(rules.car_radius + rules.car_radius, senses.gap[i])
        cost += _ONE if senses.hit[i] else _ZERO
        reward[i] = team - rules.cost_weight * cost


@kernel
def _average(low: int, high: int, reward: Floats) -> None:
    """The mean, not the sum: the scale must not grow with the number of cars."""
    total = _ZERO
    for i in range(low, high):
        total += reward[i]
    reward[low:high] = total / np.float32(high - low)


@kernel
def write_rewards(
    low: int,
    high: int,
    cars: Cars,
    deeds: Deeds,
    senses: Senses,
    ledger: Ledger,
    rules: Rules,
    reward: Floats,
) -> None:
    """The rewards of one environment's cars, rows `low..high` of `reward`.

    The ledger must still be the one from before the step.
    """
    if rules.reward == 0:
        _progress(low, high, cars, deeds, senses, ledger, rules, reward)
    elif rules.reward == 1:
        _gcbf(low, high, cars, deeds, senses, rules, reward)
    elif rules.reward == 2:
        _uref(low, high, deeds, ledger, rules, reward)
    else:
        _dgppo(low, high, cars, deeds, senses, rules, reward)
    if rules.shared_reward:
        _average(low, high, reward)
