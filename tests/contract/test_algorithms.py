"""Every built-in algorithm passes the contract, in its main variants."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from marlzoo.registry import Registry
from marlzoo.specs import AlgorithmSpec
from marlzoo.testing import AlgorithmContract

QUICK: dict[str, Any] = {
    "rollout_length": 8,
    "epochs": 4,
    "clip": 0.2,
    "lr": 2e-3,
    "critic_lr": 2e-3,
    "entropy_coef": 0.01,
    "width": 32,
    "chunk_length": 4,
    "decoder": "torch",
}
"""Short rollouts and large steps: enough for worlds of one lesson."""

VARIANTS: list[tuple[str, dict[str, Any]]] = [
    ("mappo", {"recurrent": True}),
    ("mappo", {"share_parameters": False, "minibatches": 2}),
    ("mappo", {"critic_input": "obs", "agent_ids": True, "timeout": "bootstrap", "recurrent": True}),
    ("a2po", {"share_parameters": False, "minibatches": 2}),
    ("a2po", {"critic_input": "obs", "timeout": "bootstrap", "recurrent": True}),
    ("happo", {"timeout": "zero_advantage", "recurrent": True}),
    ("mat", {"decoder": "fused"}),
    ("srsv", {"decoder": "fused", "value_base": "do", "timeout": "bootstrap"}),
]
"""Beside the plain form of every algorithm that is installed."""


def _cases() -> list[Any]:
    specs = {entry.spec.name: entry.spec for entry in Registry.load().algorithms() if entry.plugin.builtin}
    plain = [pytest.param((spec, {}), id=name) for name, spec in specs.items()]
    special = [
        pytest.param((_as_claimed(specs[name], options), options), id=f"{name}-{'-'.join(options)}")
        for name, options in VARIANTS
    ]
    return plain + special


def _as_claimed(spec: AlgorithmSpec, options: dict[str, Any]) -> AlgorithmSpec:
    """The spec of a variant: with an actor or an input per agent, the number of agents is fixed."""
    fixed = options.get("agent_ids") or options.get("share_parameters") is False
    return dataclasses.replace(spec, count_free=False) if fixed else spec


@pytest.mark.parametrize("case", _cases(), scope="class")
class TestBuiltins(AlgorithmContract):
    learning_updates = 40

    @pytest.fixture(autouse=True)
    def _choose(self, case: tuple[AlgorithmSpec, dict[str, Any]]) -> None:
        spec, options = case
        type(self).spec = spec
        type(self).options = {**QUICK, **options}
