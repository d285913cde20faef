"""Linear layers and the feed-forward body."""

from __future__ import annotations

import torch
from torch import nn

from marlzoo.nets.mlp import MLP, RELU_GAIN, linear


def test_weights_are_orthogonal_and_come_from_the_generator():
    one, other = (linear(6, 4, 0.5, torch.Generator().manual_seed(3)) for _ in range(2))
    assert torch.equal(one.weight, other.weight)
    torch.testing.assert_close(one.weight @ one.weight.T, 0.25 * torch.eye(4), atol=1e-6, rtol=0)
    assert not one.bias.any()
    assert linear(6, 4, 1.0, torch.Generator(), bias=False).bias is None


def test_the_global_generator_is_not_used():
    before = torch.get_rng_state()
    MLP(5, [8, 8], torch.Generator().manual_seed(0))
    assert torch.equal(torch.get_rng_state(), before)


def reference(mlp, inputs):
    """The published order, written with torch's own layers: LayerNorm, then linear, ReLU, LayerNorm."""
    x = inputs
    if mlp.feature_norm is not None:
        norm = nn.LayerNorm(inputs.shape[-1])
        norm.load_state_dict(mlp.feature_norm.state_dict())
        x = norm(x)
    layers, norms = [mlp.first, *mlp.others], [mlp.first_norm, *mlp.other_norms]
    for layer, norm in zip(layers, norms, strict=True):
        x = norm(torch.relu(layer(x)))
    return x


def test_body_equals_the_plain_composition():
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(3, 2, 5, generator=generator)
    for feature_norm in (True, False):
        mlp = MLP(5, [8, 7, 6], generator, feature_norm=feature_norm)
        with torch.no_grad():
            for parameter in mlp.parameters():
                parameter.add_(0.1 * torch.randn(parameter.shape, generator=generator))
        torch.testing.assert_close(mlp(mlp.prepare(inputs)), reference(mlp, inputs), atol=1e-5, rtol=1e-5)
        assert mlp.outputs == 6


def test_default_gain_is_that_of_relu():
    mlp = MLP(4, [4], torch.Generator().manual_seed(0))
    torch.testing.assert_close(
        mlp.first.weight @ mlp.first.weight.T, RELU_GAIN**2 * torch.eye(4), atol=1e-5, rtol=0
    )
