"""An environment as the contract sees it."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from marlzoo.envs.contract import BatchedEnv
from marlzoo.registry import EnvironmentChoice
from marlzoo.testing.recording import Recording


@dataclass(frozen=True)
class Habitat:
    """The environment under test.

    Attributes:
        make: builds so many copies.
        metric: the episode metric that its score is read from, or `"return"`.
        parallel: builds its PettingZoo view; None where there is none.
        steps: how long random play lasts.
        envs: how many copies there are side by side.
    """

    make: Callable[[int], BatchedEnv]
    metric: str = "return"
    parallel: Callable[[], Any] | None = None
    steps: int = 200
    envs: int = 3

    @contextlib.contextmanager
    def open(self, envs: int | None = None) -> Iterator[BatchedEnv]:
        """A fresh batch, closed afterwards."""
        env = self.make(envs or self.envs)
        try:
            yield env
        finally:
            env.close()

    @contextlib.contextmanager
    def played(self) -> Iterator[Recording]:
        """Random play in a fresh batch."""
        with self.open() as env:
            yield Recording(env).play(self.steps)


def habitat_of(choice: EnvironmentChoice, steps: int = 200) -> Habitat:
    """The habitat of an environment of the registry."""
    factory = companion(choice, "parallel", "parallel_env")
    arguments = choice.config.model_dump(include=choice.config.model_fields_set)
    return Habitat(
        choice.make,
        choice.score.metric,
        None if factory is None else lambda: factory(choice.task, **arguments),
        steps,
    )


def companion(choice: EnvironmentChoice, module: str, name: str) -> Callable[..., Any] | None:
    """What a family offers beside its `make`: `name` in the module `module` of the same package.

    `parallel` with `parallel_env(task, **arguments)` gives the PettingZoo view; `inspection` with
    `inspect(task, config)` looks at what is wrapped before anything is built. Both are optional.
    """
    package = choice.entry.spec.make.partition(":")[0].rpartition(".")[0]
    if not package or importlib.util.find_spec(f"{package}.{module}") is None:
        return None
    found: Callable[..., Any] | None = getattr(importlib.import_module(f"{package}.{module}"), name, None)
    return found
