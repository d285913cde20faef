"""The parts of the plug-in `written_for_api_1`. They stay as they are while the number is 1."""

from __future__ import annotations

import torch
from pydantic import Field

from marlzoo.api import Algorithm, AlgorithmConfig, Decision, EnvConfig, Mode, Sink
from marlzoo.nets.heads import noise_for
from marlzoo.testing import MatrixGame


class OldConfig(AlgorithmConfig):
    every: int = Field(4, ge=1, description="Steps between two updates.")


class Old(Algorithm):
    """Plays at random and counts."""

    def __init__(self, world, config, context):
        super().__init__(world, config, context)
        self.steps = 0

    def act(self, view, carry, mode):
        if mode is Mode.GREEDY:
            return Decision(torch.zeros(view.alive.shape, dtype=torch.int64))
        noise = noise_for(self.world, view.alive.shape, self.context.generator)
        return Decision(noise.argmax(-1), carry, {"noise": noise})

    def observe(self, transition):
        assert transition.decision.memo["noise"].shape[0] == self.world.num_envs
        self.steps += 1

    def update(self):
        return {"steps": float(self.steps)} if self.steps % self.config.every == 0 else None

    def state_dict(self):
        return {"steps": self.steps}

    def load_state_dict(self, state):
        self.steps = state["steps"]


class OldEnvConfig(EnvConfig):
    bonus: float = Field(0.0, description="Added to every payoff.")


def make(task, config, num_envs):
    return MatrixGame(num_envs, [[1.0 + config.bonus, 0.0], [0.0, 1.0 + config.bonus]])


class OldSink(Sink):
    """Forgets everything."""

    def __init__(self, run_dir):
        self.run_dir = run_dir

    def metrics(self, step, values):
        """Nothing is kept."""

    def evaluation(self, evaluation):
        """Nothing is kept."""
