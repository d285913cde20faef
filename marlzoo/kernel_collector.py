"""The garbage collector and Numba's compiler."""

from __future__ import annotations

import gc
from functools import cache

from numba.core import event


class _Collector(event.Listener):
    """Holds the garbage collector back while a kernel is compiled.

    Nearly all that the compiler makes is in use until it is done: to look through it time and again takes a
    seventh of the time.
    """

    def __init__(self) -> None:
        self._depth = 0
        self._was_on = False

    def on_start(self, _: event.Event) -> None:
        if self._depth == 0:
            self._was_on = gc.isenabled()
            gc.disable()
        self._depth += 1

    def on_end(self, _: event.Event) -> None:
        self._depth -= 1
        if self._depth == 0 and self._was_on:
            gc.enable()


@cache
def hold_collector_while_compiling() -> None:
    """From now on, for every kernel of this process. Modules with kernels call it; once is enough."""
    event.register("numba:compile", _Collector())  # type: ignore[no-untyped-call]
