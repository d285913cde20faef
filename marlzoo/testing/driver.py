"""The trainer's loop without the trainer: for tests that need an algorithm to have learned a little."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from marlzoo.algorithm import Algorithm, Carry, Context, Metrics, Mode, Transition, View
from marlzoo.config import AlgorithmConfig
from marlzoo.envs.contract import BatchedEnv
from marlzoo.overrides import Setting, flat_keys
from marlzoo.overrides import build as build_model
from marlzoo.specs import AlgorithmSpec, load_object

TOTAL_STEPS = 100_000


def seeds(number: int, root: int = 0) -> list[np.random.SeedSequence]:
    """One seed sequence for each environment."""
    return [np.random.SeedSequence((root, env)) for env in range(number)]


def build(spec: AlgorithmSpec, env: BatchedEnv, options: Mapping[str, Any], seed: int = 0) -> Algorithm:
    """An algorithm for a world; `options` that its configuration does not have are left out.

    As in a run, torch's global generator is seeded while the algorithm builds its networks.
    """
    context = Context(
        torch.Generator().manual_seed(seed), torch.Generator().manual_seed(seed + 1), TOTAL_STEPS
    )
    config = _config(load_object(spec.config), {**options, "num_envs": env.world.num_envs})
    make = load_object(spec.algorithm)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed + 2)
        algorithm: Algorithm = make(env.world, config, context)
    return algorithm


def _config(model: type[AlgorithmConfig], options: Mapping[str, Any]) -> AlgorithmConfig:
    known = set(flat_keys(model))
    settings = [
        Setting(key, value, "the test", f"{key}={value}") for key, value in options.items() if key in known
    ]
    return build_model(model, settings)[0]


@dataclass
class Driver:
    """An algorithm in its environment, and what came of it."""

    algorithm: Algorithm
    env: BatchedEnv
    view: View = field(init=False)
    carry: Carry = field(init=False)
    actions: list[Tensor] = field(default_factory=list)
    rewards: list[Tensor] = field(default_factory=list)
    metrics: list[Metrics] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.restart()

    def restart(self, root: int = 0) -> None:
        """Begin anew in freshly seeded environments."""
        self.view = self.env.reset(seeds(self.env.world.num_envs, root))
        self.carry = self.algorithm.initial_carry(self.env.world.num_envs)

    def step(self) -> None:
        """One turn of the trainer's loop."""
        view = self.lend(self.view)
        with torch.no_grad():
            decision = self.algorithm.act(view, self.carry, Mode.SAMPLE)
        step = self.env.step(decision.actions)
        self.actions.append(decision.actions.clone())
        self.rewards.append(step.reward.clone())
        self.algorithm.observe(
            Transition(view, decision, step.reward, step.terminated, step.truncated, self.lend(step.view))
        )
        metrics = self.algorithm.update()
        if metrics is not None:
            self.metrics.append(metrics)
        self.view, self.carry = self.env.reset_done(), decision.carry

    def lend(self, view: View) -> View:
        """What the algorithm is shown of a view: the environment's own tensors, as in a run."""
        return view

    def run(self, steps: int) -> Driver:
        """Several turns."""
        for _ in range(steps):
            self.step()
        return self

    def learn(self, updates: int, most_steps: int = 5000) -> Driver:
        """Turns until the algorithm has updated `updates` more times and is ready to be saved."""
        wanted = len(self.metrics) + updates
        for _ in range(most_steps):
            if len(self.metrics) >= wanted and self.algorithm.ready_to_save:
                break
            self.step()
        return self

    def play(self, steps: int, mode: Mode = Mode.GREEDY) -> Tensor:
        """The rewards `[steps, E, N]` of play without learning, from the current view on."""
        rewards = []
        for _ in range(steps):
            with torch.no_grad():
                decision = self.algorithm.act(self.view, self.carry, mode)
            rewards.append(self.env.step(decision.actions).reward.clone())
            self.view, self.carry = self.env.reset_done(), decision.carry
        return torch.stack(rewards)
