"""The backend for the real game, against a stand-in in real processes."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from marlzoo.envs.smac import starcraft2_installation, starcraft2_process
from marlzoo.envs.smac.config import SMAC_ARGUMENTS, smac_config
from marlzoo.envs.smac.starcraft2 import StarCraft2Batch, game_arguments
from marlzoo.envs.smac.starcraft2_installation import check_installation
from marlzoo.errors import MissingPieceError, RunError, UsageError

LEGAL = [1, 8, 0]


class Games:
    """Makes batches and closes them at the end of a test."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.made = folder, []

    def __call__(self, mode: str = "", num_envs: int = 1, **arguments: Any) -> StarCraft2Batch:
        config = smac_config({"replay_prefix": mode, "replay_dir": str(self.folder), **arguments})
        batch = StarCraft2Batch("3m", config, num_envs, factory="stand_in:StandIn")
        self.made.append(batch)
        return batch


@pytest.fixture
def games(tmp_path: Path) -> Iterator[Games]:
    maker = Games(tmp_path)
    yield maker
    for batch in maker.made:
        batch.close()


def seeds(count: int) -> list[np.random.SeedSequence]:
    return np.random.SeedSequence(5).spawn(count)


def actions(num_envs: int) -> torch.Tensor:
    return torch.tensor([LEGAL] * num_envs)


def test_two_games_play_an_episode_and_begin_the_next(games: Games) -> None:
    batch = games(num_envs=2)
    assert (batch.world.num_agents, batch.world.obs_dim, batch.world.state_dim) == (3, 5, 6)
    assert (batch.world.action_dim, batch.world.horizon, batch.backend) == (9, 4, "starcraft2")
    assert [agent.name for agent in batch.world.agents] == ["marine_0", "marine_1", "marine_2"]
    view = batch.reset(seeds(2))
    assert view.first.tolist() == [True, True]
    assert view.alive.tolist() == [[True, True, False]] * 2
    assert view.action_mask is not None
    assert view.action_mask[0, 0].tolist() == [False, True, True, True, True, True, False, False, True]
    first = batch.step(actions(2))
    assert first.reward.tolist() == [[6.0] * 3] * 2
    assert not first.terminated.any()
    assert not first.view.first.any()
    assert first.view.obs[0, :, 1].tolist() == [1, 1, 1]
    assert view.obs[0, :, 1].tolist() == [0, 0, 0]  # the view before the step is still readable
    batch.reset_done()
    batch.step(actions(2))
    batch.reset_done()
    last = batch.step(actions(2))
    assert last.terminated.tolist() == [True, True]
    assert not last.truncated.any()
    assert {name: values.tolist() for name, values in last.info.items()} == {
        "battle_won": [1, 1],
        "dead_allies": [1, 1],
        "dead_enemies": [3, 3],
        "episode_limit": [0, 0],
        "regeneration_share": [0.06, 0.06],
    }
    again = batch.reset_done()
    assert again.first.tolist() == [True, True]
    assert again.obs[0, 0].tolist()[:3] == [0, 0, 2]  # the second reset of the same game
    assert batch.diagnostics() == {"restarted_games": 0}


def test_a_game_gets_its_seed_from_its_own_stream(games: Games) -> None:
    two = games(num_envs=2).reset(seeds(2)).obs[:, 0, 3].tolist()
    one = games().reset(seeds(1)).obs[:, 0, 3].tolist()
    assert two[0] == one[0]
    assert two[0] != two[1]
    assert games(seed=123).reset(seeds(1)).obs[0, 0, 3] == 123


def test_running_out_of_time_is_truncation(games: Games) -> None:
    batch = games("timeout")
    batch.reset(seeds(1))
    for _ in range(3):
        step = batch.step(actions(1))
        assert not step.truncated.any()
        batch.reset_done()
    step = batch.step(actions(1))
    assert (step.terminated.tolist(), step.truncated.tolist()) == ([False], [True])
    assert step.info["episode_limit"].tolist() == [1]


def test_a_game_that_dies_is_started_again(games: Games) -> None:
    batch = games("dies once")
    batch.reset(seeds(1))
    batch.step(actions(1))
    before = batch.reset_done().obs.clone()
    step = batch.step(actions(1))
    assert (step.terminated.tolist(), step.truncated.tolist()) == ([False], [True])
    assert not step.reward.any()
    assert torch.equal(step.view.obs, before)  # the last that is known
    assert step.info["battle_won"].tolist() == [0]
    view = batch.reset_done()
    assert view.first.tolist() == [True]
    assert batch.diagnostics() == {"restarted_games": 1}
    batch.step(actions(1))
    batch.reset_done()
    assert not batch.step(actions(1)).truncated.any()


def test_a_lost_connection_counts_as_death(games: Games) -> None:
    batch = games("connection lost")
    batch.reset(seeds(1))
    assert batch.step(actions(1)).truncated.tolist() == [True]
    assert batch.diagnostics() == {"restarted_games": 1}


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_a_game_that_hangs_is_ended_with_all_it_started(
    games: Games, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(starcraft2_process, "STEP_SECONDS", 3.0)
    batch = games("hangs")
    batch.reset(seeds(1))
    assert batch.step(actions(1)).truncated.tolist() == [True]
    assert ended(int((games.folder / "game").read_text()))


def ended(pid: int) -> bool:
    """Whether a process is gone or soon will be."""
    for _ in range(100):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().split(")")[-1].split()[0]
        except FileNotFoundError:
            return True
        if state == "Z":
            return True
        time.sleep(0.05)
    return False


def test_repeated_deaths_end_the_run(games: Games, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(starcraft2_process, "MAX_DEATHS", 2)
    batch = games("dies always")
    batch.reset(seeds(1))
    batch.step(actions(1))
    batch.reset_done()
    with pytest.raises(RunError, match="game 0 of smac:3m died 2 times without finishing an episode"):
        batch.step(actions(1))


def test_a_game_that_never_starts_says_why(games: Games, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(starcraft2_process, "MAX_DEATHS", 1)
    batch = games("never starts")
    with pytest.raises(RunError, match=r"game 0 of smac:3m died 1 times .* no licence"):
        batch.reset(seeds(1))


def test_a_missing_game_is_not_tried_again(games: Games) -> None:
    batch = games("not installed")
    with pytest.raises(MissingPieceError, match="No SC2 binary found") as error:
        batch.reset(seeds(1))
    assert error.value.exit_code == 3
    assert batch.diagnostics() == {"restarted_games": 0}


def test_a_snapshot_holds_no_battle(games: Games) -> None:
    batch = games()
    batch.reset(seeds(1))
    batch.step(actions(1))
    batch.reset_done()
    saved = batch.snapshot()
    view = batch.restore(saved)
    assert view.first.tolist() == [True]
    assert view.obs[0, 0].tolist()[1:3] == [0, 1]  # a new episode in a fresh game


def test_vectors_that_are_longer_than_smac_says(games: Games) -> None:
    batch = games(obs_timestep_number=True)
    assert batch.world.obs_dim == 7
    assert batch.reset(seeds(1)).obs.shape == (1, 3, 7)


def test_unavailable_actions_are_named(games: Games) -> None:
    batch = games()
    batch.reset(seeds(1))
    with pytest.raises(
        UsageError, match="environment 0, agent 1: action 6 is not available; available: 1, 2"
    ):
        batch.step(torch.tensor([[1, 6, 0]]))
    with pytest.raises(UsageError, match="agent 2: action 99"):
        batch.step(torch.tensor([[1, 1, 99]]))
    with pytest.raises(UsageError, match="one per agent"):
        batch.step(torch.tensor([[1, 1]]))


def test_arguments_of_the_game() -> None:
    arguments = game_arguments("3m", smac_config({"difficulty": "A", "reward_win": 100}))
    assert set(arguments) == {"map_name", *SMAC_ARGUMENTS} - {"seed"}
    assert (arguments["map_name"], arguments["difficulty"], arguments["reward_win"]) == ("3m", "A", 100)
    assert type(arguments["move_amount"]) is int
    assert arguments["continuing_episode"]  # so that SMAC tells a timeout from an end


@pytest.mark.parametrize(
    "given", [{"obs_profile": "on_policy"}, {"stats_profile": "ladder"}, {"reward_regeneration": False}]
)
def test_what_only_the_engine_can_do(given: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=f"{next(iter(given))} cannot be changed with backend=starcraft2"):
        game_arguments("3m", smac_config(given))


def package(folder: Path, *files: str) -> None:
    for file in files:
        path = folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An import path and a game folder of our own."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("SC2PATH", str(tmp_path / "StarCraftII"))
    return tmp_path


def test_without_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(starcraft2_installation.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingPieceError, match="needs oxwhirl's package smac") as error:
        check_installation("3m")
    assert error.value.exit_code == 3


def test_with_automls_package_of_the_same_name(place: Path) -> None:
    package(place, "smac/__init__.py", "smac/facade/__init__.py")
    (place / "smac-2.3.1.dist-info").mkdir()
    (place / "smac-2.3.1.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: smac\nVersion: 2.3.1\n"
    )
    with pytest.raises(
        MissingPieceError, match=r"smac 2\.3\.1 is AutoML's SMAC3.*pip uninstall smac"
    ) as error:
        check_installation("3m")
    assert "\n" not in str(error.value)


def test_without_the_game_and_without_its_maps(place: Path) -> None:
    package(place, "smac/__init__.py", "smac/env/__init__.py", "pysc2/__init__.py")
    with pytest.raises(MissingPieceError, match=r"StarCraft II is not at .*StarCraftII: .*SC2PATH"):
        check_installation("3m")
    package(place, "StarCraftII/Maps/SMAC_Maps/8m.SC2Map")
    with pytest.raises(MissingPieceError, match=r"has no 3m\.SC2Map"):
        check_installation("3m")
    check_installation("8m")


def test_without_pysc2(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package(place, "smac/__init__.py", "smac/env/__init__.py")
    monkeypatch.setattr(starcraft2_installation, "PYSC2", "pysc2_that_is_not_there")
    with pytest.raises(MissingPieceError, match=r"marlzoo\[starcraft2\]"):
        check_installation("3m")
