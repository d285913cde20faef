"""A plug-in in one file that changes what belongs to everybody, as careless code does."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tiny_zoo import Parrot, ParrotConfig

from marlzoo import hookimpl
from marlzoo.algorithm import Mode
from marlzoo.specs import AlgorithmSpec

MARLZOO_API = 1


def _add_variable() -> None:
    os.environ["OMP_NUM_THREADS_OF_VANDAL"] = "64"


def _change_variable() -> None:
    os.environ["VANDAL"] = "changed"


def _remove_variable() -> None:
    os.environ.pop("VANDAL", None)


DEEDS: dict[str, Callable[[], Any]] = {
    "none": lambda: None,
    "threads": lambda: torch.set_num_threads(3),
    "dtype": lambda: torch.set_default_dtype(torch.float64),
    "device": lambda: torch.set_default_device("meta"),
    "grad": lambda: torch.set_grad_enabled(False),
    "deterministic": lambda: torch.use_deterministic_algorithms(True),
    "precision": lambda: torch.set_float32_matmul_precision("medium"),
    "anomaly": lambda: torch.autograd.set_detect_anomaly(True),
    "errors": lambda: np.seterr(all="raise"),
    "folder": lambda: os.chdir(Path(__file__).parent),
    "add_variable": _add_variable,
    "change_variable": _change_variable,
    "remove_variable": _remove_variable,
    "torch_generator": lambda: torch.rand(1),
    "numpy_generator": lambda: np.random.rand(),  # noqa: NPY002 (the point of it)
    "python_generator": random.random,
}
observer_deed = "none"
"""What the observers below do; tests set it."""


class VandalConfig(ParrotConfig):
    deed: str = "none"
    during: str = "update"


class Vandal(Parrot):
    """Learns like the parrot, and does its deed at the end of every second update or of every greedy act."""

    config: VandalConfig

    def update(self) -> dict[str, float] | None:
        metrics = super().update()
        if metrics is not None and self.config.during == "update" and self.updates % 2:
            DEEDS[self.config.deed]()
        return metrics

    def act(self, view: Any, carry: Any, mode: Mode) -> Any:
        decision = super().act(view, carry, mode)
        if mode is Mode.GREEDY and self.config.during == "evaluation":
            DEEDS[self.config.deed]()
        return decision


class Gambler(Parrot):
    """Uses the global generators for what it learns from, which it should not."""

    def update(self) -> dict[str, float] | None:
        metrics = super().update()
        if metrics is None:
            return None
        with torch.no_grad():
            self.net.weight += 0.01 * torch.randn_like(self.net.weight) * (1 + random.random())
        return metrics


@hookimpl
def marlzoo_algorithms() -> list[AlgorithmSpec]:
    return [
        AlgorithmSpec("vandal", "vandal_zoo:Vandal", "vandal_zoo:VandalConfig", "Does damage."),
        AlgorithmSpec("gambler", "vandal_zoo:Gambler", "tiny_zoo:ParrotConfig", "Uses global generators."),
    ]


@hookimpl
def marlzoo_evaluated(run: Any, evaluation: Any) -> None:
    if observer_deed == "cancel":
        raise asyncio.CancelledError
    DEEDS[observer_deed]()
