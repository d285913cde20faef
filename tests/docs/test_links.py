"""Links between pages lead somewhere, and the Python reference names what exists. Without MkDocs."""

from __future__ import annotations

import importlib
import importlib.util
import re
from pathlib import Path

import pytest
from snippets import ROOT, outside_blocks, pages

import marlzoo.api
import marlzoo.testing

_LINK = re.compile(r"\]\((?!https?:)([^)\s]+)\)")
_OUTSIDE_REFERENCE = {"marlzoo.nets.decode_layers", "marlzoo.nets.decode_numba"}
"""Public by place only: the kernels behind `marlzoo.nets.decode`."""


def text_of(page: str) -> str:
    return "\n".join(outside_blocks(page))


def anchors(path: Path) -> set[str]:
    """The anchors of a page's headings: lower case, words joined by hyphens."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    plain = [re.sub(r"[^\w\s-]", "", heading).strip().lower() for heading in headings]
    return {re.sub(r"[\s-]+", "-", heading) for heading in plain}


@pytest.mark.parametrize("page", pages())
def test_links_lead_somewhere(page):
    for link in _LINK.findall(text_of(page)):
        target, _, anchor = link.partition("#")
        path = (ROOT / page).parent / target if target else ROOT / page
        assert path.exists(), f"{page} links to {link}"
        assert not anchor or anchor in anchors(path), f"{page} links to {link}"


def test_links_are_found():
    assert _LINK.findall("[a](b.md#c), ![d](e.svg) and [f](https://example.org)") == ["b.md#c", "e.svg"]


def documented() -> list[str]:
    found = [re.findall(r"^::: (\S+)", path.read_text(), re.MULTILINE) for path in ROOT.glob("docs/api/*.md")]
    return [name for names in found for name in names]


@pytest.mark.parametrize("name", documented())
def test_the_reference_names_what_exists(name):
    module, _, attribute = name.rpartition(".")
    assert hasattr(importlib.import_module(module), attribute) or importlib.util.find_spec(name) is not None


def test_every_name_of_the_api_is_in_the_reference():
    known = set(documented())
    missing = [
        name
        for name, home in marlzoo.api._HOME.items()
        if name != "hookimpl" and not {home, f"{home}.{name}"} & known
    ]
    assert missing == [], "name them below docs/api"


@pytest.mark.parametrize("part", ["memory", "learn", "nets"])
def test_every_public_module_is_in_the_reference(part):
    modules = {f"marlzoo.{part}.{path.stem}" for path in (ROOT / "marlzoo" / part).glob("*.py")}
    modules.discard(f"marlzoo.{part}.__init__")
    assert modules - _OUTSIDE_REFERENCE <= set(documented())


def test_what_testing_offers_is_in_the_reference():
    homes = {
        getattr(marlzoo.testing, name).__module__ for name in ("AlgorithmContract", "Driver", "TinyWorld")
    }
    assert homes <= set(documented())
