"""Scripted policies: legal everywhere, and doing what they say in small scenes."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from marlzoo.envs.smac.batched import SmacEnv
from marlzoo.envs.smac.maps import MAPS, get_map
from marlzoo.envs.smac.scripts import SCRIPTS, Scene, focus_fire, hold, kite, nearest


def scene(
    map_name: str,
    allies: list[tuple[float, ...]],
    enemies: list[tuple[float, ...]],
    attackable: list[list[int]],
) -> Scene:
    """One battle; rows are `x, y, hp, cooldown`. All moves are available to the living."""
    one = get_map(map_name)

    def table(rows: list[tuple[float, ...]]) -> np.ndarray:
        full = np.zeros((1, len(rows), 7), np.float32)
        full[0, :, [0, 1, 2, 5]] = np.array(rows, np.float32).T
        full[0, :, 6] = full[0, :, 2] > 0
        return full

    mask = np.zeros((1, one.n_allies, one.n_actions), bool)
    for agent, targets in enumerate(attackable):
        alive = allies[agent][2] > 0
        mask[0, agent, 1:6] = alive
        mask[0, agent, 0] = not alive
        mask[0, agent, [6 + k for k in targets]] = True
    return Scene(one, table(allies), table(enemies), mask, np.random.default_rng(0))


@pytest.mark.parametrize("name", MAPS)
def test_every_script_is_legal_on_every_map(name: str) -> None:
    env = SmacEnv(name, 2)
    view = env.reset(np.random.SeedSequence(0).spawn(2))
    rng = np.random.default_rng(0)
    for turn in range(24):
        script = list(SCRIPTS.values())[turn % len(SCRIPTS)]
        assert view.action_mask is not None
        now = Scene(env.map, env.battles.allies, env.battles.enemies, view.action_mask.numpy(), rng)
        actions = script(now)
        assert actions.shape == (2, env.world.num_agents)
        env.step(torch.from_numpy(actions))
        view = env.reset_done()


# Two marines against a zealot, and three against three.
FAR, NEAR = (16.0, 19.0, 150.0, 0.0), (13.0, 14.0, 150.0, 0.0)


def test_nearest_walks_and_then_fires() -> None:
    ours = [(13.0, 12.0, 45.0, 0.0), (19.0, 12.0, 0.0, 0.0)]
    assert nearest(scene("2m_vs_1z", ours, [FAR], [[], []])).tolist() == [[2, 0]]
    assert nearest(scene("2m_vs_1z", ours, [NEAR], [[0], []])).tolist() == [[6, 0]]
    assert hold(scene("2m_vs_1z", ours, [FAR], [[], []])).tolist() == [[1, 0]]


def test_focus_fire_picks_the_weakest_and_nearest_the_nearest() -> None:
    ours = [(10.0, 16.0, 45.0, 0.0)] * 3
    theirs = [(14.0, 16.0, 45.0, 0.0), (15.0, 16.0, 9.0, 0.0), (13.0, 16.0, 0.0, 0.0)]
    now = scene("3m", ours, theirs, [[0, 1]] * 3)
    # Two shots of six kill the weakest; the third agent looks for another target.
    assert focus_fire(now).tolist() == [[7, 7, 6]]
    assert nearest(now).tolist() == [[6, 6, 6]]


def test_kiting_runs_while_the_weapon_reloads() -> None:
    theirs = [NEAR]
    loaded = [(13.0, 12.0, 45.0, 0.0), (25.0, 12.0, 45.0, 12.0)]
    assert kite(scene("2m_vs_1z", loaded, theirs, [[0], []])).tolist()[0][0] == 6
    reloading = [(13.0, 12.0, 45.0, 12.0), (25.0, 12.0, 45.0, 12.0)]
    assert kite(scene("2m_vs_1z", reloading, theirs, [[0], []])).tolist()[0][0] == 3


def test_medivacs_heal_the_most_wounded() -> None:
    ours = [(9.0 + k, 16.0, 125.0 if k < 2 else 45.0, 0.0) for k in range(9)] + [(9.0, 16.0, 150.0, 0.0)]
    ours[4] = (13.0, 16.0, 10.0, 0.0)
    theirs = [(25.0, 16.0, 45.0, 0.0)] * 10
    now = scene("MMM", ours, theirs, [[]] * 9 + [[2, 3, 4, 5]])
    assert nearest(now)[0, 9] == 6 + 4
