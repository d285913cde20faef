"""MAT: "Multi-Agent Reinforcement Learning is a Sequence Modeling Problem" (Wen et al., 2022)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, ClassVar

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
from marlzoo.memory.returns import gae
from marlzoo.nets.heads import noise_for
from marlzoo.nets.playing import play
from marlzoo_mat.config import MatConfig
from marlzoo_mat.network import MatNetwork


class Mat(Algorithm):
    """Agents choose in turn, each seeing what those before it chose; PPO on all of them at once."""

    network_class: ClassVar[Callable[..., Any]] = MatNetwork
    attention: AttentionScope | None = AttentionScope()

    def __init__(self, world: World, config: MatConfig, context: Context) -> None:
        super().__init__(world, config, context)
        self.network = self.network_class(world, config, context.initial)
        estimate = partial(gae, gamma=config.gamma, lam=config.gae_lambda, timeout=config.timeout)
        self.learner = JointPpo(world, self.network, config, estimate, context)

    def act(self, view: View, carry: Carry, mode: Mode) -> Decision:
        if mode is Mode.GREEDY and self.attention is not None:
            return Decision(play(self.network.body, view, self.attention))
        noise = None
        if mode is Mode.SAMPLE:
            noise = noise_for(self.world, view.alive.shape, self.context.generator)
        return Decision(self.network.act(view.obs, view.alive, view.action_mask, noise))

    def observe(self, transition: Transition) -> None:
        self.learner.observe(transition)

    def update(self) -> Metrics | None:
        return self.learner.update()

    def explain(self, view: View, decision: Decision) -> Explanation:
        generator = self.context.generator  # not drawn from: MAT's values need no actions
        values = self.network.values_ahead(view.obs, view.alive, view.action_mask, generator)
        return Explanation(self.learner.in_returns(values))

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
