"""How the kernels of this family are compiled, and the types they are written with."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import numpy as np
from numba import njit
from numpy.typing import NDArray

from marlzoo.kernel_collector import hold_collector_while_compiling
from marlzoo.kernel_sources import source_digest

F = TypeVar("F", bound=Callable[..., Any])

Floats: TypeAlias = NDArray[np.floating[Any]]
Ints: TypeAlias = NDArray[np.int32]
Bools: TypeAlias = NDArray[np.bool_]
Words: TypeAlias = NDArray[np.uint64]

_OPTIONS: dict[str, Any] = {"cache": True, "error_model": "numpy", "forceinline": True, "_nrt": False}
_CONSTANTS = ("kernel.py", "config.py", "rules.py", "variants.py")
"""Files without kernels whose constants and types are compiled into kernels."""

_DIGEST = source_digest(
    path
    for path in Path(__file__).parent.glob("*.py")
    if path.name in _CONSTANTS or b"dubins.kernel import" in path.read_bytes()
)


hold_collector_while_compiling()


def kernel(function: F) -> F:
    """Compile `function`: serial, cached, IEEE division. Never fast-math, because results must depend neither
    on the size of the batch nor on the processor.

    Kernels work in the float type of their arguments. A literal such as `0.5` is a double and would promote
    single precision, which is why constants travel in a `Physics` or `Rules` tuple, already cast.

    Kernels pass tuples of dozens of arrays to each other, which costs nothing once they are inlined (five
    times the speed at 8 cars). They neither allocate nor return arrays, so that counting references can be
    left out.

    A change of any file with kernels or constants makes Numba compile all of them anew.
    """
    function.__qualname__ += f"-{_DIGEST}"
    compiled: F = njit(**_OPTIONS)(function)
    return compiled
