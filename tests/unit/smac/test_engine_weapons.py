"""Weapons, shields, healing and regeneration against values computed by hand from the unit data."""

from __future__ import annotations

import numpy as np
import pytest
from battle_field import Scene

from marlzoo.envs.smac import state
from marlzoo.envs.smac.rules import ARMOR

HP, SHIELD, ENERGY, COOLDOWN, ALIVE = state.HP, state.SHIELD, state.ENERGY, state.COOLDOWN, state.ALIVE

# Columns of 2m_vs_1z: marines 0 and 1, zealot 2. Of 3s_vs_3z: stalkers 0 to 2, zealots 3 to 5.
MARINE, ZEALOT = 0, 2
STALKER, VICTIM = 0, 3


def shooting_marine(seed: int = 0) -> Scene:
    scene = Scene("2m_vs_1z", {MARINE: (12.0, 15.0), ZEALOT: (16.0, 15.0)}, seed)
    scene.attack(MARINE, ZEALOT)
    return scene


def test_a_marine_fires_after_one_loop_of_windup() -> None:
    # The damage point of 0.8 loops is rounded up: it aims in the first loop and fires in the second.
    assert shooting_marine().loops_of_hits(ZEALOT, 3) == [2]


def test_intervals_between_shots_are_the_period_and_its_jitter() -> None:
    # 13.77 loops and a random part from -1 to 2; shots fall on whole loops.
    intervals = np.concatenate(
        [np.diff(shooting_marine(seed).loops_of_hits(ZEALOT, 300)) for seed in range(10)]
    )
    assert set(intervals) == {13, 14, 15, 16}
    assert intervals.mean() == pytest.approx(13.77 + 0.5 + 0.5, abs=0.15)


def test_shields_absorb_first_and_armour_counts_on_life_only() -> None:
    scene = shooting_marine()
    left = []
    while len(left) < 11:
        if scene.loops_of_hits(ZEALOT, 1):
            left.append((scene.get(SHIELD, ZEALOT), scene.get(HP, ZEALOT)))
    # 6 damage against 50 shield; the ninth shot finds 2 shield, and 4 - 1 goes through to life.
    assert left[:8] == [(50 - 6 * k, 100) for k in range(1, 9)]
    assert left[8:] == [(0, 97), (0, 92), (0, 87)]


def test_a_hit_on_life_does_at_least_half_a_point() -> None:
    scene = shooting_marine()
    scene.put(SHIELD, ZEALOT, 0)
    scene.rules.stat[ARMOR, ZEALOT] = 50
    scene.run(2)
    assert scene.get(HP, ZEALOT) == 99.5


def test_the_cooldown_after_a_shot_contains_the_windup() -> None:
    scene = shooting_marine()
    scene.run(2)
    assert 13.7728 - 1 - 1 <= scene.get(COOLDOWN, MARINE) <= 13.7728 + 2 - 1


def test_another_order_cancels_the_windup_at_no_cost() -> None:
    scene = shooting_marine()
    scene.run(1)
    scene.stop(MARINE)
    assert scene.loops_of_hits(ZEALOT, 20) == []
    assert scene.get(COOLDOWN, MARINE) == 0


def shooting_stalker(distance: float) -> Scene:
    scene = Scene(
        "3s_vs_3z", {STALKER: (10.0, 16.0), VICTIM: (10.0 + distance, 16.0), VICTIM + 1: (20.0, 24.0)}
    )
    scene.attack(STALKER, VICTIM)
    return scene


@pytest.mark.parametrize(("distance", "flight"), [(6.0, 6), (7.0, 6), (2.0, 2), (1.1875 * 3, 3)])
def test_a_missile_takes_as_long_as_it_flies(distance: float, flight: int) -> None:
    # 2.67 loops of wind-up make 3: aimed in loop 1, released in loop 4; it flies 19 / 16 = 1.1875 a loop.
    assert shooting_stalker(distance).loops_of_hits(VICTIM, 12) == [4 + flight]


def test_a_stalker_does_ten_damage_to_a_zealot_and_fourteen_to_a_stalker() -> None:
    scene = shooting_stalker(6.0)
    scene.run(12)
    assert scene.body(VICTIM) == 150 - 10
    armored = Scene("3s5z", {0: (10.0, 16.0), 8: (16.0, 16.0)})
    armored.attack(0, 8)
    armored.run(12)
    assert armored.body(8) == 160 - 14


def test_a_missile_lands_although_its_shooter_is_dead() -> None:
    scene = shooting_stalker(6.0)
    scene.run(5)
    scene.kill(STALKER)
    assert scene.loops_of_hits(VICTIM, 10) == [5]


def test_a_missile_to_a_dead_target_is_lost() -> None:
    scene = shooting_stalker(6.0)
    scene.run(5)
    scene.kill(VICTIM)
    scene.run(20)
    assert scene.get(HP, VICTIM) == 0
    assert scene.body(VICTIM + 1) == 150


def test_a_begun_attack_completes_when_the_target_drifts_a_little() -> None:
    scene = shooting_stalker(7.1)  # the reach is 6 + 0.625 + 0.5 = 7.125
    scene.run(1)
    scene.put(state.X, VICTIM, 18.0)
    assert scene.loops_of_hits(VICTIM, 12) == [3 + 7]
    far = shooting_stalker(7.1)
    far.run(1)
    far.put(state.X, VICTIM, 10.0 + 8.2)
    far.run(3)
    assert far.ints[0, state.HIT_LEFT, STALKER] == 0


def test_a_zealot_strikes_twice() -> None:
    scene = Scene("3s_vs_3z", {STALKER: (10.0, 16.0), VICTIM: (11.2, 16.0)})
    scene.attack(VICTIM, STALKER)
    # At once, and 4.48 loops later: in the fifth loop after.
    assert scene.loops_of_hits(STALKER, 10) == [1, 6]
    assert scene.body(STALKER) == 160 - 16


def test_a_dead_zealot_does_not_strike_again() -> None:
    scene = Scene("3s_vs_3z", {STALKER: (10.0, 16.0), VICTIM: (11.2, 16.0)})
    scene.attack(VICTIM, STALKER)
    scene.run(1)
    scene.kill(VICTIM)
    assert scene.loops_of_hits(STALKER, 10) == []


def test_two_units_that_kill_each_other_in_one_loop_both_die() -> None:
    scene = Scene("3m", {0: (14.0, 16.0), 3: (16.0, 16.0)})
    scene.attack(0, 3)
    scene.attack(3, 0)
    scene.put(HP, 0, 6)
    scene.put(HP, 3, 6)
    scene.run(2)
    assert scene.get(ALIVE, 0) == scene.get(ALIVE, 3) == 0
    assert scene.get(HP, 0) == scene.get(HP, 3) == 0


# Columns of 1c3s5z: colossus 0, stalkers 1 to 3, zealots 4 to 8; the enemies' likewise from 9.
COLOSSUS, FIRST_ZEALOT = 0, 13


def test_colossus_beams_burn_a_segment_across_the_line_of_fire() -> None:
    target, inside, outside, behind = range(FIRST_ZEALOT, FIRST_ZEALOT + 4)
    places = {target: (16.0, 16.0), inside: (16.0, 17.85), outside: (16.0, 14.0), behind: (16.76, 16.0)}
    scene = Scene("1c3s5z", {COLOSSUS: (10.0, 16.0), 4: (16.0, 16.9), **places})
    scene.attack(COLOSSUS, target)
    # Aimed in loop 1, released in loop 3, burnt 6 loops later; 2 beams of 20 on 50 shield. Half the beam is
    # 1.25 long and 0.15 wide, and a zealot's radius is 0.5: 0.6 beyond the end is hit, 0.75 is not; nor is
    # 0.76 behind.
    assert scene.loops_of_hits(target, 12) == [9]
    assert [scene.body(k) for k in (target, inside, outside, behind)] == [110, 110, 150, 150]
    assert scene.body(4) == 150


def test_a_colossus_has_no_slop() -> None:
    scene = Scene("1c3s5z", {COLOSSUS: (10.0, 16.0), FIRST_ZEALOT: (17.4, 16.0)})
    scene.attack(COLOSSUS, FIRST_ZEALOT)
    scene.run(1)
    assert scene.ints[0, state.WINDUP, COLOSSUS] == 2
    scene.put(state.X, FIRST_ZEALOT, 17.9)
    scene.run(1)
    assert scene.ints[0, state.WINDUP, COLOSSUS] == -1


# Columns of bane_vs_bane: banelings 0 to 3, zerglings 4 to 23; enemy zerglings 24 to 43, banelings 44 to 47.


def test_a_baneling_hurts_enemies_whose_body_meets_its_circle() -> None:
    # Radius 2.2 and 0.375 of the body; 20 + 15 to light units, 20 to a baneling, which is not light.
    places = {24: (16.0, 18.57), 25: (16.0, 13.41), 44: (17.0, 16.0)}
    scene = Scene("bane_vs_bane", {0: (16.0, 16.0), 4: (15.0, 16.0), **places})
    scene.put(HP, 0, -1)
    scene.run(1)
    assert scene.get(ALIVE, 24) == 0
    assert scene.get(HP, 25) == 35
    assert scene.get(HP, 44) == 10
    assert scene.get(HP, 4) == 35


def test_banelings_set_one_another_off() -> None:
    scene = Scene("bane_vs_bane", {0: (16.0, 16.0), 4: (19.0, 16.0), 44: (17.5, 16.0)})
    scene.put(HP, 0, -1)
    scene.put(HP, 44, 19)
    scene.run(1)
    assert [scene.get(ALIVE, column) for column in (0, 44, 4)] == [0, 0, 0]


def test_a_baneling_runs_into_its_target() -> None:
    scene = Scene("so_many_baneling", {0: (12.0, 14.0), 7: (12.0, 16.0)})
    scene.attack(7, 0)
    # 2 cells minus 0.25 + 0.5 + 0.375 at 0.15625 a loop are 6 loops; it explodes in the seventh.
    assert scene.loops_of_hits(0, 10) == [7]
    assert scene.body(0) == 150 - 35
    assert scene.get(ALIVE, 7) == 0


# Columns of MMM: marauders 0 and 1, marines 2 to 8, medivac 9; then the enemy.
MEDIVAC, PATIENT = 9, 2


def healing_medivac(energy: float) -> Scene:
    scene = Scene("MMM", {MEDIVAC: (10.0, 16.0), PATIENT: (13.0, 16.0)})
    scene.put(HP, PATIENT, 20)
    scene.put(ENERGY, MEDIVAC, energy)
    scene.ints[0, state.ORDER, MEDIVAC] = state.HEAL
    scene.ints[0, state.TARGET, MEDIVAC] = PATIENT
    return scene


def test_a_medivac_heals_nine_points_a_second_for_a_third_of_the_energy() -> None:
    scene = healing_medivac(50)
    scene.run(16)
    assert scene.get(HP, PATIENT) == pytest.approx(29, abs=1e-4)
    assert scene.get(ENERGY, MEDIVAC) == pytest.approx(50 - 9 * 0.33 + 0.5625, abs=1e-4)


def test_healing_stops_at_full_life() -> None:
    scene = healing_medivac(50)
    scene.run(60)
    assert scene.get(HP, PATIENT) == 45


def test_a_tired_medivac_must_wait_for_five_points_of_energy() -> None:
    scene = healing_medivac(4.9)
    scene.run(2)
    assert scene.get(HP, PATIENT) == 20
    scene.run(2)
    assert scene.get(HP, PATIENT) > 20


def test_a_medivac_flies_to_a_distant_patient_and_needs_time_to_gain_speed() -> None:
    scene = healing_medivac(50)
    scene.put(state.X, PATIENT, 25.0)
    scene.run(1)
    gain = 2.3125 / 256
    assert scene.place(MEDIVAC)[0] == pytest.approx(10 + gain, abs=1e-5)
    scene.run(1)
    assert scene.place(MEDIVAC)[0] == pytest.approx(10 + gain + 2 * gain, abs=1e-5)
    scene.run(200)
    # The range of 4 and both radii, 0.75 and 0.375.
    assert 25.0 - scene.place(MEDIVAC)[0] == pytest.approx(5.125, abs=0.02)


def test_shields_return_ten_seconds_after_the_last_damage() -> None:
    scene = shooting_marine()
    scene.run(2)
    scene.stop(MARINE)
    scene.run(160)
    assert scene.get(SHIELD, ZEALOT) == 44
    scene.run(1)
    assert scene.get(SHIELD, ZEALOT) == 44.125
    scene.run(15)
    assert scene.get(SHIELD, ZEALOT) == 46
    scene.run(100)
    assert scene.get(SHIELD, ZEALOT) == 50


def test_zerg_units_regain_life_all_the_time() -> None:
    scene = Scene("6h_vs_8z", {0: (14.0, 12.0)})
    scene.put(HP, 0, 40)
    scene.run(16)
    assert scene.get(HP, 0) == pytest.approx(40.2734, abs=1e-3)


def test_the_dead_regain_nothing() -> None:
    scene = Scene("6h_vs_8z", {0: (14.0, 12.0)})
    scene.run(300)
    assert scene.get(HP, 1) == 0
