"""Results as files: one JSON document per cell, checked against a schema, with its own hash, never edited.

An entry is made from a finished run folder and needs it no more. `leaderboard/results/` keeps entries as
`<suite>/<env>@<engine>/<algorithm>@<preset>/<seed>.json`: a new engine version, or other hyper-parameters,
are new folders, so that whatever lies in one folder belongs together.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from marlzoo.bench.matrix import as_name
from marlzoo.bench.schema import FORMAT, Entry, setting_text
from marlzoo.config import PRESET_KEY, preset_of
from marlzoo.errors import RunError, UsageError
from marlzoo.run.files import read_json, read_rows, write_json
from marlzoo.run.folder import RunFolder
from marlzoo.run.settings import RunSettings
from marlzoo.run.sinks import EVALUATIONS_FILE, METRICS_FILE

__all__ = [
    "Entry",
    "Stored",
    "entry_from_run",
    "evaluated",
    "find_entry",
    "place",
    "read_entries",
    "read_entry",
    "read_store",
    "replay_place",
    "write_entry",
]


_SHORTEST_HASH = 6
_PROTOCOL = ("eval_interval", "eval_episodes", "absolute_episodes", "threads")
"""Settings that are part of the command; the others change no number."""


@dataclass(frozen=True)
class Stored:
    """An entry, and where it lies."""

    suite: str
    """The name of the suite's folder."""
    path: Path
    entry: Entry


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
    result, rows = read_json(folder.result), read_rows(folder.path / METRICS_FILE)
    try:
        last = result["absolute"] or read_rows(folder.path / EVALUATIONS_FILE)[-1]
        content = _content(manifest, result, rows) | {"episode_metrics": _known(last["metrics"])}
        return Entry.model_validate(content)
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
    path = root / as_name(suite) / place(entry)
    if path.exists():
        if _same_run(read_entry(path), entry):
            return path
        raise UsageError(
            f"{path} holds another result; entries are never replaced: use another suite or seed"
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json(path, {"sha256": entry.digest(), **entry.document()})
    return path


def _same_run(stored: Entry, entry: Entry) -> bool:
    """Whether `entry` says the same, as far as the format of the `stored` one goes."""
    now = entry.document()
    return all(now.get(name) == value for name, value in stored.document().items() if name != "format")


def place(entry: Entry) -> Path:
    """Where `entry` lies within its suite."""
    environment = f"{as_name(entry.environment)}@{as_name(entry.engine)}"
    algorithm = f"{as_name(entry.algorithm)}@{entry.preset}"
    return Path(environment, algorithm, f"{entry.seed}.json")


def replay_place(suite: str, entry: Entry) -> Path:
    """Where a replay of the run lies, relative to the pages that link it."""
    return Path("replays", as_name(suite), place(entry)).with_suffix(".html")


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
    """All entries of a suite, by path. Raises as `read_store` does."""
    return [stored.entry for stored in read_store(root) if stored.suite == as_name(suite)]


def read_store(root: Path) -> list[Stored]:
    """Everything in the store, by path.

    Raises:
        UsageError: a file does not fit the schema, or two files hold the same seed of the same cell.
        RunError: a file was edited.
    """
    paths = sorted(root.glob("*/*/*/*.json"), key=lambda path: path.relative_to(root).parts)
    found = [Stored(path.relative_to(root).parts[0], path, read_entry(path)) for path in paths]
    first: dict[tuple[Any, ...], Path] = {}
    for stored in found:
        entry = stored.entry
        key = (stored.suite, entry.pool, entry.algorithm, entry.preset, entry.seed)
        if key in first:
            raise UsageError(f"{stored.path} and {first[key]} hold the same seed twice; remove one")
        first[key] = stored.path
    return found


def find_entry(root: Path, wanted: str) -> Stored:
    """The entry in the file `wanted`, or the one in the store whose hash begins with `wanted`.

    Raises:
        UsageError: there is none, or several.
    """
    path = Path(wanted)
    if path.is_file():
        return Stored("", path, read_entry(path))
    found = [stored for stored in read_store(root) if stored.entry.digest().startswith(wanted.lower())]
    if len(wanted) < _SHORTEST_HASH or not found:
        raise UsageError(
            f"{wanted!r} is neither a file nor the beginning of a result's hash in {root} "
            f"(at least {_SHORTEST_HASH} digits)"
        )
    if len(found) > 1:
        raise UsageError(f"{wanted!r} fits {found[0].path} and {found[1].path}; give more digits")
    return found[0]


def _content(
    manifest: dict[str, Any], result: dict[str, Any], rows: Sequence[dict[str, Any]]
) -> dict[str, Any]:
    algorithm, environment, settings = manifest["algorithm"], manifest["environment"], manifest["settings"]
    last = manifest["sessions"][-1]
    absolute = result["absolute"]
    config = manifest["config"]
    return {
        "format": FORMAT,
        "marlzoo": manifest["marlzoo"],
        "algorithm": algorithm["name"],
        "algorithm_origin": _origin(algorithm),
        "environment": environment["id"],
        "environment_origin": _origin(environment),
        **{key: environment[key] for key in ("backend", "backend_version", "agents")},
        "config": {key: row["value"] for key, row in config.items()},
        "origins": {key: row["origin"] for key, row in config.items()},
        "settings": settings,
        **{key: manifest[key] for key in ("seed", "steps")},
        **{key: settings[key] for key in ("eval_interval", "eval_episodes")},
        **{key: result[key] for key in ("score_name", "score", "wall_seconds", "cpu_seconds")},
        "curve": [evaluated(point, rows) for point in result["curve"]],
        "absolute": _pick(absolute, "step", "score", "interval", "episodes") if absolute else None,
        "steps_per_second": result["steps_per_second"]["training"],
        "interference": result.get("interference"),
        "sessions": len(manifest["sessions"]),
        **{key: last["hardware"][key] for key in ("processor", "system")},
        "versions": last["versions"],
        "command": _command(manifest),
        "ended": last["ended"],
    }


def evaluated(point: dict[str, Any], rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """One evaluation as an entry keeps it; `rows` are those of `metrics.jsonl`."""
    before = [row for row in rows if row["step"] <= point["step"]][-1:]
    metrics = {
        name: value
        for row in before
        for name, value in _known(row).items()
        if name != "step" and not name.startswith("time/")
    }
    return {**_pick(point, "step", "score", "interval"), "mean_return": point["return"], "metrics": metrics}


def _known(metrics: Mapping[str, float | None]) -> dict[str, float]:
    """Without those that are null, which stand for what is not a number."""
    return {name: value for name, value in metrics.items() if value is not None}


def _command(manifest: dict[str, Any]) -> str:
    """What one would type to make the run again, with all that was not left at its default."""
    words = ["marlzoo", "run", manifest["algorithm"]["name"], "--env", manifest["environment"]["id"]]
    budget = ["--steps", str(manifest["steps"]), "--seed", str(manifest["seed"])]
    usual = RunSettings(steps=manifest["steps"]).resolved().model_dump()
    protocol = [
        part
        for name in _PROTOCOL
        if manifest["settings"].get(name, usual[name]) != usual[name]
        for part in (f"--{name.replace('_', '-')}", str(manifest["settings"][name]))
    ]
    options = [
        part
        for key, row in manifest["config"].items()
        if row["origin"] == "option -o"
        for part in ("-o", f"{key}={setting_text(row['value'])}")
    ]
    preset = preset_of(row["origin"] for row in manifest["config"].values())
    chosen = [] if preset is None else ["-o", f"{PRESET_KEY}={preset}"]
    return shlex.join([*words, *budget, *protocol, *chosen, *options])


def _origin(facts: dict[str, Any]) -> dict[str, Any]:
    return _pick(facts, "distribution", "version", "sha256")


def _pick(document: dict[str, Any], *keys: str) -> dict[str, Any]:
    return {key: document[key] for key in keys}


def _first(error: ValidationError) -> str:
    first = error.errors()[0]
    return f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"
