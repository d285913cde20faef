"""How many agent-steps per second the DubinsCar environment makes on one core, with everything written out:
observations, neighbours, rewards, flags, metrics, restarts and the Python call.

    python benchmarks/speed/dubins.py [--json] [--seconds 2]

Two numbers per case: steps alone, and whole episodes with the metrics and the nominal controller's score at
their ends. Times are CPU seconds of the process, so that other work on the machine disturbs little.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch

from marlzoo.envs.dubins.batched import DubinsEnv, make
from marlzoo.envs.dubins.config import DubinsConfig
from marlzoo.envs.dubins.version import VERSION

CASES = (
    ("gcbfplus-8", 64, {}, 4.0),
    ("transfer-8", 64, {}, 4.0),
    ("hard-8", 64, {}, None),
    ("gcbfplus-64", 64, {}, None),
    ("gcbfplus-1024", 8, {}, 2.5),
    ("transfer-1024", 8, {}, 2.5),
    ("hard-1024", 8, {}, None),
    ("srsv-1024", 8, {}, 1.5),
    ("gcbfplus-10000", 1, {}, None),
    ("gcbfplus-100000", 1, {}, 1.5),
    ("srsv-100000", 1, {}, 1.5),
)
"""Task, environments, arguments, and the target in million agent-steps per second, where there is one."""


def start(task: str, num_envs: int, arguments: dict[str, object]) -> tuple[DubinsEnv, torch.Tensor]:
    """A fresh environment and random actions for it. All kernels, also those at an episode's end, are
    compiled."""
    brief = make(task, DubinsConfig.model_validate({**arguments, "horizon": 1}), 1)
    brief.reset(np.random.SeedSequence(0).spawn(1))
    brief.step(torch.zeros(1, brief.world.num_agents, 2))
    brief.reset_done()
    env = make(task, DubinsConfig.model_validate(arguments), num_envs)
    env.reset(np.random.SeedSequence(0).spawn(num_envs))
    generator = torch.Generator().manual_seed(0)
    actions = torch.empty(num_envs, env.world.num_agents, 2).uniform_(-1, 1, generator=generator)
    env.step(actions)
    return env, actions


def steps_alone(task: str, num_envs: int, arguments: dict[str, object], seconds: float) -> float:
    """Million agent-steps per CPU second while no episode ends."""
    env, actions = start(task, num_envs, {**arguments, "horizon": 100_000})
    count, began = 0, time.process_time()
    while time.process_time() - began < seconds:
        for _ in range(4):
            env.step(actions)
            env.reset_done()
        count += 4 * actions[..., 0].numel()
    return count / (time.process_time() - began) / 1e6


def whole_episodes(task: str, num_envs: int, arguments: dict[str, object], seconds: float) -> float:
    """Million agent-steps per CPU second, restarts and all metrics included."""
    env, actions = start(task, num_envs, arguments)
    horizon = env.world.horizon or 1
    env.reset(np.random.SeedSequence(1).spawn(num_envs))
    count, began = 0, time.process_time()
    while time.process_time() - began < seconds or not count:
        for _ in range(horizon):
            env.step(actions)
            env.reset_done()
        count += horizon * actions[..., 0].numel()
    return count / (time.process_time() - began) / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    parser.add_argument("--seconds", type=float, default=1.0, help="CPU seconds per measurement")
    options = parser.parse_args()
    torch.set_num_threads(1)
    rows = []
    for task, num_envs, arguments, target in CASES:
        alone = steps_alone(task, num_envs, arguments, options.seconds)
        whole = whole_episodes(task, num_envs, arguments, options.seconds)
        rows.append({"task": task, "envs": num_envs, "steps": alone, "episodes": whole, "target": target})
        if not options.json:
            speeds = f"{alone:6.2f} M/s steps {whole:6.2f} M/s episodes"
            print(f"{task:>16} x {num_envs:<3} {speeds}  target {target}")
    if options.json:
        print(json.dumps({"version": VERSION, "machine": platform.machine(), "rows": rows}, indent=1))


if __name__ == "__main__":
    main()
