"""`marlzoo replay` on a run that was really trained, and what it refuses."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

RUN_TESTS = Path(__file__).parents[1] / "unit" / "run"
sys.path.insert(0, str(RUN_TESTS))

from marlzoo.cli.main import main  # noqa: E402
from marlzoo.registry import Registry  # noqa: E402
from marlzoo.run.experiment import begin_run  # noqa: E402
from marlzoo.run.plan import make_plan  # noqa: E402
from marlzoo.run.policy import evaluate_run  # noqa: E402
from marlzoo.run.settings import RunSettings  # noqa: E402

ZOO = RUN_TESTS / "tiny_zoo.py"
SETTINGS = {"steps": 80, "eval_interval": 80, "eval_episodes": 2, "absolute_episodes": 2}


@pytest.fixture(scope="module")
def registry():
    return Registry.load([ZOO])


@pytest.fixture(scope="module")
def runs(registry, tmp_path_factory):
    """One run that can be watched and one that cannot."""
    folder = tmp_path_factory.mktemp("runs")
    small = ["width=16", "num_envs=4", "rollout_length=10", "epochs=1", "decoder=torch"]
    wanted = {
        "cars": make_plan(
            registry,
            "srsv",
            "dubins:transfer-3?horizon=20",
            overrides=small,
            settings=RunSettings(**SETTINGS),
        ),
        "echo": make_plan(registry, "parrot", "echo:1", settings=RunSettings(**SETTINGS)),
    }
    for name, plan in wanted.items():
        begin_run(registry, plan, folder / name)
    return folder


def replay(capsys, *arguments):
    with pytest.raises(SystemExit) as caught:
        main(["--plugin", str(ZOO), "replay", *map(str, arguments)])
    return caught.value.code, capsys.readouterr()


def test_a_page_of_the_episodes_that_evaluate_plays(runs, registry, tmp_path, capsys):
    out = tmp_path / "made" / "page.html"
    code, said = replay(capsys, runs / "cars", "-o", out, "--episodes", "2", "--seed", "3", "--json")
    assert code == 0, said.err
    facts = json.loads(said.out)
    played = evaluate_run(registry, runs / "cars", episodes=2, seed=3)
    assert [one["steps"] for one in facts["episodes"]] == [20, 20]
    returns = [one["return"] for one in facts["episodes"]]
    assert sum(returns) / 2 == pytest.approx(played["return"], rel=1e-5)
    assert facts["policy_step"] == played["policy_step"]
    page = out.read_text()
    assert "srsv on dubins:transfer-3?horizon=20" in page
    (data,) = [line for line in page.splitlines() if 'id="data"' in line]
    episode = json.loads(data.partition(">")[2].rpartition("</script>")[0])["episodes"][0]
    assert episode["values"]["shape"] == [20, 3]
    assert episode["attention"]["shape"] == [20, 3, 3]


def test_people_get_lines(runs, tmp_path, capsys):
    code, said = replay(capsys, runs / "cars", "-o", tmp_path / "page.html")
    assert code == 0, said.err
    lines = said.out.splitlines()
    assert lines[0].startswith("srsv (step ")
    assert lines[1].startswith("episode 1: 20 steps, out of time, return ")
    assert lines[-1] == f"replay: {tmp_path / 'page.html'}"


@pytest.mark.parametrize(
    ("run", "options", "message"),
    [
        ("cars", ["-o", "x.avi"], "cannot write x.avi: a replay ends in .html, .gif, .mp4"),
        ("echo", [], "echo:1 cannot be shown: its environment has neither 'scene' and 'moment' nor 'frame'"),
        ("nobody", [], "nobody is not a run folder"),
        ("cars", ["--env", "dubins:transfer-3?neighbours=2"], "does not fit dubins:transfer-3?neighbours=2"),
    ],
)
def test_what_cannot_be_shown_is_refused_in_a_line(
    runs, run, options, message, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    code, said = replay(capsys, runs / run, *options)
    assert code == 2
    assert said.err.startswith("error: ")
    assert message in said.err
    assert said.err.count("\n") == 1
    assert not list(tmp_path.iterdir())
