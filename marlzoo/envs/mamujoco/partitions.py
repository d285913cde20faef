"""How a robot's joints are split among agents, and what each agent sees and drives.

`plan(scenario, partition, obsk)` turns the tables into index lists: for every agent the features it observes,
in the order of gymnasium-robotics' `mamujoco_v1`, and the actuators it drives.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from marlzoo.envs.mamujoco.morphology import (
    BODY_WIDTH,
    MORPHOLOGIES,
    PUSHER_JOINTS,
    Joint,
    Morphology,
    Source,
)
from marlzoo.errors import UsageError, nearest

Split = tuple[tuple[str, ...], ...]
"""The joints of every agent, in the order of its action components."""


def _singles(split: Split) -> Split:
    return tuple((joint,) for part in split for joint in part)


_ANT_LEGS: Split = tuple((f"hip{leg}", f"ankle{leg}") for leg in range(1, 5))
_WALKER_LEGS: Split = (
    ("foot_joint", "leg_joint", "thigh_joint"),
    ("foot_left_joint", "leg_left_joint", "thigh_left_joint"),
)
_CHEETAH_HALVES: Split = (("bthigh", "bshin", "bfoot"), ("fthigh", "fshin", "ffoot"))
_SIDES = ("right", "left")
_UPPER_BODY = tuple(f"{side}_{joint}" for side in _SIDES for joint in ("shoulder1", "shoulder2", "elbow"))
_LOWER_BODY = tuple(f"{side}_{joint}" for side in _SIDES for joint in ("hip_x", "hip_y", "hip_z", "knee"))
_HUMANOID_HALVES: Split = (("abdomen_x", "abdomen_y", "abdomen_z", *_UPPER_BODY), _LOWER_BODY)
_HUMANOID = {"9|8": _HUMANOID_HALVES, "17x1": _singles(_HUMANOID_HALVES)}

SPLITS: dict[str, dict[str, Split]] = {
    "HalfCheetah": {"2x3": _CHEETAH_HALVES, "6x1": _singles(_CHEETAH_HALVES)},
    "Ant": {
        "2x4": (_ANT_LEGS[0] + _ANT_LEGS[1], _ANT_LEGS[2] + _ANT_LEGS[3]),
        "2x4d": (_ANT_LEGS[0] + _ANT_LEGS[3], _ANT_LEGS[1] + _ANT_LEGS[2]),
        "4x2": _ANT_LEGS,
        "8x1": _singles(_ANT_LEGS),
    },
    "Walker2d": {"2x3": _WALKER_LEGS, "6x1": _singles(_WALKER_LEGS)},
    "Hopper": {"3x1": (("thigh_joint",), ("leg_joint",), ("foot_joint",))},
    "Humanoid": _HUMANOID,
    "HumanoidStandup": _HUMANOID,
    "Swimmer": {"2x1": (("rot2",), ("rot3",))},
    "Reacher": {"2x1": (("joint0",), ("joint1",))},
    "Pusher": {"3p": (PUSHER_JOINTS[:3], PUSHER_JOINTS[3:4], PUSHER_JOINTS[4:])},
}
"""The splits of the fast path."""

SPLIT_FURTHER = {("Ant", "8x1"): "4x2", ("Walker2d", "6x1"): "2x3"} | {
    (scenario, "17x1"): "9|8" for scenario in ("Humanoid", "HumanoidStandup")
}
"""Splits that the papers use and upstream lacks: one agent per joint of the split named here."""

REFERENCE_ONLY = ("CoupledHalfCheetah", "ManySegmentSwimmer", "ManySegmentAnt")
"""Scenarios without a fast path."""

TASKS: tuple[str, ...] = (
    *(f"{scenario}-{split}" for scenario, splits in SPLITS.items() for split in splits),
    "ManySegmentSwimmer-10x2",
    "ManySegmentSwimmer-6x1",
    "ManySegmentAnt-2x3",
    "ManySegmentAnt-3x1",
    "CoupledHalfCheetah-1p1",
)
"""The tasks shown in lists; `ManySegment*` exist for any `NxM`."""


@dataclass(frozen=True)
class TaskName:
    """`<scenario>-<partition>`, taken apart."""

    scenario: str
    partition: str

    @property
    def has_fast_path(self) -> bool:
        return self.scenario in SPLITS

    def __str__(self) -> str:
        return f"{self.scenario}-{self.partition}"


def parse_task(task: str) -> TaskName:
    """Take a task's name apart.

    Raises:
        UsageError: no such scenario, or no such partition of it.
    """
    scenario, _, partition = task.partition("-")
    open_ended = scenario.startswith("ManySegment") and re.fullmatch(r"[1-9]\d*x[1-9]\d*", partition)
    if task not in TASKS and not (scenario in REFERENCE_ONLY and open_ended):
        raise UsageError(f"no MA-MuJoCo task {task!r}{nearest(task, TASKS)}")
    return TaskName(scenario, partition)


@dataclass(frozen=True)
class Plan:
    """What every agent observes (`sources`, agent by agent) and drives (`actuators`, agent by agent)."""

    sources: tuple[tuple[Source, ...], ...]
    actuators: tuple[tuple[int, ...], ...]

    @property
    def obs_dims(self) -> tuple[int, ...]:
        return tuple(len(sources) for sources in self.sources)

    @property
    def action_dims(self) -> tuple[int, ...]:
        return tuple(len(actuators) for actuators in self.actuators)


def plan(task: TaskName, obsk: int) -> Plan:
    """The index lists of a task whose agents see joints up to `obsk` links away.

    The result of the fast path only: `task.has_fast_path` must hold.
    """
    morphology = MORPHOLOGIES[task.scenario]
    split = SPLITS[task.scenario][task.partition]
    return Plan(
        sources=tuple(_observed(morphology, part, obsk) for part in split),
        actuators=tuple(tuple(morphology.joint(name).actuator for name in part) for part in split),
    )


def rings(links: Iterable[tuple[str, ...]], own: Iterable[str], depth: int) -> list[list[str]]:
    """The joints at distance 0, 1, ... `depth` from the joints `own`, each ring sorted by name."""
    groups = [set(group) for group in links]
    seen = set(own)
    found = [sorted(seen)]
    for _ in range(depth):
        touching = [group for group in groups if group & set(found[-1])]
        ring = set().union(*touching) - seen
        seen |= ring
        found.append(sorted(ring))
    return found


def _observed(morphology: Morphology, part: tuple[str, ...], obsk: int) -> tuple[Source, ...]:
    """What the agent of the joints `part` sees: its own joints, its neighbours' positions, the root."""
    own, *others = rings(morphology.links, part, obsk)
    sources: list[Source] = []
    listed: set[tuple[str, int]] = set()
    for name in own:
        joint = morphology.joint(name)
        for category in morphology.own:
            sources += _CATEGORIES[category](joint) if category in _CATEGORIES else ()
            sources += _bodies(joint, category, listed) if category in BODY_WIDTH else ()
    for ring in others:
        for name in ring:
            sources += morphology.joint(name).position
    return (*sources, *morphology.root)


_CATEGORIES: dict[str, Callable[[Joint], tuple[Source, ...]]] = {
    "position": lambda joint: joint.position,
    "velocity": lambda joint: joint.velocity,
    "extra": lambda joint: joint.extra,
    "qfrc_actuator": lambda joint: (("qfrc_actuator", joint.dof),),
}


def _bodies(joint: Joint, block: str, listed: set[tuple[str, int]]) -> list[Source]:
    """The numbers of a joint's bodies in `block`; a body that the agent has `listed` already is not
    repeated."""
    width = BODY_WIDTH[block]
    sources: list[Source] = []
    for body in joint.bodies:
        if (block, body) not in listed:
            listed.add((block, body))
            sources += [(block, body * width + number) for number in range(width)]
    return sources
