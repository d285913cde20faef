"""Running results again: equal to the last bit, or what came out otherwise and what is not as it was."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from marlzoo.bench.leaderboard_verify import Circumstance, Deviation, default_steps, verify
from marlzoo.bench.schema import Entry
from marlzoo.bench.store import entry_from_run, write_entry
from marlzoo.cli.main import main
from marlzoo.errors import MissingPieceError
from marlzoo.registry import Registry
from marlzoo.run.experiment import begin_run, resume_run
from marlzoo.run.plan import make_plan
from marlzoo.run.settings import RunSettings

RUN_TESTS = Path(__file__).parents[1] / "run"
ZOO = RUN_TESTS / "tiny_zoo.py"
SMALL = {"steps": 200, "seed": 3, "eval_interval": 60, "eval_episodes": 4, "absolute_episodes": 6}


@pytest.fixture(scope="module")
def registry():
    sys.path.insert(0, str(RUN_TESTS))
    return Registry.load([ZOO])


@pytest.fixture(scope="module")
def result(registry, tmp_path_factory):
    """Of a run that was stopped and resumed on the way."""
    path = tmp_path_factory.mktemp("runs") / "run"
    plan = make_plan(registry, "parrot", "echo:2", overrides=["lr=0.1"], settings=RunSettings(**SMALL))
    polls = iter(range(1000))
    begin_run(registry, plan, path, stop=lambda: next(polls) > 12)
    resume_run(registry, path)
    return entry_from_run(path)


def changed(entry, **update):
    return Entry.model_validate(entry.document() | update)


def with_point(entry, index, **update):
    curve = entry.document()["curve"]
    curve[index] |= update
    return changed(entry, curve=curve)


@pytest.mark.parametrize(
    ("steps", "evaluations", "last"), [(0, 1, 0), (60, 2, 60), (179, 3, 120), (None, 5, 200)]
)
def test_the_same_run_is_the_same_to_the_last_bit(registry, result, steps, evaluations, last):
    found = verify(registry, result, steps)
    assert found is not None
    assert (found.equal, found.deviations, found.circumstances) == (True, (), ())
    assert (found.evaluations, found.steps) == (evaluations, last)
    compared = [point for point in result.curve if point.step <= last]
    end = 2 + len(result.episode_metrics) if steps is None else 0
    assert found.numbers == sum(5 + len(point.metrics) for point in compared) + end


def test_by_default_one_trained_policy_is_compared(result):
    assert default_steps(result) == result.curve[1].step == 60


def test_the_first_number_that_differs_is_named(registry, result):
    forged = with_point(with_point(result, 2, score=0.123), 3, score=0.5)
    found = verify(registry, forged, None)
    assert not found.equal
    assert found.deviations == (Deviation(120, "score", 0.123, result.curve[2].score),)


def test_a_metric_that_differs_in_its_last_bit_is_found(registry, result):
    metrics = dict(result.curve[1].metrics)
    metrics["update/loss"] *= 1 + 2**-52
    found = verify(registry, with_point(result, 1, metrics=metrics), 60)
    (deviation,) = found.deviations
    assert (deviation.step, deviation.name) == (60, "update/loss")
    assert deviation.found == result.curve[1].metrics["update/loss"]


def test_a_forged_end_is_found_by_a_whole_run_only(registry, result):
    forged = changed(result, absolute=result.document()["absolute"] | {"score": 0.99})
    assert verify(registry, forged, 200).equal
    (deviation,) = verify(registry, forged, None).deviations
    assert (deviation.name, deviation.recorded) == ("best policy's score", 0.99)


def test_forged_episode_metrics_are_found_by_a_whole_run(registry, result):
    assert result.episode_metrics
    forged = changed(result, episode_metrics=dict.fromkeys(result.episode_metrics, -3.0))
    deviations = verify(registry, forged, None).deviations
    assert {one.name for one in deviations} == {f"best policy's {name}" for name in result.episode_metrics}


def test_what_is_not_as_it_was_is_named(registry, result):
    elsewhere = changed(
        result,
        processor="another",
        versions=result.versions | {"torch": "1.0", "jax": "0.4"},
        system="TempleOS",
    )
    found = verify(registry, elsewhere, 0)
    assert found.equal
    assert [(one.name, one.recorded) for one in found.circumstances] == [
        ("processor", "another"),
        ("system", "TempleOS"),
        ("torch", "1.0"),
        ("jax", "0.4"),
    ]
    assert found.circumstances[-1] == Circumstance("jax", "0.4", "not installed")


def test_results_of_format_1_can_be_verified_too(registry, result):
    newer = {"origins", "settings", "system", "interference", "sessions", "episode_metrics"}
    document = {key: value for key, value in result.document().items() if key not in newer}
    curve = [{key: value for key, value in point.items() if key != "metrics"} for point in document["curve"]]
    found = verify(registry, Entry.model_validate(document | {"format": 1, "curve": curve}), None)
    assert (found.equal, found.numbers) == (True, 5 * 5 + 2)


@pytest.mark.parametrize(
    ("update", "message"),
    [
        ({"backend_version": "0"}, "was made with embedded 0, installed is embedded 1, whose rules differ"),
        ({"algorithm": "marlzoo-foo/foo"}, "cannot run it again: "),
        ({"environment": "moon:1"}, "cannot run it again: "),
        ({"config": {"lr": 0.1, "wings": 2}}, "cannot run it again: "),
    ],
)
def test_what_cannot_be_run_again_says_why(registry, result, update, message):
    with pytest.raises(MissingPieceError, match=message) as caught:
        verify(registry, changed(result, **update), 0)
    assert caught.value.exit_code == 3


def test_an_interrupted_verification_says_nothing(registry, result):
    assert verify(registry, result, None, stop=lambda: True) is None


def marlzoo(*arguments):
    with pytest.raises(SystemExit) as caught:
        main(["--plugin", str(ZOO), "leaderboard", "verify", *arguments])
    return int(caught.value.code or 0)


def test_the_command_and_its_exit_codes(result, tmp_path, capsys):
    store = tmp_path / "results"
    path = write_entry(store, "tiny", result)
    assert marlzoo(result.digest()[:8], "--results", str(store)) == 0
    assert capsys.readouterr().out.startswith("equal: 1")
    forged = write_entry(store, "forged", with_point(result, 0, score=0.123))
    assert marlzoo(str(forged), "--json") == 1
    document = json.loads(capsys.readouterr().out)
    assert (document["equal"], document["deviations"][0]["recorded"]) == (False, 0.123)
    assert marlzoo(str(forged)) == 1
    assert "this should have been equal" in capsys.readouterr().out
    old = write_entry(store, "old", changed(result, backend_version="0"))
    assert marlzoo(str(old)) == 3
    assert "whose rules differ" in capsys.readouterr().err
    assert marlzoo(str(path), "--whole", "--steps", "100") == 2
    assert "give --steps or --whole, not both" in capsys.readouterr().err
