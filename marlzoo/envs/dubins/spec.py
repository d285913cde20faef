"""What the zoo lists of the DubinsCar family."""

from __future__ import annotations

from marlzoo.specs import EnvironmentSpec, Score

DUBINS = EnvironmentSpec(
    name="dubins",
    make="marlzoo.envs.dubins.batched:make",
    config="marlzoo.envs.dubins.config:DubinsConfig",
    summary="DubinsCar: cars drive to their goals without touching, 8 to 100,000 of them",
    score=Score(
        "success_ratio",
        metric="success",
        percent=True,
        beside=("reach", "safe", "ceiling", "nominal_success"),
    ),
    tasks=tuple(
        f"{preset}-{cars}"
        for preset in ("srsv", "gcbfplus", "hard", "transfer")
        for cars in (8, 64, 256, 1024)
    ),
    open_tasks=True,
)
