"""The built-in environment families."""

from __future__ import annotations

from marlzoo import hookimpl
from marlzoo.envs.dubins.spec import DUBINS
from marlzoo.envs.mamujoco.spec import MAMUJOCO
from marlzoo.envs.pettingzoo_env.spec import PETTINGZOO
from marlzoo.envs.smac.spec import SMAC
from marlzoo.specs import EnvironmentSpec

MARLZOO_API = 1


@hookimpl
def marlzoo_environments() -> list[EnvironmentSpec]:
    return [SMAC, MAMUJOCO, DUBINS, PETTINGZOO]
