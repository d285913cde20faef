"""Every built-in algorithm passes the contract, in its main variants."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from marlzoo.registry import Registry
from marlzoo.specs import AlgorithmSpec
from marlzoo.testing import AlgorithmContract, Case, Subject, algorithm_cases

BUILTIN = {entry.spec.name: entry.spec for entry in Registry.load().algorithms() if entry.plugin.builtin}

VARIANTS: list[tuple[str, dict[str, Any]]] = [
    ("mappo", {"recurrent": True}),
    ("mappo", {"share_parameters": False, "minibatches": 2}),
    ("mappo", {"critic_input": "obs", "agent_ids": True, "timeout": "bootstrap", "recurrent": True}),
    ("mappo", {"share_critic": False, "frames": 2, "timeout": "zero_advantage", "popart": True}),
    ("a2po", {"share_parameters": False, "share_critic": False, "minibatches": 2, "recurrent": True}),
    ("a2po", {"critic_input": "obs", "timeout": "bootstrap", "recurrent": True}),
    ("happo", {"timeout": "zero_advantage", "recurrent": True}),
    ("mat", {"decoder": "fused"}),
    ("mat", {"frames": 2, "timeout": "bootstrap"}),
    ("mat_dec", {"share_parameters": False, "timeout": "bootstrap", "minibatches": 2}),
    ("srsv", {"decoder": "fused", "value_base": "do", "timeout": "bootstrap"}),
    ("srsv", {"frames": 3, "succ": "greedy_cont"}),
]
"""Beside the plain form of every algorithm."""

VARIANT_CASES = [case for case in algorithm_cases() if case.world in ("mortal", "target")]
"""The two worlds with least in common; what is learned hardly depends on the variant."""


@pytest.mark.parametrize("name", sorted(BUILTIN), scope="class")
class TestBuiltins(AlgorithmContract):
    learning_steps = 200

    @pytest.fixture(autouse=True)
    def _choose(self, name: str) -> None:
        type(self).spec = BUILTIN[name]


@pytest.mark.parametrize(
    "variant", VARIANTS, ids=[f"{name}-{'-'.join(options)}" for name, options in VARIANTS], scope="class"
)
class TestVariants(AlgorithmContract):
    learning_steps = 200

    @pytest.fixture(autouse=True)
    def _choose(self, variant: tuple[str, dict[str, Any]]) -> None:
        name, options = variant
        type(self).spec = _as_claimed(BUILTIN[name], options)
        type(self).options = options

    @pytest.mark.parametrize("case", VARIANT_CASES, ids=str)
    def test_contract(self, case: Case[Subject]) -> None:
        super().test_contract(case)


def _as_claimed(spec: AlgorithmSpec, options: dict[str, Any]) -> AlgorithmSpec:
    """The spec of a variant: with an actor or an input per agent, the number of agents is fixed."""
    fixed = options.get("agent_ids") or options.get("share_parameters") is False
    return dataclasses.replace(spec, count_free=False) if fixed else spec
