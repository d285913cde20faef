"""The page that explains the contracts, with one section per check, named as the check is.

It is `docs/contract.md` of the source tree, which the built package holds too.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path


def page() -> Path:
    """Where it is: inside the package, or in the source tree of an editable installation."""
    installed = Path(__file__).parents[1] / "guide" / "contract.md"
    return installed if installed.is_file() else Path(__file__).parents[2] / "docs" / "contract.md"


def place(check: str) -> str:
    """`path:line` of a check's section, which an editor or a terminal opens; line 1 if it has none."""
    path = page()
    shown = Path(os.path.relpath(path)) if path.is_relative_to(Path.cwd()) else path
    line = _sections().get(check, (1, ""))[0]
    return f"{shown}:{line}"


def explanation(check: str) -> str:
    """A check's section in one paragraph; empty where there is none."""
    return _sections().get(check, (1, ""))[1]


@cache
def _sections() -> dict[str, tuple[int, str]]:
    """The line and the text of every section, by its heading."""
    found: dict[str, tuple[int, list[str]]] = {}
    heading = ""
    for number, line in enumerate(page().read_text(encoding="utf-8").splitlines(), 1):
        if line.startswith("#"):
            heading = line.lstrip("# ")
            found[heading] = (number, [])
        elif heading:
            found[heading][1].append(line)
    return {name: (number, " ".join(" ".join(lines).split())) for name, (number, lines) in found.items()}
