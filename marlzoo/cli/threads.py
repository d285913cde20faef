"""How many threads a process computes with. One by default: a run is small matrices, and several runs side by
side that each take all cores slow each other down many times over."""

from __future__ import annotations

import os

THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "NUMBA_NUM_THREADS",
)


def limit_threads(count: int) -> None:
    """Let torch, BLAS and Numba use `count` threads. Call it before anything heavy is imported."""
    for name in THREAD_VARIABLES:
        os.environ[name] = str(count)
    # Otherwise MKL may add in another order where memory lies differently, and a resumed run may differ.
    os.environ.setdefault("MKL_CBWR", "AUTO")
    import torch

    torch.set_num_threads(count)
