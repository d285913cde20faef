"""Filling in the templates. A plug-in appears whole or not at all."""

from __future__ import annotations

import ast
import datetime
import os
import shutil
import tempfile
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Template

from marlzoo.errors import UsageError
from marlzoo.scaffold.naming import PluginName
from marlzoo.specs import API_VERSION
from marlzoo.version import __version__

_TEMPLATES = Path(__file__).parent / "templates"
_WIDTH = 110
_SUFFIX = ".tmpl"
_PACKAGE = "PACKAGE"
"""Stands for the module's name in the paths of templates."""
_DOT = "dot-"
"""Stands for the dot of a hidden name, which packing would leave out."""


@dataclass(frozen=True)
class Kind:
    """A sort of algorithm that there are templates for."""

    title: str
    summary: str
    story: str
    continuous: bool
    tags: tuple[str, ...]


KINDS: Mapping[str, Kind] = {
    "on-policy": Kind(
        title="Proximal policy optimisation",
        summary="Actors that share parameters and a central critic, trained by PPO",
        story="It collects a rollout with shared actors, estimates advantages with a central critic, and "
        "improves both for some epochs on PPO's clipped objective. Time limits end an episode; the dead are "
        "left out.",
        continuous=True,
        tags=("on-policy", "ctde", "ppo"),
    ),
    "sequential": Kind(
        title="Sequential policy optimisation",
        summary="Agents decide one after another and see what those before them chose, trained by PPO",
        story="Agents decide one after another, each seeing its own observation and the mean choice of those "
        "before it. In training all of them are computed at once. A central critic estimates advantages; the "
        "objective is PPO's.",
        continuous=True,
        tags=("on-policy", "sequential", "ppo"),
    ),
    "off-policy": Kind(
        title="Value decomposition",
        summary="A sum of the agents' action values, learned from a replay of whole episodes",
        story="Every agent has values for its actions; their sum over the living is the team's value. It is "
        "learned from a replay of whole episodes by double Q-learning with a target network. Actions are "
        "discrete.",
        continuous=False,
        tags=("off-policy", "value-decomposition"),
    ),
}
"""By the name that follows `--kind`."""


def write_plugin(name: PluginName, kind: str, parent: Path) -> Path:
    """Write a distribution into a new folder in `parent`, named as the distribution is.

    Raises:
        UsageError: the folder exists, `parent` does not or cannot be written to, or the class would hide one
            that the algorithm needs.
    """
    folder = parent / name.distribution
    if not parent.is_dir():
        raise UsageError(f"{parent} is not a folder; make it first, or give another one with --out")
    if folder.exists():
        raise UsageError(f"{folder} exists already; move it away or choose another name")
    files = rendered(name, kind)
    _check_names(name, files[f"{name.module}/algorithm.py"])
    try:
        _write(files, folder)
    except OSError as error:
        raise UsageError(f"cannot write {folder}: {error.strerror or error}; choose another --out") from error
    return folder


def _write(files: Mapping[str, str], folder: Path) -> None:
    """Write all files beside `folder` first, then give the whole its name."""
    staging = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        whole = staging / folder.name
        for path, text in files.items():
            target = whole / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")
        os.rename(whole, folder)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def rendered(name: PluginName, kind: str) -> dict[str, str]:
    """The text of every file of the distribution, by its path."""
    values = _values(name, KINDS[kind])
    return {
        _target(path.relative_to(_TEMPLATES / part), name): Template(
            path.read_text(encoding="utf-8")
        ).substitute(values)
        for part in ("common", kind)
        for path in sorted((_TEMPLATES / part).rglob(f"*{_SUFFIX}"))
    }


def _values(name: PluginName, kind: Kind) -> dict[str, str]:
    return {
        "api": str(API_VERSION),
        "cls": name.cls,
        "continuous": str(kind.continuous),
        "distribution": name.distribution,
        "module": name.module,
        "name": name.algorithm,
        "story": textwrap.fill(kind.story, _WIDTH),
        "summary": kind.summary,
        "tags": ", ".join(f'"{tag}"' for tag in kind.tags),
        "title": kind.title,
        "version": __version__,
        "year": str(datetime.date.today().year),
    }


def _target(path: Path, name: PluginName) -> str:
    parts = [name.module if part == _PACKAGE else part for part in path.with_suffix("").parts]
    return "/".join(f".{part.removeprefix(_DOT)}" if part.startswith(_DOT) else part for part in parts)


def _check_names(name: PluginName, source: str) -> None:
    """Raises `UsageError` where the algorithm's class would hide a name that its module imports."""
    imported = {
        alias.name
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.ImportFrom) and node.module != f"{name.module}.config"
        for alias in node.names
    }
    if name.cls in imported or f"{name.cls}Config" in imported | {"AlgorithmConfig"}:
        raise UsageError(
            f"the class {name.cls} would hide one of marlzoo; choose another name, such as "
            f"my_{name.algorithm}"
        )
