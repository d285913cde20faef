"""What the framework, as opposed to the algorithm, is told about a run."""

from __future__ import annotations

import math

from pydantic import BaseModel, ConfigDict, Field

from marlzoo.errors import UsageError

_SUFFIXES = {"k": 1_000, "m": 1_000_000, "g": 1_000_000_000}
_EVALUATIONS_PER_RUN = 50
_METRIC_ROWS_PER_RUN = 500


class RunSettings(BaseModel):
    """Budget, seeds, evaluation protocol and saving. Stored with the run; `resolved` fills in what depends on
    the budget."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    steps: int = Field(
        default=1_000_000, ge=1, description="Budget of environment steps, summed over environments."
    )
    seed: int = Field(default=0, ge=0, description="Root of all random streams.")
    eval_interval: int | None = Field(
        default=None,
        ge=1,
        description="Environment steps between evaluations; by default a fiftieth of the budget.",
    )
    eval_episodes: int = Field(default=32, ge=1, description="Greedy episodes per evaluation.")
    eval_batch: int = Field(default=32, ge=1, description="Environments stepped side by side in evaluation.")
    absolute_episodes: int = Field(
        default=320,
        ge=0,
        description="New episodes on which the best policy is evaluated at the end; 0 leaves it out.",
    )
    log_interval: int | None = Field(
        default=None,
        ge=1,
        description="Environment steps between rows of metrics; by default a 500th of the budget.",
    )
    checkpoint_interval: int | None = Field(
        default=None, ge=1, description="Environment steps between checkpoints; by default one every minute."
    )
    keep_checkpoints: int = Field(default=2, ge=1, description="How many of the last checkpoints are kept.")
    threads: int = Field(default=1, ge=1, description="Threads of torch, BLAS and Numba.")

    def resolved(self) -> RunSettings:
        """The same settings with the intervals that follow from the budget written out."""
        return self.model_copy(
            update={
                "eval_interval": self.eval_interval or max(1, self.steps // _EVALUATIONS_PER_RUN),
                "log_interval": self.log_interval or max(1, self.steps // _METRIC_ROWS_PER_RUN),
            }
        )


def parse_count(text: str) -> int:
    """A positive count as people write it: `500000`, `500_000`, `500k`, `1.5M`, `1e6`.

    Raises:
        UsageError: it is not a number, not positive, or not whole.
    """
    body, factor = text.strip(), 1
    if body and body[-1].lower() in _SUFFIXES:
        body, factor = body[:-1], _SUFFIXES[body[-1].lower()]
    try:
        value = float(body) * factor
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or value < 1 or value != round(value):
        raise UsageError(f"{text!r} is not a positive whole number; write it like 500000, 500k, 1.5M or 1e6")
    return round(value)
