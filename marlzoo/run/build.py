"""Building an algorithm for a world, whether to train it or only to let it act."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from marlzoo.algorithm import Algorithm, Context, World
from marlzoo.errors import UsageError
from marlzoo.run.plan import Plan
from marlzoo.run.seeding import SeedTree


def check_world(plan: Plan, world: World) -> None:
    """Raises `UsageError` when the algorithm cannot act in such a world."""
    spec = plan.algorithm.spec
    supported = spec.discrete if world.discrete else spec.continuous
    if not supported:
        raise UsageError(
            f"{plan.environment.id} needs {world.action_kind} actions, which {plan.algorithm.address} does "
            "not have; 'marlzoo list algorithms' shows what each supports"
        )


def build_algorithm(plan: Plan, world: World) -> tuple[Algorithm, Context]:
    """A fresh algorithm with the context that it was given.

    Random numbers come from the run's seeds. Torch's global generator is forked and seeded meanwhile, so that
    a layer built with torch's own initialisation is repeatable too and the caller's generator is left alone.
    """
    check_world(plan, world)
    seeds = SeedTree(plan.settings.seed)
    context = Context(seeds.policy(), seeds.initial(), plan.settings.steps)
    make = plan.algorithm.load(plan.algorithm.spec.algorithm)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seeds.construction())
        algorithm: Algorithm = make(world, plan.config.config, context)
    return algorithm, context


def build_policy(plan: Plan, world: World, policy: Mapping[str, Any], origin: str) -> Algorithm:
    """An algorithm that acts with the parameters in `policy`, which came from `origin`.

    Raises:
        UsageError: they do not fit this world.
    """
    algorithm, _ = build_algorithm(plan, world)
    try:
        algorithm.load_policy(policy)
    except (RuntimeError, KeyError, ValueError, TypeError) as error:
        reason = str(error).strip().splitlines()[-1].strip() if str(error).strip() else type(error).__name__
        raise UsageError(
            f"the policy of {origin} does not fit {plan.environment.id}: {reason}; evaluate it where "
            "observations and actions have the sizes that it was trained with"
        ) from error
    return algorithm
