"""The contracts as pytest classes. A plug-in's test module needs no more than

    class TestFoo(AlgorithmContract):
        algorithm = "foo"

or, for an environment,

    class TestWorld(EnvironmentContract):
        environment = "my_family:task"

The checks themselves are plain functions that `marlzoo check` and `check-env` run too, without pytest.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, TypeVar

import pytest

from marlzoo.registry import Registry
from marlzoo.specs import AlgorithmSpec
from marlzoo.testing.algorithm_checks import algorithm_cases
from marlzoo.testing.checks import Case
from marlzoo.testing.environment_checks import environment_cases
from marlzoo.testing.habitat import Habitat, habitat_of
from marlzoo.testing.subject import Subject, entry_of, quick_options

S = TypeVar("S")


class AlgorithmContract:
    """Subclass it and name the algorithm; pytest collects one test for each check and world.

    Attributes:
        algorithm: the name of an installed algorithm, bare or qualified.
        spec: in its place, the spec of one that is not installed.
        options: settings beside those of the preset table `["tiny"]`; they make it learn quickly in tiny
            worlds. Those that the configuration does not have are left out.
        envs, updates, learning_envs, learning_steps: see `marlzoo.testing.Subject`.
    """

    algorithm: ClassVar[str] = ""
    spec: ClassVar[AlgorithmSpec | None] = None
    options: ClassVar[Mapping[str, Any]] = {}
    envs: ClassVar[int] = 4
    updates: ClassVar[int] = 2
    learning_envs: ClassVar[int] = 16
    learning_steps: ClassVar[int] = 320

    def subject(self) -> Subject:
        """The algorithm under test."""
        spec = self.spec
        entry = Registry.load().algorithm(self.algorithm) if spec is None else entry_of(spec)
        return Subject(
            entry,
            {**quick_options(entry), **self.options},
            envs=self.envs,
            updates=self.updates,
            learning_envs=self.learning_envs,
            learning_steps=self.learning_steps,
        )

    @pytest.mark.parametrize("case", algorithm_cases(), ids=str)
    def test_contract(self, case: Case[Subject]) -> None:
        """One check in one world; `ContractFailure` says what is wrong and where the guide explains it."""
        _test(case, self.subject())


class EnvironmentContract:
    """Subclass it and name the environment; pytest collects one test for each check.

    Attributes:
        environment: the id of an environment of the registry, arguments included: `family:task?key=value`.
        steps: how long random play lasts; some episodes should end within it.
    """

    environment: ClassVar[str] = ""
    steps: ClassVar[int] = 200

    def habitat(self) -> Habitat:
        """The environment under test; override it for one that is in no registry."""
        return habitat_of(Registry.load().environment(self.environment), self.steps)

    @pytest.mark.parametrize("case", environment_cases(), ids=str)
    def test_contract(self, case: Case[Habitat]) -> None:
        """One check; `ContractFailure` says what is wrong and where the guide explains it."""
        _test(case, self.habitat())


def _test(case: Case[S], subject: S) -> None:
    reason = case.check.reason_to_skip(subject, case.world)
    if reason:
        pytest.skip(reason)
    case.check(subject, case.world)
