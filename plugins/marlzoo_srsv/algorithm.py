"""SrSv: sequential rollout (agents choose one after another) with sequential value estimation."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from torch import Tensor

from marlzoo.api import (
    Algorithm,
    AttentionScope,
    Carry,
    Context,
    Decision,
    Explanation,
    Metrics,
    Mode,
    Transition,
    View,
    World,
)
from marlzoo.learn.joint_ppo import JointPpo
from marlzoo.memory.returns import gae, gae_micro_step, gae_state
from marlzoo.nets.heads import noise_for
from marlzoo.nets.playing import play
from marlzoo_srsv.config import SrsvConfig
from marlzoo_srsv.network import SrsvNetwork


class Srsv(Algorithm):
    """MAT's policy; agent i's value knows what agents before i did and what agents from i on would do."""

    attention: AttentionScope = AttentionScope()

    def __init__(self, world: World, config: SrsvConfig, context: Context) -> None:
        super().__init__(world, config, context)
        self.network = SrsvNetwork(world, config, context.initial)
        self.learner = JointPpo(world, self.network, config, Advantages(config), context)

    def act(self, view: View, carry: Carry, mode: Mode) -> Decision:
        if mode is Mode.GREEDY:
            return Decision(play(self.network.body, view, self.attention))
        noise = noise_for(self.world, view.alive.shape, self.context.generator)
        actions, memo = self.network.act(view.obs, view.alive, view.action_mask, noise)
        return Decision(actions, memo=memo)

    def observe(self, transition: Transition) -> None:
        self.learner.observe(transition)

    def update(self) -> Metrics | None:
        return self.learner.update()

    def explain(self, view: View, decision: Decision) -> Explanation:
        # Greedy choices are their own plan.
        memo = decision.memo or {"plan": decision.actions}
        rows = self.network.rows(view.obs, view.alive, view.action_mask, decision.actions, memo)
        values, attention = self.network.explain(rows)
        return Explanation(self.learner.in_returns(values), attention, "value stream")

    def state_dict(self) -> dict[str, Any]:
        return self.learner.state_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.learner.load_state_dict(state)

    def policy_dict(self) -> dict[str, Any]:
        return self.learner.policy_dict()

    def load_policy(self, state: Mapping[str, Any]) -> None:
        self.learner.load_policy(state)

    @property
    def ready_to_save(self) -> bool:
        return self.learner.ready_to_save


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
