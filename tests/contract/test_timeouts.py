"""The three treatments of a time limit in every algorithm: they differ where time runs out, not elsewhere."""

from __future__ import annotations

import pytest
import torch

from marlzoo.registry import Registry
from marlzoo.testing import Driver, MatrixGame, TargetWorld, build

SPECS = {entry.address: entry.spec for entry in Registry.load(environ={"MARLZOO_PLUGINS": ""}).algorithms()}
TIMEOUTS = ("terminate", "zero_advantage", "bootstrap")
OPTIONS = {"rollout_length": 8, "epochs": 2, "width": 8, "lr": 3e-3, "critic_lr": 3e-3, "decoder": "torch"}


def learned(name, world, timeout):
    """All that is saved after three updates, as one vector."""
    env = world(4)
    driver = Driver(build(SPECS[name], env, {**OPTIONS, "timeout": timeout}), env).learn(3)
    found = []
    collect(driver.algorithm.policy_dict(), found)
    return torch.cat(found)


def collect(state, found):
    """Append the floating-point tensors of a nested state."""
    if isinstance(state, torch.Tensor):
        if state.is_floating_point():
            found.append(state.flatten())
        return
    for part in state.values() if isinstance(state, dict) else state if isinstance(state, list) else ():
        collect(part, found)


@pytest.mark.parametrize("name", SPECS)
def test_where_time_runs_out_they_differ(name):
    one, two, three = (learned(name, TargetWorld, timeout) for timeout in TIMEOUTS)
    assert all(torch.isfinite(vector).all() for vector in (one, two, three))
    assert not torch.equal(one, two)
    assert not torch.equal(one, three)
    assert not torch.equal(two, three)


@pytest.mark.parametrize("name", SPECS)
def test_where_tasks_end_they_are_the_same(name):
    one, two, three = (learned(name, MatrixGame, timeout) for timeout in TIMEOUTS)
    assert torch.equal(one, two)
    assert torch.equal(one, three)
