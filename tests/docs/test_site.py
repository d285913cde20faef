"""The documentation site: it builds strictly, asks nobody for anything, and links lead where they say."""

from __future__ import annotations

import importlib
import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOOLS = ("mkdocs", "material", "mkdocstrings_handlers")
MISSING = [name for name in TOOLS if importlib.util.find_spec(name) is None]

pytestmark = pytest.mark.skipif(bool(MISSING), reason="needs the extra 'docs': pip install -e '.[docs]'")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built site. Whatever a build warns of is an error."""
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )
    assert done.returncode == 0, done.stderr
    return folder


def test_every_readme_of_a_plugin_is_a_page(site):
    folders = [path.parent.name for path in ROOT.glob("plugins/marlzoo[_-]*/README.md")]
    pages = {re.sub(r"^marlzoo[_-]", "", name) for name in folders} | {"index"}
    assert {path.stem for path in (site / "plugins").glob("*.html")} == pages


def test_no_page_loads_anything_from_elsewhere(site):
    loads = re.compile(r"""<(?:script|link|img|iframe)\b[^>]*\b(?:src|href)=["']?(?:https?:)?//[^"'>\s]+""")
    imports = re.compile(r"""(?:url\(|@import)\s*["']?(?:https?:)?//""")
    pages = dict.fromkeys(site.rglob("*.html"), loads)
    styles = dict.fromkeys(site.rglob("*.css"), imports)
    assert [
        path.name for path, what in (pages | styles).items() if what.search(path.read_text("utf-8"))
    ] == []


def test_the_reference_shows_what_docstrings_say(site):
    text = (site / "api" / "algorithm.html").read_text("utf-8")
    for expected in ("Algorithm", "Decision", "alive", "A dead agent's actions have no effect"):
        assert expected in text
    assert "[E, N, A]" in text


def test_links_of_the_repository_are_links_of_the_site(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    site_pages = importlib.import_module("site_pages")
    text = (
        "[a](../plugins/marlzoo_mat/README.md#x) [b](faq.md) [c](../marlzoo/algorithm.py) [d](https://e.org)"
    )
    assert site_pages.translate(text, "trust.md") == "[a](plugins/mat.md#x) [b](faq.md) c [d](https://e.org)"
    assert site_pages.translate("[t](../docs/trust.md)", "plugins/index.md") == "[t](../trust.md)"
    code = "```sh\n[a](../x.md)\n```"
    assert site_pages.translate(code, "trust.md") == code
