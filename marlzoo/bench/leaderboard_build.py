"""Writing the leaderboard: from the store to `README.md` and `index.html`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from marlzoo.bench.conclusion import scale_of
from marlzoo.bench.leaderboard import Section, make_sections, stored_runs
from marlzoo.bench.leaderboard_readme import render_readme
from marlzoo.bench.matrix import as_name
from marlzoo.bench.page import render_page
from marlzoo.bench.store import read_store
from marlzoo.errors import UsageError
from marlzoo.registry import Registry
from marlzoo.run.files import replace_file, reported

NOTE_FILE = "note.txt"
"""In the folder of a suite: paragraphs to stand below its heading."""

_LEAD = (
    "Cooperative multi-agent reinforcement learning: every algorithm with the same environments, budgets and "
    "evaluation. The embedded engine that plays the SMAC maps is SMAC-compatible; it is not StarCraft II."
)


@dataclass(frozen=True)
class Built:
    """What was written, and about how much."""

    files: tuple[Path, ...]
    runs: int
    sections: int


def build_leaderboard(registry: Registry, store: Path, out: Path) -> Built:
    """Write `README.md` and `index.html` about everything in `store` into `out`. The same results give the
    same bytes.

    Raises:
        UsageError: there are no results, or one does not fit the schema, or its environment is not installed.
        RunError: a result was edited, or a file could not be written.
    """
    stored = read_store(store)
    if not stored:
        raise UsageError(f"{store} has no results; add some by 'marlzoo leaderboard add RUN... --suite NAME'")
    runs = stored_runs(stored, out)
    environments = {run.entry.environment for run in runs}
    scales = {environment: scale_of(registry, environment) for environment in sorted(environments)}
    sections = make_sections(runs, scales)
    suites = list(dict.fromkeys(section.suite for section in sections))
    notes = {suite: _notes(registry, store, suite, sections) for suite in suites}
    page = render_page(runs, scales, title="marlzoo leaderboard", lead=_LEAD, notes=notes)
    documents = {"README.md": render_readme(sections, notes), "index.html": page}
    with reported(out):
        out.mkdir(parents=True, exist_ok=True)
        for name, text in documents.items():
            replace_file(out / name, text.encode())
    return Built(tuple(out / name for name in documents), len(runs), len(sections))


def _notes(registry: Registry, store: Path, suite: str, sections: Sequence[Section]) -> list[str]:
    """What the suite is, what its note says, and what it lacks."""
    spec = next((entry.spec for entry in registry.suites() if as_name(entry.address) == suite), None)
    file = store / suite / NOTE_FILE
    text = file.read_text(encoding="utf-8") if file.is_file() else ""
    notes = [" ".join(paragraph.split()) for paragraph in text.split("\n\n") if paragraph.strip()]
    if spec is None:
        return notes
    lacking = set(spec.environments) - set(_covered(sections, suite))
    missing = [f"No results yet on {', '.join(sorted(lacking))}."] if lacking else []
    return [_sentence(spec.summary), *notes, *missing]


def _sentence(summary: str) -> str:
    """A summary, which may be a question, as a paragraph."""
    return summary if summary.endswith((".", "?", "!")) else f"{summary}."


def _covered(sections: Sequence[Section], suite: str) -> Iterable[str]:
    """The environments with results of the current engine."""
    current = [section for section in sections if section.suite == suite and not section.superseded]
    return (board.task.environment for section in current for board in section.tasks)
