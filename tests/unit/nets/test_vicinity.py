"""Nearest agents against comparing all pairs, and what cells have to be."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from marlzoo.nets.attention import Near
from marlzoo.nets.vicinity import cells, nearest_agents


def spread(rows, agents, seed):
    return torch.rand(rows, agents, 2, generator=torch.Generator().manual_seed(seed))


@given(agents=st.integers(1, 40), count=st.integers(1, 45), seed=st.integers(0, 9), coarse=st.booleans())
def test_nearest_agents_are_those_of_all_pairs(agents, count, seed, coarse):
    places = spread(2, agents, seed)
    if coarse:  # many ties, and agents in one place
        places = (places * 4).round()
    index = nearest_agents(places, count).index
    assert index.shape == (2, agents, min(count, agents))
    assert torch.equal(index[..., 0], torch.arange(agents).expand(2, -1))
    for row in range(2):
        squared = (places[row, :, None].double() - places[row].double()).square().sum(-1)
        for i in range(agents):
            assert len(set(index[row, i].tolist())) == index.shape[2]
            found = squared[i, index[row, i]]
            others = sorted(squared[i, j].item() for j in range(agents) if j != i)
            np.testing.assert_array_equal(found[1:], others[: index.shape[2] - 1])


def test_few_as_a_mask():
    near = Near(torch.tensor([[[0, -1], [2, 0], [2, 1]]]))
    expected = torch.tensor([[[True, False, False], [True, False, True], [False, True, True]]])
    assert torch.equal(near.mask(), expected)


@given(agents=st.integers(1, 60), most=st.integers(1, 64), seed=st.integers(0, 9))
def test_cells_hold_everybody_once_and_differ_by_one_at_most(agents, most, seed):
    parts = cells(spread(3, agents, seed), most)
    sizes = [part.shape[2] for part in parts for _ in range(part.shape[1])]
    assert max(sizes) <= most
    assert max(sizes) - min(sizes) <= 1
    assert len(sizes) == -(-agents // most)
    everybody = torch.cat([part.flatten(1) for part in parts], 1).sort(-1).values
    assert torch.equal(everybody, torch.arange(agents).expand(3, -1))
    assert all((part.diff(dim=-1) > 0).all() for part in parts)


@pytest.mark.parametrize("seed", range(3))
def test_crowds_that_are_far_apart_are_cells(seed):
    generator = torch.Generator().manual_seed(seed)
    crowd = torch.randperm(24, generator=generator) % 4
    corner = torch.stack((crowd % 2, crowd // 2), -1) * 100.0
    (part,) = cells(corner[None] + torch.rand(1, 24, 2, generator=generator), 6)
    assert {tuple(cell) for cell in part[0].tolist()} == {
        tuple((crowd == c).nonzero().squeeze(-1).tolist()) for c in range(4)
    }
