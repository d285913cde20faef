"""The grid around presets: its cells, its table, and that it goes on where it was stopped."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path

import pytest

from marlzoo.config import resolve_algorithm_config
from marlzoo.registry import Registry

SCRIPT = Path(__file__).parents[3] / "benchmarks" / "grid.py"


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("grid_script", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


@pytest.fixture(scope="module")
def registry():
    return Registry.load(environ={"MARLZOO_PLUGINS": ""})


def cell(script, path, setting="preset", overrides=()):
    return script.Cell("mappo", setting, overrides, 1000, path)


@pytest.mark.parametrize(
    ("algorithm", "halved"),
    [("mappo", ("lr=0.0005", "critic_lr=0.0005")), ("mat", ("lr=0.00035",))],
)
def test_every_cell_differs_from_the_preset_in_one_factor(script, registry, algorithm, halved):
    entry, choice = registry.algorithm(algorithm), registry.environment("smac:3s5z")
    settings = script.settings_around(resolve_algorithm_config(entry, choice).config)
    expected = {"preset": (), halved[0]: halved}
    expected |= {text: (text,) for text in ("rollout_length=100", "epochs=10", "clip=0.1")}
    assert settings == expected
    for overrides in settings.values():
        resolve_algorithm_config(entry, choice, overrides)


def test_all_algorithms_get_the_same_seeds_and_a_folder_for_each_run(script, registry, tmp_path):
    cells = script.grid(registry, ["mappo", "srsv"], "smac:3s5z", [1000, 1001], tmp_path)
    assert len(cells) == len({one.path for one in cells}) == 2 * 5 * 2
    assert [one.seed for one in cells] == [1000] * 10 + [1001] * 10
    assert cells[1].path == tmp_path / "mappo" / "rollout_length=100" / "1000"


def test_a_run_is_started_once_and_then_resumed(script, tmp_path):
    one = cell(script, tmp_path, "lr", ("lr=1e-4", "critic_lr=1e-4"))
    assert one.command("smac:3m", 400_000)[3:-1] == [
        "run", "mappo", "--env", "smac:3m", "--steps", "400000", "--eval-interval", "50000", "--seed", "1000",
        "-o", "lr=1e-4", "-o", "critic_lr=1e-4", "--out", str(tmp_path),
    ]  # fmt: skip
    (tmp_path / "manifest.json").touch()
    assert one.command("smac:3m", 400_000)[3:-1] == ["resume", str(tmp_path)]


def write_lines(path, *rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def test_the_table_has_what_the_folder_tells(script, tmp_path):
    """Evaluations at every 100 steps; the second is missing, as an update took more than an interval."""
    evaluations = [{"step": step, "score": score} for step, score in ((0, 0.0), (100, 0.5), (320, 0.91))]
    write_lines(tmp_path / "evaluations.jsonl", *evaluations)
    # 4 episodes won by 0.25, then 1 by 1.0; in the second interval 10 by 0.6; one row before any has ended
    rows = [(50, 4, 0.25), (100, 5, 1.0), (320, 15, 0.6)]
    first = {"step": 20, "count/episodes": 0}
    write_lines(
        tmp_path / "metrics.jsonl",
        first,
        *({"step": step, "count/episodes": number, "train/won": won} for step, number, won in rows),
    )
    with (tmp_path / "evaluations.jsonl").open("a") as file:
        file.write('{"step": 4')
    *_, running = script.table([cell(script, tmp_path)], "won", 800)
    assert running.split(" | ")[2:] == (
        ["1000", "50 (40)", "-", "91 (60)", *["-"] * 5, "0k", "0k", "-", "- |"]
    )
    result = {"absolute": {"score": 0.876}, "cpu_seconds": 12.3}
    (tmp_path / "result.json").write_text(json.dumps(result))
    head, rule, finished = script.table([cell(script, tmp_path)], "won", 800)
    assert finished.endswith("| 87.6 | 12 |")
    assert head.count("|") == rule.count("|") == finished.count("|")


def test_a_run_that_has_not_begun_is_an_empty_row(script, tmp_path):
    *_, row = script.table([cell(script, tmp_path / "nowhere")], "won", 800)
    assert row.split(" | ")[3:] == [*["-"] * 11, "- |"]


def test_finished_runs_are_left_alone_and_failures_reported(script, tmp_path, monkeypatch, capsys):
    done, works, fails = (cell(script, tmp_path / name) for name in ("done", "works", "fails"))
    for one in (done, works, fails):
        one.path.mkdir()
    (done.path / "result.json").touch()
    code = "import pathlib, sys; path = pathlib.Path(sys.argv[1]); path.name == 'fails' and sys.exit(1)"
    code += "; path.joinpath('result.json').touch()"
    monkeypatch.setattr(script.Cell, "command", lambda self, *_: [sys.executable, "-c", code, str(self.path)])
    assert script.work([done, works, fails], "smac:3m", 100, jobs=2) == [fails]
    assert capsys.readouterr().err.count("seed 1000") == 2
    assert works.finished


def test_runs_end_with_the_grid(script, tmp_path, monkeypatch):
    started = tmp_path / "started"
    code = f"import pathlib, time; pathlib.Path({str(started)!r}).touch(); time.sleep(600)"
    monkeypatch.setattr(script.Cell, "command", lambda *_: [sys.executable, "-c", code])
    processes = []
    popen = script.subprocess.Popen
    monkeypatch.setattr(
        script.subprocess, "Popen", lambda *a, **k: processes.append(popen(*a, **k)) or processes[-1]
    )
    monkeypatch.setattr(script.time, "sleep", lambda _: started.exists() and script._end())
    with pytest.raises(SystemExit):
        script.work([cell(script, tmp_path / "run")], "smac:3m", 100, jobs=1)
    assert processes[0].returncode is not None
