"""What the presets of MAPPO and IPPO may not take from each other."""

from __future__ import annotations

import pytest

from marlzoo.config import resolve_algorithm_config
from marlzoo.registry import Registry

ZOO = Registry.load(environ={"MARLZOO_PLUGINS": ""})


@pytest.mark.parametrize("options", [[], ["preset=published"]])
@pytest.mark.parametrize("environment", ["smac:3m", "smac:3s5z", "smac:MMM2", "smac:3s_vs_5z"])
def test_no_preset_makes_a_mappo_of_ippo(environment, options):
    choice = ZOO.environment(environment)
    ippo = resolve_algorithm_config(ZOO.algorithm("ippo"), choice, options).config.model_dump()
    mappo = resolve_algorithm_config(ZOO.algorithm("mappo"), choice, options).config.model_dump()
    assert ippo.pop("critic_input") == "obs"
    assert mappo.pop("critic_input") != "obs"
    assert ippo == mappo, "they got the same search, here as in the paper"


def test_ippo_has_mappos_settings_for_cars():
    choice = ZOO.environment("dubins:transfer-8")
    ippo, mappo = (
        resolve_algorithm_config(ZOO.algorithm(name), choice, []).config.model_dump()
        for name in ("ippo", "mappo")
    )
    assert ippo.pop("critic_input") == "obs"
    assert mappo.pop("critic_input") == "auto"
    assert ippo == mappo
