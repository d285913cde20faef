"""The whole contract of environments: checks on any batched environment, by playing random legal actions."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from marlzoo.algorithm import View, World
from marlzoo.envs.contract import BatchedEnv
from marlzoo.errors import MarlzooError, UsageError
from marlzoo.run.codec import decode, encode
from marlzoo.testing.checks import Case, Check, cases
from marlzoo.testing.driver import seeds
from marlzoo.testing.failure import ContractFailure
from marlzoo.testing.habitat import Habitat
from marlzoo.testing.recording import Recording, Row, copied, first_difference, random_actions

LATER = 50
"""Steps for which a restored or repeated life is compared."""


def declared_world(habitat: Habitat, world: str) -> None:
    """It can be built, and says what it is."""
    with habitat.open() as env:
        for expected, happened, holds in _declarations(env, habitat.envs):
            if not holds:
                raise ContractFailure(expected, happened)
        if habitat.metric != "return" and habitat.metric not in env.episode_metrics:
            raise ContractFailure(
                f"the score's metric {habitat.metric!r} among the episode metrics",
                f"they are {', '.join(env.episode_metrics) or 'none'}",
            )


def _declarations(env: BatchedEnv, envs: int) -> Iterator[tuple[str, str, bool]]:
    """What is expected of a world's numbers, what they are, and whether they are that."""
    world, agents = env.world, env.world.agents
    yield f"World.num_envs to be {envs}, as asked for", f"it is {world.num_envs}", world.num_envs == envs
    names = [agent.name for agent in agents]
    yield "agents with names of their own", f"they are {names}", 0 < len(set(names)) == len(names)
    for size in ("obs_dim", "action_dim"):
        found, sizes = getattr(world, size), [getattr(agent, size) for agent in agents]
        yield (
            f"World.{size} to be the largest of the agents', {max(sizes)}",
            f"it is {found}",
            found == max(sizes),
        )
    kinds = {(agent.group, agent.obs_dim, agent.action_dim) for agent in agents}
    groups = {agent.group for agent in agents}
    yield "agents of one group to have equal sizes", f"there are {sorted(kinds)}", len(kinds) == len(groups)
    bounds = f"they are {world.action_low} and {world.action_high}"
    yield "action_low below action_high", bounds, world.discrete or world.action_low < world.action_high
    horizon = world.horizon
    yield "a horizon of at least 1, or None", f"it is {horizon}", horizon is None or horizon >= 1
    backend = f"they are {env.backend!r} and {env.backend_version!r}"
    yield "a backend and its version, for the manifest", backend, bool(env.backend and env.backend_version)


def shapes(habitat: Habitat, world: str) -> None:
    """Views and steps have the shapes and types that the world says."""
    with habitat.open() as env:
        view = env.reset(seeds(habitat.envs))
        _expect_view(env.world, view, "reset")
        if not view.first.all():
            raise ContractFailure("View.first to be set after reset", f"it is {view.first.tolist()}")
        step = env.step(random_actions(env.world, view, _choosers(habitat.envs)))
        _expect_view(env.world, step.view, "step")
        rows = (habitat.envs, env.world.num_agents)
        _expect("reward", step.reward, rows, torch.float32)
        _expect("terminated", step.terminated, rows[:1], torch.bool)
        _expect("truncated", step.truncated, rows[:1], torch.bool)
        _expect_view(env.world, env.reset_done(), "reset_done")


def _choosers(envs: int) -> list[np.random.Generator]:
    return [np.random.default_rng(index) for index in range(envs)]


def _expect_view(world: World, view: View, origin: str) -> None:
    rows = (world.num_envs, world.num_agents)
    state = None
    if world.state_dim:
        state = (*(rows if world.state_per_agent else rows[:1]), world.state_dim)
    _expect(f"View.obs of {origin}", view.obs, (*rows, world.obs_dim), torch.float32)
    _expect(f"View.alive of {origin}", view.alive, rows, torch.bool)
    _expect(f"View.first of {origin}", view.first, rows[:1], torch.bool)
    _expect(f"View.state of {origin}", view.state, state, torch.float32)
    mask = (*rows, world.action_dim) if world.has_action_mask else None
    _expect(f"View.action_mask of {origin}", view.action_mask, mask, torch.bool)


def _expect(name: str, tensor: Tensor | None, shape: tuple[int, ...] | None, kind: torch.dtype) -> None:
    found = None if tensor is None else tuple(tensor.shape)
    if found != shape:
        raise ContractFailure(f"{name} of shape {shape}", f"its shape is {found}")
    if tensor is not None and tensor.dtype != kind:
        raise ContractFailure(f"{name} of type {kind}", f"its type is {tensor.dtype}")


def finite(habitat: Habitat, world: str) -> None:
    """What is seen and paid is finite."""
    with habitat.played() as recording:
        for name in ("step.obs", "step.state", "step.reward", "next.obs", "next.state"):
            for step, row in enumerate(recording.rows):
                if name in row and not np.isfinite(row[name]).all():
                    raise ContractFailure("finite numbers", f"{name.partition('.')[2]} is not in step {step}")


def masks(habitat: Habitat, world: str) -> None:
    """Everybody, dead or alive, has a legal action that exists; what is not legal is refused."""
    with habitat.played() as recording:
        if recording.env.world.has_action_mask:
            _expect_padding(recording, "step.action_mask")
            _expect_padding(recording, "next.action_mask")
        _expect_refusal(recording)


def _expect_padding(recording: Recording, column: str) -> None:
    """That somebody has no legal action at all shows when actions are drawn."""
    legal, world = recording.column(column), recording.env.world
    sizes = np.array([agent.action_dim for agent in world.agents])
    padding = np.arange(world.action_dim) >= sizes[:, None]
    if (legal & padding).any():
        raise ContractFailure("padded actions to be masked out", "an action beyond action_dim is legal")


def _expect_refusal(recording: Recording) -> None:
    """An illegal action raises `UsageError`, once an agent has one."""
    actions = None
    for _ in range(LATER):
        actions = _illegal(recording)
        if actions is not None:
            break
        recording.play(1)
    if actions is None:
        return
    try:
        recording.env.step(actions)
    except UsageError:
        return
    raise ContractFailure("UsageError for an action that is not legal, or not finite", "it was accepted")


def _illegal(recording: Recording) -> Tensor | None:
    """A joint action with one that is not legal; None where all are."""
    world, actions = recording.env.world, recording.choose()
    if not world.discrete:
        actions[0, 0, 0] = torch.nan
        return actions
    mask = recording.view.action_mask
    if mask is None:
        actions[0, 0] = world.action_dim
        return actions
    places = (~mask).nonzero()
    if not len(places):
        return None
    env, agent, action = places[0].tolist()
    actions[env, agent] = action
    return actions


def two_views(habitat: Habitat, world: str) -> None:
    """The view before a step is still readable after it."""
    with habitat.open() as env:
        recording = Recording(env)
        for _ in range(min(habitat.steps, LATER)):
            view, actions = recording.view, recording.choose()
            before = copied(view)
            env.step(actions)
            changed = [
                name for name, value in copied(view).items() if not np.array_equal(value, before[name])
            ]
            if changed:
                raise ContractFailure(
                    "two sets of arrays that take turns, so that a view outlives the step",
                    f"View.{changed[0]} was overwritten by the step",
                )
            recording.view = env.reset_done()


def ends(habitat: Habitat, world: str) -> None:
    """`first` marks what follows an end and nothing else, and no episode is longer than the horizon."""
    with habitat.played() as recording:
        horizon = recording.env.world.horizon
        lengths = np.zeros(habitat.envs, np.int64)
        for step, (row, ended) in enumerate(zip(recording.rows, recording.ended(), strict=True)):
            lengths += 1
            if row["step.first"].any():
                raise ContractFailure(
                    "View.first to be unset in what step returns", f"it is set in step {step}"
                )
            if not np.array_equal(row["next.first"], ended):
                raise ContractFailure(
                    "View.first after reset_done exactly where terminated or truncated was set",
                    f"it is {row['next.first'].tolist()} where {ended.tolist()} ended in step {step}",
                )
            if horizon is not None and (~ended & (lengths >= horizon)).any():
                raise ContractFailure(
                    f"episodes of at most {horizon} steps, as World.horizon says",
                    f"one went on after {int(lengths.max())}",
                )
            lengths[ended] = 0


def reset_done(habitat: Habitat, world: str) -> None:
    """Environments that go on keep what the step showed."""
    with habitat.played() as recording:
        for step, (row, ended) in enumerate(zip(recording.rows, recording.ended(), strict=True)):
            for name in ("obs", "alive", "state", "action_mask"):
                shown, kept = row.get(f"step.{name}"), row.get(f"next.{name}")
                if shown is not None and kept is not None and not np.array_equal(shown[~ended], kept[~ended]):
                    raise ContractFailure(
                        "reset_done to change nothing where an episode goes on",
                        f"View.{name} changed in step {step}",
                    )


def same_seeds(habitat: Habitat, world: str) -> None:
    """The same seeds and actions give the same episodes."""
    with habitat.played() as one, habitat.played() as other:
        difference = first_difference(one.rows, other.rows)
    if difference:
        raise ContractFailure(
            "all randomness to come from the seeds that reset is given", f"{difference} differs"
        )


def batch_size(habitat: Habitat, world: str) -> None:
    """Environment i lives the same life whatever stands beside it."""
    with habitat.played() as beside, habitat.open(1) as env:
        alone = Recording(env).play(habitat.steps)
        rows = [{name: values[:1] for name, values in row.items()} for row in beside.rows]
        difference = first_difference(rows, alone.rows)
    if difference:
        raise ContractFailure(
            "an environment's episodes not to depend on how many copies there are, so no generator and no "
            "global state to be shared between them",
            f"{difference} differs between one copy and {habitat.envs}",
        )


def snapshot(habitat: Habitat, world: str) -> None:
    """A snapshot goes through a checkpoint, and the same batch and a fresh one go on from it exactly."""
    with habitat.played() as recording, habitat.open() as fresh:
        saved = _through_a_file(recording.env.snapshot())
        shown = copied(recording.view)
        twin = recording.branch(fresh, saved)
        difference = first_difference([shown], [copied(twin.view)])
        if difference:
            raise ContractFailure(
                "restore to return the view that was current",
                f"{difference.partition(' ')[0]} is another one",
            )
        recording.rows.clear()
        recording.play(LATER)
        difference = first_difference(recording.rows, twin.play(LATER).rows)
    if difference:
        raise ContractFailure(
            "a restored snapshot to go on exactly, random generators included", f"{difference} differs"
        )


def _through_a_file(state: dict[str, object]) -> dict[str, object]:
    try:
        file = io.BytesIO()
        torch.save(encode(state, "snapshot"), file)
    except MarlzooError as error:
        raise ContractFailure("a snapshot that a checkpoint can hold", str(error)) from error
    file.seek(0)
    restored: dict[str, object] = decode(torch.load(file, weights_only=True))
    return restored


def forgotten_ends(habitat: Habitat, world: str) -> None:
    """Whatever ended before them, a restored snapshot and a reset begin with nothing to start anew."""
    with habitat.played() as recording:
        env, shown, saved = recording.env, copied(recording.view), recording.env.snapshot()
        if not _played_to_an_end(recording, habitat.steps):
            return
        recording.view = env.restore(saved)
        _expect_nothing_ended(env, shown, "restore")
        if _played_to_an_end(recording, habitat.steps):
            shown = copied(env.reset(seeds(habitat.envs)))
            _expect_nothing_ended(env, shown, "reset")


def _played_to_an_end(recording: Recording, steps: int) -> bool:
    """Go on until an episode has just ended, and do not start it anew; False where none ends."""
    for _ in range(steps):
        step = recording.env.step(recording.choose())
        if bool((step.terminated | step.truncated).any()):
            return True
        recording.view = recording.env.reset_done()
    return False


def _expect_nothing_ended(env: BatchedEnv, shown: Row, after: str) -> None:
    for name, kept in copied(env.reset_done()).items():
        if name != "first" and not np.array_equal(kept, shown[name]):
            raise ContractFailure(
                f"reset_done to change nothing after {after}, whatever had ended before it",
                f"View.{name} changed, as if an episode had ended since",
            )


def metrics(habitat: Habitat, world: str) -> None:
    """Every step brings an array `[E]` for each episode metric, finite where an episode ended."""
    with habitat.open() as env:
        recording = Recording(env)
        for _ in range(habitat.steps):
            step = env.step(recording.choose())
            ended = (step.terminated | step.truncated).numpy()
            if set(step.info) != set(env.episode_metrics):
                raise ContractFailure(
                    f"info with {', '.join(env.episode_metrics) or 'nothing'}, as episode_metrics says",
                    f"it has {', '.join(step.info) or 'nothing'}",
                )
            for name, values in step.info.items():
                if np.shape(values) != (habitat.envs,) or not np.isfinite(np.asarray(values)[ended]).all():
                    raise ContractFailure(
                        f"info[{name!r}] of shape ({habitat.envs},), finite where an episode ended",
                        f"it is {values!r}",
                    )
            recording.view = env.reset_done()


def closing(habitat: Habitat, world: str) -> None:
    """Closing twice is harmless."""
    env = habitat.make(1)
    env.reset(seeds(1))
    env.close()
    env.close()


def no_parallel(habitat: Habitat, world: str) -> str:
    """Why PettingZoo's test does not concern a habitat."""
    return "" if habitat.parallel else "the family has no module 'parallel' with parallel_env"


def pettingzoo_view(habitat: Habitat, world: str) -> None:
    """The family's PettingZoo environment passes PettingZoo's own test."""
    if habitat.parallel is not None:
        expect_parallel_api(habitat.parallel())


def expect_parallel_api(env: object) -> None:
    """PettingZoo's own test of the interface, with what it prints held back.

    Raises:
        ContractFailure: it fails.
    """
    from pettingzoo.test import parallel_api_test

    try:
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            parallel_api_test(env, num_cycles=LATER)
    except Exception as error:
        reason = " ".join(str(error).split())
        raise ContractFailure(
            "PettingZoo's parallel_api_test to pass", f"{type(error).__name__}: {reason}"
        ) from error


ENVIRONMENT_CHECKS: tuple[Check[Habitat], ...] = (
    Check("env-world", "it can be built and says what it is", declared_world, essential=True),
    Check("env-shapes", "views and steps have the declared shapes and types", shapes, essential=True),
    Check("env-finite", "what is seen and paid is finite", finite),
    Check("env-masks", "everybody has a legal action; others are refused", masks),
    Check("env-two-views", "a view outlives the step", two_views),
    Check("env-ends", "first marks beginnings; the horizon holds", ends),
    Check("env-reset-done", "what goes on is not touched by resets", reset_done),
    Check("env-same-seeds", "the same seeds give the same episodes", same_seeds),
    Check("env-batch-size", "a copy does not depend on the others", batch_size),
    Check("env-snapshot", "a restored snapshot goes on exactly", snapshot),
    Check("env-forgotten-ends", "reset and restore forget what had ended", forgotten_ends),
    Check("env-metrics", "episode metrics are there and finite", metrics),
    Check("env-closing", "closing twice is harmless", closing),
    Check(
        "env-pettingzoo", "the PettingZoo view passes its test", pettingzoo_view, reason_to_skip=no_parallel
    ),
)


def environment_cases() -> list[Case[Habitat]]:
    """Every check."""
    return cases(ENVIRONMENT_CHECKS)
