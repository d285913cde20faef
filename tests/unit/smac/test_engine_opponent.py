"""The scripted opponent: what it sees, whom it picks, how long it chases, whom it calls."""

from __future__ import annotations

import numpy as np
from battle_field import Scene

from marlzoo.envs.smac import state

# Columns of 3s_vs_5z: stalkers 0 to 2, zealots 3 to 7.
MAP = "3s_vs_5z"


def scripted(places: dict[int, tuple[float, float]], map_name: str = MAP, first: int = 3) -> Scene:
    """Units from column `first` on are scripted and have their own place as the goal."""
    scene = Scene(map_name, places)
    for column in places:
        if column >= first:
            scene.ints[0, state.ORDER, column] = state.ATTACK_MOVE
            scene.floats[0, state.GOAL_X, column], scene.floats[0, state.GOAL_Y, column] = places[column]
    return scene


def target(scene: Scene, column: int) -> int:
    return int(scene.ints[0, state.TARGET, column])


def test_a_target_is_noticed_within_five_cells_of_the_edges() -> None:
    # Radii 0.625 and 0.5: seen up to a distance of 6.125.
    near = scripted({0: (10.0, 16.0), 3: (16.1, 16.0)})
    near.run(4)
    assert target(near, 3) == 0
    far = scripted({0: (10.0, 16.0), 3: (16.2, 16.0)})
    far.run(40)
    assert target(far, 3) == -1
    assert far.place(3) == (np.float32(16.2), 16.0)


def test_ranged_units_scan_as_far_as_they_shoot() -> None:
    scene = scripted({0: (10.0, 16.0), 2: (17.8, 16.0)}, "2s_vs_1sc", first=2)
    scene.run(4)
    assert target(scene, 2) == 0


def test_the_nearest_is_chosen_and_a_nearer_one_replaces_it_during_the_chase() -> None:
    scene = scripted({0: (12.0, 16.0), 1: (16.0, 20.0), 3: (16.0, 16.0)})
    scene.run(4)
    assert target(scene, 3) == 0
    scene.put(state.Y, 1, 17.6)
    scene.run(4)
    assert target(scene, 3) == 1


def test_a_unit_that_fights_keeps_its_target() -> None:
    scene = scripted({0: (14.9, 16.0), 1: (20.0, 16.0), 3: (16.0, 16.0)})
    scene.run(4)
    scene.put(state.X, 1, 16.9)
    scene.run(40)
    assert target(scene, 3) == 0


def test_runaways_are_chased_across_the_map() -> None:
    scene = scripted({0: (14.0, 16.0), 3: (16.0, 16.0)})
    scene.run(4)
    scene.move(0, 0.5, 16.0)
    scene.run(60)
    scene.put(state.X, 0, 4.0)
    scene.put(state.Y, 0, 30.0)
    scene.move(0, 4.0, 30.0)
    scene.run(200)
    assert target(scene, 3) == 0
    assert np.hypot(*np.subtract(scene.place(0), scene.place(3))) < 1.3


def test_who_is_hit_from_afar_turns_on_the_shooter_and_calls_friends_within_four_cells() -> None:
    # The stalker fires at 7.1; the zealots see 6.125 far.
    scene = scripted({0: (10.0, 16.0), 3: (17.1, 16.0), 4: (18.0, 19.0), 5: (18.0, 21.0)})
    scene.attack(0, 3)
    scene.run(9)
    assert [target(scene, column) for column in (3, 4, 5)] == [-1, -1, -1]
    scene.run(2)
    assert [target(scene, column) for column in (3, 4, 5)] == [0, 0, -1]


def test_a_target_behind_a_ring_of_friends_is_given_up() -> None:
    ring = {3: (1.4, 0.2), 4: (1.1, 1.1), 5: (0.2, 1.4)}
    scene = scripted({0: (0.3, 0.3), 1: (5.5, 3.0), 6: (2.2, 2.2), **ring})
    scene.run(4)
    assert target(scene, 6) == 0
    scene.run(60)
    assert target(scene, 6) == 1
    assert all(target(scene, column) == 0 for column in ring)


def test_zerglings_do_not_go_for_what_flies() -> None:
    scene = scripted({9: (16.0, 15.0), 2: (18.0, 15.0), 17: (17.0, 14.0)}, "MMM", first=10)
    scene.run(8)
    assert target(scene, 17) == 2


def test_an_attack_move_goes_on_when_nobody_is_near() -> None:
    scene = scripted({0: (30.0, 30.0), 3: (16.0, 16.0)})
    scene.put(state.GOAL_X, 3, 4.0)
    scene.run(16)
    assert scene.place(3)[0] < 14.0
    scene.run(200)
    assert abs(scene.place(3)[0] - 4.0) < 0.3


def test_the_enemys_medivac_heals_the_most_wounded_and_keeps_with_the_army() -> None:
    # Enemy marines 10 to 16 and medivac 19 of MMM.
    scene = scripted({10: (20.0, 16.0), 11: (21.0, 16.0), 19: (22.0, 16.0)}, "MMM", first=10)
    scene.put(state.HP, 10, 40)
    scene.put(state.HP, 11, 20)
    scene.run(4)
    assert target(scene, 19) == 11
    scene.run(16)
    assert scene.get(state.HP, 11) > 27
    marching = scripted({10: (20.0, 16.0), 19: (21.0, 16.0)}, "MMM", first=10)
    for column in (10, 19):
        marching.put(state.GOAL_X, column, 4.0)
    marching.run(60)
    assert marching.place(10)[0] < marching.place(19)[0] + 0.1
