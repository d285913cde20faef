"""A2PO (Wang et al., 2023, "Order Matters: Agent-by-agent Policy Optimization")."""

from __future__ import annotations

import torch
from torch import Tensor

from marlzoo.api import Metrics
from marlzoo.learn.ppo import explained_variance
from marlzoo.learn.sequential import (
    agent_order,
    blocks_of,
    cumulative,
    position_clip,
    ratio_clips,
    urgency,
)
from marlzoo.learn.team_ppo import TeamPpo
from marlzoo.learn.team_value import Values
from marlzoo_a2po.config import A2poConfig
from marlzoo_a2po.moving import Corrected, MovingRollout

SHARED_BLOCKS = 3
"""Blocks of agents with a shared actor, unless told otherwise: published for 3s5z and several other maps."""


class A2po(TeamPpo):
    """Blocks of agents improve in turn, on advantages corrected for what the blocks before have changed.

    With an actor for each agent, a block is done before the next begins. With a shared one every update moves
    all agents: passes go over growing unions of blocks, and everybody counts as preceding.
    """

    config: A2poConfig

    def improve(self, values: Values) -> Metrics:
        moving = MovingRollout(self, self.config, values)
        report = self._agent_first(moving) if self.agent_first else self._together(moving)
        explained = explained_variance(values.values[:-1], moving.returns)
        return {**report, "trace": moving.trace, "explained_variance": explained}

    @property
    def agent_first(self) -> bool:
        """Whether a block is done before the next begins. One agent alone has nobody before it."""
        return not self.config.share_parameters or self.world.num_agents == 1

    def _agent_first(self, moving: MovingRollout) -> Metrics:
        everyone = torch.arange(self.world.num_agents)
        order = self._order(moving, moving.corrected(None, everyone))
        blocks = blocks_of(order, self.config.blocks or self.world.num_agents)
        report: Metrics = {}
        for position, (block, so_far) in enumerate(zip(blocks, cumulative(blocks), strict=True)):
            corrected = moving.corrected(so_far if position else None, block)
            clip = self._block_clip(moving, position, blocks)
            for _ in range(self.config.epochs):
                report = {**report, **moving.improve(block, so_far, corrected, clip)}
        return report

    def _together(self, moving: MovingRollout) -> Metrics:
        everyone = torch.arange(self.world.num_agents)
        blocks = min(self.config.blocks or SHARED_BLOCKS, self.world.num_agents)
        report: Metrics = {}
        for loop in range(-(-self.config.epochs // blocks)):
            corrected = moving.corrected(everyone if loop else None, everyone)
            order = self._order(moving, corrected)
            clips = self._clips(moving, order, blocks)
            for position, agents in enumerate(cumulative(blocks_of(order, blocks))):
                if position:
                    corrected = moving.corrected(everyone, everyone)
                report = {**report, **moving.improve(agents, everyone, corrected, clips)}
        return report

    def _order(self, moving: MovingRollout, corrected: Corrected) -> Tensor:
        scores = urgency(moving.scored(corrected), moving.values.predicted[:-1], moving.alive)
        return agent_order(self.config.order, scores, self.context.generator)

    def _clip_rule(self) -> str:
        if self.config.adaptive_clip != "auto":
            return self.config.adaptive_clip
        return "position" if self.agent_first else "ratio"

    def _block_clip(self, moving: MovingRollout, position: int, blocks: list[Tensor]) -> float | Tensor:
        if self._clip_rule() == "position":
            return position_clip(self.config.clip, position, len(blocks), self.config.position_weight)
        return self._clips(moving, torch.cat(blocks), len(blocks))

    def _clips(self, moving: MovingRollout, order: Tensor, blocks: int) -> float | Tensor:
        """One range for all agents, or one for each `[N]`."""
        rule, clip = self._clip_rule(), self.config.clip
        if rule == "none":
            return clip
        if rule == "ratio":
            along = order.sort().values if self.config.compat_suffix_product else order
            return ratio_clips(moving.log_ratio(), along, clip)
        clips = torch.empty(len(order))
        for position, block in enumerate(blocks_of(order, blocks)):
            clips[block] = position_clip(clip, position, blocks, self.config.position_weight)
        return clips
