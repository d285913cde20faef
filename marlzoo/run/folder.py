"""The run folder: where everything that a run leaves behind lies."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from marlzoo.errors import RunError, UsageError
from marlzoo.run.checkpoint import CheckpointFolder
from marlzoo.run.files import read_json, reported

try:
    import fcntl
except ImportError:  # not a POSIX system: two processes on one run are then the user's own responsibility
    fcntl = None  # type: ignore[assignment]

_LOCK = ".lock"


class RunFolder:
    """Paths of one run."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.manifest = path / "manifest.json"
        self.config = path / "config.json"
        self.result = path / "result.json"
        self.error = path / "error.txt"

    @classmethod
    def existing(cls, path: Path) -> RunFolder:
        """Raises `UsageError` when `path` is not the folder of a run."""
        folder = cls(path)
        if not folder.manifest.is_file():
            raise UsageError(
                f"{path} is not a run folder (no manifest.json); give a folder that 'marlzoo run' made"
            )
        return folder

    def checkpoints(self, keep: int = 1) -> CheckpointFolder:
        return CheckpointFolder(self.path / "checkpoints", keep)

    def check_free(self) -> None:
        """Raises `UsageError` when something is there already."""
        if self.manifest.exists():
            raise UsageError(
                f"{self.path} holds a run already; go on with it by 'marlzoo resume {self.path}', "
                "or give another --out"
            )
        if self.path.exists() and (not self.path.is_dir() or self._foreign()):
            raise UsageError(f"{self.path} exists and is not an empty folder; give another --out")

    def _foreign(self) -> set[str]:
        """What is in the folder, less what a run that was killed before its manifest leaves behind."""
        return {path.name for path in self.path.iterdir()} - {_LOCK, self.config.name}

    def create(self) -> None:
        self.check_free()
        with reported(self.path, "nothing was started"):
            self.path.mkdir(parents=True, exist_ok=True)

    def read_manifest(self) -> dict[str, Any]:
        return read_json(self.manifest)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the run for this process. The system frees the lock when the process ends, however it ends.

        Raises:
            RunError: another process works on the run.
        """
        with reported(self.path, "nothing was started"):
            file = open(self.path / _LOCK, "a")  # noqa: SIM115 (closed below)
        with contextlib.closing(file):
            if fcntl is not None:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError as error:
                    raise RunError(
                        f"{self.path} is in use by another process; wait for it, or end it first"
                    ) from error
            yield


def default_path(root: Path, environment: str, algorithm: str, seed: int) -> Path:
    """`root/<environment>/<algorithm>/<seed>-<time>`, a folder that does not exist yet."""
    stamp = datetime.now().strftime("%Y%m%d-%H%M%S")
    parent = root / _as_name(environment) / _as_name(algorithm)
    path, attempt = parent / f"{seed}-{stamp}", 1
    while path.exists():
        attempt += 1
        path = parent / f"{seed}-{stamp}-{attempt}"
    return path


def _as_name(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9._=-]+", "-", text).strip("-")
