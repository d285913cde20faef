"""Speed, walls, blocking, sliding and surrounding."""

from __future__ import annotations

import numpy as np
import pytest
from battle_field import Scene

from marlzoo.envs.smac import state
from marlzoo.envs.smac.engine import BattleField
from marlzoo.envs.smac.flow import waypoints
from marlzoo.envs.smac.terrain import SIZE, terrain

SPEEDS = {"marine": 2.25, "stalker": 2.9531, "zealot": 2.25}


def gap(scene: Scene, a: int, b: int) -> float:
    return float(np.hypot(*np.subtract(scene.place(a), scene.place(b))))


@pytest.mark.parametrize(("map_name", "column", "kind"), [("3m", 0, "marine"), ("3s5z", 0, "stalker")])
def test_one_step_covers_half_a_second_of_speed(map_name: str, column: int, kind: str) -> None:
    scene = Scene(map_name, {column: (10.0, 16.0)})
    scene.move(column, 30.0, 16.0)
    scene.run(8)
    assert scene.place(column) == pytest.approx((10.0 + SPEEDS[kind] / 2, 16.0), abs=1e-4)


def test_a_move_ends_at_its_goal() -> None:
    scene = Scene("3m", {0: (10.0, 16.0)})
    scene.move(0, 11.0, 16.5)
    scene.run(20)
    assert scene.place(0) == pytest.approx((11.0, 16.5), abs=1e-4)


def test_units_slide_along_walls() -> None:
    scene = Scene("3m", {0: (10.0, 23.5)})  # the band of ground ends at y = 24
    scene.move(0, 14.0, 27.5)
    scene.run(16)
    x, y = scene.place(0)
    assert 23.8 < y < 24.0
    assert x == pytest.approx(10.0 + 16 * SPEEDS["marine"] / 16 / np.sqrt(2), abs=0.5)


def test_units_stay_on_the_map() -> None:
    scene = Scene("3s_vs_3z", {0: (0.5, 0.5)})
    scene.move(0, -10.0, -10.0)
    scene.run(40)
    assert scene.place(0) == (0.0, 0.0)


def test_a_standing_unit_is_walked_round_not_through() -> None:
    scene = Scene("3m", {0: (10.0, 16.0), 3: (12.0, 16.05)})
    scene.move(0, 16.0, 16.0)
    closest = 10.0
    for _ in range(60):
        scene.run(1)
        closest = min(closest, gap(scene, 0, 3))
    assert scene.place(0)[0] > 14.0
    assert closest > 0.75 - 0.15
    assert scene.place(3) == pytest.approx((12.0, 16.05), abs=0.05)


def test_a_moving_unit_is_pushed_off_and_a_standing_one_stays() -> None:
    scene = Scene("3m", {0: (10.0, 16.0), 1: (10.3, 16.0)})
    scene.move(0, 2.0, 16.0)
    scene.run(8)
    assert scene.place(1) == pytest.approx((10.3, 16.0), abs=1e-5)
    assert gap(scene, 0, 1) >= 0.75


def test_two_idle_units_on_one_spot_are_pushed_apart_evenly() -> None:
    scene = Scene("3m", {0: (10.0, 16.0), 1: (10.0, 16.0)})
    scene.run(40)
    assert gap(scene, 0, 1) == pytest.approx(0.75, abs=0.02)
    assert np.add(scene.place(0), scene.place(1)) == pytest.approx((20.0, 32.0), abs=1e-2)


def test_two_zealots_close_the_passage_of_the_corridor() -> None:
    ends = []
    for places in ({6: (14.5, 14.5)}, {6: (14.5, 14.5), 0: (12.15, 12.75), 1: (12.75, 12.15)}):
        scene = Scene("corridor", places)
        scene.move(6, 10.5, 10.5)
        scene.run(160)
        ends.append(scene.place(6))
    assert ends[0] == pytest.approx((10.5, 10.5), abs=0.01)
    assert sum(ends[1]) > 25.0


def test_a_colossus_steps_over_small_units_and_cliffs() -> None:
    scene = Scene("2c_vs_64zg", {0: (16.0, 15.0), 10: (16.0, 9.5)})
    scene.move(0, 16.0, 9.5)
    scene.run(60)
    assert scene.place(0) == pytest.approx((16.0, 9.5), abs=0.05)


def test_zerglings_cannot_cross_the_cliff_but_find_the_ramp() -> None:
    scene = Scene("2c_vs_64zg", {0: (16.0, 16.0), 2: (16.0, 9.0)})
    scene.ints[0, state.ORDER, 2] = state.HUNT
    walls = terrain("2c_vs_64zg").ground
    for _ in range(40):
        scene.run(8)
        x, y = scene.place(2)
        assert walls[int(x), int(y)]
    assert gap(scene, 2, 0) < 1.6
    assert scene.body(0) < 350


def test_enemies_find_the_way_through_the_corridor() -> None:
    field = BattleField("corridor", num_envs=4, seed=3)
    field.floats[:, state.ALIVE, :6] = 0
    field.floats[:, state.HP, :6] = 0
    field.floats[:, state.STILL, :6] = 0
    field.run(400)
    gaps = np.hypot(field.floats[:, state.X, 6:30] - 4.47, field.floats[:, state.Y, 6:30] - 4.3298)
    assert (gaps < 5).all()


@pytest.mark.parametrize("name", ["corridor", "so_many_baneling", "2c_vs_64zg"])
def test_waypoints_lead_every_cell_to_every_goal(name: str) -> None:
    ground = terrain(name).ground
    table = waypoints(name)
    open_cells = np.flatnonzero(ground.reshape(-1))
    region = open_cells[np.isin(open_cells, _reachable(ground, open_cells))]
    for goal in region[:: max(1, len(region) // 12)]:
        cells = region.copy()
        for _ in range(60):
            cells = table[goal, cells].astype(int)
        assert (cells == goal).all()


def _reachable(ground: np.ndarray, open_cells: np.ndarray) -> np.ndarray:
    """Cells connected with the largest room, by flood fill over the four neighbours."""
    best: set[int] = set()
    left = set(open_cells.tolist())
    while left:
        todo, seen = [left.pop()], set()
        while todo:
            cell = todo.pop()
            seen.add(cell)
            steps = [
                cell + SIZE,
                cell - SIZE,
                *([cell + 1] if cell % SIZE < SIZE - 1 else []),
                *([cell - 1] if cell % SIZE else []),
            ]
            for other in steps:
                if other in left:
                    left.remove(other)
                    todo.append(other)
        best = max(best, seen, key=len)
    return np.array(sorted(best))


def test_four_zealots_surround_a_stalker() -> None:
    places = {0: (16.0, 16.0), **{column: (10.0, 15.0 + 0.8 * k) for k, column in enumerate((3, 4, 5))}}
    scene = Scene("3s_vs_3z", places)
    for column in (3, 4, 5):
        scene.ints[0, state.ORDER, column] = state.ATTACK_MOVE
        scene.floats[0, state.GOAL_X, column], scene.floats[0, state.GOAL_Y, column] = 16.0, 16.0
    scene.run(80)
    # 6 + 0.625 + 0.5 + 0.1 of reach: all three found a place around it.
    assert all(gap(scene, 0, column) <= 1.226 for column in (3, 4, 5))
    assert min(gap(scene, a, b) for a, b in ((3, 4), (3, 5), (4, 5))) > 0.6


def test_spawns_are_where_the_maps_put_them_and_vary_little() -> None:
    field = BattleField("3s5z", num_envs=50, seed=1)
    x, y = field.floats[:, state.X, :16], field.floats[:, state.Y, :16]
    assert x[:, :8].mean() == pytest.approx(9, abs=0.3)
    assert x[:, 8:].mean() == pytest.approx(23, abs=0.3)
    assert y.mean() == pytest.approx(16, abs=0.3)
    assert (x[:, :3] == np.sort(x[:, :3], 1)).all()
    assert (x[:, 3:8] == np.sort(x[:, 3:8], 1)).all()
    assert x[:, 8:].std(0).max() < 0.05
