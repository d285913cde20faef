"""Minibatches, micro-batches, optimiser steps and schedules."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from marlzoo.learn.batches import micro_batches, minibatches, optimiser_step
from marlzoo.learn.schedules import linear, set_learning_rate


@given(st.integers(0, 50), st.integers(1, 12), st.integers(0, 100))
def test_minibatches_cover_every_row_once(rows, number, seed):
    parts = list(minibatches(rows, number, torch.Generator().manual_seed(seed)))
    assert sorted(torch.cat(parts).tolist()) == list(range(rows))
    sizes = [len(part) for part in parts]
    assert max(sizes) - min(sizes) <= 1
    assert len(parts) == (1 if number == 1 else min(number, max(rows, 1)))


def test_a_single_minibatch_draws_nothing():
    generator = torch.Generator().manual_seed(0)
    before = generator.get_state()
    (whole,) = minibatches(5, 1, generator)
    assert whole.tolist() == [0, 1, 2, 3, 4]
    assert torch.equal(generator.get_state(), before)


def test_minibatches_differ_from_epoch_to_epoch():
    generator = torch.Generator().manual_seed(0)
    first, second = (torch.cat(list(minibatches(20, 2, generator))) for _ in range(2))
    assert not torch.equal(first, second)


@given(st.integers(0, 60), st.integers(1, 20))
def test_micro_batches_are_even_slices(rows, size):
    slices = list(micro_batches(rows, size))
    covered = [row for piece in slices for row in range(rows)[piece]]
    assert covered == list(range(rows))
    lengths = [piece.stop - piece.start for piece in slices]
    assert all(0 < length <= size for length in lengths)
    assert not lengths or max(lengths) - min(lengths) <= 1


def test_optimiser_step_clips_applies_and_clears():
    weight = torch.zeros(2, requires_grad=True)
    optimiser = torch.optim.SGD([weight], lr=1.0)
    weight.grad = torch.tensor([3.0, 4.0])
    norm = optimiser_step(optimiser, [weight], max_grad_norm=1.0)
    assert norm.item() == pytest.approx(5.0)
    assert weight.tolist() == pytest.approx([-0.6, -0.8], rel=1e-4)
    assert weight.grad is None


def test_optimiser_step_without_limit():
    weight = torch.zeros(2, requires_grad=True)
    weight.grad = torch.tensor([30.0, 40.0])
    norm = optimiser_step(torch.optim.SGD([weight], lr=1.0), [weight], max_grad_norm=None)
    assert norm.item() == pytest.approx(50.0)
    assert weight.tolist() == pytest.approx([-30.0, -40.0])


@pytest.mark.parametrize(("progress", "value"), [(-1, 4.0), (0, 4.0), (0.25, 3.0), (1, 0.0), (2, 0.0)])
def test_linear(progress, value):
    assert linear(4.0, 0.0, progress) == value


def test_set_learning_rate():
    optimiser = torch.optim.SGD(
        [{"params": [torch.zeros(1)]}, {"params": [torch.ones(1)], "lr": 3.0}], lr=1.0
    )
    set_learning_rate(optimiser, 0.5)
    assert [group["lr"] for group in optimiser.param_groups] == [0.5, 0.5]
