"""Policies of past runs, in their own environment and in others."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from marlzoo.errors import UsageError
from marlzoo.registry import Registry
from marlzoo.run.checkpoint import load
from marlzoo.run.experiment import Outcome
from marlzoo.run.policy import evaluate_run, load_policy
from marlzoo.run.seeding import SeedTree

Run = Callable[..., Outcome]


def test_the_best_the_last_or_any_checkpoint(run: Run, registry: Registry) -> None:
    path = run(checkpoint_interval=300, keep_checkpoints=5).path
    files = sorted((path / "checkpoints").iterdir())
    assert len(files) == 2
    best, last = load_policy(registry, path), load_policy(registry, path, "last")
    early = load_policy(registry, path, str(files[0]))
    assert (early.step, last.step) == (300, 400)
    assert best.step == load(files[1])["trainer"]["best"]["step"]
    assert not torch.equal(early.parameters["net"]["weight"], last.parameters["net"]["weight"])


def test_the_batch_changes_nothing_and_the_seed_does(run: Run, registry: Registry) -> None:
    path = run().path
    documents = [evaluate_run(registry, path, episodes=10, batch=batch) for batch in (1, 4, 32)]
    assert documents[0] == documents[1] == documents[2]
    assert evaluate_run(registry, path, episodes=10, seed=1)["scores"] != documents[0]["scores"]
    assert documents[0]["episodes"] == 10
    assert documents[0]["backend"] == "embedded 1"


def test_later_episodes_are_on_seeds_that_the_run_never_used() -> None:
    tree = SeedTree(0)
    used = {s.spawn_key for s in tree.training(50) + tree.absolute(50) + tree.evaluation(0, 50)}
    assert not used & {s.spawn_key for s in tree.afterwards(50)}


def test_a_count_free_policy_plays_with_other_numbers_of_agents(run: Run, registry: Registry) -> None:
    document = evaluate_run(registry, run().path, environment="echo:3", env_args=["horizon=5"], episodes=6)
    assert document["environment"] == "echo:3?horizon=5"
    assert document["length"] <= 5


def test_a_policy_that_depends_on_the_number_of_agents_does_not(
    run: Run, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = run().path
    spec = registry.algorithm("parrot").spec
    monkeypatch.setitem(spec.__dict__, "count_free", False)
    with pytest.raises(
        UsageError, match=r"echo:3 has 3 agents, .* was trained with 2, and parrot depends on their"
    ):
        evaluate_run(registry, path, environment="echo:3")


def test_a_policy_of_other_sizes_is_refused(
    run: Run, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = run().path
    monkeypatch.setattr("tiny_zoo.OBS", 6)
    with pytest.raises(
        UsageError, match=r"the policy of .*\(best\) does not fit echo:2: size mismatch for weight"
    ):
        evaluate_run(registry, path)


def test_a_run_without_checkpoints_has_no_policy(run: Run, registry: Registry, tmp_path: Path) -> None:
    path = run().path
    with pytest.raises(UsageError, match="cannot read checkpoint"):
        load_policy(registry, path, str(tmp_path / "nowhere.pt"))
    for file in (path / "checkpoints").iterdir():
        file.unlink()
    with pytest.raises(UsageError, match="has no checkpoint yet"):
        load_policy(registry, path)
