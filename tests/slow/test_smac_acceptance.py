"""Is the engine as hard as SMAC, in shape? Scripted yardsticks, and mirror battles of the opponent."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pytest
import torch

from marlzoo.envs.smac import state
from marlzoo.envs.smac.batched import SmacEnv
from marlzoo.envs.smac.engine import BattleField
from marlzoo.envs.smac.maps import Point
from marlzoo.envs.smac.scripts import CORRIDOR_POSTS, SCRIPTS, Scene

pytestmark = pytest.mark.slow


class Played(NamedTuple):
    """How 128 episodes of a script went."""

    wins: float
    mean_return: float
    mean_length: float
    timeouts: float
    regeneration: float


def play(
    name: str, script: str, episodes: int = 128, run: int = 0, posts: Sequence[Point] | None = None
) -> Played:
    """The first episode of each of `episodes` environments; agents begin at `posts` if these are given."""
    env, rng = SmacEnv(name, episodes), np.random.default_rng(run)
    view = env.reset(np.random.SeedSequence(run).spawn(episodes))
    if posts is not None:
        env.battles.floats[:, [state.X, state.Y], : len(posts)] = np.transpose(posts)
    open_, returns, lengths = np.ones(episodes, bool), np.zeros(episodes), np.zeros(episodes)
    found = np.zeros((3, episodes))
    while open_.any():
        assert view.action_mask is not None
        scene = Scene(env.map, env.battles.allies, env.battles.enemies, view.action_mask.numpy(), rng)
        result = env.step(torch.from_numpy(SCRIPTS[script](scene)))
        returns += open_ * result.reward[:, 0].numpy()
        lengths += open_
        ended = (result.terminated | result.truncated).numpy() & open_
        metrics = (result.info[key] for key in ("battle_won", "episode_limit", "regeneration_share"))
        for row, values in zip(found, metrics, strict=True):
            row[ended] = values[ended]
        open_ &= ~ended
        view = env.reset_done()
    wins, timeouts, regeneration = found.mean(1)
    return Played(wins, returns.mean(), lengths.mean(), timeouts, regeneration)


@pytest.mark.parametrize("name", ["3s5z", "8m", "MMM2"])
def test_random_play_wins_about_nothing(name: str) -> None:
    played = play(name, "random")
    assert played.wins <= 0.02
    assert 0.5 < played.mean_return < 8.0


@pytest.mark.parametrize("name", ["8m", "25m"])
def test_nearest_target_play_is_no_sure_win_on_symmetric_marine_maps(name: str) -> None:
    assert play(name, "nearest").wins < 0.9


@pytest.mark.parametrize("name", ["5m_vs_6m", "8m_vs_9m", "10m_vs_11m", "27m_vs_30m", "MMM2", "3s5z_vs_3s6z"])
def test_nearest_target_play_loses_when_outnumbered(name: str) -> None:
    assert play(name, "nearest").wins < 0.2


@pytest.mark.parametrize("name", ["8m", "25m", "8m_vs_9m", "10m_vs_11m"])
def test_focus_fire_beats_nearest_on_marine_maps(name: str) -> None:
    focused, scattered = play(name, "focus_fire"), play(name, "nearest")
    assert focused.mean_return > scattered.mean_return
    assert focused.wins >= scattered.wins


def test_kiting_beats_three_zealots() -> None:
    assert play("3s_vs_3z", "kite").wins > 0.9


def test_two_marines_lose_to_a_zealot_by_standing_still() -> None:
    assert play("2m_vs_1z", "stand_still").wins < 0.05


def test_the_corridor_is_lost_in_the_open_and_can_be_held_at_the_choke() -> None:
    """The same script, which strikes what comes within reach, at the spawn point and round the passage."""
    assert play("corridor", "stand_still").wins < 0.05
    assert play("corridor", "stand_still", posts=CORRIDOR_POSTS).wins > 0.9


@pytest.mark.parametrize("name", ["3m", "8m", "25m", "2s3z", "3s5z", "MMM", "1c3s5z", "bane_vs_bane"])
def test_mirror_battles_of_the_opponent_are_fair(name: str) -> None:
    field = BattleField(name, num_envs=600, seed=7)
    field.script_both_sides()
    outcome = field.play_out(8 * field.map.episode_limit)
    # Survivors who passed each other out of sight stand at each other's spawn points for ever: undecided.
    decided = outcome.won + outcome.lost
    assert decided > 300
    assert abs(outcome.won - decided / 2) <= 3 * math.sqrt(decided) / 2


@pytest.mark.parametrize("name", ["3s_vs_3z", "3s_vs_5z", "3s5z"])
def test_hit_and_run_does_not_farm_regeneration(name: str) -> None:
    """Enemies chase whoever shoots at them: agents that run cannot live off returning shields."""
    played = play(name, "kite")
    assert played.regeneration < 0.2
    assert played.timeouts < 0.2
