"""The units of one battle as SMAC's interface sees them: type indices, largest health, shield and cooldown.

SMAC knows allied units by custom types (consecutive numbers in a fixed order per map type) and enemies by
StarCraft II's own types; hence the one-hot index of a kind can differ between the two sides.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from marlzoo.envs.smac.maps import TYPE_ORDER, SmacMap
from marlzoo.envs.smac.units import UnitKind, unit_kind
from marlzoo.errors import UsageError

LONGEST_COOLDOWN: Mapping[str, float] = MappingProxyType(
    {
        "marine": 15,
        "marauder": 25,
        "stalker": 35,
        "zealot": 22,
        "colossus": 24,
        "hydralisk": 10,
        "zergling": 11,
        "baneling": 1,
        "medivac": 200,
    }
)
"""By what SMAC divides a cooldown in the state, in loops (a medivac's: its energy). The values of stalker
and colossus are swapped with respect to their weapons; the reference has them so."""

USUAL_COOLDOWN = 15.0
"""For kinds that are not among the map type's own."""

LARGEST_SHIELD: Mapping[str, float] = MappingProxyType({"stalker": 80, "zealot": 50, "colossus": 150})

_ENEMY_INDEX: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "colossi_stalkers_zealots": ("colossus", "stalker"),
        "MMM": ("marauder", "marine"),
        "bane": ("baneling", ""),
    }
)
"""Enemy kinds with index 0 and 1 by map type; any other kind gets the last index."""


@dataclass(frozen=True)
class Forces:
    """The kinds of both sides in environment-id order."""

    smac_map: SmacMap
    allies: tuple[UnitKind, ...]
    enemies: tuple[UnitKind, ...]

    @property
    def medical(self) -> bool:
        """Whether this is a map on which medivacs heal by target actions and cannot win alone."""
        return self.smac_map.map_type == "MMM"

    def is_medivac(self, kind: UnitKind) -> bool:
        """Whether an ally counts as a medivac; elsewhere than on the medical maps none does."""
        return self.medical and kind.name == "medivac"

    def longest_cooldown(self, kind: UnitKind) -> float:
        """What an ally's cooldown (or energy) is divided by."""
        if kind.name not in TYPE_ORDER[self.smac_map.map_type]:
            return USUAL_COOLDOWN
        return LONGEST_COOLDOWN[kind.name]

    def ally_index(self, kind: UnitKind) -> int:
        """One-hot index of an ally's type.

        Raises:
            UsageError: the map type has no such allied kind.
        """
        order = TYPE_ORDER[self.smac_map.map_type]
        if kind.name not in order:
            raise UsageError(f"{self.smac_map.name}: allies must be of {', '.join(order)}, not {kind.name!r}")
        return order.index(kind.name)

    def enemy_index(self, kind: UnitKind) -> int:
        """One-hot index of an enemy's type.

        Raises:
            UsageError: the map type has no index for this kind.
        """
        if self.smac_map.map_type == "stalkers_and_zealots":
            if kind.name not in ("zealot", "stalker"):
                raise UsageError(
                    f"{self.smac_map.name}: enemies must be of zealot, stalker, not {kind.name!r}"
                )
            return 0 if kind.name == "zealot" else 1
        known = _ENEMY_INDEX[self.smac_map.map_type]
        return known.index(kind.name) if kind.name in known else self.smac_map.type_bits - 1


def forces(
    smac_map: SmacMap, ally_kinds: Sequence[str] | None = None, enemy_kinds: Sequence[str] | None = None
) -> Forces:
    """The forces of a map, or other kinds of units in their places (names in id order).

    Raises:
        UsageError: wrong number of kinds, unknown kind, or one without shields on a side whose shields are
        shown.
    """
    return Forces(
        smac_map,
        _side(smac_map, "ally", smac_map.ally_kinds, ally_kinds, smac_map.ally_race),
        _side(smac_map, "enemy", smac_map.enemy_kinds, enemy_kinds, smac_map.enemy_race),
    )


def _side(
    smac_map: SmacMap, side: str, own: Sequence[str], given: Sequence[str] | None, race: str
) -> tuple[UnitKind, ...]:
    names = own if given is None else tuple(given)
    if len(names) != len(own):
        raise UsageError(f"{smac_map.name}: {side}_kinds must name {len(own)} units, got {len(names)}")
    kinds = tuple(unit_kind(name) for name in names)
    for kind in kinds:
        if race == "P" and kind.name not in LARGEST_SHIELD:
            raise UsageError(f"{smac_map.name}: {side}_kinds must have shields, {kind.name!r} has none")
    return kinds
