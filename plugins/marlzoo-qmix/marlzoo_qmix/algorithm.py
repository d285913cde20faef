"""QMIX (Rashid et al., 2018) and, with a mixer that adds, VDN (Sunehag et al., 2017)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from marlzoo.api import (
    Algorithm,
    Carry,
    Context,
    Decision,
    EpisodeReplay,
    Metrics,
    Mode,
    Transition,
    View,
    World,
)
from marlzoo.learn.schedules import linear, set_learning_rate
from marlzoo_qmix.config import QmixConfig
from marlzoo_qmix.learner import Learner, greedy


class Qmix(Algorithm):
    """Acts greedily but for a share epsilon of random actions, and learns from replayed episodes.

    Attributes:
        learner: the networks and how they learn.
        replay: the last episodes.
        steps: environment steps seen, for epsilon.
        waiting: episodes that have finished since the last optimiser step.
        target_age: episodes that have finished since the last copy to the target network.
    """

    config: QmixConfig

    def __init__(self, world: World, config: QmixConfig, context: Context) -> None:
        super().__init__(world, config, context)
        self.learner = Learner(world, config, context.initial)
        self.replay = EpisodeReplay(world, config.replay_steps)
        self.steps = 0
        self.waiting = 0
        self.target_age = 0

    @property
    def epsilon(self) -> float:
        """The share of random actions at present."""
        config = self.config
        return linear(config.epsilon_start, config.epsilon_final, self.steps / config.epsilon_steps)

    def initial_carry(self, num_envs: int) -> Carry:
        """The agents' memories `[E, N, D]` and their last actions `[E, N]`, -1 for none."""
        agents = self.world.num_agents
        memory = torch.zeros(num_envs, agents, self.config.width)
        return memory, torch.full((num_envs, agents), -1)

    @torch.no_grad()
    def act(self, view: View, carry: Carry, mode: Mode) -> Decision:
        memory = carry[0].masked_fill(view.first[:, None, None], 0.0)
        last = carry[1].masked_fill(view.first[:, None], -1)
        values, memory = self.learner.networks.agent.step(view.obs, last, memory)
        # What the dead do is worth 0, as in the mixture: the network that they share learns nothing of them.
        values = values * view.alive.unsqueeze(-1)
        actions = greedy(values, view.action_mask)
        if mode is Mode.SAMPLE:
            actions = explore(actions, values, view.action_mask, self.epsilon, self.context.generator)
        return Decision(actions, (memory, actions))

    def observe(self, transition: Transition) -> None:
        finished = self.replay.add(transition)
        self.steps += self.world.num_envs
        self.waiting += finished
        self.target_age += finished

    def update(self) -> Metrics | None:
        """An optimiser step for every `train_interval` episodes; the metrics are those of the last."""
        metrics = None
        if len(self.replay) >= self.config.batch_episodes:
            self._schedule()
            while self.waiting >= self.config.train_interval:
                self.waiting -= self.config.train_interval
                batch = self.replay.sample(self.config.batch_episodes, self.context.generator)
                metrics = self.learner.learn(batch)
            if self.target_age >= self.config.target_interval:
                self.learner.renew_target()
                self.target_age = 0
        if metrics is None:
            return None
        return {**metrics, "epsilon": self.epsilon, "replay_episodes": float(len(self.replay))}

    def _schedule(self) -> None:
        if self.config.linear_lr_decay:
            progress = self.steps / self.context.total_steps
            set_learning_rate(self.learner.optimiser, linear(self.config.lr, 0.0, progress))

    def state_dict(self) -> dict[str, Any]:
        return {
            **self.learner.state_dict(),
            "replay": self.replay.state_dict(),
            "steps": self.steps,
            "waiting": self.waiting,
            "target_age": self.target_age,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.learner.load_state_dict(state)
        self.replay.load_state_dict(state["replay"])
        self.steps = state["steps"]
        self.waiting = state["waiting"]
        self.target_age = state["target_age"]

    def policy_dict(self) -> dict[str, Any]:
        """The agents' network alone: without mixer, targets, optimiser and replay."""
        return {"agent": self.learner.networks.agent.state_dict()}

    def load_policy(self, state: Mapping[str, Any]) -> None:
        """Take the agents' network, which acts for any number of agents."""
        self.learner.networks.agent.load_state_dict(state["agent"])


def explore(
    actions: Tensor, values: Tensor, legal: Tensor | None, epsilon: float, generator: torch.Generator
) -> Tensor:
    """`actions [E, N]`, each replaced with probability `epsilon` by any legal one, all equally likely.

    `values [E, N, A]` only tell how many actions there are.
    """
    random = greedy(torch.rand(values.shape, generator=generator), legal)
    replaced = torch.rand(actions.shape, generator=generator) < epsilon
    return torch.where(replaced, random, actions)
