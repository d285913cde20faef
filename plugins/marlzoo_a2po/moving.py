"""A rollout while policies move away from those that made it: ratios, corrected targets, single passes."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from marlzoo.api import Metrics
from marlzoo.learn.sequential import joint_log_ratio, others_ratio
from marlzoo.learn.team_policy import Surrogate
from marlzoo.learn.team_ppo import TeamPpo
from marlzoo.learn.team_value import Values
from marlzoo.memory.returns import normalise
from marlzoo.memory.traces import traced_lambda
from marlzoo_a2po.config import A2poConfig


@dataclass(frozen=True)
class Corrected:
    """What a block of agents learns from: normalised `advantages [T, E, N]`, and the critic's `targets
    [T, E, C]` on its own scale."""

    advantages: Tensor
    targets: Tensor


class MovingRollout:
    """A full rollout, what was estimated from it, and how far the policies have moved since.

    Values, and the statistics of returns that scale them, stay those of before the update.

    Attributes:
        alive: `[T, E, N]` bool.
        returns: `[T, E, C]`, uncorrected.
        trace: the mean weight of a successor in the last correction, relative to lambda's; 1 without one.
    """

    def __init__(self, team: TeamPpo, config: A2poConfig, values: Values) -> None:
        self.team, self.config, self.values = team, config, values
        self.rollout = team.rollout
        self.alive = self.rollout.alive[:-1]
        self.experience = team.experience()
        self._rows = [policy.gather(policy.units(self.rollout), self.experience) for policy in team.policies]
        self._old = [self._log_prob(number) for number in range(len(team.policies))]
        self._log_ratios = [torch.zeros_like(old) for old in self._old]
        self._outdated: set[int] = set()
        self._old_log_prob = torch.stack(self._old).sum(0)
        self._advantages, self.returns = team.estimate(values, config.gae_lambda)
        self._targets = team.valuation.targets(self.returns)
        self.trace = 1.0

    def log_ratio(self) -> Tensor:
        """`[T, E, N]`: `log pi_new(a) - log pi_old(a)` of each agent now; 0 for the dead."""
        for number in self._outdated:
            self._log_ratios[number] = self._log_prob(number) - self._old[number]
        self._outdated.clear()
        return torch.stack(self._log_ratios).sum(0).view(self.alive.shape)

    def corrected(self, preceding: Tensor | None, learning: Tensor) -> Corrected:
        """Advantages and returns under the present policies of the agents `preceding [K]`, None for nobody.

        Advantages are normalised over the living rows of the agents `learning [K]`.
        """
        advantages, targets = self._advantages, self._targets
        if preceding is not None:
            advantages, returns = self.team.estimate(self.values, self._traced_lambda(preceding))
            if self.config.trace_targets:
                targets = self.team.valuation.normalised(returns)
        counts = torch.zeros_like(self.alive)
        counts[..., learning] = self.alive[..., learning]
        return Corrected(normalise(advantages.expand(self.alive.shape), counts), targets)

    def scored(self, corrected: Corrected) -> Tensor:
        """`[T, E, N]`: the advantages by which agents are ordered."""
        kind = self.config.order_advantages
        if kind == "initial":
            return self.corrected(None, self._everyone).advantages
        if kind == "weighted":
            return corrected.advantages * joint_log_ratio(self.log_ratio(), self._everyone).exp()
        return corrected.advantages

    def _traced_lambda(self, preceding: Tensor) -> Tensor:
        config, log_ratio = self.config, joint_log_ratio(self.log_ratio(), preceding)
        self.trace = float(log_ratio.exp().clamp(max=config.trace_cap).mean())
        double = config.compat_double_lambda
        return traced_lambda(log_ratio, config.gae_lambda, cap=config.trace_cap, double_lambda=double)

    def improve(
        self, agents: Tensor, considered: Tensor, corrected: Corrected, clip: float | Tensor
    ) -> Metrics:
        """A pass of actors and critic over the rows of `agents [K]`.

        `clip` is one range or one for each agent `[N]`. As actor and critic share no parameter, the critic's
        own pass (`two_stage`) may as well be the first of two in a row.
        """
        report: dict[str, float] = {}
        surrogate = self._surrogate(considered, corrected, clip)
        for number, mine in self._by_policy(agents):
            policy = self.team.policies[number]
            units = policy.units(self.rollout, mine)
            report |= policy.learn(units, self.experience, surrogate, self._generator, epochs=1)
            self._outdated.add(number)
        report |= self.team.valuation.learn(
            self.rollout,
            self.values,
            corrected.targets,
            self._generator,
            epochs=2 if self.config.two_stage else 1,
            agents=agents,
        )
        return report

    def _surrogate(self, considered: Tensor, corrected: Corrected, clip: float | Tensor) -> Surrogate:
        """The ratio is multiplied by those of the other agents `considered [K]`, which carry no gradient."""
        bound = self.config.clip * self.config.others_clip if self.config.clip_others else None
        others = others_ratio(self.log_ratio(), considered, bound)
        per_row = clip.expand(self.alive.shape).flatten() if isinstance(clip, Tensor) else clip
        return Surrogate(corrected.advantages.flatten(), self._old_log_prob - others.log().flatten(), per_row)

    def _by_policy(self, agents: Tensor) -> list[tuple[int, Tensor]]:
        """The actors of `agents [K]` by number, each with the agents it acts for."""
        if self.config.share_parameters:
            return [(0, agents)]
        return [(int(agent), agent.unsqueeze(0)) for agent in agents]

    def _log_prob(self, number: int) -> Tensor:
        return self.team.policies[number].log_prob_of(self._rows[number], self.experience)

    @property
    def _everyone(self) -> Tensor:
        return torch.arange(self.alive.shape[-1])

    @property
    def _generator(self) -> torch.Generator:
        return self.team.context.generator
