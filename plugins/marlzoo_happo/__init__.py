"""HAPPO, heterogeneous-agent proximal policy optimisation, as a marlzoo plug-in."""

from __future__ import annotations

from marlzoo import hookimpl
from marlzoo.specs import AlgorithmSpec

MARLZOO_API = 1


@hookimpl
def marlzoo_algorithms() -> list[AlgorithmSpec]:
    return [
        AlgorithmSpec(
            name="happo",
            algorithm="marlzoo_happo.algorithm:Happo",
            config="marlzoo_happo.config:HappoConfig",
            presets="marlzoo_happo:presets.toml",
            summary="An actor per agent, updated one after another with the earlier ones' ratios as weights",
            paper="https://arxiv.org/abs/2109.11251",
            recurrent=True,
            tags=("on-policy", "ctde", "ppo", "sequential"),
        )
    ]
