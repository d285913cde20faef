"""MAPPO: proximal policy optimisation with a centralised critic, for teams; IPPO: with local critics."""

from __future__ import annotations

from marlzoo import hookimpl
from marlzoo.specs import AlgorithmSpec

MARLZOO_API = 1


@hookimpl
def marlzoo_algorithms() -> list[AlgorithmSpec]:
    return [
        AlgorithmSpec(
            name="mappo",
            algorithm="marlzoo_mappo.algorithm:Mappo",
            config="marlzoo_mappo.config:MappoConfig",
            presets="marlzoo_mappo:presets.toml",
            summary="PPO with decentralised actors and a centralised critic, feed-forward or recurrent",
            paper="Yu et al., 2022: The Surprising Effectiveness of PPO in Cooperative Multi-Agent Games",
            count_free=True,
            recurrent=True,
            tags=("on-policy", "ctde", "ppo"),
        ),
        AlgorithmSpec(
            name="ippo",
            algorithm="marlzoo_mappo.algorithm:Mappo",
            config="marlzoo_mappo.config:IppoConfig",
            presets="marlzoo_mappo:ippo_presets.toml",
            summary="Independent PPO: as MAPPO, but the critic too sees the agent's own observation alone",
            paper="de Witt et al., 2020: Is Independent Learning All You Need in the StarCraft Challenge?",
            count_free=True,
            recurrent=True,
            tags=("on-policy", "independent", "ppo"),
        ),
    ]
