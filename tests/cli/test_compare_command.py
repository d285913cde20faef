"""`marlzoo compare` in real processes: killed, interrupted, with failing runs, misused."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

RUN_TESTS = Path(__file__).parents[1] / "unit" / "run"
sys.path[:0] = [str(RUN_TESTS), str(Path(__file__).parent)]

from run_files import computed  # noqa: E402 (shared with the unit tests of runs)

from marlzoo.bench.comparison import Comparison  # noqa: E402
from marlzoo.cli.main import main  # noqa: E402
from marlzoo.registry import Registry  # noqa: E402
from marlzoo.run.experiment import begin_run  # noqa: E402
from marlzoo.run.files import read_json  # noqa: E402
from marlzoo.run.plan import make_plan  # noqa: E402
from marlzoo.run.settings import RunSettings  # noqa: E402

FILES = [RUN_TESTS / "tiny_zoo.py", Path(__file__).with_name("compare_zoo.py")]
PLUGINS = [part for path in FILES for part in ("--plugin", str(path))]
SMALL = ("--steps", "600", "--eval-episodes", "4", "--absolute-episodes", "8", "--checkpoint-interval", "40")
TIMEOUT = 600


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "marlzoo", *PLUGINS, "compare", *arguments]


def compare(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(*arguments), capture_output=True, text=True, timeout=TIMEOUT, check=False)


def start(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(command(*arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + TIMEOUT
    while not condition():
        assert time.monotonic() < deadline, "the comparison did not come that far"
        time.sleep(0.02)


def has_checkpoint(out: Path) -> Callable[[], bool]:
    return lambda: any(out.glob("cells/*/*/*/checkpoints/step-*.pt"))


def states(out: Path) -> dict[str, str]:
    return {str(status.cell): status.state for status in Comparison.existing(out).statuses()}


def children_of(parent: int) -> list[str]:
    return Path(f"/proc/{parent}/task/{parent}/children").read_text().split()


def whole_run(path: Path, environment: str, seed: int) -> Path:
    """The run of a macaw that nobody disturbs."""
    settings = RunSettings(steps=600, seed=seed, eval_episodes=4, absolute_episodes=8, checkpoint_interval=40)
    registry = Registry.load(FILES)
    begin_run(registry, make_plan(registry, "macaw", environment, settings=settings), path)
    return path


def test_killing_the_whole_loses_nothing(tmp_path):
    out = tmp_path / "c"
    asked = ("macaw", "--env", "echo:2", "--seeds", "0..1", *SMALL, "--jobs", "2", "--out", str(out))
    first = start(*asked)
    wait_until(has_checkpoint(out))
    first.kill()
    first.communicate(timeout=TIMEOUT)
    assert "finished" not in states(out).values()
    done = compare(*asked, "--resume", "--json")
    assert done.returncode == 0, done.stderr
    assert set(states(out).values()) == {"finished"}
    document = json.loads(done.stdout)
    assert (document["missing"], document["tasks"][0]["standings"][0]["seeds"]) == ([], [0, 1])
    whole = whole_run(tmp_path / "whole", "echo:2", seed=1)
    assert computed(out / "cells" / "echo-2" / "macaw" / "1") == computed(whole)


def test_a_signal_saves_all_cells_and_says_how_to_go_on(tmp_path):
    out = tmp_path / "c"
    first = start(
        "macaw", "parrot", "--env", "echo:1", "--seeds", "0", *SMALL, "--jobs", "1", "--out", str(out)
    )
    wait_until(has_checkpoint(out))
    first.send_signal(signal.SIGINT)
    output, errors = first.communicate(timeout=TIMEOUT)
    assert first.returncode == 130
    assert errors.splitlines()[-1] == f"interrupted; continue with: marlzoo compare --resume --out {out}"
    assert "macaw on echo:1, seed 0: stopped" in output
    assert states(out) == {"macaw on echo:1, seed 0": "stopped", "parrot on echo:1, seed 0": "waiting"}
    # The plug-ins that were given by file are remembered.
    again = [sys.executable, "-m", "marlzoo", "compare", "--resume", "--out", str(out)]
    done = subprocess.run(again, capture_output=True, text=True, timeout=TIMEOUT, check=False)
    assert done.returncode == 0, done.stderr
    assert "Unranked: fewer than 5 seeds." in done.stdout
    assert (
        (out / "verdict.md").read_text().startswith("# c\n\n## echo:1: hits, 600 steps, best policy on 8 new")
    )


def test_a_failing_cell_is_recorded_and_the_rest_goes_on(tmp_path):
    out = tmp_path / "c"
    asked = ("dodo", "parrot", "--env", "echo:1", "--seeds", "0", *SMALL, "--out", str(out))
    done = compare(*asked, "--jobs", "1")
    assert done.returncode == 1
    assert states(out) == {"dodo on echo:1, seed 0": "failed", "parrot on echo:1, seed 0": "finished"}
    (missing,) = json.loads((out / "verdict.json").read_text())["missing"]
    assert "ValueError: the parrot fell off its perch" in missing["error"]
    assert "- dodo on echo:1, seed 0: failed at step" in done.stdout
    log = Comparison.existing(out).log(Comparison.existing(out).matrix.cells()[0])
    for options, tries in ((["--resume"], 1), (["--resume", "--retry-failed"], 2)):
        with pytest.raises(SystemExit) as caught:
            main([*PLUGINS, "compare", *options, "--out", str(out), "--quiet"])
        assert caught.value.code == 1
        assert log.read_text().count("error: ") == tries


def test_a_run_that_is_killed_is_tried_again_from_its_checkpoint(tmp_path):
    out = tmp_path / "c"
    first = start("macaw", "--env", "echo:1", "--seeds", "0", *SMALL, "--out", str(out))
    wait_until(has_checkpoint(out))
    folder = out / "cells" / "echo-1" / "macaw" / "0"
    (child,) = [int(line) for line in children_of(first.pid)]
    os.kill(child, signal.SIGKILL)
    assert first.wait(TIMEOUT) == 1
    first.communicate()
    (status,) = Comparison.existing(out).statuses()
    assert (status.state, status.error) == ("failed", "ended by signal 9 (SIGKILL)")
    assert compare("--resume", "--retry-failed", "--out", str(out)).returncode == 0
    sessions = read_json(folder / "manifest.json")["sessions"]
    assert [session["from_step"] > 0 for session in sessions] == [False, True]
    assert computed(folder) == computed(whole_run(tmp_path / "whole", "echo:1", seed=0))


def test_a_comparison_is_extended_by_seeds_and_steps(tmp_path):
    out = tmp_path / "c"
    asked = ("parrot", "--env", "echo:1", "--seeds", "0", *SMALL[2:], "--eval-interval", "100")
    assert compare(*asked, "--steps", "200", "-o", "parrot.lr=0.1", "--out", str(out)).returncode == 0
    done = compare("--extend", "--seeds", "0..1", "--steps", "400", "--out", str(out), "--json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    (task,) = document["tasks"]
    assert [(one["algorithm"], one["seeds"]) for one in task["standings"]] == [("parrot", [0, 1])]
    assert document["overrides"] == ["parrot.lr=0.1"]
    said = (out / "verdict.md").read_text()
    assert "Hyper-parameters set by hand: parrot.lr=0.1." in said
    assert "1 run(s) were begun with a smaller budget" in said
    for seed, extensions in ((0, [{"at_step": 200, "from": 200, "to": 400}]), (1, None)):
        folder = out / "cells" / "echo-1" / "parrot" / str(seed)
        manifest = read_json(folder / "manifest.json")
        assert manifest.get("extensions") == extensions
        assert manifest["config"]["lr"]["value"] == 0.1
        curve = read_json(folder / "result.json")["curve"]
        assert [row["step"] for row in curve] == [0, 100, 200, 300, 400]


def test_a_dry_run_measures_and_keeps_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = compare(
        "macaw", "--env", "echo:1", "--seeds", "0..9", "--steps", "100k", "--jobs", "2", "--dry-run", "--json"
    )
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    (pair,) = document["pairs"]
    # 20 steps per update, each of which sleeps for 0.03 s.
    assert 0 < pair["steps_per_second"] < 20 / 0.03
    assert pair["seconds"] > 100_000 * 0.03 / 20
    assert document["runs"] == 10
    assert document["hours"] == pytest.approx(document["core_hours"] / 2)
    assert document["bytes"] == 10 * pair["bytes"] > 0
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--retry-failed"], "--retry-failed goes with --resume"),
        (["--resume", "--extend"], "give --resume or --extend, not both"),
        (["--resume", "--dry-run"], "--dry-run is for a new comparison"),
        (["--resume"], "no comparison below comparisons; give --out"),
        (["mta", "--env", "smac:3m"], "unknown algorithm 'mta'"),
        (["mat", "--env", "smac:3m", "--seeds", "9..0"], "--seeds '9..0' is no list of seeds"),
        (["mat", "--env", "smac:3m", "--executor", "moon"], "invalid value for '--executor'"),
    ],
)
def test_misuse_is_explained(arguments, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as caught:
        main(["compare", *arguments])
    assert caught.value.code == 2
    assert capsys.readouterr().err.startswith(f"error: {message}")
    assert not list(tmp_path.iterdir())


def test_without_ray_it_says_what_to_install_and_begins_nothing(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(SystemExit) as caught:
        main(["compare", "mat", "--env", "smac:3m", "--executor", "ray"])
    assert caught.value.code == 3
    assert "pip install 'marlzoo[ray]'" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_resuming_something_else_is_refused(tmp_path, capsys):
    registry = Registry.load([])
    from marlzoo.bench.matrix import Protocol, make_matrix

    matrix = make_matrix(registry, ["mat"], ["smac:3m"], suite=None, seeds=(0,), steps=9, protocol=Protocol())
    Comparison.create(tmp_path / "c", matrix)
    with pytest.raises(SystemExit) as caught:
        main(["compare", "mappo", "--env", "smac:3m", "--resume", "--out", str(tmp_path / "c")])
    assert caught.value.code == 2
    assert "compares something else; say 'marlzoo compare --resume --out" in capsys.readouterr().err
