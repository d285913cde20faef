"""The frame of on-policy methods with actors and a critic: everything but the order of their updates."""

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
    Explanation,
    Metrics,
    Mode,
    Transition,
    View,
    World,
)
from marlzoo.errors import UsageError
from marlzoo.learn.schedules import linear, set_learning_rate
from marlzoo.learn.separate_values import SeparateValuations
from marlzoo.learn.team_config import TeamPpoConfig
from marlzoo.learn.team_policy import Experience, Policy
from marlzoo.learn.team_value import Valuation, Values
from marlzoo.memory.returns import gae
from marlzoo.memory.rollout import Rollout
from marlzoo.nets.frames import Frames, seen, within_episode
from marlzoo.nets.heads import noise_for
from marlzoo.nets.inputs import ActorInput, real_components


class TeamPpo(Algorithm):
    """Acts, remembers, values and saves. A subclass says in `improve` what is learned from a full rollout.

    Attributes:
        rollout: the memory.
        policies: one actor for all agents, or one for each (`share_parameters`).
        valuation: the critic, or one for each agent (`share_critic`).
    """

    config: TeamPpoConfig

    def __init__(self, world: World, config: TeamPpoConfig, context: Context) -> None:
        super().__init__(world, config, context)
        self.rollout = Rollout(world, config.rollout_length, keep_final_views=config.timeout == "bootstrap")
        self.frames = Frames(config.frames)
        self.actor_input = ActorInput(world, config.agent_ids, config.frames)
        self.components = real_components(world)
        alone = [slice(agent, agent + 1) for agent in range(world.num_agents)]
        slices = [slice(None)] if config.share_parameters else alone
        self.policies = [Policy(world, config, agents, context.initial) for agents in slices]
        critics = Valuation if config.share_critic else SeparateValuations
        self.valuation = critics(world, config, context.initial)
        self.updates = 0
        self._followed: Tensor | None = None

    @abc.abstractmethod
    def improve(self, values: Values) -> Metrics:
        """Learn from the full rollout, whose views have these values."""

    def policy_of(self, agent: int) -> Policy:
        """The actor that acts for an agent."""
        return self.policies[0] if self.config.share_parameters else self.policies[agent]

    def initial_carry(self, num_envs: int) -> Carry:
        """The memories of the actors' recurrences, `[E, N, D]`, or the frames that lie behind."""
        if self.config.recurrent:
            return torch.zeros(num_envs, self.world.num_agents, self.config.width)
        return self.frames.start(self.world, num_envs)

    @torch.no_grad()
    def act(self, view: View, carry: Carry, mode: Mode) -> Decision:
        noise = None
        if mode is Mode.SAMPLE:
            noise = noise_for(self.world, view.obs.shape[:2], self.context.generator)
        if not self.config.recurrent:
            stacked, after, memo = self.frames.look(view, carry)
            return Decision(self._choose(stacked, None, noise)[0], after, memo)
        memory = within_episode(carry, view.first)
        actions, remembered = self._choose(view, memory, noise)
        return Decision(actions, torch.cat(remembered, 1), {"memory": memory})

    def _choose(self, view: View, memory: Tensor | None, noise: Tensor | None) -> tuple[Tensor, list[Tensor]]:
        """All actors' actions, and what each remembers."""
        inputs, legal = self.actor_input(view.obs), self._legal(view.action_mask, view.alive)
        choices = [policy.act(inputs, memory, legal, noise) for policy in self.policies]
        remembered = [after for _, after in choices if after is not None]
        return torch.cat([actions for actions, _ in choices], 1), remembered

    def explain(self, view: View, decision: Decision) -> Explanation | None:
        """The critic's values; one for all agents where it has one. A critic with a memory follows the views
        that it is asked about."""
        if not self.valuation.informed:
            return None
        values, self._followed = self.valuation.follow(view, self._followed)
        return Explanation(values.expand(view.alive.shape))

    def observe(self, transition: Transition) -> None:
        self.rollout.add(transition)

    def update(self) -> Metrics | None:
        if not self.rollout.full:
            return None
        self._schedule()
        metrics = {
            **self.improve(self.valuation.evaluate(self.rollout)),
            "alive_fraction": float(self.rollout.alive[:-1].float().mean()),
        }
        self.rollout.clear()
        self.updates += 1
        return metrics

    def estimate(self, values: Values, lam: float | Tensor) -> tuple[Tensor, Tensor]:
        """Advantages and returns `[T, E, C]`, for as many values as the critic has per environment."""
        return gae(
            self._reward(values.values.shape[-1]),
            values.values,
            self.rollout.terminated,
            self.rollout.truncated,
            gamma=self.config.gamma,
            lam=lam,
            timeout=self.config.timeout,
            final_values=values.final,
        )

    def experience(self) -> Experience:
        """What all agents saw and did in the rollout."""
        rollout = self.rollout
        mask = None if rollout.action_mask is None else rollout.action_mask[:-1]
        legal, memory = self._legal(mask, rollout.alive[:-1]), rollout.memo.get("memory")
        obs = seen(rollout.obs[:-1], rollout.memo)
        return Experience(
            inputs=self.actor_input(obs).flatten(0, 2),
            actions=rollout.actions.flatten(0, 2),
            legal=None if legal is None else legal.flatten(0, 2),
            memory=None if memory is None else memory.flatten(0, 2),
        )

    def _legal(self, mask: Tensor | None, alive: Tensor) -> Tensor | None:
        """What is legal for each agent, `[..., N, A]`: actions, or components that are no padding."""
        return mask if self.components is None else self.components.expand(*alive.shape, -1)

    def _schedule(self) -> None:
        if self.config.linear_lr_decay:
            taken = self.updates * self.config.rollout_length * self.world.num_envs
            progress = taken / self.context.total_steps
            for policy in self.policies:
                set_learning_rate(policy.optimiser, linear(self.config.lr, 0.0, progress))
            self.valuation.set_learning_rate(linear(self.config.critic_lr, 0.0, progress))

    def _reward(self, columns: int) -> Tensor:
        """`[T, E, columns]`.

        Raises:
            UsageError: agents are rewarded differently, but there is one value for all of them.
        """
        reward = self.rollout.reward
        if columns == reward.shape[-1]:
            return reward
        if not torch.equal(reward, reward[..., :1].expand_as(reward)):
            raise UsageError(
                f"critic_input={self.valuation.input.kind} gives all agents one value, but they are rewarded "
                "differently; use critic_input=state_and_obs or obs, or share_critic=false"
            )
        return reward[..., :1]

    @property
    def ready_to_save(self) -> bool:
        return self.rollout.empty

    def state_dict(self) -> dict[str, Any]:
        return {
            "actors": [policy.actor.state_dict() for policy in self.policies],
            "actor_optimisers": [policy.optimiser.state_dict() for policy in self.policies],
            **self.valuation.state_dict(),
            "updates": self.updates,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self._load_actors(state)
        for policy, optimiser in zip(self.policies, state["actor_optimisers"], strict=True):
            policy.optimiser.load_state_dict(optimiser)
        self.valuation.load_state_dict(state)
        self.updates = state["updates"]

    def load_policy(self, state: Mapping[str, Any]) -> None:
        """Take the actors; with shared parameters and without ids any number of agents will do. The critic
        comes along for `explain`, if it fits.

        Raises:
            UsageError: the saved actors have other shapes.
        """
        self._load_actors(state)
        self.valuation.take(state)

    def _load_actors(self, state: Mapping[str, Any]) -> None:
        saved = state["actors"]
        try:
            for policy, actor in zip(self.policies, saved, strict=True):
                policy.actor.load_state_dict(actor)
        except (ValueError, RuntimeError) as error:
            raise UsageError(
                f"the saved policy does not fit: {len(saved)} actors saved, {len(self.policies)} here, or "
                "other input, action or layer sizes; use the environment and options it was trained with"
            ) from error
