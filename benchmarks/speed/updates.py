"""What an update costs, of several algorithms in turn, so that a busy machine disturbs all alike.

    python benchmarks/speed/updates.py mappo a2po happo [--env smac:3s5z] [-o a2po.layers=2] [--json]

Each algorithm learns with its preset; its updates alternate with those of the others. Milliseconds of CPU
time, one thread: the median update, the same divided by `epochs`, and the median of the ratios to the first
algorithm's update of the same turn.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import click

from marlzoo.cli.threads import limit_threads

if TYPE_CHECKING:
    from marlzoo.algorithm import Metrics
    from marlzoo.registry import Registry
    from marlzoo.testing import Driver


@dataclass
class Stopwatch:
    """A learning algorithm, and the CPU seconds of each of its updates."""

    driver: Driver
    epochs: int
    seconds: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._update = self.driver.algorithm.update
        self.driver.algorithm.update = self._timed  # type: ignore[method-assign]

    def _timed(self) -> Metrics | None:
        begin = time.process_time()
        metrics = self._update()
        if metrics is not None:
            self.seconds.append(time.process_time() - begin)
        return metrics


def start(registry: Registry, algorithm: str, environment: str, overrides: Sequence[str]) -> Stopwatch:
    """An algorithm after its first update, which pays for what is done once."""
    from marlzoo.config import resolve_algorithm_config
    from marlzoo.testing import Driver, build

    entry, choice = registry.algorithm(algorithm), registry.environment(environment)
    options = resolve_algorithm_config(entry, choice, overrides).config.model_dump()
    env = choice.make(options["num_envs"])
    watch = Stopwatch(Driver(build(entry.spec, env, options), env), options["epochs"])
    watch.driver.learn(1)
    watch.seconds.clear()
    return watch


def overrides_of(algorithm: str, algorithms: Sequence[str], overrides: Sequence[str]) -> list[str]:
    """Those that name no algorithm, or this one: `key=value`, `algorithm.key=value`."""
    others = tuple(f"{name}." for name in algorithms if name != algorithm)
    return [text.removeprefix(f"{algorithm}.") for text in overrides if not text.startswith(others)]


def summary(watch: Stopwatch, first: Stopwatch) -> dict[str, Any]:
    """Milliseconds, and the ratio to the first algorithm."""
    median = 1000 * statistics.median(watch.seconds)
    ratios = [own / other for own, other in zip(watch.seconds, first.seconds, strict=True)]
    return {
        "update_ms": round(median, 1),
        "epochs": watch.epochs,
        "ms_per_epoch": round(median / watch.epochs, 1),
        "ratio": round(statistics.median(ratios), 2),
    }


@click.command()
@click.argument("algorithms", nargs=-1, required=True)
@click.option("--env", "environment", default="smac:3s5z", show_default=True)
@click.option("-o", "--option", "overrides", multiple=True, metavar="[ALGORITHM.]KEY=VALUE")
@click.option("--repeats", type=click.IntRange(min=1), default=9, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def main(
    algorithms: tuple[str, ...], environment: str, overrides: tuple[str, ...], repeats: int, as_json: bool
) -> None:
    """Time the updates of ALGORITHMS in turn."""
    limit_threads(1)
    from marlzoo.registry import Registry

    registry = Registry.load()
    watches = {
        name: start(registry, name, environment, overrides_of(name, algorithms, overrides))
        for name in algorithms
    }
    for _ in range(repeats):
        for watch in watches.values():
            watch.driver.learn(1)
    first = watches[algorithms[0]]
    found = {name: summary(watch, first) for name, watch in watches.items()}
    document = {"environment": environment, "repeats": repeats, "algorithms": found}
    click.echo(json.dumps(document, indent=None if as_json else 2))


if __name__ == "__main__":
    main()
