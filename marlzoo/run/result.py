"""The outcome of a finished run, in one document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from marlzoo.run.evaluation import Evaluation
from marlzoo.run.trainer import Trainer

FORMAT = 1


def result_document(
    manifest: Mapping[str, Any],
    trainer: Trainer,
    evaluations: Sequence[Mapping[str, Any]],
    absolute: Evaluation | None,
) -> dict[str, Any]:
    """The content of `result.json`. `evaluations` are the rows of `evaluations.jsonl`."""
    environment, last = manifest["environment"], evaluations[-1]
    return {
        "format": FORMAT,
        "algorithm": manifest["algorithm"]["name"],
        "environment": environment["id"],
        "backend": environment["backend"],
        "backend_version": environment["backend_version"],
        "seed": manifest["seed"],
        "steps": trainer.counters.step,
        "score_name": last["score_name"],
        "score": last["score"],
        "interval": last["interval"],
        "return": last["return"],
        "best": {"step": trainer.best.step, "score": trainer.best.score} if trainer.best else None,
        "absolute": _without(absolute.to_json(), "index", "wall_seconds") if absolute else None,
        "interference": manifest["interference"],
        "dropped_sinks": manifest["dropped_sinks"],
        "curve": [{key: row[key] for key in ("step", "score", "interval", "return")} for row in evaluations],
        **speed(trainer),
    }


def speed(trainer: Trainer) -> dict[str, Any]:
    """Times of a run, and environment steps per second of training, whole and per part."""
    clock, step = trainer.clock, trainer.counters.step
    parts = ("environment", "policy", "update")
    return {
        "wall_seconds": round(clock.wall, 3),
        "cpu_seconds": round(clock.cpu, 3),
        "seconds": {part: round(seconds, 3) for part, seconds in clock.seconds.items()},
        "steps_per_second": {
            "training": rate(step, clock.training),
            **{part: rate(step, clock.seconds[part]) for part in parts},
        },
    }


def rate(count: float, seconds: float) -> float:
    """`count` per second, 0 where no time was measured."""
    return round(count / seconds, 1) if seconds > 0 else 0.0


def _without(document: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    return {key: value for key, value in document.items() if key not in keys}
