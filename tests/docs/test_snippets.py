"""Every command and every piece of Python in the documentation works.

Each page is worked through in a folder of its own, from top to bottom, with the budgets of
`small_budgets.py`. The fast tests run whatever takes a moment, and the README but for its comparison; of the
rest they look at the arguments. With `--run-slow` everything is run. Commands within sentences only have to
exist, with their options: they are there to be named.
"""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from small_budgets import expect_known, parse, small
from snippets import ROOT, SHELLS, Block, blocks, is_training, outside_blocks, pages, spoken_commands

PAGES = [page for page in pages() if any(block.language in (*SHELLS, "python") for block in blocks(page))]
LANGUAGES = {*SHELLS, "python", "text", "toml", "yaml", "json", "bibtex", "ini", "markdown"}

NOT_RUN = {
    "CONTRIBUTING.md": 2,
    "docs/evaluation.md": 2,
    "docs/pettingzoo.md": 1,
    "docs/quickstart.md": 1,
    "docs/starcraft2.md": 1,
    "plugins/marlzoo-gridworld/README.md": 2,
    "plugins/marlzoo-qmix/README.md": 2,
}
"""How many blocks of a page say that they cannot be run, each with its reason."""

STUBS = {
    "marlzoo": f'exec "{sys.executable}" "{Path(__file__).with_name("small_budgets.py")}" "$@"',
    "python": f"""case "$1" in
benchmarks/*|scripts/*|tests/*) exec "{sys.executable}" "{ROOT}/$1" --help ;;
*) exec "{sys.executable}" "$@" ;;
esac""",
    "make": f'exec /usr/bin/make --dry-run --directory "{ROOT}" "$@"',
}
"""What these programs are in the blocks: marlzoo with small budgets; programs of the repository say their
help; make shows what it would do."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where a page is worked through: there are results in it, and nothing else."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for name, body in STUBS.items():
        (tools / name).write_text(f"#!/bin/sh\n{body}\n")
        (tools / name).chmod(0o755)
    shutil.copytree(ROOT / "leaderboard" / "results", tmp_path / "work" / "leaderboard" / "results")
    return tmp_path / "work"


def execute(block: Block, folder: Path, only_parsed: str = "") -> None:
    """Run a block; whatever fails in it fails the test, with the place where it stands."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("MARLZOO_")}
    environ["PATH"] = f"{folder.parent / 'tools'}{os.pathsep}{environ['PATH']}"
    environ["ONLY_PARSED"] = only_parsed
    command = ["bash", "-euo", "pipefail", "-c", block.script] if block.language in SHELLS else None
    done = subprocess.run(
        command or [sys.executable, "-c", block.code],
        cwd=folder,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        timeout=900,
    )
    assert done.returncode == 0, f"{block.place}\n{block.code}\n{done.stdout[-2000:]}\n{done.stderr[-3000:]}"


def look_at(block: Block) -> None:
    """Take the arguments of a shell block's commands; compile Python."""
    if block.language == "python":
        compile(block.code, block.place, "exec")
        return
    for words in block.commands():
        parse(small(words))


def distribution_is_missing(page: str) -> bool:
    """Whether a page is the README of a distribution of its own that is not installed."""
    folder = Path(page).parent.name
    return folder.startswith("marlzoo-") and not any(importlib.metadata.distributions(name=folder))


def runnable(page: str) -> list[Block]:
    return [block for block in blocks(page) if block.language in (*SHELLS, "python") and block.reason is None]


@pytest.mark.parametrize("page", PAGES)
def test_what_takes_a_moment_is_run(page, folder):
    if distribution_is_missing(page):
        pytest.skip("its distribution is not installed; install it from its folder")
    trained = False
    for block in runnable(page):
        trained = trained or block.trains
        if page == "README.md" or not trained:
            execute(block, folder, only_parsed="compare")
        else:
            look_at(block)


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES)
def test_everything_is_run(page, folder):
    if distribution_is_missing(page):
        pytest.skip("its distribution is not installed; install it from its folder")
    for block in runnable(page):
        execute(block, folder)


def test_what_is_not_run_says_why_and_is_counted():
    excused = Counter(block.page for page in pages() for block in blocks(page) if block.reason is not None)
    assert excused == NOT_RUN


@pytest.mark.parametrize("page", pages())
def test_every_block_says_its_language(page):
    assert {block.language for block in blocks(page)} <= LANGUAGES
    commands = ("    marlzoo ", "    pip ", "    python ")
    bare = [line for line in outside_blocks(page) if line.startswith(commands)]
    assert bare == [], "commands stand in ```sh blocks"


@pytest.mark.parametrize("page", [page for page in pages() if spoken_commands(page)])
def test_commands_in_sentences_exist_with_their_options(page):
    for words in spoken_commands(page):
        expect_known(words)


@pytest.mark.parametrize(
    "words", [["trian", "mat"], ["run", "mat", "--speed"], ["leaderboard", "ad", "--sweet"]]
)
def test_commands_that_do_not_exist_are_found_in_sentences(words):
    with pytest.raises(AssertionError, match=r"no such command|unknown --s"):
        expect_known(words)


def test_budgets_are_replaced_and_added():
    given = ["run", "mat", "--env", "smac:3m", "--steps", "2M", "--seed", "3", "-o", "lr=1e-3"]
    assert small(given) == [
        *["run", "mat", "--env", "smac:3m", "--seed", "3", "-o", "lr=1e-3", "--steps", "100"],
        *["--eval-interval", "50", "--eval-episodes", "2", "--absolute-episodes", "2", "-o", "num_envs=2"],
    ]
    assert small(["resume", "runs/mine", "--steps", "600k"]) == ["resume", "runs/mine", "--steps", "200"]
    assert small(["list", "suites"]) == ["list", "suites"]


def test_what_trains_is_known_by_its_command():
    assert is_training(["run", "mat", "--env", "smac:3m"])
    assert not is_training(["run", "mat", "--env", "smac:3m", "--print-config"])
    assert not is_training(["show", "mat"])


def test_blocks_are_found_with_their_reasons():
    first, second = [block for block in blocks("docs/pettingzoo.md") if block.language == "sh"]
    assert [words[:2] for words in first.commands()] == [["run", "mappo"]]
    assert (first.reason, second.reason) == (None, "my_pkg stands for the reader's own package")
