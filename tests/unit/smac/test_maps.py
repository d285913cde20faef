"""The 23 maps and their terrains as data."""

from __future__ import annotations

import numpy as np
import pytest
from reference_tables import ALLY_KINDS, ENEMY_KINDS, FACTS

from marlzoo.envs.smac.maps import MAPS, get_map
from marlzoo.envs.smac.terrain import DRAWINGS, terrain
from marlzoo.errors import UsageError


def test_there_are_the_23_maps() -> None:
    assert set(MAPS) == set(FACTS)
    assert len(MAPS) == 23


@pytest.mark.parametrize("map_name", sorted(FACTS))
def test_facts(map_name: str) -> None:
    one, facts = get_map(map_name), FACTS[map_name]
    assert (one.n_allies, one.n_enemies, one.n_actions) == (facts.agents, facts.enemies, facts.actions)
    assert (one.ally_race, one.enemy_race) == (facts.ally_race, facts.enemy_race)
    assert (one.map_type, one.type_bits) == (facts.map_type, facts.type_bits)
    assert (one.episode_limit, one.width, one.height) == (facts.limit, 32, 32)


@pytest.mark.parametrize("map_name", sorted(FACTS))
def test_kinds_in_id_order(map_name: str) -> None:
    """Agents are sorted by custom unit type, enemies keep the order in which the map creates them."""
    one = get_map(map_name)
    assert list(one.ally_kinds) == ALLY_KINDS[map_name]
    assert list(one.enemy_kinds) == ENEMY_KINDS[map_name]


def test_agents_are_not_in_the_order_of_creation() -> None:
    created = [group.kind for group in get_map("bane_vs_bane").ally_groups]
    assert created == ["zergling", "baneling"]
    assert get_map("bane_vs_bane").ally_kinds[:5] == ("baneling",) * 4 + ("zergling",)
    assert get_map("MMM").ally_kinds[0] == "marauder"


@pytest.mark.parametrize("map_name", sorted(FACTS))
def test_units_start_and_go_where_they_can_stand(map_name: str) -> None:
    one = get_map(map_name)
    ground = terrain(one.terrain).ground
    points = [(group.x, group.y) for group in (*one.ally_groups, *one.enemy_groups)] + list(one.order.points)
    for x, y in points:
        assert ground[int(x), int(y)], (x, y)


def test_paths_are_given_where_a_straight_line_is_not_enough() -> None:
    assert {name for name, one in MAPS.items() if one.flow_field} == {
        "corridor",
        "so_many_baneling",
        "2c_vs_64zg",
    }


def test_orders() -> None:
    assert get_map("3m").order.points == ((9.0, 16.0),)
    assert get_map("corridor").order.points == ((4.47, 4.3298),)  # past the allies
    assert get_map("2s_vs_1sc").order.kind == "none"
    assert get_map("2c_vs_64zg").order.kind == "attack_target"
    assert get_map("2m_vs_1z").order.points == ((13.0, 12.0), (19.0, 12.0))


def test_unknown_map_suggests_the_nearest() -> None:
    with pytest.raises(UsageError, match="no SMAC map '3s5s'; did you mean '3s5z'"):
        get_map("3s5s")


@pytest.mark.parametrize("name", sorted(DRAWINGS))
def test_masks_follow_from_one_another(name: str) -> None:
    one = terrain(name)
    for mask in (one.ground, one.cliff_walk, one.flying, one.height):
        assert mask.shape == (32, 32)
        assert not mask.flags.writeable
    assert one.flying.all()
    assert not (one.ground & ~one.cliff_walk).any()


def test_terrains_are_indexed_x_then_y() -> None:
    band = terrain("flat_band")
    assert band.ground[:, 8].all()
    assert band.ground[:, 23].all()
    assert not band.ground[:, 7].any()
    assert band.cliff_walk[:, 7].all()
    assert not band.cliff_walk[:, 6].any()
    assert terrain("open").ground.all()


def test_the_corridor_joins_its_rooms_by_a_diagonal_passage() -> None:
    """Between the cliff lines y = x + 2 and y = x - 2: across it lie one or two cells."""
    ground = terrain("corridor").ground
    for total, crossing in [(24, [12]), (25, [12, 13])]:
        assert [x for x in range(32) if 0 <= total - x < 32 and ground[x, total - x]] == crossing
    assert reachable(ground, (19, 19)) == int(ground.sum())
    ground = ground.copy()
    ground[12, 12] = False
    assert not reachable_cells(ground, (19, 19))[4, 4]


def test_the_plateau_is_reached_by_its_ramps_alone() -> None:
    one = terrain("2c_vs_64zg")
    assert reachable(one.ground, (16, 9)) == int(one.ground.sum())
    ramps = one.height == np.uint8(131)
    plateau = one.height == np.uint8(135)
    assert ramps.sum() == 24
    lower = one.ground & ~ramps & ~(plateau & one.ground)
    assert reachable(lower, (16, 9)) == int(lower.sum())
    assert not reachable_cells(one.ground & ~ramps, (16, 9))[16, 16]
    assert reachable_cells(one.cliff_walk & ~ramps, (16, 9))[16, 16]


def reachable(mask: np.ndarray, start: tuple[int, int]) -> int:
    return int(reachable_cells(mask, start).sum())


def reachable_cells(mask: np.ndarray, start: tuple[int, int]) -> np.ndarray:
    """Cells that can be walked to in straight steps."""
    seen, waiting = np.zeros_like(mask), [start]
    while waiting:
        x, y = waiting.pop()
        if 0 <= x < 32 and 0 <= y < 32 and mask[x, y] and not seen[x, y]:
            seen[x, y] = True
            waiting += [(x + 1, y), (x - 1, y), (x, y + 1), (x, y - 1)]
    return seen


def test_unknown_terrain() -> None:
    with pytest.raises(UsageError, match="did you mean 'corridor'"):
        terrain("coridor")
