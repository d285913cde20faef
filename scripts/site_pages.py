"""A hook of MkDocs: files outside docs/ as pages of the site, and links that lead to them.

Every page exists once, where a reader of the repository finds it: a plug-in's README is its page. Links are
those that work in the repository; here they are turned into links of the site. A link to something that is no
page, such as a source file, becomes plain text.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]

OUTSIDE = {
    "CONTRIBUTING.md": "contributing.md",
    "benchmarks/tuning.md": "tuning.md",
    "leaderboard/README.md": "results.md",
    "plugins/README.md": "plugins/index.md",
}
"""Pages of the site by their files in the repository; READMEs of plug-ins are found."""

_LINK = re.compile(r"(?<!!)\[(?P<text>(?:[^\[\]]|\[[^\[\]]*\])+)\]\((?P<target>[^)\s]+)\)")


def outside_pages() -> dict[str, str]:
    """`OUTSIDE`, and `plugins/srsv.md` for `plugins/marlzoo_srsv/README.md`."""
    readmes = sorted(ROOT.glob("plugins/marlzoo[_-]*/README.md"))
    names = {path: re.sub(r"^marlzoo[_-]", "", path.parent.name) for path in readmes}
    found = {path.relative_to(ROOT).as_posix(): f"plugins/{name}.md" for path, name in names.items()}
    return OUTSIDE | found


def on_files(files: Files, config: MkDocsConfig) -> Files:
    for source, page in outside_pages().items():
        files.append(File.generated(config, page, content=(ROOT / source).read_text(encoding="utf-8")))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    return translate(markdown, page.file.src_uri)


def translate(markdown: str, page: str) -> str:
    """The text of `page` with links of the repository turned into links of the site. Code is left alone."""
    pages = outside_pages()
    sources = {name: source for source, name in pages.items()}
    folder = posixpath.dirname(sources.get(page, f"docs/{page}"))

    def link(match: re.Match[str]) -> str:
        target, hash_sign, anchor = match["target"].partition("#")
        if not target or ":" in target:
            return match[0]
        source = posixpath.normpath(posixpath.join(folder, target))
        found = pages.get(source) or _page_in_docs(source)
        if found is None:
            return match["text"]
        relative = posixpath.relpath(found, posixpath.dirname(page) or ".")
        return f"[{match['text']}]({relative}{hash_sign}{anchor})"

    parts = re.split(r"(^```.*?^```$)", markdown, flags=re.MULTILINE | re.DOTALL)
    return "".join(part if part.startswith("```") else _LINK.sub(link, part) for part in parts)


def _page_in_docs(source: str) -> str | None:
    inside = source.startswith("docs/") and (ROOT / source).is_file()
    return source.removeprefix("docs/") if inside else None
