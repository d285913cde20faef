"""Stepping a batch of copies: one after the other in this process, or in workers that may crash or hang."""

from __future__ import annotations

import abc
import multiprocessing
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marlzoo.envs.pettingzoo_env.config import PettingZooConfig
from marlzoo.envs.pettingzoo_env.driver import Arrays, Driver, Episode, array_shapes
from marlzoo.envs.pettingzoo_env.layout import Layout
from marlzoo.envs.pettingzoo_env.loading import Recipe
from marlzoo.envs.pettingzoo_env.worker import Assignment, map_arrays, serve, share_memory
from marlzoo.errors import MarlzooError, RunError

START_SECONDS = 120.0
"""What a worker may take to start: imports, building its copies."""


class Stepper(abc.ABC):
    """E copies that read from and write to `arrays`. What they return are the copies whose failing worker
    took their episodes along: their rows mean nothing until they begin again."""

    arrays: Arrays

    @abc.abstractmethod
    def begin(self, episodes: Mapping[int, Episode]) -> list[int]:
        """Start or take up the given episodes."""

    @abc.abstractmethod
    def step(self) -> list[int]:
        """Advance every copy."""

    def counters(self) -> dict[str, float]:
        return {}

    @abc.abstractmethod
    def close(self) -> None:
        """Close the copies."""


class SerialStepper(Stepper):
    """All copies in this process. A failing environment ends the run."""

    def __init__(self, recipe: Recipe, layout: Layout, num_envs: int, horizon: int | None) -> None:
        self._task = recipe.task
        self.arrays = Arrays(
            **{name: np.zeros(*spec) for name, spec in array_shapes(layout, num_envs).items()}
        )
        self._drivers = [
            Driver(recipe.build(), layout, self.arrays, index, horizon) for index in range(num_envs)
        ]

    def begin(self, episodes: Mapping[int, Episode]) -> list[int]:
        for index, episode in episodes.items():
            self._guarded(index, episode)
        return []

    def step(self) -> list[int]:
        for index in range(len(self._drivers)):
            self._guarded(index, None)
        return []

    def _guarded(self, index: int, episode: Episode | None) -> None:
        driver = self._drivers[index]
        try:
            driver.step() if episode is None else driver.begin(episode)
        except MarlzooError:
            raise
        except Exception as error:
            raise RunError(
                f"pettingzoo:{self._task}: environment {index} failed with {type(error).__name__}: {error}; "
                "with --env-arg workers=1 a failing environment is restarted instead"
            ) from error

    def close(self) -> None:
        for driver in self._drivers:
            driver.close()


@dataclass
class _Worker:
    """A worker process, and how often it failed since one of its copies last finished an episode."""

    process: Any
    connection: Any
    indices: tuple[int, ...]
    streak: int = 0


class WorkerPool(Stepper):
    """Copies spread over processes. A worker that crashes or hangs is replaced and its episodes are lost."""

    def __init__(self, recipe: Recipe, layout: Layout, num_envs: int, config: PettingZooConfig) -> None:
        self._context = multiprocessing.get_context("spawn")
        self._recipe, self._layout, self._num_envs, self._config = recipe, layout, num_envs, config
        self._memory = share_memory(self._context, layout, num_envs)
        self.arrays = map_arrays(layout, num_envs, self._memory)
        self._restarts = self._lost_episodes = 0
        shares = np.array_split(np.arange(num_envs), min(config.workers, num_envs))
        self._workers = [self._launch(tuple(share.tolist())) for share in shares]
        for worker in self._workers:
            self._await_start(worker)

    def begin(self, episodes: Mapping[int, Episode]) -> list[int]:
        orders = {
            number: {index: episodes[index] for index in worker.indices if index in episodes}
            for number, worker in enumerate(self._workers)
        }
        failed = self._order({number: order for number, order in orders.items() if order}, "begin")
        return self._copies(failed)

    def step(self) -> list[int]:
        failed = self._order(dict.fromkeys(range(len(self._workers))), "step")
        for number, worker in enumerate(self._workers):
            rows = list(worker.indices)
            if number not in failed and (self.arrays.terminated[rows] | self.arrays.truncated[rows]).any():
                worker.streak = 0
        lost = self._copies(failed)
        self._lost_episodes += len(lost)
        return lost

    def _copies(self, workers: Sequence[int]) -> list[int]:
        return [index for number in workers for index in self._workers[number].indices]

    def counters(self) -> dict[str, float]:
        return {"worker_restarts": float(self._restarts), "episodes_cut_short": float(self._lost_episodes)}

    def _order(self, orders: Mapping[int, Any], verb: str) -> list[int]:
        """Send `verb` to the workers in `orders`, wait for all, replace those that fail and return them."""
        faults: dict[int, str] = {}
        for number, payload in orders.items():
            if not _send(self._workers[number], verb, payload):
                faults[number] = "its process ended"
        sent = time.monotonic()
        for number, payload in orders.items():
            if number not in faults:
                patience = self._config.timeout * (1 + _steps_to_replay(payload))
                fault = self._wait(self._workers[number], sent + patience)
                if fault is not None:
                    faults[number] = fault
        for number, fault in faults.items():
            self._replace(number, fault)
        return list(faults)

    def _wait(self, worker: _Worker, deadline: float) -> str | None:
        """The worker's answer: None, or what went wrong."""
        try:
            if not worker.connection.poll(max(0.0, deadline - time.monotonic())):
                return "it did not answer in time"
            answer: str | None = worker.connection.recv()
            return answer
        except (EOFError, OSError):
            worker.process.join(timeout=5)
            return f"its process ended with exit code {worker.process.exitcode}"

    def _replace(self, number: int, fault: str) -> None:
        """Put a fresh process in the place of a failed one.

        Raises:
            RunError: it has failed more than `max_restarts` times without finishing an episode in between.
        """
        failed = self._workers[number]
        culprit = next((index for index in failed.indices if self.arrays.busy[index]), failed.indices[0])
        self._end(failed)
        streak = failed.streak + 1
        if streak > self._config.max_restarts:
            raise RunError(
                f"pettingzoo:{self._recipe.task}: environment {culprit} (worker {number}) failed {streak} "
                f"times without finishing an episode, last: {fault}; check it with marlzoo check-env"
            )
        self.arrays.busy[list(failed.indices)] = 0
        self._restarts += 1
        self._workers[number] = self._launch(failed.indices)
        self._workers[number].streak = streak
        self._await_start(self._workers[number])

    def _launch(self, indices: tuple[int, ...]) -> _Worker:
        ours, theirs = self._context.Pipe()
        horizon = self._config.horizon
        assignment = Assignment(self._recipe, self._layout, self._num_envs, indices, horizon, self._memory)
        process = self._context.Process(target=serve, args=(theirs, assignment), daemon=True)
        process.start()
        theirs.close()
        return _Worker(process, ours, indices)

    def _await_start(self, worker: _Worker) -> None:
        fault = self._wait(worker, time.monotonic() + START_SECONDS)
        if fault is not None:
            self._end(worker)
            raise RunError(f"pettingzoo:{self._recipe.task}: a worker does not start: {fault}")

    def _end(self, worker: _Worker) -> None:
        worker.connection.close()
        worker.process.kill()
        worker.process.join()

    def close(self) -> None:
        for worker in self._workers:
            if worker.process.is_alive():
                _dismiss(worker, seconds=5.0)
                self._end(worker)


def _dismiss(worker: _Worker, seconds: float) -> None:
    """Ask a worker to close its copies and wait a little."""
    if _send(worker, "close", None):
        worker.process.join(timeout=seconds)


def _steps_to_replay(episodes: Mapping[int, Episode] | None) -> int:
    return sum(len(episode.actions) for episode in (episodes or {}).values())


def _send(worker: _Worker, verb: str, payload: Any) -> bool:
    """Whether the order could be delivered."""
    try:
        worker.connection.send((verb, payload))
    except OSError:
        return False
    return True


def make_stepper(recipe: Recipe, layout: Layout, num_envs: int, config: PettingZooConfig) -> Stepper:
    """Worker processes if `config.workers` asks for them, otherwise this process."""
    if config.workers:
        return WorkerPool(recipe, layout, num_envs, config)
    return SerialStepper(recipe, layout, num_envs, config.horizon)


def rows_of(arrays: Arrays) -> dict[str, NDArray[Any]]:
    """The arrays that make up a view, by the names of `marlzoo.envs.outputs.ViewArrays`."""
    return {"obs": arrays.obs, "state": arrays.state, "action_mask": arrays.mask, "alive": arrays.alive}
