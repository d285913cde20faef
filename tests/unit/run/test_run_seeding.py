"""The tree of random streams."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.random import SeedSequence

from marlzoo.run.seeding import SeedTree


def words(streams: list[SeedSequence]) -> list[int]:
    return [int(stream.generate_state(1, np.uint64)[0]) for stream in streams]


@given(seed=st.integers(0, 2**63), small=st.integers(1, 5), more=st.integers(0, 20))
def test_an_environments_stream_does_not_depend_on_the_number_of_environments(
    seed: int, small: int, more: int
) -> None:
    tree = SeedTree(seed)
    assert words(tree.training(small)) == words(tree.training(small + more))[:small]


def test_no_two_streams_of_a_run_are_the_same() -> None:
    tree = SeedTree(7)
    streams = tree.training(300) + tree.absolute(300) + tree.afterwards(300)
    for index in range(20):
        streams += tree.evaluation(index, 40)
    assert len({stream.spawn_key for stream in streams}) == len(streams)
    assert len(set(words(streams))) == len(streams)


def test_children_of_an_environments_stream_stay_out_of_the_other_branches() -> None:
    tree = SeedTree(3)
    children = [child for stream in tree.training(10) for child in stream.spawn(40)]
    others = words(tree.evaluation(0, 40) + tree.evaluation(1, 40) + tree.absolute(40))
    assert not set(words(children)) & set(others)


def test_generators_repeat_differ_and_leave_the_global_one_alone() -> None:
    before = torch.random.get_rng_state()
    first = torch.rand(4, generator=SeedTree(1).policy())
    assert torch.equal(first, torch.rand(4, generator=SeedTree(1).policy()))
    assert not torch.equal(first, torch.rand(4, generator=SeedTree(1).initial()))
    assert not torch.equal(first, torch.rand(4, generator=SeedTree(2).policy()))
    assert torch.equal(before, torch.random.get_rng_state())
