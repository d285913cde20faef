"""The built-in sinks."""

from __future__ import annotations

from marlzoo import hookimpl
from marlzoo.specs import SinkSpec

MARLZOO_API = 1


@hookimpl
def marlzoo_sinks() -> list[SinkSpec]:
    return [
        SinkSpec(
            name="jsonl",
            sink="marlzoo.run.sinks:JsonLinesSink",
            summary="metrics.jsonl and evaluations.jsonl in the run folder",
            default=True,
        ),
        SinkSpec(
            name="tensorboard",
            sink="marlzoo.run.sinks:TensorBoardSink",
            summary="TensorBoard event files in the run folder (needs the extra 'tensorboard')",
        ),
    ]
