"""The check that an algorithm leaves alone what the process has only one of."""

from __future__ import annotations

from marlzoo.run.global_state import GENERATORS, STANDARD, THREADS
from marlzoo.testing.driver import Driver
from marlzoo.testing.failure import ContractFailure
from marlzoo.testing.playing import expect_same_run, learned
from marlzoo.testing.subject import Subject

SETTINGS = (THREADS, *(setting for setting, _ in STANDARD))


def global_state(subject: Subject, world: str) -> None:
    """Neither a global generator nor a global setting is touched, nor do the generators matter."""
    one, other = (_watched(subject, world, seed) for seed in (1, 2))
    expect_same_run(one, other, "a run not to depend on the global generators of torch, numpy and Python")


def _watched(subject: Subject, world: str, seed: int) -> Driver:
    """A driver after learning and play, in a process with seeded generators that nobody touched since.

    Raises:
        ContractFailure: they were, or a setting was changed.
    """
    for generator in GENERATORS:
        generator.seed(seed)
    states = [generator.read() for generator in GENERATORS]
    settings = [setting.read() for setting in SETTINGS]
    driver = learned(subject, subject.driver(world))
    driver.play(3)
    for generator, state in zip(GENERATORS, states, strict=True):
        if generator.read() != state:
            raise ContractFailure(
                "all random numbers to come from context.generator (for weights: context.initial)",
                f"{generator.name} was used",
            )
    for setting, value in zip(SETTINGS, settings, strict=True):
        if setting.read() != value:
            raise ContractFailure("global settings to stay", f"{setting.name} became {setting.read()}")
    return driver
