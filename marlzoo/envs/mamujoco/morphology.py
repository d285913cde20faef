"""Which joints a robot has, what each of them measures, and which joints are neighbours.

The tables state what gymnasium-robotics' `mamujoco_v1` observes, its faults included (docs/mamujoco.md),
because the fast path has to equal it bit for bit. A `Source` names one number: a block of the environment's
feature vector (`scenarios.py`) and an index into it, counted from the end where it is negative.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

Source = tuple[str, int]

BODY_WIDTH = {"cinert": 10, "cvel": 6, "cfrc_ext": 6, "cfrc_ext_clipped": 6}
"""Numbers per body in each block that is indexed by body."""


@dataclass(frozen=True)
class Joint:
    """One actuated joint. Neighbours are listed in the order of `name`.

    `position`, `velocity` and `extra` are what is read there; `bodies` index the blocks of `BODY_WIDTH`;
    `dof` is the joint's degree of freedom in `qfrc_actuator`, counted from the end.
    """

    name: str
    actuator: int
    position: tuple[Source, ...]
    velocity: tuple[Source, ...]
    dof: int
    bodies: tuple[int, ...] = ()
    extra: tuple[Source, ...] = ()


@dataclass(frozen=True)
class Morphology:
    """The joints of a robot, the groups of joints that touch (every pair in a group are neighbours), what an
    agent observes at its own joints (`own`, category by category), and what every agent sees of the `root`.
    """

    joints: tuple[Joint, ...]
    links: tuple[tuple[str, ...], ...]
    root: tuple[Source, ...]
    own: tuple[str, ...] = ("position", "velocity")

    def joint(self, name: str) -> Joint:
        return next(joint for joint in self.joints if joint.name == name)


def run(block: str, start: int, stop: int) -> tuple[Source, ...]:
    """The sources `block[start:stop]`."""
    return tuple((block, index) for index in range(start, stop))


def hinge(
    name: str, index: int, actuator: int, bodies: tuple[int, ...] = (), velocity: str = "qvel"
) -> Joint:
    """A joint whose position and velocity both stand at `index` (negative) of their blocks."""
    return Joint(name, actuator, (("qpos", index),), ((velocity, index),), index, bodies)


def chain(*names: str) -> tuple[tuple[str, ...], ...]:
    """The links of joints that follow one another."""
    return tuple(itertools.pairwise(names))


def _half_cheetah() -> Morphology:
    names = ("bthigh", "bshin", "bfoot", "fthigh", "fshin", "ffoot")
    return Morphology(
        joints=tuple(hinge(name, number - 6, number) for number, name in enumerate(names)),
        links=chain("bfoot", "bshin", "bthigh", "fthigh", "fshin", "ffoot"),
        root=(*run("qpos", 1, 3), *run("qvel", 0, 3)),
    )


def _hopper() -> Morphology:
    names = ("thigh_joint", "leg_joint", "foot_joint")
    return Morphology(
        joints=tuple(hinge(n, i - 3, i, velocity="qvel_clipped") for i, n in enumerate(names)),
        links=chain("foot_joint", "leg_joint", "thigh_joint"),
        root=(*run("qpos", 1, 3), *run("qvel_clipped", 0, 3)),
    )


def _walker2d() -> Morphology:
    names = (
        "thigh_joint",
        "leg_joint",
        "foot_joint",
        "thigh_left_joint",
        "leg_left_joint",
        "foot_left_joint",
    )
    return Morphology(
        joints=tuple(hinge(name, number - 6, number) for number, name in enumerate(names)),
        links=(
            *chain("foot_joint", "leg_joint", "thigh_joint", "thigh_left_joint"),
            *chain("foot_left_joint", "leg_left_joint", "thigh_left_joint"),
        ),
        root=(*run("qpos", 1, 3), *run("qvel", 0, 3)),
    )


def _ant() -> Morphology:
    joints: list[Joint] = []
    for leg in range(4):
        thigh = 2 + 3 * leg
        actuator = (2 + 2 * leg) % 8
        joints.append(hinge(f"hip{leg + 1}", 2 * leg - 8, actuator, (1, thigh)))
        joints.append(hinge(f"ankle{leg + 1}", 2 * leg - 7, actuator + 1, (thigh, thigh + 1, thigh + 2)))
    return Morphology(
        joints=tuple(joints),
        links=(*((f"ankle{leg}", f"hip{leg}") for leg in range(1, 5)), ("hip1", "hip2", "hip3", "hip4")),
        root=(*run("qpos", 2, 7), *run("qvel", 0, 6)),
        own=("position", "velocity", "cfrc_ext_clipped"),
    )


TORSO, WAIST, PELVIS = 1, 2, 3

HUMANOID_JOINTS: tuple[tuple[str, tuple[int, ...]], ...] = (
    ("abdomen_y", (TORSO, WAIST, PELVIS)),
    ("abdomen_z", (TORSO, WAIST, PELVIS)),
    ("abdomen_x", (PELVIS, 4, 7)),
    ("right_hip_x", (4, 5)),
    ("right_hip_z", (4, 5)),
    ("right_hip_y", (4, 5)),
    ("right_knee", (5, 6)),
    ("left_hip_x", (7, 8)),
    ("left_hip_z", (7, 8)),
    ("left_hip_y", (7, 8)),
    ("left_knee", (8, 9)),
    ("right_shoulder1", (TORSO, 10, 11)),
    ("right_shoulder2", (TORSO, 10, 11)),
    ("right_elbow", (11,)),
    ("left_shoulder1", (TORSO, 12, 13)),
    ("left_shoulder2", (TORSO, 12, 13)),
    ("left_elbow", (13,)),
)
"""Joint and bodies, in the order of the actuators, which upstream also takes for the order of the positions:
in the model `abdomen_z` comes first, so the agents of these two joints observe each other's
(docs/mamujoco.md)."""


def _humanoid() -> Morphology:
    abdomen = ("abdomen_x", "abdomen_y", "abdomen_z")
    links: list[tuple[str, ...]] = [abdomen]
    for side in ("left", "right"):
        hip = tuple(f"{side}_hip_{axis}" for axis in "xyz")
        shoulder = (f"{side}_shoulder1", f"{side}_shoulder2")
        links += [
            (f"{side}_knee", *hip),
            (f"{side}_elbow", *shoulder),
            (*shoulder, *abdomen),
            (*abdomen, *hip),
        ]
    return Morphology(
        joints=tuple(hinge(n, i - 17, i, bodies) for i, (n, bodies) in enumerate(HUMANOID_JOINTS)),
        links=tuple(links),
        root=(*run("qpos", 2, 7), *run("qvel", 0, 6)),
        own=("position", "velocity", "cinert", "cvel", "qfrc_actuator", "cfrc_ext"),
    )


def _swimmer() -> Morphology:
    return Morphology(
        joints=(
            Joint("rot2", 0, (("qpos", -2),), (("qvel", 0), ("qvel", 3)), dof=-2),
            Joint("rot3", 1, (("qpos", -1),), (("qvel", 1), ("qvel", 4)), dof=-1),
        ),
        links=(("rot2", "rot3"),),
        root=(("qpos", 2), ("qvel", 2)),
    )


def _reacher() -> Morphology:
    def angle(number: int) -> tuple[Source, ...]:
        return (("sin_qpos", number), ("cos_qpos", number))

    return Morphology(
        joints=(
            Joint("joint0", 0, angle(0), (("qvel", -4),), dof=-4),
            Joint("joint1", 1, angle(1), (("qvel", -3),), dof=-3, extra=run("tip_offset", 0, 3)),
        ),
        links=(("joint0", "joint1"),),
        root=run("qpos", -2, 0),
        own=("position", "velocity", "extra"),
    )


PUSHER_JOINTS = (
    "r_wrist_roll_joint(pan)",
    "r_wrist_roll_joint(lift)",
    "r_upper_arm_roll_joint",
    "r_elbow_flex_joint",
    "r_forearm_roll_joint",
    "r_wrist_flex_joint",
    "r_wrist_roll_joint",
)
"""Upstream calls the shoulder's pan and lift joints `r_wrist_roll_joint` too, and sorts by name: which of the
two comes first depends on memory addresses there. The words in brackets fix the order, here and in the
reference that this adapter builds: lift, then pan."""


def _pusher() -> Morphology:
    joints = tuple(
        Joint(name, number, (("qpos", number),), (("qvel", number),), dof=number)
        for number, name in enumerate(PUSHER_JOINTS)
    )
    return Morphology(
        joints=joints,
        links=chain(*PUSHER_JOINTS),
        root=(*run("tips_arm", 0, 3), *run("object", 0, 3), *run("goal", 0, 3)),
    )


MORPHOLOGIES: dict[str, Morphology] = {
    "HalfCheetah": _half_cheetah(),
    "Hopper": _hopper(),
    "Walker2d": _walker2d(),
    "Ant": _ant(),
    "Humanoid": _humanoid(),
    "HumanoidStandup": _humanoid(),
    "Swimmer": _swimmer(),
    "Reacher": _reacher(),
    "Pusher": _pusher(),
}
"""The robots that the fast path knows, by scenario."""
