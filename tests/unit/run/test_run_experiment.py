"""Runs from beginning to end: folder, manifest, result, resuming, and every way to fail."""

from __future__ import annotations

import json
import logging
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from run_files import computed
from tiny_zoo import EchoEnv

from marlzoo.errors import MissingPieceError, RunError, UsageError
from marlzoo.registry import Registry
from marlzoo.run.checkpoint import load, save
from marlzoo.run.evaluation import Evaluation
from marlzoo.run.experiment import Outcome, resume_run
from marlzoo.run.files import read_json, read_rows
from marlzoo.run.folder import RunFolder, default_path
from marlzoo.run.listener import Listener

Run = Callable[..., Outcome]


class Countdown:
    """A stop that comes true when it was asked `asks` times."""

    def __init__(self, asks: int) -> None:
        self.left = asks

    def __call__(self) -> bool:
        self.left -= 1
        return self.left < 0


class Diary(Listener):
    def __init__(self) -> None:
        self.notes: list[str] = []
        self.outcomes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)

    def ended(self, run: Any, outcome: str, result: Any) -> None:
        self.outcomes.append(outcome)


def test_a_run_leaves_everything_in_its_folder(run: Run) -> None:
    outcome = run("lr=0.1", seed=4)
    names = {path.name for path in outcome.path.iterdir()}
    assert names >= {
        "manifest.json",
        "config.json",
        "metrics.jsonl",
        "evaluations.jsonl",
        "checkpoints",
        "result.json",
    }
    rows = read_rows(outcome.path / "evaluations.jsonl")
    assert [row["step"] for row in rows] == [0, 100, 200, 300, 400]
    assert [row["episodes"] for row in rows] == [6] * 5
    result = read_json(outcome.path / "result.json")
    assert result == outcome.result
    assert result["score"] == rows[-1]["score"]
    assert result["absolute"]["episodes"] == 8
    assert result["absolute"]["step"] == result["best"]["step"]
    assert result["best"]["score"] == max(row["score"] for row in rows)
    assert [point["step"] for point in result["curve"]] == [0, 100, 200, 300, 400]
    assert set(result["steps_per_second"]) == {"training", "environment", "policy", "update"}


def test_the_manifest_is_a_birth_certificate(run: Run) -> None:
    manifest = read_json(run("lr=0.1", seed=4).path / "manifest.json")
    assert manifest["status"] == "finished"
    assert manifest["algorithm"]["name"] == "tiny_zoo.py/parrot"
    assert len(manifest["algorithm"]["sha256"]) == 64
    assert manifest["config"]["lr"] == {"value": 0.1, "origin": "option -o"}
    assert manifest["config"]["length"] == {"value": 5, "origin": "default"}
    environment = manifest["environment"]
    assert (environment["id"], environment["backend"], environment["agents"]) == ("echo:2", "embedded", 2)
    assert (manifest["seed"], manifest["steps"], manifest["step"]) == (4, 400, 400)
    assert manifest["diagnostics"] == {"restarted_workers": 0.0}
    (session,) = manifest["sessions"]
    assert (session["from_step"], session["to_step"], session["threads"]) == (0, 400, 1)
    assert {"torch", "numpy", "python"} <= set(session["versions"])
    assert session["hardware"]["cores"] >= 1


def test_the_same_plan_gives_the_same_run_and_another_seed_another(run: Run) -> None:
    first, again, other = run(name="a"), run(name="b"), run(name="c", seed=1)
    assert computed(first.path) == computed(again.path)
    assert computed(first.path)["trainer"] != computed(other.path)["trainer"]


def test_global_generators_are_left_alone(run: Run) -> None:
    torch.manual_seed(11)
    before = torch.random.get_rng_state(), np.random.get_state()[1].tolist(), random.getstate()  # noqa: NPY002
    run()
    assert torch.equal(before[0], torch.random.get_rng_state())
    assert before[1] == np.random.get_state()[1].tolist()  # noqa: NPY002
    assert before[2] == random.getstate()


@pytest.mark.parametrize("seed", range(6))
def test_a_run_stopped_anywhere_and_resumed_equals_the_uninterrupted_one(
    run: Run, registry: Registry, seed: int
) -> None:
    whole = run(name="whole", checkpoint_interval=70, seed=seed)
    rng = np.random.default_rng(seed)
    outcome = run(name="pieces", checkpoint_interval=70, seed=seed, stop=Countdown(int(rng.integers(0, 60))))
    pieces = 1
    while outcome.status == "interrupted":
        outcome = resume_run(registry, outcome.path, stop=Countdown(int(rng.integers(20, 90))))
        pieces += 1
    assert pieces > 1
    assert computed(outcome.path) == computed(whole.path)
    manifest = read_json(outcome.path / "manifest.json")
    assert len(manifest["sessions"]) == pieces
    assert manifest["status"] == "finished"


def test_lines_after_the_checkpoint_are_taken_back(run: Run, registry: Registry) -> None:
    """As if the process had been killed some time after its last checkpoint."""
    whole = run(name="whole", checkpoint_interval=100)
    stopped = run(name="killed", checkpoint_interval=100, stop=Countdown(40))
    for name in ("metrics.jsonl", "evaluations.jsonl"):
        with (stopped.path / name).open("a") as file:
            file.write('{"step": 999, "written": "after the checkpoint"}\n{"half a li')
    assert computed(resume_run(registry, stopped.path).path) == computed(whole.path)


def test_a_run_without_a_checkpoint_starts_over(run: Run, registry: Registry) -> None:
    whole = run(name="whole")
    stopped = run(name="killed", stop=Countdown(30))
    for file in (stopped.path / "checkpoints").iterdir():
        file.unlink()
    diary = Diary()
    resumed = resume_run(registry, stopped.path, listener=diary)
    assert diary.notes == ["the run had not saved a checkpoint yet; it starts over"]
    assert computed(resumed.path) == computed(whole.path)


def test_a_damaged_checkpoint_costs_only_the_steps_since_the_one_before(run: Run, registry: Registry) -> None:
    whole = run(name="whole", checkpoint_interval=60)
    stopped = run(name="damaged", checkpoint_interval=60, stop=Countdown(55))
    last = max((stopped.path / "checkpoints").iterdir())
    last.write_bytes(last.read_bytes()[:1000])
    diary = Diary()
    resumed = resume_run(registry, stopped.path, listener=diary)
    assert len(diary.notes) == 1
    assert "is not a readable marlzoo checkpoint" in diary.notes[0]
    assert computed(resumed.path) == computed(whole.path)


def test_a_finished_run_is_left_alone_unless_its_budget_grows(run: Run, registry: Registry) -> None:
    outcome, diary = run(), Diary()
    before = (outcome.path / "manifest.json").read_bytes()
    again = resume_run(registry, outcome.path, listener=diary)
    assert again == outcome
    assert (outcome.path / "manifest.json").read_bytes() == before
    assert diary.notes == [f"{outcome.path} is finished; give --steps to train it longer"]

    longer = resume_run(registry, outcome.path, steps=600)
    assert longer.step == 600
    assert [row["step"] for row in read_rows(outcome.path / "evaluations.jsonl")] == [
        0,
        100,
        200,
        300,
        400,
        500,
        600,
    ]
    manifest = read_json(outcome.path / "manifest.json")
    assert manifest["extensions"] == [{"at_step": 400, "from": 400, "to": 600}]
    assert read_json(outcome.path / "config.json")["settings"]["steps"] == 600
    assert read_json(outcome.path / "result-400.json") == outcome.result


def test_the_budget_cannot_shrink_below_what_was_done(run: Run, registry: Registry) -> None:
    outcome = run(stop=Countdown(50), checkpoint_interval=20)
    assert outcome.step > 100
    with pytest.raises(UsageError, match=rf"--steps 100: the run has {outcome.step} steps already"):
        resume_run(registry, outcome.path, steps=100)


@pytest.mark.parametrize("content", ["run", "file"])
def test_a_folder_in_use_is_not_touched(run: Run, tmp_path: Path, content: str) -> None:
    if content == "run":
        run(name="taken")
        message = (
            r"taken holds a run already; go on with it by 'marlzoo resume .*taken', or give another --out"
        )
    else:
        (tmp_path / "taken").mkdir()
        (tmp_path / "taken" / "thesis.tex").write_text("years of work")
        message = "taken exists and is not an empty folder; give another --out"
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "taken").rglob("*")}
    with pytest.raises(UsageError, match=message):
        run(name="taken")
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "taken").rglob("*")} == before


def test_what_is_no_run_cannot_be_resumed(registry: Registry, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not a run folder"):
        resume_run(registry, tmp_path)


def test_two_processes_cannot_work_on_one_run(run: Run, registry: Registry) -> None:
    outcome = run(stop=Countdown(30))
    with (
        RunFolder(outcome.path).locked(),
        pytest.raises(RunError, match="is in use by another process; wait for it, or end it first"),
    ):
        resume_run(registry, outcome.path)


def test_a_failed_run_says_why_and_can_be_resumed(run: Run, registry: Registry, tmp_path: Path) -> None:
    diary = Diary()
    with pytest.raises(RunError, match="the metric 'loss' became nan"):
        run("fault=nan:6", checkpoint_interval=40, listener=diary)
    manifest = read_json(tmp_path / "run" / "manifest.json")
    assert manifest["status"] == "failed"
    assert "the metric 'loss' became nan" in manifest["error"]
    assert diary.outcomes == ["failed"]
    assert RunFolder(tmp_path / "run").checkpoints().steps() == [40, 80]
    config = read_json(tmp_path / "run" / "config.json")
    config["config"]["fault"] = ""
    (tmp_path / "run" / "config.json").write_text(json.dumps(config))
    assert resume_run(registry, tmp_path / "run").status == "finished"
    assert "error" not in read_json(tmp_path / "run" / "manifest.json")


def test_a_plugins_exception_becomes_one_line_with_the_traceback_in_a_file(run: Run, tmp_path: Path) -> None:
    with pytest.raises(RunError) as caught:
        run("fault=raise:4", checkpoint_interval=20)
    message = str(caught.value)
    assert message.startswith("step 96: ValueError: the parrot fell off its perch (traceback in ")
    assert message.endswith(
        f"the checkpoint of step 80 is kept; 'marlzoo resume {tmp_path / 'run'}' goes on from it"
    )
    assert "tiny_zoo.py" in (tmp_path / "run" / "error.txt").read_text()


def test_a_full_disk_is_one_line_and_loses_nothing(
    run: Run, registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = run(name="whole", checkpoint_interval=40)
    import marlzoo.run.files as files

    written = files.replace_file

    def fills_up(path: Path, data: Any) -> None:
        if path.name == "step-000000000120.pt":
            raise OSError(28, "No space left on device")
        written(path, data)

    monkeypatch.setattr("marlzoo.run.checkpoint.replace_file", fills_up)
    with pytest.raises(RunError, match=r"No space left on device; the checkpoint of step 80 is kept"):
        run(name="full", checkpoint_interval=40)
    monkeypatch.undo()
    assert read_json(tmp_path / "full" / "manifest.json")["status"] == "failed"
    assert computed(resume_run(registry, tmp_path / "full").path) == computed(whole.path)


@pytest.mark.parametrize("writes", [0, 1, 2, 5, 8, 13, 20, 27, 33])
def test_a_disk_that_is_full_after_any_number_of_writes_loses_nothing(
    run: Run, registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, writes: int
) -> None:
    whole = run(name="whole", checkpoint_interval=60)
    done = 0

    def fills_up(descriptor: int) -> None:
        nonlocal done
        done += 1
        if done > writes:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", fills_up)
    with pytest.raises(RunError, match="No space left on device"):
        run(name="full", checkpoint_interval=60)
    monkeypatch.undo()
    path = tmp_path / "full"
    started = (path / "manifest.json").exists()
    outcome = resume_run(registry, path) if started else run(name="full", checkpoint_interval=60)
    assert computed(outcome.path) == computed(whole.path)


def test_another_runs_checkpoint_is_refused(run: Run, registry: Registry) -> None:
    mine, other = run(name="mine", stop=Countdown(30)), run(name="other", seed=5)
    foreign = max((other.path / "checkpoints").iterdir())
    (mine.path / "checkpoints" / foreign.name).write_bytes(foreign.read_bytes())
    with pytest.raises(UsageError, match=r"belongs to another run \(seed 5, expected 0\); remove it"):
        resume_run(registry, mine.path)


def test_a_run_never_mixes_versions_of_its_environment(
    run: Run, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcome = run(stop=Countdown(30))
    monkeypatch.setattr(EchoEnv, "backend_version", "2")
    with pytest.raises(
        UsageError, match="the run was made with embedded 1, installed is embedded 2; install the former"
    ):
        resume_run(registry, outcome.path)


def test_changed_code_and_changed_settings_are_noticed(run: Run, registry: Registry) -> None:
    outcome = run(stop=Countdown(30))
    manifest = read_json(outcome.path / "manifest.json")
    manifest["algorithm"]["sha256"] = "0" * 64
    (outcome.path / "manifest.json").write_text(json.dumps(manifest))
    diary = Diary()
    resume_run(registry, outcome.path, listener=diary, stop=Countdown(0))
    assert diary.notes == ["the code of parrot has changed since the run began: no exact continuation"]

    config = read_json(outcome.path / "config.json")
    config["config"]["plumage"] = "green"
    (outcome.path / "config.json").write_text(json.dumps(config))
    with pytest.raises(UsageError, match=r"config\.json does not fit the installed version: plumage"):
        resume_run(registry, outcome.path)


def test_an_impossible_pair_is_refused_before_anything_is_written(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import replace

    def continuous(self: Any, *arguments: Any) -> None:
        original(self, *arguments)
        self.world = replace(self.world, action_kind="continuous")

    original = EchoEnv.__init__
    monkeypatch.setattr(EchoEnv, "__init__", continuous)
    with pytest.raises(UsageError, match="echo:2 needs continuous actions, which parrot does not have"):
        run()
    assert not (tmp_path / "run").exists()


def test_observers_hear_of_the_run_and_cannot_end_it(
    run: Run, monkeypatch: pytest.MonkeyPatch, registry: Registry, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("TINY_ZOO_OBSERVER_FAILS", "1")
    with caplog.at_level(logging.WARNING):
        assert run().status == "finished"
    assert len([record for record in caplog.records if "an observer that fails" in record.getMessage()]) == 1


def test_hooks_are_called_in_order_with_what_they_promise(
    run: Run, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[tuple[str, dict[str, Any]]] = []
    monkeypatch.setattr(registry.host, "notify", lambda hook, **rest: calls.append((hook, rest)))
    outcome = run(checkpoint_interval=200)
    names = [name.removeprefix("marlzoo_") for name, _ in calls]
    assert names[0] == "run_started"
    assert names[-1] == "run_finished"
    assert names.count("evaluated") == 5
    assert names.count("checkpointed") == 2
    assert {rest["run"].path for _, rest in calls} == {outcome.path}
    assert all(
        isinstance(rest["evaluation"], Evaluation) for name, rest in calls if name == "marlzoo_evaluated"
    )
    assert calls[-1][1]["outcome"] == "finished"


def test_tensorboard_gets_the_same_numbers(run: Run) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    outcome = run(sinks=("tensorboard",))
    events = EventAccumulator(str(outcome.path / "tensorboard"))
    events.Reload()
    written = [(event.step, pytest.approx(event.value)) for event in events.Scalars("evaluation/hits")]
    assert [(row["step"], row["score"]) for row in read_rows(outcome.path / "evaluations.jsonl")] == written


def test_a_missing_tensorboard_is_a_missing_piece(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "torch.utils.tensorboard", None)
    with pytest.raises(MissingPieceError, match=r"pip install 'marlzoo\[tensorboard\]'"):
        run(sinks=("tensorboard",))


def test_a_checkpoint_holds_of_the_best_policy_what_acting_needs(run: Run) -> None:
    content = load(max((run().path / "checkpoints").iterdir()))
    assert set(content["trainer"]["best"]["policy"]) == {"net"}
    assert set(content["trainer"]["algorithm"]) == {"net", "optimiser", "updates"}


def test_a_checkpoint_of_an_unknown_format_is_refused(
    run: Run, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcome = run(stop=Countdown(30))
    path = max((outcome.path / "checkpoints").iterdir())
    monkeypatch.setattr("marlzoo.run.checkpoint.FORMAT", 9)
    save(path, load(path), "nothing")
    monkeypatch.undo()
    with pytest.raises(UsageError, match="has checkpoint format 9"):
        resume_run(registry, outcome.path)


def test_default_folders_sort_by_environment_algorithm_and_seed(tmp_path: Path) -> None:
    path = default_path(tmp_path, "smac:3s5z?obs_profile=on_policy", "marlzoo-foo/bar", 3)
    parts = path.relative_to(tmp_path).parts
    assert parts[:2] == ("smac-3s5z-obs_profile=on_policy", "marlzoo-foo-bar")
    assert parts[2].startswith("3-")
    path.mkdir(parents=True)
    assert default_path(tmp_path, "smac:3s5z?obs_profile=on_policy", "marlzoo-foo/bar", 3) != path
