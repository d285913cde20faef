"""What plug-ins declare. Specs are frozen and cheap: classes are named by `"module:Class"` strings, so that
listing what exists imports nothing heavy.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

API_VERSION = 1
"""The number that a plug-in module carries as `MARLZOO_API`."""


@dataclass(frozen=True)
class AlgorithmSpec:
    """One algorithm.

    `algorithm` names a subclass of `marlzoo.api.Algorithm`, `config` its pydantic model, `presets` a TOML
    file shipped with the package as `"package:file.toml"`.
    """

    name: str
    algorithm: str
    config: str
    summary: str
    presets: str | None = None
    paper: str = ""
    discrete: bool = True
    continuous: bool = True
    count_free: bool = False
    """True when parameters trained with N agents act with any other number."""
    recurrent: bool = False
    tags: tuple[str, ...] = ()


@dataclass(frozen=True)
class Score:
    """The one number by which an environment's policies are compared; higher is better.

    `metric` is a key of the environment's episode metrics, or `"return"`. `bounds` normalise it for
    aggregates over tasks: fixed here, never taken from the data at hand; `task_bounds` overrides them per
    task.
    """

    name: str
    metric: str
    bounds: tuple[float, float] = (0.0, 1.0)
    task_bounds: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    percent: bool = False
    """Show as a percentage."""
    beside: tuple[str, ...] = ()
    """Episode metrics on the same scale without which the score cannot be judged: shown beside it."""


@dataclass(frozen=True)
class EnvironmentSpec:
    """A family of environments, addressed as `family:task`.

    `make` names a callable `make(task, config, num_envs) -> BatchedEnv`, `config` the pydantic model of the
    family's arguments (`--env-arg key=value` or `family:task?key=value`).
    """

    name: str
    make: str
    config: str
    summary: str
    score: Score
    tasks: tuple[str, ...] = ()
    """The known tasks; empty when any task name may be valid."""
    open_tasks: bool = False
    """True when tasks outside `tasks` exist too."""
    requires: str = ""
    """The extra that has to be installed, if any."""


@dataclass(frozen=True)
class Suite:
    """A named set of environments with the budget at which algorithms are compared on them."""

    name: str
    summary: str
    environments: tuple[str, ...]
    steps: int
    seeds: int = 10
    algorithms: tuple[str, ...] = ()
    eval_interval: int | None = None
    """Environment steps between evaluations; by default a fiftieth of the budget."""


@dataclass(frozen=True)
class SinkSpec:
    """A place where metrics go. `sink` names a callable `sink(run_dir: Path) -> Sink`.

    `default` makes a built-in sink part of every run. Those of other plug-ins are used where `--sink` asks.
    """

    name: str
    sink: str
    summary: str
    default: bool = False


def load_object(reference: str) -> Any:
    """Import `"module:attribute"`.

    Raises:
        ImportError: the module cannot be imported, or lacks the attribute.
    """
    module_name, _, attribute = reference.partition(":")
    module = importlib.import_module(module_name)
    try:
        return getattr(module, attribute)
    except AttributeError as error:
        raise ImportError(f"module {module_name!r} has no attribute {attribute!r}") from error
