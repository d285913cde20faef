"""The built-in families and the tiny worlds keep the contract of environments."""

from __future__ import annotations

import pytest

from marlzoo.testing import (
    EnvironmentContract,
    GhostWorld,
    Habitat,
    MatrixGame,
    MortalWorld,
    QuitWorld,
    RecallWorld,
    ScriptedWorld,
    TargetWorld,
    UnevenWorld,
)

ENVIRONMENTS = ["smac:3m", "smac:3m?obs_profile=on_policy", "mamujoco:Hopper-3x1", "dubins:transfer-8"]
WORLDS = [
    GhostWorld,
    MatrixGame,
    MortalWorld,
    QuitWorld,
    RecallWorld,
    ScriptedWorld,
    TargetWorld,
    UnevenWorld,
]


@pytest.mark.parametrize("name", ENVIRONMENTS, scope="class")
class TestFamilies(EnvironmentContract):
    steps = 150

    @pytest.fixture(autouse=True)
    def _choose(self, name: str) -> None:
        type(self).environment = name


@pytest.mark.parametrize("world", WORLDS, scope="class")
class TestTinyWorlds(EnvironmentContract):
    @pytest.fixture(autouse=True)
    def _choose(self, world: type) -> None:
        self.world = world

    def habitat(self) -> Habitat:
        return Habitat(self.world, steps=40)
