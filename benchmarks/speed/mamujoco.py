"""What a step of Multi-Agent MuJoCo costs on one core: the fast path against gymnasium-robotics, in one run.

    python benchmarks/speed/mamujoco.py [--json] [--seconds 1] [--envs 64]

Three ways of stepping the same number of copies with random actions, interleaved over several rounds, so
that a busy machine slows all of them alike; times are CPU seconds of the process, and medians are shown:

- `fast`: the batched environment, everything written out (float32 tensors, state, resets);
- `reference`: gymnasium-robotics' `step`, and `reset` at an episode's end, nothing else;
- `reference+state`: the same and `state()`, which is what a centralised critic needs and `fast` delivers.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import time
from collections.abc import Callable

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch

from marlzoo.envs.mamujoco.batched import make
from marlzoo.envs.mamujoco.config import MamujocoConfig
from marlzoo.envs.mamujoco.partitions import parse_task
from marlzoo.envs.mamujoco.reference import build_reference

TARGETS = {"HalfCheetah-6x1": 2.4, "Ant-4x2": 2.0, "Humanoid-9|8": 2.0}
"""How many times cheaper than the reference a step has to be."""

ROUNDS = 5


def fast_stepper(task: str, num_envs: int) -> Callable[[], None]:
    """A function that steps the batched environment once."""
    env = make(task, MamujocoConfig(implementation="fast"), num_envs)
    env.reset(np.random.SeedSequence(0).spawn(num_envs))
    world, generator = env.world, torch.Generator().manual_seed(0)

    def step() -> None:
        size = (num_envs, world.num_agents, world.action_dim)
        env.step(torch.empty(size).uniform_(world.action_low, world.action_high, generator=generator))
        env.reset_done()

    return step


def reference_stepper(task: str, num_envs: int, with_state: bool) -> Callable[[], None]:
    """A function that steps as many environments of gymnasium-robotics once."""
    envs = [build_reference(parse_task(task), 1) for _ in range(num_envs)]
    rng, names = np.random.default_rng(0), envs[0].possible_agents
    box = envs[0].action_space(names[0])
    widths = {name: envs[0].action_space(name).shape[0] for name in names}
    size = (num_envs, len(names), max(widths.values()))
    for index, env in enumerate(envs):
        env.reset(seed=index)

    def step() -> None:
        for env, rows in zip(envs, rng.uniform(box.low[0], box.high[0], size), strict=True):
            joint = {name: row[: widths[name]] for name, row in zip(names, rows, strict=True)}
            _, _, terminated, truncated, _ = env.step(joint)
            if terminated[names[0]] or truncated[names[0]]:
                env.reset()
            if with_state:
                env.state()

    return step


def cost(step: Callable[[], None], num_envs: int, seconds: float) -> float:
    """CPU microseconds per environment step."""
    count, began = 0, time.process_time()
    while time.process_time() - began < seconds:
        step()
        count += num_envs
    return (time.process_time() - began) / count * 1e6


def measure(task: str, num_envs: int, seconds: float) -> dict[str, object]:
    """The medians of one task, and the ratios to the fast path."""
    steppers = {
        "fast": fast_stepper(task, num_envs),
        "reference": reference_stepper(task, num_envs, with_state=False),
        "reference+state": reference_stepper(task, num_envs, with_state=True),
    }
    rounds: dict[str, list[float]] = {name: [] for name in steppers}
    for _ in range(ROUNDS):
        for name, step in steppers.items():
            rounds[name].append(cost(step, num_envs, seconds))
    medians = {name: statistics.median(values) for name, values in rounds.items()}
    ratios = {name: medians[name] / medians["fast"] for name in medians if name != "fast"}
    return {"task": task, "microseconds": medians, "ratio": ratios, "target": TARGETS[task]}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--seconds", type=float, default=1.0, help="CPU seconds per measurement")
    parser.add_argument("--envs", type=int, default=64)
    arguments = parser.parse_args()
    rows = [measure(task, arguments.envs, arguments.seconds) for task in TARGETS]
    if arguments.json:
        print(json.dumps({"machine": platform.processor(), "envs": arguments.envs, "rows": rows}, indent=2))
        return
    for row in rows:
        costs = ", ".join(f"{name} {value:.0f} us" for name, value in row["microseconds"].items())
        gains = ", ".join(f"{value:.2f}x {name}" for name, value in row["ratio"].items())
        print(f"{row['task']}: {costs}; {gains} (target {row['target']}x)")


if __name__ == "__main__":
    main()
