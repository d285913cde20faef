"""What the engine knows about a kind of unit, and in which units of measure.

Distances are in cells, speeds in cells per normal second, rates per normal second, times in game loops.
Sixteen game loops are one normal second; one environment step is eight.
"""

from __future__ import annotations

from dataclasses import dataclass

LOOPS_PER_SECOND = 16
LOOPS_PER_STEP = 8


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
