"""Actor and critic against the plain composition of their parts."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from marlzoo.nets.actor_critic import Actor, BodyShape, Critic
from marlzoo.testing import MortalWorld, TargetWorld

STEPS, ROWS = 5, 3


def make(shape, world=None, **options):
    generator = torch.Generator().manual_seed(0)
    if world is None:
        return Critic(7, shape, generator)
    return Actor(7, world, shape, generator, head_gain=1.0, **options)


def inputs():
    return torch.randn(STEPS, ROWS, 7, generator=torch.Generator().manual_seed(1))


def norm(x, layer):
    return functional.layer_norm(x, x.shape[-1:], layer.weight, layer.bias)


def dense(x, layer, layer_norm):
    return norm(torch.relu(layer(x)), layer_norm)


@pytest.mark.parametrize("number", [0, 1, 2])
def test_layers_after_the_recurrence_are_between_it_and_the_head(number):
    critic = make(BodyShape(width=8, layers=1, recurrent=True, layers_after=number))
    body, x = critic.body, critic.prepare(inputs())
    memory = torch.zeros(ROWS, 8)
    x = dense(norm(inputs(), body.mlp.feature_norm), body.mlp.first, body.mlp.first_norm)
    x = norm(body.recurrence.gru(x, memory[None])[0], body.recurrence.norm)
    if number:
        assert body.after.feature_norm is None
        layers = [(body.after.first, body.after.first_norm)]
        layers += zip(body.after.others, body.after.other_norms, strict=True)
        assert len(layers) == number
        for layer, layer_norm in layers:
            x = dense(x, layer, layer_norm)
    expected = critic.head(x).squeeze(-1)
    torch.testing.assert_close(critic(critic.prepare(inputs()), memory), expected)


def test_steps_are_the_same_as_a_sequence():
    critic = make(BodyShape(width=8, recurrent=True, layers_after=1))
    prepared, memory, values = critic.prepare(inputs()), torch.zeros(ROWS, 8), []
    for row in prepared:
        value, memory = critic.step(row, memory)
        values.append(value)
    torch.testing.assert_close(torch.stack(values), critic(prepared, torch.zeros(ROWS, 8)))


def test_without_a_recurrence_nothing_comes_after_it():
    plain, asked = (make(BodyShape(width=8, layers_after=number)) for number in (0, 2))
    assert [p.shape for p in plain.parameters()] == [p.shape for p in asked.parameters()]


def test_the_mean_of_continuous_actions_is_squashed_on_request():
    world = TargetWorld(1).world
    plain, squashed = (make(BodyShape(width=8), world, squash_mean=squash) for squash in (False, True))
    with torch.no_grad():
        for actor in (plain, squashed):
            actor.head.bias.fill_(2.0)
    one, other = (actor(actor.prepare(inputs()), None, None) for actor in (plain, squashed))
    torch.testing.assert_close(other.mean, one.mean.tanh())
    assert torch.equal(other.std, one.std)
    assert other.mean.max() < 1.0 < one.mean.max()


def test_logits_are_not():
    world = MortalWorld(1).world
    plain, squashed = (make(BodyShape(width=8), world, squash_mean=squash) for squash in (False, True))
    one, other = (actor(actor.prepare(inputs()), None, None) for actor in (plain, squashed))
    assert torch.equal(one.log_probs, other.log_probs)
