"""Shared by the tests of this folder: stepping two implementations side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from marlzoo.envs.mamujoco.engine import Engine, Floats, Outcome


def generators(seeds: Sequence[int]) -> list[np.random.Generator]:
    """The streams that Gymnasium makes of integer seeds."""
    return [np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed))) for seed in seeds]


def actions(engine: Engine, num_envs: int, steps: int, seed: int = 0) -> Iterator[Floats]:
    """Random float32 actions `[E, N, A]`, a little beyond the allowed range."""
    shape, rng = engine.shape, np.random.default_rng(seed)
    size = (num_envs, shape.num_agents, shape.action_dim)
    for _ in range(steps):
        yield (
            rng.uniform(1.2 * shape.action_low, 1.2 * shape.action_high, size)
            .astype(np.float32)
            .astype(float)
        )


def reset_ended(engine: Engine, outcome: Outcome, streams: Sequence[np.random.Generator]) -> list[int]:
    """Start the ended copies anew; returns their numbers."""
    ended = np.flatnonzero(outcome.terminated | outcome.truncated).tolist()
    if ended:
        engine.reset(ended, [streams[index] for index in ended])
    return ended
