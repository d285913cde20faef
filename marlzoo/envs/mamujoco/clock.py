"""MuJoCo's stopwatch.

A step reads the clock more than a hundred times to fill `MjData.timer`, which nobody here looks at, and that
is a twelfth of the step. Without a clock MuJoCo does not time itself; nothing else depends on it.
"""

from __future__ import annotations

import contextlib
import ctypes
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import mujoco


@contextlib.contextmanager
def untimed() -> Iterator[None]:
    """Within this block MuJoCo has no clock. Afterwards it has the one from before, for it belongs to the
    whole process."""
    clock = _clock()
    if clock is None:
        yield
        return
    before = clock.value
    clock.value = None
    try:
        yield
    finally:
        clock.value = before


@cache
def _clock() -> ctypes.c_void_p | None:
    """MuJoCo's global `mjcb_time`, a pointer that Python's bindings can set to a function but not to null.
    None where the library is not found beside the bindings; steps are timed then."""
    folder = Path(mujoco.__file__).parent
    for library in sorted([*folder.glob("libmujoco*"), *folder.glob("mujoco.dll")]):
        with contextlib.suppress(OSError, ValueError):
            return ctypes.c_void_p.in_dll(ctypes.CDLL(str(library)), "mjcb_time")
    return None
