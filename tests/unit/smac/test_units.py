"""Unit statistics: spot checks against the published numbers, and what must hold for all of them."""

from __future__ import annotations

import math

import pytest
from reference_tables import HIT_POINTS

from marlzoo.envs.smac.units import LADDER, LIBERTY, Weapon, unit_kind, unit_kinds
from marlzoo.errors import UsageError


def weapon(name: str, profile: str = "liberty") -> Weapon:
    found = unit_kind(name, profile).weapon
    assert found is not None
    return found


@pytest.mark.parametrize("profile", ["liberty", "ladder"])
def test_life_and_shields(profile: str) -> None:
    kinds = unit_kinds(profile)
    assert {name: (kind.hp, kind.shield) for name, kind in kinds.items()} == HIT_POINTS


def test_type_numbers_of_the_game() -> None:
    assert {kind.type_id: kind.name for kind in LIBERTY.values()} == {
        4: "colossus",
        9: "baneling",
        48: "marine",
        51: "marauder",
        54: "medivac",
        73: "zealot",
        74: "stalker",
        98: "spine_crawler",
        105: "zergling",
        107: "hydralisk",
    }


@pytest.mark.parametrize(
    ("name", "damage", "bonus", "hits", "loops", "reach", "windup"),
    [
        ("marine", 6, 0, 1, 13.77, 5, 1),
        ("marauder", 10, 10, 1, 24, 6, 0),
        ("stalker", 10, 4, 1, 23.04, 6, 3),
        ("zealot", 8, 0, 2, 19.2, 0.1, 0),
        ("colossus", 20, 0, 2, 35.2, 6, 2),
        ("hydralisk", 12, 0, 1, 13.28, 5, 4),
        ("zergling", 5, 0, 1, 11.14, 0.1, 3),
        ("baneling", 20, 15, 1, 0, 0.25, 0),
        ("spine_crawler", 25, 5, 1, 25.6, 7, 6),
    ],
)
def test_weapons(
    name: str, damage: float, bonus: float, hits: int, loops: float, reach: float, windup: int
) -> None:
    """`windup` in whole loops, rounded up."""
    arm = weapon(name)
    assert (arm.damage, arm.bonus, arm.hits, arm.range) == (damage, bonus, hits, reach)
    assert arm.period == pytest.approx(loops, abs=0.01)
    assert math.ceil(arm.damage_point) == windup
    assert arm.minimum_damage == 0.5


def test_who_can_shoot_at_what() -> None:
    shoots_air = {name for name, kind in LIBERTY.items() if kind.weapon is not None and kind.weapon.air}
    assert shoots_air == {"marine", "stalker", "hydralisk"}
    assert all(kind.weapon.ground for kind in LIBERTY.values() if kind.weapon is not None)
    assert [name for name, kind in LIBERTY.items() if kind.flying] == ["medivac"]
    assert [name for name, kind in LIBERTY.items() if kind.walks_cliffs] == ["colossus"]


def test_attributes_decide_bonuses() -> None:
    assert weapon("baneling").bonus_against == "light"
    assert weapon("stalker").bonus_against == weapon("marauder").bonus_against == "armored"
    light = {name for name, kind in LIBERTY.items() if "light" in kind.attributes}
    armored = {name for name, kind in LIBERTY.items() if "armored" in kind.attributes}
    assert light == {"marine", "zealot", "hydralisk", "zergling"}
    assert armored == {"marauder", "medivac", "stalker", "colossus", "spine_crawler"}


def test_the_medivac_heals() -> None:
    medivac = unit_kind("medivac")
    assert medivac.weapon is None
    assert medivac.heal is not None
    assert (medivac.heal.rate, medivac.heal.energy_per_hp, medivac.heal.range) == (9, 0.33, 4)
    assert (medivac.energy_start, medivac.energy_max, medivac.energy_regen) == (50, 200, 0.5625)


def test_who_regenerates() -> None:
    for kind in LIBERTY.values():
        assert (kind.shield_regen > 0) == (kind.race == "P")
        assert (kind.life_regen > 0) == (kind.race == "Z")


def test_the_ladder_runs_on_the_faster_clock() -> None:
    for name, kind in LADDER.items():
        assert kind.speed == pytest.approx(1.4 * LIBERTY[name].speed, rel=0.12)
        if kind.weapon is not None:
            assert kind.weapon.damage_point == 0
            assert kind.weapon.jitter == (0, 0)
            assert kind.weapon.minimum_damage == 0
    assert weapon("marine", "ladder").period == pytest.approx(9.76)
    assert weapon("stalker", "ladder").period == pytest.approx(21.44)
    assert (weapon("stalker", "ladder").damage, weapon("stalker", "ladder").bonus) == (13, 5)
    assert (weapon("baneling", "ladder").damage, weapon("baneling", "ladder").bonus) == (80, 0)
    assert weapon("colossus", "ladder").range == 7


def test_unknown_names() -> None:
    with pytest.raises(UsageError, match="did you mean 'liberty'"):
        unit_kinds("libert")
    with pytest.raises(UsageError, match="did you mean 'zealot'"):
        unit_kind("zelot")
