"""What the PettingZoo family declares. Imports nothing heavy."""

from __future__ import annotations

from marlzoo.specs import EnvironmentSpec, Score

PETTINGZOO = EnvironmentSpec(
    name="pettingzoo",
    make="marlzoo.envs.pettingzoo_env.batched:make",
    config="marlzoo.envs.pettingzoo_env.config:PettingZooConfig",
    summary="Any PettingZoo environment, as pettingzoo:<module> or pettingzoo:<module>:<factory>",
    score=Score("return", metric="return"),
    open_tasks=True,
)
