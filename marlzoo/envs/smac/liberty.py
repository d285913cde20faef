"""Base Wings of Liberty values of the ten kinds of units that occur on the SMAC maps.

Every SMAC map depends on that data set alone, so these are the numbers of the benchmark.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from marlzoo.envs.smac.kinds import Heal, UnitKind, Weapon

_LIGHT_BIO = frozenset({"light", "biological"})
_ARMORED_BIO = frozenset({"armored", "biological"})
_ARMORED_MECH = frozenset({"armored", "mechanical"})

_ZERG_REGEN = 0.2734
_SHIELD_REGEN = 2.0

_RIFLE = Weapon("instant", damage=6, period=13.7728, range=5, damage_point=0.8, air=True)
_GRENADE = Weapon(
    "missile", damage=10, bonus=10, bonus_against="armored", period=24, range=6, missile_speed=20
)
_DISRUPTOR = Weapon(
    "missile",
    damage=10,
    bonus=4,
    bonus_against="armored",
    period=23.04,
    range=6,
    damage_point=2.672,
    missile_speed=19,
    air=True,
)
_BLADES = Weapon("melee", damage=8, hits=2, second_hit_delay=4.48, period=19.2, range=0.1)
_LANCE = Weapon(
    "beam",
    damage=20,
    hits=2,
    period=35.2,
    range=6,
    damage_point=1.328,
    delay=6,
    range_slop=0,
    beam_length=2.5,
    beam_width=0.3,
)
# The hydralisk's melee form does the same damage as its needles, so one weapon serves.
_NEEDLES = Weapon("missile", damage=12, period=13.28, range=5, damage_point=3.328, missile_speed=40, air=True)
_CLAWS = Weapon("melee", damage=5, period=11.136, range=0.1, damage_point=2.672)
_ACID = Weapon(
    "suicide",
    damage=20,
    bonus=15,
    bonus_against="light",
    period=0,
    range=0.25,
    splash_radius=2.2,
    jitter=(0, 0),
)
_IMPALER = Weapon(
    "tentacle",
    damage=25,
    bonus=5,
    bonus_against="armored",
    period=25.6,
    range=7,
    damage_point=5.328,
    range_slop=0,
)

_MARINE = UnitKind(
    name="marine",
    type_id=48,
    race="T",
    hp=45,
    speed=2.25,
    radius=0.375,
    separation=0.375,
    inner=0.375,
    attributes=_LIGHT_BIO,
    sight=9,
    weapon=_RIFLE,
)
_MARAUDER = UnitKind(
    name="marauder",
    type_id=51,
    race="T",
    hp=125,
    armor=1,
    speed=2.25,
    radius=0.5625,
    separation=0.5,
    inner=0.375,
    attributes=_ARMORED_BIO,
    sight=10,
    weapon=_GRENADE,
)
_MEDIVAC = UnitKind(
    name="medivac",
    type_id=54,
    race="T",
    hp=150,
    armor=1,
    speed=2.75,
    acceleration=2.3125,
    radius=0.75,
    separation=0.75,
    attributes=_ARMORED_MECH,
    sight=11,
    flying=True,
    energy_start=50,
    energy_max=200,
    energy_regen=0.5625,
    heal=Heal(),
)
_STALKER = UnitKind(
    name="stalker",
    type_id=74,
    race="P",
    hp=80,
    shield=80,
    armor=1,
    speed=2.9531,
    radius=0.625,
    separation=0.625,
    inner=0.5,
    attributes=_ARMORED_MECH,
    sight=10,
    shield_regen=_SHIELD_REGEN,
    weapon=_DISRUPTOR,
)
_ZEALOT = UnitKind(
    name="zealot",
    type_id=73,
    race="P",
    hp=100,
    shield=50,
    armor=1,
    speed=2.25,
    radius=0.5,
    separation=0.375,
    inner=0.375,
    attributes=_LIGHT_BIO,
    sight=9,
    shield_regen=_SHIELD_REGEN,
    weapon=_BLADES,
)
_COLOSSUS = UnitKind(
    name="colossus",
    type_id=4,
    race="P",
    hp=200,
    shield=150,
    armor=1,
    speed=2.25,
    radius=1,
    separation=0.75,
    inner=0.5625,
    attributes=_ARMORED_MECH | {"massive"},
    sight=10,
    walks_cliffs=True,
    shield_regen=_SHIELD_REGEN,
    weapon=_LANCE,
)
_HYDRALISK = UnitKind(
    name="hydralisk",
    type_id=107,
    race="Z",
    hp=80,
    speed=2.25,
    radius=0.625,
    separation=0.5,
    inner=0.375,
    attributes=_LIGHT_BIO,
    sight=9,
    life_regen=_ZERG_REGEN,
    weapon=_NEEDLES,
)
_ZERGLING = UnitKind(
    name="zergling",
    type_id=105,
    race="Z",
    hp=35,
    speed=2.9531,
    radius=0.375,
    separation=0.375,
    attributes=_LIGHT_BIO,
    sight=8,
    life_regen=_ZERG_REGEN,
    weapon=_CLAWS,
)
_BANELING = UnitKind(
    name="baneling",
    type_id=9,
    race="Z",
    hp=30,
    speed=2.5,
    radius=0.375,
    separation=0.375,
    inner=0.375,
    attributes=frozenset({"biological"}),
    sight=8,
    life_regen=_ZERG_REGEN,
    weapon=_ACID,
)
_SPINE_CRAWLER = UnitKind(
    name="spine_crawler",
    type_id=98,
    race="Z",
    hp=300,
    armor=2,
    speed=0,
    radius=0.875,
    separation=0.875,
    attributes=_ARMORED_BIO | {"structure"},
    sight=11,
    life_regen=_ZERG_REGEN,
    weapon=_IMPALER,
)

_TERRAN = (_MARINE, _MARAUDER, _MEDIVAC)
_PROTOSS = (_STALKER, _ZEALOT, _COLOSSUS)
_ZERG = (_HYDRALISK, _ZERGLING, _BANELING, _SPINE_CRAWLER)

LIBERTY: Mapping[str, UnitKind] = MappingProxyType(
    {kind.name: kind for kind in (*_TERRAN, *_PROTOSS, *_ZERG)}
)
