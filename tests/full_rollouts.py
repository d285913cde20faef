"""Rollouts that are full and not yet learned from, and the parameters that learning would change."""

from __future__ import annotations

import torch

from marlzoo.testing import Driver


def fill_rollout(algorithm, env, updates):
    """`algorithm` after `updates` updates and one more rollout."""
    driver = Driver(algorithm, env).learn(updates)
    update, algorithm.update = algorithm.update, lambda: None
    driver.run(algorithm.config.rollout_length)
    algorithm.update = update
    return algorithm


def parameters(*nets):
    return torch.cat([parameter.detach().flatten() for net in nets for parameter in net.parameters()])
