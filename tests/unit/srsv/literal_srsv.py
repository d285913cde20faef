"""SrSv's value, literally: for every agent i a mixed sequence of tokens, and one row of attention on it."""

from __future__ import annotations

import math

import torch
from torch.nn import functional


def literal_values(network, rows):
    """`[B, N]` for `v=srsv` with an attention of its own and all its options but `tf`."""
    return torch.stack([literal_row(network, rows[b : b + 1]) for b in range(len(rows))])


def literal_row(network, rows):
    config, body, stream = network.config, network.body, network.stream
    eo = body.encode(rows.obs, rows.alive)
    do = body.decode_parallel(eo, rows.actions, rows.alive)[0]
    agents = len(do)
    values = []
    for i in range(agents):
        plan, soft = plan_of(rows, i)
        do_plan = body.decode_parallel(eo, plan.unsqueeze(0), rows.alive)[0]
        tokens = []
        if not config.without_a:
            base = eo[0] if config.value_base == "eo" else do
            executed = rows.actions[0]
            tokens += [token(stream, executed[j], base[j], stream.tokens.executed_type) for j in range(i)]
        if not config.without_pi:
            base = eo[0] if config.value_base == "eo" else do_plan
            shown = plan if soft is None else soft
            tokens += [token(stream, shown[j], base[j], stream.tokens.planned_type) for j in range(i, agents)]
        query = eo[0, i] if config.without_a else do[i]
        values.append(pooled(network, query, tokens))
        if config.without_pi:
            values[-1] = values[-1] + network.value_head(query)[0]
    return torch.stack(values)


def plan_of(rows, i):
    """Plan and soft form as agent i's value takes them."""
    plan, soft = rows.extras["plan"][0], rows.extras.get("soft")
    soft = None if soft is None else soft[0]
    own = plan.dim() - int(plan.is_floating_point()) > 1
    return (plan[i], None if soft is None else soft[i]) if own else (plan, soft)


def token(stream, action, base, kind):
    width = stream.tokens.action.in_features
    if action.is_floating_point():
        features = torch.zeros(width)
        features[: len(action)] = action
    else:
        features = functional.one_hot(action, width).float()
    embedded = functional.gelu(stream.tokens.action.weight @ features)
    return stream.tokens.norm(embedded + base + kind)


def pooled(network, query, tokens):
    """`sum_j softmax(q k_j / sqrt(D)) f(token_j)`; 0 without tokens."""
    attention = network.stream.attention
    if not tokens:
        return torch.zeros(())
    q = attention.query(query)
    scores = torch.stack([q @ (attention.key.weight @ t) for t in tokens]) / math.sqrt(len(q))
    worth = torch.stack([network.value_head(t)[0] for t in tokens])
    return (scores.softmax(0) * worth).sum()
