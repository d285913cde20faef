"""Pages of the documentation to which messages refer: the built package holds them too."""

from __future__ import annotations

import os
from pathlib import Path


def guide_page(name: str) -> Path:
    """Where `docs/<name>.md` is: inside the package, or in the source tree of an editable installation."""
    package = Path(__file__).parent
    installed = package / "guide_pages" / f"{name}.md"
    return installed if installed.is_file() else package.parent / "docs" / f"{name}.md"


def shown_page(name: str) -> str:
    """Its path as a message shows it: relative where it lies below the working directory."""
    path = guide_page(name)
    return str(Path(os.path.relpath(path)) if path.is_relative_to(Path.cwd()) else path)
