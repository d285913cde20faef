"""Who watches a run: the progress display, or nobody."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from marlzoo.run.evaluation import Evaluation
    from marlzoo.run.record import RunInfo
    from marlzoo.run.trainer import Trainer


class Listener:
    """Is told what happens, and ignores all of it. Override what you want to show."""

    def phase(self, text: str) -> None:
        """Something that may take a while begins."""

    def note(self, text: str) -> None:
        """Something the user should know, and that is no error."""

    def started(self, run: RunInfo, trainer: Trainer) -> None:
        """Training begins, or goes on."""

    def tick(self, trainer: Trainer) -> None:
        """One more turn of the loop; called thousands of times a second."""

    def metrics(self, run: RunInfo, step: int, values: Mapping[str, float]) -> None:
        """A row of training metrics was written down."""

    def evaluated(self, run: RunInfo, evaluation: Evaluation) -> None:
        """An evaluation was written down."""

    def checkpointed(self, run: RunInfo, path: Path) -> None:
        """A checkpoint was completed."""

    def ended(self, run: RunInfo, outcome: str, result: dict[str, Any] | None) -> None:
        """The run is `"finished"`, `"interrupted"` or `"failed"`."""
