"""Results as files: one JSON document per cell, checked against a schema, with its own hash, never edited.

An entry is made from a finished run folder and needs it no more. `leaderboard/results/` keeps entries as
`<suite>/<env>/<algorithm>/<seed>.json`.
"""

from __future__ import annotations

import hashlib
import json
import shlex
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from marlzoo.bench.matrix import as_name
from marlzoo.errors import RunError, UsageError
from marlzoo.run.files import read_json, write_json
from marlzoo.run.folder import RunFolder

FORMAT = 1


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


class Absolute(_Part):
    """The best policy on new episodes."""

    step: int = Field(ge=0)
    score: float
    interval: tuple[float, float]
    episodes: int = Field(ge=1)


class Entry(_Part):
    """One finished cell."""

    format: Literal[1]
    marlzoo: str
    algorithm: str = Field(description="Qualified by its distribution.")
    algorithm_origin: Origin
    environment: str = Field(description="With all arguments that are not at their defaults.")
    environment_origin: Origin
    backend: str
    backend_version: str
    agents: int = Field(ge=1)
    config: dict[str, Any] = Field(description="Every hyper-parameter.")
    seed: int = Field(ge=0)
    steps: int = Field(ge=1, description="The budget.")
    eval_interval: int = Field(ge=1)
    eval_episodes: int = Field(ge=1)
    score_name: str
    score: float = Field(description="Of the last evaluation.")
    curve: tuple[Point, ...] = Field(min_length=1)
    absolute: Absolute | None
    wall_seconds: float = Field(ge=0)
    cpu_seconds: float = Field(ge=0)
    steps_per_second: float = Field(ge=0, description="Of training, without evaluation.")
    processor: str
    versions: dict[str, str]
    command: str
    ended: str

    @property
    def pool(self) -> tuple[str, str, str, int, int, int, int]:
        """Only entries whose pools are equal may stand in one table."""
        absolute = self.absolute.episodes if self.absolute else 0
        place = (self.environment, self.backend, self.backend_version)
        return (*place, self.steps, self.eval_interval, self.eval_episodes, absolute)

    def digest(self) -> str:
        """SHA-256 of the content, whatever the file's layout."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


def entry_from_run(path: Path) -> Entry:
    """The entry of the finished run in `path`.

    Raises:
        UsageError: it is no run folder, not finished, or not as this version writes them.
    """
    folder = RunFolder.existing(path)
    manifest = folder.read_manifest()
    if manifest.get("status") != "finished":
        status = manifest.get("status")
        raise UsageError(f"{path} is {status}, not finished; go on with it by 'marlzoo resume {path}'")
    result = read_json(folder.result)
    try:
        return Entry.model_validate(_content(manifest, result))
    except (KeyError, IndexError, TypeError) as error:
        reason = f"{type(error).__name__}: {error}"
        raise UsageError(f"{path} lacks what a result needs ({reason}); make the run anew") from error
    except ValidationError as error:
        raise UsageError(f"{path}: {_first(error)}; make the run anew") from error


def write_entry(root: Path, suite: str, entry: Entry) -> Path:
    """Put `entry` into the store; a no-op if it is there already.

    Raises:
        UsageError: another result has its place.
    """
    path = (
        root / as_name(suite) / as_name(entry.environment) / as_name(entry.algorithm) / f"{entry.seed}.json"
    )
    if path.exists():
        if read_entry(path) == entry:
            return path
        raise UsageError(
            f"{path} holds another result; entries are never replaced: use another suite or seed"
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json(path, {"sha256": entry.digest(), **entry.model_dump(mode="json")})
    return path


def read_entry(path: Path) -> Entry:
    """Raises:
    UsageError: the file is missing or does not fit the schema.
    RunError: it was edited: its content and its hash disagree.
    """
    document = read_json(path)
    written = document.pop("sha256", None)
    try:
        entry = Entry.model_validate(document)
    except ValidationError as error:
        raise UsageError(f"{path}: {_first(error)}; restore the file") from error
    if entry.digest() != written:
        raise RunError(f"{path} was edited: its content does not fit its sha256; restore the file")
    return entry


def read_entries(root: Path, suite: str) -> list[Entry]:
    """All entries of a suite, by path. Raises as `read_entry` does."""
    return [read_entry(path) for path in sorted((root / as_name(suite)).glob("*/*/*.json"))]


def _content(manifest: dict[str, Any], result: dict[str, Any]) -> dict[str, Any]:
    algorithm, environment, settings = manifest["algorithm"], manifest["environment"], manifest["settings"]
    last = manifest["sessions"][-1]
    absolute = result["absolute"]
    return {
        "format": FORMAT,
        "marlzoo": manifest["marlzoo"],
        "algorithm": algorithm["name"],
        "algorithm_origin": _origin(algorithm),
        "environment": environment["id"],
        "environment_origin": _origin(environment),
        **{key: environment[key] for key in ("backend", "backend_version", "agents")},
        "config": {key: row["value"] for key, row in manifest["config"].items()},
        **{key: manifest[key] for key in ("seed", "steps")},
        **{key: settings[key] for key in ("eval_interval", "eval_episodes")},
        **{key: result[key] for key in ("score_name", "score", "wall_seconds", "cpu_seconds")},
        "curve": [
            {**_pick(row, "step", "score", "interval"), "mean_return": row["return"]}
            for row in result["curve"]
        ],
        "absolute": _pick(absolute, "step", "score", "interval", "episodes") if absolute else None,
        "steps_per_second": result["steps_per_second"]["training"],
        "processor": last["hardware"]["processor"],
        "versions": last["versions"],
        "command": _command(manifest),
        "ended": last["ended"],
    }


def _command(manifest: dict[str, Any]) -> str:
    """What one would type to make the run again; hyper-parameters that the user set are part of it."""
    given = [
        f"{key}={row['value']}" for key, row in manifest["config"].items() if row["origin"] == "option -o"
    ]
    options = [part for text in given for part in ("-o", text)]
    words = ["marlzoo", "run", manifest["algorithm"]["name"], "--env", manifest["environment"]["id"]]
    budget = ["--steps", str(manifest["steps"]), "--seed", str(manifest["seed"])]
    return shlex.join([*words, *budget, *options])


def _origin(facts: dict[str, Any]) -> dict[str, Any]:
    return _pick(facts, "distribution", "version", "sha256")


def _pick(document: dict[str, Any], *keys: str) -> dict[str, Any]:
    return {key: document[key] for key in keys}


def _first(error: ValidationError) -> str:
    first = error.errors()[0]
    return f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"
