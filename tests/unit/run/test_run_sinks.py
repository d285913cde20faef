"""A plug-in's sink cannot end a run, change it, or be told of runs that nobody sent to it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sink_zoo
import tiny_zoo
from run_files import computed

from marlzoo.errors import RunError
from marlzoo.registry import Registry
from marlzoo.run.experiment import Outcome, begin_run, resume_run
from marlzoo.run.files import read_json
from marlzoo.run.listener import Listener
from marlzoo.run.plan import make_plan
from marlzoo.run.settings import RunSettings
from marlzoo.run.sinks import JsonLinesSink

SMALL = {"steps": 400, "eval_interval": 100, "eval_episodes": 4, "absolute_episodes": 4, "log_interval": 100}
FAULTY = "sink_zoo.py/faulty"

Start = Callable[..., Outcome]


@pytest.fixture(scope="module")
def zoo() -> Registry:
    return Registry.load([Path(tiny_zoo.__file__), Path(sink_zoo.__file__)])


@pytest.fixture
def start(zoo: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Start:
    def begin(
        deeds: dict[str, str], name: str = "run", sinks: tuple[str, ...] = ("faulty",), **rest: Any
    ) -> Outcome:
        monkeypatch.setattr(sink_zoo, "plan", deeds)
        stop = rest.pop("stop", lambda: False)
        plan = make_plan(zoo, "parrot", "echo:2", settings=RunSettings(**SMALL | rest), sinks=sinks)
        return begin_run(zoo, plan, tmp_path / name, stop=stop)

    return begin


def without_sinks(path: Path) -> dict[str, Any]:
    """What the run computed, apart from how its sinks fared."""
    found = {key: value for key, value in computed(path).items() if key != "sinks"}
    del found["result"]["dropped_sinks"], found["result"]["interference"]
    return found


@pytest.mark.parametrize("deed", ["full disk", "exit", "cancel"])
@pytest.mark.parametrize("call", ["metrics", "evaluation", "position", "close"])
def test_a_failing_sink_is_reported_once_dropped_and_named(
    start: Start, call: str, deed: str, caplog: pytest.LogCaptureFixture
) -> None:
    clean = start({}, "clean", ())
    with caplog.at_level(logging.WARNING):
        outcome = start({call: deed})
    assert outcome.status == "finished"
    assert without_sinks(outcome.path) == without_sinks(clean.path)
    (record,) = caplog.records
    assert f"the sink {FAULTY}: {call} raised " in record.getMessage()
    assert record.getMessage().endswith("the run goes on without it")
    (dropped,) = read_json(outcome.path / "manifest.json")["dropped_sinks"]
    assert (dropped["sink"], dropped["error"].split()[0]) == (FAULTY, call)
    if call != "close":  # the result is written before that
        assert outcome.result is not None
        assert outcome.result["dropped_sinks"] == [dropped]
    assert clean.result is not None
    assert clean.result["dropped_sinks"] == []


def test_a_position_that_no_checkpoint_can_hold_costs_the_sink_its_place(start: Start) -> None:
    outcome = start({"position": "unfit answer"})
    assert outcome.result is not None
    (dropped,) = outcome.result["dropped_sinks"]
    assert dropped["error"].startswith("position raised position.file is a PosixPath")


def test_what_a_sink_does_with_its_numbers_is_its_own_business(start: Start) -> None:
    outcome, clean = start({}), start({}, "clean", ())
    assert without_sinks(outcome.path) == without_sinks(clean.path)
    heard = (outcome.path / "faulty.txt").read_text().split("\n")
    assert heard.count("evaluation 400") == 1
    assert len([line for line in heard if line.startswith("metrics")]) == 4


@pytest.mark.parametrize(("call", "times"), [("open", 1), ("evaluation", 5)])
def test_global_state_that_a_sink_changes_is_put_back_and_named(
    start: Start, call: str, times: int, caplog: pytest.LogCaptureFixture
) -> None:
    outcome = start({call: "global state"})
    assert "numpy's global generator was used by the sink sink_zoo.py/faulty" in caplog.text
    assert outcome.result is not None
    assert outcome.result["interference"] == {"numpy's global generator": times}


def test_a_sink_that_cannot_be_opened_is_an_error_before_the_first_step(start: Start, tmp_path: Path) -> None:
    with pytest.raises(
        RunError, match=r"the sink sink_zoo.py/faulty cannot be opened: OSError: no space left"
    ):
        start({"open": "full disk"})
    assert read_json(tmp_path / "run" / "manifest.json")["step"] == 0


def test_a_resumed_run_tries_again_and_goes_on_from_where_the_sink_was(
    start: Start, zoo: Registry, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    stopped = start(
        {"metrics": "full disk"},
        checkpoint_interval=100,
        log_interval=150,
        stop=lambda: bool(caplog.records),
    )
    assert stopped.status == "interrupted"
    kept = (stopped.path / "faulty.txt").read_text().split("\n")
    assert kept == ["evaluation 0", "evaluation 100"]
    monkeypatch.setattr(sink_zoo, "plan", {})
    outcome = resume_run(zoo, stopped.path)
    assert outcome.result is not None
    assert [dropped["sink"] for dropped in outcome.result["dropped_sinks"]] == [FAULTY]
    after = (outcome.path / "faulty.txt").read_text().split("\n")
    assert after[: len(kept)] == kept
    assert after[-1] == "evaluation 400"


def test_nobody_is_told_of_a_run_that_was_not_sent_there(start: Start, zoo: Registry) -> None:
    outcome = start({}, sinks=())
    assert read_json(outcome.path / "config.json")["sinks"] == ["marlzoo/jsonl"]
    assert not (outcome.path / "faulty.txt").exists()
    (problem,) = zoo.host.problems
    assert str(problem).startswith("plug-in sink_zoo.py/sink_zoo: the sink 'pushy' has default=True")


def test_a_sink_that_cannot_be_opened_again_does_not_keep_a_run_from_going_on(
    start: Start, zoo: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = iter(range(1000))
    stopped = start({}, stop=lambda: next(asked) > 30)
    monkeypatch.setattr(sink_zoo, "plan", {"rewind": "full disk"})
    outcome = resume_run(zoo, stopped.path)
    assert outcome.result is not None
    assert [dropped["error"] for dropped in outcome.result["dropped_sinks"]] == [
        "open raised OSError: no space left"
    ]


class Notes(Listener):
    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


def test_a_run_goes_on_without_a_sink_that_was_uninstalled(start: Start) -> None:
    asked = iter(range(1000))
    stopped = start({}, stop=lambda: next(asked) > 30)
    listener = Notes()
    outcome = resume_run(Registry.load([Path(tiny_zoo.__file__)]), stopped.path, listener=listener)
    assert outcome.status == "finished"
    assert listener.notes == [f"the sink {FAULTY} is not installed any more; the run goes on without it"]


def test_the_record_itself_is_no_company(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(JsonLinesSink, "metrics", lambda *arguments: sink_zoo.DEEDS["full disk"]())
    with pytest.raises(RunError, match="no space left"):
        start({})
