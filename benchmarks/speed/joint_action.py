"""What one greedy joint action of MAT's policy costs on one core, from observations to actions, by number of
cars and by whom they attend to.

    python benchmarks/speed/joint_action.py [--json] [--agents 8 64 256 1024] [--attention all nearest:8]

Sizes are those of `dubins:transfer-<N>`, weights are random. Times are milliseconds per joint action, medians
over repeats, in CPU time of the process and in wall time; the first call of each kind, which compiles or
loads the kernels, is not part of them. `peak_mb` is the most memory that the process has had so far,
`literal_difference` the largest difference from the cached decoder in PyTorch, which goes agent by agent.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import time
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch

from marlzoo.algorithm import View
from marlzoo.nets.attention import BodyShape
from marlzoo.nets.mat_body import MatBody
from marlzoo.nets.playing import play
from marlzoo.scope import AttentionScope

OBS_DIM, ACTIONS = 49, 2
"""Those of `dubins:transfer-<N>`."""
DENSITY = 0.5
"""Cars per unit of area."""
MOST_COMPARED = 1024
"""The literal decoder takes half a second for so many."""


def make_view(agents: int) -> View:
    """One joint step of cars that are spread evenly over a square."""
    generator = torch.Generator().manual_seed(agents)
    return View(
        obs=torch.randn(1, agents, OBS_DIM, generator=generator),
        alive=torch.ones(1, agents, dtype=torch.bool),
        first=torch.zeros(1, dtype=torch.bool),
        places=torch.rand(1, agents, 2, generator=generator) * (agents / DENSITY) ** 0.5,
    )


def make_bodies() -> tuple[MatBody, MatBody]:
    """The same weights with the compiled decoder and with the one in PyTorch."""
    shape = BodyShape(OBS_DIM, ACTIONS, discrete=False)
    bodies = [MatBody(shape, torch.Generator().manual_seed(0), decoder=kind) for kind in ("fused", "torch")]
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in bodies[0].parameters():
            parameter.add_(0.1 * torch.randn(parameter.shape, generator=generator))
    bodies[1].load_state_dict(bodies[0].state_dict())
    return bodies[0], bodies[1]


def measure(
    body: MatBody, literal: MatBody, agents: int, scope: AttentionScope, repeats: int
) -> dict[str, Any]:
    """The cost of one joint action."""
    view, cpu, wall = make_view(agents), [], []
    actions = play(body, view, scope)
    for _ in range(repeats):
        cpu_start, wall_start = time.process_time(), time.perf_counter()
        play(body, view, scope)
        cpu.append(1e3 * (time.process_time() - cpu_start))
        wall.append(1e3 * (time.perf_counter() - wall_start))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    difference = None
    if agents <= MOST_COMPARED:
        difference = float((actions - play(literal, view, scope)).abs().max())
    return {
        "agents": agents,
        "attention": str(scope),
        "cpu_ms": round(statistics.median(cpu), 2),
        "wall_ms": round(statistics.median(wall), 2),
        "peak_mb": round(peak),
        "literal_difference": difference,
    }


def main() -> None:
    """Print one line per case, or one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--agents", type=int, nargs="+", default=[8, 64, 256, 1024])
    parser.add_argument("--attention", nargs="+", default=["all", "nearest:8", "cells:8"])
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    body, literal = make_bodies()
    scopes = [AttentionScope.parse(text) for text in options.attention]
    results = [measure(body, literal, n, scope, options.repeats) for n in options.agents for scope in scopes]
    if options.json:
        print(json.dumps({"threads": 1, "results": results}))
        return
    for result in results:
        print(
            f"{result['agents']} cars, attention {result['attention']}: {result['cpu_ms']} ms of CPU time, "
            f"{result['wall_ms']} ms, peak {result['peak_mb']} MB"
        )


if __name__ == "__main__":
    main()
