"""The 23 maps of the StarCraft Multi-Agent Challenge as data: who fights, where, and under which order.

Spawn points, creation order and the enemy's single order were read from the map scripts that SMAC ships;
episode limits and map types from SMAC's own registry. All maps are 32 by 32 cells.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from marlzoo.errors import UsageError, nearest

Point = tuple[float, float]

TYPE_ORDER: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "marines": ("marine",),
        "stalkers_and_zealots": ("stalker", "zealot"),
        "colossi_stalkers_zealots": ("colossus", "stalker", "zealot"),
        "MMM": ("marauder", "marine", "medivac"),
        "zealots": ("zealot",),
        "hydralisks": ("hydralisk",),
        "stalkers": ("stalker",),
        "colossus": ("colossus",),
        "bane": ("baneling", "zergling"),
    }
)
"""The allied kinds of each map type in the order of their custom unit types. Agent ids follow this order."""

NON_ATTACK_ACTIONS = 6
"""no-op, stop, north, south, east, west; attack k is action 6 + k."""


@dataclass(frozen=True)
class Group:
    """Units of one kind, created one after another at one point."""

    kind: str
    count: int
    x: float
    y: float


@dataclass(frozen=True)
class Order:
    """The only order that the enemy ever gets, at spawn.

    `attack_move` has one point; `attack_move_segment` two, a random point between them being the goal;
    `attack_target` and `none` have no points (`attack_target` hunts the allied group wherever it is).
    """

    kind: str
    points: tuple[Point, ...] = ()


@dataclass(frozen=True)
class SmacMap:
    """One map: sizes, races, forces and terrain."""

    name: str
    episode_limit: int
    ally_race: str
    enemy_race: str
    map_type: str
    type_bits: int
    ally_groups: tuple[Group, ...]
    enemy_groups: tuple[Group, ...]
    order: Order
    terrain: str
    flow_field: bool = False
    width: int = 32
    height: int = 32

    @property
    def n_allies(self) -> int:
        return sum(group.count for group in self.ally_groups)

    @property
    def n_enemies(self) -> int:
        return sum(group.count for group in self.enemy_groups)

    @property
    def n_actions(self) -> int:
        return NON_ATTACK_ACTIONS + self.n_enemies

    @property
    def ally_kinds(self) -> tuple[str, ...]:
        """Kind of each agent in agent-id order: sorted by custom unit type."""
        order = TYPE_ORDER[self.map_type]
        return tuple(sorted(_expand(self.ally_groups), key=order.index))

    @property
    def enemy_kinds(self) -> tuple[str, ...]:
        """Kind of each enemy in enemy-id order: the order of creation."""
        return _expand(self.enemy_groups)


def _expand(groups: tuple[Group, ...]) -> tuple[str, ...]:
    return tuple(group.kind for group in groups for _ in range(group.count))


def _army(point: Point, **counts: int) -> tuple[Group, ...]:
    return tuple(Group(kind, count, *point) for kind, count in counts.items())


_WEST: Point = (9.0, 16.0)
_EAST: Point = (23.0, 16.0)
_NORTH_EAST: Point = (27.91, 28.24)
_SOUTH_WEST: Point = (4.47, 4.3298)


def _face_off(
    name: str,
    limit: int,
    races: str,
    map_type: str,
    allies: dict[str, int],
    enemies: dict[str, int],
    terrain: str = "flat_band",
) -> SmacMap:
    """Two armies 14 cells apart; the enemy attack-moves to where the allies start."""
    ally_groups, enemy_groups = _army(_WEST, **allies), _army(_EAST, **enemies)
    order = Order("attack_move", (_WEST,))
    bits = {"MMM": 3, "stalkers_and_zealots": 2, "colossi_stalkers_zealots": 3}.get(map_type, 0)
    return SmacMap(name, limit, races[0], races[1], map_type, bits, ally_groups, enemy_groups, order, terrain)


def _marines(name: str, limit: int, allies: int, enemies: int) -> SmacMap:
    return _face_off(name, limit, "TT", "marines", {"marine": allies}, {"marine": enemies})


def _medical(name: str, limit: int, marines: int, marauders: int) -> SmacMap:
    """The enemy's marines and marauders vary; our force is always 7 marines, 2 marauders and a medivac."""
    allies = {"marine": 7, "marauder": 2, "medivac": 1}
    enemies = {"marine": marines, "marauder": marauders, "medivac": 1}
    return _face_off(name, limit, "TT", "MMM", allies, enemies)


def _stalkers_zealots(name: str, limit: int, allies: tuple[int, int], enemies: tuple[int, int]) -> SmacMap:
    ours, theirs = ({"stalker": s, "zealot": z} for s, z in (allies, enemies))
    return _face_off(name, limit, "PP", "stalkers_and_zealots", ours, theirs)


def _chase(name: str, limit: int, zealots: int) -> SmacMap:
    return _face_off(name, limit, "PP", "stalkers", {"stalker": 3}, {"zealot": zealots}, terrain="open")


def _colossus_mix() -> SmacMap:
    army = {"colossus": 1, "stalker": 3, "zealot": 5}
    return _face_off("1c3s5z", 180, "PP", "colossi_stalkers_zealots", army, army)


def _two_marines() -> SmacMap:
    left, right = (13.0, 12.0), (19.0, 12.0)
    return SmacMap(
        name="2m_vs_1z",
        episode_limit=150,
        ally_race="T",
        enemy_race="P",
        map_type="marines",
        type_bits=0,
        ally_groups=_army(left, marine=1) + _army(right, marine=1),
        enemy_groups=_army((16.0, 19.0), zealot=1),
        order=Order("attack_move_segment", (left, right)),
        terrain="round_room",
    )


def _corridor() -> SmacMap:
    return SmacMap(
        name="corridor",
        episode_limit=400,
        ally_race="P",
        enemy_race="Z",
        map_type="zealots",
        type_bits=0,
        ally_groups=_army((19.0397, 19.1198), zealot=6),
        enemy_groups=_army(_NORTH_EAST, zergling=24),
        order=Order("attack_move", (_SOUTH_WEST,)),
        terrain="corridor",
        flow_field=True,
    )


def _hydralisks() -> SmacMap:
    start = (14.5998, 9.49)
    return SmacMap(
        name="6h_vs_8z",
        episode_limit=150,
        ally_race="Z",
        enemy_race="P",
        map_type="hydralisks",
        type_bits=0,
        ally_groups=_army(start, hydralisk=6),
        enemy_groups=_army((14.41, 16.7597), zealot=8),
        order=Order("attack_move", (start,)),
        terrain="6h_vs_8z",
    )


def _spine_crawler() -> SmacMap:
    return SmacMap(
        name="2s_vs_1sc",
        episode_limit=300,
        ally_race="P",
        enemy_race="Z",
        map_type="stalkers",
        type_bits=0,
        ally_groups=_army((11.1208, 10.338), stalker=1) + _army((16.976, 10.3662), stalker=1),
        enemy_groups=_army((13.92, 20.0397), spine_crawler=1),
        order=Order("none"),
        terrain="2s_vs_1sc",
    )


def _so_many_baneling() -> SmacMap:
    return SmacMap(
        name="so_many_baneling",
        episode_limit=100,
        ally_race="P",
        enemy_race="Z",
        map_type="zealots",
        type_bits=0,
        ally_groups=_army((11.469, 12.0234), zealot=7),
        enemy_groups=_army(_NORTH_EAST, baneling=32),
        order=Order("attack_move", (_SOUTH_WEST,)),
        terrain="so_many_baneling",
        flow_field=True,
    )


def _bane_vs_bane() -> SmacMap:
    rear = (16.0, 8.0)
    return SmacMap(
        name="bane_vs_bane",
        episode_limit=200,
        ally_race="Z",
        enemy_race="Z",
        map_type="bane",
        type_bits=2,
        ally_groups=_army((16.0, 11.0), zergling=20) + _army(rear, baneling=4),
        enemy_groups=_army((16.0, 21.0), zergling=20) + _army((16.0, 24.0), baneling=4),
        order=Order("attack_move", (rear,)),
        terrain="round_room",
    )


def _two_colossi() -> SmacMap:
    plateau = (16.0, 16.0)
    return SmacMap(
        name="2c_vs_64zg",
        episode_limit=400,
        ally_race="P",
        enemy_race="Z",
        map_type="colossus",
        type_bits=0,
        ally_groups=_army(plateau, colossus=1) + _army(plateau, colossus=1),
        enemy_groups=_army((16.0, 9.0), zergling=64),
        order=Order("attack_target"),
        terrain="2c_vs_64zg",
        flow_field=True,
    )


def _all_maps() -> tuple[SmacMap, ...]:
    return (
        _marines("3m", 60, 3, 3),
        _marines("8m", 120, 8, 8),
        _marines("25m", 150, 25, 25),
        _marines("5m_vs_6m", 70, 5, 6),
        _marines("8m_vs_9m", 120, 8, 9),
        _marines("10m_vs_11m", 150, 10, 11),
        _marines("27m_vs_30m", 180, 27, 30),
        _medical("MMM", 150, 7, 2),
        _medical("MMM2", 180, 8, 3),
        _stalkers_zealots("2s3z", 120, (2, 3), (2, 3)),
        _stalkers_zealots("3s5z", 150, (3, 5), (3, 5)),
        _stalkers_zealots("3s5z_vs_3s6z", 170, (3, 5), (3, 6)),
        _chase("3s_vs_3z", 150, 3),
        _chase("3s_vs_4z", 200, 4),
        _chase("3s_vs_5z", 250, 5),
        _colossus_mix(),
        _two_marines(),
        _corridor(),
        _hydralisks(),
        _spine_crawler(),
        _so_many_baneling(),
        _bane_vs_bane(),
        _two_colossi(),
    )


MAPS: Mapping[str, SmacMap] = MappingProxyType({one.name: one for one in _all_maps()})


def get_map(name: str) -> SmacMap:
    """The map called `name`.

    Raises:
        UsageError: no such map; the message names the nearest one.
    """
    if name not in MAPS:
        raise UsageError(f"no SMAC map {name!r}{nearest(name, MAPS)}")
    return MAPS[name]
