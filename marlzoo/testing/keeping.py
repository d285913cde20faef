"""Checks of what an algorithm gives up and takes back: safe files, exact continuation, portable policies."""

from __future__ import annotations

import io
from typing import Any

import torch

from marlzoo.algorithm import Mode
from marlzoo.errors import MarlzooError, PluginError
from marlzoo.run.codec import decode, encode
from marlzoo.testing.driver import Driver
from marlzoo.testing.failure import ContractFailure
from marlzoo.testing.playing import expect_same_run, learned, unclaimed
from marlzoo.testing.subject import Subject
from marlzoo.testing.worlds import MortalWorld

OTHER_COUNTS = (1, 7)
"""Numbers of agents in which a policy trained with 3 has to act."""


def safe_state(subject: Subject, world: str) -> None:
    """The state is made of tensors, numbers, strings, lists and dicts, so a checkpoint cannot run code."""
    algorithm = learned(subject, subject.driver(world)).algorithm
    _expect_loadable("state_dict", algorithm.state_dict())
    _expect_loadable("policy_dict", algorithm.policy_dict())


def _expect_loadable(name: str, state: Any) -> None:
    try:
        through_a_file(state)
    except PluginError as error:
        raise ContractFailure(f"{name}() to load with weights_only=True", str(error)) from error


def exact_resume(subject: Subject, world: str) -> None:
    """A run resumed from a file goes on as the run that was never stopped."""
    driver = learned(subject, subject.driver(world))
    resumed = _resumed(subject, driver, world)
    since = len(driver.actions), len(driver.metrics)
    learned(subject, driver)
    learned(subject, resumed)
    expect_same_run(driver, resumed, "a resumed run to equal the uninterrupted one", since)


def _resumed(subject: Subject, driver: Driver, world: str) -> Driver:
    """Another driver that goes on from a saved state, whatever its own initial weights are."""
    saved = {
        "algorithm": driver.algorithm.state_dict(),
        "generator": driver.algorithm.context.generator.get_state(),
        "carry": driver.carry,
    }
    loaded, resumed = through_a_file(saved), subject.driver(world, seed=9)
    resumed.algorithm.load_state_dict(loaded["algorithm"])
    resumed.algorithm.context.generator.set_state(loaded["generator"])
    resumed.view, resumed.carry = resumed.env.restore(driver.env.snapshot()), loaded["carry"]
    return resumed


def policy(subject: Subject, world: str) -> None:
    """What `policy_dict` returns is enough to act alike; `state_dict` serves as well."""
    trained = learned(subject, subject.driver(world))
    trained.restart(root=5)
    wanted = _greedy(trained)
    for name in ("policy_dict", "state_dict"):
        other = subject.driver(world, seed=9)
        other.restart(root=5)
        other.algorithm.load_policy(through_a_file(getattr(trained.algorithm, name)()))
        if not torch.equal(_greedy(other), wanted):
            raise ContractFailure(
                f"load_policy({name}()) to make a fresh algorithm act as the trained one",
                "its greedy actions differ",
            )


def _greedy(driver: Driver) -> torch.Tensor:
    with torch.no_grad():
        return driver.algorithm.act(driver.view, driver.carry, Mode.GREEDY).actions


def fixed_count(subject: Subject, world: str) -> str:
    """Why the number of agents does not concern a subject."""
    if not subject.spec.count_free:
        return "count_free is not claimed"
    return unclaimed(subject, world)


def agent_count(subject: Subject, world: str) -> None:
    """A policy trained with some agents acts with another number of them."""
    env = MortalWorld(subject.envs, agents=3)
    state = through_a_file(learned(subject, subject.driver_in(env)).algorithm.policy_dict())
    for agents in OTHER_COUNTS:
        driver = subject.driver_in(MortalWorld(2, agents=agents), seed=3)
        try:
            driver.algorithm.load_policy(state)
            driver.play(10)
        except (RuntimeError, ValueError, KeyError, IndexError, TypeError, MarlzooError) as error:
            reason = " ".join(str(error).split())
            raise ContractFailure(
                "a policy trained with 3 agents to act with any number, as count_free claims",
                f"with {agents}: {type(error).__name__}: {reason}",
            ) from error


def through_a_file(state: Any) -> Any:
    """Saved and loaded as a checkpoint is, which refuses anything but tensors and plain values.

    Raises:
        PluginError: it holds something else; the message names the place.
    """
    file = io.BytesIO()
    torch.save(encode(state), file)
    file.seek(0)
    return decode(torch.load(file, weights_only=True))
