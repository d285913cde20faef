"""Scripted policies: functions of the unit tables that play all agents of E battles at once.

They serve as yardsticks (how hard is a map?), for acceptance tests of the engine and for demonstrations; they
know everything that the tables show. A script takes a `Scene` and returns actions `[E, N]`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from marlzoo.envs.smac.maps import NON_ATTACK_ACTIONS, Point, SmacMap
from marlzoo.envs.smac.tables import TABLE_FIELDS
from marlzoo.envs.smac.terrain import terrain
from marlzoo.envs.smac.units import UnitKind, Weapon, unit_kinds

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Bools = NDArray[np.bool_]
Actions = NDArray[np.int64]

_HP, _SHIELD, _COOLDOWN, _ALIVE = (TABLE_FIELDS.index(name) for name in ("hp", "shield", "cooldown", "alive"))
_STOP, _FIRST_MOVE = 1, 2
_HEADINGS = np.array([(0, 1), (0, -1), (1, 0), (-1, 0)], float)  # actions 2 to 5
_FAR = 1e6
_DANGER = 4.0  # a kiting unit keeps enemies farther away than this
_RELOADED = 4.0  # loops of cooldown below which a kiting unit turns round to fire


@dataclass(frozen=True)
class Scene:
    """What scripts look at: E battles on one map."""

    map: SmacMap
    allies: Floats
    """`[E, N, 7]`: x, y, hp, shield, energy, cooldown, alive."""
    enemies: Floats
    """`[E, M, 7]`."""
    mask: Bools
    """`[E, N, A]`: available actions."""
    rng: np.random.Generator

    @property
    def heals(self) -> Bools:
        """`[N]`: which agents are medivacs."""
        return np.array([kind == "medivac" for kind in self.map.ally_kinds])


Script = Callable[[Scene], Actions]


def random(scene: Scene) -> Actions:
    """Any available action, all equally likely."""
    return (scene.rng.random(scene.mask.shape) * scene.mask).argmax(-1)


def nearest(scene: Scene) -> Actions:
    """Attack the nearest enemy within the interface's range, else walk to the nearest. Medivacs heal."""
    gaps = _gaps(scene)
    return _attack_by(scene, gaps, _approach(scene, gaps))


def focus_fire(scene: Scene) -> Actions:
    """Attack the weakest enemy in reach, with no more shooters than it takes; else as `nearest`."""
    gaps = _gaps(scene)
    actions = nearest(scene)
    left = (scene.enemies[..., _HP] + scene.enemies[..., _SHIELD]).astype(float)
    reach, damage = _reach(scene), _volley(scene)
    rows = np.arange(len(left))
    for agent in np.flatnonzero(~scene.heals):
        attacks = scene.mask[:, agent, NON_ATTACK_ACTIONS:]
        open_ = attacks & (gaps[:, agent] <= reach[agent]) & (left > 0)
        chosen = np.where(open_, left + 0.1 * gaps[:, agent], np.inf).argmin(-1)
        fires = open_.any(-1)
        left[rows, chosen] -= fires * damage[agent, chosen]
        actions[:, agent] = np.where(fires, NON_ATTACK_ACTIONS + chosen, actions[:, agent])
    return actions


def hold(scene: Scene) -> Actions:
    """Stand still; attack the nearest enemy within range."""
    return _attack_by(scene, _gaps(scene), np.full(scene.mask.shape[:2], _STOP))


def stand_still(scene: Scene) -> Actions:
    """Stop, whatever happens, but fire at what is within the weapon's own range."""
    gaps = _gaps(scene)
    return _only_in_reach(scene, gaps, _attack_by(scene, gaps, np.full(scene.mask.shape[:2], _STOP)))


def kite(scene: Scene) -> Actions:
    """Fire when the weapon is ready, walk away from enemies that are near while it is not."""
    gaps = _gaps(scene)
    closest = gaps.min(-1)
    attack = _attack_by(scene, gaps, _approach(scene, gaps))
    flee = (scene.allies[..., _COOLDOWN] > _RELOADED) & (closest < _DANGER)
    return np.where(flee & (scene.allies[..., _ALIVE] > 0), _retreat(scene), attack)


def hold_posts(route: Sequence[Point], posts: Sequence[Point], engage: float = 1.8) -> Script:
    """A script that marches along `route`, then holds one post per agent; attacks what is within `engage`."""
    way = [np.asarray(point, float) for point in route]

    def script(scene: Scene) -> Actions:
        place = scene.allies[..., :2].astype(float)
        target = np.resize(np.asarray(posts, float), (scene.map.n_allies, 2)) - place
        for k in reversed(range(len(way))):
            onward = (way[k + 1] if k + 1 < len(way) else np.mean(posts, 0)) - way[k]
            passed = ((place - way[k]) @ onward > 0) | (np.hypot(*(place - way[k]).T).T < 0.6)
            target = np.where(passed[..., None], target, way[k] - place)
        arrived = np.hypot(target[..., 0], target[..., 1]) < 0.6
        calm = np.where(arrived & (scene.allies[..., _ALIVE] > 0), _STOP, _walk_along(scene, target))
        gaps = _gaps(scene)
        return np.where(gaps.min(-1) < engage, _attack_by(scene, gaps, calm), calm)

    return script


CORRIDOR_WAY: tuple[Point, ...] = ((14.2, 14.6), (12.6, 12.6))
CORRIDOR_POSTS: tuple[Point, ...] = (
    (9.5, 11.5),
    (9.6, 10.7),
    (9.9, 10.0),
    (10.4, 9.4),
    (11.0, 8.9),
    (11.7, 8.6),
)
"""From the first room of `corridor` through the passage, to an arc around its far end."""

SCRIPTS: Mapping[str, Script] = MappingProxyType(
    {
        "random": random,
        "nearest": nearest,
        "focus_fire": focus_fire,
        "hold": hold,
        "stand_still": stand_still,
        "kite": kite,
        "choke": hold_posts(CORRIDOR_WAY, CORRIDOR_POSTS),
    }
)


def _gaps(scene: Scene) -> Doubles:
    """Distances of every agent to every enemy `[E, N, M]`; far beyond reach for the dead."""
    apart = scene.enemies[:, None, :, :2].astype(float) - scene.allies[:, :, None, :2]
    return np.where(scene.enemies[:, None, :, _ALIVE] > 0, np.hypot(apart[..., 0], apart[..., 1]), _FAR)


def _attack_by(scene: Scene, key: Doubles | Floats, otherwise: Actions) -> Actions:
    """Attack the available enemy with the smallest key `[E, N, M]`; medivacs heal; else `otherwise`."""
    attacks = scene.mask[..., NON_ATTACK_ACTIONS:].copy()
    chosen = np.where(attacks, key, np.inf).argmin(-1)
    healing = np.where(attacks[..., : scene.map.n_allies], _wounds(scene), np.inf).argmin(-1)
    chosen = np.where(scene.heals, healing, chosen)
    possible = attacks.any(-1)
    return np.where(possible, NON_ATTACK_ACTIONS + chosen, np.where(scene.mask[..., 0], 0, otherwise))


def _wounds(scene: Scene) -> Doubles:
    """Share of life of the agents `[E, 1, N]`, as the key by which medivacs choose."""
    kinds = unit_kinds()
    full = np.array([kinds[kind].hp for kind in scene.map.ally_kinds])
    return (scene.allies[..., _HP] / full)[:, None, :]


def _only_in_reach(scene: Scene, gaps: Doubles, actions: Actions) -> Actions:
    """Replace attacks that would make the unit walk by `stop`."""
    target = np.maximum(actions - NON_ATTACK_ACTIONS, 0)
    gap = np.take_along_axis(gaps, target[..., None], -1)[..., 0]
    limit = _reach(scene)[np.arange(scene.map.n_allies), target]
    return np.where((actions >= NON_ATTACK_ACTIONS) & (gap > limit), _STOP, actions)


def _sides(scene: Scene) -> tuple[list[UnitKind], list[UnitKind]]:
    kinds = unit_kinds()
    return [kinds[kind] for kind in scene.map.ally_kinds], [kinds[kind] for kind in scene.map.enemy_kinds]


def _reach(scene: Scene) -> Doubles:
    """The distance `[N, M]` at which each agent can fire at each enemy."""
    ours, theirs = _sides(scene)
    own = [unit.radius + (unit.weapon.range if unit.weapon else 0.0) for unit in ours]
    return np.add.outer(own, [unit.radius for unit in theirs])


def _volley(scene: Scene) -> Doubles:
    """What one attack of each agent takes from each enemy `[N, M]`, armour aside."""
    ours, theirs = _sides(scene)
    return np.array([[_damage(unit.weapon, other) for other in theirs] for unit in ours])


def _damage(weapon: Weapon | None, other: UnitKind) -> float:
    if weapon is None or (other.flying and not weapon.air):
        return 0.0
    bonus = weapon.bonus if weapon.bonus_against in other.attributes else 0.0
    return weapon.hits * (weapon.damage + bonus)


def _approach(scene: Scene, gaps: Doubles) -> Actions:
    """Walk to the nearest enemy."""
    goal = np.take_along_axis(scene.enemies[..., :2], gaps.argmin(-1)[..., None], 1)
    return _walk_along(scene, goal - scene.allies[..., :2])


def _retreat(scene: Scene) -> Actions:
    """Walk away from the enemies, near ones counting most, and from the edges of the map."""
    apart = scene.allies[:, :, None, :2].astype(float) - scene.enemies[:, None, :, :2]
    square = np.maximum((apart**2).sum(-1, keepdims=True), 1e-3)
    away = np.where(scene.enemies[:, None, :, _ALIVE, None] > 0, apart / square**1.5, 0.0).sum(2)
    away /= np.maximum(np.hypot(away[..., :1], away[..., 1:]), 1e-9)
    centre, extent = _room(scene)
    outward = (scene.allies[..., :2] - centre) / extent
    return _walk_along(scene, away - 2.0 * outward * (outward**2).sum(-1, keepdims=True) ** 3)


def _room(scene: Scene) -> tuple[Doubles, Doubles]:
    """Centre and half extent of the walkable ground."""
    cells = np.argwhere(terrain(scene.map.terrain).ground)
    low, high = cells.min(0), cells.max(0) + 1.0
    return (low + high) / 2, (high - low) / 2


def _walk_along(scene: Scene, direction: Doubles | Floats) -> Actions:
    """The available move nearest to a direction `[E, N, 2]`; `stop` where no move is available."""
    moves = scene.mask[..., _FIRST_MOVE:NON_ATTACK_ACTIONS]
    fit = np.where(moves, direction @ _HEADINGS.T, -np.inf)
    walk = np.where(moves.any(-1), _FIRST_MOVE + fit.argmax(-1), _STOP)
    return np.where(scene.mask[..., 0], 0, walk)
