"""The SMAC-compatible environment family: an embedded engine, SMAC's interface, and the way to the real game.

What is named here is imported when it is first used, so that listing environments stays free of numba and
torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from marlzoo.envs.smac.batched import SmacEnv
    from marlzoo.envs.smac.config import SmacConfig
    from marlzoo.envs.smac.observe import observe_units
    from marlzoo.envs.smac.parallel import parallel_env
    from marlzoo.envs.smac.score import score_units

_HOME = {
    "SmacConfig": "config",
    "SmacEnv": "batched",
    "observe_units": "observe",
    "parallel_env": "parallel",
    "score_units": "score",
}

__all__ = ["SmacConfig", "SmacEnv", "observe_units", "parallel_env", "score_units"]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
