"""The code blocks of the documentation, as they stand there."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
SHELLS = ("sh", "console")
TRAINING = frozenset(
    {
        *("check", "check-env", "compare", "evaluate", "export", "leaderboard"),
        *("new-plugin", "replay", "report", "resume", "run"),
    }
)
"""The commands of marlzoo that take more than a moment, or need what such commands leave behind."""

_FENCE = re.compile(
    r"^(?:<!-- not run: (?P<reason>.+?) -->\n)?```(?P<language>\S*).*?\n(?P<code>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Block:
    """One fenced block. `reason` says why it cannot be run, where it cannot."""

    page: str
    line: int
    language: str
    code: str
    reason: str | None

    @property
    def place(self) -> str:
        return f"{self.page}:{self.line}"

    @property
    def script(self) -> str:
        """What a shell is given: of a console block, the lines behind a dollar sign."""
        if self.language != "console":
            return self.code
        return "".join(line[2:] for line in self.code.splitlines(keepends=True) if line.startswith("$ "))

    def commands(self) -> Iterator[list[str]]:
        """The words of every line of a shell block that calls marlzoo, without variables set before it."""
        for line in self.script.replace("\\\n", " ").splitlines():
            for part in re.split(r"&&|\|\||;", line):
                words = shlex.split(part, comments=True)
                while words and "=" in words[0]:
                    words.pop(0)
                if words and words[0] == "marlzoo":
                    yield words[1:]

    @property
    def trains(self) -> bool:
        """Whether it is a shell block with a command that `is_training`."""
        return self.language in SHELLS and any(is_training(words) for words in self.commands())


def is_training(words: list[str]) -> bool:
    return words[:1] != [] and words[0] in TRAINING and not {"--print-config", "--help"} & set(words)


def pages() -> list[str]:
    """Every page of the documentation that people write by hand, relative to the repository."""
    patterns = ("README.md", "CONTRIBUTING.md", "docs/**/*.md", "benchmarks/*.md", "plugins/**/README.md")
    found = [path for pattern in patterns for path in ROOT.glob(pattern)]
    return sorted(path.relative_to(ROOT).as_posix() for path in found)


def blocks(page: str) -> list[Block]:
    text = (ROOT / page).read_text(encoding="utf-8")
    return [
        Block(page, text[: match.start()].count("\n") + 1, match["language"], match["code"], match["reason"])
        for match in _FENCE.finditer(text)
    ]


def spoken_commands(page: str) -> list[list[str]]:
    """The words of the commands of marlzoo within the sentences and tables of a page."""
    found = re.findall(r"`(marlzoo [^`]+)`", "\n".join(outside_blocks(page)))
    return [shlex.split(text)[1:] for text in found]


def outside_blocks(page: str) -> list[str]:
    """The lines of a page that stand in no fenced block."""
    return _FENCE.sub("", (ROOT / page).read_text(encoding="utf-8")).splitlines()
