"""Errors that a user can act on. Each message is one line: what was wrong, what was expected, what to do.

The command line prints the message alone and exits with `exit_code`; `--debug` shows the traceback.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class MarlzooError(Exception):
    """Base of all expected failures. `exit_code` is what the command line exits with."""

    exit_code = 1


class UsageError(MarlzooError):
    """The user asked for something that does not exist or is out of range (exit code 2)."""

    exit_code = 2


class MissingPieceError(MarlzooError):
    """Something that has to be installed is not there (exit code 3)."""

    exit_code = 3


class RunError(MarlzooError):
    """A run failed: non-finite loss, full disk, a crashed environment (exit code 1)."""


class PluginError(MarlzooError):
    """A plug-in is broken or breaks a rule of the zoo (exit code 1)."""


def in_one_line(error: BaseException) -> str:
    """The message of one of ours; type and message of whatever else was raised."""
    message = " ".join(str(error).split())
    if isinstance(error, MarlzooError):
        return message
    return f"{type(error).__name__}: {message}" if message else type(error).__name__


def nearest(word: str, known: Iterable[str]) -> str:
    """A hint for a mistyped `word`: `"; did you mean 'x'?"`, or all that exists if nothing is near."""
    names = sorted(known)
    close = difflib.get_close_matches(word, names, n=1, cutoff=0.5)
    if close:
        return f"; did you mean {close[0]!r}?"
    return f"; known: {', '.join(names)}" if names else ""
