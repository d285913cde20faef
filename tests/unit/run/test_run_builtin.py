"""Exact resume of the built-in algorithms in the built-in environments."""

from __future__ import annotations

from pathlib import Path

import pytest
from run_files import computed

from marlzoo.registry import Registry
from marlzoo.run.experiment import begin_run, resume_run
from marlzoo.run.plan import Plan, make_plan
from marlzoo.run.settings import RunSettings

SETTINGS = RunSettings(
    steps=600, eval_interval=300, eval_episodes=2, absolute_episodes=3, eval_batch=2, checkpoint_interval=100
)
ON_SMAC = ["mappo", "ippo", "mat", "mat_dec", "srsv", "a2po", "happo"]
SLOW = pytest.mark.slow

CASES = [
    ("mappo", "smac:3m", ()),
    pytest.param("mappo", "smac:3m", ("recurrent=true",), marks=SLOW),
    pytest.param("mappo", "smac:MMM2", (), marks=SLOW),
    pytest.param("srsv", "smac:2c_vs_64zg", (), marks=SLOW),
    pytest.param("mat", "mamujoco:HalfCheetah-6x1", (), marks=SLOW),
    pytest.param("mappo", "mamujoco:Ant-4x2", (), marks=SLOW),
    pytest.param("srsv", "dubins:gcbfplus-8", (), marks=SLOW),
    *[pytest.param(name, "smac:3m", (), marks=SLOW) for name in ON_SMAC[1:]],
]


@pytest.fixture(scope="module")
def zoo() -> Registry:
    return Registry.load()


def small_plan(zoo: Registry, algorithm: str, environment: str, overrides: tuple[str, ...]) -> Plan:
    return make_plan(zoo, algorithm, environment, overrides=("num_envs=4", *overrides), settings=SETTINGS)


@pytest.mark.parametrize(("algorithm", "environment", "overrides"), CASES)
def test_stopped_and_resumed_equals_never_stopped(
    zoo: Registry, tmp_path: Path, algorithm: str, environment: str, overrides: tuple[str, ...]
) -> None:
    plan = small_plan(zoo, algorithm, environment, overrides)
    whole = begin_run(zoo, plan, tmp_path / "whole")
    patience, asked = 20, 0

    def stop() -> bool:
        nonlocal asked
        asked += 1
        return asked > patience

    pieces = begin_run(zoo, plan, tmp_path / "pieces", stop=stop)
    assert pieces.status == "interrupted"
    while pieces.status == "interrupted":
        patience, asked = (
            2 * patience,
            0,
        )  # an evaluation that is stopped starts over, so it must fit in one piece
        pieces = resume_run(zoo, pieces.path, stop=stop)
    assert computed(pieces.path) == computed(whole.path)
