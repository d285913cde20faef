"""SrSv's learning: MAT when its value is MAT's, gradients where they belong, advantages as configured."""

from __future__ import annotations

import pytest
import torch
from pydantic import ValidationError
from srsv_cases import Steps, make_network

from marlzoo.algorithm import Context
from marlzoo.memory.returns import gae, gae_micro_step, gae_state
from marlzoo.testing import Driver, MatrixGame, MortalWorld, TargetWorld
from marlzoo_mat.algorithm import Mat
from marlzoo_mat.config import MatConfig
from marlzoo_srsv.algorithm import Advantages, Srsv
from marlzoo_srsv.config import SrsvConfig

SMALL = {"num_envs": 4, "rollout_length": 6, "epochs": 3, "clip": 0.2, "width": 16, "decoder": "torch"}


def make_algorithm(kind, config_kind, world, **options):
    context = Context(torch.Generator().manual_seed(3), torch.Generator().manual_seed(4), 1000)
    return kind(world, config_kind(**{**SMALL, **options}), context)


@pytest.mark.parametrize("world", [MortalWorld, TargetWorld])
@pytest.mark.parametrize("options", [{}, {"minibatches": 2}, {"timeout": "bootstrap"}])
def test_with_mats_value_it_is_mat(world, options):
    results = []
    for kind, config, own in ((Mat, MatConfig, {}), (Srsv, SrsvConfig, {"v": "mat"})):
        env = world(4)
        driver = Driver(make_algorithm(kind, config, env.world, **options, **own), env)
        driver.learn(2)
        results.append(driver)
    mat, srsv = results
    assert [dict(m) for m in srsv.metrics] == [dict(m) for m in mat.metrics]
    assert all(torch.equal(one, two) for one, two in zip(srsv.actions, mat.actions, strict=True))
    ours, theirs = (driver.algorithm.state_dict()["network"] for driver in results)
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_all_variants_of_a_seed_start_with_the_same_body():
    env = MortalWorld(4)
    bodies = [
        make_algorithm(Srsv, SrsvConfig, env.world, **options).network.body.state_dict()
        for options in ({}, {"v": "mat"}, {"v": "pool"}, {"succ": "marginal"})
    ]
    for body in bodies[1:]:
        assert all(torch.equal(body[name], bodies[0][name]) for name in body)


def value_gradients(**options):
    """The parts of a network that the values alone reach."""
    network = make_network(**options)
    Steps().values(network).square().sum().backward()
    parts = {
        "encoder": network.body.encoder,
        "decoder": network.body.decoder.blocks,
        "head": network.value_head,
    }
    if network.stream is not None:
        parts |= {"tokens": network.stream.tokens, "attention": network.stream.attention}
    return {
        name
        for name, part in parts.items()
        if any(p.grad is not None and bool(p.grad.any()) for p in part.parameters())
    }


STREAM = {"head", "tokens", "attention"}


@pytest.mark.parametrize(
    ("options", "reached"),
    [
        ({}, STREAM | {"encoder", "decoder"}),
        ({"value_base": "do"}, STREAM | {"encoder", "decoder"}),
        ({"value_grad": "encoder_only"}, STREAM | {"encoder"}),
        ({"value_grad": "head_only"}, STREAM),
        ({"value_grad": "head_only", "value_base": "do"}, STREAM),
        ({"detach_w": True, "value_grad": "encoder_only"}, {"head", "tokens", "encoder"}),
        ({"v": "mat"}, {"head", "encoder"}),
        ({"v": "mat", "value_grad": "head_only"}, {"head"}),
        ({"v": "dov"}, {"head", "encoder", "decoder"}),
        ({"v": "dov", "value_grad": "encoder_only"}, {"head"}),
        ({"value_attn": "decoder"}, {"head", "encoder", "decoder"}),
        ({"value_attn": "decoder", "value_grad": "head_only"}, {"head"}),
    ],
)
def test_the_value_loss_reaches_what_it_should(options, reached):
    assert value_gradients(**options) == reached


def test_detached_weights_leave_the_worth_of_tokens_alone():
    """Values are the same; only the attention and what feeds it through the query get nothing."""
    steps = Steps()
    one, two = (steps.values(make_network(detach_w=flag)) for flag in (False, True))
    assert torch.equal(one, two)


def test_decoder_weights_are_the_literal_sum():
    network, steps = make_network(value_attn="decoder", heads=2), Steps()
    rows, body = steps.rows(network), network.body
    rep = body.encode(rows.obs, rows.alive)
    weights = body.decoder.cross_weights(rep, rows.actions)
    worth = network.value_head(body.decode_parallel(rep, rows.actions, rows.alive)).squeeze(-1)
    expected = torch.stack([(weights[:, i, : i + 1] * worth[:, : i + 1]).sum(-1) for i in range(5)], -1)
    torch.testing.assert_close(network.evaluate(rows).values, expected)


def test_the_marginal_head_imitates_and_leaves_the_body_alone():
    network, steps = make_network(succ="marginal"), Steps(rows=32)
    rows = steps.rows(network)
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-2)
    losses = []
    for _ in range(60):
        loss = network.evaluate(rows).extra_loss
        optimiser.zero_grad()
        loss.backward()
        assert all(p.grad is None or not p.grad.any() for p in network.body.parameters())
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]


def test_imitation_counts_living_agents_only():
    network, steps = make_network(succ="marginal"), Steps()
    steps.alive[:] = False
    assert network.evaluate(steps.rows(network)).extra_loss.item() == 0.0


def rollout_data():
    generator = torch.Generator().manual_seed(0)
    values = torch.randn(6, 3, 2, generator=generator)
    reward = torch.randn(5, 3, 1, generator=generator).expand(5, 3, 2)
    ended = torch.rand(2, 5, 3, generator=generator) < 0.3
    return reward, values, ended[0], ended[1] & ~ended[0]


@pytest.mark.parametrize(
    ("options", "estimate"),
    [
        ({}, gae),
        ({"gae": "state"}, gae_state),
        ({"gae": "micro_step", "agent_lambda": 0.5}, lambda *a, **k: gae_micro_step(*a, agent_lam=0.5, **k)),
    ],
)
def test_advantages_follow_the_configured_form(options, estimate):
    config = SrsvConfig(gamma=0.9, gae_lambda=0.8, **options)
    advantages, returns = Advantages(config)(*rollout_data(), final_values=None)
    expected = estimate(*rollout_data(), gamma=0.9, lam=0.8)
    assert torch.equal(advantages, expected[0])
    assert torch.equal(returns, expected[1])


def test_one_step_targets_leave_advantages_alone():
    reward, values, terminated, truncated = rollout_data()
    data = (reward, values, terminated, truncated)
    plain = Advantages(SrsvConfig(gamma=0.9))(*data, final_values=None)
    one_step = Advantages(SrsvConfig(gamma=0.9, value_target="td0"))(*data, final_values=None)
    assert torch.equal(one_step[0], plain[0])
    going_on = ~(terminated | truncated).unsqueeze(-1)
    torch.testing.assert_close(one_step[1], reward + 0.9 * going_on * values[1:])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"without_pi": True, "without_a": True}, "use v=mat"),
        ({"value_attn": "decoder", "without_pi": True}, "need value_attn=own"),
        ({"value_grad": "encoder_only", "value_base": "do"}, "needs value_base=eo"),
        ({"without_a": True, "succ": "tf"}, "tf follows the executed actions"),
    ],
)
def test_options_that_contradict_each_other_are_refused(options, message):
    with pytest.raises(ValidationError, match=message):
        SrsvConfig(**options)


@pytest.mark.parametrize("options", [{}, {"value_base": "do"}, {"without_pi": True}])
def test_it_finds_the_best_joint_action(options):
    env = MatrixGame(16)
    learning = {"num_envs": 16, "rollout_length": 8, "epochs": 5, "lr": 3e-3, "value_norm_decay": 0.99}
    driver = Driver(make_algorithm(Srsv, SrsvConfig, env.world, **{**learning, **options}), env)
    driver.learn(25)
    assert float(driver.play(1).mean()) == 10.0
