"""Building a pydantic model from settings of several origins, such as presets and `-o key=value`.

A text is read by the type of the field that it is for: `1` is a number for a number field and a string for a
string field. Every error is one line that names the setting it came from.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from marlzoo.errors import MarlzooError, UsageError, nearest

M = TypeVar("M", bound=BaseModel)

_OUT_OF_RANGE = frozenset({"greater_than", "greater_than_equal", "less_than", "less_than_equal"})

_WORDS: Mapping[str, Any] = {"true": True, "false": False, "none": None, "null": None}


@dataclass(frozen=True)
class Setting:
    """One value for one field. Fields of a nested model are addressed with dots."""

    key: str
    value: Any
    origin: str
    """Where the value came from, for people: `option -o`, `preset smac:3s5z (package/presets.toml)`."""
    shown: str
    """The setting as it was written, for error messages: `-o clip=3`."""
    error: type[MarlzooError] = UsageError
    """What to raise when the setting is wrong; a preset is the plug-in's fault, an option the user's."""


def setting_from_text(model: type[BaseModel], text: str, flag: str, origin: str) -> Setting:
    """Read `key=value`. `flag` is what stood before it on the command line, e.g. `-o`.

    Raises `UsageError` if there is no `=` or no such key.
    """
    shown = f"{flag} {text}".strip()
    key, equals, value = text.partition("=")
    key = key.strip()
    if not equals or not key:
        raise UsageError(f"cannot read {shown!r}; expected key=value")
    field = find_field(model, key, shown, UsageError)
    return Setting(key, read_value(field.annotation, value.strip()), origin, shown)


def find_field(model: type[BaseModel], key: str, shown: str, error: type[MarlzooError]) -> FieldInfo:
    """The field that the dotted `key` addresses. Raises `error` with the nearest key if there is none."""
    head, dot, rest = key.partition(".")
    field = model.model_fields.get(head)
    if field is None:
        raise error(f"unknown key {head!r} (from {shown}){nearest(head, model.model_fields)}")
    nested = nested_model(field)
    if nested is not None and not dot:
        raise error(f"key {key!r} is a group (from {shown}); known parts: {', '.join(nested.model_fields)}")
    if not dot:
        return field
    if nested is None:
        raise error(f"key {head!r} has no parts; {key!r} cannot be set (from {shown})")
    return find_field(nested, rest, shown, error)


def nested_model(field: FieldInfo) -> type[BaseModel] | None:
    """The model that a field holds, if it holds one."""
    kind = field.annotation
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def read_value(annotation: Any, text: str) -> Any:
    """The reading of `text` that fits `annotation`, or `text` if none does: validation will say why."""
    adapter: TypeAdapter[Any] = TypeAdapter(annotation)
    return next((reading for reading in _readings(text) if _fits(adapter, reading)), text)


def _fits(adapter: TypeAdapter[Any], reading: Any) -> bool:
    """Whether `reading` is of the adapter's type without any conversion, though perhaps out of range."""
    try:
        adapter.validate_json(json.dumps(reading), strict=True)
    except ValidationError as error:
        return any(complaint["type"] in _OUT_OF_RANGE for complaint in error.errors())
    return True


def _readings(text: str) -> Iterable[Any]:
    """All ways to read `text`, the most specific first."""
    yield from _scalars(text)
    if text[:1] in {"[", "{", '"'}:
        with contextlib.suppress(ValueError):
            yield json.loads(text)
    parts = [part.strip() for part in text.strip("[]()").split(",") if part.strip()]
    for items in zip(*(_scalars(part) for part in parts), strict=True):
        yield list(items)


def _scalars(text: str) -> tuple[Any, Any, str]:
    """Three readings: as a word or number, with whole numbers as integers (`1e6`), and as it stands."""
    if text.lower() in _WORDS:
        word = _WORDS[text.lower()]
        return word, word, text
    with contextlib.suppress(ValueError):
        return int(text), int(text), text
    with contextlib.suppress(ValueError):
        number = float(text)
        return number, int(number) if number.is_integer() else number, text
    return text, text, text


def build(model: type[M], settings: Sequence[Setting]) -> tuple[M, dict[str, str]]:
    """The model with `settings` applied, later ones winning, and the origin of every value by key.

    Raises the `error` of the setting at fault, in one line.
    """
    winning = {setting.key: setting for setting in settings}
    try:
        built = model.model_validate(_nest(winning))
    except ValidationError as error:
        raise _one_line(error, winning) from None
    origins = dict.fromkeys(flat_keys(model), "default")
    return built, origins | {key: setting.origin for key, setting in winning.items()}


def flat_keys(model: type[BaseModel]) -> Iterable[str]:
    """The keys of a model, dotted where models are nested."""
    for key, field in model.model_fields.items():
        nested = nested_model(field)
        if nested is None:
            yield key
        else:
            yield from (f"{key}.{part}" for part in flat_keys(nested))


def _nest(settings: Mapping[str, Setting]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for key, setting in settings.items():
        *parents, leaf = key.split(".")
        branch = tree
        for parent in parents:
            branch = branch.setdefault(parent, {})
        branch[leaf] = setting.value
    return tree


def _one_line(error: ValidationError, settings: Mapping[str, Setting]) -> MarlzooError:
    """pydantic's first complaint in our words: `clip: 3 is not less than or equal to 1 (from -o clip=3)`."""
    complaint = error.errors()[0]
    location = [part for part in complaint["loc"] if isinstance(part, str)]
    keys = [".".join(location[:end]) for end in range(len(location), 0, -1)]
    setting = next((settings[key] for key in keys if key in settings), None)
    message = _reworded(complaint["msg"], complaint["input"])
    if setting is None:
        where = ", ".join(dict.fromkeys(setting.shown for setting in settings.values()))
        subject = f"{keys[0]}: {message}" if keys else message
        return UsageError(f"{subject} (from {where})" if where else subject)
    return setting.error(f"{setting.key}: {message} (from {setting.shown})")


def _reworded(message: str, value: Any) -> str:
    message = message.partition(", unable to ")[0].removeprefix("Value error, ")
    if message.startswith("Input should be "):
        return f"{value!r} is not {message.removeprefix('Input should be ')}"
    return message[:1].lower() + message[1:]
