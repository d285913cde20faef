"""`MatBody`: the multi-agent transformer's encoder and decoder as one module that scores and chooses actions.

MAT and the methods built on it compose this; what they add is a value function.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from marlzoo.algorithm import World
from marlzoo.nets.attention import (
    BodyShape,
    Decoder,
    Encoder,
    Near,
    Visible,
    living_before,
    living_near,
    living_only,
    tokens_near,
)
from marlzoo.nets.body_config import BodyConfig
from marlzoo.nets.decode import Forced, decode
from marlzoo.nets.decode_numba import FusedDecoder
from marlzoo.nets.heads import ActionDistribution, Categorical, Gaussian, standard_deviation
from marlzoo.nets.inputs import real_components

DecoderKind = Literal["fused", "torch"]


class MatBody(nn.Module):
    """Representations, action distributions and joint actions of N agents; N is free from call to call.

    Attributes:
        shape: sizes and options.
        log_std: `[A]` for continuous actions, whose standard deviation is `0.5 * sigmoid(log_std)`.
    """

    def __init__(
        self,
        shape: BodyShape,
        generator: torch.Generator,
        *,
        decoder: DecoderKind = "fused",
        mask_dead_keys: bool = False,
        real_components: Tensor | None = None,
    ) -> None:
        """Make a body.

        Args:
            shape: sizes and options.
            generator: draws the initial weights.
            decoder: what `act` uses, the compiled loop or plain PyTorch.
            mask_dead_keys: nobody attends to dead agents (published: everybody does).
            real_components: `[N, A]` bool for worlds whose agents have unequal continuous actions.
        """
        super().__init__()
        self.shape = shape
        self.mask_dead_keys = mask_dead_keys
        self.real_components = real_components
        self.encoder = Encoder(shape, generator)
        self.decoder = Decoder(shape, generator)
        self.fused = FusedDecoder(self.decoder) if decoder == "fused" else None
        self.log_std = None if shape.discrete else nn.Parameter(torch.ones(shape.action_dim))

    def prepare(self, obs: Tensor) -> Tensor:
        """What `encode` takes: `obs [B, N, O]`, standardised. Once per rollout is enough."""
        return self.encoder.prepare(obs)

    def encode(self, prepared: Tensor, alive: Tensor, near: Near | None = None) -> Tensor:
        """`prepare(obs) [B, N, O]`, `alive [B, N]` to representations `[B, N, D]`.

        With `near`, agents attend to those (themselves among them) and to nobody else.
        """
        if near is not None:
            return self.encoder(prepared, self._living(near, alive))
        return self.encoder(prepared, living_only(alive) if self.mask_dead_keys else None)

    def decode_parallel(self, rep: Tensor, actions: Tensor, alive: Tensor) -> Tensor:
        """The teacher-forced pass: row i of `[B, N, D]` depends on `rep` and on what agents before i did."""
        return self.decoder.forward_parallel(rep, actions, self.causally_visible(alive))

    def distribution(self, hidden: Tensor, action_mask: Tensor | None) -> ActionDistribution:
        """The agents' distributions, given `decode_parallel`'s result and `action_mask [B, N, A]`."""
        return self.distribution_of(self.decoder.head(hidden), action_mask)

    def distribution_of(self, outputs: Tensor, action_mask: Tensor | None) -> ActionDistribution:
        """The distributions that logits or means `outputs [B, N, A]` stand for."""
        return self._options(outputs, action_mask, self.real_components)

    @torch.no_grad()
    def act(
        self,
        rep: Tensor,
        alive: Tensor,
        action_mask: Tensor | None,
        noise: Tensor | None,
        forced: Forced | None = None,
        near: Near | None = None,
    ) -> Tensor:
        """The joint action `[B, N]` int64 or `[B, N, A]` float32, sampled with `noise` or greedy if None.

        With `near`, agents look at what those of them did that come before, and at what the last agent before
        them did, near or not: in MAT, an agent's own token carries that.
        """
        visible = self.causally_visible(alive) if near is None else tokens_near(self._living(near, alive))
        if self.fused is not None and forced is None:
            return self._act_fused(self.fused, rep, action_mask, noise, visible)

        def options(outputs: Tensor, agent: int) -> ActionDistribution:
            mask = None if action_mask is None else action_mask[:, agent]
            real = None if self.real_components is None else self.real_components[agent]
            return self._options(outputs, mask, real)

        shown = visible.mask() if isinstance(visible, Near) else visible
        return decode(self.decoder, rep, options, noise, visible=shown, forced=forced)

    def causally_visible(self, alive: Tensor) -> Tensor | None:
        """`[B, N, N]`: which action tokens each agent may attend to; None for all predecessors'."""
        return living_before(alive) if self.mask_dead_keys else None

    def _act_fused(
        self,
        fused: FusedDecoder,
        rep: Tensor,
        action_mask: Tensor | None,
        noise: Tensor | None,
        visible: Visible,
    ) -> Tensor:
        if self.log_std is None:
            return fused(rep, action_mask, noise, visible)
        real = self.real_components
        scaled = None if noise is None else noise * standard_deviation(self.log_std, "half_sigmoid")
        return fused(rep, None if real is None else real.expand(len(rep), -1, -1), scaled, visible)

    def _living(self, near: Near, alive: Tensor) -> Near:
        return living_near(near, alive) if self.mask_dead_keys else near

    def _options(self, outputs: Tensor, mask: Tensor | None, real: Tensor | None) -> ActionDistribution:
        if self.log_std is None:
            return Categorical.of(outputs, mask)
        return Gaussian(outputs, standard_deviation(self.log_std, "half_sigmoid"), real)

    @classmethod
    def of(cls, world: World, config: BodyConfig, generator: torch.Generator) -> MatBody:
        """The body for a world, as configured."""
        shape = BodyShape(
            obs_dim=world.obs_dim,
            action_dim=world.action_dim,
            discrete=world.discrete,
            width=config.width,
            heads=config.heads,
            blocks=config.blocks,
            dec_token=config.dec_token,
            feature_norm=config.feature_norm,
            agent_code=config.agent_code,
        )
        return cls(
            shape,
            generator,
            decoder=config.decoder,
            mask_dead_keys=config.mask_dead_keys,
            real_components=real_components(world),
        )


def score(options: ActionDistribution, actions: Tensor, per_component: bool) -> tuple[Tensor, Tensor]:
    """Log-probability of `actions` and entropy, `[B, N]` each.

    `per_component` keeps the log-probabilities of continuous components apart, `[B, N, A]`.
    """
    if per_component and isinstance(options, Gaussian):
        return options.component_log_prob(actions), options.entropy()
    return options.log_prob(actions), options.entropy()
