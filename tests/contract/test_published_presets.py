"""The presets `published` start and learn on the embedded engine: one update each, some thousand steps."""

from __future__ import annotations

import math

import pytest
import torch

from marlzoo.config import resolve_algorithm_config
from marlzoo.registry import Registry
from marlzoo.testing import Driver, build

ZOO = Registry.load(environ={"MARLZOO_PLUGINS": ""})
NAMES = [entry.address for entry in ZOO.algorithms()]
SMALL = "3m"


def one_update(name: str, environment: str) -> dict[str, float]:
    """The metrics of the first update with the published settings, and how many steps it took."""
    entry, choice = ZOO.algorithm(name), ZOO.environment(environment)
    config = resolve_algorithm_config(entry, choice, ["preset=published"]).config
    env = choice.make(config.num_envs)
    try:
        driver = Driver(build(entry.spec, env, config.model_dump()), env).learn(1)
    finally:
        env.close()
    (metrics,) = driver.metrics
    assert torch.stack(driver.actions).shape[:2] == (config.rollout_length, config.num_envs)
    return {**metrics, "steps": config.rollout_length * config.num_envs}


def check(name: str, environment: str) -> None:
    metrics = one_update(name, environment)
    assert metrics["steps"] >= 3200
    assert all(math.isfinite(value) for value in metrics.values())
    assert metrics["approx_kl"] > 0.0, "the policy has moved"


@pytest.mark.parametrize("name", NAMES)
def test_on_a_small_map(name):
    check(name, f"smac:{SMALL}")


@pytest.mark.slow
@pytest.mark.parametrize("task", [task for task in ZOO.family("smac").spec.tasks if task != SMALL])
@pytest.mark.parametrize("name", NAMES)
def test_on_every_other_map(name, task):
    check(name, f"smac:{task}")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "task"),
    [
        ("mappo", "Walker2d-2x3"),
        ("a2po", "Hopper-3x1"),
        ("happo", "HalfCheetah-2x3"),
        ("mat", "HalfCheetah-6x1"),
    ],
)
def test_on_a_robot(name, task):
    check(name, f"mamujoco:{task}?preset=paper")
