"""The leaderboard as one self-contained page: HTML, styles, script and vector graphics in one string.

The page asks for nothing over the network, and its content security policy forbids it to. The same results
give the same bytes.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from marlzoo.bench.leaderboard import Run, Section, make_sections
from marlzoo.bench.matrix import as_name
from marlzoo.bench.page_views import section_view
from marlzoo.bench.verdict import RANKED_SEEDS, Scale
from marlzoo.wording import counted

_ASSETS = Path(__file__).with_name("page_assets")


def render_page(
    runs: Sequence[Run],
    scales: Mapping[str, Scale],
    *,
    title: str,
    lead: str = "",
    notes: Mapping[str, Sequence[str]] | None = None,
    threshold: float = 0.5,
) -> str:
    """The page about `runs`.

    Args:
        runs: Any finished runs, in any order. Those of the same suite stand together; give them no suite
            where there is none.
        scales: How scores are read, by environment.
        title: The page's heading.
        lead: One paragraph below it.
        notes: Paragraphs of plain text below the heading of a suite, by suite.
        threshold: Steps are counted to this share of the way between the bounds of the score.
    """
    sections = make_sections(runs, scales, threshold)
    looks = _looks(sections)
    anchors = _anchors(sections)
    views = [section_view(section, anchor, looks) for section, anchor in zip(sections, anchors, strict=True)]
    script = _asset("page.js")
    text = (
        _templates()
        .get_template("page.html")
        .render(
            title=title,
            lead=lead,
            notes=notes or {},
            sections=views,
            suites=list(dict.fromkeys(view.suite for view in views)),
            environments=sorted({task.environment for view in views for task in view.tasks}),
            algorithms=sorted(looks, key=lambda name: looks[name]),
            looks=looks,
            runs=len(runs),
            latest=max((run.entry.ended[:10] for run in runs), default=""),
            few=RANKED_SEEDS,
            style=Markup(_asset("style.css")),
            script=Markup(script),
            script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        )
    )
    return f"{text.rstrip()}\n"


def _looks(sections: Sequence[Section]) -> dict[str, int]:
    """A number for each algorithm, by name: which colour and which dashes it has everywhere."""
    names = sorted({name for section in sections for name in section.algorithms})
    return {name: index for index, name in enumerate(names)}


def _anchors(sections: Sequence[Section]) -> list[str]:
    """An id for each section that stays when sections are added."""
    found: list[str] = []
    for section in sections:
        anchor = as_name(f"{section.suite or 'runs'}-{'+'.join(section.engines)}-{section.steps}")
        found.append(anchor if anchor not in found else f"{anchor}-{len(found)}")
    return found


@lru_cache(maxsize=1)
def _templates() -> Environment:
    templates = Environment(
        loader=FileSystemLoader(_ASSETS),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters["counted"] = counted
    return templates


def _asset(name: str) -> str:
    return (_ASSETS / name).read_text(encoding="utf-8").strip()
