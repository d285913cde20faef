"""What the SMAC family declares. Imports nothing heavy."""

from __future__ import annotations

from marlzoo.envs.smac.maps import MAPS
from marlzoo.specs import EnvironmentSpec, Score

SMAC = EnvironmentSpec(
    name="smac",
    make="marlzoo.envs.smac.batched:make",
    config="marlzoo.envs.smac.config:SmacConfig",
    summary="The StarCraft Multi-Agent Challenge on an embedded, SMAC-compatible engine",
    score=Score("win_rate", metric="battle_won", percent=True),
    tasks=tuple(MAPS),
)
