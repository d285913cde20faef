"""Packing: every view once, in the order that packed sequences ask for, and back."""

from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from marlzoo_qmix.packing import Packing


def filled(lengths: list[int]) -> Tensor:
    return torch.arange(max(lengths)).unsqueeze(-1) < torch.tensor(lengths)


def test_an_example_by_hand() -> None:
    """Episodes of 1, 3 and 2 steps have 2, 4 and 3 views; row 10 t + b is view t of episode b."""
    packing = Packing(filled([1, 3, 2]))
    named = 10 * torch.arange(4).unsqueeze(-1) + torch.arange(3)
    assert packing.sizes.tolist() == [3, 3, 2, 1]
    assert packing.pack(named).tolist() == [1, 2, 0, 11, 12, 10, 21, 22, 31]
    restored = packing.unpack(packing.pack(named + 1))
    assert restored.tolist() == [[1, 2, 3], [11, 12, 13], [0, 22, 23], [0, 32, 0]]


@settings(deadline=None, max_examples=30, derandomize=True)
@given(lengths=st.lists(st.integers(1, 9), min_size=1, max_size=7))
def test_packs_as_pytorch_does_and_unpacks_what_it_packed(lengths: list[int]) -> None:
    packing = Packing(filled(lengths))
    column = torch.rand(max(lengths) + 1, len(lengths), generator=torch.Generator().manual_seed(0))
    expected = torch.nn.utils.rnn.pack_padded_sequence(
        column.unsqueeze(-1), torch.tensor(lengths) + 1, enforce_sorted=False
    )
    packed = packing.pack(column)
    assert torch.equal(packing.sizes, expected.batch_sizes)
    assert sorted(packed.tolist()) == sorted(expected.data.squeeze(-1).tolist())
    there = torch.arange(max(lengths) + 1).unsqueeze(-1) <= torch.tensor(lengths)
    assert torch.equal(packing.unpack(packed), column * there)
