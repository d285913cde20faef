"""A2PO's formulas written out literally: loops over agents, steps and successors, all rows with masks.

Slow and plain on purpose. It uses the networks of the real one and none of its code for traces, products,
orders, clipping ranges, blocks of rows or losses.
"""

from __future__ import annotations

import torch
from torch import nn


def traced_advantages(reward, values, ended, ratio, gamma, lam, cap):
    """One environment: `A_t = delta_t + sum_k g^k (prod_{l=1..k} lam min(c, rho_{t+l})) delta_{t+k}`."""
    steps = len(reward)
    delta = [reward[t] + (0.0 if ended[t] else gamma * values[t + 1]) - values[t] for t in range(steps)]
    advantages = []
    for t in range(steps):
        total, k = delta[t], 1
        while t + k < steps and not ended[t + k - 1]:
            product = 1.0
            for after in range(1, k + 1):
                product = product * lam * min(cap, ratio[t + after])
            total = total + gamma**k * product * delta[t + k]
            k += 1
        advantages.append(total)
    return advantages


def traced(rollout, values, ratio, gamma, lam, cap=1.0):
    """All environments and columns: `ratio [T, E]`, `values [T+1, E, C]` to `[T, E, C]`."""
    ended = rollout.terminated | rollout.truncated
    result = torch.zeros_like(values[:-1])
    for env in range(result.shape[1]):
        for column in range(result.shape[2]):
            result[:, env, column] = torch.stack(
                traced_advantages(
                    rollout.reward[:, env, column],
                    values[:, env, column],
                    ended[:, env].tolist(),
                    ratio[:, env].tolist(),
                    gamma,
                    lam,
                    cap,
                )
            )
    return result


def normalised(advantages, alive):
    kept = advantages[alive]
    return (advantages - kept.mean()) / (kept.std(correction=0) + 1e-5)


def product(ratios, agents):
    """`[T, E]`: the product over some agents of `ratios [T, E, N]`."""
    result = torch.ones_like(ratios[..., 0])
    for agent in agents:
        result = result * ratios[..., agent]
    return result


def suffix_clips(ratios, order, clip):
    """A range for each agent: `clip c_i / max c`, `c_i = mean 1 / prod_{j from i on} (1 + |1 - rho_j|)`."""
    c = {}
    for place, agent in enumerate(order):
        u = torch.ones_like(ratios[..., 0])
        for later in order[place:]:
            u = u * (1 + (1 - ratios[..., later]).abs())
        c[agent] = (1 / u).mean().item()
    return {agent: clip * c[agent] / max(c.values()) for agent in order}


def log_probs(actor_of, rollout):
    """`[T, E, N]` log-probabilities of the actions, 0 for the dead, and entropies; with gradient."""
    log_prob, entropy = [], []
    for agent in range(rollout.reward.shape[-1]):
        actor = actor_of(agent)
        prepared = actor.prepare(rollout.obs[:-1, :, agent])
        logits = actor.head(actor.body(prepared, None))
        options = torch.log_softmax(logits.masked_fill(~rollout.action_mask[:-1, :, agent], -1e10), -1)
        chosen = options.gather(-1, rollout.actions[:, :, agent, None])[..., 0]
        log_prob.append(chosen * rollout.alive[:-1, :, agent])
        entropy.append(-(options.exp() * options).sum(-1))
    return torch.stack(log_prob, -1), torch.stack(entropy, -1)


def actor_loss(new, entropy, old, alive, agents, considered, advantages, clips, others_clip, entropy_coef):
    """`-mean min(x A, clip(x) A) - c_ent H` over the living rows of `agents`."""
    total, rows = 0.0, 0.0
    for agent in agents:
        own = (new[..., agent] - old[..., agent]).exp()
        others = product((new - old).detach().exp(), [j for j in considered if j != agent])
        if others_clip is not None:
            others = others.clamp(1 - others_clip, 1 + others_clip)
        x, a = own * others, advantages[..., agent]
        gain = torch.minimum(x * a, x.clamp(1 - clips[agent], 1 + clips[agent]) * a)
        living = alive[..., agent]
        total = total + ((gain + entropy_coef * entropy[..., agent]) * living).sum()
        rows += float(living.sum())
    return -total / rows


def critic_loss(value, old, target, clip):
    """Clipped, squared: the tests keep errors below where Huber's loss turns linear."""
    clipped = old + (value - old).clamp(-clip, clip)
    return torch.maximum((target - value) ** 2, (target - clipped) ** 2).mean() / 2


def step(optimiser, loss, max_grad_norm):
    optimiser.zero_grad()
    loss.backward()
    parameters = [p for group in optimiser.param_groups for p in group["params"]]
    nn.utils.clip_grad_norm_(parameters, max_grad_norm)
    optimiser.step()
