"""Checkpoints: one file each, replaced atomically, loaded without running code from the file.

A checkpoint holds all that an exact continuation needs, and within it, under `"best"`, the policy with the
best evaluation so far: one file, so the two can never disagree.
"""

from __future__ import annotations

import contextlib
import io
import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from marlzoo.errors import UsageError
from marlzoo.run.codec import decode, encode
from marlzoo.run.files import replace_file, reported

FORMAT = 1
"""Raised when an older marlzoo could not read what a newer one writes."""

_MARK = "marlzoo_checkpoint"
_NAME = re.compile(r"step-(\d+)\.pt")


def save(path: Path, content: Mapping[str, Any], kept: str) -> None:
    """Write `content` to `path`, all of it or nothing.

    `kept` tells the user what remains when that fails.

    Raises:
        RunError: the file could not be written (full disk); an older file of this name is untouched.
        PluginError: `content` holds something that a checkpoint cannot.
    """
    buffer = io.BytesIO()
    torch.save({_MARK: FORMAT, "content": encode(dict(content), "checkpoint")}, buffer)
    with reported(path, kept):
        replace_file(path, buffer.getbuffer())


def load(path: Path) -> dict[str, Any]:
    """Read what `save` wrote.

    Raises:
        UsageError: the file is missing, truncated, not a marlzoo checkpoint, or of a newer format.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch's advice on foreign files is for programmers
            document = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise UsageError(f"cannot read checkpoint {path}: {error.strerror or error}") from error
    except Exception as error:  # torch raises half a dozen types on files that it cannot parse
        raise UsageError(
            f"{path} is not a readable marlzoo checkpoint (truncated, or of another program); "
            "take another file of the checkpoints folder"
        ) from error
    return _content(path, document)


def _content(path: Path, document: Any) -> dict[str, Any]:
    if not isinstance(document, dict) or not isinstance(document.get(_MARK), int):
        raise UsageError(f"{path} was not written by marlzoo; give a file of a run's checkpoints folder")
    if document[_MARK] > FORMAT:
        raise UsageError(
            f"{path} has checkpoint format {document[_MARK]}, this marlzoo reads up to {FORMAT}; "
            "upgrade marlzoo"
        )
    content: dict[str, Any] = decode(document["content"])
    return content


class CheckpointFolder:
    """The checkpoints of one run; the last `keep` are kept."""

    def __init__(self, path: Path, keep: int) -> None:
        self.path = path
        self._keep = keep

    def steps(self) -> list[int]:
        """The steps of the checkpoints there are, oldest first."""
        names = self.path.glob("step-*.pt") if self.path.is_dir() else ()
        return sorted(int(match[1]) for match in map(_NAME.fullmatch, (p.name for p in names)) if match)

    def file(self, step: int) -> Path:
        return self.path / f"step-{step:012d}.pt"

    def save(self, step: int, content: Mapping[str, Any]) -> Path:
        """Write the checkpoint of `step`, then remove those that are no longer kept."""
        self.path.mkdir(exist_ok=True)
        path = self.file(step)
        save(path, content, self.kept())
        self._rotate()
        return path

    def load_last(self) -> tuple[dict[str, Any], Path, list[str]] | None:
        """The newest readable checkpoint, its path, and a line about each newer one that could not be read.

        `None` when the run has not saved any.

        Raises:
            UsageError: there are checkpoints, but none is readable.
        """
        problems: list[str] = []
        for step in reversed(self.steps()):
            content = _load_or_note(self.file(step), problems)
            if content is not None:
                return content, self.file(step), problems
        if problems:
            raise UsageError(problems[0])
        return None

    def kept(self) -> str:
        """What a failed run leaves behind, in words."""
        steps = self.steps()
        if not steps:
            return "the run has no checkpoint yet"
        run = self.path.parent
        return f"the checkpoint of step {steps[-1]:,} is kept; 'marlzoo resume {run}' goes on from it"

    def _rotate(self) -> None:
        for step in self.steps()[: -self._keep]:
            with contextlib.suppress(OSError):
                self.file(step).unlink()
        for staged in self.path.glob(".*.tmp"):
            with contextlib.suppress(OSError):
                staged.unlink()


def _load_or_note(path: Path, problems: list[str]) -> dict[str, Any] | None:
    try:
        return load(path)
    except UsageError as error:
        problems.append(str(error))
        return None
