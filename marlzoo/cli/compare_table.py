"""Showing a comparison while it runs: a live table of all cells on a terminal, elsewhere a line per event."""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Iterator

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from marlzoo.bench.comparison import FAILED, FINISHED, RUNNING, STOPPED, CellStatus, Comparison
from marlzoo.bench.executors import Watcher
from marlzoo.bench.matrix import Cell
from marlzoo.bench.sentences import format_score
from marlzoo.cli.progress import format_count, format_duration

_REDRAW_SECONDS = 1.0
_STYLES = {RUNNING: "cyan", FINISHED: "green", FAILED: "red", STOPPED: "yellow"}


@contextlib.contextmanager
def make_watcher(comparison: Comparison, console: Console, *, quiet: bool) -> Iterator[Watcher]:
    """The display that suits `console`."""
    if quiet:
        yield Watcher()
    elif console.is_terminal and not console.is_dumb_terminal:
        with Live(console=console, auto_refresh=False, vertical_overflow="ellipsis") as live:
            table = TableWatcher(comparison, live)
            yield table
            table.redraw()
    else:
        yield LineWatcher(comparison, console)


class LineWatcher(Watcher):
    """A line when a cell starts and when it ends."""

    def __init__(self, comparison: Comparison, console: Console) -> None:
        self._comparison = comparison
        self._console = console

    def changed(self, cell: Cell, running: bool) -> None:
        status = self._comparison.status(cell)
        if running:
            text = f"started (had reached step {status.step:,})" if status.step else "started"
        else:
            error = f": {status.error}" if status.error else ""
            text = f"{status.state} at step {status.step:,}{error}"
        self._console.print(f"{cell}: {text}", highlight=False, markup=False, soft_wrap=True)


class TableWatcher(Watcher):
    """All cells: a row per algorithm and environment, a column per seed."""

    def __init__(self, comparison: Comparison, live: Live) -> None:
        self._comparison = comparison
        self._live = live
        self._running: set[Cell] = set()
        self._began = self._drawn = time.monotonic()
        self._settled: dict[Cell, CellStatus] = {}
        self.redraw()

    def changed(self, cell: Cell, running: bool) -> None:
        if running:
            self._running.add(cell)
            self._settled.pop(cell, None)
        else:
            self._running.discard(cell)
        self.redraw()

    def tick(self) -> None:
        if time.monotonic() - self._drawn >= _REDRAW_SECONDS:
            self.redraw()

    def redraw(self) -> None:
        self._drawn = time.monotonic()
        statuses = {cell: self._status(cell) for cell in self._comparison.matrix.cells()}
        self._live.update(Group(self._table(statuses), Text(self._summary(statuses))), refresh=True)

    def _table(self, statuses: dict[Cell, CellStatus]) -> Table:
        matrix = self._comparison.matrix
        table = Table(box=None, padding=(0, 2, 0, 0))
        for heading in ("environment", "algorithm", *(f"seed {seed}" for seed in matrix.seeds)):
            table.add_column(heading, header_style="bold", no_wrap=True)
        for environment in matrix.environments:
            for algorithm in matrix.algorithms:
                cells = [Cell(algorithm, environment, seed) for seed in matrix.seeds]
                table.add_row(environment, algorithm, *(self._text(statuses[cell]) for cell in cells))
        return table

    def _status(self, cell: Cell) -> CellStatus:
        """Read from the files only where they may have changed."""
        if cell not in self._settled or cell in self._running:
            self._settled[cell] = self._comparison.status(cell)
        return self._settled[cell]

    def _summary(self, statuses: dict[Cell, CellStatus]) -> str:
        counts = Counter(
            RUNNING if cell in self._running else status.state for cell, status in statuses.items()
        )
        shown = ", ".join(f"{number} {state}" for state, number in counts.items())
        done = sum(min(status.step, self._comparison.matrix.steps) for status in statuses.values())
        share = done / (self._comparison.matrix.steps * len(statuses))
        return f"{shown}; {share:.0%} of all steps, {format_duration(time.monotonic() - self._began)}"

    def _text(self, status: CellStatus) -> Text:
        state = RUNNING if status.cell in self._running else status.state
        score = "" if status.score is None else f" {format_score(status.score, percent=False)}"
        progress = f"{format_count(status.step)}{score}" if status.step else ""
        return Text(
            f"{progress or state}" + ("!" if state == FAILED else ""), style=_STYLES.get(state, "dim")
        )
