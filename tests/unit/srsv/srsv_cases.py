"""Networks with weights away from their special initial values, and joint steps to score with them."""

from __future__ import annotations

import math

import torch

from marlzoo.algorithm import AgentInfo, World
from marlzoo.nets.heads import gumbel, normal
from marlzoo_srsv.config import SrsvConfig
from marlzoo_srsv.network import SrsvNetwork

ROWS, AGENTS, ACTIONS = 6, 5, 4


def make_world(discrete=True, agents=AGENTS):
    infos = tuple(AgentInfo(f"agent_{n}", "all", 5, ACTIONS) for n in range(agents))
    kind = "discrete" if discrete else "continuous"
    return World(ROWS, infos, 5, kind, ACTIONS, has_action_mask=discrete)


def make_network(discrete=True, agents=AGENTS, **options):
    config = SrsvConfig(**{"width": 16, "decoder": "torch", **options})
    generator = torch.Generator().manual_seed(1)
    network = SrsvNetwork(make_world(discrete, agents), config, generator)
    with torch.no_grad():
        for parameter in network.parameters():
            spread = 0.7 / math.sqrt(parameter.shape[-1]) if parameter.dim() > 1 else 0.3
            parameter.add_(spread * torch.randn(parameter.shape, generator=generator))
    return network


class Steps:
    """Joint steps: views, executed actions, and the noise they came from."""

    def __init__(self, discrete=True, agents=AGENTS, rows=ROWS, seed=2):
        generator = torch.Generator().manual_seed(seed)
        self.obs = torch.randn(rows, agents, 5, generator=generator)
        self.alive = torch.rand(rows, agents, generator=generator) < 0.7
        self.mask = None
        draw = gumbel if discrete else normal
        self.noise = draw((rows, agents, ACTIONS), generator)
        if discrete:
            self.mask = torch.rand(rows, agents, ACTIONS, generator=generator) < 0.7
            self.mask[..., :2] = True

    def act(self, network):
        return network.act(self.obs, self.alive, self.mask, self.noise)

    def rows(self, network, actions=None):
        """What the network scores: its own actions, or others in their place, along its own plan."""
        acted, memo = self.act(network)
        return network.rows(self.obs, self.alive, self.mask, acted if actions is None else actions, memo)

    def values(self, network, actions=None):
        return network.evaluate(self.rows(network, actions)).values


def another(actions, agent):
    """The same joint actions but for one agent's: 0 for 1 and 1 for the rest, or one more."""
    changed = actions.clone()
    if actions.is_floating_point():
        changed[:, agent] += 1.0
    else:
        changed[:, agent] = torch.where(actions[:, agent] == 1, 0, 1)
    return changed
