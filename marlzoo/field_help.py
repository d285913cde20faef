"""What a user may know of a configuration's fields: default, admissible values and help text."""

from __future__ import annotations

import types
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from marlzoo.overrides import nested_model

_NAMES = {bool: "true or false", int: "integer", float: "number", str: "text", types.NoneType: "none"}
_BOUNDS = {"gt": ">", "ge": ">=", "lt": "<", "le": "<="}


@dataclass(frozen=True)
class FieldHelp:
    """One field; `key` is dotted where models are nested."""

    key: str
    default: Any
    required: bool
    allowed: str
    """What may be given, in words: `integer 1 to 4096`, `number > 0 or none`."""
    help: str


def describe_fields(model: type[BaseModel], prefix: str = "") -> list[FieldHelp]:
    """Every field of `model`, in the order of declaration, parts of nested models included."""
    described: list[FieldHelp] = []
    for key, field in model.model_fields.items():
        nested = nested_model(field)
        if nested is None:
            described.append(_describe(prefix + key, field))
        else:
            described += describe_fields(nested, f"{prefix}{key}.")
    return described


def _describe(key: str, field: FieldInfo) -> FieldHelp:
    return FieldHelp(
        key=key,
        default=None if field.is_required() else field.get_default(call_default_factory=True),
        required=field.is_required(),
        allowed=_allowed(field.annotation, field.metadata),
        help=field.description or "",
    )


def _allowed(annotation: Any, metadata: Sequence[Any] = ()) -> str:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _allowed(arguments[0], [*metadata, *_flat(arguments[1:])])
    if origin is Literal:
        return ", ".join(str(choice) for choice in arguments)
    if origin in (Union, types.UnionType):
        return " or ".join(
            _allowed(choice, () if choice is types.NoneType else metadata) for choice in arguments
        )
    if origin in (list, tuple, set, frozenset):
        items = [choice for choice in arguments if choice is not Ellipsis]
        return "list of " + " and ".join(dict.fromkeys(_allowed(item) for item in items))
    name = _NAMES.get(annotation, getattr(annotation, "__name__", str(annotation)))
    return f"{name} {_range(metadata)}".strip()


def _flat(metadata: Iterable[Any]) -> Iterable[Any]:
    """Constraints that stand in a nested `Field(...)` count like those that stand alone."""
    for item in metadata:
        yield from item.metadata if isinstance(item, FieldInfo) else [item]


def _range(metadata: Iterable[Any]) -> str:
    bounds = {
        name: value
        for item in metadata
        for name in _BOUNDS
        if (value := getattr(item, name, None)) is not None
    }
    if set(bounds) == {"ge", "le"}:
        return f"{bounds['ge']} to {bounds['le']}"
    return " and ".join(f"{_BOUNDS[name]} {bounds[name]}" for name in _BOUNDS if name in bounds)
