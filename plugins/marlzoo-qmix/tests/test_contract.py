"""Both algorithms pass the contract that marlzoo holds its own algorithms to."""

from __future__ import annotations

from typing import Any, ClassVar

from marlzoo.testing import AlgorithmContract
from marlzoo_qmix import marlzoo_algorithms

SPECS = {spec.name: spec for spec in marlzoo_algorithms()}

QUICK: dict[str, Any] = {
    "batch_episodes": 32,
    "train_interval": 16,
    "target_interval": 64,
    "replay_steps": 2000,
    "epsilon_steps": 2000,
    "lr": 3e-3,
    "width": 32,
}


class TestQmix(AlgorithmContract):
    spec = SPECS["qmix"]
    options: ClassVar[dict[str, Any]] = QUICK


class TestVdn(AlgorithmContract):
    spec = SPECS["vdn"]
    options: ClassVar[dict[str, Any]] = QUICK
