"""A distribution like any other: found by its entry point, built on the public surface alone."""

from __future__ import annotations

import ast
import importlib.metadata
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import marlzoo_qmix

PACKAGE = Path(marlzoo_qmix.__file__).parent
PUBLIC = ("marlzoo.api", "marlzoo.learn", "marlzoo.memory", "marlzoo.nets")
OTHERS = ("__future__", "collections", "copy", "dataclasses", "typing", "pydantic", "torch")


def modules(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield str(node.module)


def test_imports_the_public_surface_and_torch() -> None:
    for path in PACKAGE.glob("*.py"):
        for module in modules(path):
            own = module.partition(".")[0] == "marlzoo_qmix"
            assert own or module.startswith(PUBLIC) or module.partition(".")[0] in OTHERS, (path.name, module)


def test_is_found_by_its_entry_point() -> None:
    points = importlib.metadata.distribution("marlzoo-qmix").entry_points.select(group="marlzoo")
    assert [(point.name, point.value) for point in points] == [("qmix", "marlzoo_qmix")]


def marlzoo(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "marlzoo", *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_trains_from_the_command_line(tmp_path: Path) -> None:
    options = "--steps 4k --eval-episodes 2 -o num_envs=8 -o batch_episodes=4 -o width=8"
    marlzoo("run", "qmix", "--env", "smac:3m", *options.split(), "--out", str(tmp_path / "run"))
    result = json.loads((tmp_path / "run" / "result.json").read_text())
    assert "marlzoo-qmix" in json.dumps(result)
    rows = (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()
    assert any("update/loss" in json.loads(row) for row in rows)
