"""For the authors of plug-ins: the contracts, tiny worlds with known answers, and a driver.

`AlgorithmContract` and `EnvironmentContract` are pytest classes; everything else works without pytest. Names
are imported when they are first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from marlzoo.testing.algorithm_checks import ALGORITHM_CHECKS, algorithm_cases
    from marlzoo.testing.checks import Case, Check, Outcome, outcomes
    from marlzoo.testing.contract import AlgorithmContract, EnvironmentContract
    from marlzoo.testing.driver import Driver, build, seeds
    from marlzoo.testing.environment_checks import ENVIRONMENT_CHECKS, environment_cases
    from marlzoo.testing.failure import ContractFailure
    from marlzoo.testing.habitat import Habitat, habitat_of
    from marlzoo.testing.recording import Recording
    from marlzoo.testing.subject import Subject, entry_of, quick_options
    from marlzoo.testing.tiny import TinyWorld
    from marlzoo.testing.worlds import (
        CLIMBING,
        COORDINATION,
        PENALTY,
        GhostWorld,
        MatrixGame,
        MortalWorld,
        QuitWorld,
        RecallWorld,
        ScriptedWorld,
        TargetWorld,
        UnevenWorld,
    )

_MODULES = {
    "algorithm_checks": ("ALGORITHM_CHECKS", "algorithm_cases"),
    "checks": ("Case", "Check", "Outcome", "outcomes"),
    "contract": ("AlgorithmContract", "EnvironmentContract"),
    "driver": ("Driver", "build", "seeds"),
    "environment_checks": ("ENVIRONMENT_CHECKS", "environment_cases"),
    "failure": ("ContractFailure",),
    "habitat": ("Habitat", "habitat_of"),
    "recording": ("Recording",),
    "subject": ("Subject", "entry_of", "quick_options"),
    "tiny": ("TinyWorld",),
    "worlds": (
        "CLIMBING",
        "COORDINATION",
        "PENALTY",
        "GhostWorld",
        "MatrixGame",
        "MortalWorld",
        "QuitWorld",
        "RecallWorld",
        "ScriptedWorld",
        "TargetWorld",
        "UnevenWorld",
    ),
}

_HOME = {name: module for module, names in _MODULES.items() for name in names}

__all__ = [
    "ALGORITHM_CHECKS",
    "CLIMBING",
    "COORDINATION",
    "ENVIRONMENT_CHECKS",
    "PENALTY",
    "AlgorithmContract",
    "Case",
    "Check",
    "ContractFailure",
    "Driver",
    "EnvironmentContract",
    "GhostWorld",
    "Habitat",
    "MatrixGame",
    "MortalWorld",
    "Outcome",
    "QuitWorld",
    "RecallWorld",
    "Recording",
    "ScriptedWorld",
    "Subject",
    "TargetWorld",
    "TinyWorld",
    "UnevenWorld",
    "algorithm_cases",
    "build",
    "entry_of",
    "environment_cases",
    "habitat_of",
    "outcomes",
    "quick_options",
    "seeds",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"marlzoo.testing has no {name!r}; it has {', '.join(sorted(_HOME))}")
    return getattr(importlib.import_module(f"marlzoo.testing.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted(_HOME)
