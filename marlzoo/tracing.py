"""`MARLZOO_TRACE_PLUGINS=1`: one line on standard error for every call of a hook."""

from __future__ import annotations

import reprlib
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

import pluggy

_SHORT = reprlib.Repr()
_SHORT.maxother = _SHORT.maxstring = 80
_SHORT.maxlist = _SHORT.maxtuple = 4


def trace_calls(manager: pluggy.PluginManager) -> None:
    """Show every hook call that `manager` makes: whose it is, its arguments, what it returned or raised,
    and how long it took."""
    begun: list[float] = []  # a stack, for a hook may cause another call

    def before(name: str, implementations: Sequence[pluggy.HookImpl], arguments: Mapping[str, Any]) -> None:
        begun.append(time.perf_counter())

    def after(
        outcome: pluggy.Result[Any],
        name: str,
        implementations: Sequence[pluggy.HookImpl],
        arguments: Mapping[str, Any],
    ) -> None:
        milliseconds = 1000 * (time.perf_counter() - begun.pop())
        plugin = ", ".join(implementation.plugin_name for implementation in implementations)
        call = f"{name}({', '.join(f'{key}={_SHORT.repr(value)}' for key, value in arguments.items())})"
        sys.stderr.write(f"trace: {plugin} {call} {_ending(outcome)} ({milliseconds:.2f} ms)\n")

    manager.add_hookcall_monitoring(before, after)


def _ending(outcome: pluggy.Result[Any]) -> str:
    if outcome.exception is not None:
        return f"raised {_one_line(repr(outcome.exception))}"
    answers = outcome.get_result()
    return f"-> {_one_line(_SHORT.repr(answers[0]))}" if answers else "-> None"


def _one_line(text: str) -> str:
    return " ".join(text.split())
