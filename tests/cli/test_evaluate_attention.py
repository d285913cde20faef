"""`marlzoo evaluate` among more agents than a policy was trained with, and whom they attend to."""

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
from marlzoo.run.settings import RunSettings  # noqa: E402

ZOO = RUN_TESTS / "tiny_zoo.py"
SETTINGS = RunSettings(steps=80, eval_interval=80, eval_episodes=1, absolute_episodes=0)
TRAINED_ON = {
    "mat": "dubins:transfer-3?horizon=20",
    "srsv": "dubins:transfer-3?horizon=20",
    "parrot": "echo:1",
    "blind": "echo:1",
}


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A run of every algorithm but `blind`, which is a run of MAT where nobody's place is known."""
    folder, registry = tmp_path_factory.mktemp("runs"), Registry.load([ZOO])
    small = ["width=16", "num_envs=4", "rollout_length=10", "epochs=1", "minibatches=1"]
    for name, environment in TRAINED_ON.items():
        algorithm = "mat" if name == "blind" else name
        options = [] if name == "parrot" else small
        plan = make_plan(registry, algorithm, environment, overrides=options, settings=SETTINGS)
        begin_run(registry, plan, folder / name)
    return folder


def evaluate(capsys, *arguments):
    with pytest.raises(SystemExit) as caught:
        main(["--plugin", str(ZOO), "evaluate", *map(str, arguments), "--episodes", "2"])
    return caught.value.code, capsys.readouterr()


@pytest.mark.parametrize("algorithm", ["mat", "srsv"])
def test_the_document_says_who_attended_to_whom(runs, algorithm, capsys):
    documents = {}
    for attention in ("all", "nearest:12", "cells:12", "nearest:3", "cells:3"):
        code, said = evaluate(
            capsys,
            *(runs / algorithm, "--env", "dubins:transfer-12?horizon=20", "--attention", attention, "--json"),
        )
        assert code == 0, said.err
        documents[attention] = json.loads(said.out)
        assert documents[attention]["attention"] == attention
        assert documents[attention]["environment"] == "dubins:transfer-12?horizon=20"
        assert {"ceiling", "nominal_success"} <= set(documents[attention]["metrics"])
    returns = {attention: document["return"] for attention, document in documents.items()}
    assert returns["cells:12"] == returns["all"]
    assert returns["nearest:12"] == pytest.approx(returns["all"], abs=1e-3)
    assert len({returns["all"], returns["nearest:3"], returns["cells:3"]}) == 3


def test_people_read_what_is_unusual(runs, capsys):
    usual = evaluate(capsys, runs / "mat")[1].out
    limited = evaluate(capsys, runs / "mat", "--attention", "cells:2")[1].out
    assert "attention" not in usual
    shown = ("(", "reach ", "safe ", "ceiling ", "nominal success ", "return ")
    assert sorted(shown, key=usual.index) == list(shown)
    assert "on dubins:transfer-3?horizon=20, attention cells:2, 2 episodes: " in limited


def test_policies_without_attention_have_none(runs, capsys):
    code, said = evaluate(capsys, runs / "parrot", "--json")
    assert code == 0, said.err
    assert json.loads(said.out)["attention"] is None


@pytest.mark.parametrize(
    ("run", "attention", "message"),
    [
        ("mat", "some", "attention 'some' is unknown; choose all, nearest:8 or cells:8"),
        ("mat", "nearest:0", "attention 'nearest:0' is unknown"),
        ("parrot", "all", "agents of parrot do not attend to each other; leave --attention out"),
        ("blind", "nearest:1", "attention nearest:1 needs to know where agents are"),
    ],
)
def test_attention_that_cannot_be_is_refused_in_a_line(runs, run, attention, message, capsys):
    code, said = evaluate(capsys, runs / run, "--attention", attention)
    assert code == 2
    assert said.err.startswith("error: ")
    assert message in said.err
    assert said.err.count("\n") == 1
