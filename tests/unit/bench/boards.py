"""Leaderboards made up for tests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from entries import entry

from marlzoo.bench.leaderboard import Run
from marlzoo.bench.verdict import Scale
from marlzoo.specs import Score

HOSTILE = "</script><script>alert('x')</script><img src=x onerror=alert(1)>\"'&|*_`"
"""What nobody should call an algorithm."""

SHARE = Scale(Score("win_rate", "won", percent=True), (0.0, 1.0))
RETURN = Scale(Score("return", "return"), (0.0, 200.0))
SCALES = {"x:1": SHARE, "x:2": SHARE, "y:1": RETURN}


def curve(end: float, points: int = 11) -> list[float]:
    """Rises towards `end` and stays there."""
    return [round(end * min(1.0, 1.5 * i / (points - 1)), 4) for i in range(points)]


def runs(
    algorithm: str, scores: Sequence[float], env: str = "x:1", suite: str = "core", **rest: Any
) -> list[Run]:
    """One run per score, with the seeds 0, 1 and so on."""
    return [
        Run(
            entry(algorithm, seed, score, curve=curve(score), env=env, **rest),
            suite=suite,
            source=f"results/{algorithm}/{seed}.json",
        )
        for seed, score in enumerate(scores)
    ]


def two_tasks() -> list[Run]:
    """Three algorithms with five seeds on two tasks: one clearly better, two alike. A fourth lacks a task."""
    high, low, lower = [0.8, 0.9, 0.85, 0.95, 0.88], [0.2, 0.3, 0.25, 0.1, 0.22], [0.25, 0.2, 0.3, 0.12, 0.2]
    found = []
    for env in ("x:1", "x:2"):
        found += [*runs("high", high, env), *runs("low", low, env), *runs("lower", lower, env)]
    return [*found, *runs("absent", low[:2])]


def hundred_cells() -> list[Run]:
    """Five tasks, four algorithms, five seeds; 51 evaluations and 40 hyper-parameters each."""
    rng = np.random.Generator(np.random.PCG64(0))
    config = {f"hyper_parameter_{i}": 0.123456789 + i for i in range(40)}
    found = []
    for task in range(5):
        for algorithm in ("srsv", "mat", "mappo", "a2po"):
            for seed, score in enumerate(rng.random(5).round(4)):
                points = [round(float(v), 4) for v in rng.random(51)]
                made = entry(algorithm, seed, float(score), curve=points, env=f"x:{task}", config=config)
                found.append(Run(made, suite="core", source=f"results/core/x-{task}/{algorithm}/{seed}.json"))
    return found
