"""From a task's name to an environment: `module` or `module:factory`."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from marlzoo.errors import MissingPieceError, UsageError, nearest

_USUAL_FACTORIES = ("parallel_env", "env", "raw_env")


@dataclass(frozen=True)
class Recipe:
    """How to build one copy; small enough to be sent to a worker process."""

    task: str
    kwargs: Mapping[str, Any] = field(default_factory=dict)

    def build(self) -> Any:
        """A `ParallelEnv`.

        Raises:
            MissingPieceError: the module is not installed. UsageError: there is no such factory, it refuses
            its arguments, or what it makes is no environment.
        """
        factory = find_factory(self.task)
        try:
            env = factory(**self.kwargs)
        except TypeError as error:
            raise UsageError(f"{self.task} cannot be built with {dict(self.kwargs)}: {error}") from error
        return as_parallel(env, self.task)


def find_factory(task: str) -> Callable[..., Any]:
    """The callable that `task` names; without `:factory`, the module's `parallel_env`, `env` or `raw_env`.

    Modules of the working directory are found too.
    """
    module_name, _, factory_name = task.partition(":")
    module = _import(module_name)
    names = (factory_name,) if factory_name else _USUAL_FACTORIES
    found = next((getattr(module, name) for name in names if callable(getattr(module, name, None))), None)
    if found is None:
        public = [
            name for name, value in vars(module).items() if callable(value) and not name.startswith("_")
        ]
        hint = nearest(factory_name, public) if factory_name else "; name one: module:factory"
        raise UsageError(f"module {module_name} has no {' or '.join(names)}{hint}")
    return found


def _import(name: str) -> Any:
    if os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        missing = error.name or name
        raise MissingPieceError(
            f"cannot import {name}: there is no module {missing!r}; install the package that brings it, "
            "or start from the folder where it is"
        ) from error
    except ValueError as error:
        raise UsageError(f"{name!r} is no module name; expected pettingzoo:module:factory") from error


def as_parallel(env: Any, task: str) -> Any:
    """`env` itself if it is a `ParallelEnv`, or PettingZoo's own conversion of an AEC environment."""
    from pettingzoo import AECEnv, ParallelEnv
    from pettingzoo.utils.conversions import aec_to_parallel

    if isinstance(env, AECEnv):
        if not env.metadata.get("is_parallelizable", False):
            raise UsageError(
                f"{task} is an AEC environment whose agents cannot act at once (its metadata lacks "
                "is_parallelizable); only environments with simultaneous moves can be used"
            )
        return aec_to_parallel(env)
    if isinstance(env, ParallelEnv) or _looks_parallel(env):
        return env
    raise UsageError(f"{task} makes a {type(env).__name__}, expected a PettingZoo ParallelEnv or AECEnv")


def _looks_parallel(env: Any) -> bool:
    needed = ("reset", "step", "possible_agents", "observation_space", "action_space")
    return all(hasattr(env, name) for name in needed)
