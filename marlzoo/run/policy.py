"""Policies of past runs: find them, load them, let them play."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from marlzoo.algorithm import Algorithm, World
from marlzoo.errors import UsageError
from marlzoo.registry import EnvironmentChoice, Registry
from marlzoo.run.build import build_policy
from marlzoo.run.checkpoint import load
from marlzoo.run.evaluation import Evaluation
from marlzoo.run.evaluator import Evaluator
from marlzoo.run.files import read_json
from marlzoo.run.folder import RunFolder
from marlzoo.run.guard import guarded
from marlzoo.run.plan import Plan, restore_plan
from marlzoo.run.seeding import SeedTree
from marlzoo.scope import AttentionScope


@dataclass(frozen=True)
class SavedPolicy:
    """The parameters that a run had after `step` environment steps, and the plan they came from."""

    plan: Plan
    step: int
    parameters: Mapping[str, Any]
    origin: str
    agents: int
    """How many agents it was trained with."""

    @property
    def name(self) -> str:
        """The algorithm with its distribution, to name it where it did something wrong."""
        return self.plan.algorithm.qualified


def load_policy(registry: Registry, run: Path, which: str = "best") -> SavedPolicy:
    """The policy of a run: `"best"` (highest evaluation score), `"last"`, or the path of a checkpoint.

    Raises:
        UsageError: there is no such run, checkpoint or algorithm, or the file is unreadable.
    """
    folder = RunFolder.existing(run)
    plan = restore_plan(registry, read_json(folder.config), str(folder.config))
    agents = folder.read_manifest()["environment"]["agents"]
    trainer = _checkpoint(folder, which)["trainer"]
    if which == "best" and trainer["best"] is not None:
        best = trainer["best"]
        return SavedPolicy(plan, best["step"], best["policy"], f"{run} (best)", agents)
    return SavedPolicy(plan, trainer["counters"]["step"], trainer["algorithm"], f"{run} ({which})", agents)


def _checkpoint(folder: RunFolder, which: str) -> dict[str, Any]:
    if which not in ("best", "last"):
        return load(Path(which))
    found = folder.checkpoints().load_last()
    if found is None:
        raise UsageError(f"{folder.path} has no checkpoint yet; let the run go on with 'marlzoo resume'")
    return found[0]


def evaluate_run(
    registry: Registry,
    run: Path,
    *,
    environment: str | None = None,
    env_args: Sequence[str] = (),
    episodes: int = 320,
    seed: int = 0,
    batch: int = 32,
    checkpoint: str = "best",
    attention: AttentionScope | None = None,
) -> dict[str, Any]:
    """Play `episodes` greedy episodes with a run's policy, in its own environment or another.

    `attention` says who attends to whom; None leaves it to the algorithm.

    Raises:
        UsageError: the policy cannot act in that environment, or not with such attention.
    """
    saved = load_policy(registry, run, checkpoint)
    choice = saved.plan.environment
    if environment is not None or env_args:
        choice = registry.environment(environment or choice.id, env_args)
    with (
        guarded(seed, torch.get_num_threads()) as guard,
        contextlib.closing(Evaluator(choice.make, min(batch, episodes))) as evaluator,
    ):
        algorithm = seat_policy(saved, choice, evaluator.env.world)
        if attention is not None:
            limit_attention(algorithm, attention, saved)
        guard.check(f"while building {choice.id} and {saved.name}")
        played = evaluator.play(algorithm, SeedTree(seed).afterwards(episodes))
        guard.check(f"in the evaluation ({saved.name})")
        backend = f"{evaluator.env.backend} {evaluator.env.backend_version}".strip()
    if played is None:
        raise UsageError("the evaluation was stopped")
    document = Evaluation.of(played, choice.score, saved.step, 0).to_json()
    del document["index"], document["step"], document["wall_seconds"]
    return {
        "run": str(run),
        "algorithm": saved.plan.algorithm.address,
        "environment": choice.id,
        "backend": backend,
        "attention": None if algorithm.attention is None else str(algorithm.attention),
        "policy_step": saved.step,
        "seed": seed,
        "percent": choice.score.percent,
        "beside": [name for name in choice.score.beside if name in document["metrics"]],
        "interference": dict(guard.counts),
        **document,
    }


def seat_policy(saved: SavedPolicy, choice: EnvironmentChoice, world: World) -> Algorithm:
    """An algorithm that acts with a saved policy in an environment, whose `world` this is.

    Raises:
        UsageError: it cannot.
    """
    _check_agents(saved, choice, world)
    return build_policy(replace(saved.plan, environment=choice), world, saved.parameters, saved.origin)


def limit_attention(algorithm: Algorithm, attention: AttentionScope, saved: SavedPolicy) -> None:
    """Let agents attend only to whom `attention` names.

    Raises:
        UsageError: they attend to nobody anyway.
    """
    if algorithm.attention is None:
        name = saved.plan.algorithm.spec.name
        raise UsageError(f"agents of {name} do not attend to each other; leave --attention out")
    algorithm.attention = attention


def _check_agents(saved: SavedPolicy, choice: EnvironmentChoice, world: World) -> None:
    spec = saved.plan.algorithm.spec
    if world.num_agents != saved.agents and not spec.count_free:
        raise UsageError(
            f"{choice.id} has {world.num_agents} agents, {saved.origin} was trained with {saved.agents}, and "
            f"{spec.name} depends on their number; choose an environment with {saved.agents}"
        )
