"""Checks of how an algorithm plays: legal actions, sound metrics, and nothing that leaks."""

from __future__ import annotations

import contextlib
import io
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

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
        expected = "such a world to be accepted, and only actions that View.action_mask shows as legal"
        raise ContractFailure(expected, str(error)) from error
    played, found = driver.env.world, driver.actions[0]
    components = () if played.discrete else (played.action_dim,)
    shape = (played.num_envs, played.num_agents, *components)
    kind = torch.int64 if played.discrete else torch.float32
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


def greedy_play(subject: Subject, world: str) -> None:
    """Greedy play draws no random number and leaves no trace."""
    driver = learned(subject, subject.driver(world), 1)
    with _without_trace(driver.algorithm, "Mode.GREEDY"):
        driver.play(5, Mode.GREEDY)


def explanation(subject: Subject, world: str) -> None:
    """What is explained of a decision has the right shapes, and explaining leaves no trace either."""
    driver = learned(subject, subject.driver(world), 1)
    algorithm, view = driver.algorithm, driver.view
    with torch.no_grad(), _without_trace(algorithm, "explain"):
        told = algorithm.explain(view, algorithm.act(view, driver.carry, Mode.GREEDY))
    if told is None:
        return
    rows = tuple(view.alive.shape)
    for name, tensor, shape in (
        ("values", told.values, rows),
        ("attention", told.attention, (*rows, rows[1])),
    ):
        if tensor is not None and tuple(tensor.shape) != shape:
            found = list(tensor.shape)
            raise ContractFailure(f"Explanation.{name} of shape {list(shape)}", f"its shape is {found}")
    if told.attention is not None and float(told.attention.sum(-1).max()) > 1.001:
        raise ContractFailure("rows of attention that add up to 1 or less", "one adds up to more")


@contextlib.contextmanager
def _without_trace(algorithm: Algorithm, what: str) -> Iterator[None]:
    """Raises `ContractFailure` where the block changes the algorithm or draws from its generator."""
    generator = algorithm.context.generator
    drawn, state = generator.get_state(), frozen(algorithm)
    yield
    if not torch.equal(generator.get_state(), drawn):
        raise ContractFailure(f"{what} to draw no random number", "context.generator was drawn from")
    if frozen(algorithm) != state:
        raise ContractFailure(f"{what} to change nothing", "state_dict() differs afterwards")


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
