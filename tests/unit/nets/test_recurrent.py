"""The recurrence: whole sequences equal single steps."""

from __future__ import annotations

import torch

from marlzoo.nets.recurrent import Recurrence


def test_sequence_equals_steps():
    generator = torch.Generator().manual_seed(0)
    recurrence = Recurrence(6, generator)
    features, memory = torch.randn(5, 3, 6, generator=generator), torch.randn(3, 6, generator=generator)
    whole, state, outputs = recurrence(features, memory), memory, []
    for step in features:
        output, state = recurrence.step(step, state)
        outputs.append(output)
    torch.testing.assert_close(whole, torch.stack(outputs))


def test_step_is_the_gru_equation():
    recurrence = Recurrence(4, torch.Generator().manual_seed(1))
    x, h = torch.randn(2, 4), torch.randn(2, 4)
    gates_x, gates_h = x @ recurrence.gru.weight_ih_l0.T, h @ recurrence.gru.weight_hh_l0.T
    reset, update = (torch.sigmoid(gates_x[:, i : i + 4] + gates_h[:, i : i + 4]) for i in (0, 4))
    new = torch.tanh(gates_x[:, 8:] + reset * gates_h[:, 8:])
    _, memory = recurrence.step(x, h)
    torch.testing.assert_close(memory, (1 - update) * new + update * h)


def test_any_leading_shape():
    recurrence = Recurrence(4, torch.Generator().manual_seed(1))
    output, memory = recurrence.step(torch.randn(2, 3, 4), torch.zeros(2, 3, 4))
    assert output.shape == memory.shape == (2, 3, 4)


def test_weights_are_orthogonal_and_from_the_generator():
    before = torch.get_rng_state()
    one, other = (Recurrence(4, torch.Generator().manual_seed(2)) for _ in range(2))
    assert torch.equal(torch.get_rng_state(), before)
    weight = one.gru.weight_hh_l0
    assert torch.equal(weight, other.gru.weight_hh_l0)
    torch.testing.assert_close(weight.T @ weight, torch.eye(4), atol=1e-6, rtol=0)
    assert not one.gru.bias_ih_l0.any()
