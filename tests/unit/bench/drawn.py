"""A made-up episode to look at: three against one on a plane, five steps."""

from __future__ import annotations

import numpy as np

from marlzoo.bench.replay import Episode, Replay
from marlzoo.bench.replay_tracks import Track
from marlzoo.envs.drawing import OURS, THEIRS, Body, Scene
from marlzoo.specs import Score

STEPS, AGENTS, BODIES = 5, 3, 4
HEALTH = 45.0


def drawn_episode(names=("marine_0", "marine_1", "medic_2"), *, attention=True, won=1.0):
    """Agent i stands at (2 + i, 3 + i) and loses i hit points a step; the enemy comes from the right."""
    moments = np.arange(STEPS + 1, dtype=np.float32)[:, None]
    x = np.concatenate([np.tile(np.float32([2, 3, 4]), (STEPS + 1, 1)), 18 - moments], axis=1)
    y = np.tile(np.float32([3, 4, 5, 4]), (STEPS + 1, 1))
    kinds = ("marine", "marine", "medic")
    bodies = [Body(name, kind, OURS, 0.5, 5.0) for name, kind in zip(names, kinds, strict=True)]
    scene = Scene(
        bounds=(0, 0, 20, 10),
        bodies=(*bodies, Body("enemy zealot_0", "zealot", THEIRS, 0.6)),
        step_seconds=0.5,
        walls=(((8, 0), (9, 0), (9, 2), (8, 2)),),
        actions=("no-op", "stop", "attack enemy zealot_0"),
        gauges={"health": np.full(BODIES, HEALTH, np.float32), "shield": np.float32([0, 0, 0, 50])},
    )
    alive = np.ones((STEPS + 1, BODIES), bool)
    alive[-1, -1] = False
    track = Track(
        scene=scene,
        x=x,
        y=y,
        alive=alive,
        heading=None,
        target=np.tile(np.int32([3, 3, -1, 0]), (STEPS + 1, 1)),
        goal_x=None,
        goal_y=None,
        gauges={
            "health": HEALTH - moments * np.float32([0, 1, 2, 9]),
            "shield": np.tile(np.float32([0, 0, 0, 25]), (STEPS + 1, 1)),
        },
        marks={"contact": np.zeros((STEPS + 1, BODIES), bool)},
    )
    weights = np.float32([[0.5, 0.3, 0.2], [0.1, 0.2, 0.7], [0, 0, 1]])
    return Episode(
        shown=track,
        agents=tuple(names),
        actions=np.tile(np.int64([2, 2, 1]), (STEPS, 1)),
        rewards=np.ones((STEPS, AGENTS), np.float32),
        values=np.tile(np.float32([3, 4, 5]), (STEPS, 1)),
        attention=np.tile(weights, (STEPS, 1, 1)) if attention else None,
        attention_name="value stream",
        metrics={"battle_won": won},
    )


def drawn_replay(*episodes):
    return Replay(
        algorithm="srsv",
        environment="smac:3m",
        backend="embedded 1",
        policy_step=1000,
        run_seed=0,
        seed=0,
        score=Score("win_rate", "battle_won", percent=True),
        episodes=episodes,
    )
