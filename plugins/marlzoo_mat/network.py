"""MAT's network: the transformer body, and one value per agent read from the encoder."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from marlzoo.api import World
from marlzoo.learn.joint_ppo import JointEvaluation, JointRows
from marlzoo.nets.attention import readout
from marlzoo.nets.mat_body import MatBody, score
from marlzoo_mat.config import MatConfig


class MatNetwork(nn.Module):
    """Policy and values of all agents in one pass. No global state is used."""

    def __init__(self, world: World, config: MatConfig, generator: torch.Generator) -> None:
        super().__init__()
        self.per_component = config.ratio_agg == "per_dim"
        self.body = MatBody.of(world, config, generator)
        self.value_head = readout(config.width, 1, generator)

    @torch.no_grad()
    def act(self, obs: Tensor, alive: Tensor, action_mask: Tensor | None, noise: Tensor | None) -> Tensor:
        """`obs [B, N, O]` to the joint action; greedy without `noise [B, N, A]`."""
        rep = self.body.encode(self.body.prepare(obs), alive)
        return self.body.act(rep, alive, action_mask, noise)

    def rows(
        self,
        obs: Tensor,
        alive: Tensor,
        action_mask: Tensor | None,
        actions: Tensor,
        memo: Mapping[str, Tensor],
    ) -> JointRows:
        return JointRows(self.body.prepare(obs), alive, action_mask, actions)

    def evaluate(self, rows: JointRows) -> JointEvaluation:
        rep = self.body.encode(rows.obs, rows.alive)
        hidden = self.body.decode_parallel(rep, rows.actions, rows.alive)
        options = self.body.distribution(hidden, rows.action_mask)
        log_prob, entropy = score(options, rows.actions, self.per_component)
        return JointEvaluation(log_prob, entropy, self.value_head(rep).squeeze(-1))

    @torch.no_grad()
    def values_ahead(
        self, obs: Tensor, alive: Tensor, action_mask: Tensor | None, generator: torch.Generator
    ) -> Tensor:
        """MAT's values need no actions."""
        return self.value_head(self.body.encode(self.body.prepare(obs), alive)).squeeze(-1)
