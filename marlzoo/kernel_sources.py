"""A number for the sources of compiled kernels. Imports nothing heavy."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path


def source_digest(sources: Iterable[Path]) -> str:
    """A word that changes with any of these files, to be put into the qualified names of kernels.

    Numba's cache knows a kernel by that name. By itself it notices when the file of the kernel changes, but
    neither when a kernel that it calls does, nor when a constant from another file does.
    """
    digest = hashlib.sha256()
    for path in sorted(sources):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]
