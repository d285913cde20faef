"""A registry with the plug-in of `tiny_zoo.py`, and runs that take a fraction of a second."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from marlzoo.registry import Registry
from marlzoo.run.experiment import Outcome, begin_run
from marlzoo.run.plan import Plan, make_plan
from marlzoo.run.settings import RunSettings

TINY_ZOO = Path(__file__).with_name("tiny_zoo.py")
SMALL = {"steps": 400, "eval_interval": 100, "eval_episodes": 6, "absolute_episodes": 8, "log_interval": 60}


@pytest.fixture(scope="session")
def registry() -> Registry:
    return Registry.load([TINY_ZOO])


@pytest.fixture
def plan(registry: Registry) -> Callable[..., Plan]:
    def make(*overrides: str, env: str = "echo:2", sinks: tuple[str, ...] = (), **settings: Any) -> Plan:
        return make_plan(
            registry,
            "parrot",
            env,
            overrides=overrides,
            settings=RunSettings(**SMALL | settings),
            sinks=sinks,
        )

    return make


@pytest.fixture
def run(registry: Registry, plan: Callable[..., Plan], tmp_path: Path) -> Callable[..., Outcome]:
    def start(
        *overrides: str, name: str = "run", stop: Any = None, listener: Any = None, **rest: Any
    ) -> Outcome:
        return begin_run(
            registry,
            plan(*overrides, **rest),
            tmp_path / name,
            stop=stop or (lambda: False),
            listener=listener,
        )

    return start
