"""MAPPO (Yu et al., 2022): PPO for teams, with decentralised actors and a centralised critic.

IPPO is the same algorithm with another default: its critic sees the agent's own observation alone.
"""

from __future__ import annotations

from torch import Tensor

from marlzoo.api import Metrics
from marlzoo.learn.metrics import mean_metrics
from marlzoo.learn.ppo import explained_variance
from marlzoo.learn.team_policy import Experience, Policy, Surrogate
from marlzoo.learn.team_ppo import TeamPpo
from marlzoo.learn.team_value import Values
from marlzoo.memory.returns import normalise, normalise_each
from marlzoo_mappo.config import MappoConfig


class Mappo(TeamPpo):
    """Estimate advantages with the critic; improve actor and critic on them for some epochs."""

    config: MappoConfig

    def improve(self, values: Values) -> Metrics:
        advantages, returns = self.estimate(values, self.config.gae_lambda)
        targets = self.valuation.targets(returns)
        critic = self.valuation.learn(
            self.rollout, values, targets, self.context.generator, epochs=self.config.epochs
        )
        return {
            **self._improve_policies(advantages),
            **critic,
            "explained_variance": explained_variance(values.values[:-1], returns),
        }

    def _improve_policies(self, advantages: Tensor) -> Metrics:
        """PPO for every actor on normalised advantages; metrics are means over actors."""
        experience, normal = self.experience(), self._normalised(advantages).flatten()
        return mean_metrics(self._improve(policy, experience, normal) for policy in self.policies)

    def _normalised(self, advantages: Tensor) -> Tensor:
        """`[T, E, N]`: over the living rows of all agents, or per agent where each has its own critic."""
        alive = self.rollout.alive[:-1]
        statistics = normalise if self.config.share_critic else normalise_each
        return statistics(advantages.expand(alive.shape), alive)

    def _improve(self, policy: Policy, experience: Experience, advantages: Tensor) -> Metrics:
        units = policy.units(self.rollout)
        surrogate = Surrogate(advantages, policy.log_prob(units, experience), self.config.clip)
        return policy.learn(units, experience, surrogate, self.context.generator, epochs=self.config.epochs)
