"""Keeping a run's process as it should be while plug-ins run in it.

Torch's default dtype, numpy's handling of errors, an environment variable: whoever changes one of them
changes it for everybody in the process, and a comparison then compares something else. The guard looks
after every update, every evaluation and every hook call, puts back what was changed, warns once and counts.
It keeps accidents from doing harm and is no sandbox: a plug-in is code that the user chose to install.
"""

from __future__ import annotations

import contextlib
import logging
from collections import Counter
from collections.abc import Iterator
from typing import Any

from marlzoo.run.global_state import GENERATORS, kept, standard_settings
from marlzoo.run.seeding import SeedTree
from marlzoo.surroundings import Surroundings

logger = logging.getLogger(__name__)


class Guard:
    """Watches over the global state of the process; `guarded` makes one."""

    def __init__(self, seed: int, threads: int) -> None:
        self.counts: Counter[str] = Counter()
        """How often each thing was found changed."""
        self._seeds = SeedTree(seed)
        self._step = 0
        self._settings = standard_settings(threads)
        self.surroundings = Surroundings()
        self._marks: list[Any] = []

    def open(self) -> None:
        """Give every setting its value. How many threads there were before is the caller's own business."""
        threads, standard = self._settings[0]
        threads.write(standard)
        self._check_settings("before the run")
        self.seed(0)

    def seed(self, step: int) -> None:
        """Set the global generators by the run's seed and `step`, so that even a plug-in that should not use
        them can be repeated and resumed."""
        self._step = step
        for generator in GENERATORS:
            generator.seed(self._seeds.shared(step))
        self._marks = [generator.read() for generator in GENERATORS]

    def check(self, source: str, step: int | None = None) -> None:
        """Put back what was changed since the last check, by `source`. `step` is where the run stands."""
        self._step = self._step if step is None else step
        self._check_settings(source)
        for name in self.surroundings.put_back():
            self._report(name, f"changed {source}; it was put back")
        self._check_generators(source)

    def _check_settings(self, source: str) -> None:
        for setting, standard in self._settings:
            found = setting.read()
            if found != standard:
                setting.write(standard)
                self._report(setting.name, f"changed from {standard} to {found} {source}; it was put back")

    def _check_generators(self, source: str) -> None:
        """Generators are seeded anew and not put back: every update would then draw the same numbers."""
        for generator, mark in zip(GENERATORS, self._marks, strict=True):
            if generator.read() != mark:
                self._report(generator.name, f"used {source}; draw from context.generator instead")
        self.seed(self._step)

    def _report(self, name: str, what: str) -> None:
        self.counts[name] += 1
        if self.counts[name] == 1:
            logger.warning("warning: %s was %s", name, what)


@contextlib.contextmanager
def guarded(seed: int, threads: int) -> Iterator[Guard]:
    """Watch over the global state inside the block. Afterwards everything is as the caller had it."""
    guard = Guard(seed, threads)
    with kept():
        try:
            guard.open()
            yield guard
        finally:
            guard.surroundings.put_back()
