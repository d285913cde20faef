"""MAPPO's update written out literally: all rows, masks, one batch, one step of time after the other.

Slow and plain on purpose. It shares the parameters' containers with the real one and none of its code for
normalisation, recurrence, blocks, micro-batches, advantages or losses.
"""

from __future__ import annotations

import torch
from torch.nn import functional


def layer_norm(x, norm):
    return functional.layer_norm(x, x.shape[-1:], norm.weight, norm.bias)


def features(body, x):
    """`LN -> [linear -> ReLU -> LN] * depth`."""
    if body.mlp.feature_norm is not None:
        x = layer_norm(x, body.mlp.feature_norm)
    layers, norms = [body.mlp.first, *body.mlp.others], [body.mlp.first_norm, *body.mlp.other_norms]
    for layer, norm in zip(layers, norms, strict=True):
        x = layer_norm(torch.relu(layer(x)), norm)
    return x


def gru(recurrence, x, h):
    gates_x = functional.linear(x, recurrence.gru.weight_ih_l0, recurrence.gru.bias_ih_l0)
    gates_h = functional.linear(h, recurrence.gru.weight_hh_l0, recurrence.gru.bias_hh_l0)
    (rx, zx, nx), (rh, zh, nh) = gates_x.chunk(3, -1), gates_h.chunk(3, -1)
    reset, update = torch.sigmoid(rx + rh), torch.sigmoid(zx + zh)
    new = torch.tanh(nx + reset * nh)
    return (1 - update) * new + update * h


def outputs(net, x, first, start, chunk):
    """Head outputs `[T, ...]` of inputs `x [T, E, C, F]`; memory is cleared at `first [T, E]`, and at every
    multiple of `chunk` taken anew from `start [T, E, C, D]`, without gradient."""
    if net.body.recurrence is None:
        return net.head(features(net.body, x))
    rows = []
    for t in range(len(x)):
        if t % chunk == 0:
            h = start[t].detach()
        h = h * (~first[t]).float()[:, None, None]
        h = gru(net.body.recurrence, features(net.body, x[t]), h)
        rows.append(net.head(layer_norm(h, net.body.recurrence.norm)))
    return torch.stack(rows)


def log_probs(logits, mask, actions):
    normal = torch.log_softmax(logits.masked_fill(~mask, -1e10), -1)
    entropy = -(normal.exp() * normal).sum(-1)
    return normal.gather(-1, actions[..., None])[..., 0], entropy


def literal_advantages(reward, values, terminated, truncated, gamma, lam):
    """Timeouts end the episode."""
    advantages, carried = torch.zeros_like(reward), 0.0
    for t in reversed(range(len(reward))):
        going_on = (~(terminated[t] | truncated[t])).float()[:, None]
        delta = reward[t] + gamma * going_on * values[t + 1] - values[t]
        carried = delta + gamma * lam * going_on * carried
        advantages[t] = carried
    return advantages


def critic_starts(critic, x, first, memory):
    """Memory before each step, by walking through the rollout."""
    starts, h = [], memory
    for t in range(len(x)):
        h = h * (~first[t]).float()[:, None, None]
        starts.append(h)
        h = gru(critic.body.recurrence, features(critic.body, x[t]), h)
    return torch.stack(starts)


def huber(error, delta):
    return torch.where(error.abs() <= delta, error**2 / 2, delta * (error.abs() - delta / 2))


def update_actor(actor, rollout, advantages, config):
    """All epochs; changes the parameters of `actor` in place."""
    optimiser = torch.optim.Adam(actor.parameters(), config.lr, eps=config.adam_eps)
    alive, memory = rollout.alive[:-1], rollout.memo.get("memory")
    normal = (advantages - advantages[alive].mean()) / (advantages[alive].std(correction=0) + 1e-5)
    old = None
    for _ in range(config.epochs):
        logits = outputs(actor, rollout.obs[:-1], rollout.first, memory, config.chunk_length)
        new, entropy = log_probs(logits, rollout.action_mask[:-1], rollout.actions)
        old = new.detach() if old is None else old
        ratio = (new - old).exp()
        surrogate = torch.minimum(ratio * normal, ratio.clamp(1 - config.clip, 1 + config.clip) * normal)
        gain = (surrogate + config.entropy_coef * entropy) * alive
        step(optimiser, -gain.sum() / alive.sum(), config.max_grad_norm)


def update_critic(critic, rollout, inputs, starts, old, targets, config):
    """All epochs; changes the parameters of `critic` in place."""
    optimiser = torch.optim.Adam(critic.parameters(), config.critic_lr, eps=config.adam_eps)
    for _ in range(config.epochs):
        value = outputs(critic, inputs, rollout.first, starts, config.chunk_length)[..., 0]
        clipped = old + (value - old).clamp(-config.clip, config.clip)
        errors = (huber(targets - estimate, config.huber_delta) for estimate in (value, clipped))
        step(optimiser, torch.maximum(*errors).mean(), config.max_grad_norm)


def step(optimiser, loss, max_grad_norm):
    optimiser.zero_grad()
    loss.backward()
    parameters = optimiser.param_groups[0]["params"]
    norm = torch.cat([parameter.grad.flatten() for parameter in parameters]).norm()
    if norm > max_grad_norm:
        for parameter in parameters:
            parameter.grad *= max_grad_norm / (norm + 1e-6)
    optimiser.step()
