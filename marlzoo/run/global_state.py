"""What a process has only one of: the global settings and generators of torch, numpy and Python."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch


@dataclass(frozen=True)
class Shared:
    """One piece of global state. What `read` returns can be compared, and can be given to `write`."""

    name: str
    read: Callable[[], Any]
    write: Callable[[Any], object]


@dataclass(frozen=True)
class GlobalGenerator(Shared):
    """A generator of random numbers that belongs to nobody; `seed` takes 32 bits."""

    seed: Callable[[int], object]


def _read_device() -> torch.device:
    return torch.get_default_device()


def _write_device(device: torch.device) -> None:
    # Naming the CPU, too, would put a layer around every function of torch.
    torch.set_default_device(None if device.type == "cpu" else device)


def _read_deterministic() -> tuple[bool, bool]:
    return (
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
    )


def _write_deterministic(value: tuple[bool, bool]) -> None:
    torch.use_deterministic_algorithms(value[0], warn_only=value[1])


def _read_torch() -> bytes:
    return torch.get_rng_state().numpy().tobytes()


def _write_torch(state: bytes) -> None:
    torch.set_rng_state(torch.frombuffer(bytearray(state), dtype=torch.uint8))


def _read_numpy() -> tuple[Any, ...]:
    kind, words, *rest = np.random.get_state()  # noqa: NPY002 (the global generator is what is watched)
    return (kind, np.asarray(words).tobytes(), *rest)


def _write_numpy(state: tuple[Any, ...]) -> None:
    kind, words, *rest = state
    np.random.set_state((kind, np.frombuffer(words, np.uint32), *rest))  # noqa: NPY002


def _seed_numpy(seed: int) -> None:
    np.random.seed(seed)  # noqa: NPY002


THREADS = Shared("torch's number of threads", torch.get_num_threads, torch.set_num_threads)

STANDARD: tuple[tuple[Shared, Any], ...] = (
    (Shared("torch's default dtype", torch.get_default_dtype, torch.set_default_dtype), torch.float32),
    (Shared("torch's default device", _read_device, _write_device), torch.device("cpu")),
    (Shared("torch's gradient mode", torch.is_grad_enabled, torch.set_grad_enabled), True),
    (
        Shared("torch's deterministic mode", _read_deterministic, _write_deterministic),
        (False, False),
    ),
    (
        Shared(
            "torch's precision of matrix products",
            torch.get_float32_matmul_precision,
            torch.set_float32_matmul_precision,
        ),
        "highest",
    ),
    (
        Shared("torch's anomaly detection", torch.is_anomaly_enabled, torch.autograd.set_detect_anomaly),
        False,
    ),
    (
        Shared("numpy's handling of errors", np.geterr, lambda modes: np.seterr(**modes)),
        {"divide": "warn", "over": "warn", "under": "ignore", "invalid": "warn"},
    ),
)
"""Settings with the values that they have in every run, whatever its process did before."""

GENERATORS = (
    GlobalGenerator(
        "torch's global generator", _read_torch, _write_torch, torch.default_generator.manual_seed
    ),
    GlobalGenerator("numpy's global generator", _read_numpy, _write_numpy, _seed_numpy),
    GlobalGenerator("Python's global generator", random.getstate, random.setstate, random.seed),
)


@contextlib.contextmanager
def kept() -> Iterator[None]:
    """Whatever happens inside, all of it is afterwards as it was."""
    shared = (THREADS, *(setting for setting, _ in STANDARD), *GENERATORS)
    before = [(one, one.read()) for one in shared]
    try:
        yield
    finally:
        for one, value in before:
            one.write(value)


def standard_settings(threads: int) -> list[tuple[Shared, Any]]:
    """What is watched, each with its value during a run that computes with `threads` threads."""
    return [(THREADS, threads), *STANDARD]
