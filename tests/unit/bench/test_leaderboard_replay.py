"""The replay of the best policy on a task lies where the page looks for it."""

from __future__ import annotations

import re

import pytest

from marlzoo.bench.leaderboard import stored_runs
from marlzoo.bench.leaderboard_replay import record_best
from marlzoo.bench.store import entry_from_run, read_store, write_entry
from marlzoo.errors import UsageError
from marlzoo.registry import Registry
from marlzoo.run.experiment import begin_run
from marlzoo.run.plan import make_plan
from marlzoo.run.settings import RunSettings

ENVIRONMENT = "dubins:transfer-4?horizon=20"
OVERRIDES = ["width=16", "rollout_length=10", "num_envs=2", "epochs=1"]


@pytest.fixture(scope="module")
def registry():
    return Registry.load([])


@pytest.fixture(scope="module")
def runs(registry, tmp_path_factory):
    root, made = tmp_path_factory.mktemp("runs"), []
    for seed in range(2):
        settings = RunSettings(steps=20, seed=seed, eval_interval=20, eval_episodes=2, absolute_episodes=2)
        plan = make_plan(registry, "mappo", ENVIRONMENT, overrides=OVERRIDES, settings=settings)
        begin_run(registry, plan, root / str(seed))
        made.append((root / str(seed), entry_from_run(root / str(seed))))
    return made


def scored(entry, score):
    return entry.model_copy(update={"absolute": entry.absolute.model_copy(update={"score": score})})


@pytest.mark.parametrize("best", [0, 1])
def test_the_best_of_a_task_is_recorded_and_linked(registry, runs, tmp_path, best):
    ranked = [
        (folder, scored(entry, 0.9 if seed == best else 0.1)) for seed, (folder, entry) in enumerate(runs)
    ]
    for _, entry in ranked:
        write_entry(tmp_path / "results", "dubins", entry)
    (file,) = record_best(registry, ranked, "dubins", tmp_path)
    assert f"trained with seed {best}" in file.read_text()
    assert re.search(r'"values": \{"type": "f4"', file.read_text())
    links = {run.entry.seed: run.replay for run in stored_runs(read_store(tmp_path / "results"), tmp_path)}
    assert links == {best: file.relative_to(tmp_path).as_posix(), 1 - best: ""}


def test_another_engine_than_the_results_is_refused(registry, runs, tmp_path):
    folder, entry = runs[0]
    other = entry.model_copy(update={"backend_version": "0.0.1"})
    with pytest.raises(UsageError, match=r"was made with .* 0\.0\.1, installed is "):
        record_best(registry, [(folder, other)], "dubins", tmp_path)
    assert not list(tmp_path.iterdir())
