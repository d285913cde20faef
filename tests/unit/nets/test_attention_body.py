"""MAT's encoder and decoder against a literal implementation, and the three ways to decode compared."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from literal_mat import LiteralMat
from mat_bodies import FORMS, make_body, make_steps

from marlzoo.errors import UsageError
from marlzoo.nets.attention import BodyShape, Decoder
from marlzoo.nets.decode import Forced
from marlzoo.nets.decode_layers import gelu
from marlzoo.nets.decode_numba import FusedDecoder


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("mask_dead_keys", [False, True])
@pytest.mark.parametrize("discrete", [True, False])
def test_parallel_pass_and_act_equal_the_literal_loop(form, mask_dead_keys, discrete):
    body = make_body(discrete, mask_dead_keys, **form)
    obs, alive, mask, noise, executed = make_steps(discrete=discrete)
    literal = LiteralMat(body)
    with torch.no_grad():
        rep = body.encode(body.prepare(obs), alive)
        outputs = body.decoder.head(body.decode_parallel(rep, executed, alive))
    acted = body.act(rep, alive, mask, noise)
    for row in range(len(obs)):
        who = alive[row].numpy() if mask_dead_keys else None
        expected_rep = literal.encode(obs[row].double().numpy(), who)
        np.testing.assert_allclose(rep[row], expected_rep, atol=1e-5)
        expected = literal.outputs(expected_rep, executed[row].numpy(), who)
        np.testing.assert_allclose(outputs[row], expected, atol=2e-5)
        legal = None if mask is None else mask[row].numpy()
        np.testing.assert_allclose(
            acted[row], literal.act(expected_rep, legal, noise[row].numpy(), who), atol=1e-4
        )


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("mask_dead_keys", [False, True])
def test_fused_decoder_equals_the_parallel_pass_and_the_cached_one(form, mask_dead_keys):
    body = make_body(True, mask_dead_keys, **form)
    obs, alive, mask, noise, _ = make_steps(rows=7, agents=6)
    rep = body.encode(body.prepare(obs), alive).detach()
    visible = body.causally_visible(alive)
    fused = FusedDecoder(body.decoder)
    for given_mask, given_noise in ((mask, noise), (None, noise), (mask, None), (None, None)):
        actions, logits = fused.with_outputs(rep, given_mask, given_noise, visible)
        assert torch.equal(actions, body.act(rep, alive, given_mask, given_noise))
        with torch.no_grad():
            expected = body.decoder.head(body.decode_parallel(rep, actions, alive))
        torch.testing.assert_close(logits, expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("mask_dead_keys", [False, True])
def test_fused_decoder_of_continuous_actions_equals_the_literal_loop(form, mask_dead_keys):
    body = make_body(False, mask_dead_keys, decoder="fused", **form)
    obs, alive, _, noise, _ = make_steps(rows=3, agents=6, discrete=False)
    rep = body.encode(body.prepare(obs), alive).detach()
    literal = LiteralMat(body)
    for draws in (noise, None):
        acted = body.act(rep, alive, None, draws)
        for row in range(len(obs)):
            who = alive[row].numpy() if mask_dead_keys else None
            given_noise = np.zeros((6, 4)) if draws is None else draws[row].numpy()
            expected = literal.act(rep[row].double().numpy(), None, given_noise, who)
            np.testing.assert_allclose(acted[row], expected, atol=1e-4)


def test_fused_decoder_leaves_padded_components_zero():
    plain, fused = make_body(False), make_body(False, decoder="fused")
    real = torch.tensor([[True, True, True, True], [True, False, True, False], [True, True, False, False]])
    plain.real_components = fused.real_components = real
    obs, alive, _, noise, _ = make_steps(agents=3, discrete=False)
    rep = plain.encode(plain.prepare(obs), alive).detach()
    for draws in (noise, None):
        acted = fused.act(rep, alive, None, draws)
        assert not acted[:, ~real].any()
        torch.testing.assert_close(acted, plain.act(rep, alive, None, draws), atol=1e-5, rtol=1e-5)


@given(
    rows=st.integers(1, 70),
    agents=st.integers(1, 9),
    heads=st.sampled_from([1, 2, 4]),
    seed=st.integers(0, 99),
)
def test_fused_decoder_of_any_size(rows, agents, heads, seed):
    body = make_body(heads=heads)
    obs, alive, mask, noise, _ = make_steps(rows, agents, seed=seed)
    rep = body.encode(body.prepare(obs), alive).detach()
    assert torch.equal(FusedDecoder(body.decoder)(rep, mask, noise, None), body.act(rep, alive, mask, noise))


def test_large_groups_are_split(monkeypatch):
    body = make_body()
    obs, alive, mask, noise, _ = make_steps(rows=10)
    rep = body.encode(body.prepare(obs), alive).detach()
    fused = FusedDecoder(body.decoder)
    whole = fused(rep, mask, noise, None)
    monkeypatch.setattr("marlzoo.nets.decode_numba.GROUP_FLOATS", 1)
    assert torch.equal(fused(rep, mask, noise, None), whole)


def test_fused_decoder_notices_every_change_of_parameters():
    body, other = make_body(decoder="fused"), make_body()
    obs, alive, mask, _, executed = make_steps(rows=20)
    rep = body.encode(body.prepare(obs), alive).detach()
    before = body.act(rep, alive, mask, None)
    optimiser = torch.optim.Adam(body.parameters(), lr=0.1, fused=True)
    body.decode_parallel(rep, executed, alive).square().sum().backward()
    optimiser.step()
    other.load_state_dict(body.state_dict())
    after = body.act(rep, alive, mask, None)
    assert torch.equal(after, other.act(rep, alive, mask, None))
    assert not torch.equal(after, before)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("discrete", [True, False])
def test_an_action_reaches_later_agents_only(form, discrete):
    body = make_body(discrete, **form)
    obs, alive, _, _, executed = make_steps(discrete=discrete)
    rep = body.encode(body.prepare(obs), alive)
    changed = executed.clone()
    changed[:, 2] = (changed[:, 2] + 1) % 4
    one, two = (body.decode_parallel(rep, actions, alive) for actions in (executed, changed))
    assert torch.equal(one[:, :3], two[:, :3])
    assert (one[:, 3:] != two[:, 3:]).any(-1).all()


@pytest.mark.parametrize("decoder", ["torch", "fused"])
def test_masked_dead_agents_are_invisible_to_the_living(decoder):
    body = make_body(mask_dead_keys=True, decoder=decoder)
    obs, alive, mask, noise, _ = make_steps(rows=6)
    changed = torch.where(alive.unsqueeze(-1), obs, obs + 1.0)
    # The dead have one legal action each; another one tells the living nothing.
    other_mask, mask = mask.clone(), mask.clone()
    mask[~alive] = torch.tensor([True, False, False, False])
    other_mask[~alive] = torch.tensor([False, True, False, False])
    actions = []
    for seen, legal in ((obs, mask), (changed, other_mask)):
        rep = body.encode(body.prepare(seen), alive).detach()
        actions.append(body.act(rep, alive, legal, noise))
    assert torch.equal(actions[0][alive], actions[1][alive])
    assert not torch.equal(actions[0][~alive], actions[1][~alive])


@pytest.mark.parametrize("decoder", ["torch", "fused"])
def test_when_all_are_dead_everything_is_finite(decoder):
    body = make_body(mask_dead_keys=True, decoder=decoder)
    obs, alive, mask, noise, executed = make_steps()
    nobody = torch.zeros_like(alive)
    rep = body.encode(body.prepare(obs), nobody)
    assert torch.isfinite(body.decode_parallel(rep, executed, nobody)).all()
    assert mask.gather(-1, body.act(rep.detach(), nobody, mask, noise).unsqueeze(-1)).all()


@pytest.mark.parametrize("discrete", [True, False])
def test_one_set_of_weights_serves_any_number_of_agents(discrete):
    body = make_body(discrete, decoder="fused", dec_token="action+rep")
    for agents in (1, 3, 11, 64):
        obs, alive, mask, noise, executed = make_steps(2, agents, discrete)
        rep = body.encode(body.prepare(obs), alive)
        assert body.decode_parallel(rep, executed, alive).shape == (2, agents, 16)
        assert body.act(rep.detach(), alive, mask, noise).shape == executed.shape
    shapes = {name: tuple(value.shape) for name, value in body.state_dict().items()}
    # obs_dim 5, action_dim 4 and width 16: no other size occurs, in particular no number of agents.
    assert {size for shape in shapes.values() for size in shape} <= {4, 5, 16}


@pytest.mark.parametrize("discrete", [True, False])
def test_forced_actions_are_kept_and_the_rest_follows_from_them(discrete):
    body = make_body(discrete)
    obs, alive, mask, _, executed = make_steps(discrete=discrete)
    rep = body.encode(body.prepare(obs), alive).detach()
    counts = torch.tensor([0, 2, 5])
    mixed = body.act(rep, alive, mask, None, Forced(executed, counts))
    greedy = body.act(rep, alive, mask, None)
    torch.testing.assert_close(mixed[0], greedy[0])
    torch.testing.assert_close(mixed[1, :2], executed[1, :2])
    torch.testing.assert_close(mixed[2], executed[2])
    options = body.distribution(body.decode_parallel(rep, mixed, alive), mask)
    torch.testing.assert_close(mixed[1, 2:], options.greedy()[1, 2:], atol=1e-5, rtol=1e-5)


def test_permuting_joint_steps_permutes_results():
    body = make_body(decoder="fused")
    obs, alive, mask, noise, executed = make_steps(rows=9)
    order = torch.randperm(9, generator=torch.Generator().manual_seed(5))
    rep = body.encode(body.prepare(obs), alive)
    shuffled = body.encode(body.prepare(obs[order]), alive[order])
    torch.testing.assert_close(shuffled, rep[order], atol=1e-6, rtol=1e-6)
    hidden = body.decode_parallel(rep, executed, alive)
    again = body.decode_parallel(shuffled, executed[order], alive[order])
    torch.testing.assert_close(again, hidden[order], atol=1e-6, rtol=1e-6)
    acted = body.act(rep.detach(), alive, mask, noise)
    assert torch.equal(body.act(shuffled.detach(), alive[order], mask[order], noise[order]), acted[order])


def test_cross_weights_are_those_of_the_last_attention():
    body = make_body(heads=1)
    obs, alive, _, _, executed = make_steps()
    rep = body.encode(body.prepare(obs), alive)
    decoder, block = body.decoder, body.decoder.stages[-1]
    weights = decoder.cross_weights(rep, executed)
    assert not weights.triu(1).any()
    y = decoder.embed_shifted(rep, executed)
    y = block.self_norm(y + block.self_attention(y, y, None, causal=True))
    attention = block.cross_attention
    z = block.cross_norm(rep + attention.proj(weights @ attention.value(y)))
    expected = block.mlp_norm(z + block.mlp(z))
    torch.testing.assert_close(decoder.forward_parallel(rep, executed), expected, atol=1e-5, rtol=1e-5)


def test_cross_weights_of_several_heads_are_averaged():
    body = make_body(heads=2, blocks=2)
    obs, alive, _, _, executed = make_steps()
    weights = body.decoder.cross_weights(body.encode(body.prepare(obs), alive), executed)
    torch.testing.assert_close(weights.sum(-1), torch.ones(3, 5))
    assert torch.equal(weights[:, 0, 0], torch.ones(3))
    assert not weights.triu(1).any()


def test_gelu_of_the_kernels_is_exact_to_float32():
    x = np.linspace(-8, 8, 4001, dtype=np.float32)
    expected = [0.5 * float(v) * (1.0 + math.erf(float(v) / math.sqrt(2.0))) for v in x]
    gelu(x)
    np.testing.assert_allclose(x, expected, atol=1e-6, rtol=1e-6)


def test_gains_of_the_published_initialisation():
    decoder = Decoder(BodyShape(5, 4, True, width=16), torch.Generator().manual_seed(0))
    block = decoder.stages[0]
    gains = {
        0.01: [block.self_attention.query, block.cross_attention.proj, block.mlp[2], decoder.head[3]],
        math.sqrt(2.0): [block.mlp[0], decoder.head[0], decoder.tokens.embed],
    }
    for gain, layers in gains.items():
        for layer in layers:
            singular = torch.linalg.svdvals(layer.weight)
            torch.testing.assert_close(singular, torch.full_like(singular, gain), rtol=1e-4, atol=1e-6)
    assert decoder.tokens.embed.bias is None


def test_heads_must_divide_the_width():
    with pytest.raises(UsageError, match="width 16 is not divisible by heads 3"):
        make_body(heads=3)
