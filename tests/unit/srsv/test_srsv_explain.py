"""What SrSv tells about its values: the weights of the sum that they are."""

from __future__ import annotations

import pytest
import torch
from srsv_cases import AGENTS, Steps, make_network


def told(network, steps):
    rows = steps.rows(network)
    values, attention = network.explain(rows)
    assert torch.equal(values, network.evaluate(rows).values)
    return rows, values, attention


@pytest.mark.parametrize("discrete", [True, False])
def test_the_weights_of_executed_and_planned_tokens_make_the_value(discrete):
    network, steps = make_network(discrete), Steps(discrete)
    rows, values, attention = told(network, steps)
    stream, f = network.stream, network.value_head
    with torch.no_grad():
        rep = network.body.encode(rows.obs, rows.alive)
        executed = f(stream.tokens.executed(rows.actions, rep)).squeeze(-1)
        planned = f(stream.tokens.planned(rows.extras["plan"], rep)).squeeze(-1)
    assert attention.sum(-1) == pytest.approx(torch.ones(values.shape), abs=1e-5)
    for i in range(AGENTS):
        seen = torch.cat((executed[:, :i], planned[:, i:]), 1)
        assert (attention[:, i] * seen).sum(-1) == pytest.approx(values[:, i], abs=1e-5)


@pytest.mark.parametrize(
    ("options", "sees"),
    [
        ({"without_pi": True}, lambda i, j: j < i),
        ({"without_a": True}, lambda i, j: j >= i),
        ({"v": "pool"}, lambda i, j: True),
        ({"succ": "greedy_cont"}, lambda i, j: True),
    ],
)
def test_each_form_looks_where_it_may(options, sees):
    _, _, attention = told(make_network(**options), Steps())
    for i in range(AGENTS):
        for j in range(AGENTS):
            assert bool((attention[:, i, j] > 0).all()) is sees(i, j)


@pytest.mark.parametrize("options", [{"v": "mat"}, {"v": "dov"}, {"value_attn": "decoder"}])
def test_without_a_value_stream_there_are_no_weights(options):
    assert told(make_network(**options), Steps())[2] is None


def test_nothing_stays_behind():
    network = make_network()
    told(network, Steps())
    assert not network.stream.attention.weigh._forward_hooks
