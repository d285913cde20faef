"""What a battle shows to those who draw it, against the unit tables and the map's drawing."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from marlzoo.envs.drawing import OURS, THEIRS, Drawable
from marlzoo.envs.smac.batched import SmacEnv
from marlzoo.envs.smac.drawing import walls
from marlzoo.envs.smac.maps import MAPS, NON_ATTACK_ACTIONS
from marlzoo.envs.smac.terrain import terrain

EAST = 4


def started(map_name, envs=1, steps=0):
    """Battles after some steps in which everybody attacks whom it can, and otherwise walks towards them."""
    env = SmacEnv(map_name, envs)
    view = env.reset(np.random.SeedSequence(3).spawn(envs))
    for _ in range(steps):
        order = view.action_mask.int() * torch.arange(view.action_mask.shape[-1])
        last = order.argmax(-1)
        east = view.action_mask[..., EAST] & (last < NON_ATTACK_ACTIONS)
        env.step(torch.where(east, EAST, last))
        view = env.reset_done()
    return env, view


@pytest.mark.parametrize("name", sorted(MAPS))
def test_walls_cover_exactly_where_nobody_can_walk(name):
    ground = terrain(MAPS[name].terrain).ground
    covered = np.zeros(ground.shape, int)
    for (left, bottom), _, (right, top), _ in walls(ground):
        for x in range(int(left), int(right)):
            for y in range(int(bottom), int(top)):
                covered[x, y] += 1
    assert (covered == ~ground).all()


def test_a_moment_is_the_unit_tables():
    env, _ = started("3s5z", envs=2, steps=12)
    assert isinstance(env, Drawable)
    scene, moment = env.scene(1), env.moment(1)
    tables = np.concatenate([env.battles.allies[1], env.battles.enemies[1]])
    for column, values in ((0, moment.x), (1, moment.y), (2, moment.gauges["health"]), (6, moment.alive)):
        assert (tables[:, column] == values).all()
    assert [body.team for body in scene.bodies] == [OURS] * 8 + [THEIRS] * 8
    assert scene.bodies[0].name == env.world.agents[0].name
    assert scene.gauges["health"].tolist() == ([80] * 3 + [100] * 5) * 2
    left, bottom, right, top = scene.bounds
    assert ((left <= moment.x) & (moment.x <= right) & (bottom <= moment.y) & (moment.y <= top)).all()


def test_targets_are_those_that_actions_named():
    env, view = started("3m", steps=6)
    names = env.scene(0).actions
    assert names[:3] == ("no-op", "stop", "north")
    attack = torch.full((1, 3), NON_ATTACK_ACTIONS + 1)
    assert view.action_mask.gather(-1, attack[..., None]).all(), "everybody is in range by now"
    env.step(attack)
    assert names[NON_ATTACK_ACTIONS + 1] == "attack enemy marine_1"
    assert env.moment(0).target[:3].tolist() == [4, 4, 4]
    env.reset_done()
    env.step(torch.ones((1, 3), dtype=torch.int64))
    assert env.moment(0).target[:3].tolist() == [-1, -1, -1]


def test_a_healer_has_names_for_its_patients():
    env, _ = started("MMM")
    names = env.scene(0).actions
    assert len(names) == env.world.action_dim
    assert names[NON_ATTACK_ACTIONS] == "attack enemy marine_0 or heal marauder_0"


def test_looking_changes_nothing_and_keeps_nothing():
    env, _ = started("3m", steps=4)
    before = env.snapshot()
    seen = env.moment(0)
    kept = seen.x.copy()
    seen.x[:] = 0
    after = env.snapshot()
    assert all((before[key] == after[key]).all() for key in ("floats", "ints", "words", "clock"))
    assert (env.moment(0).x == kept).all()
