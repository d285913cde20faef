"""SrSv: sequential rollout (agents choose one after another) with sequential value estimation."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import Tensor

from marlzoo.api import AttentionScope, Decision, Explanation, Mode, View, World
from marlzoo.learn.joint_algorithm import JointAlgorithm
from marlzoo.learn.joint_ppo import AdvantageEstimator
from marlzoo.memory.returns import gae, gae_micro_step, gae_state
from marlzoo.nets.frames import seen
from marlzoo.nets.heads import noise_for
from marlzoo.nets.playing import play
from marlzoo_srsv.config import SrsvConfig
from marlzoo_srsv.network import SrsvNetwork


class Srsv(JointAlgorithm):
    """MAT's policy; agent i's value knows what agents before i did and what agents from i on would do."""

    config: SrsvConfig
    network: SrsvNetwork
    attention: AttentionScope = AttentionScope()

    def make_network(self, world: World, generator: torch.Generator) -> SrsvNetwork:
        return SrsvNetwork(world, self.config, generator)

    def make_estimator(self) -> AdvantageEstimator:
        return Advantages(self.config)

    def choose(self, view: View, mode: Mode) -> tuple[Tensor, dict[str, Tensor]]:
        if mode is Mode.GREEDY:
            return play(self.network.body, view, self.attention), {}
        noise = noise_for(self.world, view.alive.shape, self.context.generator)
        return self.network.act(view.obs, view.alive, view.action_mask, noise)

    def explain(self, view: View, decision: Decision) -> Explanation:
        # Greedy choices are their own plan.
        memo = {"plan": decision.actions, **decision.memo}
        rows = self.network.rows(
            seen(view.obs, decision.memo), view.alive, view.action_mask, decision.actions, memo
        )
        values, attention = self.network.explain(rows)
        return Explanation(self.learner.in_returns(values), attention, "value stream")


class Advantages:
    """Advantages and value targets as configured: `gae`, `agent_lambda` and `value_target`."""

    def __init__(self, config: SrsvConfig) -> None:
        self.config = config

    def __call__(
        self,
        reward: Tensor,
        values: Tensor,
        terminated: Tensor,
        truncated: Tensor,
        *,
        final_values: Tensor | None,
    ) -> tuple[Tensor, Tensor]:
        config = self.config
        data = (reward, values, terminated, truncated)
        advantages, returns = self._gae(config.gae_lambda, config.agent_lambda, data, final_values)
        if config.value_target == "td0":
            _, returns = self._gae(0.0, 0.0, data, final_values)
        return advantages, returns

    def _gae(
        self, lam: float, agent_lam: float, data: tuple[Tensor, ...], final_values: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        config = self.config
        forms: dict[str, Any] = {
            "per_agent": gae,
            "state": gae_state,
            "micro_step": partial(gae_micro_step, agent_lam=agent_lam),
        }
        estimate = forms[config.gae]
        return estimate(*data, gamma=config.gamma, lam=lam, timeout=config.timeout, final_values=final_values)
