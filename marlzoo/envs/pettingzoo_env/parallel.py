"""The environment itself, as this family builds it: what PettingZoo's own test is run on."""

from __future__ import annotations

from typing import Any

from marlzoo.envs.pettingzoo_env.config import PettingZooConfig
from marlzoo.envs.pettingzoo_env.loading import Recipe


def parallel_env(task: str, **arguments: Any) -> Any:
    """The `ParallelEnv` that `task` names; `arguments` are those of `PettingZooConfig`.

    Raises:
        MissingPieceError: the module is not installed. UsageError: it cannot be built.
    """
    return Recipe(task, PettingZooConfig(**arguments).kwargs).build()
