"""Configuration: one pydantic model per algorithm and per environment family, presets, and origins.

Presets are TOML files that a plug-in ships. A `[default]` table holds for every environment; `["smac"]` for a
family, `["smac:*_vs_*"]` for the tasks that a pattern matches, `["smac:3s5z"]` for one task. The more
specific table wins; of two patterns, the later one.

Beside these there may be presets with names: `[presets.published."smac:3s5z"]` is a table of the preset
`published`, which a user chooses with `-o preset=published`. Its tables take the place of the nameless ones.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import reduce
from importlib import resources
from operator import itemgetter
from typing import Any, TypeVar
from urllib.parse import quote, unquote

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from marlzoo.errors import PluginError, UsageError, nearest
from marlzoo.overrides import Setting, build, find_field, flat_keys, setting_from_text
from marlzoo.registry import Entry, EnvironmentChoice
from marlzoo.specs import AlgorithmSpec

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


C = TypeVar("C", bound="EnvConfig")

NAMED_PRESETS = "presets"
"""The table of a file of presets that holds those with a name."""

PRESET_KEY = "preset"
"""What `-o` calls the choice of one: a key that no algorithm's settings have."""


class _Config(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, validate_default=True)


class AlgorithmConfig(_Config):
    """Base of every algorithm's configuration. Field descriptions are the help text of `marlzoo show`."""

    num_envs: int = Field(32, ge=1, le=4096, description="Environments stepped side by side.")


class EnvConfig(_Config):
    """Base of the arguments of an environment family."""

    @classmethod
    def from_texts(cls: type[C], query: str, texts: Sequence[str]) -> C:
        """Read `key=value&key=value`, the query of an environment id, and `--env-arg` texts, which win.

        Raises `UsageError` for an unknown argument, or a value of the wrong type or out of range.
        """
        parts = [unquote(part) for part in query.split("&") if part]
        settings = [setting_from_text(cls, part, "argument", "environment id") for part in parts]
        settings += [setting_from_text(cls, text, "--env-arg", "option --env-arg") for text in texts]
        return build(cls, settings)[0]

    def query(self) -> str:
        """The arguments that are not at their defaults, by name: `backend=starcraft2&difficulty=A`.

        A default may depend on other arguments: one is left out if the same values come out without it.
        """
        needed = {key: getattr(self, key) for key in sorted(type(self).model_fields)}
        for key in sorted(needed):
            fewer = {name: value for name, value in needed.items() if name != key}
            needed = fewer if self._equals(fewer) else needed
        values = self.model_dump(mode="json", include=set(needed))
        return "&".join(f"{key}={quote(_as_text(values[key]), safe=_QUERY_SAFE)}" for key in needed)

    def _equals(self, arguments: Mapping[str, Any]) -> bool:
        try:
            return type(self).model_validate(arguments) == self
        except ValidationError:
            return False


_QUERY_SAFE = '[]{}",:/.+ '


def _as_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(value, separators=(",", ":"))


@dataclass(frozen=True)
class ResolvedConfig:
    """An algorithm's configuration with the origin of every value, by (dotted) key."""

    config: AlgorithmConfig
    origins: dict[str, str]

    def rows(self) -> list[tuple[str, Any, str]]:
        """`(key, value, origin)` of every value, in the order of the model's fields."""
        values = flat_values(self.config)
        return [(key, values[key], origin) for key, origin in self.origins.items()]


def flat_values(model: BaseModel) -> dict[str, Any]:
    """The values of a model by key, dotted where models are nested."""
    return {key: reduce(getattr, key.split("."), model) for key in flat_keys(type(model))}


def resolve_algorithm_config(
    entry: Entry[AlgorithmSpec], environment: EnvironmentChoice | None, overrides: Sequence[str] = ()
) -> ResolvedConfig:
    """Defaults, then the presets for `environment`, then `overrides` (`key=value` texts).

    Among them `preset=NAME` chooses the preset of that name; the last one counts.

    Raises:
        UsageError: an override has an unknown key, the wrong type, or is out of range; there is no preset of
            that name, or it has nothing for `environment`.
        PluginError: a preset has.
    """
    model = config_model(entry, AlgorithmConfig)
    choices = [text for text in overrides if _chooses_preset(text)]
    if choices:
        presets = named_preset_settings(entry, environment, choices[-1])
    else:
        presets = preset_settings(entry, environment)
    texts = [text for text in overrides if not _chooses_preset(text)]
    options = [setting_from_text(model, text, "-o", "option -o") for text in texts]
    config, origins = build(model, [*presets, *options])
    return ResolvedConfig(config, origins)


def _chooses_preset(override: str) -> bool:
    return override.partition("=")[0].strip() == PRESET_KEY


def preset_of(origins: Iterable[str]) -> str | None:
    """The name of the preset among the origins of a configuration's values; None without one."""
    for origin in origins:
        kind, *words = origin.partition(" (")[0].split()
        if kind == PRESET_KEY and len(words) > 1:
            return words[0]
    return None


def config_model(entry: Entry[Any], base: type[_Config]) -> Any:
    """The configuration class of a spec. Raises `PluginError` if it is not a `base`."""
    model = entry.load(entry.spec.config)
    if not (isinstance(model, type) and issubclass(model, base)):
        raise PluginError(f"{entry.qualified}: {entry.spec.config} is not a subclass of {base.__name__}")
    return model


def preset_settings(entry: Entry[AlgorithmSpec], environment: EnvironmentChoice | None) -> list[Setting]:
    """The settings of every nameless preset table that holds for `environment`, the most specific last."""
    return _fitting(read_presets(entry), environment)


def named_preset_settings(
    entry: Entry[AlgorithmSpec], environment: EnvironmentChoice | None, choice: str
) -> list[Setting]:
    """The settings that the text `choice`, `preset=NAME`, stands for in `environment`.

    Raises:
        UsageError: there is no preset of that name, or none of its tables holds for `environment`.
    """
    name, presets = choice.partition("=")[2].strip(), read_named_presets(entry)
    if name not in presets:
        hint = nearest(name, presets) or "; no preset of this algorithm has a name"
        raise UsageError(f"no preset is called {name!r} (from -o {choice}){hint}")
    tables = presets[name]
    if not _holding(tables, environment):
        where = "without an environment" if environment is None else f"for {environment.base}"
        known = ", ".join(
            table for table in tables if ":" not in table or table.partition(":")[0] not in tables
        )
        raise UsageError(f"the preset {name!r} has nothing {where}; it is for {known}")
    return _fitting(tables, environment)


def _fitting(tables: Mapping[str, list[Setting]], environment: EnvironmentChoice | None) -> list[Setting]:
    """The settings of the tables that hold for `environment`, the most specific last."""
    return [setting for name in _holding(tables, environment) for setting in tables[name]]


def _holding(tables: Iterable[str], environment: EnvironmentChoice | None) -> list[str]:
    narrowness = {name: _specificity(name, environment) for name in tables}
    holding = [(narrow, name) for name, narrow in narrowness.items() if narrow is not None]
    return [name for _, name in sorted(holding, key=itemgetter(0))]


def read_presets(entry: Entry[AlgorithmSpec]) -> dict[str, list[Setting]]:
    """The nameless preset tables of an algorithm by environment, in the order of the file.

    Raises `PluginError` if the file is missing or malformed, or a key is unknown.
    """
    tables = {name: table for name, table in _read(entry).items() if name != NAMED_PRESETS}
    return _read_tables(entry, tables, "")


def read_named_presets(entry: Entry[AlgorithmSpec]) -> dict[str, dict[str, list[Setting]]]:
    """The tables of each preset with a name, by that name and by environment. Raises as `read_presets`."""
    named = _read(entry).get(NAMED_PRESETS, {})
    if not (isinstance(named, Mapping) and all(isinstance(tables, Mapping) for tables in named.values())):
        where = _place(entry)
        raise PluginError(f'presets in {where}: expected tables such as [presets.NAME."smac"]')
    return {name: _read_tables(entry, tables, f"{name} ") for name, tables in named.items()}


def _read(entry: Entry[AlgorithmSpec]) -> dict[str, Any]:
    if entry.spec.presets is None:
        return {}
    package, _, file = entry.spec.presets.partition(":")
    try:
        return tomllib.loads(resources.files(package).joinpath(file).read_text(encoding="utf-8"))
    except (OSError, ImportError, ValueError) as error:
        raise PluginError(f"{entry.qualified}: cannot read the presets {_place(entry)}: {error}") from error


def _place(entry: Entry[AlgorithmSpec]) -> str:
    """The file of the presets, for people."""
    return (entry.spec.presets or "").replace(":", "/")


def _read_tables(
    entry: Entry[AlgorithmSpec], tables: Mapping[str, Any], preset: str
) -> dict[str, list[Setting]]:
    model, where = config_model(entry, AlgorithmConfig), _place(entry)
    return {
        name: list(_table_settings(model, f"{preset}{name}", table, where)) for name, table in tables.items()
    }


def _table_settings(model: type[BaseModel], name: str, table: Any, where: str) -> Iterable[Setting]:
    shown = f"preset {name!r} in {where}"
    if not isinstance(table, Mapping):
        raise PluginError(f"{shown}: expected a table such as [default]")
    known = set(flat_keys(model))
    for key, value in _flat(table, known):
        find_field(model, key, shown, PluginError)
        yield Setting(key, value, f"preset {name} ({where})", shown, PluginError)


def _flat(table: Mapping[str, Any], known: set[str], prefix: str = "") -> Iterable[tuple[str, Any]]:
    """Tables inside a preset address nested models, unless the field itself is a table."""
    for key, value in table.items():
        path = prefix + key
        if isinstance(value, Mapping) and path not in known:
            yield from _flat(value, known, f"{path}.")
        else:
            yield path, value


def _specificity(name: str, environment: EnvironmentChoice | None) -> int | None:
    """How narrowly a preset table fits: default 0, family 1, pattern 2, task 3; `None` if it does not."""
    if name == "default":
        return 0
    if environment is None:
        return None
    if name == environment.entry.address:
        return 1
    if name == environment.base:
        return 3
    return 2 if fnmatchcase(environment.base, name) else None
