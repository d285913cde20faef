"""A plug-in with one suite, of an environment of `tiny_zoo.py`."""

from __future__ import annotations

from marlzoo import hookimpl
from marlzoo.specs import Suite

MARLZOO_API = 1


@hookimpl
def marlzoo_suites() -> list[Suite]:
    return [Suite("tiny", "One echo", ("echo:1",), steps=200, seeds=2)]
