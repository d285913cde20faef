"""Writing a run down: sinks, checkpoints, manifest, and telling those who watch."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from marlzoo.plugins import PluginHost
from marlzoo.run.evaluation import Evaluation
from marlzoo.run.files import write_json
from marlzoo.run.folder import RunFolder
from marlzoo.run.guard import Guard
from marlzoo.run.listener import Listener
from marlzoo.run.manifest import new_session, now
from marlzoo.run.plan import Plan
from marlzoo.run.sink_group import SinkGroup
from marlzoo.run.trainer import Trainer
from marlzoo.specs import Score


@dataclass(frozen=True)
class RunInfo:
    """A run as observers see it."""

    path: Path
    algorithm: str
    environment: str
    backend: str
    """What computes the dynamics, with its version."""
    seed: int
    steps: int
    score: Score


class RunRecorder:
    """The trainer's `Recorder` for a run folder. `manifest` is kept up to date in place and on disk."""

    def __init__(
        self,
        plan: Plan,
        folder: RunFolder,
        manifest: dict[str, Any],
        host: PluginHost,
        listener: Listener,
        guard: Guard,
    ) -> None:
        self.manifest = manifest
        self.info = run_info(plan, folder, manifest)
        self._plan = plan
        self._folder = folder
        self._host = host
        self._listener = listener
        self._guard = guard
        self._interference_before = Counter(manifest.get("interference", {}))
        self._checkpoints = folder.checkpoints(plan.settings.keep_checkpoints)
        self._dropped_before = list(manifest.get("dropped_sinks", []))
        self._sinks = SinkGroup(plan.sinks, folder.path, guard)

    def open(self, command: Sequence[str], step: int, positions: Mapping[str, Any] | None) -> None:
        """Begin a session at `step`. `positions` are the sinks' positions there, `None` in a new run."""
        self._sinks.open(step, positions)
        self.manifest["status"] = "running"
        self.manifest.pop("error", None)
        self.manifest["sessions"].append(new_session(command, step, self._plan.settings.threads))
        self.write_manifest()

    def write_manifest(self) -> None:
        write_json(self._folder.manifest, self.manifest)

    def announce(self, trainer: Trainer) -> None:
        self._listener.started(self.info, trainer)
        self._notify("marlzoo_run_started")

    def metrics(self, step: int, values: Mapping[str, float]) -> None:
        self._sinks.metrics(step, values)
        self._listener.metrics(self.info, step, values)

    def evaluated(self, evaluation: Evaluation) -> None:
        self._sinks.evaluation(evaluation)
        self._listener.evaluated(self.info, evaluation)
        self._notify("marlzoo_evaluated", evaluation=evaluation)

    def save(self, step: int, content: Mapping[str, Any]) -> None:
        positions = self._sinks.positions()
        header = checkpoint_header(self.manifest)
        path = self._checkpoints.save(step, {"header": header, "trainer": content, "sinks": positions})
        self._note_progress(step, content["clock"])
        self.write_manifest()
        self._listener.checkpointed(self.info, path)
        self._notify("marlzoo_checkpointed", path=path)

    def _notify(self, hook: str, **arguments: Any) -> None:
        """Tell the observers, who may neither end the run nor change anything that it depends on."""
        observers = ", ".join(plugin.qualified for plugin in self._host.implementing(hook))
        if observers:
            self._guard.check("in training")
        self._host.notify(hook, run=self.info, **arguments)
        if observers:
            self._guard.check(f"by the hook {hook} of {observers}")

    def tick(self, trainer: Trainer) -> None:
        self._listener.tick(trainer)

    def end(self, outcome: str, trainer: Trainer, error: str | None = None) -> None:
        """Write down how the session ended. `outcome` is `"finished"`, `"interrupted"` or `"failed"`."""
        self.manifest["status"] = outcome
        self._note_progress(trainer.counters.step, trainer.clock.state_dict())
        self.manifest["diagnostics"] = {
            name: float(value) for name, value in trainer.env.diagnostics().items() if math.isfinite(value)
        }
        self.manifest["sessions"][-1] |= {"ended": now(), "to_step": trainer.counters.step}
        if error is not None:
            self.manifest["error"] = error
        self.write_manifest()

    def _note_progress(self, step: int, clock: Mapping[str, Any]) -> None:
        self.manifest["step"] = step
        self.manifest["wall_seconds"] = round(clock["wall"], 3)
        self.manifest["cpu_seconds"] = round(clock["cpu"], 3)
        self.note_incidents()

    def note_incidents(self) -> None:
        """Put into the manifest how often plug-ins changed global state, and which sinks were dropped, over
        all sessions."""
        self.manifest["interference"] = dict(self._interference_before + self._guard.counts)
        self.manifest["dropped_sinks"] = [*self._dropped_before, *self._sinks.dropped]

    def conclude(self, outcome: str, result: dict[str, Any] | None) -> None:
        """Tell everybody that the run ended."""
        self._notify("marlzoo_run_finished", outcome=outcome)
        self._listener.ended(self.info, outcome, result)

    def close(self) -> None:
        """Close the sinks; one that fails even now is still noted."""
        dropped = len(self._sinks.dropped)
        self._sinks.close()
        if len(self._sinks.dropped) > dropped:
            self.note_incidents()
            self.write_manifest()


def run_info(plan: Plan, folder: RunFolder, manifest: Mapping[str, Any]) -> RunInfo:
    environment = manifest["environment"]
    return RunInfo(
        path=folder.path,
        algorithm=plan.algorithm.address,
        environment=plan.environment.id,
        backend=f"{environment['backend']} {environment['backend_version']}".strip(),
        seed=plan.settings.seed,
        steps=plan.settings.steps,
        score=plan.environment.score,
    )


def checkpoint_header(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """By what a checkpoint is recognised as one of this run."""
    algorithm, environment = manifest["algorithm"], manifest["environment"]
    return {
        "algorithm": algorithm["name"],
        "algorithm_version": algorithm["version"],
        "environment": environment["id"],
        "backend": environment["backend"],
        "backend_version": environment["backend_version"],
        "seed": manifest["seed"],
        "marlzoo": manifest["marlzoo"],
    }
