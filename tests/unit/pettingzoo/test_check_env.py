"""What `check-env` finds in environments with known faults."""

from __future__ import annotations

from typing import Any

import pytest

from marlzoo.envs.check import Finding, check_batched, check_pettingzoo
from marlzoo.envs.mamujoco.batched import make as make_mamujoco
from marlzoo.envs.mamujoco.config import MamujocoConfig
from marlzoo.envs.pettingzoo_env.batched import make
from marlzoo.envs.pettingzoo_env.config import PettingZooConfig


def findings(task: str, **kwargs: Any) -> list[Finding]:
    config = PettingZooConfig(kwargs=kwargs)
    return check_pettingzoo(task, kwargs, lambda count: make(task, config, count), steps=20)


def problems(found: list[Finding]) -> list[str]:
    return [str(finding) for finding in found if finding.level == "problem"]


def test_a_sound_environment_has_no_problems() -> None:
    found = findings("toy_worlds:Corridor")
    assert problems(found) == []
    said = "\n".join(str(finding) for finding in found)
    assert "2 agents act discretely" in said
    assert "observations differ in size and are padded: [2, 3]" in said
    assert "state() gives 2 numbers" in said
    assert "action masks come in the observation" in said
    assert "a restored snapshot goes on exactly" in said
    assert "a copy does not depend on how many others there are" in said


def test_endless_episodes_and_missing_extras_are_noted() -> None:
    found = findings("toy_worlds:Levers", bounds=[[-1, 1], [-1, 1]])
    said = "\n".join(str(finding) for finding in found)
    assert "no episode ended in 20 steps" in said
    assert "horizon=N" in said
    assert "there is no state()" in said


@pytest.mark.parametrize(
    ("task", "kwargs", "message"),
    [
        ("toy_worlds:Restless", {}, "cannot be resumed"),
        ("toy_worlds:Entangled", {}, "depend on the other copies"),
        ("toy_worlds:Faulty", {"fault": "raise"}, "the cart fell over"),
        ("toy_worlds:Mixed", {"bounds": [[-1, 1], [-1, 1]]}, "some agents act discretely"),
        ("toy_worlds:Nowhere", {}, "has no Nowhere"),
    ],
)
def test_faults_are_found(task: str, kwargs: dict[str, Any], message: str) -> None:
    assert any(message in problem for problem in problems(findings(task, **kwargs)))


def test_a_built_in_family_keeps_the_contract() -> None:
    found = check_batched(lambda count: make_mamujoco("Hopper-3x1", MamujocoConfig(), count), steps=60)
    assert problems(found) == []
