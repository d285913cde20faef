"""One tree of random streams per run.

Every stream is a `numpy.random.SeedSequence` with the run's seed as entropy and a spawn key of its own, so no
two of them overlap, and environment i gets the same stream whatever the number of environments is. Nothing of
marlzoo draws from a global generator.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import torch
from numpy.random import SeedSequence


class Branch(IntEnum):
    """First number of a spawn key. The numbers are part of what makes a run repeatable: add, never
    renumber."""

    TRAINING = 0
    EVALUATION = 1
    ABSOLUTE = 2
    POLICY = 3
    INITIAL = 4
    AFTERWARDS = 5
    CONSTRUCTION = 6
    SHARED = 7


@dataclass(frozen=True)
class SeedTree:
    """All random streams of the run with this `seed`."""

    seed: int

    def _stream(self, *key: int) -> SeedSequence:
        return SeedSequence(self.seed, spawn_key=key)

    def training(self, num_envs: int) -> list[SeedSequence]:
        """The streams of the training environments 0 to `num_envs - 1`."""
        return [self._stream(Branch.TRAINING, i) for i in range(num_envs)]

    def evaluation(self, index: int, episodes: int) -> list[SeedSequence]:
        """One stream for each episode of the run's evaluation number `index`."""
        return [self._stream(Branch.EVALUATION, index, episode) for episode in range(episodes)]

    def absolute(self, episodes: int) -> list[SeedSequence]:
        """One stream for each episode that re-evaluates the best policy at the end of the run."""
        return [self._stream(Branch.ABSOLUTE, episode) for episode in range(episodes)]

    def afterwards(self, episodes: int) -> list[SeedSequence]:
        """One stream for each episode of `marlzoo evaluate`, disjoint from all that the run itself used."""
        return [self._stream(Branch.AFTERWARDS, episode) for episode in range(episodes)]

    def policy(self) -> torch.Generator:
        """The generator of sampling noise and minibatch orders."""
        return _generator(self._stream(Branch.POLICY))

    def initial(self) -> torch.Generator:
        """The generator of initial weights."""
        return _generator(self._stream(Branch.INITIAL))

    def construction(self) -> int:
        """What torch's global generator is seeded with, in a fork, while an algorithm is built."""
        return _word(self._stream(Branch.CONSTRUCTION))

    def shared(self, step: int) -> int:
        """32 bits for the global generators, which only plug-ins that should not would use."""
        return int(self._stream(Branch.SHARED, step).generate_state(1)[0])


def _word(stream: SeedSequence) -> int:
    return int(stream.generate_state(1, np.uint64)[0])


def _generator(stream: SeedSequence) -> torch.Generator:
    return torch.Generator().manual_seed(_word(stream))
