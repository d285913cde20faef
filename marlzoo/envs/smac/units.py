"""Statistics of the kinds of units on the SMAC maps, in two profiles: `liberty`, as on the maps, and
`ladder`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from marlzoo.envs.smac.kinds import LOOPS_PER_SECOND, LOOPS_PER_STEP, Heal, UnitKind, Weapon
from marlzoo.envs.smac.ladder import LADDER
from marlzoo.envs.smac.liberty import LIBERTY
from marlzoo.errors import UsageError, nearest

__all__ = [
    "LADDER",
    "LIBERTY",
    "LOOPS_PER_SECOND",
    "LOOPS_PER_STEP",
    "STATS",
    "Heal",
    "UnitKind",
    "Weapon",
    "unit_kind",
    "unit_kinds",
]

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
