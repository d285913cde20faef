"""Checks of what a plug-in declares, before anything is played: imports, settings, presets."""

from __future__ import annotations

import json
import os
import subprocess
import sys

from marlzoo.algorithm import Algorithm
from marlzoo.config import AlgorithmConfig, read_named_presets, read_presets
from marlzoo.errors import MarlzooError
from marlzoo.field_help import describe_fields
from marlzoo.overrides import build
from marlzoo.specs import load_object
from marlzoo.testing.failure import ContractFailure
from marlzoo.testing.subject import Subject

HEAVY = ("torch", "numba", "mujoco", "gymnasium", "pettingzoo", "scipy", "matplotlib", "pandas")
"""What listing and showing must not import: together they take seconds."""

_PROBE = """
import importlib, json, sys
for module in sys.argv[2:]:
    importlib.import_module(module)
print("PROBE", json.dumps([name for name in sys.argv[1].split(",") if name in sys.modules]))
"""


def single_file(subject: Subject, world: str) -> str:
    """Why the import check does not concern a subject."""
    plugin = subject.entry.plugin
    return "a plug-in in a single file" if plugin.distribution.endswith(".py") else ""


def light_import(subject: Subject, world: str) -> None:
    """A fresh interpreter imports the hooks and the settings, and nothing heavy with them."""
    settings = subject.spec.config.partition(":")[0]
    modules = list(dict.fromkeys([subject.entry.plugin.module, settings]))
    done = subprocess.run(
        [sys.executable, "-c", _PROBE, ",".join(HEAVY), *modules],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        check=False,
    )
    expected = f"importing {' and '.join(modules)} to work and to load none of {', '.join(HEAVY)}"
    answer = [line for line in done.stdout.splitlines() if line.startswith("PROBE")]
    if done.returncode or not answer:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise ContractFailure(expected, f"it failed with {last}")
    heavy = json.loads(answer[-1].removeprefix("PROBE"))
    if heavy:
        raise ContractFailure(expected, f"it loaded {', '.join(heavy)}")


def declaration(subject: Subject, world: str) -> None:
    """The classes are what they have to be, and every setting is explained and has a default."""
    spec = subject.spec
    if not (spec.discrete or spec.continuous):
        raise ContractFailure("discrete or continuous actions, or both, to be claimed", "neither is")
    _expect_subclass(spec.algorithm, Algorithm)
    _expect_subclass(spec.config, AlgorithmConfig)
    fields = describe_fields(load_object(spec.config))
    required = [described.key for described in fields if described.required]
    if required:
        raise ContractFailure("a default for every setting", f"there is none for {', '.join(required)}")
    silent = [described.key for described in fields if not described.help]
    if silent:
        raise ContractFailure(
            "every setting to be a Field with a description", f"there is none for {', '.join(silent)}"
        )


def _expect_subclass(reference: str, base: type) -> None:
    found = load_object(reference)
    if not (isinstance(found, type) and issubclass(found, base)):
        raise ContractFailure(f"{reference} to be a subclass of {base.__name__}", f"it is {found!r}")


def no_presets(subject: Subject, world: str) -> str:
    """Why the presets check does not concern a subject."""
    return "" if subject.spec.presets else "no presets are declared"


def presets(subject: Subject, world: str) -> None:
    """Every table of the presets is valid, alone and on top of `[default]`; those with a name likewise."""
    model = load_object(subject.spec.config)
    expected = "every table of the presets to hold known settings with values in range"
    try:
        for tables in (read_presets(subject.entry), *read_named_presets(subject.entry).values()):
            for settings in tables.values():
                build(model, [*tables.get("default", []), *settings])
    except MarlzooError as error:
        raise ContractFailure(expected, str(error)) from error
