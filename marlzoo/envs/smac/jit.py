"""How the kernels are compiled."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import numba

from marlzoo.kernel_collector import hold_collector_while_compiling
from marlzoo.kernel_sources import source_digest

Kernel = TypeVar("Kernel", bound=Callable[..., Any])

_OPTIONS: dict[str, Any] = {"error_model": "numpy", "_nrt": False}
# Without the run-time's reference counts: every array lives in the environment object, and counting the
# dozen arrays that each small function is passed would take three quarters of the time. A kernel under this
# option cannot allocate.

_ENTRY_OPTIONS: dict[str, Any] = {"cache": True, "no_cfunc_wrapper": True, **_OPTIONS}
# Only Python calls the entry kernels: a wrapper for C would be compiled for nothing.

_INNER_OPTIONS: dict[str, Any] = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True, **_OPTIONS}
# Only kernels call the others, so they need neither; Python cannot call them.


hold_collector_while_compiling()


def physics(function: Kernel) -> Kernel:
    """Compile a kernel of the simulation: IEEE rules on the order of operations are relaxed."""
    return numba.njit(fastmath=True, forceinline=True, **_INNER_OPTIONS)(function)


def exact(function: Kernel) -> Kernel:
    """Compile a kernel that computes in the written order."""
    return numba.njit(forceinline=True, **_INNER_OPTIONS)(function)


def merged(function: Kernel) -> Kernel:
    """Make a kernel a part of its caller before either is compiled; the caller's options are its own.

    Every other kernel is optimised once by itself and again within each kernel above it. This spares large
    kernels with a single caller that; it costs more than it saves for a kernel with several.
    """
    return numba.njit(inline="always", **_INNER_OPTIONS)(function)


def persistent(function: Kernel) -> Kernel:
    """Compile an entry kernel that computes in the written order, and keep the machine code on disk."""
    return _kept(function)


def persistent_physics(function: Kernel) -> Kernel:
    """Compile an entry kernel of the simulation, under relaxed rules, and keep the machine code on disk."""
    return _kept(function, fastmath=True)


def _kept(function: Kernel, **options: Any) -> Kernel:
    """Compile an entry kernel under a name for this state of the sources.

    Numba's cache notices when the file of the entry kernel changes, but not when a kernel that it calls
    does, and it cannot read entries that name a type which is no longer there.
    """
    function.__qualname__ += f"-{_digest()}"
    return numba.njit(**options, **_ENTRY_OPTIONS)(function)


@cache
def _digest() -> str:
    """A word that changes with any source file of this package that kernels are made of."""
    return source_digest(
        path
        for path in Path(__file__).parent.glob("*.py")
        if path.name in _CONSTANTS or b"smac.jit" in path.read_bytes()
    )


_CONSTANTS = ("jit.py", "state.py", "rules.py", "terrain.py")
"""Files without kernels whose constants are compiled into kernels."""
