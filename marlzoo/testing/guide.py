"""The page that explains the contracts, with one section per check, named as the check is."""

from __future__ import annotations

from functools import cache

from marlzoo.guide import guide_page, shown_page

PAGE = "contract"


def place(check: str) -> str:
    """`path:line` of a check's section, which an editor or a terminal opens; line 1 if it has none."""
    line = _sections().get(check, (1, ""))[0]
    return f"{shown_page(PAGE)}:{line}"


def explanation(check: str) -> str:
    """A check's section in one paragraph; empty where there is none."""
    return _sections().get(check, (1, ""))[1]


@cache
def _sections() -> dict[str, tuple[int, str]]:
    """The line and the text of every section, by its heading."""
    found: dict[str, tuple[int, list[str]]] = {}
    heading = ""
    for number, line in enumerate(guide_page(PAGE).read_text(encoding="utf-8").splitlines(), 1):
        if line.startswith("#"):
            heading = line.lstrip("# ")
            found[heading] = (number, [])
        elif heading:
            found[heading][1].append(line)
    return {name: (number, " ".join(" ".join(lines).split())) for name, (number, lines) in found.items()}
