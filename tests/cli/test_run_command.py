"""`marlzoo run`, `resume` and `evaluate` in real processes: killed, interrupted, out of space, misused."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

RUN_TESTS = Path(__file__).parents[1] / "unit" / "run"
PLUGIN = str(RUN_TESTS / "tiny_zoo.py")
sys.path.insert(0, str(RUN_TESTS))

from run_files import computed  # noqa: E402 (shared with the unit tests of runs)

from marlzoo.cli.main import main  # noqa: E402
from marlzoo.cli.threads import THREAD_VARIABLES  # noqa: E402

PARROT = ("run", "parrot", "--env", "echo:2")
RUN = (*PARROT, "--steps", "600", "--eval-episodes", "4", "--absolute-episodes", "8")
FAST = (*RUN, "--checkpoint-interval", "40")
TIMEOUT = 120


@dataclass(frozen=True)
class Done:
    code: int
    output: str
    errors: str


Marlzoo = Callable[..., Done]


@pytest.fixture
def marlzoo(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Marlzoo:
    """The command line in this process."""
    for name in THREAD_VARIABLES:
        monkeypatch.setenv(name, "1")

    def call(*arguments: str) -> Done:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(["--plugin", PLUGIN, *arguments])
        output, errors = capsys.readouterr()
        return Done(int(ended.value.code or 0), output, errors)

    return call


def start(*arguments: str, **options: Any) -> subprocess.Popen[str]:
    """The command line in a process of its own."""
    command = [sys.executable, "-m", "marlzoo", "--plugin", PLUGIN, *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + TIMEOUT
    while not condition():
        assert time.monotonic() < deadline, "the run did not come that far"
        time.sleep(0.01)


def has_steps(path: Path, step: int) -> Callable[[], bool]:
    """Whether the run in `path` has a checkpoint of `step` or later."""

    def condition() -> bool:
        return any(
            int(file.stem.removeprefix("step-")) >= step for file in path.glob("checkpoints/step-*.pt")
        )

    return condition


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run that was never interrupted."""
    path = tmp_path_factory.mktemp("whole") / "run"
    running = start(*FAST, "--out", str(path), "--quiet")
    assert running.communicate(timeout=TIMEOUT) == ("", "")
    assert running.returncode == 0
    return path


@pytest.mark.parametrize(
    "seed", [0, 1, *[pytest.param(seed, marks=pytest.mark.slow) for seed in range(2, 12)]]
)
def test_a_run_killed_at_any_moment_goes_on_as_if_nothing_had_been(
    marlzoo: Marlzoo, whole: Path, tmp_path: Path, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    path = tmp_path / "run"
    first = start(*FAST, "--out", str(path), "-o", "pause=0.01", "--quiet")
    wait_until(has_steps(path, int(rng.integers(40, 400))))
    time.sleep(float(rng.uniform(0, 0.1)))
    first.kill()
    assert first.wait(TIMEOUT) == -signal.SIGKILL
    assert not (path / "result.json").exists()
    assert json.loads((path / "manifest.json").read_text())["status"] == "running"
    done = marlzoo("resume", str(path), "--quiet")
    assert (done.code, done.errors) == (0, "")
    assert computed(path) == computed(whole)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_saves_and_exits_with_130(
    marlzoo: Marlzoo, whole: Path, tmp_path: Path, number: signal.Signals
) -> None:
    path = tmp_path / "run"
    running = start(*FAST, "--out", str(path), "-o", "pause=0.02")
    wait_until(has_steps(path, 80))
    running.send_signal(number)
    output, errors = running.communicate(timeout=TIMEOUT)
    assert running.returncode == 130
    assert output.splitlines()[-1] == f"interrupted; continue with: marlzoo resume {path}"
    assert "Traceback" not in errors
    manifest = json.loads((path / "manifest.json").read_text())
    assert manifest["status"] == "interrupted"
    assert has_steps(path, manifest["step"])()
    done = marlzoo("resume", str(path), "--json", "--quiet")
    assert done.code == 0
    assert json.loads(done.output)["status"] == "finished"
    assert computed(path) == computed(whole)


def test_a_second_signal_ends_at_once_and_corrupts_nothing(
    marlzoo: Marlzoo, whole: Path, tmp_path: Path
) -> None:
    path = tmp_path / "run"
    running = start(*FAST, "--out", str(path), "-o", "pause=30", "--quiet")
    wait_until((path / "evaluations.jsonl").exists)
    time.sleep(1.0)
    running.send_signal(signal.SIGINT)
    time.sleep(0.3)
    assert running.poll() is None
    running.send_signal(signal.SIGINT)
    _, errors = running.communicate(timeout=TIMEOUT)
    assert running.returncode == 130
    assert "Traceback" not in errors
    config = json.loads((path / "config.json").read_text())
    config["config"]["pause"] = 0.0
    (path / "config.json").write_text(json.dumps(config))
    assert marlzoo("resume", str(path), "--quiet").code == 0
    assert computed(path) == computed(whole)


def test_json_is_one_object_and_lines_are_one_per_evaluation(marlzoo: Marlzoo, tmp_path: Path) -> None:
    done = marlzoo(*RUN, "--eval-interval", "300", "--out", str(tmp_path / "run"), "--json")
    assert done.code == 0
    document = json.loads(done.output)
    assert document["status"] == "finished"
    assert document["run"] == str(tmp_path / "run")
    lines = done.errors.splitlines()
    assert [line.split()[1] for line in lines if line.startswith("step ")] == ["0", "300", "600"]
    assert any(line.startswith("parrot on echo:2  (backend: embedded 1)") for line in lines)
    assert any(line.startswith("finished: hits ") for line in lines)
    assert [line.split()[:3] for line in lines[-2:]] == [
        ["continue:", "marlzoo", "resume"],
        ["evaluate:", "marlzoo", "evaluate"],
    ]


def test_evaluate_plays_in_another_environment(marlzoo: Marlzoo, whole: Path) -> None:
    done = marlzoo("evaluate", str(whole), "--env", "echo:3", "--episodes", "12", "--json")
    document = json.loads(done.output)
    assert (document["environment"], document["episodes"]) == ("echo:3", 12)
    spoken = marlzoo("evaluate", str(whole), "--episodes", "5")
    assert spoken.output.startswith("parrot (step ")
    assert "on echo:2, 5 episodes: hits " in spoken.output


def test_a_disk_that_fills_up_is_one_line_and_loses_nothing(
    marlzoo: Marlzoo, whole: Path, tmp_path: Path
) -> None:
    """A limit on the size of files stands for the full disk: writes fail just the same, part of the way."""
    path = tmp_path / "run"

    def limit_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (9_000, 9_000))

    failed = start(*FAST, "--out", str(path), "--quiet", preexec_fn=limit_files)
    _, errors = failed.communicate(timeout=TIMEOUT)
    assert failed.returncode == 1
    assert errors.startswith("error: cannot write ")
    assert len(errors.splitlines()) == 1
    done = marlzoo("resume", str(path), "--quiet")
    assert (done.code, done.errors) == (0, "")
    assert computed(path) == computed(whole)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("run", "parot", "--env", "echo:2"), "unknown algorithm 'parot'; did you mean 'parrot'?"),
        (("run", "parrot", "--env", "ecco:2"), "unknown environment family 'ecco'; did you mean 'echo'?"),
        (("run", "parrot", "--env", "echo:7"), "unknown task '7' of echo"),
        (("run", "parrot"), "missing option '--env'"),
        ((*PARROT, "-o", "lrr=1"), "unknown key 'lrr' (from -o lrr=1); did you mean"),
        ((*PARROT, "-o", "lr=-1"), "-o lr=-1"),
        ((*PARROT, "-o", "length=long"), "-o length=long"),
        ((*PARROT, "--env-arg", "horizon=0"), "horizon=0"),
        ((*PARROT, "--steps", "lots"), "'lots' is not a positive whole number"),
        ((*PARROT, "--sink", "tensorbored"), "unknown sink 'tensorbored'; did you"),
        ((*PARROT, "--threads", "0"), "--threads"),
        (("resume", "nowhere"), "nowhere is not a run folder"),
        (("evaluate", "nowhere"), "nowhere is not a run folder"),
    ],
)
def test_wrong_usage_is_one_line(
    marlzoo: Marlzoo,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    done = marlzoo(*arguments)
    assert (done.code, done.output) == (2, "")
    assert message in done.errors
    assert len(done.errors.splitlines()) == 1
    assert os.listdir(tmp_path) == []


def test_a_loss_that_is_not_finite_is_one_line_and_exit_code_1(marlzoo: Marlzoo, tmp_path: Path) -> None:
    done = marlzoo(*FAST, "--out", str(tmp_path / "run"), "-o", "fault=nan:7", "--quiet")
    assert done.code == 1
    assert done.errors.startswith("error: step 140: the metric 'loss' became nan; ")
    assert len(done.errors.splitlines()) == 1
    assert has_steps(tmp_path / "run", 120)()


def test_foreign_checkpoints_are_one_line(marlzoo: Marlzoo, whole: Path, tmp_path: Path) -> None:
    (tmp_path / "foreign.pt").write_bytes(b"PK\x03\x04 something else")
    done = marlzoo("evaluate", str(whole), "--checkpoint", str(tmp_path / "foreign.pt"))
    assert done.code == 2
    assert "foreign.pt is not a readable marlzoo checkpoint" in done.errors
    assert len(done.errors.splitlines()) == 1


def test_print_config_shows_origins_and_runs_nothing(
    marlzoo: Marlzoo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = marlzoo(*PARROT, "-o", "lr=0.2", "--print-config", "--json")
    document = json.loads(done.output)
    assert document["lr"] == {"value": 0.2, "origin": "option -o"}
    assert document["length"] == {"value": 5, "origin": "default"}
    assert os.listdir(tmp_path) == []
