"""The frame of algorithms that act by one joint network: all but what it is and how it chooses."""

from __future__ import annotations

import abc
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from marlzoo.algorithm import (
    Algorithm,
    Carry,
    Context,
    Decision,
    Metrics,
    Mode,
    Transition,
    View,
    World,
)
from marlzoo.learn.joint_config import JointPpoConfig
from marlzoo.learn.joint_ppo import AdvantageEstimator, JointPpo
from marlzoo.nets.frames import Frames


class JointAlgorithm(Algorithm):
    """Acts, remembers, learns by `JointPpo` and saves.

    Attributes:
        network: made by `make_network`; it sees the last `frames` observations of every agent as one.
        learner: rollout, optimiser and update.
    """

    config: JointPpoConfig

    def __init__(self, world: World, config: JointPpoConfig, context: Context) -> None:
        super().__init__(world, config, context)
        self.frames = Frames(config.frames)
        self.network: Any = self.make_network(self.frames.world(world), context.initial)
        self.learner = JointPpo(world, self.network, config, self.make_estimator(), context)

    @abc.abstractmethod
    def make_network(self, world: World, generator: torch.Generator) -> Any:
        """An `nn.Module` that satisfies `JointNetwork`, for observations as `world` has them."""

    @abc.abstractmethod
    def make_estimator(self) -> AdvantageEstimator:
        """Advantages and returns."""

    @abc.abstractmethod
    def choose(self, view: View, mode: Mode) -> tuple[Tensor, dict[str, Tensor]]:
        """The joint action on a view with stacked observations, and what to remember of it."""

    def initial_carry(self, num_envs: int) -> Carry:
        """The frames that lie behind."""
        return self.frames.start(self.world, num_envs)

    def act(self, view: View, carry: Carry, mode: Mode) -> Decision:
        seen, after, past = self.frames.look(view, carry)
        actions, memo = self.choose(seen, mode)
        return Decision(actions, after, {**memo, **past})

    def observe(self, transition: Transition) -> None:
        self.learner.observe(transition)

    def update(self) -> Metrics | None:
        return self.learner.update()

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
