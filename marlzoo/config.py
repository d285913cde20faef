"""Configuration: one pydantic model per algorithm and per environment family, presets, and origins.

Presets are TOML files that a plug-in ships. A `[default]` table holds for every environment; `["smac"]` for a
family, `["smac:*_vs_*"]` for the tasks that a pattern matches, `["smac:3s5z"]` for one task. The more
specific table wins; of two patterns, the later one.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import reduce
from importlib import resources
from typing import Any, TypeVar
from urllib.parse import quote, unquote

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from marlzoo.errors import PluginError
from marlzoo.overrides import Setting, build, find_field, flat_keys, setting_from_text
from marlzoo.registry import Entry, EnvironmentChoice
from marlzoo.specs import AlgorithmSpec

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


C = TypeVar("C", bound="EnvConfig")


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

    Raises:
        UsageError: an override has an unknown key, the wrong type, or is out of range.
        PluginError: a preset has.
    """
    model = config_model(entry, AlgorithmConfig)
    options = [setting_from_text(model, text, "-o", "option -o") for text in overrides]
    config, origins = build(model, [*preset_settings(entry, environment), *options])
    return ResolvedConfig(config, origins)


def config_model(entry: Entry[Any], base: type[_Config]) -> Any:
    """The configuration class of a spec. Raises `PluginError` if it is not a `base`."""
    model = entry.load(entry.spec.config)
    if not (isinstance(model, type) and issubclass(model, base)):
        raise PluginError(f"{entry.qualified}: {entry.spec.config} is not a subclass of {base.__name__}")
    return model


def preset_settings(entry: Entry[AlgorithmSpec], environment: EnvironmentChoice | None) -> list[Setting]:
    """The settings of every preset table that holds for `environment`, the most specific last."""
    if entry.spec.presets is None:
        return []
    tables = read_presets(entry)
    names = [name for name in tables if _specificity(name, environment) is not None]
    names.sort(key=lambda name: _specificity(name, environment) or 0)
    return [setting for name in names for setting in tables[name]]


def read_presets(entry: Entry[AlgorithmSpec]) -> dict[str, list[Setting]]:
    """All preset tables of an algorithm by name, in the order of the file.

    Raises `PluginError` if the file is missing or malformed, or a key is unknown.
    """
    package, _, file = (entry.spec.presets or "").partition(":")
    where = f"{package}/{file}"
    try:
        content = tomllib.loads(resources.files(package).joinpath(file).read_text(encoding="utf-8"))
    except (OSError, ImportError, ValueError) as error:
        raise PluginError(f"{entry.qualified}: cannot read the presets {where}: {error}") from error
    model = config_model(entry, AlgorithmConfig)
    return {name: list(_table_settings(model, name, table, where)) for name, table in content.items()}


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
