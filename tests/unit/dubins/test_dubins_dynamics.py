"""The public functions against the literal oracle and values worked out by hand."""

from __future__ import annotations

import math

import literal_dubins as oracle
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marlzoo.envs.dubins import flags, nominal_controller, step_states
from marlzoo.errors import UsageError


def random_rows(seed, count=200, spread=3.0):
    rng = np.random.default_rng(seed)
    states = np.column_stack(
        [
            rng.uniform(-1, spread, (count, 2)),
            rng.uniform(-20, 20, count),
            rng.uniform(-1.2, 1.2, count),
        ]
    )
    goals = states[:, :2] + rng.normal(size=(count, 2)) * rng.choice([0.01, 0.03, 0.3, 3.0], (count, 1))
    return states, goals, rng.uniform(-5, 5, (count, 2))


@pytest.mark.parametrize("dynamics", ["plus", "v0"])
@pytest.mark.parametrize("seed", range(3))
def test_step_follows_the_published_formulas(dynamics, seed):
    states, goals, actions = random_rows(seed)
    moved = step_states(states, goals, actions, dynamics=dynamics)
    expected = [oracle.step(tuple(s), g, a, dynamics) for s, g, a in zip(states, goals, actions, strict=True)]
    assert moved.dtype == np.float64
    np.testing.assert_allclose(moved, expected, rtol=0, atol=1e-13)


@pytest.mark.parametrize("dynamics", ["plus", "v0"])
@pytest.mark.parametrize("seed", range(3))
def test_nominal_controller_follows_the_published_formulas(dynamics, seed):
    states, goals, _ = random_rows(seed)
    expected = [oracle.nominal(s, g, dynamics) for s, g in zip(states, goals, strict=True)]
    np.testing.assert_allclose(
        nominal_controller(states, goals, dynamics=dynamics), expected, rtol=0, atol=1e-11
    )


@pytest.mark.parametrize("dynamics", ["plus", "v0"])
@given(
    heading=st.sampled_from(
        [0.0, math.pi / 2, math.pi, 1.5 * math.pi, -math.pi / 2, -math.pi, 7.5 * math.pi]
    ),
    goal=st.sampled_from([(1.0, 0.0), (0.0, 1.0), (-1.0, 0.0), (0.0, -1.0), (0.0, 0.0)]),
)
@settings(max_examples=35, deadline=None)
def test_the_published_sign_decides_straight_ahead_and_straight_behind(dynamics, heading, goal):
    states = np.array([[0.0, 0.0, heading, 0.1]])
    expected = oracle.nominal(states[0], goal, dynamics)
    got = nominal_controller(states, np.array([goal]), dynamics=dynamics)[0]
    np.testing.assert_allclose(got, expected, rtol=0, atol=1e-12)


def test_a_step_by_hand():
    state = np.array([[1.0, 2.0, 0.0, 0.5]])
    goal = np.array([[3.0, 2.0]])
    plus = step_states(state, goal, np.array([[0.5, 9.0]]), dynamics="plus")
    np.testing.assert_allclose(plus, [[1.015, 2.0, 0.3, 0.59]], atol=1e-15)
    # v0: acceleration -0.6 * 0.5 + 0.3 * 2 = 0.3, plus the residual of 1.
    turn = 0.2 * math.acos(2 / 2.0001) + 0.5
    v0 = step_states(state, goal, np.array([[0.5, 1.0]]), dynamics="v0")
    np.testing.assert_allclose(v0, [[1.015, 2.0, 0.3 * turn, 0.5 + 0.03 * 1.3]], atol=1e-15)


def test_quirks_of_the_speed_limit():
    far = np.array([[0.0, 0.0, 0.0, 1.5], [0.0, 0.0, 0.0, -1.5]])
    goals, idle = np.full((2, 2), 50.0), np.zeros((2, 2))
    published = step_states(far, goals, idle, dynamics="v0", control="raw")
    np.testing.assert_allclose(published[:, 0], [0.03 * 0.8, -0.03 * 1.5])
    np.testing.assert_allclose(published[:, 3], [1.5, -1.5])
    clean = step_states(far, goals, idle, dynamics="v0", control="raw", compat=False)
    np.testing.assert_allclose(clean[:, 3], [0.8, -0.8])


def test_cars_freeze_near_their_goals():
    states = np.array([[0.0, 0.0, 1.0, 0.7], [0.0, 0.0, 1.0, 0.7]])
    actions = np.ones((2, 2))
    goals = np.array([[0.024, 0.0], [0.026, 0.0]])
    moved = step_states(states, goals, actions, dynamics="plus")
    assert (moved[0] == states[0]).all()
    assert (moved[1] != states[1]).all()
    assert (step_states(states, goals, actions, dynamics="v0") == states).all()


def test_single_precision_stays_single():
    states, goals, actions = random_rows(7)
    wide = step_states(states, goals, actions, dynamics="plus")
    narrow = step_states(states.astype(np.float32), goals, actions, dynamics="plus")
    assert narrow.dtype == np.float32
    near_freezing = np.abs(np.linalg.norm(goals - states[:, :2], axis=1) - 0.025) < 1e-5
    np.testing.assert_allclose(narrow[~near_freezing], wide[~near_freezing], atol=1e-5)


@pytest.mark.parametrize("count", [1, 8, 300])
def test_flags_equal_comparing_all_pairs(count):
    rng = np.random.default_rng(count)
    states = np.column_stack([rng.uniform(-0.3, 0.06 * count + 0.5, (count, 2)), rng.normal(size=(count, 2))])
    goals = states[:, :2] + rng.normal(scale=0.08, size=(count, 2))
    boxes = np.column_stack([rng.uniform(0, 3, (5, 2)), rng.uniform(0.1, 0.6, (5, 2)), rng.uniform(0, 6, 5)])
    got = flags(states, goals, dynamics="plus", obstacles=boxes)
    distances = np.linalg.norm(goals - states[:, :2], axis=1)
    touching = [any(oracle.near_rectangle(p, box, 0.05) for box in boxes) for p in states[:, :2]]
    assert got.car_collision.tolist() == oracle.in_contact(states[:, :2])
    assert got.obstacle_collision.tolist() == touching
    assert (got.collision == (got.car_collision | got.obstacle_collision)).all()
    assert (got.reach == (distances < 0.1)).all()
    assert (got.frozen == (distances < 0.025)).all()


def test_points_are_touched_at_two_radii():
    states = np.array([[0.0, 0.0, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0]])
    got = flags(states, states[:, :2] + 0.04, dynamics="v0", obstacles=[[0.099, 0.0], [1.101, 0.0]])
    assert got.obstacle_collision.tolist() == [True, False]
    assert got.reach.tolist() == [False, False]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: step_states(np.zeros((2, 3)), np.zeros((2, 2)), np.zeros((2, 2)), dynamics="plus"),
            "expected",
        ),
        (lambda: step_states(np.zeros((2, 4)), np.zeros((1, 2)), np.zeros((2, 2)), dynamics="plus"), "rows"),
        (lambda: nominal_controller(np.zeros((2, 4)), np.zeros((1, 2)), dynamics="v0"), "one goal per car"),
        (lambda: flags(np.zeros((2, 4)), np.zeros((1, 2)), dynamics="v0"), "one goal per car"),
        (lambda: nominal_controller(np.zeros((2, 4)), np.zeros((2, 2)), dynamics="pluss"), "did you mean"),
    ],
)
def test_unusable_arguments_are_named(call, message):
    with pytest.raises(UsageError, match=message):
        call()
