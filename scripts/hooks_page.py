"""Write docs/hooks.md from marlzoo/hookspecs.py, or with `--check` say whether it has to be written anew."""

from __future__ import annotations

import inspect
import sys
import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from marlzoo import hookspecs

PAGE = Path(__file__).parents[1] / "docs" / "hooks.md"

KINDS: tuple[tuple[str, str, Sequence[str]], ...] = (
    ("Catalogue", "Called once, when the plug-in is loaded.", tuple(hookspecs.CATALOGUE_HOOKS)),
    ("Observer", "Called during runs, with what happens.", hookspecs.OBSERVER_HOOKS),
    ("Extension", "Called when a command is looked up.", hookspecs.EXTENSION_HOOKS),
)


def page() -> str:
    """The whole page, as Markdown."""
    parts = ["<!-- Made by scripts/hooks_page.py from marlzoo/hookspecs.py: edit that. -->", "# Hooks"]
    parts.append(_introduction())
    parts.append(_overview())
    for title, text, hooks in KINDS:
        parts += [f"## {title} hooks", text]
        parts += [_section(getattr(hookspecs, name)) for name in hooks]
    return "\n\n".join(parts) + "\n"


def _introduction() -> str:
    """The module's docstring, less its first line and what it says about this page."""
    _, *paragraphs, _ = _docstring(hookspecs).split("\n\n")
    tracing = "`MARLZOO_TRACE_PLUGINS=1` shows every call on standard error:"
    example = "```sh\nMARLZOO_TRACE_PLUGINS=1 marlzoo list suites\n```"
    return "\n\n".join([*paragraphs, tracing, example])


def _overview() -> str:
    rows = [
        f"| [`{name}`](#{name}) | {title.lower()} | {_summary(name)} |"
        for title, _, names in KINDS
        for name in names
    ]
    return "\n".join(["| hook | kind | what it is |", "|---|---|---|", *rows])


def _summary(name: str) -> str:
    return " ".join(_docstring(getattr(hookspecs, name)).split("\n\n")[0].split())


def _section(hook: Callable[..., Any]) -> str:
    """A heading, the signature, the text, and the example in a block of its own."""
    text, _, example = _docstring(hook).partition("Example:\n\n")
    arguments = ", ".join(str(parameter) for parameter in inspect.signature(hook).parameters.values())
    signature = f"{hook.__name__}({arguments}) -> {inspect.signature(hook).return_annotation}".replace(
        "'", ""
    )
    parts = [f"### {hook.__name__}", f"`{signature}`", text.strip()]
    return "\n\n".join([*parts, f"```python\n{textwrap.dedent(example).strip()}\n```"])


def _docstring(documented: object) -> str:
    """Raises `ValueError` where there is none."""
    text = inspect.getdoc(documented)
    if not text:
        raise ValueError(f"{documented} has no docstring; write one in marlzoo/hookspecs.py")
    return text


def main() -> int:
    if "--check" not in sys.argv[1:]:
        PAGE.write_text(page(), encoding="utf-8")
        return 0
    if PAGE.is_file() and PAGE.read_text(encoding="utf-8") == page():
        return 0
    sys.stderr.write(f"{PAGE} is stale; write it anew: python {sys.argv[0]}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
