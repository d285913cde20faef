"""Checkpoints: durable, rotated, and safe to load whatever the file is."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from marlzoo.errors import RunError, UsageError
from marlzoo.run import checkpoint
from marlzoo.run.checkpoint import CheckpointFolder, load, save

CONTENT = {"weights": torch.arange(4.0), "table": np.arange(3, dtype=np.uint16), "pair": (1, [2.5, None])}


class Malicious:
    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (Path("executed"),))


def test_what_was_saved_is_loaded(tmp_path: Path) -> None:
    save(tmp_path / "a.pt", CONTENT, "nothing")
    content = load(tmp_path / "a.pt")
    assert torch.equal(content["weights"], CONTENT["weights"])
    assert content["table"].dtype == np.uint16
    assert content["pair"] == (1, [2.5, None])


def write_foreign(path: Path, kind: str) -> None:
    if kind == "truncated":
        save(path, CONTENT, "nothing")
        path.write_bytes(path.read_bytes()[:-200])
    elif kind == "empty":
        path.write_bytes(b"")
    elif kind == "text":
        path.write_text("hello")
    elif kind == "pickle":
        path.write_bytes(pickle.dumps({"model": Malicious()}))
    elif kind == "code":
        torch.save({"model": Malicious()}, path)
    elif kind == "weights":
        torch.save({"layer.weight": torch.ones(2)}, path)
    elif kind == "tensor":
        torch.save(torch.ones(2), path)


@pytest.mark.parametrize(
    "kind", ["truncated", "empty", "text", "pickle", "code", "weights", "tensor", "missing"]
)
def test_other_files_are_usage_errors_and_run_no_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.chdir(tmp_path)
    write_foreign(tmp_path / "a.pt", kind)
    with pytest.raises(UsageError, match=r"a\.pt") as caught:
        load(tmp_path / "a.pt")
    assert "\n" not in str(caught.value)
    assert not Path("executed").exists()


def test_a_newer_format_asks_for_a_newer_marlzoo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint, "FORMAT", 2)
    save(tmp_path / "a.pt", CONTENT, "nothing")
    monkeypatch.setattr(checkpoint, "FORMAT", 1)
    with pytest.raises(UsageError, match="has checkpoint format 2, this marlzoo reads up to 1; upgrade"):
        load(tmp_path / "a.pt")


def test_the_last_ones_are_kept_and_litter_is_removed(tmp_path: Path) -> None:
    folder = CheckpointFolder(tmp_path / "checkpoints", keep=2)
    assert folder.load_last() is None
    for step in (100, 20, 3000):
        folder.save(step, {"step": step})
        (folder.path / ".step-000000000001.pt.77.tmp").write_bytes(b"left by a killed process")
    folder.save(40_000, {"step": 40_000})
    assert folder.steps() == [3000, 40_000]
    assert sorted(path.name for path in folder.path.iterdir()) == [
        "step-000000003000.pt",
        "step-000000040000.pt",
    ]


def test_an_unreadable_last_checkpoint_falls_back_to_the_one_before(tmp_path: Path) -> None:
    folder = CheckpointFolder(tmp_path, keep=3)
    for step in (1, 2, 3):
        folder.save(step, {"step": step})
    folder.file(3).write_bytes(b"damaged")
    found = folder.load_last()
    assert found is not None
    content, path, problems = found
    assert content == {"step": 2}
    assert path == folder.file(2)
    assert len(problems) == 1
    for step in (1, 2):
        folder.file(step).write_bytes(b"damaged")
    with pytest.raises(UsageError, match="not a readable marlzoo checkpoint"):
        folder.load_last()


def test_a_full_disk_keeps_the_checkpoint_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = CheckpointFolder(tmp_path / "checkpoints", keep=1)
    folder.save(10, {"step": 10})

    def full_disk(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full_disk)
    with pytest.raises(
        RunError, match=r"No space left on device; the checkpoint of step 10 is kept; 'marlzoo resume"
    ):
        folder.save(20, {"step": 20})
    assert folder.steps() == [10]
    found = folder.load_last()
    assert found is not None
    assert found[0] == {"step": 10}
