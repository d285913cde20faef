"""The family in the zoo: declared, checked, and trained on by every built-in algorithm as it is."""

from __future__ import annotations

import ast
import importlib.metadata
import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import marlzoo_gridworld
from marlzoo.api import BatchedEnv, Mode
from marlzoo.registry import Registry
from marlzoo.testing import Driver, EnvironmentContract, build
from marlzoo_gridworld.config import GridworldConfig
from marlzoo_gridworld.rendezvous import make

REGISTRY = Registry.load()
BUILTINS = sorted(entry.spec.name for entry in REGISTRY.algorithms() if entry.plugin.builtin)


def grid(task: str, envs: int) -> BatchedEnv:
    return make(task, GridworldConfig(), envs)


def test_imports_of_marlzoo_its_public_surface_alone() -> None:
    for path in Path(marlzoo_gridworld.__file__).parent.glob("*.py"):
        modules = [
            str(node.module)
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.ImportFrom)
        ]
        assert {name for name in modules if name.partition(".")[0] == "marlzoo"} <= {"marlzoo.api"}, path.name


def test_is_found_by_its_entry_point() -> None:
    points = importlib.metadata.distribution("marlzoo-gridworld").entry_points.select(group="marlzoo")
    assert [(point.name, point.value) for point in points] == [("gridworld", "marlzoo_gridworld")]


class TestRendezvous(EnvironmentContract):
    environment = "gridworld:rendezvous-4x4-3"


@pytest.mark.parametrize("task", [*marlzoo_gridworld.marlzoo_environments()[0].tasks, "rendezvous-7x2-5"])
def test_tasks_resolve_with_their_arguments(task: str) -> None:
    choice = REGISTRY.environment(f"gridworld:{task}?step_cost=0.1", [])
    env = choice.make(3)
    assert env.world.num_agents == int(task.rpartition("-")[2])
    assert choice.id == f"gridworld:{task}?step_cost=0.1"


def test_the_suite_is_made_of_listed_tasks() -> None:
    (suite,) = marlzoo_gridworld.marlzoo_suites()
    (family,) = marlzoo_gridworld.marlzoo_environments()
    assert set(suite.environments) == {f"gridworld:{task}" for task in family.tasks}


@pytest.mark.parametrize("name", BUILTINS)
def test_every_built_in_algorithm_trains_on_it(name: str) -> None:
    entry, env = REGISTRY.algorithm(name), grid("rendezvous-4x4-3", 4)
    driver = Driver(build(entry.spec, env, {"rollout_length": 8, "epochs": 1, "decoder": "torch"}), env)
    driver.learn(2)
    assert len(driver.metrics) == 2


def test_it_can_be_learned() -> None:
    """MAPPO meets nearly always, and nearly straight away, where random play takes its time."""
    env = grid("rendezvous-4x4-2", 32)
    options = {"rollout_length": 16, "epochs": 4, "lr": 2e-3, "critic_lr": 2e-3, "gamma": 0.95}
    driver = Driver(build(REGISTRY.algorithm("mappo").spec, env, options), env)
    before = efficiency(driver)
    driver.learn(60)
    assert before < 0.5
    assert efficiency(driver) > 0.85


def efficiency(driver: Driver, episodes: int = 200) -> float:
    """The mean over greedy episodes, counted as they end."""
    driver.restart(root=7)
    found: list[float] = []
    algorithm, env = driver.algorithm, driver.env
    view, carry = driver.view, driver.carry
    while len(found) < episodes:
        with torch.no_grad():
            decision = algorithm.act(view, carry, Mode.GREEDY)
        step = env.step(decision.actions)
        ended = (step.terminated | step.truncated).numpy()
        found += step.info["efficiency"][ended].tolist()
        view, carry = env.reset_done(), decision.carry
    return sum(found) / len(found)


def test_runs_from_the_command_line(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "marlzoo", "run", "mappo", "--env", "gridworld:rendezvous-4x4-2"]
    done = subprocess.run(
        [*command, "--steps", "2k", "--eval-episodes", "4", "--out", str(tmp_path / "run")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    result = (tmp_path / "run" / "result.json").read_text()
    assert "gridworld:rendezvous-4x4-2" in json.dumps(json.loads(result))
