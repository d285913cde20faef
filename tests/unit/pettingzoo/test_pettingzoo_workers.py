"""Worker processes: the same numbers as in one process, and what happens when they crash or hang."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch

from marlzoo.envs.pettingzoo_env.batched import PettingZooEnv, make
from marlzoo.envs.pettingzoo_env.config import PettingZooConfig
from marlzoo.errors import RunError


@contextmanager
def started(task: str, count: int, **arguments: object) -> Iterator[PettingZooEnv]:
    env = make(task, PettingZooConfig(**arguments), count)  # type: ignore[arg-type]
    with closing(env):
        env.reset(np.random.SeedSequence(1).spawn(count))
        yield env


def still(count: int) -> torch.Tensor:
    return torch.zeros(count, 2, dtype=torch.int64)


def play(env: PettingZooEnv, steps: int) -> list[torch.Tensor]:
    rows = []
    for _ in range(steps):
        result = env.step(still(env.world.num_envs))
        rows += [result.view.obs.clone(), result.reward.clone(), result.terminated.clone()]
        view = env.reset_done()
        rows += [view.obs.clone(), view.first.clone(), view.alive.clone()]
    return rows


def test_workers_and_one_process_give_the_same_numbers() -> None:
    with started("toy_worlds:Corridor", 3) as serial, started("toy_worlds:Corridor", 3, workers=2) as pool:
        for one, other in zip(play(serial, 9), play(pool, 9), strict=True):
            assert torch.equal(one, other)
        snapshot = pool.snapshot()
        expected = play(serial, 5)
        pool.restore(snapshot)
        for one, other in zip(expected, play(pool, 5), strict=True):
            assert torch.equal(one, other)
        assert pool.diagnostics() == {"worker_restarts": 0.0, "episodes_cut_short": 0.0}


def test_workers_leave_an_interrupt_to_the_training_process() -> None:
    with started("toy_worlds:Corridor", 1, workers=1) as env:
        (worker,) = multiprocessing.active_children()
        assert worker.pid is not None
        os.kill(worker.pid, signal.SIGINT)
        play(env, 2)
        assert env.diagnostics()["worker_restarts"] == 0.0


@pytest.mark.parametrize("fault", ["raise", "exit", "hang"])
def test_a_failing_worker_is_replaced_and_its_episode_truncated(fault: str, tmp_path: Path) -> None:
    kwargs = {"fault": fault, "until": str(tmp_path / "once")}
    # Long enough for a step on a busy machine, unless the worker is meant to hang.
    timeout = 3.0 if fault == "hang" else 60.0
    with started("toy_worlds:Faulty", 2, workers=1, timeout=timeout, kwargs=kwargs) as env:
        before = env.step(still(2)).view.obs.clone()
        broken = env.step(still(2))
        assert broken.truncated.tolist() == [True, True]
        assert not broken.terminated.any()
        assert not broken.reward.any()
        assert torch.equal(broken.view.obs, before), "the last view that is known stands"
        assert env.reset_done().first.all()
        assert env.diagnostics() == {"worker_restarts": 1.0, "episodes_cut_short": 2.0}
        play(env, 5)
        assert env.diagnostics()["worker_restarts"] == 1.0


def test_only_the_failing_workers_episodes_are_cut() -> None:
    push = torch.tensor([[0, 0], [1, 0]])
    with started("toy_worlds:Corridor", 2) as calm, started("toy_worlds:Touchy", 2, workers=2) as env:
        for each in (calm, env):
            each.step(still(2))
            each.reset_done()
        expected, broken = calm.step(push), env.step(push)
        assert expected.truncated.tolist() == [False, False]
        assert broken.truncated.tolist() == [False, True]
        assert torch.equal(broken.view.obs[0], expected.view.obs[0])
        assert torch.equal(broken.reward[0], expected.reward[0])
        assert env.reset_done().first.tolist() == [False, True]
        assert env.diagnostics() == {"worker_restarts": 1.0, "episodes_cut_short": 1.0}
        calm.reset_done()
        assert torch.equal(env.step(still(2)).view.obs[0], calm.step(still(2)).view.obs[0])


def test_an_environment_that_keeps_failing_ends_the_run_by_name() -> None:
    arguments = {"workers": 1, "max_restarts": 1, "kwargs": {"fault": "raise"}}
    with started("toy_worlds:Faulty", 1, **arguments) as env, pytest.raises(RunError) as caught:
        play(env, 10)
    message = str(caught.value)
    assert "environment 0 (worker 0) failed 2 times" in message
    assert "ValueError: the cart fell over" in message


def test_a_crash_in_a_reset_costs_the_other_copies_nothing(tmp_path: Path) -> None:
    """The copies of that worker that were under way are played again to where they were."""
    kwargs = {"until": str(tmp_path / "once")}
    with started("toy_worlds:FaultyReset", 2, workers=1, kwargs=kwargs) as env:
        shaken = play(env, 16)
        assert env.diagnostics() == {"worker_restarts": 1.0, "episodes_cut_short": 0.0}
    with started("toy_worlds:FaultyReset", 2, kwargs=kwargs) as env:
        calm = play(env, 16)
    unharmed = [all(torch.equal(a[i], b[i]) for a, b in zip(shaken, calm, strict=True)) for i in range(2)]
    assert sorted(unharmed) == [False, True], "the failing reset was repeated with another seed"


def test_a_worker_that_cannot_start_says_why(tmp_path: Path) -> None:
    from marlzoo.envs.pettingzoo_env.layout import inspect_layout
    from marlzoo.envs.pettingzoo_env.loading import Recipe
    from marlzoo.envs.pettingzoo_env.stepping import WorkerPool

    layout = inspect_layout(Recipe("toy_worlds:Corridor").build())
    with pytest.raises(RunError, match="a worker does not start: UsageError"):
        WorkerPool(Recipe("toy_worlds:Nowhere"), layout, 1, PettingZooConfig(workers=1))
