"""What an environment lacks to be used here: the findings behind `marlzoo check-env`.

`check_batched` holds any batched environment against the contract of `marlzoo.envs.contract`;
`check_pettingzoo` first looks at a PettingZoo environment itself, where most mistakes are made.
"""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from marlzoo.algorithm import View, World
from marlzoo.envs.contract import BatchedEnv
from marlzoo.errors import MarlzooError

MakeEnv = Callable[[int], BatchedEnv]
"""Builds a batch of so many copies."""

Level = Literal["ok", "note", "problem"]


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. A `problem` has to be mended, a `note` is worth knowing."""

    level: Level
    what: str
    remedy: str = ""

    def __str__(self) -> str:
        return f"{self.level}: {self.what}" + (f"; {self.remedy}" if self.remedy else "")


def check_pettingzoo(task: str, kwargs: Mapping[str, Any], make: MakeEnv, steps: int = 200) -> list[Finding]:
    """Look at the PettingZoo environment `task` (`module` or `module:factory`), then at its batch."""
    from marlzoo.envs.pettingzoo_env.layout import Layout, inspect_layout
    from marlzoo.envs.pettingzoo_env.loading import Recipe

    recipe = Recipe(task, kwargs)
    try:
        env = recipe.build()
        layout: Layout = inspect_layout(env)
    except Exception as error:
        return [Finding("problem", f"{task} cannot be used: {_named(error)}")]
    findings = [
        Finding(
            "ok", f"{len(layout.agents)} agents act {'discretely' if layout.discrete else 'continuously'}"
        ),
        *_padding(layout.agents),
        _state(layout.state_dim),
        _masks(layout.mask_place),
        _api(recipe.build),
    ]
    env.close()
    return findings + check_batched(make, steps)


def _padding(agents: Sequence[Any]) -> Iterator[Finding]:
    for what, sizes in (
        ("observations", {agent.obs_dim for agent in agents}),
        ("actions", {agent.action_dim for agent in agents}),
    ):
        if len(sizes) > 1:
            yield Finding("note", f"the agents' {what} differ in size and are padded: {sorted(sizes)}")


def _state(size: int) -> Finding:
    if size:
        return Finding("ok", f"state() gives {size} numbers")
    return Finding(
        "note",
        "there is no state(), so a central critic has the observations alone",
        "add state() if more is known centrally",
    )


def _masks(place: str) -> Finding:
    if place == "none":
        return Finding(
            "note", "no action masks: every action counts as legal", "add 'action_mask' to the info"
        )
    return Finding("ok", f"action masks come in the {place}")


def _api(build: Callable[[], Any]) -> Finding:
    """PettingZoo's own test of the interface, with what it prints held back."""
    from pettingzoo.test import parallel_api_test

    try:
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            parallel_api_test(build(), num_cycles=50)
    except Exception as error:
        return Finding("problem", f"PettingZoo's own test fails: {_named(error)}", "mend that first")
    return Finding("ok", "PettingZoo's own test passes")


def check_batched(make: MakeEnv, steps: int = 200) -> list[Finding]:
    """Hold a family's batched environment against the contract, by playing random legal actions."""
    findings: list[Finding] = []
    try:
        findings.extend(_check_contract(make, steps))
    except MarlzooError as error:
        findings.append(Finding("problem", str(error)))
    except Exception as error:
        findings.append(Finding("problem", f"stepping fails with {_named(error)}", "run it under --debug"))
    return findings


def _check_contract(make: MakeEnv, steps: int) -> Iterator[Finding]:
    pair, alone = make(2), make(1)
    try:
        seeds = np.random.SeedSequence(0).spawn(2)
        yield from _shapes(pair.world, pair.reset(seeds))
        trace = _Trace(pair, seeds)
        trace.play(steps)
        yield from _numbers(trace)
        yield _ends(trace)
        yield _stands_alone(trace, _Trace(alone, seeds[:1]))
        yield _resumes(trace, steps)
    finally:
        pair.close()
        alone.close()


def _shapes(world: World, view: View) -> Iterator[Finding]:
    envs, agents = world.num_envs, world.num_agents
    wanted: dict[str, tuple[int, ...] | None] = {
        "obs": (envs, agents, world.obs_dim),
        "alive": (envs, agents),
        "first": (envs,),
        "state": _state_shape(world),
        "action_mask": (envs, agents, world.action_dim) if world.has_action_mask else None,
    }
    for name, shape in wanted.items():
        tensor = getattr(view, name)
        found = None if tensor is None else tuple(tensor.shape)
        if found != shape:
            yield Finding("problem", f"View.{name} has shape {found}, expected {shape}")
    if not view.first.all():
        yield Finding("problem", "View.first is not set after a reset")


def _state_shape(world: World) -> tuple[int, ...] | None:
    if not world.state_dim:
        return None
    per_agent = (world.num_agents,) if world.state_per_agent else ()
    return (world.num_envs, *per_agent, world.state_dim)


class _Trace:
    """Random legal play of a batch and everything that came of it, environment by environment."""

    def __init__(self, env: BatchedEnv, seeds: Sequence[np.random.SeedSequence]) -> None:
        self.env = env
        self.rows: list[dict[str, NDArray[Any]]] = []
        self._choosers = [np.random.default_rng(index) for index in range(len(seeds))]
        self._view = env.reset(seeds)

    def play(self, steps: int) -> None:
        for _ in range(steps):
            result = self.env.step(random_actions(self.env.world, self._view, self._choosers))
            row = {"reward": result.reward, "terminated": result.terminated, "truncated": result.truncated}
            row |= {"obs": result.view.obs, "alive": result.view.alive}
            copied = {name: tensor.numpy().copy() for name, tensor in row.items()}
            self._view = self.env.reset_done()
            copied["next"] = self._view.obs.numpy().copy()
            self.rows.append(copied)

    def replay(self, snapshot: Mapping[str, Any], choosers: Sequence[Any], steps: int) -> None:
        """Go back to a snapshot, the action choosers too, and play on from there."""
        self._view = self.env.restore(snapshot)
        for chooser, state in zip(self._choosers, choosers, strict=True):
            chooser.bit_generator.state = state
        self.rows = []
        self.play(steps)

    def chooser_states(self) -> list[dict[str, Any]]:
        return [dict(chooser.bit_generator.state) for chooser in self._choosers]


def random_actions(world: World, view: View, choosers: Sequence[np.random.Generator]) -> Tensor:
    """A legal joint action; environment i draws from `choosers[i]`."""
    if not world.discrete:
        size = (world.num_agents, world.action_dim)
        drawn = [chooser.uniform(world.action_low, world.action_high, size) for chooser in choosers]
        return torch.from_numpy(np.stack(drawn).astype(np.float32))
    mask = np.ones((world.num_envs, world.num_agents, world.action_dim), np.bool_)
    if view.action_mask is not None:
        mask = view.action_mask.numpy()
    picks = [
        [chooser.choice(np.flatnonzero(row)) for row in mask[index]] for index, chooser in enumerate(choosers)
    ]
    return torch.tensor(picks, dtype=torch.int64)


def _numbers(trace: _Trace) -> Iterator[Finding]:
    for name in ("obs", "reward"):
        if not all(np.isfinite(row[name]).all() for row in trace.rows):
            yield Finding("problem", f"{name} is not always finite", "bound what the environment returns")
    largest = max(float(np.abs(row["obs"]).max()) for row in trace.rows)
    if largest > 100:
        yield Finding("note", f"observations reach {largest:.3g}", "scaling them to about 1 helps learning")


def _ends(trace: _Trace) -> Finding:
    ends = sum(int((row["terminated"] | row["truncated"]).sum()) for row in trace.rows)
    if ends:
        return Finding("ok", f"{ends} episodes ended in {len(trace.rows)} steps of two copies")
    return Finding(
        "note",
        f"no episode ended in {len(trace.rows)} steps",
        "make sure that episodes end; PettingZoo environments take --env-arg horizon=N",
    )


def _resumes(trace: _Trace, steps: int) -> Finding:
    snapshot, choosers = trace.env.snapshot(), trace.chooser_states()
    later = min(steps, 50)
    trace.rows = []
    trace.play(later)
    first = trace.rows
    trace.replay(snapshot, choosers, later)
    if _same(first, trace.rows):
        return Finding("ok", "a restored snapshot goes on exactly")
    return Finding(
        "problem",
        "a restored snapshot goes on differently, so runs cannot be resumed exactly",
        "draw all randomness from the seed that reset() is given",
    )


def _stands_alone(pair: _Trace, alone: _Trace) -> Finding:
    """Environment 0 must live the same life alone as beside another."""
    alone.play(len(pair.rows))
    single = [{name: values[:1] for name, values in row.items()} for row in pair.rows]
    if _same(single, alone.rows):
        return Finding("ok", "a copy does not depend on how many others there are")
    return Finding(
        "problem",
        "a copy's episodes depend on the other copies",
        "share no random generator and no global state between copies",
    )


def _same(left: Sequence[Mapping[str, Any]], right: Sequence[Mapping[str, Any]]) -> bool:
    return len(left) == len(right) and all(
        np.array_equal(one[name], other[name]) for one, other in zip(left, right, strict=True) for name in one
    )


def _named(error: Exception) -> str:
    return str(error) if isinstance(error, MarlzooError) else f"{type(error).__name__}: {error}"
