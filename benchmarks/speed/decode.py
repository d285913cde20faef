"""What one joint action of the multi-agent transformer costs on one core: PyTorch and the fused kernel.

    python benchmarks/speed/decode.py [--json] [--agents 8 27 128] [--rows 32] [--repeats 7]

Both decoders choose with the same random weights, observations and noise; the encoder is timed apart. Times
are milliseconds per call, medians over repeats, in CPU time of the process and in wall time; the first call
of the fused decoder, which compiles or loads the kernel, is reported and not part of them.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch
from torch import Tensor

from marlzoo.nets.attention import BodyShape
from marlzoo.nets.decode_numba import FusedDecoder
from marlzoo.nets.heads import gumbel
from marlzoo.nets.mat_body import MatBody

OBS_DIM, ACTIONS = 128, 14
"""Those of `smac:3s5z`."""


def median_milliseconds(work: Callable[[], object], repeats: int) -> dict[str, float]:
    """CPU and wall time of one call."""
    cpu, wall = [], []
    for _ in range(repeats):
        cpu_start, wall_start = time.process_time(), time.perf_counter()
        work()
        cpu.append(1e3 * (time.process_time() - cpu_start))
        wall.append(1e3 * (time.perf_counter() - wall_start))
    return {"cpu_ms": round(statistics.median(cpu), 3), "wall_ms": round(statistics.median(wall), 3)}


def compare(agents: int, rows: int, repeats: int, body: MatBody, fused: FusedDecoder) -> dict[str, Any]:
    """Both decoders on `rows` joint steps of `agents` agents."""
    generator = torch.Generator().manual_seed(agents)
    alive = torch.ones(rows, agents, dtype=torch.bool)
    prepared = body.prepare(torch.randn(rows, agents, OBS_DIM, generator=generator))
    mask = torch.rand(rows, agents, ACTIONS, generator=generator) < 0.6
    mask[..., 1] = True
    noise = gumbel((rows, agents, ACTIONS), generator)

    @torch.no_grad()
    def encode() -> Tensor:
        return body.encode(prepared, alive)

    rep = encode()
    cached_actions, fused_actions = body.act(rep, alive, mask, noise), fused(rep, mask, noise, None)
    timings = {
        "encoder": median_milliseconds(encode, repeats),
        "torch": median_milliseconds(lambda: body.act(rep, alive, mask, noise), repeats),
        "fused": median_milliseconds(lambda: fused(rep, mask, noise, None), repeats),
    }
    return {
        "agents": agents,
        "rows": rows,
        **timings,
        "times_faster": round(timings["torch"]["cpu_ms"] / timings["fused"]["cpu_ms"], 1),
        "equal_actions": float((cached_actions == fused_actions).float().mean()),
    }


def main() -> None:
    """Print one line per number of agents, or one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--agents", type=int, nargs="+", default=[8, 27, 128])
    parser.add_argument("--rows", type=int, default=32, help="joint steps per call")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    body = MatBody(BodyShape(OBS_DIM, ACTIONS, True), torch.Generator().manual_seed(0), decoder="torch")
    fused = FusedDecoder(body.decoder)
    start = time.process_time()
    fused(torch.zeros(1, 1, 64), None, None, None)
    first = round(time.process_time() - start, 2)
    results = [compare(n, options.rows, options.repeats, body, fused) for n in options.agents]
    if options.json:
        print(json.dumps({"first_call_cpu_seconds": first, "threads": 1, "results": results}))
        return
    print(f"first call of the fused decoder: {first} s of CPU time")
    for result in results:
        parts = ", ".join(f"{part} {result[part]['cpu_ms']} ms" for part in ("encoder", "torch", "fused"))
        print(
            f"{result['agents']} agents x {result['rows']}: {parts}; {result['times_faster']} times faster, "
            f"{100 * result['equal_actions']:.1f} % equal actions"
        )


if __name__ == "__main__":
    main()
