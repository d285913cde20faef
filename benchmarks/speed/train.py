"""How fast an algorithm trains, end to end and per part.

    python benchmarks/speed/train.py --algorithm mappo --env smac:3s5z [--steps 20k] [--repeats 5] [--json]

Each repeat trains for `--steps` environment steps with one thread; the figures are medians over repeats,
after a warm-up of one update that pays for compilation. Evaluation and saving are left out.
"""

from __future__ import annotations

import contextlib
import json
import statistics
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from marlzoo.cli.session import count_option
from marlzoo.cli.threads import limit_threads

if TYPE_CHECKING:
    from marlzoo.run.plan import Plan
    from marlzoo.run.trainer import Trainer

PARTS = ("environment", "policy", "update")


@click.command()
@click.option("--algorithm", required=True)
@click.option("--env", "environment", required=True)
@click.option("-o", "--option", "overrides", multiple=True, metavar="KEY=VALUE")
@count_option("--steps", "Environment steps per repeat.", default="20k")
@click.option("--repeats", type=click.IntRange(min=1), default=5, show_default=True)
@click.option("--threads", type=click.IntRange(min=1), default=1, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def main(
    algorithm: str,
    environment: str,
    overrides: tuple[str, ...],
    steps: int,
    repeats: int,
    threads: int,
    as_json: bool,
) -> None:
    """Time the training of ALGORITHM in ENV."""
    limit_threads(threads)
    plan, trainer = build(algorithm, environment, overrides, steps * (repeats + 1))
    with contextlib.closing(trainer.env):
        measure(trainer, 1)
        samples = [measure(trainer, steps) for _ in range(repeats)]
    document = {
        "algorithm": plan.algorithm.address,
        "environment": plan.environment.id,
        "backend": f"{trainer.env.backend} {trainer.env.backend_version}".strip(),
        "num_envs": trainer.env.world.num_envs,
        "agents": trainer.env.world.num_agents,
        "repeats": repeats,
        "threads": threads,
        **summary(samples, trainer.env.world.num_agents),
    }
    click.echo(json.dumps(document, indent=None if as_json else 2))


def build(algorithm: str, environment: str, overrides: tuple[str, ...], budget: int) -> tuple[Plan, Trainer]:
    """A trainer as `marlzoo run` builds it, writing nothing."""
    from marlzoo.registry import Registry
    from marlzoo.run.build import build_algorithm
    from marlzoo.run.evaluator import Evaluator
    from marlzoo.run.plan import make_plan
    from marlzoo.run.settings import RunSettings
    from marlzoo.run.trainer import Trainer

    settings = RunSettings(steps=budget)
    plan = make_plan(Registry.load(), algorithm, environment, overrides=overrides, settings=settings)
    env = plan.environment.make(plan.config.config.num_envs)
    learner, context = build_algorithm(plan, env.world)
    evaluator = Evaluator(plan.environment.make, plan.settings.eval_batch)
    trainer = Trainer(learner, context, env, evaluator, plan.environment.score, plan.settings, Silence())
    trainer.start()
    return plan, trainer


class Silence:
    """A recorder that records nothing."""

    def metrics(self, step: int, values: Mapping[str, float]) -> None: ...
    def evaluated(self, evaluation: Any) -> None: ...
    def save(self, step: int, content: Mapping[str, Any]) -> None: ...
    def tick(self, trainer: Trainer) -> None: ...


def measure(trainer: Trainer, steps: int) -> dict[str, float]:
    """Seconds per environment step, whole and per part, over at least `steps` steps and one update."""
    begin, before = trainer.counters.step, dict(trainer.clock.seconds)
    updates, wall, cpu = trainer.counters.updates, time.perf_counter(), time.process_time()
    while (
        trainer.counters.step - begin < steps
        or trainer.counters.updates == updates
        or not trainer.algorithm.ready_to_save
    ):
        trainer.turn()
    done = trainer.counters.step - begin
    spent = {part: trainer.clock.seconds[part] - before[part] for part in PARTS}
    spent |= {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
    return {name: seconds / done for name, seconds in spent.items()}


def summary(samples: list[dict[str, float]], agents: int) -> dict[str, Any]:
    """Medians, as rates and as microseconds per environment step."""
    median = {name: statistics.median(sample[name] for sample in samples) for name in samples[0]}
    return {
        "env_steps_per_second": round(1 / median["wall"], 1),
        "agent_steps_per_second": round(agents / median["wall"], 1),
        "env_steps_per_cpu_second": round(1 / median["cpu"], 1),
        "parts": {part: round(1 / median[part], 1) for part in PARTS},
        "microseconds_per_env_step": {name: round(1e6 * seconds, 2) for name, seconds in median.items()},
    }


if __name__ == "__main__":
    main()
