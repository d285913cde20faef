"""How long it takes from the start of Python until an environment has made its first step.

    python benchmarks/speed/startup.py [--env smac:3s5z] [--repeats 3] [--json]

Every start is a process of its own on one core. A cold start finds no compiled kernels; the warm start that
follows it finds those that it left on disk. Medians of the repeats; `cpu` are CPU seconds of the process,
which a busy machine inflates less than `seconds`.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping

ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")

LIMITS = {"cold": 15.0, "warm": 3.0}
"""Seconds that the first step of SMAC may take on an idle machine."""

FIRST_STEP = """
import sys, time
import numpy as np
import torch
from marlzoo.registry import Registry

env = Registry.load().environment(sys.argv[1]).make(1)
view, world = env.reset(np.random.SeedSequence(0).spawn(1)), env.world
actions = torch.zeros(1, world.num_agents, world.action_dim)
if world.discrete:
    actions = torch.zeros(1, world.num_agents, dtype=torch.int64)
    if view.action_mask is not None:
        actions = view.action_mask.float().argmax(-1)
env.step(actions)
print(time.process_time(), flush=True)
"""


def first_step(env_id: str, kernels: str) -> dict[str, float]:
    """One start that keeps its kernels in the folder `kernels`: wall and CPU seconds to the first step."""
    command = [sys.executable, "-c", FIRST_STEP, env_id]
    environ = os.environ | ONE_THREAD | {"NUMBA_CACHE_DIR": kernels}
    began = time.perf_counter()
    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        cpu = process.stdout.readline()
        wall = time.perf_counter() - began
    if process.returncode != 0:
        raise SystemExit(f"{env_id} made no first step: the reason is above")
    return {"seconds": wall, "cpu": float(cpu)}


def benchmark(env_id: str, repeats: int) -> dict[str, dict[str, float]]:
    """Medians for cold and warm starts, which take turns."""
    samples: dict[str, list[dict[str, float]]] = {"cold": [], "warm": []}
    for _ in range(repeats):
        with tempfile.TemporaryDirectory() as kernels:
            for kind in samples:
                samples[kind].append(first_step(env_id, kernels))
    return {kind: _medians(starts) for kind, starts in samples.items()}


def _medians(starts: list[dict[str, float]]) -> dict[str, float]:
    return {name: round(statistics.median(start[name] for start in starts), 2) for name in starts[0]}


def _lines(env_id: str, result: Mapping[str, Mapping[str, float]]) -> list[str]:
    lines = []
    for kind, median in result.items():
        target = f", target {LIMITS[kind]:.0f} s" if env_id.startswith("smac:") else ""
        lines.append(f"{env_id} {kind}: {median['seconds']:.1f} s ({median['cpu']:.1f} s of CPU{target})")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--env", default="smac:3s5z")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):  # the processes started from here inherit it
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    result = benchmark(options.env, options.repeats)
    if options.json:
        print(json.dumps({"env": options.env, "repeats": options.repeats, **result}))
    else:
        print("\n".join(_lines(options.env, result)))


if __name__ == "__main__":
    main()
