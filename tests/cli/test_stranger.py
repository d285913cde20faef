"""A stranger publishes an algorithm: the commands at the top of CONTRIBUTING.md, in a new environment."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SMALL = ROOT / "tests" / "docs" / "small_budgets.py"
"""marlzoo, with budgets for tests."""


def commands() -> list[list[str]]:
    """The words of every line of the first shell block."""
    block = re.search(r"```sh\n(.*?)```", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"), re.S)
    assert block is not None
    return [shlex.split(line, comments=True) for line in block[1].splitlines()]


@pytest.fixture(scope="module")
def stranger(tmp_path_factory):
    """An empty folder with a virtual environment in which what is installed here can be imported.

    In place of an installation of torch and marlzoo it has the packages of the one that runs the tests.
    """
    folder = tmp_path_factory.mktemp("stranger")
    venv.create(folder / ".venv", with_pip=False)
    places = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    lines = [f"import site; site.addsitedir({place!r})\n" for place in sorted(places)]
    site = next((folder / ".venv" / "lib").glob("python*/site-packages"))
    (site / "parent.pth").write_text("".join(lines))
    return folder


def run(folder: Path, *arguments: str) -> str:
    """What Python prints with these arguments in the stranger's environment."""
    environ = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "MARLZOO_"))
    }
    done = subprocess.run(
        [str(folder / ".venv" / "bin" / "python"), *arguments],
        cwd=folder,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{arguments}: {done.stdout}\n{done.stderr}"
    return done.stdout


def test_every_command_works_at_once(stranger):
    given = commands()
    assert given[0] == ["pip", "install", "marlzoo"]
    names = [" ".join(words[:2]) for words in given[1:]]
    assert names == ["marlzoo new-plugin", "pip install", "marlzoo check", "marlzoo run", "marlzoo compare"]
    for words in given[1:]:
        if words[0] == "pip":
            offline = ["--quiet", "--no-build-isolation", "--no-deps", "--no-index"]
            run(stranger, "-m", "pip", "install", *offline, *words[2:])
        else:
            run(stranger, str(SMALL), *words[1:])
    found = json.loads(run(stranger, "-m", "marlzoo", "plugins", "--json"))
    (foo,) = (plugin for plugin in found["plugins"] if plugin["distribution"] == "marlzoo-foo")
    assert (foo["version"], foo["offers"]) == ("0.1.0", {"algorithms": ["foo"]})
    assert Path(foo["path"]) == stranger / "marlzoo-foo" / "marlzoo_foo" / "__init__.py"
    assert found["problems"] == []
    results = sorted((stranger / "comparisons").rglob("result.json"))
    assert {json.loads(path.read_text())["algorithm"] for path in results} >= {"marlzoo-foo/foo"}


def test_the_stranger_uses_another_interpreter_than_we_do(stranger):
    assert (
        run(stranger, "-c", "import sys; print(sys.prefix)").strip() == str(stranger / ".venv") != sys.prefix
    )
