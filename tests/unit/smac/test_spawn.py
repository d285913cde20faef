"""Where battles begin."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from marlzoo.envs.smac.maps import MAPS
from marlzoo.envs.smac.spawn import JITTER, build_spawn
from marlzoo.envs.smac.terrain import terrain
from marlzoo.envs.smac.units import unit_kinds


@pytest.mark.parametrize("name", MAPS)
def test_no_jitter_puts_a_unit_into_a_wall(name: str) -> None:
    one = MAPS[name]
    units = one.n_allies + one.n_enemies
    spots = build_spawn(one).position[:, :units]
    ground = terrain(one.terrain).ground
    for dx, dy in itertools.product((-0.5, 0.5), repeat=2):
        x, y = spots[0] + dx * JITTER, spots[1] + dy * JITTER
        assert ground[x.astype(int), y.astype(int)].all()


@pytest.mark.parametrize("name", MAPS)
def test_nobody_overlaps_at_the_beginning(name: str) -> None:
    one = MAPS[name]
    units = [unit_kinds()[kind] for kind in one.ally_kinds + one.enemy_kinds]
    spots = build_spawn(one).position[:, : len(units)].T.astype(float)
    for (a, here), (b, there) in itertools.combinations(zip(units, spots, strict=True), 2):
        if a.flying == b.flying:
            assert np.hypot(*(here - there)) >= a.separation + b.separation
