"""For the tests of algorithms: tiny worlds, a driver and the contract that every algorithm must pass.

Needs pytest, which only development installs bring.
"""

from marlzoo.testing.contract import AlgorithmContract
from marlzoo.testing.driver import Driver, build, seeds
from marlzoo.testing.tiny import TinyWorld
from marlzoo.testing.worlds import (
    CLIMBING,
    COORDINATION,
    PENALTY,
    GhostWorld,
    MatrixGame,
    MortalWorld,
    RecallWorld,
    ScriptedWorld,
    TargetWorld,
    UnevenWorld,
)

__all__ = [
    "CLIMBING",
    "COORDINATION",
    "PENALTY",
    "AlgorithmContract",
    "Driver",
    "GhostWorld",
    "MatrixGame",
    "MortalWorld",
    "RecallWorld",
    "ScriptedWorld",
    "TargetWorld",
    "TinyWorld",
    "UnevenWorld",
    "build",
    "seeds",
]
