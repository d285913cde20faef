"""What pyproject.toml promises is there, and what is there is in it."""

from __future__ import annotations

import importlib.metadata
import sys
from pathlib import Path

import pytest

from marlzoo.guide import guide_page

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
ENTRY_POINTS = PROJECT["project"]["entry-points"]["marlzoo"]
PLUGINS = sorted(path.parent.name for path in (ROOT / "plugins").glob("marlzoo_*/__init__.py"))


def test_every_builtin_plugin_is_packed_checked_and_an_entry_point():
    packed = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["only-include"]
    assert {f"plugins/{name}" for name in PLUGINS} == {path for path in packed if path.startswith("plugins/")}
    assert set(PLUGINS) <= set(ENTRY_POINTS.values())
    assert set(PLUGINS) <= set(PROJECT["tool"]["mypy"]["packages"])


@pytest.mark.parametrize("page", ["contract", "starcraft2"])
def test_pages_that_messages_point_to_are_packed(page):
    wheel = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert f"docs/{page}.md" in wheel["only-include"]
    assert wheel["sources"]["docs"] == "marlzoo/guide_pages"
    assert guide_page(page) == ROOT / "docs" / f"{page}.md"


@pytest.mark.parametrize("module", ENTRY_POINTS.values())
def test_every_entry_point_has_its_module(module):
    path = module.replace(".", "/")
    candidates = [ROOT / root / f"{path}{end}" for root in ("", "plugins") for end in (".py", "/__init__.py")]
    assert any(candidate.is_file() for candidate in candidates)


def test_the_installed_metadata_is_that_of_the_source():
    """An editable installation keeps the entry points of its day: reinstall after changing them."""
    installed = importlib.metadata.distribution("marlzoo").entry_points.select(group="marlzoo")
    assert {point.name: point.value for point in installed} == ENTRY_POINTS
