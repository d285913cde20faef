"""Both algorithms pass the contract that marlzoo holds its own to, with their preset for tiny worlds."""

from __future__ import annotations

from marlzoo.testing import AlgorithmContract


class TestQmix(AlgorithmContract):
    algorithm = "marlzoo-qmix/qmix"


class TestVdn(AlgorithmContract):
    algorithm = "marlzoo-qmix/vdn"
