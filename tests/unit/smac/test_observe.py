"""Observations, states, masks: against a literal reference on all maps, and against numbers found by hand."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference_builder import ForkReference, Reference
from reference_tables import FACTS, ON_POLICY_SIZES
from situations import FORK_FLAGS, Situation, situation, some_flags

from marlzoo.envs.smac import observe_units
from marlzoo.envs.smac.config import smac_config
from marlzoo.envs.smac.layout import layout
from marlzoo.envs.smac.maps import get_map
from marlzoo.envs.smac.terrain import terrain
from marlzoo.errors import UsageError

MAPS = sorted(FACTS)
SEEDS = st.integers(0, 2**32 - 1)


def table(*rows: tuple[float, ...]) -> np.ndarray:
    """Rows of x, y, hp, and optionally shield, energy, cooldown, alive."""
    padding = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0)
    return np.array([(*row, *padding[len(row) :]) for row in rows], np.float32)


def observe(case: Situation, **more: Any) -> dict[str, np.ndarray]:
    return observe_units(
        case.map_name,
        case.allies,
        case.enemies,
        last_actions=case.last_actions,
        step=case.step,
        ally_kinds=case.ally_kinds,
        enemy_kinds=case.enemy_kinds,
        pathing=case.pathing,
        terrain_height=case.bytes_of_height,
        **case.arguments,
        **more,
    )


def reference(case: Situation, kind: type[Reference] = Reference, **more: Any) -> Any:
    return kind(
        case.map_name,
        case.allies,
        case.enemies,
        pathing=case.pathing,
        height=case.height,
        last_actions=case.last_actions,
        step=case.step,
        ally_kinds=case.ally_kinds,
        enemy_kinds=case.enemy_kinds,
        **case.arguments,
        **more,
    )


def assert_same_bits(found: np.ndarray, expected: np.ndarray) -> None:
    assert found.dtype == expected.dtype
    assert found.shape == expected.shape
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("map_name", MAPS)
@settings(max_examples=8)
@given(seed=SEEDS)
def test_smac_profile_equals_the_reference_to_the_last_bit(map_name: str, seed: int) -> None:
    case = situation(map_name, seed)
    found, expected = observe(case), reference(case)
    assert_same_bits(found["obs"], np.stack(expected.obs()))
    assert_same_bits(found["state"], expected.state())
    assert found["avail"].tolist() == [expected.avail_agent(agent) for agent in range(expected.map.agents)]
    assert_same_bits(found["visibility"], expected.visibility())


@pytest.mark.parametrize("map_name", MAPS)
@settings(max_examples=6)
@given(seed=SEEDS)
def test_on_policy_profile_equals_the_reference_to_the_last_bit(map_name: str, seed: int) -> None:
    case = situation(map_name, seed)
    flags = some_flags(np.random.default_rng(seed), FORK_FLAGS)
    found = observe(case, obs_profile="on_policy", **flags)
    expected = reference(case, ForkReference, **flags)
    agents = range(expected.map.agents)
    assert_same_bits(found["obs"], np.stack(expected.obs()))
    if expected.args["use_state_agent"]:
        assert_same_bits(found["state"], np.stack([expected.state_agent(agent) for agent in agents]))
        return
    copies = np.stack([expected.state_shared(agent) for agent in agents])
    if found["state"].ndim == 2:
        assert_same_bits(found["state"], copies)
    else:
        alive = [agent for agent in agents if expected.agents[agent].health > 0]
        assert_same_bits(found["state"], copies[alive[0] if alive else 0])
        for agent in alive:
            np.testing.assert_array_equal(copies[agent], found["state"])


@pytest.mark.parametrize("map_name", MAPS)
def test_sizes_with_default_arguments(map_name: str) -> None:
    facts, plan = FACTS[map_name], layout(get_map(map_name), smac_config({}))
    assert (plan.n_agents, plan.n_enemies, plan.n_actions) == (facts.agents, facts.enemies, facts.actions)
    assert (plan.obs_size, plan.state_rows, plan.state_size) == (facts.obs, 1, facts.state)


@pytest.mark.parametrize("map_name", sorted(ON_POLICY_SIZES))
def test_sizes_of_the_fork(map_name: str) -> None:
    own = layout(get_map(map_name), smac_config({"obs_profile": "on_policy"}))
    shared = layout(get_map(map_name), smac_config({"obs_profile": "on_policy", "use_state_agent": False}))
    assert (own.obs_size, own.state_size, shared.state_size) == ON_POLICY_SIZES[map_name]
    assert (own.state_rows, shared.state_rows) == (FACTS[map_name].agents, 1)


def test_every_number_of_a_small_observation() -> None:
    """2m_vs_1z: two marines at distance 5, a zealot at distance 4 and 3 of them."""
    allies = table((16, 12, 45, 0, 0, 7.5), (16, 17, 22.5))
    enemies = table((16, 16, 50, 25))
    seen = observe_units("2m_vs_1z", allies, enemies, last_actions=[6, 2])
    moves = [1, 1, 1, 1]
    f = np.float32
    first = [*moves, 1, f(4 / 9), 0, f(4 / 9), 0.5, 0.5, 1, f(5 / 9), 0, f(5 / 9), 0.5, 1.0]
    second = [*moves, 1, f(1 / 9), 0, f(-1 / 9), 0.5, 0.5, 1, f(5 / 9), 0, f(-5 / 9), 1.0, 0.5]
    assert seen["obs"].tolist() == [first, second]
    ours = [1.0, 0.5, 0, -0.125, 0.5, 0, 0, 0.03125]
    theirs = [0.5, 0, 0, 0.5]
    actions = [0, 0, 0, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0]
    assert seen["state"].tolist() == [*ours, *theirs, *actions]
    assert seen["avail"].tolist() == [[0, 1, 1, 1, 1, 1, 1]] * 2
    assert seen["visibility"].tolist() == [[False, True, True], [True, False, True]]


def test_type_indices_differ_between_the_sides() -> None:
    units = table(*[(16 + k / 2, 16, 50, 10) for k in range(5)])
    state = observe_units("2s3z", units, units)["state"]
    allies, enemies = state[:35].reshape(5, 7), state[35:65].reshape(5, 6)
    assert allies[:, 5:].tolist() == [[1, 0]] * 2 + [[0, 1]] * 3  # stalker 0, zealot 1
    assert enemies[:, 4:].tolist() == [[0, 1]] * 2 + [[1, 0]] * 3  # zealot 0, stalker 1


def test_swapped_longest_cooldowns_of_stalker_and_colossus() -> None:
    allies = table(*[(16, 16, 50, 10, 0, 24) for _ in range(9)])
    state = observe_units("1c3s5z", allies, allies)["state"]
    charges = state[: 9 * 8].reshape(9, 8)[:, 1]
    expected = [24 / 24] + [24 / 35] * 3 + [24 / 22] * 5
    assert charges.tolist() == np.array(expected, np.float32).tolist()


def test_a_medivac_aims_at_allies_and_shows_its_energy() -> None:
    allies = table(*[(10, 16, 45, 0, 50, 8)] * 10)
    allies[3, 0] = 16.5  # beyond 6
    allies[4, 6] = 0
    enemies = table(*[(13, 16, 45)] * 10)
    seen = observe_units("MMM", allies, enemies)
    assert seen["avail"][9, 6:].tolist() == [1, 1, 1, 0, 0, 1, 1, 1, 1, 0]
    assert seen["avail"][0, 6:].tolist() == [1] * 10
    medivac = seen["obs"][9]
    assert medivac[4 : 4 + 80].reshape(10, 8)[:, 0].tolist() == [1, 1, 1, 0, 0, 1, 1, 1, 1, 0]
    charges = seen["state"][:70].reshape(10, 7)[:, 1]
    assert charges[9] == 0.25  # energy 50 of 200
    assert charges[0] == np.float32(8 / 25)


def test_the_enemys_medivac_is_an_ordinary_enemy_elsewhere_too() -> None:
    units = table((16, 16, 45, 0, 100, 30), (17, 16, 45), (18, 16, 45))
    state = observe_units("3m", units, units, ally_kinds=["medivac", "marine", "marine"])["state"]
    assert state[1] == np.float32(30 / 15)  # no energy, and the usual cooldown: 3m knows no medivac


def test_time_number_makes_smacs_vector_longer_and_double() -> None:
    units = table((16, 16, 45), (17, 16, 45), (18, 16, 45, 0, 0, 0, 0))
    seen = observe_units("3m", units, units, step=7, obs_timestep_number=True)
    assert seen["obs"].shape == (3, 32)  # SMAC itself claims 31
    assert seen["obs"].dtype == np.float64
    assert seen["obs"][:, -1].tolist() == [7 / 60] * 3  # not rounded to float32, and shown to the dead too
    assert seen["obs"][:, -2].tolist() == [0.0] * 3  # its own slot stays empty
    assert not seen["obs"][2, :-1].any()
    concatenated = observe_units(
        "3m", units, units, step=7, obs_timestep_number=True, obs_instead_of_state=True
    )
    assert_same_bits(concatenated["state"], seen["obs"].astype(np.float32).reshape(-1))


@pytest.mark.parametrize(
    ("x", "west", "north"),
    [
        (1.0, True, True),
        (0.4, True, True),  # int(-0.6) is cell 0
        (0.0, False, True),  # int(-1.0) is no cell
        (-0.4, False, True),  # int(-0.4) is cell 0
        (-1.0, False, False),
    ],
)
def test_coordinates_are_cut_towards_zero(x: float, west: bool, north: bool) -> None:
    units = table((x, 16, 45), (17, 16, 45), (18, 16, 45))
    seen = observe_units("3m", units, units, pathing=np.ones((32, 32), bool))
    assert seen["avail"][0, [5, 2]].tolist() == [west, north]


def test_ranges_are_inclusive_for_attacks_and_exclusive_for_sight() -> None:
    allies = table((10, 16, 45), (10, 16, 45), (10, 16, 45))
    just_beyond = float(np.nextafter(np.float32(16), np.float32(17)))
    just_inside = float(np.nextafter(np.float32(19), np.float32(18)))
    enemies = table((16, 16, 45), (just_beyond, 16, 45), (19, 16, 45))
    seen = observe_units("3m", allies, enemies)
    assert seen["avail"][0, 6:].tolist() == [1, 0, 0]
    assert seen["visibility"][0, 3:].tolist() == [True, True, False]
    enemies[2, 0] = just_inside
    assert observe_units("3m", allies, enemies)["visibility"][0, 5]


def test_distances_at_a_range_are_rounded_like_pythons() -> None:
    """6 cells east and almost nothing north: whether that is still 6 is decided by the last bit of hypot."""
    allies = table((0, 0, 45), (0, 0, 45), (0, 0, 45))
    north = np.linspace(1e-8, 1.2e-7, 400, dtype=np.float32)
    verdicts = [
        observe_units("3m", allies, table((6, y, 45), (9, 9, 45), (9, 9, 45)))["avail"][0, 6] for y in north
    ]
    assert verdicts == [int(math.hypot(6.0, float(y)) <= 6.0) for y in north]
    assert set(verdicts) == {0, 1}


def test_the_dead_see_nothing_and_are_not_seen() -> None:
    allies = table((16, 16, 45), (16, 17, 0), (16, 18, 45, 0, 0, 0, 0))
    seen = observe_units("3m", allies, allies, last_actions=[1, 0, 0])
    assert not seen["obs"][1:].any()
    assert seen["avail"][1:].tolist() == [[1] + [0] * 8] * 2
    assert seen["visibility"].sum() == 1
    assert not seen["state"][4:12].any()
    assert seen["state"][-27:].reshape(3, 9).argmax(axis=1).tolist() == [1, 0, 0]


def test_last_actions_as_numbers_and_as_one_hots_are_the_same() -> None:
    units = table((16, 16, 45), (16, 17, 45), (16, 18, 45))
    numbers = observe_units("3m", units, units, last_actions=[3, -1, 8])["state"]
    rows = np.zeros((3, 9))
    rows[0, 3] = rows[2, 8] = 1
    np.testing.assert_array_equal(numbers, observe_units("3m", units, units, last_actions=rows)["state"])


def test_heights_as_bytes_and_as_shares_are_the_same() -> None:
    units = table((16, 16, 45), (16, 17, 45), (16, 18, 45))
    heights = np.arange(1024).reshape(32, 32) % 256
    as_bytes = observe_units("3m", units, units, obs_terrain_height=True, terrain_height=heights)
    shares = observe_units("3m", units, units, obs_terrain_height=True, terrain_height=heights / 255)
    np.testing.assert_array_equal(as_bytes["obs"], shares["obs"])
    assert as_bytes["obs"][0, 4 + 8] == np.float32(heights[16, 16] / 255)


def test_maps_bring_their_own_grids() -> None:
    units = table(*[(20, 20, 50, 10)] * 6)
    enemies = table(*[(21, 21, 20)] * 24)
    ground = terrain("corridor")
    given = observe_units(
        "corridor",
        units,
        enemies,
        obs_pathing_grid=True,
        obs_terrain_height=True,
        pathing=ground.ground,
        terrain_height=ground.height,
    )
    own = observe_units("corridor", units, enemies, obs_pathing_grid=True, obs_terrain_height=True)
    np.testing.assert_array_equal(own["obs"], given["obs"])


UNITS = table((16, 16, 45), (16, 17, 45), (16, 18, 45))


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ({"map_name": "3n"}, "did you mean '3m'"),
        ({"obs_last_actions": True}, "did you mean 'obs_last_action'"),
        ({"move_amount": 0}, "move_amount"),
        ({"move_amount": 2.5, "obs_pathing_grid": True}, "whole number"),
        ({"obs_profile": "onpolicy"}, "obs_profile"),
        ({"allies": UNITS[:2]}, r"allies must have shape \(3, 7\)"),
        ({"allies": "units"}, "allies must be a table of numbers"),
        ({"last_actions": [0, 0, 9]}, "between -1 and 8"),
        ({"last_actions": [0, 0]}, "last_actions must have shape"),
        ({"last_actions": np.ones((3, 9))}, "one-hot"),
        ({"ally_kinds": ["marine"]}, "ally_kinds must name 3 units, got 1"),
        ({"enemy_kinds": ["marine", "marine", "marines"]}, "did you mean 'marine'"),
        ({"pathing": np.ones((32, 31))}, r"pathing must have shape \(32, 32\)"),
        ({"terrain_height": np.ones(32)}, r"terrain_height must have shape \(32, 32\)"),
    ],
)
def test_misuse_is_a_one_line_error(call: dict[str, Any], expected: str) -> None:
    arguments = {"map_name": "3m", "allies": UNITS, "enemies": UNITS} | call
    with pytest.raises(UsageError, match=expected) as error:
        observe_units(**arguments)
    assert "\n" not in str(error.value)


def test_kinds_that_the_interface_cannot_show_are_refused() -> None:
    units = table(*[(16, 16, 50, 10)] * 5)
    with pytest.raises(UsageError, match="must have shields, 'marine' has none"):
        observe_units("2s3z", units, units, ally_kinds=["marine"] * 5)
    with pytest.raises(UsageError, match="allies must be of stalker, zealot, not 'colossus'"):
        observe_units("2s3z", units, units, ally_kinds=["colossus"] * 5)
    with pytest.raises(UsageError, match="enemies must be of zealot, stalker, not 'colossus'"):
        observe_units("2s3z", units, units, enemy_kinds=["colossus"] * 5)
