"""`marlzoo show`: one algorithm, environment or suite in full."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import click

from marlzoo.cli.complete import complete_environment, complete_name, environment_ids
from marlzoo.cli.list import action_kinds, entry_json, origin
from marlzoo.cli.render import (
    SettingRow,
    json_option,
    print_facts,
    print_heading,
    print_json,
    print_settings,
    show_value,
)
from marlzoo.cli.state import State, pass_state
from marlzoo.config import (
    AlgorithmConfig,
    EnvConfig,
    ResolvedConfig,
    config_model,
    flat_values,
    read_named_presets,
    resolve_algorithm_config,
)
from marlzoo.errors import UsageError, nearest
from marlzoo.field_help import FieldHelp, describe_fields
from marlzoo.registry import Entry, EnvironmentChoice, Registry
from marlzoo.specs import AlgorithmSpec, Suite


@click.command("show")
@click.argument("name", shell_complete=complete_name)
@click.option(
    "--env",
    "environment",
    metavar="ENV",
    shell_complete=complete_environment,
    help="For an algorithm: show the values that its presets set in this environment.",
)
@click.option(
    "-o",
    "--option",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    help="With --env: a setting, or preset=NAME for a preset that has a name.",
)
@json_option
@pass_state
def command(
    state: State, name: str, environment: str | None, overrides: tuple[str, ...], as_json: bool
) -> None:
    """Show the algorithm, environment or suite called NAME: with every setting, default, range and help."""
    registry = state.registry
    if overrides and environment is None:
        raise UsageError("-o shows settings in an environment; name it with --env")
    choice = None if environment is None else registry.environment(environment)
    if choice is not None or _has(registry.algorithms(), name):
        _show_algorithm(registry.algorithm(name), choice, overrides, as_json)
    elif _has(registry.environments(), name.partition("?")[0].partition(":")[0]):
        _show_environment(registry, name, as_json)
    elif _has(registry.suites(), name):
        _show_suite(registry.suite(name), as_json)
    else:
        raise UsageError(f"no algorithm, environment or suite is called {name!r}{_hint(registry, name)}")


def _has(entries: Sequence[Entry[Any]], name: str) -> bool:
    return any(name in {entry.spec.name, entry.qualified} for entry in entries)


def _hint(registry: Registry, name: str) -> str:
    entries: list[Entry[Any]] = [*registry.algorithms(), *registry.environments(), *registry.suites()]
    hint = nearest(name, [*environment_ids(registry), *(entry.address for entry in entries)])
    return hint if "did you mean" in hint else "; see 'marlzoo list'"


def _show_algorithm(
    entry: Entry[AlgorithmSpec], choice: EnvironmentChoice | None, overrides: Sequence[str], as_json: bool
) -> None:
    fields = describe_fields(config_model(entry, AlgorithmConfig))
    resolved = None if choice is None else resolve_algorithm_config(entry, choice, overrides)
    named = list(read_named_presets(entry))
    if as_json:
        settings = _algorithm_settings(fields, resolved)
        print_json({**entry_json(entry), "named_presets": named, "settings": settings})
        return
    spec = entry.spec
    print_heading(entry.address, spec.summary)
    facts = [
        ("paper", spec.paper),
        ("from", origin(entry)),
        ("actions", action_kinds(spec.discrete, spec.continuous).replace("both", "discrete and continuous")),
        (
            "agents",
            "acts with any number once trained" if spec.count_free else "as many as it was trained with",
        ),
        ("tags", ", ".join(spec.tags)),
        ("named presets", ", ".join(f"{name} (-o preset={name})" for name in named)),
    ]
    if choice is not None and resolved is not None:
        facts += [("environment", choice.id), ("presets", ", ".join(_presets(resolved)) or "none")]
    print_facts(facts)
    click.echo()
    values = None if resolved is None else {key: value for key, value, _ in resolved.rows()}
    print_settings(_rows(fields, values))


def _algorithm_settings(fields: Sequence[FieldHelp], resolved: ResolvedConfig | None) -> list[dict[str, Any]]:
    settings = [vars(field) for field in fields]
    if resolved is None:
        return settings
    values = {key: {"value": value, "origin": origin} for key, value, origin in resolved.rows()}
    return [setting | values[setting["key"]] for setting in settings]


def _presets(resolved: ResolvedConfig) -> Iterable[str]:
    """The preset tables that set something, once each."""
    origins = dict.fromkeys(origin for origin in resolved.origins.values() if origin.startswith("preset "))
    return (origin.removeprefix("preset ") for origin in origins)


def _rows(fields: Sequence[FieldHelp], values: Mapping[str, Any] | None) -> list[SettingRow]:
    """The settings with `values`, or with their defaults."""
    rows = []
    for field in fields:
        default = "required" if field.required else show_value(field.default)
        value = default if values is None else show_value(values[field.key])
        rows.append(
            SettingRow(field.key, value, default if value != default else "", field.allowed, field.help)
        )
    return rows


def _show_environment(registry: Registry, name: str, as_json: bool) -> None:
    """A family, or with `family:task` one environment with the values of its arguments."""
    choice = registry.environment(name) if ":" in name else None
    entry = registry.family(name) if choice is None else choice.entry
    fields = describe_fields(config_model(entry, EnvConfig))
    if as_json:
        print_json({**entry_json(entry), "arguments": _arguments(fields, choice)})
        return
    spec = entry.spec
    print_heading(entry.address if choice is None else choice.id, spec.summary)
    tasks = ", ".join(spec.tasks) + (" and others" if spec.open_tasks else "")
    facts = [
        ("from", origin(entry)),
        ("score", f"{spec.score.name} (higher is better)"),
        ("needs", f"the extra {spec.requires!r}" if spec.requires else ""),
        ("tasks", tasks if choice is None else ""),
    ]
    print_facts(facts)
    click.echo()
    print_settings(_rows(fields, None if choice is None else flat_values(choice.config)))
    click.echo()
    click.echo("Give arguments as 'family:task?key=value' or with --env-arg key=value.")


def _arguments(fields: Sequence[FieldHelp], choice: EnvironmentChoice | None) -> list[dict[str, Any]]:
    values = {} if choice is None else flat_values(choice.config)
    return [vars(field) | ({"value": values[field.key]} if values else {}) for field in fields]


def _eval_interval(suite: Suite) -> int:
    from marlzoo.run.settings import RunSettings

    settings = RunSettings(steps=suite.steps, eval_interval=suite.eval_interval).resolved()
    return settings.eval_interval or suite.steps


def _show_suite(entry: Entry[Suite], as_json: bool) -> None:
    if as_json:
        print_json(entry_json(entry))
        return
    spec = entry.spec
    print_heading(entry.address, spec.summary)
    facts = [
        ("from", origin(entry)),
        ("environments", ", ".join(spec.environments)),
        ("steps", f"{spec.steps:,} in each"),
        ("evaluation", f"every {_eval_interval(spec):,} steps"),
        ("seeds", str(spec.seeds)),
        ("algorithms", ", ".join(spec.algorithms) or "any"),
    ]
    print_facts(facts)
