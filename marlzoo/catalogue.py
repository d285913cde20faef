"""Checking what a catalogue hook returned: dataclasses do not check their own fields."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import fields
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from marlzoo.errors import PluginError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]*")
_REFERENCE = re.compile(r"[\w.]+:[\w.]+")
_REFERENCE_FIELDS = frozenset({"algorithm", "config", "make", "sink"})


def checked_catalogue(hook: str, answer: Any, expected: type[Any]) -> list[Any]:
    """The values that a plug-in returned from `hook`, if every one is a sound `expected`.

    Raises:
        PluginError: not a list, a value of another type, a field of the wrong type, or a name used twice.
    """
    if not isinstance(answer, Sequence) or isinstance(answer, str):
        raise PluginError(f"{hook} returned {_kind(answer)}; expected a list of {expected.__name__}")
    names: set[str] = set()
    for spec in answer:
        if not isinstance(spec, expected):
            raise PluginError(f"{hook} returned a list with {_kind(spec)}; expected only {expected.__name__}")
        _check_fields(hook, spec)
        if spec.name in names:
            raise PluginError(f"{hook} returned {spec.name!r} twice; names must differ")
        names.add(spec.name)
    return list(answer)


def _check_fields(hook: str, spec: Any) -> None:
    hints = get_type_hints(type(spec))
    for field in fields(spec):
        value = getattr(spec, field.name)
        where = f"{hook}: {type(spec).__name__}.{field.name}"
        if not _fits(value, hints[field.name]):
            raise PluginError(f"{where} is {value!r}; expected {field.type}")
        if field.name == "name" and not _NAME.fullmatch(value):
            raise PluginError(f"{where} is {value!r}; expected letters, digits and _ . + - only")
        if field.name in _REFERENCE_FIELDS and not _REFERENCE.fullmatch(value):
            raise PluginError(f"{where} is {value!r}; expected 'module:attribute'")


def _fits(value: Any, hint: Any) -> bool:
    """Whether `value` has the type `hint`, for the few kinds of hints that specs use."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return any(_fits(value, choice) for choice in arguments)
    if origin is tuple:
        return isinstance(value, tuple) and all(_fits(item, arguments[0]) for item in value)
    if origin is not None:
        return isinstance(value, origin)
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, hint)


def _kind(value: Any) -> str:
    return "None" if value is None else f"a {type(value).__name__}"
