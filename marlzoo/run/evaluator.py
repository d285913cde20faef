"""The one evaluator: greedy play over a fixed list of episodes.

Episode j draws all its randomness from `seeds[j]` and is the first episode of its environment slot, so
neither the batch size nor the length of other episodes decides which episodes are counted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.random import SeedSequence

from marlzoo.algorithm import Algorithm, Mode
from marlzoo.envs.contract import BatchedEnv
from marlzoo.errors import RunError
from marlzoo.run.episodes import EpisodeTracker, Finished
from marlzoo.run.evaluation import Episodes

STEP_LIMIT = 100_000
"""An episode longer than this is taken for one that never ends."""


class Evaluator:
    """Plays episodes in an environment of its own, which is built on first use.

    `make_env(num_envs)` builds it; `batch` environments are stepped side by side.
    """

    def __init__(self, make_env: Callable[[int], BatchedEnv], batch: int) -> None:
        self._make_env = make_env
        self._batch = batch
        self._env: BatchedEnv | None = None

    @property
    def env(self) -> BatchedEnv:
        if self._env is None:
            self._env = self._make_env(self._batch)
        return self._env

    def play(
        self,
        algorithm: Algorithm,
        seeds: Sequence[SeedSequence],
        stop: Callable[[], bool] = lambda: False,
    ) -> Episodes | None:
        """One greedy episode per seed; `None` when `stop()` became true on the way.

        Raises:
            RunError: an episode does not end.
        """
        sheet = _ScoreSheet(len(seeds), self.env.episode_metrics)
        for start in range(0, len(seeds), self._batch):
            if not self._play_wave(algorithm, seeds, start, sheet, stop):
                return None
        return sheet.episodes()

    @torch.no_grad()
    def _play_wave(
        self,
        algorithm: Algorithm,
        seeds: Sequence[SeedSequence],
        start: int,
        sheet: _ScoreSheet,
        stop: Callable[[], bool],
    ) -> bool:
        """Play episodes `start` to `start + batch - 1`; slots beyond the last seed play along uncounted."""
        env, batch = self.env, self._batch
        view = env.reset([seeds[min(start + i, len(seeds) - 1)] for i in range(batch)])
        carry = algorithm.initial_carry(batch)
        tracker = EpisodeTracker(batch, env.episode_metrics)
        running = np.arange(batch) < len(seeds) - start
        for _ in range(STEP_LIMIT):
            if stop():
                return False
            decision = algorithm.act(view, carry, Mode.GREEDY)
            finished = tracker.add(env.step(decision.actions))
            view, carry = env.reset_done(), decision.carry
            if finished is not None:
                sheet.enter(start, finished, running)
                running[finished.slots] = False
                if not running.any():
                    return True
        raise RunError(
            f"an evaluation episode did not end within {STEP_LIMIT} steps; give the task a time limit"
        )

    def close(self) -> None:
        if self._env is not None:
            self._env.close()
            self._env = None


class _ScoreSheet:
    """Collects the first episode of every slot."""

    def __init__(self, episodes: int, metric_names: Sequence[str]) -> None:
        self._returns = np.zeros(episodes)
        self._lengths = np.zeros(episodes, np.int64)
        self._metrics = {name: np.zeros(episodes) for name in metric_names}

    def enter(self, start: int, finished: Finished, running: np.ndarray) -> None:
        counted = running[finished.slots]
        rows = start + finished.slots[counted]
        self._returns[rows] = finished.returns[counted]
        self._lengths[rows] = finished.lengths[counted]
        for name, values in finished.metrics.items():
            self._metrics[name][rows] = values[counted]

    def episodes(self) -> Episodes:
        return Episodes(self._returns, self._lengths, self._metrics)
