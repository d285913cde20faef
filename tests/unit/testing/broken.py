"""Algorithms that each break one rule of the contract; apart from that they are MAPPO."""

from __future__ import annotations

import dataclasses
import os
import random

import numpy as np
import torch
from pydantic import Field

from marlzoo.api import AlgorithmConfig, Explanation
from marlzoo_mappo.algorithm import Mappo
from marlzoo_mappo.config import MappoConfig


class Unexplained(MappoConfig):
    secret: float = 1.0


class Demanding(MappoConfig):
    needed: float = Field(description="There is no default.")


class Outsider:
    """No algorithm at all."""


class Unruly(Mappo):
    """Takes the first action, legal or not."""

    def act(self, view, carry, mode):
        decision = super().act(view, carry, mode)
        return dataclasses.replace(decision, actions=torch.ones_like(decision.actions))


class Shapeless(Mappo):
    """An extra dimension."""

    def act(self, view, carry, mode):
        decision = super().act(view, carry, mode)
        return dataclasses.replace(decision, actions=decision.actions.int())


class TensorMetrics(Mappo):
    def improve(self, values):
        return {**super().improve(values), "loss": torch.zeros(())}


class InfiniteMetrics(Mappo):
    def improve(self, values):
        return {**super().improve(values), "loss": float("nan")}


class NeverDone(Mappo):
    def update(self):
        if self.rollout.full:
            self.rollout.clear()


class NeverReady(Mappo):
    @property
    def ready_to_save(self):
        return False


class PairsOnly(Mappo):
    """Looks at the second agent."""

    def act(self, view, carry, mode):
        _ = view.obs[:, 1]
        return super().act(view, carry, mode)


class Entropic(Mappo):
    """Weights that no seed decides."""

    def __init__(self, world, config, context):
        super().__init__(world, config, context)
        own = torch.Generator().manual_seed(int.from_bytes(os.urandom(4), "little"))
        for parameter in self.policies[0].parameters:
            parameter.data += 0.1 * torch.randn(parameter.shape, generator=own)


class GlobalTorch(Mappo):
    def improve(self, values):
        torch.rand(())
        return super().improve(values)


class GlobalNumpy(Mappo):
    def improve(self, values):
        np.random.rand()  # noqa: NPY002
        return super().improve(values)


class GlobalRandom(Mappo):
    def improve(self, values):
        random.random()
        return super().improve(values)


class GlobalSeed(Mappo):
    """Reads the global seed, and leaves it as it is."""

    def improve(self, values):
        return {**super().improve(values), "seed": float(torch.initial_seed())}


class GlobalSetting(Mappo):
    def improve(self, values):
        np.seterr(over="raise")
        return super().improve(values)


class Meddler(Mappo):
    """Scales what it is shown in place."""

    def act(self, view, carry, mode):
        view.obs.mul_(0.5)
        return super().act(view, carry, mode)


class Hoarder(Mappo):
    """Keeps transitions as they are and reads them when there are enough."""

    def __init__(self, world, config, context):
        super().__init__(world, config, context)
        self.kept = []

    def observe(self, transition):
        self.kept.append(transition)
        if len(self.kept) == self.config.rollout_length:
            for kept in self.kept:
                self.rollout.add(kept)
            self.kept = []

    @property
    def ready_to_save(self):
        return not self.kept


class GreedyDrawer(Mappo):
    def act(self, view, carry, mode):
        torch.rand((), generator=self.context.generator)
        return super().act(view, carry, mode)


class GreedyCounter(Mappo):
    """Counts its steps, those of evaluation too."""

    def act(self, view, carry, mode):
        self.updates += 1
        return super().act(view, carry, mode)


class Summariser(Mappo):
    """One value for the whole team."""

    def explain(self, view, decision):
        return Explanation(values=torch.zeros(len(view.obs)))


class Boaster(Mappo):
    """Attention to everybody at once."""

    def explain(self, view, decision):
        envs, agents = view.alive.shape
        return Explanation(attention=torch.ones(envs, agents, agents))


class Ponderer(Mappo):
    def explain(self, view, decision):
        torch.rand((), generator=self.context.generator)


class BatchNormaliser(Mappo):
    """Centres observations over the environments that it happens to see together."""

    def act(self, view, carry, mode):
        obs = (view.obs - view.obs.mean(0)) * 100
        return super().act(dataclasses.replace(view, obs=obs), carry, mode)


class Unsafe(Mappo):
    def state_dict(self):
        return {**super().state_dict(), "config": self.config}


class Forgetful(Mappo):
    """The optimisers start anew."""

    def load_state_dict(self, state):
        fresh = [policy.optimiser.state_dict() for policy in self.policies]
        super().load_state_dict({**state, "actor_optimisers": fresh})


class Impostor(Mappo):
    """Saves a policy and never takes one."""

    def load_policy(self, state):
        _ = state["actors"]

    def load_state_dict(self, state):
        Mappo.load_policy(self, state)
        super().load_state_dict(state)


class NumberedConfig(MappoConfig):
    agent_ids: bool = Field(True, description="The number of agents is in the shape of the input.")


class Lazy(Mappo):
    """Never improves."""

    def improve(self, values):
        return {"loss": 0.0}


class TeachesTheDead(Mappo):
    def observe(self, transition):
        view = dataclasses.replace(transition.view, alive=torch.ones_like(transition.view.alive))
        super().observe(dataclasses.replace(transition, view=view))


class Endless(Mappo):
    """Does not know that tasks end."""

    def observe(self, transition):
        super().observe(dataclasses.replace(transition, terminated=torch.zeros_like(transition.terminated)))


class Timeless(Mappo):
    """Does not know that time runs out."""

    def observe(self, transition):
        super().observe(dataclasses.replace(transition, truncated=torch.zeros_like(transition.truncated)))


HeavyConfig = AlgorithmConfig
"""Settings in a module that imports torch."""
