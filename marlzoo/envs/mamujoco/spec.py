"""What the MA-MuJoCo family declares. Imports nothing heavy."""

from __future__ import annotations

from marlzoo.envs.mamujoco.partitions import TASKS
from marlzoo.specs import EnvironmentSpec, Score

_BOUNDS = {
    "HalfCheetah": (-500.0, 10_000.0),
    "Ant": (-100.0, 6_000.0),
    "Walker2d": (0.0, 6_000.0),
    "Hopper": (0.0, 4_000.0),
    "Humanoid": (0.0, 7_000.0),
    "HumanoidStandup": (0.0, 200_000.0),
    "Swimmer": (0.0, 150.0),
    "Reacher": (-60.0, 0.0),
    "Pusher": (-200.0, 0.0),
    "ManySegmentSwimmer": (0.0, 500.0),
    "ManySegmentAnt": (-500.0, 6_000.0),
}
"""Round numbers around a random policy's return and a good one's, fixed once: conventions, not records."""

MAMUJOCO = EnvironmentSpec(
    name="mamujoco",
    make="marlzoo.envs.mamujoco.batched:make",
    config="marlzoo.envs.mamujoco.config:MamujocoConfig",
    summary="Multi-Agent MuJoCo: one robot, its joints split among agents (Gymnasium's v5 tasks)",
    score=Score(
        "return",
        metric="return",
        task_bounds={task: _BOUNDS[task.split("-")[0]] for task in TASKS if task.split("-")[0] in _BOUNDS},
    ),
    tasks=TASKS,
    open_tasks=True,
)
