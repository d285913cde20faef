"""The leaderboard as Markdown, for those who read it beside the code. The page says the same and more."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from marlzoo.bench.leaderboard import Section
from marlzoo.bench.page_views import Row, SectionView, Sentence, TaskView, section_view
from marlzoo.bench.verdict import RANKED_SEEDS

_HEAD = """\
# Leaderboard

Written by `marlzoo leaderboard build`; changes belong in the results. [`index.html`](index.html) shows the
same with learning curves, performance profiles, and the runs behind each number: open it from a clone, it
works offline.
"""

_TAIL = f"""\
## Results as files

One JSON document per run, `results/<suite>/<environment>@<engine>/<algorithm>@<preset>/<seed>.json`, written
by `marlzoo leaderboard add` and never edited: each carries its own hash, the configuration with its origins,
the backend and its version, hashes of the code, seed, budget, hardware, times, interference and the learning
curve. Results of different backends, engine versions, presets, budgets or protocols are never pooled. Fewer
than {RANKED_SEEDS} seeds are shown and not ranked. [How results are compared](../docs/evaluation.md).

## Checking a result

    marlzoo leaderboard verify leaderboard/results/SUITE/ENVIRONMENT/ALGORITHM/0.json

runs it again from its document, up to the first evaluation after the start or as far as `--steps` or
`--whole` say, and compares every number to the last bit.
[What to send in](../plugins/README.md#results-from-outside), and
[how it is looked at](../docs/evaluation.md#looking-at-a-submission).
"""


def render_readme(sections: Sequence[Section], notes: Mapping[str, Sequence[str]]) -> str:
    """The leaderboard as one Markdown document; `notes` are paragraphs by suite."""
    looks = {name: 0 for section in sections for name in section.algorithms}
    parts = [_HEAD]
    for section in sections:
        parts += _section_parts(section_view(section, "", looks), notes)
    return "\n".join([*parts, _TAIL])


def _section_parts(view: SectionView, notes: Mapping[str, Sequence[str]]) -> list[str]:
    parts = [f"## {_plain(view.suite)}: {_plain(view.heading)}\n"]
    if view.superseded:
        parts.append("Of an earlier version of the engine; not to be compared with newer results.\n")
    else:
        parts += [f"{_plain(paragraph)}\n" for paragraph in notes.get(view.suite, ())]
    if view.unranked:
        parts.append(f"Unranked, for fewer than {RANKED_SEEDS} seeds: {_plain(', '.join(view.unranked))}.\n")
    if view.ranking:
        parts.append(_ranking_table(view))
    for task in view.tasks:
        parts.append(_task_part(task))
    return parts


def _ranking_table(view: SectionView) -> str:
    rows = [(row.rank or "–", row.algorithm, row.score, row.interval, str(row.seeds)) for row in view.ranking]
    head = ("rank", "algorithm", "interquartile mean", "95 % interval", "seeds per task")
    return "\n".join([*_table(head, "rlrlr", rows), "", *_bullets(view.sentences), ""])


def _task_part(task: TaskView) -> str:
    head = ["rank", "algorithm", "mean", "95 % interval", "seeds", f"steps to {task.threshold}"]
    head += ["steps/s", "core time", "wall time"]
    sides, rows = "rlrrrrrrr", [_cells(row) for row in task.rows]
    if task.has_beside:
        head.append("beside the score")
        sides += "l"
        rows = [(*cells, ", ".join(row.beside) or "–") for cells, row in zip(rows, task.rows, strict=True)]
    table = _table(head, sides, rows)
    lines = [f"### {_plain(task.environment)}", "", f"{_plain(task.summary)}. {_plain(task.protocol)}.", ""]
    warnings = [f"- Mind: {_plain(warning)}" for warning in task.warnings]
    return "\n".join([*lines, *table, "", *_bullets(task.sentences), *warnings, ""])


def _cells(row: Row) -> tuple[str, ...]:
    scores = (row.rank or "–", row.algorithm, row.score, row.interval, str(row.seeds))
    return (*scores, f"{row.threshold} ({row.reached})", row.steps_per_second, row.core_time, row.wall_time)


def _bullets(sentences: Sequence[Sentence]) -> list[str]:
    return [f"- {_plain(sentence.text)}" for sentence in sentences]


def _table(head: Sequence[str], sides: str, rows: Sequence[Sequence[str]]) -> list[str]:
    """`sides` has one letter per column: `l` or `r`."""
    rules = ["---:" if side == "r" else "---" for side in sides]
    lines = [[_plain(cell) for cell in row] for row in (head, *rows)]
    return [f"| {' | '.join(cells)} |" for cells in (lines[0], rules, *lines[1:])]


def _plain(text: str) -> str:
    """`text` on one line, without any meaning in Markdown or HTML."""
    return re.sub(r"([\\`*_\[\]<>|~&#])", r"\\\1", " ".join(text.split()))
