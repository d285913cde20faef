"""HAPPO (Kuba et al., 2022, "Trust Region Policy Optimisation in Multi-Agent Reinforcement Learning")."""

from __future__ import annotations

import torch
from torch import Tensor

from marlzoo.api import Metrics
from marlzoo.learn.metrics import mean_metrics
from marlzoo.learn.ppo import explained_variance
from marlzoo.learn.sequential import AgentOrder, agent_order
from marlzoo.learn.team_policy import Experience, Surrogate
from marlzoo.learn.team_ppo import TeamPpo
from marlzoo.learn.team_value import Values
from marlzoo.memory.returns import normalise, normalise_each
from marlzoo_happo.config import HappoConfig


class Happo(TeamPpo):
    """Agents improve in turn; what those before did to the joint policy weighs each step's advantage."""

    config: HappoConfig

    def improve(self, values: Values) -> Metrics:
        advantages, returns = self.estimate(values, self.config.gae_lambda)
        targets = self.valuation.targets(returns)
        policies = self._improve_policies(self._normalised(advantages))
        critic = self.valuation.learn(
            self.rollout, values, targets, self.context.generator, epochs=self.config.epochs
        )
        explained = explained_variance(values.values[:-1], returns)
        return {**policies, **critic, "explained_variance": explained}

    def _normalised(self, advantages: Tensor) -> Tensor:
        """`[T, E, N]`: over all agents where one critic tells them apart, else per agent."""
        alive = self.rollout.alive[:-1]
        if advantages.shape == alive.shape and self.config.share_critic:
            return normalise(advantages, alive)
        return normalise_each(advantages.expand(alive.shape), alive)

    def _improve_policies(self, advantages: Tensor) -> Metrics:
        """All agents, each with `M = prod_{j before i} pi_new^j(a) / pi_old^j(a)` as weight.

        `M` stands outside the minimum, unclipped; being positive, it may as well multiply the advantage.
        """
        experience = self.experience()
        weight = torch.ones_like(advantages[..., :1])
        reports: list[Metrics] = []
        for agent in self._order():
            report, ratio = self._improve_one(agent, experience, weight * advantages)
            weight = weight * ratio
            reports.append(report)
        return {**mean_metrics(reports), "joint_ratio": float(weight.mean())}

    def _order(self) -> list[int]:
        kind: AgentOrder = "fixed" if self.config.fixed_order else "random"
        order = agent_order(kind, torch.zeros(self.world.num_agents), self.context.generator)
        return [int(agent) for agent in order]

    def _improve_one(self, agent: int, experience: Experience, advantages: Tensor) -> tuple[Metrics, Tensor]:
        """The metrics, empty for an agent that was never alive, and the ratio of its policy to what it was,
        `[T, E, 1]`."""
        policy = self.policy_of(agent)
        units = policy.units(self.rollout, slice(agent, agent + 1))
        rows = policy.gather(units, experience)
        before = policy.log_prob_of(rows, experience)
        surrogate = Surrogate(advantages.flatten(), before, self.config.clip)
        report = policy.learn(units, experience, surrogate, self.context.generator, epochs=self.config.epochs)
        change = policy.log_prob_of(rows, experience) - before
        return report, change.view_as(advantages)[..., agent : agent + 1].exp()
