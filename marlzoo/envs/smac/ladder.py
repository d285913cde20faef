"""The ladder values at "Faster" speed, as SMAClite uses them, for comparison with results obtained there.

Speeds and rates of fire are 1.4 times higher; stalker, colossus and baneling have other weapons; there is no
wind-up, no cooldown noise and no minimum damage. SMAClite has no hydralisk; its speed and period follow the
same factor, so that all units of a battle share one clock. What SMAClite does not define (sight,
regeneration, missile flight) is taken from `liberty`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from marlzoo.envs.smac.kinds import LOOPS_PER_SECOND, Heal, UnitKind, Weapon
from marlzoo.envs.smac.liberty import LIBERTY

LADDER_FACTOR = 1.4
"""How much faster the clock of this profile runs than the clock of the data files."""


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
