"""Statistics of the ten kinds of units that occur on the SMAC maps, in two profiles.

`liberty` holds the base Wings of Liberty values. Every SMAC map depends on that data set alone, so these are
the numbers of the benchmark. `ladder` holds the later ladder values at "Faster" speed, as SMAClite uses
them, for comparison with results obtained there: speeds and rates of fire 1.4 times higher, other stalker,
colossus and baneling weapons, no wind-up, no cooldown noise and no minimum damage. SMAClite has no
hydralisk; its speed and period follow the same factor, so that all units of a battle share one clock. What
SMAClite does not define (sight, regeneration, missile flight) is taken from `liberty`.

Units of measure: distances in cells, speeds in cells per normal second, rates per normal second, times in
game loops. Sixteen game loops are one normal second; one environment step is eight.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from marlzoo.errors import UsageError, nearest

LOOPS_PER_SECOND = 16
LOOPS_PER_STEP = 8

LADDER_FACTOR = 1.4
"""How much faster the clock of the ladder profile runs than the clock of the data files."""


@dataclass(frozen=True)
class Weapon:
    """How a unit deals damage.

    `range` is measured from edge to edge: a unit may fire when the distance of the centres is at most `range`
    plus both radii. `hits` separate hits are dealt per attack, each reduced by the target's armour.
    """

    kind: str
    """`instant`, `missile`, `melee`, `beam`, `suicide` or `tentacle`."""
    damage: float
    period: float
    """Loops from one attack to the next, before the random part."""
    range: float
    damage_point: float = 0.0
    """Loops of wind-up, standing still; the engine rounds up."""
    bonus: float = 0.0
    bonus_against: str | None = None
    """Attribute that receives the bonus: `light` or `armored`."""
    hits: int = 1
    second_hit_delay: float = 0.0
    """Loops between the first and the second hit of one attack."""
    delay: float = 0.0
    """Fixed loops between release and damage, where nothing flies."""
    missile_speed: float | None = None
    """Cells per second; None when nothing flies."""
    range_slop: float = 1.0
    """An attack that has begun completes while the target is at most this far beyond the range."""
    ground: bool = True
    air: bool = False
    splash_radius: float = 0.0
    """Radius of an explosion around the attacker; 0 for a weapon that hits one unit."""
    beam_length: float = 0.0
    """Length of the burnt segment through the target, perpendicular to the line of fire."""
    beam_width: float = 0.0
    jitter: tuple[float, float] = (-1.0, 2.0)
    """Bounds in loops of the uniform random part of each cooldown."""
    minimum_damage: float = 0.5
    """What a hit on life does at least, whatever the armour."""


@dataclass(frozen=True)
class Heal:
    """How a medivac heals: it drains energy and restores the life of one biological friend."""

    rate: float = 9.0
    """Hit points per second."""
    energy_per_hp: float = 0.33
    range: float = 4.0
    scan: float = 6.0
    """How far an idle healer looks for a patient."""
    energy_to_begin: float = 5.0


@dataclass(frozen=True)
class UnitKind:
    """All that the engine knows about a kind of unit."""

    name: str
    type_id: int
    """The default StarCraft II unit type; allies use copies with other numbers."""
    race: str
    hp: float
    speed: float
    radius: float
    """Body radius, used for weapon range."""
    separation: float
    """Collision radius."""
    attributes: frozenset[str]
    sight: float
    shield: float = 0.0
    armor: float = 0.0
    inner: float | None = None
    """Radius to which a moving unit can be squeezed; None where the data has none."""
    acceleration: float | None = None
    """Cells per second squared; None: instant."""
    flying: bool = False
    walks_cliffs: bool = False
    life_regen: float = 0.0
    shield_regen: float = 0.0
    shield_regen_wait: float = 160.0
    """Loops without damage before shields begin to return."""
    energy_start: float = 0.0
    energy_max: float = 0.0
    energy_regen: float = 0.0
    weapon: Weapon | None = None
    heal: Heal | None = None


def _kinds(*kinds: UnitKind) -> dict[str, UnitKind]:
    return {kind.name: kind for kind in kinds}


_LIGHT_BIO = frozenset({"light", "biological"})
_ARMORED_BIO = frozenset({"armored", "biological"})
_ARMORED_MECH = frozenset({"armored", "mechanical"})

_ZERG_REGEN = 0.2734
_SHIELD_REGEN = 2.0


def _terran() -> dict[str, UnitKind]:
    rifle = Weapon("instant", 6, period=13.7728, range=5, damage_point=0.8, air=True)
    grenade = Weapon("missile", 10, 24, 6, bonus=10, bonus_against="armored", missile_speed=20)
    return _kinds(
        UnitKind("marine", 48, "T", 45, 2.25, 0.375, 0.375, _LIGHT_BIO, 9, inner=0.375, weapon=rifle),
        UnitKind(
            "marauder",
            51,
            "T",
            125,
            2.25,
            0.5625,
            0.5,
            _ARMORED_BIO,
            10,
            armor=1,
            inner=0.375,
            weapon=grenade,
        ),
        UnitKind(
            name="medivac",
            type_id=54,
            race="T",
            hp=150,
            speed=2.75,
            acceleration=2.3125,
            radius=0.75,
            separation=0.75,
            attributes=_ARMORED_MECH,
            sight=11,
            armor=1,
            flying=True,
            energy_start=50,
            energy_max=200,
            energy_regen=0.5625,
            heal=Heal(),
        ),
    )


def _protoss() -> dict[str, UnitKind]:
    disruptor = Weapon(
        "missile", 10, 23.04, 6, 2.672, bonus=4, bonus_against="armored", missile_speed=19, air=True
    )
    blades = Weapon("melee", 8, period=19.2, range=0.1, hits=2, second_hit_delay=4.48)
    lance = Weapon("beam", 20, 35.2, 6, 1.328, hits=2, delay=6, range_slop=0, beam_length=2.5, beam_width=0.3)
    return _kinds(
        _warrior("stalker", 74, 80, 80, 2.9531, 0.625, 0.625, 0.5, _ARMORED_MECH, 10, disruptor),
        _warrior("zealot", 73, 100, 50, 2.25, 0.5, 0.375, 0.375, _LIGHT_BIO, 9, blades),
        replace(
            _warrior("colossus", 4, 200, 150, 2.25, 1, 0.75, 0.5625, _ARMORED_MECH | {"massive"}, 10, lance),
            walks_cliffs=True,
        ),
    )


def _warrior(
    name: str,
    type_id: int,
    hp: float,
    shield: float,
    speed: float,
    radius: float,
    separation: float,
    inner: float,
    attributes: frozenset[str],
    sight: float,
    weapon: Weapon,
) -> UnitKind:
    """A Protoss fighter: one point of armour, shields that return."""
    return UnitKind(
        name=name,
        type_id=type_id,
        race="P",
        hp=hp,
        shield=shield,
        armor=1,
        speed=speed,
        radius=radius,
        separation=separation,
        inner=inner,
        attributes=attributes,
        sight=sight,
        shield_regen=_SHIELD_REGEN,
        weapon=weapon,
    )


def _zerg() -> dict[str, UnitKind]:
    # The hydralisk's melee form does the same damage as its needles, so one weapon serves.
    needles = Weapon("missile", 12, period=13.28, range=5, damage_point=3.328, missile_speed=40, air=True)
    claws = Weapon("melee", 5, period=11.136, range=0.1, damage_point=2.672)
    acid = Weapon(
        "suicide", 20, period=0, range=0.25, bonus=15, bonus_against="light", splash_radius=2.2, jitter=(0, 0)
    )
    impaler = Weapon("tentacle", 25, 25.6, 7, 5.328, bonus=5, bonus_against="armored", range_slop=0)
    bio, spine = frozenset({"biological"}), _ARMORED_BIO | {"structure"}
    regen = _ZERG_REGEN
    return _kinds(
        UnitKind(
            "hydralisk",
            107,
            "Z",
            80,
            2.25,
            0.625,
            0.5,
            _LIGHT_BIO,
            9,
            inner=0.375,
            life_regen=regen,
            weapon=needles,
        ),
        UnitKind(
            "zergling", 105, "Z", 35, 2.9531, 0.375, 0.375, _LIGHT_BIO, 8, life_regen=regen, weapon=claws
        ),
        UnitKind(
            "baneling", 9, "Z", 30, 2.5, 0.375, 0.375, bio, 8, inner=0.375, life_regen=regen, weapon=acid
        ),
        UnitKind(
            "spine_crawler",
            98,
            "Z",
            300,
            0,
            0.875,
            0.875,
            spine,
            11,
            armor=2,
            life_regen=regen,
            weapon=impaler,
        ),
    )


LIBERTY: Mapping[str, UnitKind] = MappingProxyType(_terran() | _protoss() | _zerg())


def _ladder_weapon(weapon: Weapon, **changes: object) -> Weapon:
    """The weapon on the ladder clock, without wind-up and noise, and with `changes`."""
    plain = replace(
        weapon,
        period=weapon.period / LADDER_FACTOR,
        damage_point=0.0,
        jitter=(0.0, 0.0),
        minimum_damage=0.0,
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


_LADDER_WEAPONS: dict[str, dict[str, object]] = {
    "marine": {"period": 0.61 * LOOPS_PER_SECOND},
    "marauder": {"period": 1.07 * LOOPS_PER_SECOND},
    "stalker": {"damage": 13.0, "bonus": 5.0, "period": 1.34 * LOOPS_PER_SECOND},
    "zealot": {"period": 0.86 * LOOPS_PER_SECOND},
    "colossus": {
        "damage": 10.0,
        "bonus": 5.0,
        "bonus_against": "light",
        "range": 7.0,
        "period": 1.07 * LOOPS_PER_SECOND,
        "beam_length": 2.8,
    },
    "zergling": {"period": 0.497 * LOOPS_PER_SECOND},
    "baneling": {"damage": 80.0, "bonus": 0.0, "bonus_against": None},
    "spine_crawler": {"period": 1.32 * LOOPS_PER_SECOND},
}

_LADDER_BODIES: dict[str, dict[str, object]] = {
    "marine": {"speed": 3.15},
    "zealot": {"separation": 0.5},
    "stalker": {"speed": 4.13},
    "zergling": {"speed": 4.13},
    "medivac": {"speed": 3.5, "heal": Heal(energy_per_hp=1 / 3)},
}


def _ladder_kind(kind: UnitKind) -> UnitKind:
    weapon = kind.weapon and _ladder_weapon(kind.weapon, **_LADDER_WEAPONS.get(kind.name, {}))
    faster = replace(kind, speed=kind.speed * LADDER_FACTOR, weapon=weapon)
    return replace(faster, **_LADDER_BODIES.get(kind.name, {}))  # type: ignore[arg-type]


LADDER: Mapping[str, UnitKind] = MappingProxyType(
    {name: _ladder_kind(kind) for name, kind in LIBERTY.items()}
)

STATS: Mapping[str, Mapping[str, UnitKind]] = MappingProxyType({"liberty": LIBERTY, "ladder": LADDER})


def unit_kinds(profile: str = "liberty") -> Mapping[str, UnitKind]:
    """The kinds of units of a statistics profile, by snake_case name.

    Raises:
        UsageError: no such profile.
    """
    if profile not in STATS:
        raise UsageError(f"no statistics profile {profile!r}{nearest(profile, STATS)}")
    return STATS[profile]


def unit_kind(name: str, profile: str = "liberty") -> UnitKind:
    """One kind of unit.

    Raises:
        UsageError: no such kind or profile.
    """
    kinds = unit_kinds(profile)
    if name not in kinds:
        raise UsageError(f"no kind of unit {name!r}{nearest(name, kinds)}")
    return kinds[name]
