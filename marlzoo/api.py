"""The public surface for plug-ins, in one import line:

    from marlzoo.api import Algorithm, AlgorithmConfig, AlgorithmSpec, Decision, Mode, View, World, hookimpl

What is not listed here or in the public names of `marlzoo.memory`, `marlzoo.learn`, `marlzoo.nets` and
`marlzoo.testing` may change without notice. Names are imported when they are first used, so that a plug-in's
hooks and configuration do not pull in torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from marlzoo import hookimpl
    from marlzoo.algorithm import (
        AgentInfo,
        Algorithm,
        Carry,
        Context,
        Decision,
        Explanation,
        Metrics,
        Mode,
        Transition,
        View,
        World,
    )
    from marlzoo.bench.suite_files import read_suites
    from marlzoo.config import AlgorithmConfig, EnvConfig
    from marlzoo.envs.contract import BatchedEnv, StepResult
    from marlzoo.envs.drawing import Body, Drawable, Moment, Pictured, Scene
    from marlzoo.errors import MissingPieceError, PluginError, RunError, UsageError
    from marlzoo.memory.replay import EpisodeBatch, EpisodeReplay
    from marlzoo.run.sinks import Sink
    from marlzoo.scope import AttentionScope
    from marlzoo.specs import AlgorithmSpec, EnvironmentSpec, Score, SinkSpec, Suite

_MODULES = {
    "marlzoo": ("hookimpl",),
    "marlzoo.algorithm": (
        "AgentInfo",
        "Algorithm",
        "Carry",
        "Context",
        "Decision",
        "Explanation",
        "Metrics",
        "Mode",
        "Transition",
        "View",
        "World",
    ),
    "marlzoo.bench.suite_files": ("read_suites",),
    "marlzoo.config": ("AlgorithmConfig", "EnvConfig"),
    "marlzoo.envs.contract": ("BatchedEnv", "StepResult"),
    "marlzoo.envs.drawing": ("Body", "Drawable", "Moment", "Pictured", "Scene"),
    "marlzoo.errors": ("MissingPieceError", "PluginError", "RunError", "UsageError"),
    "marlzoo.memory.replay": ("EpisodeBatch", "EpisodeReplay"),
    "marlzoo.run.sinks": ("Sink",),
    "marlzoo.scope": ("AttentionScope",),
    "marlzoo.specs": ("AlgorithmSpec", "EnvironmentSpec", "Score", "SinkSpec", "Suite"),
}

_HOME = {name: module for module, names in _MODULES.items() for name in names}

__all__ = [
    "AgentInfo",
    "Algorithm",
    "AlgorithmConfig",
    "AlgorithmSpec",
    "AttentionScope",
    "BatchedEnv",
    "Body",
    "Carry",
    "Context",
    "Decision",
    "Drawable",
    "EnvConfig",
    "EnvironmentSpec",
    "EpisodeBatch",
    "EpisodeReplay",
    "Explanation",
    "Metrics",
    "MissingPieceError",
    "Mode",
    "Moment",
    "Pictured",
    "PluginError",
    "RunError",
    "Scene",
    "Score",
    "Sink",
    "SinkSpec",
    "StepResult",
    "Suite",
    "Transition",
    "UsageError",
    "View",
    "World",
    "hookimpl",
    "read_suites",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"marlzoo.api has no {name!r}; it has {', '.join(sorted(_HOME))}")
    return getattr(importlib.import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted(_HOME)
