"""Feature normalisation and value statistics, by hand."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from marlzoo.nets.normalisation import FeatureNorm, ValueNorm, rescale


def test_feature_norm_is_a_layer_norm_before_the_layer():
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(5, 7, generator=generator)
    norm, layer, reference = FeatureNorm(7), nn.Linear(7, 3), nn.LayerNorm(7)
    with torch.no_grad():
        reference.weight.copy_(torch.randn(7, generator=generator))
        reference.bias.copy_(torch.randn(7, generator=generator))
    norm.load_state_dict(reference.state_dict())
    ours, theirs = norm.then_linear(norm.standardise(inputs), layer), layer(reference(inputs))
    torch.testing.assert_close(ours, theirs)
    for net, output in ((norm, ours), (reference, theirs)):
        net.zero_grad()
        layer.zero_grad()
        output.square().sum().backward()
    torch.testing.assert_close(norm.weight.grad, reference.weight.grad, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(norm.bias.grad, reference.bias.grad, atol=1e-5, rtol=1e-5)


def test_rescaling_by_hand():
    """2x + 1 on the scale of returns is (x - 1) * 2 + 3."""
    head = nn.Linear(1, 1)
    head.load_state_dict({"weight": torch.tensor([[2.0]]), "bias": torch.tensor([1.0])})
    rescale(head, before=(0.0, 1.0), after=(3.0, 2.0))
    assert (head.weight.item(), head.bias.item()) == (1.0, -1.0)


class TestValueNorm:
    def test_one_batch_by_hand(self):
        norm = ValueNorm(decay=0.9)
        norm.update(torch.tensor([1.0, 5.0]))
        # debiased, a single batch is its own mean and variance: 3 and 4
        assert norm.statistics() == pytest.approx((3.0, 2.0))
        assert norm.normalise(torch.tensor([3.0, 5.0])).tolist() == pytest.approx([0.0, 1.0])
        assert norm.denormalise(torch.tensor([0.0, 1.0])).tolist() == pytest.approx([3.0, 5.0])

    def test_two_batches_by_hand(self):
        norm = ValueNorm(decay=0.9)
        norm.update(torch.tensor([2.0]))
        norm.update(torch.tensor([10.0]))
        weights = 0.9 * 0.1, 0.1
        mean = (weights[0] * 2 + weights[1] * 10) / sum(weights)
        square = (weights[0] * 4 + weights[1] * 100) / sum(weights)
        assert norm.statistics() == pytest.approx((mean, (square - mean**2) ** 0.5))

    def test_the_slow_default_is_nearly_the_plain_average(self):
        norm, batches = ValueNorm(), [torch.tensor([float(i)]) for i in range(10)]
        for batch in batches:
            norm.update(batch)
        mean, deviation = norm.statistics()
        assert mean == pytest.approx(4.5, rel=1e-3)
        assert deviation == pytest.approx(torch.cat(batches).std(correction=0).item(), rel=1e-3)

    def test_the_variance_has_a_floor(self):
        norm = ValueNorm()
        norm.update(torch.full((4,), 7.0))
        assert norm.statistics() == pytest.approx((7.0, 0.1))

    def test_untouched_it_only_scales(self):
        assert ValueNorm().denormalise(torch.tensor([2.0])).item() == pytest.approx(0.2)

    def test_round_trip_and_state(self):
        norm, copy = ValueNorm(0.99), ValueNorm(0.99)
        norm.update(torch.randn(50, generator=torch.Generator().manual_seed(0)) * 30 - 4)
        copy.load_state_dict(norm.state_dict())
        values = torch.tensor([-3.0, 0.0, 8.0])
        torch.testing.assert_close(copy.normalise(copy.denormalise(values)), values)
        assert copy.statistics() == norm.statistics()

    def test_no_cancellation_far_from_zero(self):
        norm = ValueNorm()
        norm.update(torch.tensor([9999.0, 10001.0]))
        assert norm.statistics()[1] == pytest.approx(1.0, rel=1e-4)
