"""What a result consists of: the schema of one JSON document per finished cell.

Documents of format 1 lack what format 2 added: origins of hyper-parameters, the whole settings, the operating
system, and training metrics beside each evaluation. Format 3 added interference and the number of sessions,
format 4 the episode metrics behind the score.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

FORMAT = 4


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Origin(_Part):
    """The distribution that something came from."""

    distribution: str
    version: str
    sha256: str = Field(description="Over the files of the plug-in.")


class Point(_Part):
    """One evaluation."""

    step: int = Field(ge=0)
    score: float
    interval: tuple[float, float] = Field(description="95 %, over episodes.")
    mean_return: float
    metrics: dict[str, float] = Field(
        default={},
        description="The last row of training metrics before the evaluation, without its times.",
    )


class Absolute(_Part):
    """The best policy on new episodes."""

    step: int = Field(ge=0)
    score: float
    interval: tuple[float, float]
    episodes: int = Field(ge=1)


class Entry(_Part):
    """One finished cell."""

    format: Literal[1, 2, 3, 4]
    marlzoo: str
    algorithm: str = Field(description="Qualified by its distribution.")
    algorithm_origin: Origin
    environment: str = Field(description="With all arguments that are not at their defaults.")
    environment_origin: Origin
    backend: str
    backend_version: str
    agents: int = Field(ge=1)
    config: dict[str, Any] = Field(description="Every hyper-parameter.")
    origins: dict[str, str] = Field(
        default={}, description="Where each hyper-parameter's value came from: a default, a preset, the user."
    )
    settings: dict[str, int | None] = Field(
        default={}, description="What the framework was told, such as intervals and threads."
    )
    seed: int = Field(ge=0)
    steps: int = Field(ge=1, description="The budget.")
    eval_interval: int = Field(ge=1)
    eval_episodes: int = Field(ge=1)
    score_name: str
    score: float = Field(description="Of the last evaluation.")
    curve: tuple[Point, ...] = Field(min_length=1)
    absolute: Absolute | None
    episode_metrics: dict[str, float] = Field(
        default={}, description="Means over the episodes that `final_score` comes from."
    )
    wall_seconds: float = Field(ge=0)
    cpu_seconds: float = Field(ge=0)
    steps_per_second: float = Field(ge=0, description="Of training, without evaluation.")
    interference: dict[str, int] | None = Field(
        default=None,
        description="How often plug-ins changed each piece of global state; null where nobody looked.",
    )
    sessions: int | None = Field(
        default=None, ge=1, description="How many processes worked on the run; above 1 it was resumed."
    )
    processor: str
    system: str = Field(default="", description="The operating system.")
    versions: dict[str, str]
    command: str
    ended: str

    @property
    def pool(self) -> tuple[str, str, str, int, int, int, int]:
        """Only entries whose pools are equal may stand in one table."""
        absolute = self.absolute.episodes if self.absolute else 0
        place = (self.environment, self.backend, self.backend_version)
        return (*place, self.steps, self.eval_interval, self.eval_episodes, absolute)

    @property
    def final_score(self) -> float:
        """What is compared: the best policy's score on new episodes, else that of the last evaluation."""
        return self.absolute.score if self.absolute else self.score

    @property
    def engine(self) -> str:
        """What computed the dynamics, with its version."""
        return f"{self.backend} {self.backend_version}".strip()

    @property
    def preset(self) -> str:
        """Eight hexadecimal digits for all hyper-parameters together. Seeds of different presets are seeds of
        different things."""
        return _sha256(self.config)[:8]

    def document(self) -> dict[str, Any]:
        """The content as JSON, with what its format knows and nothing else."""
        return self.model_dump(mode="json", exclude_unset=True)

    def digest(self) -> str:
        """SHA-256 of the content, whatever the file's layout."""
        return _sha256(self.document())


def setting_text(value: Any) -> str:
    """A setting as one would type it after `-o key=`."""
    if isinstance(value, str):
        return value
    return "none" if value is None else json.dumps(value, separators=(",", ":"))


def _sha256(content: Any) -> str:
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
