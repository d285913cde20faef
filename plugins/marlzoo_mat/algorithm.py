"""MAT: "Multi-Agent Reinforcement Learning is a Sequence Modeling Problem" (Wen et al., 2022)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar

import torch
from torch import Tensor

from marlzoo.api import AttentionScope, Decision, Explanation, Mode, View, World
from marlzoo.learn.joint_algorithm import JointAlgorithm
from marlzoo.learn.joint_ppo import AdvantageEstimator
from marlzoo.memory.returns import gae
from marlzoo.nets.frames import seen
from marlzoo.nets.heads import noise_for
from marlzoo.nets.playing import play
from marlzoo_mat.network import MatNetwork


class Mat(JointAlgorithm):
    """Agents choose in turn, each seeing what those before it chose; PPO on all of them at once."""

    network_class: ClassVar[Callable[..., Any]] = MatNetwork
    attention: AttentionScope | None = AttentionScope()

    def make_network(self, world: World, generator: torch.Generator) -> Any:
        return self.network_class(world, self.config, generator)

    def make_estimator(self) -> AdvantageEstimator:
        config = self.config
        return partial(gae, gamma=config.gamma, lam=config.gae_lambda, timeout=config.timeout)

    def choose(self, view: View, mode: Mode) -> tuple[Tensor, dict[str, Tensor]]:
        if mode is Mode.GREEDY and self.attention is not None:
            return play(self.network.body, view, self.attention), {}
        noise = None
        if mode is Mode.SAMPLE:
            noise = noise_for(self.world, view.alive.shape, self.context.generator)
        return self.network.act(view.obs, view.alive, view.action_mask, noise), {}

    def explain(self, view: View, decision: Decision) -> Explanation:
        obs, generator = seen(view.obs, decision.memo), self.context.generator
        # Nothing is drawn: MAT's values need no actions.
        values = self.network.values_ahead(obs, view.alive, view.action_mask, generator)
        return Explanation(self.learner.in_returns(values))
