"""MAT-Dec (Wen et al., 2022): the encoder values, a feed-forward network acts for every agent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from marlzoo.api import World
from marlzoo.learn.joint_ppo import JointEvaluation, JointRows
from marlzoo.nets.attention import GELU_GAIN, SMALL_GAIN, BodyShape, Encoder, living_only, readout
from marlzoo.nets.heads import ActionDistribution, Categorical, Gaussian, standard_deviation
from marlzoo.nets.inputs import real_components
from marlzoo.nets.mat_body import score
from marlzoo.nets.mlp import MLP, linear
from marlzoo_mat.algorithm import Mat
from marlzoo_mat.config import MatDecConfig


class LocalActor(nn.Module):
    """`LN -> [linear -> GELU -> LN] * 2 -> linear` on an agent's own observation."""

    def __init__(self, world: World, config: MatDecConfig, generator: torch.Generator) -> None:
        super().__init__()
        self.body = MLP(
            world.obs_dim,
            [config.width, config.width],
            generator,
            feature_norm=config.feature_norm,
            activation=functional.gelu,
            gain=GELU_GAIN,
        )
        self.head = linear(config.width, world.action_dim, SMALL_GAIN, generator)
        self.log_std = None if world.discrete else nn.Parameter(torch.ones(world.action_dim))
        self.real_components = real_components(world)

    def forward(self, prepared: Tensor, action_mask: Tensor | None) -> ActionDistribution:
        """The distributions for standardised observations `[B, N, O]` and `action_mask [B, N, A]`."""
        return _distribution(self.outputs(prepared), self.log_std, action_mask, self.real_components)

    def outputs(self, prepared: Tensor) -> Tensor:
        """Logits or means `[..., A]` for standardised observations `[..., O]`."""
        return self.head(self.body(prepared))


class SeparateActors(nn.Module):
    """A `LocalActor` for each agent, together in place of one for all."""

    def __init__(self, world: World, config: MatDecConfig, generator: torch.Generator) -> None:
        super().__init__()
        self.actors = nn.ModuleList(LocalActor(world, config, generator) for _ in world.agents)
        self.real_components = real_components(world)

    def forward(self, prepared: Tensor, action_mask: Tensor | None) -> ActionDistribution:
        """As that of a `LocalActor`."""
        actors = cast("list[LocalActor]", list(self.actors))
        columns = zip(actors, prepared.unbind(1), strict=True)
        outputs = torch.stack([actor.outputs(own) for actor, own in columns], 1)
        deviations = tuple(actor.log_std for actor in actors if actor.log_std is not None)
        log_std = torch.stack(deviations) if deviations else None
        return _distribution(outputs, log_std, action_mask, self.real_components)


def _distribution(
    outputs: Tensor, log_std: Tensor | None, action_mask: Tensor | None, real: Tensor | None
) -> ActionDistribution:
    """`outputs [B, N, A]`; `log_std` of continuous actions, `[A]` or `[N, A]`."""
    if log_std is None:
        return Categorical.of(outputs, action_mask)
    return Gaussian(outputs, standard_deviation(log_std, "half_sigmoid"), real)


class MatDecNetwork(nn.Module):
    """Policy and values of all agents in one pass. Only the values see what the others observe."""

    def __init__(self, world: World, config: MatDecConfig, generator: torch.Generator) -> None:
        super().__init__()
        self.per_component = config.ratio_agg == "per_dim"
        self.mask_dead_keys = config.mask_dead_keys
        shape = BodyShape(
            obs_dim=world.obs_dim,
            action_dim=world.action_dim,
            discrete=world.discrete,
            width=config.width,
            heads=config.heads,
            blocks=config.blocks,
            feature_norm=config.feature_norm,
            agent_code=config.agent_code,
        )
        self.encoder = Encoder(shape, generator)
        self.value_head = readout(config.width, 1, generator)
        kind = LocalActor if config.share_parameters else SeparateActors
        self.actor = kind(world, config, generator)

    @torch.no_grad()
    def act(self, obs: Tensor, alive: Tensor, action_mask: Tensor | None, noise: Tensor | None) -> Tensor:
        """`obs [B, N, O]` to the joint action; greedy without `noise [B, N, A]`."""
        options = self.actor(self.encoder.prepare(obs), action_mask)
        chosen: Tensor = options.greedy() if noise is None else options.sample(noise)
        return chosen

    def rows(
        self,
        obs: Tensor,
        alive: Tensor,
        action_mask: Tensor | None,
        actions: Tensor,
        memo: Mapping[str, Tensor],
    ) -> JointRows:
        """Actor and encoder read the same standardised observations."""
        return JointRows(self.encoder.prepare(obs), alive, action_mask, actions)

    def evaluate(self, rows: JointRows) -> JointEvaluation:
        options = self.actor(rows.obs, rows.action_mask)
        log_prob, entropy = score(options, rows.actions, self.per_component)
        return JointEvaluation(log_prob, entropy, self._values(rows.obs, rows.alive))

    @torch.no_grad()
    def values_ahead(
        self, obs: Tensor, alive: Tensor, action_mask: Tensor | None, generator: torch.Generator
    ) -> Tensor:
        """Values need no actions."""
        return self._values(self.encoder.prepare(obs), alive)

    def _values(self, prepared: Tensor, alive: Tensor) -> Tensor:
        rep = self.encoder(prepared, living_only(alive) if self.mask_dead_keys else None)
        values: Tensor = self.value_head(rep).squeeze(-1)
        return values


class MatDec(Mat):
    """As MAT, but every agent chooses by itself, from its own observation."""

    network_class = MatDecNetwork
    attention = None
