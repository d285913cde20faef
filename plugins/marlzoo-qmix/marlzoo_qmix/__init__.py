"""QMIX and VDN: a joint action value that decomposes into one value per agent, learned off-policy."""

from __future__ import annotations

from marlzoo.api import AlgorithmSpec, hookimpl
from marlzoo_qmix.version import __version__

__all__ = ["__version__", "marlzoo_algorithms"]

MARLZOO_API = 1


@hookimpl
def marlzoo_algorithms() -> list[AlgorithmSpec]:
    return [
        AlgorithmSpec(
            name="qmix",
            algorithm="marlzoo_qmix.algorithm:Qmix",
            config="marlzoo_qmix.config:QmixConfig",
            presets="marlzoo_qmix:presets.toml",
            summary="Q-learning for teams: agents' values mixed monotonically, as the state says",
            paper="Rashid et al., 2018: QMIX: Monotonic Value Function Factorisation for Deep MARL",
            continuous=False,
            count_free=True,
            recurrent=True,
            tags=("off-policy", "ctde", "value-decomposition"),
        ),
        AlgorithmSpec(
            name="vdn",
            algorithm="marlzoo_qmix.algorithm:Qmix",
            config="marlzoo_qmix.config:VdnConfig",
            presets="marlzoo_qmix:presets.toml",
            summary="Q-learning for teams: the joint value is the sum of the agents' values",
            paper="Sunehag et al., 2017: Value-Decomposition Networks For Cooperative Multi-Agent Learning",
            continuous=False,
            count_free=True,
            recurrent=True,
            tags=("off-policy", "ctde", "value-decomposition"),
        ),
    ]
