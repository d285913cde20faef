"""Rewards and ends of battles: against a literal reference, and by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference_score import ReferenceScore
from reference_tables import ENEMY_KINDS, FACTS, HIT_POINTS
from situations import REWARD_FLAGS, aftermath, coin, situation, some_flags

from marlzoo.envs.smac import SmacConfig, score_units
from marlzoo.envs.smac.forces import forces
from marlzoo.envs.smac.maps import get_map
from marlzoo.envs.smac.score import max_reward
from marlzoo.errors import UsageError

MAPS = sorted(FACTS)


def army(*lives: tuple[float, float]) -> np.ndarray:
    """Units with these hit points and shields; the dead have 0 hit points."""
    return np.array([(16, 16, life, shield, 0, 0, life > 0) for life, shield in lives], np.float32)


def zealots(*lives: tuple[float, float]) -> dict[str, Any]:
    """Score of a step on 3s_vs_3z in which only the enemies change, unscaled."""
    stalkers, before = army((80, 80), (80, 80), (80, 80)), army((100, 50), (50, 20), (10, 0))
    return score_units("3s_vs_3z", (stalkers, before), (stalkers, army(*lives)), reward_scale=False)


@pytest.mark.parametrize("map_name", MAPS)
@settings(max_examples=10)
@given(seed=st.integers(0, 2**32 - 1))
def test_equals_the_reference(map_name: str, seed: int) -> None:
    rng, case = np.random.default_rng(seed), situation(map_name, seed)
    deadliness = rng.choice([0.05, 0.9, 1.0], 2)
    after = (
        aftermath(rng, case.allies, case.ally_kinds, deadliness[0]),
        aftermath(rng, case.enemies, case.enemy_kinds, deadliness[1]),
    )
    arguments = some_flags(rng, REWARD_FLAGS)
    if coin(rng):
        arguments |= {
            "reward_death_value": 7.3,
            "reward_win": 33,
            "reward_defeat": -4.1,
            "reward_scale_rate": 13,
        }
    shared = {
        "step": case.step,
        "ally_kinds": case.ally_kinds,
        "enemy_kinds": case.enemy_kinds,
        **arguments,
    }
    before = (case.allies, case.enemies)
    found = score_units(map_name, before, after, **shared)
    reward, terminated, info = ReferenceScore(map_name, before, after, **shared).result()
    assert found["reward"] == reward
    assert found["terminated"] == terminated
    assert {key: value for key, value in found["info"].items() if key != "reward_regeneration"} == info


@pytest.mark.parametrize("map_name", MAPS)
def test_largest_reward_is_smacs(map_name: str) -> None:
    assert max_reward(forces(get_map(map_name)), SmacConfig()) == FACTS[map_name].max_reward


@pytest.mark.parametrize("map_name", MAPS)
def test_a_clean_win_in_one_step_totals_twenty(map_name: str) -> None:
    facts = FACTS[map_name]
    ours = army(*[(45, 0)] * facts.agents)
    full = army(*[HIT_POINTS[kind] for kind in ENEMY_KINDS[map_name]])
    dead = army(*[(0, 0)] * facts.enemies)
    result = score_units(map_name, (ours, full), (ours, dead))
    assert result["reward"] == pytest.approx(20.0, abs=1e-12)
    assert result["terminated"]
    assert result["info"]["battle_won"]
    assert result["info"]["dead_enemies"] == facts.enemies


def test_damage_and_deaths_by_hand() -> None:
    result = zealots((100, 20), (40, 0), (0, 0))
    assert result["reward"] == 30 + 30 + (10 + 10)  # shield, both, the last hit points and the kill
    assert result["info"] == {
        "battle_won": False,
        "dead_allies": 0,
        "dead_enemies": 1,
        "reward_regeneration": 0.0,
    }


def test_regeneration_pays_by_absolute_value() -> None:
    result = zealots((100, 50), (50, 26), (10, 3))
    assert result["reward"] == 9.0
    assert result["info"]["reward_regeneration"] == 9.0


def test_regeneration_only_reduces_what_damage_earns() -> None:
    result = zealots((90, 50), (50, 26), (10, 0))
    assert result["reward"] == 4.0
    assert result["info"]["reward_regeneration"] == 0.0


def test_regeneration_can_be_switched_off() -> None:
    ours, before = army((80, 80), (80, 80), (80, 80)), army((100, 40), (50, 20), (10, 0))
    after = army((100, 50), (40, 20), (10, 0))
    result = score_units(
        "3s_vs_3z", (ours, before), (ours, after), reward_scale=False, reward_regeneration=False
    )
    assert result["reward"] == 10.0
    assert result["info"]["reward_regeneration"] == 0.0


def test_own_losses_count_when_asked_for() -> None:
    ours, theirs = army((80, 80), (80, 80), (80, 80)), army((100, 50), (100, 50), (100, 50))
    result = score_units(
        "3s_vs_3z",
        (ours, theirs),
        (army((80, 60), (0, 0), (80, 80)), theirs),
        reward_only_positive=False,
        reward_scale=False,
    )
    assert result["reward"] == -0.5 * 20 - 0.5 * 160 - 0.5 * 10
    assert result["info"]["reward_regeneration"] == 0.0


def test_the_dead_are_paid_for_once() -> None:
    ours, before = army((80, 80), (80, 80), (80, 80)), army((100, 50), (0, 5), (10, 0))
    result = score_units("3s_vs_3z", (ours, before), (ours, before))
    assert result["reward"] == 0.0
    assert result["info"]["dead_enemies"] == 1


def mmm(fighters: bool, medivac: bool) -> np.ndarray:
    """Ten allies in agent order: nine fighters and the medivac."""
    return army(*[(45 * fighters, 0)] * 9, (150 * medivac, 0))


@pytest.mark.parametrize(
    ("ours", "theirs", "won", "ended"),
    [
        (mmm(True, True), mmm(True, True), False, False),
        (mmm(True, False), mmm(False, True), True, True),  # only the enemy's medivac is left
        (mmm(False, True), mmm(True, True), False, True),  # only our medivac is left
        (mmm(False, True), mmm(False, False), False, True),  # ... which does not win alone
        (mmm(False, False), mmm(False, False), False, True),  # a double wipe-out is a defeat here
        (mmm(True, True), mmm(False, False), True, True),
    ],
)
def test_medivacs_at_the_end(ours: np.ndarray, theirs: np.ndarray, won: bool, ended: bool) -> None:
    full = mmm(True, True)
    result = score_units("MMM", (full, full), (ours, theirs), reward_sparse=True, reward_scale=False)
    assert (result["info"]["battle_won"], result["terminated"]) == (won, ended)
    assert result["reward"] == (1.0 if won else -1.0 if ended else 0.0)


def test_two_enemy_medivacs_have_not_lost_yet() -> None:
    kinds = ["medivac", "medivac"] + ["marine"] * 8
    theirs = army((150, 0), (150, 0), *[(0, 0)] * 8)
    result = score_units("MMM", (mmm(True, True), theirs), (mmm(True, True), theirs), enemy_kinds=kinds)
    assert not result["terminated"]


def test_a_draw_ends_without_bonus_or_win() -> None:
    full, dead = army((45, 0), (45, 0), (45, 0)), army((0, 0), (0, 0), (0, 0))
    result = score_units("3m", (full, full), (dead, dead), reward_scale=False, reward_defeat=-50)
    assert result["reward"] == 3 * 45 + 30
    assert result["terminated"]
    assert not result["info"]["battle_won"]


@pytest.mark.parametrize(("step", "ended"), [(59, False), (60, True)])
def test_time_runs_out(step: int, ended: bool) -> None:
    units = army((45, 0), (45, 0), (45, 0))
    quiet = score_units("3m", (units, units), (units, units), step=step)
    told = score_units("3m", (units, units), (units, units), step=step, continuing_episode=True)
    assert quiet["terminated"] is told["terminated"] is ended
    assert "episode_limit" not in quiet["info"]
    assert told["info"].get("episode_limit", False) is ended
    assert not score_units("3m", (units, units), (units, units), step=step, episode_limit=61)["terminated"]


def test_a_win_in_the_last_step_is_a_win() -> None:
    units, dead = army((45, 0), (45, 0), (45, 0)), army((0, 0), (0, 0), (0, 0))
    result = score_units("3m", (units, units), (units, dead), step=60, continuing_episode=True)
    assert result["info"]["battle_won"]
    assert "episode_limit" not in result["info"]


def test_misuse_is_a_one_line_error() -> None:
    units = army((45, 0), (45, 0), (45, 0))
    with pytest.raises(UsageError, match=r"after\[1\] must have shape \(3, 7\)"):
        score_units("3m", (units, units), (units, units[:2]))
    with pytest.raises(UsageError, match="did you mean 'reward_win'"):
        score_units("3m", (units, units), (units, units), reward_wins=1)
