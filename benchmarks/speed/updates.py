"""What an update costs, of several algorithms in turn, so that a busy machine disturbs all alike.

    python benchmarks/speed/updates.py mappo a2po happo [--env smac:3s5z] [--json]
    python benchmarks/speed/updates.py mappo mappo:critic_input=state,epochs=10 [-o minibatches=1]
    python benchmarks/speed/updates.py mappo mappo+dead mappo+whole mappo+dead+whole

Each algorithm learns with its preset and with the settings behind its name; its updates alternate with
those of the others. What leaving out the dead saves shows `+dead`, with which learning takes every agent for
alive; what cutting minibatches into pieces saves, `+whole`, with which they are not cut. Milliseconds of CPU
time, one thread: the median update, the same divided by `epochs`, and the median of the ratios to the first
one's update of the same turn. `living` is the mean share of agents that live.
"""

from __future__ import annotations

import contextlib
import json
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from unittest import mock

import click

from marlzoo.cli.threads import limit_threads

if TYPE_CHECKING:
    from marlzoo.algorithm import Metrics, View
    from marlzoo.registry import Registry
    from marlzoo.testing import Driver


CHANGES = ("dead", "whole")
UNCUT = 10**9
"""More joint steps, and more agents, than any minibatch has."""


@dataclass(frozen=True)
class Contender:
    """An algorithm and how it is to learn, as `NAME[+dead][+whole][:KEY=VALUE,...]` says it."""

    name: str
    changes: frozenset[str]
    overrides: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> Contender:
        """Raises `click.UsageError` for a change that is not known."""
        head, _, settings = text.partition(":")
        name, *changes = head.split("+")
        for change in changes:
            if change not in CHANGES:
                raise click.UsageError(f"{text}: +{change} is not known; use {' or '.join(CHANGES)}")
        return cls(name, frozenset(changes), tuple(settings.split(",") if settings else ()))


@dataclass
class Stopwatch:
    """A learning algorithm, the CPU seconds of its updates, and the share of agents alive at each step."""

    driver: Driver
    epochs: int
    keeps_dead: bool
    seconds: list[float] = field(default_factory=list)
    living: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._update = self.driver.algorithm.update
        self.driver.algorithm.update = self._timed  # type: ignore[method-assign]
        self.driver.lend = self._lend  # type: ignore[method-assign]

    def _timed(self) -> Metrics | None:
        begin = time.process_time()
        metrics = self._update()
        if metrics is not None:
            self.seconds.append(time.process_time() - begin)
        return metrics

    def _lend(self, view: View) -> View:
        self.living.append(float(view.alive.float().mean()))
        return replace(view, alive=view.alive.new_ones(view.alive.shape)) if self.keeps_dead else view


def start(registry: Registry, contender: Contender, environment: str, overrides: Sequence[str]) -> Stopwatch:
    """An algorithm after its first update, which pays for what is done once."""
    from marlzoo.config import resolve_algorithm_config
    from marlzoo.learn import joint_ppo
    from marlzoo.testing import Driver, build

    entry, choice = registry.algorithm(contender.name), registry.environment(environment)
    whole = [f"micro_batch={UNCUT}"] if "whole" in contender.changes else []
    own = [*overrides, *contender.overrides, *whole]
    options = resolve_algorithm_config(entry, choice, own).config.model_dump()
    env = choice.make(options["num_envs"])
    limit = mock.patch.object(joint_ppo, "MICRO_TOKENS", UNCUT)
    with limit if "whole" in contender.changes else contextlib.nullcontext():
        driver = Driver(build(entry.spec, env, options), env)
    watch = Stopwatch(driver, options["epochs"], "dead" in contender.changes)
    watch.driver.learn(1)
    watch.seconds.clear()
    watch.living.clear()
    return watch


def summary(watch: Stopwatch, first: Stopwatch) -> dict[str, Any]:
    """Milliseconds, and the ratio to the first algorithm."""
    median = 1000 * statistics.median(watch.seconds)
    ratios = [own / other for own, other in zip(watch.seconds, first.seconds, strict=True)]
    return {
        "update_ms": round(median, 1),
        "epochs": watch.epochs,
        "ms_per_epoch": round(median / watch.epochs, 1),
        "ratio": round(statistics.median(ratios), 2),
        "living": round(statistics.fmean(watch.living), 2),
    }


@click.command()
@click.argument("algorithms", nargs=-1, required=True)
@click.option("--env", "environment", default="smac:3s5z", show_default=True)
@click.option("-o", "--option", "overrides", multiple=True, metavar="KEY=VALUE", help="For all of them.")
@click.option("--repeats", type=click.IntRange(min=1), default=9, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def main(
    algorithms: tuple[str, ...], environment: str, overrides: tuple[str, ...], repeats: int, as_json: bool
) -> None:
    """Time the updates of ALGORITHMS in turn."""
    limit_threads(1)
    from marlzoo.errors import MarlzooError
    from marlzoo.registry import Registry

    try:
        registry = Registry.load()
        watches = {
            text: start(registry, Contender.parse(text), environment, overrides) for text in algorithms
        }
    except MarlzooError as error:
        raise click.UsageError(str(error)) from error
    for _ in range(repeats):
        for watch in watches.values():
            watch.driver.learn(1)
    first = watches[algorithms[0]]
    found = {name: summary(watch, first) for name, watch in watches.items()}
    document = {"environment": environment, "repeats": repeats, "algorithms": found}
    click.echo(json.dumps(document, indent=None if as_json else 2))


if __name__ == "__main__":
    main()
