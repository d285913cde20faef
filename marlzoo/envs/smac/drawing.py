"""What a battle of the embedded engine looks like: the ground, the units, and whom they are after."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from marlzoo.envs.drawing import OURS, THEIRS, Body, Moment, Polygon, Scene
from marlzoo.envs.smac import rules as rule
from marlzoo.envs.smac import state
from marlzoo.envs.smac.config import SmacConfig
from marlzoo.envs.smac.kinds import LOOPS_PER_SECOND, UnitKind
from marlzoo.envs.smac.maps import SmacMap
from marlzoo.envs.smac.rules import Rules
from marlzoo.envs.smac.state import Floats, Ints
from marlzoo.envs.smac.step_kernel import Battles
from marlzoo.envs.smac.terrain import terrain
from marlzoo.envs.smac.units import unit_kinds

_GAUGES = {
    "health": (state.HP, rule.HP_MAX),
    "shield": (state.SHIELD, rule.SHIELD_MAX),
    "energy": (state.ENERGY, rule.ENERGY_MAX),
    "cooldown": (state.COOLDOWN, rule.PERIOD),
}
"""Row of the unit's value, and row of its largest value."""

_AFTER_SOMEBODY = (state.ATTACK, state.HEAL, state.ATTACK_MOVE, state.HUNT)
_MOVES = ("no-op", "stop", "north", "south", "east", "west")
_MARGIN = 1.0


class DrawnBattles:
    """Makes an environment `Drawable` that has these attributes."""

    map: SmacMap
    config: SmacConfig
    rules: Rules
    battles: Battles

    def scene(self, index: int) -> Scene:
        """The map and both forces. All battles on a map look the same but for the moment."""
        ground = terrain(self.map.terrain).ground
        count = self.rules.n_units
        bodies = self._bodies()
        return Scene(
            bounds=_bounds(ground),
            bodies=bodies,
            step_seconds=self.config.step_mul / LOOPS_PER_SECOND,
            walls=walls(ground),
            actions=_MOVES + _aimed(bodies, self.map.n_allies, heals="medivac" in self.map.ally_kinds),
            gauges={name: self.rules.stat[row, :count].copy() for name, (_, row) in _GAUGES.items()},
        )

    def moment(self, index: int) -> Moment:
        """The units of one battle as they are now."""
        count = self.rules.n_units
        floats, ints = self.battles.floats[index, :, :count], self.battles.ints[index, :, :count]
        alive = floats[state.ALIVE] > 0
        return Moment(
            x=floats[state.X].copy(),
            y=floats[state.Y].copy(),
            alive=alive,
            target=_targets(ints, alive),
            gauges={name: _gauge(floats, row) for name, (row, _) in _GAUGES.items()},
        )

    def _bodies(self) -> tuple[Body, ...]:
        kinds = unit_kinds(self.config.stats_profile)
        ours = [_body(kinds[name], OURS, k) for k, name in enumerate(self.map.ally_kinds)]
        theirs = [_body(kinds[name], THEIRS, k) for k, name in enumerate(self.map.enemy_kinds)]
        return (*ours, *theirs)


def _body(kind: UnitKind, team: int, number: int) -> Body:
    name = f"{kind.name}_{number}" if team == OURS else f"enemy {kind.name}_{number}"
    by = kind.weapon or kind.heal
    return Body(name, kind.name, team, kind.radius, by.range + kind.radius if by else 0.0)


def _aimed(bodies: tuple[Body, ...], allies: int, *, heals: bool) -> tuple[str, ...]:
    """Names of the actions aimed at an enemy; a healer's are aimed at the ally of that number."""
    ours, theirs = bodies[:allies], bodies[allies:]
    return tuple(
        f"attack {enemy.name}" + (f" or heal {ours[k].name}" if heals and k < allies else "")
        for k, enemy in enumerate(theirs)
    )


def _gauge(floats: Floats, row: int) -> Floats:
    return np.maximum(floats[row], np.float32(0))


def _targets(ints: Ints, alive: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Whom each unit is after, -1 for nobody. Orders outlive those whom they concern."""
    target = ints[state.TARGET]
    after = alive & (target >= 0) & np.isin(ints[state.ORDER], _AFTER_SOMEBODY)
    after &= alive[np.maximum(target, 0)]
    return np.where(after, target, -1).astype(np.int32)


def walls(ground: NDArray[np.bool_]) -> tuple[Polygon, ...]:
    """Where nobody on the ground can stand, as rectangles: a run of cells of a row each.

    `ground [X, Y]` is indexed by cell; cell (x, y) covers x to x + 1 and y to y + 1.
    """
    found: list[Polygon] = []
    for y in range(ground.shape[1]):
        blocked = np.concatenate([[False], ~ground[:, y], [False]])
        edges = np.flatnonzero(blocked[1:] != blocked[:-1]).tolist()
        for left, right in zip(edges[::2], edges[1::2], strict=True):
            found.append(((left, y), (right, y), (right, y + 1), (left, y + 1)))
    return tuple(found)


def _bounds(ground: NDArray[np.bool_]) -> tuple[float, float, float, float]:
    """Of the walkable cells, with a margin."""
    across, up = np.flatnonzero(ground.any(1)), np.flatnonzero(ground.any(0))
    return (
        max(0.0, float(across[0]) - _MARGIN),
        max(0.0, float(up[0]) - _MARGIN),
        min(float(ground.shape[0]), float(across[-1]) + 1 + _MARGIN),
        min(float(ground.shape[1]), float(up[-1]) + 1 + _MARGIN),
    )
