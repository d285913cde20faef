"""IPPO is MAPPO with local critics."""

from __future__ import annotations

import torch

from marlzoo.registry import Registry
from marlzoo.testing import Driver, MortalWorld, build

OPTIONS = {"rollout_length": 8, "epochs": 2, "width": 16}


def spec_of(name):
    return next(
        entry.spec
        for entry in Registry.load().algorithms()
        if entry.spec.name == name and entry.plugin.builtin
    )


def test_the_critic_sees_what_the_agent_sees():
    algorithm = build(spec_of("ippo"), MortalWorld(2), {})
    obs, alive = torch.randn(2, 3, 6), torch.ones(2, 3, dtype=torch.bool)
    assert torch.equal(algorithm.valuation.input(obs, torch.randn(2, 2), alive), obs)


def test_it_equals_mappo_with_that_critic():
    drivers = []
    for name, more in (("ippo", {}), ("mappo", {"critic_input": "obs"})):
        env = MortalWorld(4)
        drivers.append(Driver(build(spec_of(name), env, {**OPTIONS, **more}), env).learn(2))
    assert drivers[0].metrics == drivers[1].metrics
    assert torch.equal(*(torch.stack(driver.actions) for driver in drivers))
