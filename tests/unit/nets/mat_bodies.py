"""Bodies of the multi-agent transformer and joint steps for them, for the tests of several files."""

from __future__ import annotations

import math

import torch

from marlzoo.nets.attention import BodyShape
from marlzoo.nets.heads import gumbel, normal
from marlzoo.nets.mat_body import MatBody

FORMS = [
    {},
    {"heads": 2, "blocks": 2},
    {"dec_token": "action+rep"},
    {"dec_token": "action+rep", "heads": 4, "blocks": 3, "feature_norm": False},
    {"width": 10, "heads": 2},
]


def make_body(discrete=True, mask_dead_keys=False, decoder="torch", **form):
    """A body whose weights are all away from their special initial values."""
    generator = torch.Generator().manual_seed(1)
    shape = BodyShape(**{"obs_dim": 5, "action_dim": 4, "discrete": discrete, "width": 16, **form})
    body = MatBody(shape, generator, decoder=decoder, mask_dead_keys=mask_dead_keys)
    with torch.no_grad():
        for parameter in body.parameters():
            spread = 0.5 / math.sqrt(parameter.shape[-1]) if parameter.dim() > 1 else 0.2
            parameter.add_(spread * torch.randn(parameter.shape, generator=generator))
    return body


def make_steps(rows=3, agents=5, discrete=True, seed=2, actions=4):
    """Observations, who lives, legal actions, noise and some executed actions."""
    generator = torch.Generator().manual_seed(seed)
    obs = torch.randn(rows, agents, 5, generator=generator)
    alive = torch.rand(rows, agents, generator=generator) < 0.6
    mask = torch.rand(rows, agents, actions, generator=generator) < 0.6
    mask[..., 1] = True
    if not discrete:
        executed = torch.randn(rows, agents, actions, generator=generator)
        return obs, alive, None, normal((rows, agents, actions), generator), executed
    executed = torch.randint(0, actions, (rows, agents), generator=generator)
    return obs, alive, mask, gumbel((rows, agents, actions), generator), executed
