"""SrSv, sequential rollout with sequential value estimation, as a marlzoo plug-in."""

from marlzoo import hookimpl
from marlzoo.specs import AlgorithmSpec

MARLZOO_API = 1


@hookimpl
def marlzoo_algorithms() -> list[AlgorithmSpec]:
    return [
        AlgorithmSpec(
            name="srsv",
            algorithm="marlzoo_srsv.algorithm:Srsv",
            config="marlzoo_srsv.config:SrsvConfig",
            summary="Agents choose in turn; each one's value knows what was chosen and what is planned.",
            presets="marlzoo_srsv:presets.toml",
            count_free=True,
            tags=("on-policy", "autoregressive", "transformer", "reconstruction"),
        )
    ]
