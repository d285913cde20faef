"""A process's environment variables and working directory, which plug-ins leave as they are."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping

STEERING = ("MARLZOO_", "MKL_", "NUMBA_", "NUMEXPR_", "OMP_", "OPENBLAS_", "VECLIB_")
"""How the names of variables begin that may not even be added. Other new ones are their library's business:
many set some when they are imported."""


class Surroundings:
    """Variables and working directory as they were when this was made."""

    def __init__(self) -> None:
        self._variables = dict(os.environ)
        self._folder = _current_folder()

    def put_back(self) -> list[str]:
        """Undo what was changed since, and return what it was, without values: they may be secrets."""
        names = changed_variables(self._variables, os.environ)
        for name in names:
            _set_variable(name, self._variables.get(name))
        changed = [f"the environment variable {name}" for name in names]
        if _current_folder() != self._folder:
            with contextlib.suppress(OSError):
                os.chdir(self._folder)
            changed.append("the working directory")
        return changed


def changed_variables(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """The environment variables that were changed or removed, and those of `STEERING` that were added."""
    changed = [name for name, value in before.items() if now.get(name) != value]
    added = [name for name in now if name not in before and name.startswith(STEERING)]
    return sorted(changed + added)


def _set_variable(name: str, value: str | None) -> None:
    if value is None:
        os.environ.pop(name, None)
    else:
        os.environ[name] = value


def _current_folder() -> str:
    try:
        return os.getcwd()
    except OSError:  # somebody removed it
        return ""
