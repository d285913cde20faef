"""What exists, by name: algorithms, environments, suites and sinks of all loaded plug-ins.

A name is bare (`mappo`) or qualified by its distribution (`marlzoo-foo/mappo`). A bare name that several
distributions claim belongs to the built-in one; if none is built in, it is an error that names them all.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from marlzoo.discovery import canonical_name
from marlzoo.errors import MarlzooError, MissingPieceError, PluginError, UsageError, nearest
from marlzoo.plugins import PluginHost, PluginInfo, load_plugins
from marlzoo.specs import AlgorithmSpec, EnvironmentSpec, Score, SinkSpec, Suite, load_object

if TYPE_CHECKING:
    from marlzoo.config import EnvConfig
    from marlzoo.envs.contract import BatchedEnv


class Named(Protocol):
    """Every spec has a name."""

    @property
    def name(self) -> str: ...


S = TypeVar("S", bound=Named, covariant=True)


@dataclass(frozen=True)
class Entry(Generic[S]):
    """A spec with the plug-in that it came from."""

    spec: S
    plugin: PluginInfo
    address: str
    """The shortest name that finds it: bare, or qualified where the bare name is somebody else's."""

    @property
    def qualified(self) -> str:
        return f"{self.plugin.distribution}/{self.spec.name}"

    def file_hash(self) -> str:
        """SHA-256 of the plug-in's files, for the birth certificate of a result."""
        return self.plugin.file_hash()

    def load(self, reference: str) -> Any:
        """Import `"module:attribute"`, one of the spec's lazy references.

        Raises:
            MissingPieceError: a module is not installed.
            PluginError: the plug-in's own code fails to import.
        """
        try:
            return load_object(reference)
        except MarlzooError:
            raise
        except Exception as error:
            raise self._load_failure(reference, error) from error

    def _load_failure(self, reference: str, error: Exception) -> MarlzooError:
        if isinstance(error, ModuleNotFoundError) and not _is_own_module(error.name, reference):
            return MissingPieceError(f"{self.address} needs the module {error.name!r}; {self._remedy()}")
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        return PluginError(f"{self.qualified} is broken: importing {reference} raised {reason}")

    def _remedy(self) -> str:
        extra = getattr(self.spec, "requires", "")
        wanted = f"{self.plugin.distribution}[{extra}]" if extra else self.plugin.distribution
        return f"install it with: pip install '{wanted}'"


def _is_own_module(missing: str | None, reference: str) -> bool:
    top = reference.partition(":")[0].partition(".")[0]
    return missing is None or missing.partition(".")[0] in {top, "marlzoo"}


@dataclass(frozen=True)
class EnvironmentChoice:
    """One environment: a family, a task and the family's arguments."""

    entry: Entry[EnvironmentSpec]
    task: str
    config: EnvConfig

    @property
    def id(self) -> str:
        """The canonical id: `family:task`, then the arguments that are not at their defaults, by name."""
        query = self.config.query()
        return f"{self.entry.address}:{self.task}" + (f"?{query}" if query else "")

    @property
    def base(self) -> str:
        """`family:task` without arguments, which is what presets are looked up by."""
        return f"{self.entry.address}:{self.task}"

    @property
    def score(self) -> Score:
        return self.entry.spec.score

    def make(self, num_envs: int) -> BatchedEnv:
        """Build `num_envs` copies that step side by side."""
        factory: Callable[[str, EnvConfig, int], BatchedEnv] = self.entry.load(self.entry.spec.make)
        return factory(self.task, self.config, num_envs)


class Registry:
    """The catalogue of all loaded plug-ins. The lists are in the order in which plug-ins were loaded."""

    def __init__(self, host: PluginHost) -> None:
        self.host = host

    @classmethod
    def load(cls, files: Sequence[Path] = (), environ: Mapping[str, str] = os.environ) -> Registry:
        """Load the installed plug-ins and those in `files`; see `marlzoo.plugins.load_plugins`."""
        return cls(load_plugins(files, environ))

    def algorithms(self) -> list[Entry[AlgorithmSpec]]:
        return self._entries("marlzoo_algorithms")

    def environments(self) -> list[Entry[EnvironmentSpec]]:
        return self._entries("marlzoo_environments")

    def suites(self) -> list[Entry[Suite]]:
        return self._entries("marlzoo_suites")

    def sinks(self) -> list[Entry[SinkSpec]]:
        return self._entries("marlzoo_sinks")

    def default_sinks(self) -> list[Entry[SinkSpec]]:
        """The sinks of every run."""
        return [sink for sink in self.sinks() if in_every_run(sink)]

    def algorithm(self, name: str) -> Entry[AlgorithmSpec]:
        """Find an algorithm by its bare or qualified name. Raises `UsageError` for none, or several."""
        return self._find("algorithm", self.algorithms(), name)

    def family(self, name: str) -> Entry[EnvironmentSpec]:
        """Find an environment family by its bare or qualified name."""
        return self._find("environment family", self.environments(), name)

    def suite(self, name: str) -> Entry[Suite]:
        return self._find("suite", self.suites(), name)

    def sink(self, name: str) -> Entry[SinkSpec]:
        return self._find("sink", self.sinks(), name)

    def environment(self, env_id: str, env_args: Sequence[str] = ()) -> EnvironmentChoice:
        """Resolve `family:task?key=value&key=value`; `env_args` are more `key=value` texts, which win.

        Raises `UsageError` for an unknown family, task or argument, or a value out of range.
        """
        base, _, query = env_id.partition("?")
        name, colon, task = base.partition(":")
        if not colon:
            raise UsageError(self._missing_task(name))
        entry = self.family(name)
        _check_task(entry, task)
        return EnvironmentChoice(entry, task, _environment_config(entry, query, env_args))

    def _entries(self, hook: str) -> list[Entry[Any]]:
        offers = self.host.catalogue(hook)
        return [Entry(spec, plugin, _address(plugin, spec, offers)) for plugin, spec in offers]

    def _find(self, kind: str, entries: Sequence[Entry[S]], name: str) -> Entry[S]:
        wanted = _canonical_address(name)
        for entry in entries:
            if wanted in {entry.address, entry.qualified}:
                return entry
        claimants = [entry.qualified for entry in entries if entry.spec.name == name]
        if claimants:
            raise UsageError(f"{kind} {name!r} is claimed by several plug-ins; say {' or '.join(claimants)}")
        hint = nearest(name, [entry.address for entry in entries])
        raise UsageError(f"unknown {kind} {name!r}{hint}{self._broken_hint()}")

    def _broken_hint(self) -> str:
        broken = len(self.host.problems)
        return f" ({broken} problem(s) with plug-ins: see 'marlzoo plugins')" if broken else ""

    def _missing_task(self, name: str) -> str:
        for entry in self.environments():
            if name in entry.spec.tasks:
                return f"environment {name!r} has no family; did you mean '{entry.address}:{name}'?"
        entry = self.family(name)
        example = entry.spec.tasks[0] if entry.spec.tasks else "TASK"
        return f"environment {name!r} has no task; expected for instance '{entry.address}:{example}'"


def in_every_run(sink: Entry[SinkSpec]) -> bool:
    """Only built-in sinks can be that. What an outsider's receives is for the user to say, with `--sink`."""
    return sink.spec.default and sink.plugin.builtin


def _address(plugin: PluginInfo, spec: Named, offers: Sequence[tuple[PluginInfo, Named]]) -> str:
    rivals = [other for other, offered in offers if offered.name == spec.name and other != plugin]
    return spec.name if plugin.builtin or not rivals else f"{plugin.distribution}/{spec.name}"


def _canonical_address(name: str) -> str:
    distribution, slash, bare = name.rpartition("/")
    return canonical_name(distribution) + slash + bare if slash and not distribution.endswith(".py") else name


def _environment_config(entry: Entry[EnvironmentSpec], query: str, env_args: Sequence[str]) -> EnvConfig:
    model: type[EnvConfig] = entry.load(entry.spec.config)
    if not hasattr(model, "from_texts"):
        raise PluginError(f"{entry.qualified}: {entry.spec.config} is not a subclass of EnvConfig")
    return model.from_texts(query, env_args)


def _check_task(entry: Entry[EnvironmentSpec], task: str) -> None:
    spec = entry.spec
    if not task or (spec.tasks and not spec.open_tasks and task not in spec.tasks):
        raise UsageError(f"unknown task {task!r} of {entry.address}{nearest(task, spec.tasks)}")
