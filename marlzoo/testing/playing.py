"""Checks of how an algorithm plays: legal actions, sound metrics, and nothing that leaks."""

from __future__ import annotations

import io
import math
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from marlzoo.algorithm import Algorithm, Mode, View
from marlzoo.errors import UsageError
from marlzoo.testing.driver import Driver
from marlzoo.testing.failure import ContractFailure
from marlzoo.testing.subject import WORLDS, Subject

JUNK = -7.0
"""What lent tensors are overwritten with once they are no longer the algorithm's to read."""


def unclaimed(subject: Subject, world: str) -> str:
    """Why a world does not concern a subject: it does not claim the world's kind of action."""
    discrete = WORLDS[world](1).world.discrete
    claimed = subject.spec.discrete if discrete else subject.spec.continuous
    return "" if claimed else f"{'discrete' if discrete else 'continuous'} actions are not claimed"


def learned(subject: Subject, driver: Driver, updates: int | None = None) -> Driver:
    """The driver after some updates.

    Raises:
        ContractFailure: they did not come about, or the algorithm was never ready to be saved.
    """
    wanted = len(driver.metrics) + (updates or subject.updates)
    driver.learn(updates or subject.updates)
    if len(driver.metrics) < wanted or not driver.algorithm.ready_to_save:
        raise ContractFailure(
            f"{wanted} updates within {len(driver.actions)} steps, with ready_to_save True after the last; "
            "a table ['tiny'] in the presets may ask for smaller batches",
            f"{len(driver.metrics)} updates, and ready_to_save is {driver.algorithm.ready_to_save}",
        )
    return driver


def legal_actions(subject: Subject, world: str) -> None:
    """Actions have the right shape and type and are legal, greedy ones before any learning too."""
    driver = subject.driver(world)
    try:
        driver.play(10, Mode.GREEDY)
        learned(subject, driver)
    except UsageError as error:
        raise ContractFailure("only actions that View.action_mask shows as legal", str(error)) from error
    shown = driver.env.world
    shape = (driver.env.world.num_envs, shown.num_agents, *(() if shown.discrete else (shown.action_dim,)))
    kind = torch.int64 if shown.discrete else torch.float32
    found = driver.actions[0]
    if tuple(found.shape) != shape or found.dtype != kind:
        raise ContractFailure(
            f"actions of shape {list(shape)} and type {kind}",
            f"shape {list(found.shape)} and type {found.dtype}",
        )


def sound_metrics(subject: Subject, world: str) -> None:
    """An update reports finite floats by name."""
    for metrics in learned(subject, subject.driver(world)).metrics:
        for name, value in metrics.items():
            if not isinstance(value, float) or not math.isfinite(value):
                kind = type(value).__name__
                raise ContractFailure("metrics that are finite floats", f"{name!r} is {value!r}, a {kind}")


def one_agent(subject: Subject, world: str) -> None:
    """A team of one is a team."""
    legal_actions(subject, world)
    sound_metrics(subject, world)


def same_seed(subject: Subject, world: str) -> None:
    """The same seed gives the same run."""
    one, other = (learned(subject, subject.driver(world)) for _ in range(2))
    expect_same_run(one, other, "two runs with the same seed to be equal")


def expect_same_run(one: Driver, other: Driver, expected: str, since: tuple[int, int] = (0, 0)) -> None:
    """Compare actions and metrics; those of `one` from action and metrics number `since` on.

    Raises:
        ContractFailure: they differ.
    """
    actions, metrics = one.actions[since[0] :], one.metrics[since[1] :]
    for step, (left, right) in enumerate(zip(actions, other.actions, strict=False)):
        if not torch.equal(left, right):
            raise ContractFailure(expected, f"the actions of step {step} differ")
    for update, (first, second) in enumerate(zip(metrics, other.metrics, strict=False)):
        if first != second:
            names = sorted(name for name in first if first[name] != second.get(name))
            raise ContractFailure(expected, f"update {update} reports other values of {', '.join(names)}")
    if (len(actions), len(metrics)) != (len(other.actions), len(other.metrics)):
        raise ContractFailure(
            expected, f"one took {len(actions)} steps to its updates, the other {len(other.actions)}"
        )


def global_state(subject: Subject, world: str) -> None:
    """Neither the state of a global generator nor a global setting is changed, nor does either matter."""
    before = _generators()
    try:
        one, other = (_watched(subject, world, seed) for seed in (1, 2))
    finally:
        _restore_generators(before)
    expect_same_run(one, other, "a run not to depend on the global generators of torch, numpy and random")


def _watched(subject: Subject, world: str, seed: int) -> Driver:
    """A driver after learning and play, with global generators that were seeded and not touched since."""
    _seed_generators(seed)
    seeded, settings = _named_generators(), _settings()
    driver = learned(subject, subject.driver(world))
    driver.play(3)
    for name, state in _named_generators().items():
        if state != seeded[name]:
            raise ContractFailure(
                "all random numbers to come from context.generator (weights: context.initial)",
                f"the global generator of {name} was used",
            )
    for name, value in _settings().items():
        if value != settings[name]:
            raise ContractFailure("global settings to stay as they are", f"{name} became {value}")
    return driver


def greedy_play(subject: Subject, world: str) -> None:
    """Greedy play draws no random number and leaves no trace."""
    driver = learned(subject, subject.driver(world), 1)
    algorithm, generator = driver.algorithm, driver.algorithm.context.generator
    drawn, state = generator.get_state(), frozen(algorithm)
    driver.play(5, Mode.GREEDY)
    if not torch.equal(generator.get_state(), drawn):
        raise ContractFailure("Mode.GREEDY to draw no random number", "context.generator was drawn from")
    if frozen(algorithm) != state:
        raise ContractFailure("Mode.GREEDY to change nothing", "state_dict() differs after greedy play")


def batch_independence(subject: Subject, world: str) -> None:
    """What is chosen in one environment does not depend on the others beside it."""
    driver = learned(subject, subject.driver(world))
    driver.restart(root=5)
    algorithm = driver.algorithm
    with torch.no_grad():
        whole = algorithm.act(driver.view, driver.carry, Mode.GREEDY).actions
        rows = [
            algorithm.act(_only(driver.view, env), algorithm.initial_carry(1), Mode.GREEDY).actions
            for env in range(subject.envs)
        ]
    alone = torch.cat(rows)
    # Matrix products of other shapes round differently; actions must not change, means hardly.
    if not torch.allclose(alone.double(), whole.double(), atol=1e-5, rtol=1e-5):
        env = int((alone != whole).flatten(1).any(1).nonzero()[0])
        raise ContractFailure(
            "the same greedy actions for an environment alone and beside others",
            f"in environment {env} {whole[env].tolist()} became {alone[env].tolist()}",
        )


def own_copies(subject: Subject, world: str) -> None:
    """What is lent to an algorithm is neither changed nor read later: the environment overwrites it."""
    plain = learned(subject, subject.driver(world))
    env = WORLDS[world](subject.envs)
    spoiling = learned(subject, _Spoiling(subject.fresh(env), env))
    expect_same_run(plain, spoiling, "tensors of a View or Transition to be copied where they are kept")


@dataclass
class _Spoiling(Driver):
    """Lends clones, looks whether they are changed, and overwrites them one turn later."""

    lent: list[View] = field(default_factory=list)
    as_lent: list[View] = field(default_factory=list)

    def lend(self, view: View) -> View:
        self.lent.append(_mapped(view, torch.clone))
        self.as_lent.append(_mapped(view, torch.clone))
        return self.lent[-1]

    def step(self) -> None:
        old, self.lent, self.as_lent = self.lent, [], []
        super().step()
        for lent, original in zip(self.lent, self.as_lent, strict=True):
            for name, value in _tensors(original).items():
                if not torch.equal(getattr(lent, name), value):
                    raise ContractFailure("a View to be left as it is", f"View.{name} was changed")
        for view in old:
            _mapped(view, _spoil)


def _spoil(tensor: Tensor) -> Tensor:
    return tensor.logical_not_() if tensor.dtype is torch.bool else tensor.fill_(JUNK)


def _mapped(view: View, function: Callable[[Tensor], Tensor]) -> View:
    return View(**{name: function(value) for name, value in _tensors(view).items()})


def _tensors(view: View) -> dict[str, Tensor]:
    return {name: value for name, value in vars(view).items() if value is not None}


def _only(view: View, env: int) -> View:
    """The view of one environment."""
    return _mapped(view, lambda value: value[env : env + 1])


def frozen(algorithm: Algorithm) -> bytes:
    """Its state as bytes, to see whether it changed."""
    file = io.BytesIO()
    torch.save(algorithm.state_dict(), file)
    return file.getvalue()


def _settings() -> dict[str, Any]:
    """Global settings of torch and numpy with which results change."""
    return {
        "torch's default type": torch.get_default_dtype(),
        "torch's number of threads": torch.get_num_threads(),
        "torch's gradient mode": torch.is_grad_enabled(),
        "torch's deterministic mode": torch.are_deterministic_algorithms_enabled(),
        "numpy's handling of floating-point errors": tuple(np.geterr().items()),
    }


Generators = tuple[Tensor, Any, Any]


def _generators() -> Generators:
    legacy = np.random.get_state(legacy=False)  # noqa: NPY002 - the legacy generator is what is watched
    return torch.get_rng_state(), legacy, random.getstate()


def _named_generators() -> dict[str, str]:
    return dict(zip(("torch", "numpy", "random"), _as_texts(_generators()), strict=True))


def _as_texts(states: Generators) -> tuple[str, str, str]:
    return states[0].numpy().tobytes().hex(), repr(states[1]), repr(states[2])


def _seed_generators(seed: int) -> None:
    torch.default_generator.manual_seed(seed)
    np.random.seed(seed)  # noqa: NPY002
    random.seed(seed)


def _restore_generators(states: Generators) -> None:
    torch.set_rng_state(states[0])
    np.random.set_state(states[1])  # noqa: NPY002
    random.setstate(states[2])
