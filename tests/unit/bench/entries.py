"""Results made up for tests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from marlzoo.bench.schema import Entry

ORIGIN = {"distribution": "marlzoo", "version": "1", "sha256": "0" * 64}


def entry(
    algorithm: str, seed: int, score: float, *, curve: Sequence[float] = (), env: str = "x:1", **rest: Any
) -> Entry:
    """A run of 1000 steps whose absolute score is `score`; `curve` are evaluations evenly spaced over it."""
    points = list(curve) or [0.0, score]
    step = 1000 // max(1, len(points) - 1)
    content = {
        "format": 1,
        "marlzoo": "1",
        "algorithm": f"marlzoo/{algorithm}",
        "algorithm_origin": ORIGIN,
        "environment": env,
        "environment_origin": ORIGIN,
        "backend": "embedded",
        "backend_version": "1",
        "agents": 2,
        "config": {"lr": 0.1},
        "seed": seed,
        "steps": 1000,
        "eval_interval": step,
        "eval_episodes": 32,
        "score_name": "win_rate",
        "score": points[-1],
        "curve": [
            {"step": i * step, "score": value, "interval": (0.0, 1.0), "mean_return": value}
            for i, value in enumerate(points)
        ],
        "absolute": {"step": 1000, "score": score, "interval": (0.0, 1.0), "episodes": 320},
        "wall_seconds": 60.0,
        "cpu_seconds": 120.0,
        "steps_per_second": 16.0,
        "processor": "some",
        "versions": {"python": "3.12"},
        "command": f"marlzoo run {algorithm}",
        "ended": "2025-01-01T00:00:00+00:00",
    }
    return Entry.model_validate(content | rest)


def sample(algorithm: str, scores: Sequence[float], **rest: Any) -> list[tuple[str, Entry]]:
    """One entry per seed, with the name that verdicts use."""
    return [(algorithm, entry(algorithm, seed, score, **rest)) for seed, score in enumerate(scores)]
