"""What is to be run: everything the user chose, resolved, checked and ready to be written down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from marlzoo.config import AlgorithmConfig, ResolvedConfig, config_model, resolve_algorithm_config
from marlzoo.errors import UsageError
from marlzoo.registry import Entry, EnvironmentChoice, Registry
from marlzoo.run.settings import RunSettings
from marlzoo.specs import AlgorithmSpec, SinkSpec


@dataclass(frozen=True)
class Plan:
    """One run before it has a folder."""

    algorithm: Entry[AlgorithmSpec]
    environment: EnvironmentChoice
    config: ResolvedConfig
    settings: RunSettings
    sinks: tuple[Entry[SinkSpec], ...]

    def to_json(self) -> dict[str, Any]:
        """The content of `config.json`."""
        return {
            "algorithm": self.algorithm.qualified,
            "environment": self.environment.id,
            "config": self.config.config.model_dump(mode="json"),
            "origins": self.config.origins,
            "settings": self.settings.model_dump(mode="json"),
            "sinks": [sink.qualified for sink in self.sinks],
        }

    def rows(self) -> list[tuple[str, Any, str]]:
        """Key, JSON value and origin of every hyper-parameter."""
        dumped = self.config.config.model_dump(mode="json")
        return [(key, _at(dumped, key), origin) for key, origin in self.config.origins.items()]


def make_plan(
    registry: Registry,
    algorithm: str,
    environment: str,
    *,
    env_args: Sequence[str] = (),
    overrides: Sequence[str] = (),
    settings: RunSettings | None = None,
    sinks: Sequence[str] = (),
) -> Plan:
    """Resolve names and values. `sinks` come in addition to the default ones.

    Raises:
        UsageError: a name, key or value is unknown or out of range.
    """
    entry = registry.algorithm(algorithm)
    choice = registry.environment(environment, env_args)
    config = resolve_algorithm_config(entry, choice, overrides)
    wanted = registry.default_sinks()
    wanted += [sink for sink in map(registry.sink, sinks) if sink not in wanted]
    return Plan(entry, choice, config, (settings or RunSettings()).resolved(), tuple(wanted))


def restore_plan(registry: Registry, document: Mapping[str, Any], where: str) -> Plan:
    """The plan that `Plan.to_json` wrote; `where` names its file in errors. Sinks that are not installed any
    more are left out: no number depends on them.

    Raises:
        UsageError: something that the run used does not exist any more, or has changed its settings.
    """
    try:
        entry = registry.algorithm(document["algorithm"])
        model = config_model(entry, AlgorithmConfig)
        config = ResolvedConfig(model.model_validate(document["config"]), dict(document["origins"]))
        settings = RunSettings.model_validate(document["settings"])
        choice = registry.environment(document["environment"])
        installed = {sink.qualified: sink for sink in registry.sinks()}
        sinks = tuple(installed[name] for name in document["sinks"] if name in installed)
    except KeyError as error:
        raise UsageError(f"{where} lacks {error}; restore the file or start a new run") from error
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise UsageError(
            f"{where} does not fit the installed version: {key}: {first['msg']}; "
            "install the version that the manifest names"
        ) from error
    return Plan(entry, choice, config, settings, sinks)


def _at(tree: Mapping[str, Any], key: str) -> Any:
    value: Any = tree
    for part in key.split("."):
        value = value[part]
    return value
