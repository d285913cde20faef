"""Policies of 8 cars among ten thousand: they play, and in how much memory."""

from __future__ import annotations

import subprocess
import sys

import pytest

from marlzoo.registry import Registry
from marlzoo.run.experiment import begin_run
from marlzoo.run.plan import make_plan
from marlzoo.run.policy import evaluate_run
from marlzoo.run.settings import RunSettings
from marlzoo.scope import AttentionScope

pytestmark = pytest.mark.slow

GROWTH = """
import resource, sys
import torch
from marlzoo.algorithm import View
from marlzoo.nets.attention import BodyShape
from marlzoo.nets.mat_body import MatBody
from marlzoo.nets.playing import play
from marlzoo.scope import AttentionScope

def act(rows, agents):
    view = View(torch.randn(rows, agents, 49), torch.ones(rows, agents, dtype=torch.bool),
                torch.zeros(rows, dtype=torch.bool), places=torch.rand(rows, agents, 2))
    play(body, view, AttentionScope.parse(sys.argv[1]))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

body = MatBody(BodyShape(49, 2, discrete=False), torch.Generator().manual_seed(0))
small = act(1, 8)
print(act(int(sys.argv[2]), int(sys.argv[3])) - small)
"""
"""Prints by how many MB the process grew over a joint action of 8 cars."""


@pytest.mark.parametrize("scope", ["all", "nearest:8", "cells:8"])
@pytest.mark.parametrize(("rows", "agents"), [(1, 10_000), (64, 1024)])
def test_memory_does_not_grow_with_the_square_of_cars_or_with_the_batch(scope, rows, agents):
    words = [sys.executable, "-c", GROWTH, scope, str(rows), str(agents)]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    # One number per pair of 10,000 cars, or per pair of 1,024 in 64 arenas, is 400 or 270 MB.
    assert float(done.stdout) < 250


@pytest.mark.parametrize("algorithm", ["mat", "srsv"])
@pytest.mark.parametrize("scope", ["nearest:8", "cells:8"])
def test_ten_thousand_cars_drive(algorithm, scope, tmp_path):
    registry = Registry.load()
    small = ["num_envs=4", "rollout_length=10", "epochs=1", "minibatches=1"]
    settings = RunSettings(steps=80, eval_interval=80, eval_episodes=1, absolute_episodes=0)
    plan = make_plan(registry, algorithm, "dubins:transfer-8", overrides=small, settings=settings)
    begin_run(registry, plan, tmp_path / "run")
    document = evaluate_run(
        registry,
        tmp_path / "run",
        environment="dubins:transfer-10000?horizon=10",
        episodes=1,
        attention=AttentionScope.parse(scope),
    )
    assert document["attention"] == scope
    assert document["length"] == 10
    assert document["metrics"]["ceiling"] < 1
