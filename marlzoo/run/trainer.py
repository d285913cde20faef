"""The one training loop. It knows neither algorithms nor environments by name.

The trainer counts, times, evaluates and saves; what it measures goes to a `Recorder`. Evaluating and saving
happen only where the algorithm is `ready_to_save`, that is after an update: there the parameters, the number
of steps that label them and everything else a continuation needs belong together.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import torch

from marlzoo.algorithm import Algorithm, Carry, Context, Metrics, Mode, Transition, View
from marlzoo.envs.contract import BatchedEnv, StepResult
from marlzoo.errors import PluginError, RunError, UsageError
from marlzoo.run.clock import Clock
from marlzoo.run.codec import freeze
from marlzoo.run.episodes import Averages, EpisodeTracker
from marlzoo.run.evaluation import Evaluation
from marlzoo.run.evaluator import Evaluator
from marlzoo.run.seeding import SeedTree
from marlzoo.run.settings import RunSettings
from marlzoo.specs import Score

CHECKPOINT_SECONDS = 60.0
_PATIENCE = 10_000
"""Turns beyond the budget after which an algorithm that is never ready to save is given up."""


class Recorder(Protocol):
    """What the trainer reports to."""

    def metrics(self, step: int, values: Mapping[str, float]) -> None: ...
    def evaluated(self, evaluation: Evaluation) -> None: ...
    def save(self, step: int, content: Mapping[str, Any]) -> None: ...
    def tick(self, trainer: Trainer) -> None:
        """Called after every turn of the loop, so it has to be quick."""


@dataclass
class Counters:
    """Where the run stands."""

    step: int = 0
    """Environment steps, summed over environments."""
    updates: int = 0
    episodes: int = 0
    evaluations: int = 0
    evaluated_at: int = -1
    """The step of the last evaluation."""
    next_evaluation: int = 0
    next_log: int = 0
    saved_at: int = -1
    """The step of the last checkpoint."""


@dataclass(frozen=True)
class Best:
    """The policy with the highest score so far; of equal scores the later one."""

    step: int
    score: float
    policy: Mapping[str, Any]


class Trainer:
    """Trains `algorithm` in `env`. `settings` must be resolved; `context` is what the algorithm was built
    with. `inspect` is called with the step after every update and every evaluation."""

    def __init__(
        self,
        algorithm: Algorithm,
        context: Context,
        env: BatchedEnv,
        evaluator: Evaluator,
        score: Score,
        settings: RunSettings,
        recorder: Recorder,
        inspect: Callable[[int], None] = lambda step: None,
    ) -> None:
        self.algorithm = algorithm
        self.env = env
        self.settings = settings
        self.counters = Counters(next_log=settings.log_interval or 1)
        self.clock = Clock()
        self.best: Best | None = None
        self.seeds = SeedTree(settings.seed)
        self._generators = {"policy": context.generator, "initial": context.initial}
        self._evaluator = evaluator
        self._score = score
        self._recorder = recorder
        self._inspect = inspect
        self._tracker = EpisodeTracker(env.world.num_envs, env.episode_metrics)
        self._averages = Averages()
        self._saved_time = time.monotonic()
        self._unsaved = True

    @property
    def finished(self) -> bool:
        return self.counters.step >= self.settings.steps

    def start(self) -> None:
        """Begin at step 0."""
        num_envs = self.env.world.num_envs
        self._view: View = self.env.reset(self.seeds.training(num_envs))
        self._carry: Carry = self.algorithm.initial_carry(num_envs)

    def train(self, stop: Callable[[], bool] = lambda: False) -> bool:
        """Train until the budget is spent, or until the first point after `stop()` became true where
        everything can be saved. Call `start` or `restore` first.

        Returns:
            Whether the budget is spent and its last evaluation done.

        Raises:
            RunError: a metric is not finite, an action was illegal, or a file could not be written.
        """
        while True:
            if self.algorithm.ready_to_save:
                self._pause(stop)
                if stop():
                    return False
                if self.finished:
                    return True
            self.turn()

    def turn(self) -> None:
        """One step of every environment, and an update where the algorithm has enough data."""
        with self.clock.part("policy"), torch.no_grad():
            decision = self.algorithm.act(self._view, self._carry, Mode.SAMPLE)
        with self.clock.part("environment"):
            step = self._checked_step(decision.actions)
        with self.clock.part("update"):
            self.algorithm.observe(
                Transition(self._view, decision, step.reward, step.terminated, step.truncated, step.view)
            )
            metrics = self.algorithm.update()
        self.counters.step += self.env.world.num_envs
        self._unsaved = True
        finished = self._tracker.add(step)
        if finished is not None:
            self.counters.episodes += len(finished.slots)
            self._averages.add_episodes(finished)
        if metrics is not None:
            self._count_update(metrics)
        with self.clock.part("environment"):
            self._view = self.env.reset_done()
        self._carry = decision.carry
        self._recorder.tick(self)
        self._check_patience()

    def _checked_step(self, actions: torch.Tensor) -> StepResult:
        try:
            return self.env.step(actions)
        except UsageError as error:
            raise RunError(f"step {self.counters.step:,}: {error}") from error

    def _count_update(self, metrics: Metrics) -> None:
        for name, value in metrics.items():
            if not math.isfinite(value):
                raise RunError(
                    f"step {self.counters.step:,}: the metric {name!r} became {value}; "
                    "try a smaller learning rate or stronger gradient clipping"
                )
            self._averages.add(f"update/{name}", float(value))
        self.counters.updates += 1
        self._inspect(self.counters.step)

    def _check_patience(self) -> None:
        if self.counters.step > self.settings.steps + _PATIENCE * self.env.world.num_envs:
            raise PluginError(
                f"the budget was spent {_PATIENCE} steps ago and the algorithm is still not ready to save; "
                "its ready_to_save must become True after updates"
            )

    def _pause(self, stop: Callable[[], bool]) -> None:
        """Log, evaluate and save, each if it is due."""
        counters = self.counters
        if counters.step >= counters.next_log or self.finished:
            self._log()
        due = counters.step >= counters.next_evaluation or self.finished
        if due and counters.evaluated_at < counters.step and not stop():
            self._evaluate(stop)
        if self._unsaved and (stop() or self.finished or self._save_due()):
            self._save()

    def _log(self) -> None:
        means = self._averages.take()
        self.counters.next_log = _next_multiple(self.counters.step, self.settings.log_interval)
        if means:
            clock, step = self.clock, self.counters.step
            means["count/episodes"] = self.counters.episodes
            means["count/updates"] = self.counters.updates
            means |= {f"time/{part}_seconds": round(seconds, 3) for part, seconds in clock.seconds.items()}
            means |= {"time/wall_seconds": round(clock.wall, 3), "time/cpu_seconds": round(clock.cpu, 3)}
            means["time/steps_per_second"] = round(step / clock.training, 1)
            self._recorder.metrics(step, means)

    def _evaluate(self, stop: Callable[[], bool]) -> None:
        counters = self.counters
        seeds = self.seeds.evaluation(counters.evaluations, self.settings.eval_episodes)
        begin = time.perf_counter()
        with self.clock.part("evaluation"):
            episodes = self._evaluator.play(self.algorithm, seeds, stop)
        self._inspect(counters.step)
        if episodes is None:
            return
        seconds = time.perf_counter() - begin
        evaluation = Evaluation.of(episodes, self._score, counters.step, counters.evaluations, seconds)
        if self.best is None or evaluation.score >= self.best.score:
            policy = freeze(self.algorithm.policy_dict(), "policy")
            self.best = Best(counters.step, evaluation.score, policy)
        self._unsaved = True
        counters.evaluations += 1
        counters.evaluated_at = counters.step
        counters.next_evaluation = _next_multiple(counters.step, self.settings.eval_interval)
        self._recorder.evaluated(evaluation)

    def _save_due(self) -> bool:
        interval = self.settings.checkpoint_interval
        if interval is None:
            return time.monotonic() - self._saved_time >= CHECKPOINT_SECONDS
        return self.counters.step >= max(self.counters.saved_at, 0) + interval

    def _save(self) -> None:
        self.counters.saved_at = self.counters.step
        with self.clock.part("saving"):
            self._recorder.save(self.counters.step, self.snapshot())
        self._saved_time = time.monotonic()
        self._unsaved = False

    def snapshot(self) -> dict[str, Any]:
        """Everything an exact continuation needs. Only where the algorithm is `ready_to_save`."""
        return {
            "counters": asdict(self.counters),
            "clock": self.clock.state_dict(),
            "algorithm": self.algorithm.state_dict(),
            "environment": self.env.snapshot(),
            "carry": self._carry,
            "generators": {name: generator.get_state() for name, generator in self._generators.items()},
            "tracker": self._tracker.state_dict(),
            "averages": asdict(self._averages),
            "best": vars(self.best) if self.best else None,
        }

    def restore(self, content: Mapping[str, Any]) -> None:
        """Go on from a `snapshot` of an equal run."""
        self.counters = Counters(**content["counters"])
        self.clock.load_state_dict(content["clock"])
        self.algorithm.load_state_dict(content["algorithm"])
        self._view = self.env.restore(content["environment"])
        self._carry = content["carry"]
        for name, generator in self._generators.items():
            generator.set_state(content["generators"][name])
        self._tracker.load_state_dict(content["tracker"])
        self._averages = Averages(**content["averages"])
        self.best = Best(**content["best"]) if content["best"] else None
        self._unsaved = False


def _next_multiple(step: int, interval: int | None) -> int:
    """The first multiple of `interval` after `step`."""
    every = interval or 1
    return (step // every + 1) * every
