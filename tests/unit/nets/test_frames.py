"""Stacked frames against lists that are cut and joined by hand."""

from __future__ import annotations

import torch

from marlzoo.nets.frames import no_past, stack, stack_along, within_episode


def literal(rows, begins, frames):
    """The last `frames` of one list of numbers per step, within an episode, with zeros in front."""
    stacked, seen = [], []
    for row, begin in zip(rows, begins, strict=True):
        seen = [row] if begin else [*seen, row]
        window = [[0.0] * len(row)] * frames + seen
        stacked.append([number for one in window[-frames:] for number in one])
    return stacked


def test_the_oldest_comes_first_and_episodes_do_not_mix():
    rows = [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [7.0, 8.0], [9.0, 10.0]]
    begins = [True, False, False, True, False]
    inputs, first = torch.tensor(rows)[:, None], torch.tensor(begins)[:, None]
    stacked, after = stack_along(inputs, first, no_past(3, 1, 2) + 99.0)
    assert stacked[:, 0].tolist() == literal(rows, begins, 3)
    assert stacked[2, 0].tolist() == [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
    assert stacked[4, 0].tolist() == [0.0, 0.0, 7.0, 8.0, 9.0, 10.0]
    assert after[2, 0].tolist() == [3.0, 4.0, 5.0, 6.0]


def test_step_by_step_is_the_same_as_along():
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(9, 4, 3, 5, generator=generator)
    first = torch.rand(9, 4, generator=generator) < 0.3
    past = torch.randn(4, 3, 15, generator=generator)
    stacked, after = stack_along(inputs, first, past)
    for t in range(9):
        row, past = stack(within_episode(past, first[t]), inputs[t])
        assert torch.equal(row, stacked[t])
        assert torch.equal(past, after[t])
