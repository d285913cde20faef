"""Files that survive a power cut: whole-file replacement and append-only lines."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from marlzoo.errors import RunError, UsageError


@contextlib.contextmanager
def reported(path: Path, kept: str = "what was saved before is untouched") -> Iterator[None]:
    """Turn a failure to write `path` (full disk, no permission) into a one-line error that says what is
    kept."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise RunError(f"cannot write {path}: {reason}; {kept}") from error


def replace_file(path: Path, data: bytes | memoryview) -> None:
    """Put `data` in the place of `path`, all of it or nothing, durably.

    Raises:
        OSError: it could not be written; `path` is then as it was before.
    """
    staged = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with open(staged, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(staged, path)
    except BaseException:
        with contextlib.suppress(OSError):
            staged.unlink()
        raise
    _sync_folder(path.parent)


def write_json(path: Path, document: Mapping[str, Any]) -> None:
    """Replace `path` with an indented JSON document.

    Raises:
        RunError: it could not be written.
    """
    text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    with reported(path):
        replace_file(path, text.encode())


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        UsageError: the file is missing, unreadable, or holds something else.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror or error}") from error
    except ValueError as error:
        raise UsageError(
            f"{path} is not valid JSON ({error}); restore the file or start a new run"
        ) from error
    if not isinstance(document, dict):
        raise UsageError(f"{path} holds no JSON object; restore the file or start a new run")
    return document


class JsonLines:
    """An append-only file of JSON objects, one a line, that can be cut back to a number of lines."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.count = len(read_lines(path))
        with reported(path):
            # Unbuffered: after a full disk there must be nothing left to flush at closing time.
            self._file = open(path, "ab", buffering=0)  # noqa: SIM115 (open as long as the run lasts)

    def append(self, row: Mapping[str, Any]) -> None:
        """Write one line and hand it to the operating system."""
        rest = memoryview((json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n").encode())
        with reported(self.path):
            while rest:
                rest = rest[self._file.write(rest) :]
        self.count += 1

    def sync(self) -> int:
        """Make what was written durable; returns the number of lines."""
        with reported(self.path):
            os.fsync(self._file.fileno())
        return self.count

    def truncate(self, count: int) -> None:
        """Forget all but the first `count` lines, and any half-written one.

        Raises:
            RunError: the file holds fewer lines.
        """
        lines = read_lines(self.path)
        if len(lines) < count:
            raise RunError(
                f"{self.path} has {len(lines)} whole lines where the checkpoint knows {count}; "
                "restore the file, or start a new run"
            )
        with reported(self.path):
            self._file.truncate(sum(len(line) for line in lines[:count]))
        self.count = count

    def close(self) -> None:
        self._file.close()


def read_lines(path: Path) -> list[bytes]:
    """The whole lines of a file, line ends included; a missing file has none."""
    if not path.exists():
        return []
    return [line for line in path.read_bytes().splitlines(keepends=True) if line.endswith(b"\n")]


def read_rows(path: Path) -> list[dict[str, Any]]:
    """The objects of a `JsonLines` file."""
    return [json.loads(line) for line in read_lines(path)]


def _sync_folder(folder: Path) -> None:
    """Make a rename durable. Not every system can open a folder; there the rename alone has to do."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
