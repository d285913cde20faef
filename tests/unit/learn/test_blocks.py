"""Rows and stretches of a rollout, against a literal walk through every column."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from marlzoo.learn.blocks import Block, Epochs, RowUnits, SequenceUnits


def literal_stretches(needed, first, chunk):
    """`(column, first step, steps)` of every stretch with a needed row, cut after its last one."""
    steps, columns = needed.shape
    stretches = []
    for column in range(columns):
        starts = [t for t in range(steps) if first[t, column] or t % chunk == 0]
        for start, end in zip(starts, [*starts[1:], steps], strict=True):
            wanted = [t for t in range(start, end) if needed[t, column]]
            if wanted:
                stretches.append((column, start, wanted[-1] - start + 1))
    return stretches


masks = st.integers(1, 9).flatmap(
    lambda steps: st.integers(1, 5).flatmap(
        lambda columns: st.tuples(
            *[
                st.lists(
                    st.lists(st.booleans(), min_size=columns, max_size=columns),
                    min_size=steps,
                    max_size=steps,
                )
            ]
            * 2
        )
    )
)


@given(masks, st.integers(1, 10), st.integers(1, 30))
def test_sequences_cover_the_needed_rows_once(pair, chunk, size):
    needed, first = (torch.tensor(mask) for mask in pair)
    units = SequenceUnits(needed, first, chunk)
    expected = literal_stretches(needed, first, chunk)
    columns = needed.shape[1]
    found = [
        (int(start) % columns, int(start) // columns, int(length))
        for start, length in zip(units.starts, units.lengths, strict=True)
    ]
    assert found == expected
    blocks = units.blocks(torch.arange(len(units)), size)
    counted = [
        block.rows[block.counts] if block.counts is not None else block.rows.flatten() for block in blocks
    ]
    rows = torch.cat(counted) if counted else torch.empty(0, dtype=torch.int64)
    assert sorted(rows.tolist()) == needed.flatten().nonzero().squeeze(-1).tolist()
    assert sum(block.count for block in blocks) == int(needed.sum())


@given(masks, st.integers(1, 10), st.integers(1, 30))
def test_a_sequence_walks_down_its_column(pair, chunk, size):
    needed, first = (torch.tensor(mask) for mask in pair)
    units = SequenceUnits(needed, first, chunk)
    lengths = {int(start): int(length) for start, length in zip(units.starts, units.lengths, strict=True)}
    seen = []
    for block in units.blocks(torch.arange(len(units)), size):
        inside = [lengths[int(start)] for start in block.rows[0]]
        assert inside == sorted(inside, reverse=True)
        assert len(inside) == 1 or block.rows.numel() <= size
        for sequence, length in zip(block.rows.T, inside, strict=True):
            seen.append(int(sequence[0]))
            steps = torch.arange(length) * needed.shape[1]
            assert torch.equal(sequence[:length], sequence[0] + steps)
    assert sorted(seen) == sorted(lengths)


def rectangle(*lengths, steps=10):
    """One column for each length: needed, and starting, from the first step on."""
    needed = torch.arange(steps).unsqueeze(-1) < torch.tensor(lengths)
    first = torch.zeros_like(needed)
    return SequenceUnits(needed, first, steps)


def test_many_short_sequences_get_a_block_of_their_own():
    units = rectangle(*[10] * 40, *[1] * 40)
    shapes = [tuple(block.rows.shape) for block in units.blocks(torch.arange(80), 10_000)]
    assert shapes == [(10, 40), (1, 40)]


def test_a_few_are_filled_up_instead():
    (block,) = rectangle(10, 9, 9).blocks(torch.arange(3), 10_000)
    assert block.rows.shape == (10, 3)
    assert block.count == 28


def test_row_units_are_the_needed_rows():
    needed = torch.tensor([[[True, False]], [[True, True]]])
    units = RowUnits(needed)
    assert len(units) == 3
    blocks = units.blocks(torch.tensor([2, 0, 1]), 2)
    assert [block.rows.tolist() for block in blocks] == [[3], [0, 2]]


def test_write_leaves_filling_rows_out():
    out = torch.zeros(4)
    block = Block(torch.tensor([[0, 1], [2, 1]]), torch.tensor([[True, True], [True, False]]))
    block.write(torch.tensor([[1.0, 2.0], [3.0, 9.0]]), out)
    assert out.tolist() == [1.0, 2.0, 3.0, 0.0]


class TestEpochs:
    units = RowUnits(torch.ones(10, dtype=torch.bool))

    def test_a_single_minibatch_is_gathered_once(self):
        gathered = []
        batches = list(Epochs(3, 1, 4).batches(self.units, gathered.append, torch.Generator()))
        assert len(batches) == 3
        assert len(gathered) == 3
        assert sorted(torch.cat([block.rows for block in gathered]).tolist()) == list(range(10))

    def test_every_epoch_sees_every_row(self):
        batches = Epochs(2, 3, 4).batches(self.units, lambda block: block.rows, torch.Generator())
        rows = [torch.cat(batch) for batch in batches]
        assert len(rows) == 6
        for epoch in (rows[:3], rows[3:]):
            assert sorted(torch.cat(epoch).tolist()) == list(range(10))
