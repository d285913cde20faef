"""SrSv's values: equal to one pass per agent, and never a function of the agent's own action."""

from __future__ import annotations

import pytest
import torch
from literal_srsv import literal_values
from srsv_cases import AGENTS, Steps, another, make_network

OWN_ATTENTION = [
    {},
    {"value_base": "do"},
    {"succ_form": "soft"},
    {"succ_form": "soft", "value_base": "do"},
    {"succ": "marginal"},
    {"succ": "marginal", "succ_form": "soft", "value_base": "do"},
    {"succ": "greedy_cont"},
    {"succ": "greedy_cont", "value_base": "do", "succ_form": "soft"},
    {"without_pi": True},
    {"without_pi": True, "value_base": "do"},
    {"without_a": True},
    {"without_a": True, "value_base": "do", "succ_form": "soft"},
    {"dec_token": "action+rep", "heads": 2, "blocks": 2, "value_base": "do"},
    {"mask_dead_keys": True},
]
PREFIX_FREE = [{"v": "mat"}, {"v": "pool"}, *(options for options in OWN_ATTENTION if "without_a" in options)]
LEAK_FREE = [*OWN_ATTENTION, {"v": "dov"}, {"value_attn": "decoder"}]


@pytest.mark.parametrize("discrete", [True, False])
@pytest.mark.parametrize("options", [o for o in OWN_ATTENTION if "without_pi" not in o])
def test_one_masked_attention_equals_a_pass_per_agent(options, discrete):
    network, steps = make_network(discrete, **options), Steps(discrete)
    rows = steps.rows(network)
    values = network.evaluate(rows).values
    torch.testing.assert_close(values, literal_values(network, rows), atol=2e-6, rtol=1e-5)


@pytest.mark.parametrize("base", ["eo", "do"])
def test_without_pi_equals_a_pass_per_agent(base):
    network, steps = make_network(without_pi=True, value_base=base), Steps()
    rows = steps.rows(network)
    assert not rows.extras
    rows = type(rows)(rows.obs, rows.alive, rows.action_mask, rows.actions, {"plan": rows.actions})
    torch.testing.assert_close(
        network.evaluate(rows).values, literal_values(network, rows), atol=2e-6, rtol=1e-5
    )


@pytest.mark.parametrize("discrete", [True, False])
@pytest.mark.parametrize("options", LEAK_FREE)
def test_an_action_moves_later_values_only(options, discrete):
    network, steps = make_network(discrete, **options), Steps(discrete)
    actions, _ = steps.act(network)
    before = steps.values(network, actions)
    for agent in range(AGENTS):
        after = steps.values(network, another(actions, agent))
        assert torch.equal(after[:, : agent + 1], before[:, : agent + 1])
        if options not in PREFIX_FREE:
            assert (after[:, agent + 1 :] != before[:, agent + 1 :]).all()


@pytest.mark.parametrize("options", PREFIX_FREE)
def test_values_without_actions_ignore_them_all(options):
    network, steps = make_network(**options), Steps()
    actions, _ = steps.act(network)
    for agent in range(AGENTS):
        assert torch.equal(steps.values(network, another(actions, agent)), steps.values(network, actions))


@pytest.mark.parametrize("options", [{}, {"succ_form": "soft"}, {"value_base": "do"}])
def test_teacher_forced_successors_leak(options):
    """Documented, and why `tf` is not the default: a_j moves the values of agents before j, and its own."""
    network, steps = make_network(succ="tf", **options), Steps(rows=64)
    actions, _ = steps.act(network)
    changed = steps.values(network, another(actions, 2)) != steps.values(network, actions)
    assert changed[:, 0].any()
    assert changed[:, 2].any()


def test_the_plan_is_the_greedy_joint_action():
    network, steps = make_network(), Steps()
    _, memo = steps.act(network)
    greedy, nothing = network.act(steps.obs, steps.alive, steps.mask, None)
    assert torch.equal(memo["plan"], greedy)
    assert nothing == {}
    body = network.body
    rep = body.encode(body.prepare(steps.obs), steps.alive)
    options = body.distribution(body.decode_parallel(rep, greedy, steps.alive), steps.mask)
    assert torch.equal(options.greedy(), greedy)


def test_greedy_continuations_equal_brute_force():
    network, steps = make_network(succ="greedy_cont"), Steps()
    rows, body = steps.rows(network), network.body
    rep = body.encode(rows.obs, rows.alive)
    for i in range(AGENTS):
        sequence = rows.actions.clone()
        for j in range(i, AGENTS):
            options = body.distribution(body.decode_parallel(rep, sequence, rows.alive), steps.mask)
            sequence[:, j] = options.greedy()[:, j]
        assert torch.equal(rows.extras["plan"][:, i], sequence)


def test_soft_plans_are_the_policies_along_the_plan():
    network, steps = make_network(succ_form="soft"), Steps()
    rows, body = steps.rows(network), network.body
    rep = body.encode(rows.obs, rows.alive)
    options = body.distribution(body.decode_parallel(rep, rows.extras["plan"], rows.alive), steps.mask)
    torch.testing.assert_close(rows.extras["soft"], options.log_probs.exp())
    torch.testing.assert_close(rows.extras["soft"].sum(-1), torch.ones(rows.alive.shape))


def test_soft_continuous_plans_are_means_and_deviations():
    network, steps = make_network(discrete=False, succ_form="soft"), Steps(discrete=False)
    rows = steps.rows(network)
    mean, deviation = rows.extras["soft"].chunk(2, -1)
    torch.testing.assert_close(mean, rows.extras["plan"], atol=1e-5, rtol=1e-5)
    std = 0.5 * network.body.log_std.sigmoid()
    torch.testing.assert_close(deviation, std.expand_as(mean).detach())


@pytest.mark.parametrize("options", [*LEAK_FREE, *PREFIX_FREE])
def test_permuting_joint_steps_permutes_values(options):
    network, steps = make_network(**options), Steps()
    rows = steps.rows(network)
    order = torch.tensor([3, 0, 5, 1, 4, 2])
    torch.testing.assert_close(
        network.evaluate(rows[order]).values, network.evaluate(rows).values[order], atol=1e-6, rtol=1e-6
    )


@pytest.mark.parametrize("options", [*LEAK_FREE, *PREFIX_FREE, {"succ": "tf"}])
def test_the_number_of_agents_may_change_between_calls(options):
    network = make_network(**options)
    for agents in (1, 3, 16):
        steps = Steps(agents=agents, rows=2)
        assert steps.values(network).shape == (2, agents)


def test_greedy_continuations_refuse_many_agents():
    from marlzoo.errors import UsageError

    network = make_network(succ="greedy_cont")
    with pytest.raises(UsageError, match="at most 16 agents, not 17; use succ=plan"):
        Steps(agents=17, rows=2).values(network)
