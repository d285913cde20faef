"""What a plug-in cannot do by accident: change the run of somebody else through the global state."""

from __future__ import annotations

import logging
import os
import random
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import tiny_zoo
import torch
import vandal_zoo
from run_files import computed

from marlzoo.bench import replay
from marlzoo.registry import Registry
from marlzoo.run.experiment import Outcome, begin_run, resume_run
from marlzoo.run.files import read_json
from marlzoo.run.global_state import GENERATORS, standard_settings
from marlzoo.run.guard import guarded
from marlzoo.run.plan import make_plan
from marlzoo.run.policy import evaluate_run
from marlzoo.run.settings import RunSettings
from marlzoo.surroundings import changed_variables

REPORTED = {
    "threads": "torch's number of threads was changed from 1 to 3",
    "dtype": "torch's default dtype was changed from torch.float32 to torch.float64",
    "device": "torch's default device was changed from cpu to meta",
    "grad": "torch's gradient mode was changed from True to False",
    "deterministic": "torch's deterministic mode was changed from (False, False) to (True, False)",
    "precision": "torch's precision of matrix products was changed from highest to medium",
    "anomaly": "torch's anomaly detection was changed from False to True",
    "errors": "numpy's handling of errors was changed",
    "folder": "the working directory was changed",
    "add_variable": "the environment variable OMP_NUM_THREADS_OF_VANDAL was changed",
    "change_variable": "the environment variable VANDAL was changed",
    "remove_variable": "the environment variable VANDAL was changed",
    "torch_generator": "torch's global generator was used",
    "numpy_generator": "numpy's global generator was used",
    "python_generator": "Python's global generator was used",
}

SMALL = {"steps": 400, "eval_interval": 100, "eval_episodes": 4, "absolute_episodes": 4, "log_interval": 100}

Start = Callable[..., Outcome]


@pytest.fixture(scope="module")
def zoo() -> Registry:
    return Registry.load([Path(tiny_zoo.__file__), Path(vandal_zoo.__file__)])


@pytest.fixture
def start(zoo: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Start:
    monkeypatch.setenv("VANDAL", "as it was")

    def begin(
        algorithm: str, *overrides: str, name: str = "run", stop: Any = None, **settings: Any
    ) -> Outcome:
        chosen = RunSettings(**SMALL | settings)
        plan = make_plan(zoo, algorithm, "echo:2", overrides=overrides, settings=chosen)
        return begin_run(zoo, plan, tmp_path / name, stop=stop or (lambda: False))

    return begin


def global_state() -> list[Any]:
    shared = [setting for setting, _ in standard_settings(1)]
    return [os.getcwd(), *(one.read() for one in (*shared, *GENERATORS))]


def test_every_deed_has_its_report() -> None:
    assert set(REPORTED) == set(vandal_zoo.DEEDS) - {"none"}


@pytest.mark.parametrize("deed", REPORTED)
def test_what_an_algorithm_changes_is_put_back_reported_once_and_counted(
    start: Start, deed: str, caplog: pytest.LogCaptureFixture
) -> None:
    clean = start("vandal", name="clean")
    before, variables = global_state(), dict(os.environ)
    with caplog.at_level(logging.WARNING):
        outcome = start("vandal", f"deed={deed}")
    assert global_state() == before
    assert dict(os.environ) == variables
    (record,) = caplog.records
    assert REPORTED[deed] in record.message
    assert "in training or evaluation (vandal_zoo.py/vandal)" in record.message
    (count,) = read_json(outcome.path / "manifest.json")["interference"].values()
    assert count == 10  # 20 updates, and the deed is done in every second
    assert sum(outcome.result["interference"].values()) == 10
    assert computed(outcome.path)["trainer"] == computed(clean.path)["trainer"]


@pytest.mark.parametrize("deed", ["dtype", "errors", "torch_generator"])
def test_evaluation_is_watched_too(start: Start, deed: str) -> None:
    outcome = start("vandal", f"deed={deed}", "during=evaluation")
    assert sum(outcome.result["interference"].values()) == 5 + 1  # five evaluations and the final one


@pytest.mark.parametrize("deed", ["threads", "dtype", "folder", "torch_generator"])
def test_what_a_policy_changes_after_its_run_is_put_back_and_reported(
    start: Start, zoo: Registry, deed: str, caplog: pytest.LogCaptureFixture
) -> None:
    trained = start("vandal", f"deed={deed}", "during=evaluation").path
    before = global_state()
    caplog.clear()
    document = evaluate_run(zoo, trained, episodes=4)
    assert global_state() == before
    assert sum(document["interference"].values()) == 1
    (record,) = caplog.records
    assert REPORTED[deed] in record.getMessage()
    assert "in the evaluation (vandal_zoo.py/vandal)" in record.getMessage()


def test_a_replay_is_watched_too(
    start: Start, zoo: Registry, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    trained = start("vandal", "deed=dtype", "during=evaluation").path
    nothing_to_see = SimpleNamespace(look=lambda: None, seen=lambda: None)
    monkeypatch.setattr(replay, "watch", lambda env, name: nothing_to_see)
    caplog.clear()
    facts = replay.replay_run(zoo, trained, episodes=2).facts()
    assert torch.get_default_dtype() == torch.float32
    assert facts["interference"] == {"torch's default dtype": 2}
    (record,) = caplog.records
    assert record.getMessage().endswith("in an episode of vandal_zoo.py/vandal; it was put back")


def test_a_clean_policy_has_nothing_to_report(start: Start, zoo: Registry) -> None:
    assert evaluate_run(zoo, start("parrot").path, episodes=4)["interference"] == {}


@pytest.mark.parametrize("deed", ["threads", "dtype", "numpy_generator", "change_variable"])
def test_what_an_observer_changes_is_put_back_and_named(
    start: Start, deed: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(vandal_zoo, "observer_deed", deed)
    before = global_state()
    with caplog.at_level(logging.WARNING):
        outcome = start("parrot")
    assert global_state() == before
    assert REPORTED[deed] in caplog.text
    assert "by the hook marlzoo_evaluated of " in caplog.text
    assert "vandal_zoo.py/vandal_zoo" in caplog.text
    assert sum(outcome.result["interference"].values()) == 5


def test_an_observer_cannot_end_a_run_even_by_what_is_no_exception(
    start: Start, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(vandal_zoo, "observer_deed", "cancel")
    assert start("parrot").status == "finished"
    assert "muted: marlzoo_evaluated raised CancelledError" in caplog.text


def test_a_clean_run_reports_nothing(start: Start, caplog: pytest.LogCaptureFixture) -> None:
    outcome = start("parrot")
    assert read_json(outcome.path / "manifest.json")["interference"] == {}
    assert outcome.result["interference"] == {}
    assert caplog.records == []


def test_what_the_process_did_before_does_not_matter(start: Start, caplog: pytest.LogCaptureFixture) -> None:
    clean = start("parrot", name="clean")
    torch.set_default_dtype(torch.float64)
    np.random.seed(5)  # noqa: NPY002 (the global generator is what is tested)
    try:
        late = start("parrot", name="late")
        assert torch.get_default_dtype() == torch.float64
    finally:
        torch.set_default_dtype(torch.float32)
    assert computed(late.path)["trainer"] == computed(clean.path)["trainer"]
    assert "torch.float32 to torch.float64 before the run" in caplog.text


def test_even_users_of_global_generators_are_repeated_and_resumed_exactly(
    start: Start, zoo: Registry, tmp_path: Path
) -> None:
    whole = start("gambler", name="whole", checkpoint_interval=60)
    torch.manual_seed(99)
    again = start("gambler", name="again", checkpoint_interval=60)
    assert computed(whole.path) == computed(again.path)
    asked = iter(range(1000))
    pieces = start("gambler", name="pieces", checkpoint_interval=60, stop=lambda: next(asked) > 30)
    assert pieces.status == "interrupted"
    random.seed(7)
    resumed = resume_run(zoo, pieces.path)
    assert resumed.result is not None
    assert computed(whole.path)["trainer"] == computed(pieces.path)["trainer"]


def test_counts_add_up_over_sessions(start: Start, zoo: Registry) -> None:
    asked = iter(range(1000))
    pieces = start("vandal", "deed=dtype", stop=lambda: next(asked) > 30)
    assert pieces.status == "interrupted"
    resumed = resume_run(zoo, pieces.path)
    assert resumed.result is not None
    assert resumed.result["interference"] == {"torch's default dtype": 10}


def test_threads_are_those_of_the_settings_and_the_callers_afterwards() -> None:
    mine = torch.get_num_threads()
    with guarded(seed=0, threads=2) as guard:
        assert torch.get_num_threads() == 2
    assert torch.get_num_threads() == mine
    assert not guard.counts


def test_a_block_that_raises_leaves_everything_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VANDAL", "as it was")
    before = global_state()

    def spoil() -> None:
        with guarded(seed=0, threads=1):
            for deed in vandal_zoo.DEEDS.values():
                deed()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        spoil()
    assert global_state() == before
    assert os.environ["VANDAL"] == "as it was"


def test_new_variables_are_the_business_of_libraries_unless_they_steer_numbers() -> None:
    before = {"A": "1", "B": "2"}
    assert changed_variables(before, {"A": "1", "B": "2", "SDL_VIDEODRIVER": "dummy"}) == []
    assert changed_variables(before, {"A": "3", "MKL_NUM_THREADS": "8"}) == ["A", "B", "MKL_NUM_THREADS"]
