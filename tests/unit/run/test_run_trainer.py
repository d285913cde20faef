"""The loop: what is counted, evaluated, saved and handed to the algorithm."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import torch
from tiny_zoo import EchoConfig, EchoEnv, Parrot, ParrotConfig

from marlzoo.algorithm import Algorithm, Context, Decision, Mode, Transition, View
from marlzoo.errors import PluginError, RunError
from marlzoo.run import trainer as trainer_module
from marlzoo.run.evaluation import Episodes, Evaluation
from marlzoo.run.evaluator import Evaluator
from marlzoo.run.seeding import SeedTree
from marlzoo.run.settings import RunSettings
from marlzoo.run.trainer import Trainer
from marlzoo.specs import Score

SCORE = Score("hits", metric="return")


class Notebook:
    """A recorder that keeps everything in memory."""

    def __init__(self) -> None:
        self.rows: list[tuple[int, dict[str, float]]] = []
        self.evaluations: list[Evaluation] = []
        self.saved: list[tuple[int, Mapping[str, Any]]] = []
        self.ticks = 0

    def metrics(self, step: int, values: Mapping[str, float]) -> None:
        self.rows.append((step, dict(values)))

    def evaluated(self, evaluation: Evaluation) -> None:
        self.evaluations.append(evaluation)

    def save(self, step: int, content: Mapping[str, Any]) -> None:
        self.saved.append((step, content))

    def tick(self, trainer: Trainer) -> None:
        self.ticks += 1


class WitnessEvaluator(Evaluator):
    """Notes the parameters that it is asked to evaluate, and gives the scores that a test wants."""

    def __init__(self, scores: list[float] | None = None) -> None:
        super().__init__(lambda count: EchoEnv(2, EchoConfig(), count), 4)
        self.parameters: list[torch.Tensor] = []
        self.keys: list[list[tuple[int, ...]]] = []
        self._scores = scores

    def play(self, algorithm: Algorithm, seeds: Any, stop: Any = lambda: False) -> Episodes | None:
        assert isinstance(algorithm, Parrot)
        self.parameters.append(algorithm.net.weight.detach().clone())
        self.keys.append([seed.spawn_key for seed in seeds])
        if self._scores is None:
            return super().play(algorithm, seeds, stop)
        value = self._scores[len(self.parameters) - 1]
        return Episodes(np.full(len(seeds), value), np.ones(len(seeds), np.int64), {})


def make_trainer(
    *,
    algorithm: type[Parrot] = Parrot,
    scores: list[float] | None = None,
    num_envs: int = 4,
    config: dict[str, Any] | None = None,
    **settings: Any,
) -> tuple[Trainer, Notebook, WitnessEvaluator]:
    resolved = RunSettings(**{"steps": 400, "eval_interval": 100, "eval_episodes": 5} | settings).resolved()
    seeds = SeedTree(resolved.seed)
    context = Context(seeds.policy(), seeds.initial(), resolved.steps)
    env = EchoEnv(2, EchoConfig(), num_envs)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seeds.construction())
        learner = algorithm(env.world, ParrotConfig(**config or {}), context)
    notebook, evaluator = Notebook(), WitnessEvaluator(scores)
    trainer = Trainer(learner, context, env, evaluator, SCORE, resolved, notebook)
    trainer.start()
    return trainer, notebook, evaluator


class Historian(Parrot):
    """Remembers its parameters after every update, by the steps it has observed."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.steps = 0
        self.history = {0: self.net.weight.detach().clone()}

    def observe(self, transition: Transition) -> None:
        super().observe(transition)
        self.steps += self.world.num_envs

    def update(self) -> dict[str, float] | None:
        metrics = super().update()
        if metrics is not None:
            self.history[self.steps] = self.net.weight.detach().clone()
        return metrics


def test_an_evaluation_is_of_the_parameters_that_its_step_labels() -> None:
    trainer, notebook, evaluator = make_trainer(algorithm=Historian, eval_interval=70)
    assert trainer.train()
    learner = trainer.algorithm
    assert isinstance(learner, Historian)
    labels = [evaluation.step for evaluation in notebook.evaluations]
    # Updates happen every 20 steps; each evaluation stands at the first update at or after a multiple of 70.
    assert labels == [0, 80, 140, 220, 280, 360, 400]
    for step, parameters in zip(labels, evaluator.parameters, strict=True):
        assert torch.equal(parameters, learner.history[step])
    assert len({tuple(weight.flatten().tolist()) for weight in evaluator.parameters}) == len(labels)


def test_every_evaluation_has_seeds_of_its_own() -> None:
    trainer, _, evaluator = make_trainer()
    trainer.train()
    keys = [key for evaluation in evaluator.keys for key in evaluation]
    assert len(keys) == len(set(keys)) == 5 * 5
    env = trainer.env
    assert isinstance(env, EchoEnv)
    assert not set(keys) & {seed.spawn_key for seed in env.seeds}


@pytest.mark.parametrize(("steps", "end"), [(400, 400), (401, 420), (1, 20)])
def test_training_ends_at_the_first_update_at_or_after_the_budget(steps: int, end: int) -> None:
    trainer, notebook, _ = make_trainer(steps=steps, eval_interval=1000)
    assert trainer.train()
    assert trainer.counters.step == end
    assert trainer.counters.updates == end // 20
    assert [evaluation.step for evaluation in notebook.evaluations] == [0, end]
    assert notebook.saved[-1][0] == end
    assert notebook.ticks == end // 4


def test_of_equal_scores_the_later_policy_is_the_best() -> None:
    trainer, notebook, evaluator = make_trainer(scores=[1.0, 3.0, 2.0, 3.0, 2.5])
    trainer.train()
    assert trainer.best is not None
    assert (trainer.best.step, trainer.best.score) == (300, 3.0)
    assert torch.equal(trainer.best.policy["net"]["weight"], evaluator.parameters[3])
    assert not torch.equal(evaluator.parameters[3], evaluator.parameters[4])
    assert notebook.saved[-1][1]["best"]["step"] == 300


class Listener(Parrot):
    """Copies every transition, and the views that it was asked to act on."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.heard: list[dict[str, Any]] = []
        self.acted_on: list[torch.Tensor] = []

    def act(self, view: View, carry: Any, mode: Mode) -> Decision:
        if mode is Mode.SAMPLE:
            self.acted_on.append(view.obs.clone())
        return super().act(view, carry, mode)

    def observe(self, transition: Transition) -> None:
        super().observe(transition)
        self.heard.append(
            {
                "obs": transition.view.obs.clone(),
                "first": transition.view.first.clone(),
                "successor": transition.successor.obs.clone(),
                "terminated": transition.terminated.clone(),
                "truncated": transition.truncated.clone(),
                "count": transition.decision.memo["count"].clone(),
            }
        )


def test_transitions_tell_truncation_from_termination_and_show_the_moment_before_the_reset() -> None:
    trainer, _, _ = make_trainer(algorithm=Listener, steps=2000, eval_interval=5000)
    trainer.train()
    learner = trainer.algorithm
    assert isinstance(learner, Listener)
    terminations = truncations = 0
    for (now, then), acted in zip(itertools.pairwise(learner.heard), learner.acted_on, strict=False):
        assert torch.equal(now["obs"], acted)
        ended = now["terminated"] | now["truncated"]
        assert torch.equal(then["first"], ended)
        assert torch.equal(now["successor"][~ended], then["obs"][~ended])
        # The clock in the last feature: a truncated episode ends at 1, a new one begins at 0.
        assert (now["successor"][now["truncated"]][..., -1] == 1.0).all()
        assert (then["obs"][ended][..., -1] == 0.0).all()
        assert (then["count"][ended] == 0).all()
        assert torch.equal(then["count"][~ended], now["count"][~ended] + 1)
        terminations += int(now["terminated"].sum())
        truncations += int(now["truncated"].sum())
    assert terminations > 20
    assert truncations > 20


def test_rows_average_the_episodes_and_updates_since_the_row_before() -> None:
    trainer, notebook, _ = make_trainer(algorithm=Listener, steps=400, log_interval=100, eval_interval=1000)
    losses: list[float] = []
    update = trainer.algorithm.update

    def spy() -> Any:
        metrics = update()
        losses.extend([metrics["loss"]] if metrics else [])
        return metrics

    trainer.algorithm.update = spy  # type: ignore[method-assign]
    trainer.train()
    assert [step for step, _ in notebook.rows] == [100, 200, 300, 400]
    assert [row["update/loss"] for _, row in notebook.rows] == pytest.approx(
        [np.mean(losses[i : i + 5]) for i in range(0, 20, 5)]
    )
    assert notebook.rows[-1][1]["count/updates"] == 20
    assert notebook.rows[-1][1]["count/episodes"] == trainer.counters.episodes
    lengths = [row["train/length"] for _, row in notebook.rows]
    assert all(1 <= length <= 12 for length in lengths)
    assert all(0 <= row["train/return"] <= row["train/length"] for _, row in notebook.rows)


def test_a_metric_that_is_not_finite_ends_the_run_and_is_named() -> None:
    trainer, notebook, _ = make_trainer(config={"fault": "nan:3"}, checkpoint_interval=20)
    with pytest.raises(RunError, match=r"step 60: the metric 'loss' became nan; try a smaller learning rate"):
        trainer.train()
    assert [step for step, _ in notebook.saved] == [20, 40]


def test_an_illegal_action_is_a_failure_of_the_run() -> None:
    trainer, _, _ = make_trainer(config={"fault": "illegal:2"})
    with pytest.raises(RunError, match="step 40: action 5 is illegal"):
        trainer.train()


def test_an_algorithm_that_is_never_ready_to_save_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    class Hoarder(Parrot):
        @property
        def ready_to_save(self) -> bool:
            return self.updates == 0

    monkeypatch.setattr(trainer_module, "_PATIENCE", 50)
    trainer, _, _ = make_trainer(algorithm=Hoarder, steps=100)
    with pytest.raises(PluginError, match="still not ready to save"):
        trainer.train()
    assert trainer.counters.step == 100 + 50 * 4 + 4


def test_a_stop_is_obeyed_where_everything_can_be_saved() -> None:
    trainer, notebook, _ = make_trainer(steps=4000, eval_interval=30)
    assert not trainer.train(lambda: trainer.counters.step > 41)
    assert trainer.counters.step == 60
    assert [step for step, _ in notebook.saved] == [60]
    # The evaluation that was due at 60 is left to the continuation.
    assert [evaluation.step for evaluation in notebook.evaluations] == [0, 40]


@pytest.mark.parametrize("checkpoint_interval", [20, 60, 150])
def test_checkpoints_come_at_their_interval(checkpoint_interval: int) -> None:
    trainer, notebook, _ = make_trainer(checkpoint_interval=checkpoint_interval)
    trainer.train()
    steps = [step for step, _ in notebook.saved]
    assert steps[-1] == 400
    assert all(later - earlier >= checkpoint_interval for earlier, later in itertools.pairwise(steps[:-1]))
    assert len(steps) >= 400 // (checkpoint_interval + 20)


def test_time_is_split_into_parts_that_do_not_exceed_the_whole() -> None:
    trainer, _, _ = make_trainer(config={"pause": 0.002})
    trainer.train()
    clock = trainer.clock
    assert clock.seconds["update"] >= 20 * 0.002
    assert all(seconds > 0 for seconds in clock.seconds.values())
    assert sum(clock.seconds.values()) <= clock.wall
