"""What a comparison consists of: one cell per algorithm, environment and seed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from marlzoo.config import resolve_algorithm_config
from marlzoo.errors import UsageError
from marlzoo.registry import Registry
from marlzoo.run.settings import RunSettings
from marlzoo.specs import Suite

FIRST_LOOK = "first-look"
"""The suite of a comparison that names neither environments nor a suite."""


class Protocol(BaseModel):
    """How cells are evaluated and saved, where that differs from what `marlzoo run` does by itself."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    eval_interval: int | None = None
    eval_episodes: int | None = None
    absolute_episodes: int | None = None
    checkpoint_interval: int | None = None

    def arguments(self) -> list[str]:
        """As options of `marlzoo run`."""
        given = self.model_dump(exclude_none=True)
        return [part for name, value in given.items() for part in (f"--{name.replace('_', '-')}", str(value))]


@dataclass(frozen=True)
class Cell:
    """One run of the matrix."""

    algorithm: str
    environment: str
    seed: int

    def __str__(self) -> str:
        return f"{self.algorithm} on {self.environment}, seed {self.seed}"

    @property
    def place(self) -> Path:
        """Its folder, relative to the folder of all cells."""
        return Path(as_name(self.environment), as_name(self.algorithm), str(self.seed))


class Matrix(BaseModel):
    """The whole comparison, as `comparison.json` keeps it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    suite: str | None
    algorithms: tuple[str, ...] = Field(min_length=1)
    environments: tuple[str, ...] = Field(min_length=1)
    seeds: tuple[int, ...] = Field(min_length=1)
    steps: int = Field(ge=1)
    protocol: Protocol = Protocol()
    plugins: tuple[str, ...] = ()
    """Files given by `--plugin`."""
    overrides: tuple[str, ...] = ()
    """Hyper-parameters given by `-o`: `key=value` for all algorithms, `algorithm.key=value` for one."""

    def cells(self) -> list[Cell]:
        """All cells, seed by seed: a comparison that is stopped early has something of everybody."""
        return [
            Cell(algorithm, environment, seed)
            for seed in self.seeds
            for environment in self.environments
            for algorithm in self.algorithms
        ]

    def run_arguments(self, cell: Cell) -> list[str]:
        """What follows `marlzoo run` to train `cell`, but for the folder."""
        budget = ["--steps", str(self.steps), "--seed", str(cell.seed), "--threads", "1"]
        options = [part for text in self.overrides_of(cell.algorithm) for part in ("-o", text)]
        return [cell.algorithm, "--env", cell.environment, *budget, *self.protocol.arguments(), *options]

    def run_settings(self) -> RunSettings:
        """The settings that every cell's run has, but for its seed."""
        given = self.protocol.model_dump(exclude_none=True)
        return RunSettings(steps=self.steps, **given).resolved()

    def overrides_of(self, algorithm: str) -> list[str]:
        """The `key=value` texts that concern one algorithm, in the order given: the last one wins."""
        owned = [(self._owner(text), text) for text in self.overrides]
        return [
            text.removeprefix(f"{owner}.") if owner else text
            for owner, text in owned
            if owner in (None, algorithm)
        ]

    def _owner(self, override: str) -> str | None:
        """The algorithm that an override names, if it names one."""
        return next((name for name in self.algorithms if override.startswith(f"{name}.")), None)


def make_matrix(
    registry: Registry,
    algorithms: Sequence[str],
    environments: Sequence[str],
    *,
    suite: str | None,
    seeds: Sequence[int],
    steps: int | None,
    protocol: Protocol,
    plugins: Sequence[Path] = (),
    overrides: Sequence[str] = (),
) -> Matrix:
    """Resolve names, fill in what the suite says, and refuse what cannot work before anything is started.

    Raises:
        UsageError: something is unknown, said twice, or cannot go together.
    """
    if suite and environments:
        raise UsageError("give --env or --suite, not both; a suite names its environments")
    chosen = registry.suite(suite or FIRST_LOOK) if suite or not environments else None
    spec = chosen.spec if chosen else None
    names = algorithms or (spec.algorithms if spec else ())
    if not names:
        raise UsageError("no algorithms to compare; give some, as in 'marlzoo compare srsv mappo'")
    matrix = Matrix(
        suite=chosen.address if chosen else None,
        algorithms=_different("algorithm", [registry.algorithm(name).address for name in names]),
        environments=_different(
            "environment",
            [registry.environment(env).id for env in (spec.environments if spec else environments)],
        ),
        seeds=tuple(seeds) or tuple(range(spec.seeds if spec else 10)),
        steps=steps or (spec.steps if spec else RunSettings().steps),
        protocol=_with_interval(protocol, spec),
        plugins=tuple(str(path.resolve()) for path in plugins),
        overrides=tuple(overrides),
    )
    _check_pairs(registry, matrix)
    return matrix


def _with_interval(protocol: Protocol, suite: Suite | None) -> Protocol:
    """`protocol` with the suite's interval of evaluations, unless it has one of its own."""
    if suite is None or protocol.eval_interval is not None:
        return protocol
    return protocol.model_copy(update={"eval_interval": suite.eval_interval})


def extend_matrix(
    registry: Registry,
    matrix: Matrix,
    *,
    algorithms: Sequence[str] = (),
    environments: Sequence[str] = (),
    seeds: Sequence[int] = (),
    steps: int | None = None,
    overrides: Sequence[str] = (),
    plugins: Sequence[Path] = (),
) -> Matrix:
    """`matrix` with more algorithms, environments or seeds, or a larger budget. Nothing that is there changes
    its meaning: evaluations stay as far apart as they were, and `overrides` may only concern what is new.

    Raises:
        UsageError: something is unknown, there already, or would change what was begun.
    """
    if steps is not None and steps < matrix.steps:
        raise UsageError(f"--steps {steps:,} is less than the {matrix.steps:,} of the comparison; give more")
    new = {
        "algorithms": _added(matrix.algorithms, [registry.algorithm(name).address for name in algorithms]),
        "environments": _added(matrix.environments, [registry.environment(env).id for env in environments]),
        "seeds": tuple(dict.fromkeys((*matrix.seeds, *seeds))),
        "steps": steps or matrix.steps,
        "overrides": (*matrix.overrides, *overrides),
    }
    extended = matrix.model_copy(update=new)
    if extended == matrix:
        raise UsageError("nothing new to compare; give more algorithms, --env, --seeds or --steps")
    _check_unchanged(matrix, extended)
    _check_pairs(registry, extended)
    kept = {
        "protocol": _kept_protocol(matrix),
        "suite": _kept_suite(matrix, extended),
        "plugins": tuple(dict.fromkeys((*matrix.plugins, *(str(path.resolve()) for path in plugins)))),
    }
    return extended.model_copy(update=kept)


def _added(names: Sequence[str], more: Sequence[str]) -> tuple[str, ...]:
    return _different("name", tuple(dict.fromkeys((*names, *more))))


def _check_unchanged(before: Matrix, after: Matrix) -> None:
    """Cells that exist must go on with the settings that they have."""
    for name in before.algorithms:
        if before.overrides_of(name) != after.overrides_of(name):
            raise UsageError(
                f"-o would change {name}, which is compared already; name the new algorithm, as in "
                "-o NAME.key=value, or start a new comparison"
            )


def _kept_protocol(matrix: Matrix) -> Protocol:
    """The evaluation interval depends on the budget where it was not given: it stays that of the old one."""
    return matrix.protocol.model_copy(update={"eval_interval": matrix.run_settings().eval_interval})


def _kept_suite(before: Matrix, after: Matrix) -> str | None:
    """Other environments or another budget are not the suite any more."""
    same = (before.environments, before.steps) == (after.environments, after.steps)
    return before.suite if same else None


def parse_seeds(text: str) -> tuple[int, ...]:
    """Seeds as `0..9` (both ends included), `0,3,5`, or a mixture.

    Raises:
        UsageError: anything else, or a seed said twice.
    """
    seeds: list[int] = []
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d+)(?:\.\.(\d+))?\s*", part)
        if match is None or int(match[2] or match[1]) < int(match[1]):
            raise UsageError(f"--seeds {text!r} is no list of seeds; write it like 0..9 or 0,1,2")
        seeds += range(int(match[1]), int(match[2] or match[1]) + 1)
    if len(set(seeds)) < len(seeds):
        raise UsageError(f"--seeds {text!r} names a seed twice; runs are told apart by their seeds")
    return tuple(seeds)


def as_name(text: str) -> str:
    """`text` as one part of a path."""
    return re.sub(r"[^A-Za-z0-9._=-]+", "-", text).strip("-")


def _different(kind: str, names: Sequence[str]) -> tuple[str, ...]:
    """`names`, if no two are the same, as names of folders too."""
    for index, name in enumerate(names):
        for other in names[:index]:
            if other == name:
                raise UsageError(f"{kind} {name!r} is named twice; give each once")
            if as_name(other) == as_name(name):
                raise UsageError(f"{kind}s {other!r} and {name!r} would share a folder; compare them apart")
    return tuple(names)


def _check_pairs(registry: Registry, matrix: Matrix) -> None:
    """Configuration errors of any pair, now and not after hours."""
    for environment in matrix.environments:
        choice = registry.environment(environment)
        for algorithm in matrix.algorithms:
            entry, overrides = registry.algorithm(algorithm), matrix.overrides_of(algorithm)
            try:
                resolve_algorithm_config(entry, choice, overrides)
            except UsageError as error:
                raise UsageError(f"{algorithm}: {error}") from error
