"""Where metrics go. Every run writes JSON lines; other sinks come from plug-ins."""

from __future__ import annotations

import abc
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from marlzoo.errors import MissingPieceError
from marlzoo.run.evaluation import Evaluation
from marlzoo.run.files import JsonLines

METRICS_FILE = "metrics.jsonl"
EVALUATIONS_FILE = "evaluations.jsonl"


class Sink(abc.ABC):
    """Receives everything a run measures, in the order of steps."""

    @abc.abstractmethod
    def metrics(self, step: int, values: Mapping[str, float]) -> None:
        """Training metrics since the last call: `train/...` averages over episodes, `update/...` over
        updates, `time/...` seconds and counters. A value may be nan or infinite only under `train/`."""

    @abc.abstractmethod
    def evaluation(self, evaluation: Evaluation) -> None:
        """One evaluation."""

    def position(self) -> dict[str, int]:
        """Make everything durable and say how far it reaches; stored in the checkpoint."""
        return {}

    def rewind(self, position: Mapping[str, int], step: int) -> None:
        """Forget what came after `position`: the run goes on from a checkpoint of `step`. Called before
        anything else when a run is resumed; `position` is empty when it starts over."""
        return

    def close(self) -> None:
        """Called once, at the end of the process."""
        return


class JsonLinesSink(Sink):
    """`metrics.jsonl` and `evaluations.jsonl` in the run folder."""

    def __init__(self, run_dir: Path) -> None:
        self._metrics = JsonLines(run_dir / METRICS_FILE)
        self._evaluations = JsonLines(run_dir / EVALUATIONS_FILE)

    def metrics(self, step: int, values: Mapping[str, float]) -> None:
        # JSON has no nan: an environment metric that was undefined becomes null.
        row = {name: value if math.isfinite(value) else None for name, value in values.items()}
        self._metrics.append({"step": step, **row})

    def evaluation(self, evaluation: Evaluation) -> None:
        self._evaluations.append(evaluation.to_json())

    def position(self) -> dict[str, int]:
        return {"metrics": self._metrics.sync(), "evaluations": self._evaluations.sync()}

    def rewind(self, position: Mapping[str, int], step: int) -> None:
        self._metrics.truncate(position.get("metrics", 0))
        self._evaluations.truncate(position.get("evaluations", 0))

    def close(self) -> None:
        self._metrics.close()
        self._evaluations.close()


class TensorBoardSink(Sink):
    """Event files in `tensorboard/` of the run folder."""

    def __init__(self, run_dir: Path) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise MissingPieceError(
                "the sink 'tensorboard' needs TensorBoard; install it: pip install 'marlzoo[tensorboard]'"
            ) from error
        self._folder = run_dir / "tensorboard"
        self._open: Any = SummaryWriter
        self._writer: Any = SummaryWriter(str(self._folder))

    def metrics(self, step: int, values: Mapping[str, float]) -> None:
        for name, value in values.items():
            self._writer.add_scalar(name, value, step)

    def evaluation(self, evaluation: Evaluation) -> None:
        self._writer.add_scalar(f"evaluation/{evaluation.score_name}", evaluation.score, evaluation.step)
        self._writer.add_scalar("evaluation/return", evaluation.mean_return, evaluation.step)
        self._writer.add_scalar("evaluation/length", evaluation.mean_length, evaluation.step)

    def position(self) -> dict[str, int]:
        self._writer.flush()
        return {}

    def rewind(self, position: Mapping[str, int], step: int) -> None:
        # TensorBoard hides the points from purge_step on; those of `step` came before the checkpoint.
        self._writer.close()
        self._writer = self._open(str(self._folder), purge_step=step + 1)

    def close(self) -> None:
        self._writer.close()
