"""The index tables against sizes worked out by hand from the robots' drawings, and against a slow walk."""

from __future__ import annotations

import pytest

from marlzoo.envs.mamujoco.morphology import MORPHOLOGIES
from marlzoo.envs.mamujoco.partitions import SPLITS, TASKS, parse_task, plan, rings
from marlzoo.errors import UsageError

FAST = [task for task in TASKS if parse_task(task).has_fast_path]


@pytest.mark.parametrize(
    ("task", "obsk", "expected"),
    [
        # own joint: position and velocity; each neighbour: position; root: 2 positions, 3 velocities
        ("HalfCheetah-6x1", 0, (7,) * 6),
        ("HalfCheetah-6x1", 1, (9, 9, 8, 9, 9, 8)),
        ("HalfCheetah-2x3", 2, (13, 13)),
        ("Hopper-3x1", 1, (8, 9, 8)),
        ("Walker2d-6x1", 1, (8, 9, 9, 8, 9, 9)),
        # a leg: 2 joints (4) + 4 bodies with 6 contact numbers (24) + root 5 + 6
        ("Ant-4x2", 0, (39,) * 4),
        ("Ant-4x2", 1, (42,) * 4),
        # a hip: 2 + 2 bodies; an ankle: 2 + 3 bodies
        ("Ant-8x1", 0, (25, 31) * 4),
        ("Ant-2x4", 1, (63, 63)),
        ("Humanoid-9|8", 0, (236, 167)),
        ("Humanoid-9|8", 2, (244, 174)),
        ("Swimmer-2x1", 1, (6, 6)),
        ("Reacher-2x1", 1, (7, 10)),
        ("Pusher-3p", 2, (17, 15, 17)),
    ],
)
def test_sizes_of_observations(task: str, obsk: int, expected: tuple[int, ...]) -> None:
    assert plan(parse_task(task), obsk).obs_dims == expected


@pytest.mark.parametrize("task", FAST)
def test_every_actuator_is_driven_exactly_once(task: str) -> None:
    actuators = [number for part in plan(parse_task(task), 1).actuators for number in part]
    assert sorted(actuators) == list(range(len(actuators)))


@pytest.mark.parametrize(
    ("task", "expected"),
    [
        ("Ant-4x2", ((2, 3), (4, 5), (6, 7), (0, 1))),
        ("Walker2d-2x3", ((2, 1, 0), (5, 4, 3))),
        ("Humanoid-9|8", ((2, 0, 1, 11, 12, 13, 14, 15, 16), (3, 5, 4, 6, 7, 9, 8, 10))),
    ],
)
def test_actuators_by_agent(task: str, expected: tuple[tuple[int, ...], ...]) -> None:
    assert plan(parse_task(task), 0).actuators == expected


def _distance(links: tuple[tuple[str, ...], ...], start: set[str], goal: str) -> int:
    """Breadth-first search, one link at a time."""
    reached, steps = set(start), 0
    while goal not in reached:
        reached |= {joint for group in links if reached & set(group) for joint in group}
        steps += 1
    return steps


@pytest.mark.parametrize("scenario", sorted(SPLITS))
def test_rings_hold_the_joints_at_each_distance(scenario: str) -> None:
    morphology = MORPHOLOGIES[scenario]
    for split in SPLITS[scenario].values():
        for part in split:
            for depth, ring in enumerate(rings(morphology.links, part, 3)):
                assert ring == sorted(ring)
                assert all(_distance(morphology.links, set(part), joint) == depth for joint in ring)


def test_a_shared_body_is_listed_once() -> None:
    """Both shoulders hang on the torso; agent 0 of Humanoid-9|8 still sees its inertia once."""
    sources = plan(parse_task("Humanoid-9|8"), 0).sources[0]
    torso = [source for source in sources if source[0] == "cinert" and 10 <= source[1] < 20]
    assert len(torso) == len(set(torso)) == 10


@pytest.mark.parametrize(
    "task", ["HalfCheetah-3x2", "Dog-2x1", "Ant", "ManySegmentAnt-0x2", "ManySegmentAnt-x"]
)
def test_unknown_tasks_are_refused(task: str) -> None:
    with pytest.raises(UsageError, match="no MA-MuJoCo task"):
        parse_task(task)


def test_many_segment_tasks_of_any_size_are_known() -> None:
    assert str(parse_task("ManySegmentSwimmer-4x3")) == "ManySegmentSwimmer-4x3"
