"""What `check-env` finds in PettingZoo environments with known faults."""

from __future__ import annotations

from typing import Any

import pytest

from marlzoo.envs.pettingzoo_env.batched import make
from marlzoo.envs.pettingzoo_env.config import PettingZooConfig
from marlzoo.envs.pettingzoo_env.inspection import inspect
from marlzoo.envs.pettingzoo_env.parallel import parallel_env
from marlzoo.testing import Habitat, environment_cases, outcomes


def failures(task: str, **kwargs: Any) -> list[str]:
    """What the contract of environments finds."""
    config = PettingZooConfig(kwargs=kwargs)
    habitat = Habitat(
        lambda envs: make(task, config, envs), parallel=lambda: parallel_env(task, kwargs=kwargs), steps=20
    )
    found = outcomes(environment_cases(), habitat)
    return [f"{outcome.check}: {outcome.happened}" for outcome in found if outcome.status == "failed"]


def seen(task: str, **kwargs: Any) -> str:
    return "\n".join(str(finding) for finding in inspect(task, PettingZooConfig(kwargs=kwargs)))


def test_a_sound_environment_keeps_the_contract() -> None:
    assert failures("toy_worlds:Corridor") == []


def test_what_an_environment_offers_is_said() -> None:
    said = seen("toy_worlds:Corridor")
    assert "problem" not in said
    assert "2 agents act discretely" in said
    assert "observations differ in size and are padded: [2, 3]" in said
    assert "state() gives 2 numbers" in said
    assert "action masks come in the observation" in said


def test_what_is_missing_is_noted() -> None:
    said = seen("toy_worlds:Levers", bounds=[[-1, 1], [-1, 1]])
    assert "note: there is no state()" in said
    assert "note: no action masks" in said


@pytest.mark.parametrize(
    ("task", "kwargs", "check", "message"),
    [
        ("toy_worlds:Restless", {}, "env-snapshot", "cannot be resumed"),
        ("toy_worlds:Entangled", {}, "env-batch-size", "differs between one copy and 3"),
        ("toy_worlds:Faulty", {"fault": "raise"}, "env-finite", "the cart fell over"),
    ],
)
def test_faults_are_found(task: str, kwargs: dict[str, Any], check: str, message: str) -> None:
    assert any(line.startswith(check) and message in line for line in failures(task, **kwargs))


@pytest.mark.parametrize(
    ("task", "kwargs", "message"),
    [
        ("toy_worlds:Mixed", {"bounds": [[-1, 1], [-1, 1]]}, "some agents act discretely"),
        ("toy_worlds:Nowhere", {}, "has no Nowhere"),
    ],
)
def test_what_cannot_be_used_is_a_problem(task: str, kwargs: dict[str, Any], message: str) -> None:
    said = seen(task, **kwargs)
    assert said.startswith("problem: ")
    assert message in said
