"""The numbers of one map as arrays that the kernels read: statistics per unit, and tables per pair.

All times are in game loops and all speeds in cells per loop here; `units.py` has the sources.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from marlzoo.envs.smac.flow import waypoints
from marlzoo.envs.smac.maps import SmacMap
from marlzoo.envs.smac.state import Floats, padded
from marlzoo.envs.smac.terrain import terrain
from marlzoo.envs.smac.units import LOOPS_PER_SECOND, UnitKind, unit_kinds

Number = TypeVar("Number", bound=np.generic)

# Rows of `Rules.stat`.
(
    RADIUS,
    SPEED,
    ACCELERATION,
    HP_MAX,
    SHIELD_MAX,
    ENERGY_START,
    ENERGY_MAX,
    ARMOR,
    LIFE_REGEN,
    SHIELD_REGEN,
    SHIELD_WAIT,
    ENERGY_REGEN,
    PERIOD,
    JITTER_LOW,
    JITTER_SPAN,
    RANGE,
    SLOP,
    SCAN,
    FLIGHT,
    MIN_DAMAGE,
    SPLASH,
    BEAM_LENGTH,
    BEAM_WIDTH,
    HEAL_RATE,
    HEAL_COST,
    HEAL_BEGIN,
) = range(26)
STATS = 26

# Rows of `Rules.trait`.
KIND, DELIVERY, WINDUP_LOOPS, HITS, DELAY, LAYER, HEALER, BIOLOGICAL, WALKER = range(9)
TRAITS = 9

# Rows of `Rules.pair`: damage of one hit before armour; distance of the centres at which the two touch, 0 if
# they do not collide; class as a target, 0 first, 1 later, negative where it cannot be hit.
DAMAGE, CONTACT, RANK = range(3)

# Values of the DELIVERY row.
UNARMED, INSTANT, MISSILE, MELEE, BEAM, SUICIDE = range(6)
DELIVERIES = {
    "instant": INSTANT,
    "tentacle": INSTANT,
    "missile": MISSILE,
    "melee": MELEE,
    "beam": BEAM,
    "suicide": SUICIDE,
}

# Values of the LAYER row: units of different layers do not collide.
GROUND, GIANT, AIR = range(3)

MIN_SCAN = 5.0
NO_TARGET = -1.0


class Rules(NamedTuple):
    """Everything that stays the same during all battles on a map. Units are padded to W columns; K kinds."""

    n_allies: int
    n_units: int
    stat: Floats
    """`[STATS, W]`."""
    trait: NDArray[np.uint32]
    """`[TRAITS, W]`."""
    pair: Floats
    """`[PAIRS, K, W]`: what a unit of kind k has to do with unit j, see the row names."""
    walkable: NDArray[np.bool_]
    """`[3, 32, 32]` by layer, indexed `[layer, x, y]`."""
    waypoint: NDArray[np.int16]
    """`[1024, 1024]` by goal cell and own cell, or `[0, 0]` on maps without flow fields."""


def build_rules(one: SmacMap, profile: str = "liberty") -> Rules:
    """The rules of map `one` under a statistics profile."""
    names = one.ally_kinds + one.enemy_kinds
    table = unit_kinds(profile)
    kinds = [table[name] for name in dict.fromkeys(names)]
    index = {kind.name: number for number, kind in enumerate(kinds)}
    units = [table[name] for name in names]
    width = padded(len(units))
    ground = terrain(one.terrain)
    masks = np.stack([ground.ground, ground.cliff_walk, ground.flying])
    return Rules(
        n_allies=one.n_allies,
        n_units=len(units),
        stat=_columns([_stats(unit) for unit in units], STATS, width, np.float32),
        trait=_columns([_traits(unit, index) for unit in units], TRAITS, width, np.uint32),
        pair=np.stack([_pairs(kinds, units, width, value) for value in (_hit, _contact, _rank)]),
        walkable=np.ascontiguousarray(masks),
        waypoint=waypoints(one.terrain) if one.flow_field else np.zeros((0, 0), np.int16),
    )


def _columns(
    rows: Sequence[Sequence[float]], height: int, width: int, dtype: type[Number]
) -> NDArray[Number]:
    """Units as columns, `[height, width]`; the unused ones are zero."""
    table = np.zeros((height, width), dtype)
    table[:, : len(rows)] = np.asarray(rows, dtype).T
    return table


def _stats(unit: UnitKind) -> list[float]:
    """One unit's column of `Rules.stat`, in the order of the row names."""
    body = [
        unit.radius,
        unit.speed / LOOPS_PER_SECOND,
        (unit.acceleration or 0.0) / LOOPS_PER_SECOND**2,
        unit.hp,
        unit.shield,
        unit.energy_start,
        unit.energy_max,
        unit.armor,
        unit.life_regen / LOOPS_PER_SECOND,
        unit.shield_regen / LOOPS_PER_SECOND,
        unit.shield_regen_wait,
        unit.energy_regen / LOOPS_PER_SECOND,
    ]
    return body + _weapon_stats(unit)


def _weapon_stats(unit: UnitKind) -> list[float]:
    """The part of the column that comes from the weapon, or from the healing beam of a medivac."""
    weapon, heal = unit.weapon, unit.heal
    if heal is not None:
        healing = [heal.rate / LOOPS_PER_SECOND, heal.energy_per_hp, heal.energy_to_begin]
        return [0.0, 0.0, 0.0, heal.range, 0.0, heal.scan] + [0.0] * 5 + healing
    if weapon is None:
        return [0.0] * 14
    low, high = weapon.jitter
    timing = [weapon.period, low, high - low, weapon.range, weapon.range_slop, max(MIN_SCAN, weapon.range)]
    flight = (weapon.missile_speed or 0.0) / LOOPS_PER_SECOND
    splash = [weapon.splash_radius, weapon.beam_length, weapon.beam_width]
    return [*timing, flight, weapon.minimum_damage, *splash, 0.0, 0.0, 0.0]


def _traits(unit: UnitKind, index: Mapping[str, int]) -> list[int]:
    """One unit's column of `Rules.trait`."""
    weapon = unit.weapon
    tail = [
        _layer(unit),
        int(unit.heal is not None),
        int("biological" in unit.attributes),
        int(unit.speed > 0),
    ]
    if weapon is None:
        return [index[unit.name], UNARMED, 0, 0, 0, *tail]
    later = math.ceil(weapon.second_hit_delay if weapon.kind == "melee" else weapon.delay)
    return [
        index[unit.name],
        DELIVERIES[weapon.kind],
        math.ceil(weapon.damage_point),
        weapon.hits,
        later,
        *tail,
    ]


def _hit(kind: UnitKind, other: UnitKind) -> float:
    weapon = kind.weapon
    if weapon is None:
        return 0.0
    return weapon.damage + (weapon.bonus if weapon.bonus_against in other.attributes else 0.0)


def _layer(kind: UnitKind) -> int:
    return AIR if kind.flying else GIANT if kind.walks_cliffs else GROUND


def _contact(kind: UnitKind, other: UnitKind) -> float:
    """A colossus steps over small units, and the air is a plane of its own."""
    return kind.separation + other.separation if _layer(kind) == _layer(other) else 0.0


def _can_hit(kind: UnitKind, other: UnitKind) -> bool:
    """A colossus stands in the air as well as on the ground: anti-air weapons reach it too."""
    weapon = kind.weapon
    return weapon is not None and (weapon.air if other.flying else weapon.ground)


def _rank(kind: UnitKind, other: UnitKind) -> float:
    """Class of `other` as a target: what can hurt me, and healers, come before the rest."""
    if not _can_hit(kind, other):
        return NO_TARGET
    return 0.0 if other.heal is not None or _can_hit(other, kind) else 1.0


def _pairs(
    kinds: Sequence[UnitKind],
    units: Sequence[UnitKind],
    width: int,
    value: Callable[[UnitKind, UnitKind], float],
) -> Floats:
    """`value(kind, unit)` as a table `[K, W]`."""
    table = np.zeros((len(kinds), width), np.float32)
    for row, kind in enumerate(kinds):
        table[row, : len(units)] = [value(kind, unit) for unit in units]
    return table
