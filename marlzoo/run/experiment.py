"""A run from its first byte to its result: begin, resume, train, re-evaluate the best policy, write down the
end."""

from __future__ import annotations

import contextlib
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from marlzoo.envs.contract import BatchedEnv
from marlzoo.errors import MarlzooError, RunError, UsageError, in_one_line
from marlzoo.registry import Registry
from marlzoo.run.build import build_algorithm, build_policy
from marlzoo.run.evaluation import Evaluation
from marlzoo.run.evaluator import Evaluator
from marlzoo.run.files import read_json, read_rows, reported, write_json
from marlzoo.run.folder import RunFolder
from marlzoo.run.guard import Guard, guarded
from marlzoo.run.listener import Listener
from marlzoo.run.manifest import environment_facts, new_manifest, plugin_facts
from marlzoo.run.plan import Plan, restore_plan
from marlzoo.run.record import RunRecorder, checkpoint_header
from marlzoo.run.result import result_document
from marlzoo.run.sinks import EVALUATIONS_FILE
from marlzoo.run.trainer import Trainer

Stop = Callable[[], bool]


@dataclass(frozen=True)
class Outcome:
    """How a process's work on a run ended."""

    path: Path
    status: str
    """`"finished"` or `"interrupted"`; a failed run raises."""
    step: int
    result: dict[str, Any] | None
    """The content of `result.json` when finished."""


def begin_run(
    registry: Registry,
    plan: Plan,
    path: Path,
    *,
    command: Sequence[str] = (),
    listener: Listener | None = None,
    stop: Stop = lambda: False,
) -> Outcome:
    """Run `plan` in a new folder `path`.

    Raises:
        UsageError: `path` exists and is not empty, or the algorithm cannot act in the environment.
        RunError: the run failed; its folder says why and holds what was saved before.
    """
    folder = RunFolder(path)
    folder.check_free()
    listener = listener or Listener()
    with _watched_workshop(plan, listener) as (workshop, guard):
        manifest = new_manifest(plan, workshop.env)
        folder.create()
        with folder.locked():
            folder.check_free()
            write_json(folder.config, plan.to_json())
            write_json(folder.manifest, manifest)
            recorder = RunRecorder(plan, folder, manifest, registry.host, listener, guard)
            return _Experiment(plan, folder, recorder, workshop, guard).execute(command, None, stop)


def resume_run(
    registry: Registry,
    path: Path,
    *,
    steps: int | None = None,
    command: Sequence[str] = (),
    listener: Listener | None = None,
    stop: Stop = lambda: False,
) -> Outcome:
    """Go on with the run in `path` from its last checkpoint, with a larger budget if `steps` is given.

    A finished run is left as it is unless its budget grows.

    Raises:
        UsageError: `path` holds no run, `steps` were done already, or what is installed cannot go on with it.
        RunError: the run failed, or another process works on it.
    """
    folder = RunFolder.existing(path)
    listener = listener or Listener()
    with folder.locked():
        manifest = folder.read_manifest()
        document = read_json(folder.config)
        plan = restore_plan(registry, document, str(folder.config))
        if manifest["status"] == "finished" and (steps or 0) <= manifest["steps"]:
            listener.note(f"{path} is finished; give --steps to train it longer")
            return Outcome(path, "finished", manifest["step"], read_json(folder.result))
        if steps is not None:
            plan = _extended(plan, steps, manifest)
        for name in sorted({*document["sinks"]} - {sink.qualified for sink in plan.sinks}):
            listener.note(f"the sink {name} is not installed any more; the run goes on without it")
        with _watched_workshop(plan, listener) as (workshop, guard):
            _check_same_code(plan, workshop.env, manifest, listener)
            checkpoint = _last_checkpoint(folder, manifest, listener)
            if plan.settings.steps != manifest["steps"]:
                _write_extension(plan, folder, manifest)
            recorder = RunRecorder(plan, folder, manifest, registry.host, listener, guard)
            return _Experiment(plan, folder, recorder, workshop, guard).execute(
                command, checkpoint or {}, stop
            )


@contextlib.contextmanager
def _watched_workshop(plan: Plan, listener: Listener) -> Iterator[tuple[_Workshop, Guard]]:
    """Everything of plug-ins is built and used in here."""
    with (
        guarded(plan.settings.seed, plan.settings.threads) as guard,
        contextlib.closing(_Workshop(plan, listener)) as workshop,
    ):
        guard.check(f"while building {plan.environment.id} and {plan.algorithm.qualified}")
        yield workshop, guard


class _Workshop:
    """What a run works with: training environments, evaluator and algorithm."""

    def __init__(self, plan: Plan, listener: Listener) -> None:
        listener.phase(
            f"building {plan.environment.id} (the first time on a machine, this compiles the engine)"
        )
        self.env: BatchedEnv = plan.environment.make(plan.config.config.num_envs)
        batch = min(plan.settings.eval_batch, plan.settings.eval_episodes)
        self.evaluator = Evaluator(plan.environment.make, batch)
        self.listener = listener
        try:
            listener.phase(f"building {plan.algorithm.address}")
            self.algorithm, self.context = build_algorithm(plan, self.env.world)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        self.env.close()
        self.evaluator.close()


class _Experiment:
    """One process's work on one run."""

    def __init__(
        self, plan: Plan, folder: RunFolder, recorder: RunRecorder, workshop: _Workshop, guard: Guard
    ) -> None:
        self._plan = plan
        self._folder = folder
        self._recorder = recorder
        self._workshop = workshop
        self._guard = guard
        self._trainer = Trainer(
            workshop.algorithm,
            workshop.context,
            workshop.env,
            workshop.evaluator,
            plan.environment.score,
            plan.settings,
            recorder,
            partial(guard.check, f"in training or evaluation ({plan.algorithm.qualified})"),
        )

    def execute(self, command: Sequence[str], checkpoint: Mapping[str, Any] | None, stop: Stop) -> Outcome:
        """Train to the end, or until stopped. `checkpoint` is `None` in a new run, and empty in a resumed one
        that had not saved any."""
        with contextlib.closing(self._recorder):
            try:
                self._set_off(command, checkpoint)
                result = self._work(stop)
            except BaseException as error:
                self._fail(error)
                raise
            outcome = "finished" if result else "interrupted"
            self._recorder.end(outcome, self._trainer)
            self._recorder.conclude(outcome, result)
        return Outcome(self._folder.path, outcome, self._trainer.counters.step, result)

    def _set_off(self, command: Sequence[str], checkpoint: Mapping[str, Any] | None) -> None:
        positions = None if checkpoint is None else checkpoint.get("sinks", {})
        if checkpoint:
            self._trainer.restore(checkpoint["trainer"])
        else:
            self._trainer.start()
        self._guard.seed(self._trainer.counters.step)
        self._recorder.open(command, self._trainer.counters.step, positions)
        self._recorder.announce(self._trainer)

    def _work(self, stop: Stop) -> dict[str, Any] | None:
        """Returns the result, or `None` when stopped before the end."""
        if not self._trainer.train(stop):
            return None
        absolute = None
        if self._plan.settings.absolute_episodes:
            absolute = self._evaluate_best(stop)
            if absolute is None:
                return None
        self._recorder.note_incidents()
        evaluations = read_rows(self._folder.path / EVALUATIONS_FILE)
        result = result_document(self._recorder.manifest, self._trainer, evaluations, absolute)
        write_json(self._folder.result, result)
        return result

    def _evaluate_best(self, stop: Stop) -> Evaluation | None:
        """The best policy on new episodes: the maximum over evaluations is biased upwards, this is not."""
        best, trainer, evaluator = self._trainer.best, self._trainer, self._workshop.evaluator
        if best is None:
            raise RunError("the run has no evaluation to take its best policy from")
        episodes = self._plan.settings.absolute_episodes
        self._workshop.listener.phase(
            f"evaluating the best policy (step {best.step:,}) on {episodes} new episodes"
        )
        origin = f"step {best.step:,}"
        policy = build_policy(self._plan, evaluator.env.world, best.policy, origin)
        played = evaluator.play(policy, trainer.seeds.absolute(episodes), stop)
        self._guard.check(f"in the final evaluation ({self._plan.algorithm.qualified})")
        if played is None:
            return None
        return Evaluation.of(played, self._plan.environment.score, best.step, trainer.counters.evaluations)

    def _fail(self, error: BaseException) -> None:
        """Write down that the run ended early, as far as the disk allows, and raise one line in the place of
        a plug-in's own exception."""
        outcome = "failed" if isinstance(error, Exception) else "interrupted"
        with contextlib.suppress(Exception):  # whatever goes wrong now must not hide what went wrong first
            self._recorder.end(outcome, self._trainer, error=in_one_line(error))
        self._recorder.conclude(outcome, None)
        if isinstance(error, Exception) and not isinstance(error, MarlzooError):
            raise self._explained(error) from error

    def _explained(self, error: Exception) -> RunError:
        text = "".join(traceback.format_exception(error))
        with contextlib.suppress(OSError):
            self._folder.error.write_text(text, encoding="utf-8")
        kept = self._folder.checkpoints().kept()
        step = self._trainer.counters.step
        return RunError(f"step {step:,}: {in_one_line(error)} (traceback in {self._folder.error}); {kept}")


def _extended(plan: Plan, steps: int, manifest: Mapping[str, Any]) -> Plan:
    """The plan with another budget."""
    if steps < manifest["step"]:
        done = manifest["step"]
        raise UsageError(f"--steps {steps:,}: the run has {done:,} steps already; give a larger number")
    return replace(plan, settings=plan.settings.model_copy(update={"steps": steps}))


def _write_extension(plan: Plan, folder: RunFolder, manifest: dict[str, Any]) -> None:
    """Put the new budget into the folder, keeping the result of the old one under another name."""
    before, steps = manifest["steps"], plan.settings.steps
    manifest |= {"status": "running", "steps": steps, "settings": plan.settings.model_dump(mode="json")}
    manifest.setdefault("extensions", []).append({"at_step": manifest["step"], "from": before, "to": steps})
    write_json(folder.config, plan.to_json())
    write_json(folder.manifest, manifest)
    with reported(folder.result), contextlib.suppress(FileNotFoundError):
        folder.result.rename(folder.path / f"result-{before}.json")


def _check_same_code(plan: Plan, env: BatchedEnv, manifest: Mapping[str, Any], listener: Listener) -> None:
    """Refuse to mix environment versions within one run; mention changed plug-in code."""
    then, today = manifest["environment"], environment_facts(plan, env)
    if (then["backend"], then["backend_version"]) != (today["backend"], today["backend_version"]):
        raise UsageError(
            f"the run was made with {then['backend']} {then['backend_version']}, installed is "
            f"{today['backend']} {today['backend_version']}; install the former, or start a new run"
        )
    if manifest["algorithm"]["sha256"] != plugin_facts(plan.algorithm.plugin)["sha256"]:
        listener.note(
            f"the code of {plan.algorithm.address} has changed since the run began: no exact continuation"
        )


def _last_checkpoint(
    folder: RunFolder, manifest: Mapping[str, Any], listener: Listener
) -> Mapping[str, Any] | None:
    """The newest readable checkpoint. Raises `UsageError` if it is another run's."""
    found = folder.checkpoints().load_last()
    if found is None:
        listener.note("the run had not saved a checkpoint yet; it starts over")
        return None
    content, path, problems = found
    for problem in problems:
        listener.note(f"{problem}; going on from {path.name}")
    header = checkpoint_header(manifest)
    for key in ("algorithm", "environment", "seed"):
        if content["header"][key] != header[key]:
            raise UsageError(
                f"{path} belongs to another run ({key} {content['header'][key]}, expected {header[key]}); "
                "remove it"
            )
    return content
