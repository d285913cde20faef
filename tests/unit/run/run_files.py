"""Comparing run folders: everything that a run computed, less the times it took."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from marlzoo.run.files import read_json, read_rows
from marlzoo.run.folder import RunFolder

_TIMES = {"wall_seconds", "cpu_seconds", "seconds", "steps_per_second"}


def computed(path: Path) -> dict[str, Any]:
    """What two runs of the same plan must agree on, bit for bit."""
    folder = RunFolder(path)
    found = folder.checkpoints().load_last()
    assert found is not None
    trainer = {key: value for key, value in found[0]["trainer"].items() if key != "clock"}
    trainer["counters"].pop("saved_at")
    return {
        "metrics": [_timeless(row) for row in read_rows(path / "metrics.jsonl")],
        "evaluations": [_timeless(row) for row in read_rows(path / "evaluations.jsonl")],
        "result": _timeless(read_json(folder.result)),
        "trainer": repr_exact(trainer),
        "sinks": found[0]["sinks"],
    }


def _timeless(row: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key not in _TIMES and not key.startswith("time/")}


def repr_exact(tree: Any) -> Any:
    """Tensors and arrays as bytes, so that `==` compares every bit."""
    if isinstance(tree, torch.Tensor):
        return (str(tree.dtype), tuple(tree.shape), tree.contiguous().numpy().tobytes())
    if isinstance(tree, dict):
        return {key: repr_exact(value) for key, value in tree.items()}
    if isinstance(tree, list | tuple):
        return [repr_exact(value) for value in tree]
    return (tree.dtype.str, tree.shape, tree.tobytes()) if hasattr(tree, "tobytes") else tree
