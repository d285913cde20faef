"""Suites as TOML files: one file per suite, named after it.

    summary = "What is compared, in one line"
    environments = ["smac:3m", "smac:3s5z"]
    steps = 1_000_000
    seeds = 10                        # optional
    algorithms = ["srsv", "mappo"]    # optional: what 'marlzoo compare' runs when nothing is named
    eval_interval = 20_000            # optional: by default a fiftieth of the budget

A plug-in that brings suites reads its own folder with `read_suites` and returns them from `marlzoo_suites`.
"""

from __future__ import annotations

import sys
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

from marlzoo.errors import PluginError, nearest
from marlzoo.specs import Suite

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


def read_suites(folder: Path) -> list[Suite]:
    """All suites in `folder`, by name.

    Raises:
        PluginError: a file is malformed, or lacks a key, or has one that suites do not know.
    """
    return [read_suite(path) for path in sorted(folder.glob("*.toml"))]


def read_suite(path: Path) -> Suite:
    """The suite in one file. Raises `PluginError` as `read_suites` does."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise PluginError(f"cannot read the suite {path.name}: {error}") from error
    keys = {field.name: field for field in fields(Suite) if field.name != "name"}
    for key in content:
        if key not in keys:
            raise PluginError(f"suite {path.name} has an unknown key {key!r}{nearest(key, keys)}")
    for key, field in keys.items():
        if field.default is MISSING and key not in content:
            raise PluginError(f"suite {path.name} lacks the key {key!r}")
    return Suite(name=path.stem, **{key: _frozen(value) for key, value in content.items()})


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
