"""A2PO, agent-by-agent policy optimisation, as a marlzoo plug-in."""

from __future__ import annotations

from marlzoo import hookimpl
from marlzoo.specs import AlgorithmSpec

MARLZOO_API = 1


@hookimpl
def marlzoo_algorithms() -> list[AlgorithmSpec]:
    return [
        AlgorithmSpec(
            name="a2po",
            algorithm="marlzoo_a2po.algorithm:A2po",
            config="marlzoo_a2po.config:A2poConfig",
            presets="marlzoo_a2po:presets.toml",
            summary="PPO agent by agent: corrected for the policies updated before, in a semi-greedy order",
            paper="https://arxiv.org/abs/2302.06205",
            count_free=True,
            recurrent=True,
            tags=("on-policy", "ctde", "ppo", "sequential"),
        )
    ]
