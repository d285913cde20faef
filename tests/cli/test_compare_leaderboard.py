"""`marlzoo leaderboard`: what gets in, what is refused, and what it shows."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from marlzoo.bench.store import write_entry
from marlzoo.cli.main import main

sys.path.append(str(Path(__file__).parents[1] / "unit" / "bench"))

from entries import entry

RUN_TESTS = Path(__file__).parents[1] / "unit" / "run"
ZOO = ["--plugin", str(RUN_TESTS / "tiny_zoo.py"), "--plugin", str(Path(__file__).with_name("suite_zoo.py"))]
RUN = ["run", "parrot", "--env", "echo:1", "--quiet"]


def marlzoo(*arguments: str) -> int:
    with pytest.raises(SystemExit) as caught:
        main([*ZOO, *arguments])
    return int(caught.value.code or 0)


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(RUN_TESTS))
    return tmp_path


def test_a_finished_run_gets_in_and_is_shown(here, capsys):
    assert marlzoo(*RUN, "--steps", "200", "--out", "run") == 0
    assert marlzoo("leaderboard", "add", "run", "--suite", "tiny") == 0
    (path,) = (here / "leaderboard" / "results").glob("tiny/echo-1@embedded-1/*/0.json")
    assert capsys.readouterr().out.strip() == str(path.relative_to(here))
    assert marlzoo("leaderboard", "add", "run", "--suite", "tiny", "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"files": [str(path.relative_to(here))]}
    assert marlzoo("leaderboard", "show", "--suite", "tiny") == 0
    first, _, third, *_ = capsys.readouterr().out.splitlines()
    assert first == "# tiny: embedded 1, 200 steps"
    assert third == "## echo:1: hits, 200 steps, best policy on 320 new episodes"
    assert marlzoo("leaderboard", "show", "--suite", "tiny", "--json") == 0
    (section,) = json.loads(capsys.readouterr().out)["sections"]
    assert section["tasks"][0]["standings"][0]["seeds"] == [0]
    assert marlzoo("leaderboard", "build") == 0
    assert capsys.readouterr().out.strip() == (
        "leaderboard/README.md and leaderboard/index.html: 1 run(s) in 1 section(s)"
    )
    assert "echo:1" in (here / "leaderboard" / "index.html").read_text()


def test_a_run_whose_budget_grew_is_refused(here, capsys):
    assert marlzoo(*RUN, "--steps", "100", "--out", "run") == 0
    assert marlzoo("resume", "run", "--steps", "200", "--quiet") == 0
    assert marlzoo("leaderboard", "add", "run", "--suite", "tiny") == 2
    assert "run began with a budget of 100 steps and was extended" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("steps", "suite", "message"),
    [
        ("240", "tiny", "a run of 240 steps does not belong to suite 'tiny', whose budget is 200"),
        ("200", "first-look", "echo:1 is not in suite 'first-look'"),
        ("200", "tin", "unknown suite 'tin'; did you mean 'tiny'?"),
    ],
)
def test_what_does_not_belong_is_refused(here, capsys, steps, suite, message):
    assert marlzoo(*RUN, "--steps", steps, "--out", "run") == 0
    assert marlzoo("leaderboard", "add", "run", "--suite", suite) == 2
    assert f"error: {message}" in capsys.readouterr().err
    assert not (here / "leaderboard").exists()


def test_a_run_that_was_evaluated_otherwise_is_refused(here, capsys):
    assert marlzoo(*RUN, "--steps", "200", "--eval-episodes", "4", "--out", "run") == 0
    assert marlzoo("leaderboard", "add", "run", "--suite", "tiny") == 2
    assert (
        "error: the run was evaluated by 4 episodes every 4 steps and 320 at the end; suite 'tiny' has 32 "
        "episodes every 4 steps and 320 at the end"
    ) in capsys.readouterr().err


def test_an_edited_result_is_not_shown(here, capsys):
    path = write_entry(here / "store", "tiny", entry("parrot", 0, 0.5, env="echo:1"))
    path.write_text(path.read_text().replace('"agents": 2', '"agents": 3'))
    assert marlzoo("leaderboard", "show", "--suite", "tiny", "--store", "store") == 1
    assert "was edited" in capsys.readouterr().err


def test_versions_of_an_engine_are_shown_apart(here, capsys):
    for version, score in (("1", 0.25), ("2", 0.75)):
        write_entry(here / "store", "tiny", entry("parrot", 0, score, env="echo:1", backend_version=version))
    assert marlzoo("leaderboard", "show", "--results", "store") == 0
    lines = capsys.readouterr().out.splitlines()
    headings = [line for line in lines if line.startswith("# ")]
    assert headings == ["# tiny: embedded 2, 1,000 steps", "# tiny: embedded 1, 1,000 steps (earlier engine)"]
    assert [line for line in lines if line.startswith("| parrot")] == [
        line for score in ("0.75", "0.25") for line in lines if f"| {score} |" in line
    ]


def test_an_empty_store_says_how_to_fill_it(here, capsys):
    assert marlzoo("leaderboard", "show", "--suite", "tiny") == 2
    assert "has no results of 'tiny'; add some by 'marlzoo leaderboard add RUN...'" in capsys.readouterr().err
