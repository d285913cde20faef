"""Files that are whole or not there, and lines that can be taken back."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from marlzoo.errors import RunError, UsageError
from marlzoo.run.files import JsonLines, read_json, read_rows, replace_file, write_json


def full_disk(*_: Any, **__: Any) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("where", ["os.fsync", "os.replace"])
def test_a_full_disk_leaves_the_old_file_and_no_litter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    path = tmp_path / "file"
    replace_file(path, b"old")
    monkeypatch.setattr(where, full_disk)
    with pytest.raises(OSError, match="No space left"):
        replace_file(path, b"new")
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file"]


def test_a_document_that_cannot_be_written_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.fsync", full_disk)
    with pytest.raises(RunError, match=r"cannot write .*document.json: No space left on device"):
        write_json(tmp_path / "document.json", {"a": 1})


@pytest.mark.parametrize(("text", "message"), [("{", "not valid JSON"), ("[1]", "no JSON object")])
def test_a_broken_document_is_a_usage_error(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "document.json").write_text(text)
    with pytest.raises(UsageError, match=message):
        read_json(tmp_path / "document.json")
    with pytest.raises(UsageError, match="No such file"):
        read_json(tmp_path / "missing.json")


def test_lines_are_cut_back_and_a_half_written_one_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b'{"n": 0}\n{"n": 1}\n{"n": 2}\n{"n": ')
    rows = JsonLines(path)
    assert rows.count == 3
    rows.truncate(2)
    rows.append({"n": "two"})
    assert rows.sync() == 3
    rows.close()
    assert [row["n"] for row in read_rows(path)] == [0, 1, "two"]
    assert path.read_bytes().endswith(b"\n")


def test_a_file_that_lost_lines_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b'{"n": 0}\n')
    with pytest.raises(RunError, match="1 whole lines where the checkpoint knows 4"):
        JsonLines(path).truncate(4)


def test_a_line_is_written_whole_even_in_pieces(tmp_path: Path) -> None:
    rows = JsonLines(tmp_path / "rows.jsonl")
    whole = rows._file

    class Reluctant:
        """Takes seven bytes at a time, as a raw file may."""

        def write(self, data: memoryview) -> int:
            return int(whole.write(data[:7]))

    rows._file = Reluctant()  # type: ignore[assignment]
    rows.append({"text": "longer than seven bytes"})
    whole.close()
    assert read_rows(tmp_path / "rows.jsonl") == [{"text": "longer than seven bytes"}]


def test_a_full_disk_while_appending_is_one_line(tmp_path: Path) -> None:
    rows = JsonLines(tmp_path / "rows.jsonl")
    rows.append({"a": 1})
    rows._file.close()
    rows._file = open("/dev/full", "ab", buffering=0)  # noqa: SIM115 (closed below)
    with pytest.raises(RunError, match=r"cannot write .*rows.jsonl: No space left on device"):
        rows.append({"a": 2})
    rows.close()
    assert rows.count == 1
