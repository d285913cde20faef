"""QMIX's loss, one episode, one step and one agent after the other: slow, plain and without padding."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from marlzoo.api import EpisodeBatch
from marlzoo_qmix.config import QmixConfig
from marlzoo_qmix.learner import Learner, Networks


@torch.no_grad()
def loss(learner: Learner, batch: EpisodeBatch) -> float:
    """The mean over all steps of `(Q_tot(s, a) - target)^2`."""
    errors: list[float] = []
    for episode in range(batch.filled.shape[1]):
        errors += _errors(learner, _Episode(batch, episode))
    return sum(error**2 for error in errors) / len(errors)


class _Episode:
    """One episode of a batch, cut to its length."""

    def __init__(self, batch: EpisodeBatch, number: int) -> None:
        self.length = int(batch.filled[:, number].sum())
        views = slice(0, self.length + 1)
        self.obs = batch.obs[views, number]
        self.alive = batch.alive[views, number]
        self.state = None if batch.state is None else batch.state[views, number]
        self.mask = None if batch.action_mask is None else batch.action_mask[views, number]
        self.actions = batch.actions[: self.length, number]
        self.reward = [float(reward.mean()) for reward in batch.reward[: self.length, number]]
        self.terminated = bool(batch.terminated[self.length - 1, number])


def _errors(learner: Learner, episode: _Episode) -> list[float]:
    now, older = _values(learner.networks, episode), _values(learner.target, episode)
    chooser = now if learner.config.double_q else older
    taken, best = [], []
    for t in range(episode.length + 1):
        if t < episode.length:
            taken.append(_joint(learner, learner.networks, episode, t, now[t], episode.actions[t].tolist()))
        picks = [_best(chooser[t][agent], episode, t, agent) for agent in range(len(chooser[t]))]
        best.append(_joint(learner, learner.target, episode, t, older[t], picks))
    targets = _targets(learner.config, episode, best)
    return [value - target for value, target in zip(taken, targets, strict=True)]


def _values(networks: Networks, episode: _Episode) -> list[Tensor]:
    """`[N, A]` at each view, stepping as in play."""
    agents = episode.obs.shape[1]
    memory, last = torch.zeros(1, agents, networks.agent.recurrence.width), torch.full((1, agents), -1)
    rows: list[Tensor] = []
    for t in range(episode.length + 1):
        values, memory = networks.agent.step(episode.obs[t : t + 1], last, memory)
        rows.append(values[0])
        last = episode.actions[t : t + 1] if t < episode.length else last
    return rows


def _best(values: Tensor, episode: _Episode, t: int, agent: int) -> int:
    legal = (
        range(len(values)) if episode.mask is None else episode.mask[t, agent].nonzero().flatten().tolist()
    )
    return max(legal, key=lambda action: float(values[action]))


def _joint(
    learner: Learner, networks: Networks, episode: _Episode, t: int, values: Tensor, actions: list[int]
) -> float:
    """The mixed value of a joint action; the dead count as 0."""
    chosen = [
        float(values[agent, action]) if episode.alive[t, agent] else 0.0
        for agent, action in enumerate(actions)
    ]
    state = learner.joint_state(episode.obs[t], None if episode.state is None else episode.state[t])
    mixed: Any = networks.mixer(torch.tensor(chosen), state)
    return float(mixed)


def _targets(config: QmixConfig, episode: _Episode, best: list[float]) -> list[float]:
    """`G_t = r_t + g ((1 - l) V_{t+1} + l G_{t+1})` from the end of the episode."""
    after_end = 0.0 if episode.terminated or config.timeout == "terminate" else best[-1]
    targets = [episode.reward[-1] + config.gamma * after_end]
    for t in reversed(range(episode.length - 1)):
        mixture = (1 - config.td_lambda) * best[t + 1] + config.td_lambda * targets[0]
        targets.insert(0, episode.reward[t] + config.gamma * mixture)
    return targets
