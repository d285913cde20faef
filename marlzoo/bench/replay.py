"""Recording episodes of a trained policy and what there is to see: the world, rewards, values, attention."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.random import SeedSequence
from numpy.typing import NDArray

from marlzoo.algorithm import Algorithm, Explanation, Mode
from marlzoo.bench.replay_tracks import Film, Track, Watching, watch
from marlzoo.envs.contract import BatchedEnv, StepResult
from marlzoo.errors import UsageError
from marlzoo.registry import EnvironmentChoice, Registry
from marlzoo.run.evaluator import STEP_LIMIT
from marlzoo.run.guard import guarded
from marlzoo.run.policy import SavedPolicy, load_policy, seat_policy
from marlzoo.run.seeding import SeedTree
from marlzoo.specs import Score

ATTENTION_LIMIT = 64
"""Agents up to which attention is recorded: it grows with their square."""


@dataclass
class Episode:
    """One episode of T steps by N agents."""

    shown: Track | Film
    """What there is to see at T + 1 moments."""
    agents: tuple[str, ...]
    actions: NDArray[Any]
    """`[T, N]` or `[T, N, A]`."""
    rewards: NDArray[np.float32]
    """`[T, N]`."""
    values: NDArray[np.float32] | None
    """`[T, N]`, where the algorithm tells."""
    attention: NDArray[np.float32] | None
    """`[T, N, N]`, where the algorithm tells and the agents are few."""
    attention_name: str = ""
    metrics: Mapping[str, float] = field(default_factory=dict)
    truncated: bool = False
    """Whether time ran out."""

    @property
    def steps(self) -> int:
        return len(self.rewards)

    @property
    def mean_return(self) -> float:
        """Over agents, as evaluation counts it."""
        return float(self.rewards.mean(1, dtype=np.float64).sum())


@dataclass(frozen=True)
class Replay:
    """Some episodes of one policy in one environment."""

    algorithm: str
    environment: str
    backend: str
    policy_step: int
    run_seed: int
    seed: int
    score: Score
    episodes: Sequence[Episode]
    interference: Mapping[str, int] = field(default_factory=dict)
    """How often global state was changed meanwhile, by what it was."""

    def facts(self) -> dict[str, Any]:
        """What was played and how it went, without anything to see."""
        return {
            "algorithm": self.algorithm,
            "environment": self.environment,
            "backend": self.backend,
            "policy_step": self.policy_step,
            "run_seed": self.run_seed,
            "seed": self.seed,
            "interference": dict(self.interference),
            "episodes": [
                {
                    "steps": episode.steps,
                    "return": episode.mean_return,
                    "truncated": episode.truncated,
                    **episode.metrics,
                }
                for episode in self.episodes
            ],
        }


def replay_run(
    registry: Registry,
    run: Path,
    *,
    environment: str | None = None,
    env_args: Sequence[str] = (),
    episodes: int = 1,
    seed: int = 0,
    checkpoint: str = "best",
) -> Replay:
    """Play greedy episodes with the policy of a run and record them.

    They have the seeds of the first episodes of `marlzoo evaluate` with the same `seed`.

    Raises:
        UsageError: the policy cannot act in that environment, or the environment cannot be looked at.
        MissingPieceError: pictures need something that is not installed.
    """
    saved = load_policy(registry, run, checkpoint)
    choice = saved.plan.environment
    if environment is not None or env_args:
        choice = registry.environment(environment or choice.id, env_args)
    with (
        guarded(seed, torch.get_num_threads()) as guard,
        contextlib.closing(choice.make(1)) as env,
    ):
        algorithm = seat_policy(saved, choice, env.world)
        guard.check(f"while building {choice.id} and {saved.name}")
        played = []
        for one in SeedTree(seed).afterwards(episodes):
            played.append(record(env, algorithm, one, choice.id))
            guard.check(f"in an episode of {saved.name}")
    return replace(_replay(saved, choice, env, seed, played), interference=dict(guard.counts))


def _replay(
    saved: SavedPolicy, choice: EnvironmentChoice, env: BatchedEnv, seed: int, played: list[Episode]
) -> Replay:
    return Replay(
        algorithm=saved.plan.algorithm.address,
        environment=choice.id,
        backend=f"{env.backend} {env.backend_version}".strip(),
        policy_step=saved.step,
        run_seed=saved.plan.settings.seed,
        seed=seed,
        score=choice.score,
        episodes=played,
    )


@torch.no_grad()
def record(env: BatchedEnv, algorithm: Algorithm, seed: SeedSequence, name: str) -> Episode:
    """Play one greedy episode in copy 0 of `env`, which is called `name` in errors."""
    view = env.reset([seed])
    carry = algorithm.initial_carry(1)
    notes = _Notes(watch(env, name))
    for _ in range(STEP_LIMIT):
        decision = algorithm.act(view, carry, Mode.GREEDY)
        explanation = algorithm.explain(view, decision)
        actions = decision.actions[0].numpy().copy()
        step = env.step(decision.actions)
        notes.add(actions, explanation, step)
        if bool(step.terminated[0] | step.truncated[0]):
            return notes.episode(tuple(agent.name for agent in env.world.agents), step)
        view, carry = env.reset_done(), decision.carry
    raise UsageError(f"an episode of {name} did not end within {STEP_LIMIT:,} steps; give it a time limit")


class _Notes:
    """Takes down one episode."""

    def __init__(self, watching: Watching) -> None:
        self._watching = watching
        self._actions: list[NDArray[Any]] = []
        self._rewards: list[NDArray[np.float32]] = []
        self._values: list[NDArray[np.float32]] = []
        self._attention: list[NDArray[np.float32]] = []
        self._attention_name = ""

    def add(self, actions: NDArray[Any], explanation: Explanation | None, step: StepResult) -> None:
        self._actions.append(actions)
        self._rewards.append(step.reward[0].numpy().copy())
        if explanation is not None:
            self._explain(explanation)
        self._watching.look()

    def _explain(self, explanation: Explanation) -> None:
        if explanation.values is not None:
            self._values.append(explanation.values[0].float().numpy().copy())
        seen = explanation.attention
        if seen is not None and seen.shape[-1] <= ATTENTION_LIMIT:
            self._attention.append(seen[0].float().numpy().copy())
            self._attention_name = explanation.attention_name

    def episode(self, agents: tuple[str, ...], last: StepResult) -> Episode:
        return Episode(
            shown=self._watching.seen(),
            agents=agents,
            actions=np.stack(self._actions),
            rewards=np.stack(self._rewards),
            values=np.stack(self._values) if self._values else None,
            attention=np.stack(self._attention) if self._attention else None,
            attention_name=self._attention_name,
            metrics={name: float(values[0]) for name, values in last.info.items()},
            truncated=bool(last.truncated[0]),
        )
