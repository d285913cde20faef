"""How many steps per second an environment makes on one core under random legal actions, with everything
written out: observations, state, masks, rewards, metrics, restarts and the Python call.

    python benchmarks/speed/env.py --env smac:3s5z [--batch 64] [--repeats 5] [--seconds 1] [--json]

The rates leave out the time of the random policy, which is reported as a part of its own. Medians of the
repeats; the figures that end in `_cpu` count CPU seconds of the process instead of wall time.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import time

STARTED = time.perf_counter()

import argparse
import json
import statistics
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

import numpy as np
import torch

from marlzoo.algorithm import View, World
from marlzoo.envs.contract import BatchedEnv
from marlzoo.registry import Registry

SMAC_PARTS = {
    "order_agents": "simulate",
    "advance_battles": "simulate",
    "begin_battles": "simulate",
    "show_battles": "observe",
}
"""Kernels of the SMAC engine and the part that their time counts towards."""


class Stopwatch:
    """Seconds of wall time and of CPU time by name."""

    def __init__(self) -> None:
        self.wall: dict[str, float] = {}
        self.cpu: dict[str, float] = {}

    @contextmanager
    def running(self, name: str) -> Iterator[None]:
        wall, cpu = time.perf_counter(), time.process_time()
        yield
        self.wall[name] = self.wall.get(name, 0.0) + time.perf_counter() - wall
        self.cpu[name] = self.cpu.get(name, 0.0) + time.process_time() - cpu

    def around(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """`function`, timed."""

        def timed(*args: Any) -> Any:
            with self.running(name):
                return function(*args)

        return timed


class RandomPolicy:
    """Legal actions, all equally likely."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.rng = np.random.default_rng(0)

    def __call__(self, view: View) -> torch.Tensor:
        world = self.world
        shape = (world.num_envs, world.num_agents, world.action_dim)
        draws = self.rng.random(shape, np.float32)
        if not world.discrete:
            return torch.from_numpy(draws * (world.action_high - world.action_low) + world.action_low)
        if view.action_mask is not None:
            draws *= view.action_mask.numpy()
        return torch.from_numpy(draws.argmax(-1))


def play(env: BatchedEnv, view: View, policy: RandomPolicy, seconds: float) -> tuple[View, int, Stopwatch]:
    """Play for about `seconds`; returns the last view, the number of batched steps, and the times."""
    watch, count = Stopwatch(), 0
    began = time.process_time()
    while time.process_time() - began < seconds:
        with watch.running("policy"):
            actions = policy(view)
        with watch.running("step"):
            env.step(actions)
            view = env.reset_done()
        count += 1
    return view, count, watch


def smac_parts(env: BatchedEnv, view: View, policy: RandomPolicy, seconds: float) -> dict[str, float]:
    """Microseconds per environment step of the engine's parts; empty for other environments."""
    if type(env).__module__ != "marlzoo.envs.smac.batched":
        return {}
    from marlzoo.envs.smac import batched

    watch = Stopwatch()
    with ExitStack() as stack:
        for kernel, part in SMAC_PARTS.items():
            timed = watch.around(part, getattr(batched, kernel))
            stack.enter_context(patch.object(batched, kernel, timed))
        _, count, _ = play(env, view, policy, seconds)
    return {part: spent * 1e6 / (count * env.world.num_envs) for part, spent in watch.cpu.items()}


def benchmark(env_id: str, batch: int, repeats: int, seconds: float) -> dict[str, Any]:
    """All figures for one environment as a JSON object."""
    choice = Registry.load().environment(env_id)
    env = choice.make(batch)
    policy = RandomPolicy(env.world)
    view = env.reset(np.random.SeedSequence(0).spawn(batch))
    env.step(policy(view))
    view, first = env.reset_done(), time.perf_counter() - STARTED
    rounds = []
    for _ in range(repeats):
        view, count, watch = play(env, view, policy, seconds)
        rounds.append((count * batch, watch))
    wall = statistics.median(steps / watch.wall["step"] for steps, watch in rounds)
    cpu = statistics.median(steps / watch.cpu["step"] for steps, watch in rounds)
    chosen = statistics.median(watch.cpu["policy"] / steps for steps, watch in rounds)
    return {
        "env": choice.id,
        "backend": env.backend,
        "backend_version": env.backend_version,
        "batch": batch,
        "repeats": repeats,
        "env_steps_per_second": round(wall),
        "agent_steps_per_second": round(wall * env.world.num_agents),
        "env_steps_per_second_cpu": round(cpu),
        "agent_steps_per_second_cpu": round(cpu * env.world.num_agents),
        "microseconds_per_env_step_cpu": {
            "step": 1e6 / cpu,
            "policy": chosen * 1e6,
            **smac_parts(env, view, policy, seconds),
        },
        "seconds_to_first_step": first,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--env", default="smac:3s5z")
    parser.add_argument("--batch", type=int, default=64, help="environments side by side")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0, help="CPU seconds per repeat")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    result = benchmark(options.env, options.batch, options.repeats, options.seconds)
    if options.json:
        print(json.dumps(result))
        return
    parts = ", ".join(
        f"{name} {spent:.2f}" for name, spent in result["microseconds_per_env_step_cpu"].items()
    )
    print(f"{result['env']}: {result['env_steps_per_second']:,} env-steps/s, {parts} us per env-step (CPU)")


if __name__ == "__main__":
    main()
