"""MAT, the multi-agent transformer, and MAT-Dec, its decentralised form, as a marlzoo plug-in."""

from marlzoo import hookimpl
from marlzoo.specs import AlgorithmSpec

MARLZOO_API = 1


@hookimpl
def marlzoo_algorithms() -> list[AlgorithmSpec]:
    return [
        AlgorithmSpec(
            name="mat",
            algorithm="marlzoo_mat.algorithm:Mat",
            config="marlzoo_mat.config:MatConfig",
            summary="Multi-agent transformer: agents choose one after another, values from the encoder.",
            presets="marlzoo_mat:presets.toml",
            paper="https://arxiv.org/abs/2205.14953",
            count_free=True,
            tags=("on-policy", "autoregressive", "transformer"),
        ),
        AlgorithmSpec(
            name="mat_dec",
            algorithm="marlzoo_mat.decentralised:MatDec",
            config="marlzoo_mat.config:MatDecConfig",
            summary="MAT-Dec: values from the transformer's encoder, one feed-forward actor for all agents.",
            presets="marlzoo_mat:presets.toml",
            paper="https://arxiv.org/abs/2205.14953",
            count_free=True,
            tags=("on-policy", "ctde", "transformer"),
        ),
    ]
