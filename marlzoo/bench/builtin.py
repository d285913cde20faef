"""The built-in suites: `benchmarks/suites/` of the source tree, which is `suites/` of the built package."""

from __future__ import annotations

from pathlib import Path

from marlzoo import hookimpl
from marlzoo.bench.suite_files import read_suites
from marlzoo.specs import Suite

MARLZOO_API = 1


@hookimpl
def marlzoo_suites() -> list[Suite]:
    return read_suites(suites_folder())


def suites_folder() -> Path:
    """Where the TOML files are: inside the package, or in the source tree of an editable installation."""
    installed = Path(__file__).with_name("suites")
    return installed if installed.is_dir() else Path(__file__).parents[2] / "benchmarks" / "suites"
