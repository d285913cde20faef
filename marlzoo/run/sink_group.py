"""All sinks of one run. Those of every run are part of it; any other is company that may be lost."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from marlzoo.errors import MarlzooError, RunError, in_one_line
from marlzoo.registry import Entry, in_every_run
from marlzoo.run.codec import encode
from marlzoo.run.evaluation import Evaluation
from marlzoo.run.guard import Guard
from marlzoo.run.sinks import Sink
from marlzoo.specs import SinkSpec

logger = logging.getLogger(__name__)


class SinkGroup:
    """Passes on what is measured. `entries` are the sinks of the plan.

    What a sink that is not part of every run raises is logged, and the sink is told nothing more; global
    state that it changed is put back.

    Attributes:
        dropped: those that failed: `sink`, `step` and `error` of each, in the order of their failures.
    """

    def __init__(self, entries: Sequence[Entry[SinkSpec]], run_dir: Path, guard: Guard) -> None:
        self.dropped: list[dict[str, Any]] = []
        self._entries = {entry.qualified: entry for entry in entries}
        self._run_dir = run_dir
        self._guard = guard
        self._sinks: dict[str, Sink] = {}
        self._positions: dict[str, Mapping[str, int]] = {}
        self._step = 0

    def open(self, step: int, positions: Mapping[str, Mapping[str, int]] | None) -> None:
        """Make the sinks, for a run that stands at `step`; `positions` are those of its checkpoint, `None` in
        a new run.

        Raises:
            RunError: a sink cannot be opened, in a run that has not begun: nothing is lost, and the user
                asked for it.
        """
        self._step = step
        for name, entry in self._entries.items():
            if positions is not None:
                self._positions[name] = positions.get(name, {})
            try:
                self._sinks[name] = self._opened(name, resumed=positions is not None)
            except Exception as error:
                reason = in_one_line(error)
                if positions is not None and not in_every_run(entry):
                    self._drop(name, f"open raised {reason}")
                elif isinstance(error, MarlzooError):
                    raise
                else:
                    raise RunError(
                        f"the sink {name} cannot be opened: {reason}; mend it, or run without it"
                    ) from error

    def _opened(self, name: str, resumed: bool) -> Sink:
        entry = self._entries[name]
        sink: Sink = entry.load(entry.spec.sink)(self._run_dir)
        if resumed:
            sink.rewind(self._positions[name], self._step)
        if not in_every_run(entry):
            self._guard.check(f"by the sink {name}")
        return sink

    def metrics(self, step: int, values: Mapping[str, float]) -> None:
        self._step = step
        self._tell("metrics", lambda sink: sink.metrics(step, dict(values)))

    def evaluation(self, evaluation: Evaluation) -> None:
        self._step = evaluation.step
        self._tell("evaluation", lambda sink: sink.evaluation(evaluation))

    def positions(self) -> dict[str, Mapping[str, int]]:
        """How far each has written durably. Of a sink that was dropped, how far it had at the last call."""
        self._positions |= self._tell("position", _position)
        return dict(self._positions)

    def close(self) -> None:
        self._tell("close", lambda sink: sink.close())

    def _tell(self, what: str, call: Callable[[Sink], Any]) -> dict[str, Any]:
        """Call every sink that is left, those of every run first; returns the answers by name."""
        record = [name for name in self._sinks if in_every_run(self._entries[name])]
        answers = {name: call(self._sinks[name]) for name in record}
        company = [name for name in self._sinks if name not in record]
        if company:
            self._guard.check("in training")
        for name in company:
            try:
                answers[name] = call(self._sinks[name])
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # as with observers, what is no Exception too
                self._drop(name, f"{what} raised {in_one_line(error)}")
            self._guard.check(f"by the sink {name}")
        return answers

    def _drop(self, name: str, error: str) -> None:
        self._sinks.pop(name, None)
        self.dropped.append({"sink": name, "step": self._step, "error": error})
        logger.warning(
            "warning: step %s: the sink %s: %s; the run goes on without it", f"{self._step:,}", name, error
        )


def _position(sink: Sink) -> dict[str, int]:
    """How far a sink has written, as a checkpoint can hold it."""
    position = dict(sink.position())
    encode(position, "position")
    return position
