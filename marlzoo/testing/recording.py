"""Random legal play of an environment and everything that came of it, for comparing one life with another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from marlzoo.algorithm import View, World
from marlzoo.envs.contract import BatchedEnv, StepResult
from marlzoo.testing.driver import seeds
from marlzoo.testing.failure import ContractFailure

Row = dict[str, NDArray[Any]]


class Recording:
    """A batch that is played with random legal actions, environment i by a generator of its own.

    Attributes:
        rows: for every step what it brought, arrays with E first: `step.*` of the successor and its reward
            and flags, `next.*` of the view after the resets.
        view: the view to act on next.
    """

    def __init__(self, env: BatchedEnv, root: int = 0) -> None:
        self.env = env
        self.rows: list[Row] = []
        self._choosers = [np.random.default_rng(index) for index in range(env.world.num_envs)]
        self.view = env.reset(seeds(env.world.num_envs, root))

    def play(self, steps: int) -> Recording:
        """Go on for some steps."""
        for _ in range(steps):
            step = self.env.step(self.choose())
            row = {**copied(step.view, "step."), **_outcome(step)}
            self.view = self.env.reset_done()
            self.rows.append({**row, **copied(self.view, "next.")})
        return self

    def choose(self) -> Tensor:
        """A random legal joint action for the present view."""
        return random_actions(self.env.world, self.view, self._choosers)

    def branch(self, env: BatchedEnv, snapshot: Mapping[str, Any]) -> Recording:
        """A recording that goes on from here in `env`, which is given the snapshot."""
        other = Recording(env)
        other.view = env.restore(snapshot)
        for chooser, own in zip(other._choosers, self._choosers, strict=True):
            chooser.bit_generator.state = own.bit_generator.state
        return other

    def ended(self) -> NDArray[np.bool_]:
        """`[steps, E]`: where an episode ended."""
        return np.stack([row["step.terminated"] | row["step.truncated"] for row in self.rows])

    def column(self, name: str) -> NDArray[Any]:
        """One of the arrays of all rows, `[steps, E, ...]`."""
        return np.stack([row[name] for row in self.rows])


def copied(view: View, prefix: str = "") -> Row:
    """The tensors of a view as arrays of their own."""
    return {prefix + name: value.numpy().copy() for name, value in vars(view).items() if value is not None}


def _outcome(step: StepResult) -> Row:
    row = {"reward": step.reward, "terminated": step.terminated, "truncated": step.truncated}
    return {f"step.{name}": value.numpy().copy() for name, value in row.items()}


def random_actions(world: World, view: View, choosers: Sequence[np.random.Generator]) -> Tensor:
    """A legal joint action, `[E, N]` or `[E, N, A]`; environment i draws from `choosers[i]`.

    Raises:
        ContractFailure: an agent has no legal action.
    """
    if not world.discrete:
        size = (world.num_agents, world.action_dim)
        drawn = [chooser.uniform(world.action_low, world.action_high, size) for chooser in choosers]
        return torch.from_numpy(np.stack(drawn).astype(np.float32))
    mask = np.ones((world.num_envs, world.num_agents, world.action_dim), np.bool_)
    if view.action_mask is not None:
        mask = view.action_mask.numpy()
    without = (~mask.any(-1)).nonzero()[1]
    if len(without):
        raise ContractFailure(
            "a legal action for every agent in every view, a no-op for the dead",
            f"agent {int(without[0])} has none at times",
        )
    picks = [
        [chooser.choice(np.flatnonzero(row)) for row in mask[index]] for index, chooser in enumerate(choosers)
    ]
    return torch.tensor(picks, dtype=torch.int64)


def first_difference(one: Sequence[Row], other: Sequence[Row]) -> str:
    """Where two recordings differ first, in words; empty where they do not."""
    for step, (left, right) in enumerate(zip(one, other, strict=True)):
        for name, values in left.items():
            if not np.array_equal(values, right[name], equal_nan=values.dtype.kind == "f"):
                return f"{name.rpartition('.')[2]} of step {step}"
    return ""
