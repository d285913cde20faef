"""Running a result again, from nothing but its document, and comparing what comes out.

On a machine of the same class (processor, system, libraries, code) every number has to be the same to the
last bit. Elsewhere sums may be rounded otherwise, and soon nothing is the same: then what matters is to know
what differed.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from marlzoo.bench.schema import Entry, Point
from marlzoo.bench.store import evaluated
from marlzoo.errors import MarlzooError, MissingPieceError
from marlzoo.registry import Registry
from marlzoo.run.evaluation import Evaluation
from marlzoo.run.experiment import begin_run
from marlzoo.run.files import read_json, read_rows
from marlzoo.run.folder import RunFolder
from marlzoo.run.listener import Listener
from marlzoo.run.plan import Plan, restore_plan
from marlzoo.run.record import RunInfo
from marlzoo.run.settings import RunSettings
from marlzoo.run.sinks import EVALUATIONS_FILE, METRICS_FILE

Stop = Callable[[], bool]


@dataclass(frozen=True)
class Deviation:
    """One number that came out differently."""

    step: int
    name: str
    recorded: float | None
    found: float | None


@dataclass(frozen=True)
class Circumstance:
    """Something about the machine or the code that is not as it was."""

    name: str
    recorded: str
    found: str


@dataclass(frozen=True)
class Verification:
    """How the repeated run compares with the result."""

    steps: int
    """How far was compared."""
    evaluations: int
    numbers: int
    """How many numbers were compared."""
    deviations: tuple[Deviation, ...]
    """At the first evaluation that came out differently; later ones follow from it."""
    circumstances: tuple[Circumstance, ...]
    interference: dict[str, int]
    """How often plug-ins changed global state while it ran again."""

    @property
    def equal(self) -> bool:
        return not self.deviations

    def to_json(self) -> dict[str, Any]:
        return {"equal": self.equal, **asdict(self)}


def default_steps(entry: Entry) -> int:
    """Up to the first evaluation of a trained policy."""
    return entry.curve[min(1, len(entry.curve) - 1)].step


def verify(
    registry: Registry, entry: Entry, steps: int | None, stop: Stop = lambda: False
) -> Verification | None:
    """Run `entry` again up to its last evaluation within `steps`, or the whole of it for `None`, in a
    temporary folder. Returns `None` when stopped before that.

    Raises:
        MissingPieceError: what it needs is not installed, or is there in another version.
        RunError: the repeated run failed.
    """
    plan = _plan(registry, entry)
    _check_engine(plan, entry)
    points = [point for point in entry.curve if steps is None or point.step <= steps]
    watcher = _Watcher(points[-1].step if steps is not None else None)
    with tempfile.TemporaryDirectory(prefix="marlzoo-verify-") as scratch:
        folder = RunFolder(Path(scratch) / "run")
        outcome = begin_run(
            registry, plan, folder.path, listener=watcher, stop=lambda: stop() or watcher.satisfied
        )
        if not watcher.satisfied and outcome.status != "finished":
            return None
        found = _points(folder)
        pairs = [*_numbers(points, found), *(_end_numbers(entry, folder) if steps is None else ())]
        manifest = folder.read_manifest()
    different = [deviation for deviation in pairs if deviation.recorded != deviation.found]
    first = [deviation for deviation in different if deviation.step == different[0].step]
    return Verification(
        points[-1].step,
        len(points),
        len(pairs),
        tuple(first),
        _circumstances(entry, manifest),
        manifest["interference"],
    )


class _Watcher(Listener):
    """Is satisfied once the evaluation at `step` was made."""

    def __init__(self, step: int | None) -> None:
        self._step = step
        self.satisfied = False

    def evaluated(self, run: RunInfo, evaluation: Evaluation) -> None:
        self.satisfied |= self._step is not None and evaluation.step >= self._step


def _plan(registry: Registry, entry: Entry) -> Plan:
    given = {
        "steps": entry.steps,
        "seed": entry.seed,
        "eval_interval": entry.eval_interval,
        "eval_episodes": entry.eval_episodes,
        "absolute_episodes": entry.absolute.episodes if entry.absolute else 0,
    }
    document = {
        "algorithm": entry.algorithm,
        "environment": entry.environment,
        "config": _nested(entry.config),
        "origins": entry.origins or dict.fromkeys(entry.config, "result"),
        "settings": entry.settings or RunSettings(**given).resolved().model_dump(mode="json"),
        "sinks": [sink.qualified for sink in registry.default_sinks()],
    }
    try:
        return restore_plan(registry, document, "the result")
    except MarlzooError as error:
        raise MissingPieceError(f"cannot run it again: {error}") from error


def _nested(config: Mapping[str, Any]) -> dict[str, Any]:
    """`{"a.b": 1}` as `{"a": {"b": 1}}`."""
    tree: dict[str, Any] = {}
    for key, value in config.items():
        *path, last = key.split(".")
        branch = tree
        for part in path:
            branch = branch.setdefault(part, {})
        branch[last] = value
    return tree


def _check_engine(plan: Plan, entry: Entry) -> None:
    """Raises `MissingPieceError` where the environment is not the one of the result."""
    try:
        with contextlib.closing(plan.environment.make(1)) as env:
            installed = f"{env.backend} {env.backend_version}".strip()
    except MarlzooError as error:
        raise MissingPieceError(f"cannot run it again: {error}") from error
    if installed != entry.engine:
        raise MissingPieceError(
            f"the result was made with {entry.engine}, installed is {installed}, whose rules differ; "
            "install a version of marlzoo that has the former"
        )


def _points(folder: RunFolder) -> list[Point]:
    rows = read_rows(folder.path / METRICS_FILE)
    evaluations = read_rows(folder.path / EVALUATIONS_FILE)
    return [Point.model_validate(evaluated(row, rows)) for row in evaluations]


def _numbers(recorded: list[Point], found: list[Point]) -> Iterator[Deviation]:
    """Every number of the recorded evaluations beside the one that came out."""
    for index, point in enumerate(recorded):
        then = _values(point)
        now = _values(found[index]) if index < len(found) else {}
        for name, value in then.items():
            yield Deviation(point.step, name, value, now.get(name))


def _values(point: Point) -> dict[str, float]:
    low, high = point.interval
    own = {"step": point.step, "score": point.score, "return": point.mean_return}
    return {**own, "interval.low": low, "interval.high": high, **point.metrics}


def _end_numbers(entry: Entry, folder: RunFolder) -> Iterator[Deviation]:
    """What a whole run has besides its evaluations."""
    absolute = read_json(folder.result)["absolute"]
    if entry.absolute is not None:
        for name in ("step", "score"):
            found = absolute[name] if absolute else None
            yield Deviation(entry.steps, f"best policy's {name}", getattr(entry.absolute, name), found)
        for name, value in entry.episode_metrics.items():
            found = absolute["metrics"].get(name) if absolute else None
            yield Deviation(entry.steps, f"best policy's {name}", value, found)


def _circumstances(entry: Entry, manifest: Mapping[str, Any]) -> tuple[Circumstance, ...]:
    session = manifest["sessions"][-1]
    then = {
        "processor": entry.processor,
        "system": entry.system,
        "marlzoo": entry.marlzoo,
        "code of the algorithm": entry.algorithm_origin.sha256,
        "code of the environment": entry.environment_origin.sha256,
        **entry.versions,
    }
    now = {
        "processor": session["hardware"]["processor"],
        "system": session["hardware"]["system"],
        "marlzoo": manifest["marlzoo"],
        "code of the algorithm": manifest["algorithm"]["sha256"],
        "code of the environment": manifest["environment"]["sha256"],
        **session["versions"],
    }
    return tuple(
        Circumstance(name, text, now.get(name, "not installed"))
        for name, text in then.items()
        if text and text != now.get(name)
    )
