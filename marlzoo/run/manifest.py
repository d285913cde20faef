"""The birth certificate of a run: what made its numbers, on what, when, and how long it took."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import sys
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from marlzoo.plugins import PluginInfo
from marlzoo.run.plan import Plan
from marlzoo.version import __version__

if TYPE_CHECKING:
    from marlzoo.envs.contract import BatchedEnv

FORMAT = 1
_LIBRARIES = ("torch", "numpy", "numba", "gymnasium", "mujoco", "pettingzoo", "pydantic", "pluggy")


def new_manifest(plan: Plan, env: BatchedEnv) -> dict[str, Any]:
    """The manifest of a run that is about to begin."""
    return {
        "format": FORMAT,
        "status": "running",
        "marlzoo": __version__,
        "algorithm": {"name": plan.algorithm.qualified, **plugin_facts(plan.algorithm.plugin)},
        "environment": environment_facts(plan, env),
        "config": {key: {"value": value, "origin": origin} for key, value, origin in plan.rows()},
        "settings": plan.settings.model_dump(mode="json"),
        "seed": plan.settings.seed,
        "steps": plan.settings.steps,
        "step": 0,
        "wall_seconds": 0.0,
        "cpu_seconds": 0.0,
        "interference": {},
        "dropped_sinks": [],
        "sessions": [],
    }


def plugin_facts(plugin: PluginInfo) -> dict[str, str]:
    return {"distribution": plugin.distribution, "version": plugin.version, "sha256": plugin.file_hash()}


def environment_facts(plan: Plan, env: BatchedEnv) -> dict[str, Any]:
    score = plan.environment.score
    return {
        "id": plan.environment.id,
        "backend": env.backend,
        "backend_version": env.backend_version,
        "agents": env.world.num_agents,
        "score": {"name": score.name, "metric": score.metric, "percent": score.percent},
        **plugin_facts(plan.environment.entry.plugin),
    }


def new_session(command: Sequence[str], from_step: int, threads: int) -> dict[str, Any]:
    """One process that works on the run."""
    return {
        "started": now(),
        "ended": None,
        "from_step": from_step,
        "command": list(command),
        "threads": threads,
        "hardware": hardware(),
        "versions": library_versions(),
    }


def now() -> str:
    """The time in UTC, to the second."""
    return datetime.now(timezone.utc).isoformat(timespec="seconds")


def hardware() -> dict[str, Any]:
    return {
        "system": platform.platform(),
        "processor": _processor(),
        "cores": os.cpu_count(),
    }


def library_versions() -> dict[str, str]:
    """Versions of Python and of the installed libraries that can influence a number."""
    found = {name: _version(name) for name in _LIBRARIES}
    return {"python": platform.python_version()} | {name: text for name, text in found.items() if text}


def _version(distribution: str) -> str | None:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def command_line() -> list[str]:
    """How this process was started, with the program's bare name."""
    return [Path(sys.argv[0]).name, *sys.argv[1:]]


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()
