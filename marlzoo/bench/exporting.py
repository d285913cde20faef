"""Results for other tools: a table of all evaluations (CSV, Parquet), and the JSON that marl-eval reads."""

from __future__ import annotations

import csv
import importlib
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from marlzoo.bench.schema import Entry
from marlzoo.errors import MissingPieceError, UsageError
from marlzoo.run.files import replace_file, reported

FORMATS = ("marl-eval", "csv", "parquet")

COLUMNS: Mapping[str, str] = {
    "algorithm": "string",
    "preset": "string",
    "environment": "string",
    "backend": "string",
    "backend_version": "string",
    "budget": "int64",
    "seed": "int64",
    "kind": "string",
    "step": "int64",
    "episodes": "int64",
    "score_name": "string",
    "score": "double",
    "low": "double",
    "high": "double",
    "mean_return": "double",
    "interference": "int64",
}
"""Name and type of every column. `kind` is `evaluation`, or `absolute` for the best policy on new episodes;
`low` and `high` bound the 95 % interval over episodes; `preset` is a hash of all hyper-parameters;
`interference` says how often plug-ins changed global state in the whole run."""


def write_export(entries: Sequence[Entry], form: str, path: Path) -> None:
    """Write `entries` to `path` in one of `FORMATS`.

    Raises:
        UsageError: they do not fit into that format.
        MissingPieceError: the format needs something that is not installed.
        RunError: the file cannot be written.
    """
    writers = {"marl-eval": _as_marl_eval, "csv": _as_csv, "parquet": _as_parquet}
    data = writers[form](entries)
    with reported(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, data)


def rows(entries: Sequence[Entry]) -> list[dict[str, Any]]:
    """One row per evaluation, by `COLUMNS`; what a row does not have is None."""
    return [row for entry in entries for row in _rows(entry)]


def _rows(entry: Entry) -> list[dict[str, Any]]:
    head = {
        "algorithm": entry.algorithm,
        "preset": entry.preset,
        "environment": entry.environment,
        "backend": entry.backend,
        "backend_version": entry.backend_version,
        "budget": entry.steps,
        "seed": entry.seed,
        "score_name": entry.score_name,
        "interference": None if entry.interference is None else sum(entry.interference.values()),
    }
    found = [
        {
            **head,
            "kind": "evaluation",
            "step": point.step,
            "episodes": entry.eval_episodes,
            "score": point.score,
            "low": point.interval[0],
            "high": point.interval[1],
            "mean_return": point.mean_return,
        }
        for point in entry.curve
    ]
    best = entry.absolute
    if best is not None:
        low, high = best.interval
        last = {"step": best.step, "episodes": best.episodes, "score": best.score, "low": low, "high": high}
        found.append({**head, "kind": "absolute", **last})
    return [{name: row.get(name) for name in COLUMNS} for row in found]


def _as_csv(entries: Sequence[Entry]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(COLUMNS), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows(entries))
    return text.getvalue().encode()


def _as_parquet(entries: Sequence[Entry]) -> bytes:
    arrow, parquet = _library("pyarrow"), _library("pyarrow.parquet")
    schema = arrow.schema([(name, arrow.type_for_alias(kind)) for name, kind in COLUMNS.items()])
    sink = arrow.BufferOutputStream()
    parquet.write_table(arrow.Table.from_pylist(rows(entries), schema=schema), sink)
    data: bytes = sink.getvalue().to_pybytes()
    return data


def _library(module: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingPieceError(
            "Parquet needs pyarrow; install it with: pip install 'marlzoo[parquet]', or export as csv"
        ) from error


def _as_marl_eval(entries: Sequence[Entry]) -> bytes:
    return f"{json.dumps(marl_eval(entries), indent=2)}\n".encode()


def marl_eval(entries: Sequence[Entry]) -> dict[str, Any]:
    """The raw data of marl-eval: environment, task, algorithm, run, step.

    The metric is the score. Each list holds one number, the mean over episodes, which the tool allows. It
    looks environments, tasks and metrics up in lower case, so they are written so.

    Raises:
        UsageError: the tool would pool what must not be pooled, or could not read the file.
    """
    _check_comparable(entries)
    tree: dict[str, Any] = {}
    for entry in entries:
        family, _, task = entry.environment.lower().partition(":")
        runs = tree.setdefault(family, {}).setdefault(task, {}).setdefault(entry.algorithm, {})
        runs[f"seed_{entry.seed}"] = _marl_eval_run(entry)
    _check_rectangular(tree)
    return tree


def _marl_eval_run(entry: Entry) -> dict[str, Any]:
    metric = entry.score_name.lower()
    if entry.absolute is None:
        raise UsageError(
            f"{entry.algorithm} on {entry.environment}, seed {entry.seed}, has no absolute metric, which "
            "marl-eval needs; run it without --absolute-episodes 0, or export as csv"
        )
    steps: dict[str, Any] = {
        f"step_{number}": {"step_count": point.step, metric: [point.score]}
        for number, point in enumerate(entry.curve, 1)
    }
    return {**steps, "absolute_metrics": {metric: [entry.absolute.score]}}


def _check_comparable(entries: Sequence[Entry]) -> None:
    """One backend, engine and budget to a task; one preset to an algorithm's task; a seed once."""
    pools: dict[str, Entry] = {}
    presets: dict[tuple[str, str], Entry] = {}
    seeds: set[tuple[str, str, int]] = set()
    for entry in entries:
        name = f"{entry.algorithm} on {entry.environment}"
        if pools.setdefault(entry.environment.lower(), entry).pool != entry.pool:
            raise UsageError(
                f"results on {entry.environment} differ in engine, budget or evaluation, and marl-eval would "
                "pool them; export them one by one"
            )
        if presets.setdefault((entry.algorithm, entry.environment), entry).preset != entry.preset:
            raise UsageError(
                f"{name} comes with several hyper-parameters, which marl-eval would pool; export them one by "
                "one"
            )
        if (entry.algorithm, entry.environment, entry.seed) in seeds:
            raise UsageError(f"{name} has seed {entry.seed} twice; leave one out")
        seeds.add((entry.algorithm, entry.environment, entry.seed))


def _check_rectangular(tree: Mapping[str, Any]) -> None:
    """marl-eval puts an environment into one array: as many tasks, runs and steps everywhere."""
    for family, tasks in tree.items():
        shapes = {
            (len(runs), len(steps), frozenset(algorithms))
            for algorithms in tasks.values()
            for runs in algorithms.values()
            for steps in runs.values()
        }
        if len(shapes) > 1:
            raise UsageError(
                f"marl-eval needs the same algorithms on every task of {family}, each with as many seeds and "
                "evaluations; leave out what is incomplete, or export as csv"
            )
