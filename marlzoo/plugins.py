"""The plug-in host: loads every plug-in apart from the others, and keeps the broken ones out.

pluggy's own loader stops at the first plug-in that fails to import, aborts a whole hook call on one
exception, and drops the second distribution that uses an entry-point name. Here each plug-in is loaded,
checked and asked for its catalogue by itself; whatever goes wrong costs that plug-in its place and becomes a
`Problem`.
"""

from __future__ import annotations

import contextlib
import hashlib
import inspect
import logging
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pluggy

from marlzoo import hookspecs
from marlzoo.catalogue import checked_catalogue
from marlzoo.discovery import BUILTIN, Candidate, Policy, file_candidate, installed_candidates
from marlzoo.errors import PluginError, nearest
from marlzoo.hookspecs import ALL_HOOKS, CATALOGUE_HOOKS
from marlzoo.specs import API_VERSION
from marlzoo.surroundings import Surroundings
from marlzoo.tracing import trace_calls

logger = logging.getLogger(__name__)

_LOAD_ERRORS = (Exception, SystemExit)
"""What a plug-in may raise without taking anybody with it. A plug-in that calls `sys.exit` is only broken."""


@dataclass(frozen=True)
class PluginInfo:
    """A loaded plug-in: where it came from and which hooks it implements."""

    name: str
    distribution: str
    version: str
    module: str
    path: Path
    """The file that its module was imported from."""
    hooks: tuple[str, ...]

    @property
    def builtin(self) -> bool:
        return self.distribution == BUILTIN

    @property
    def qualified(self) -> str:
        return f"{self.distribution}/{self.name}"

    def file_hash(self) -> str:
        """SHA-256 over the Python and TOML files of the plug-in's package, or of its only file.

        The package is the outermost one that the plug-in's module lies in, so the hash covers whatever the
        module imports from its own distribution.
        """
        root = self._root()
        files = [root] if root.is_file() else [*root.rglob("*.py"), *root.rglob("*.toml")]
        digest = hashlib.sha256()
        for path in sorted(files):
            content = path.read_bytes()
            digest.update(f"{path.relative_to(root.parent).as_posix()}\0{len(content)}\0".encode())
            digest.update(content)
        return digest.hexdigest()

    def _root(self) -> Path:
        package = sys.modules.get(self.module.partition(".")[0])
        origin = getattr(package, "__file__", None)
        path = self.path if origin is None else Path(origin)
        return path.parent if path.name == "__init__.py" else path


@dataclass(frozen=True)
class Problem:
    """Why a plug-in was not loaded, or what it was kept from doing."""

    plugin: str
    distribution: str
    message: str

    def __str__(self) -> str:
        return f"plug-in {self.distribution}/{self.plugin}: {self.message}"


class PluginHost:
    """The loaded plug-ins, and the only way to call their hooks.

    In strict mode every problem is raised as a `PluginError` at once. With `trace`, every call is shown on
    standard error.
    """

    def __init__(self, *, strict: bool = False, trace: bool = False) -> None:
        self.plugins: list[PluginInfo] = []
        self.problems: list[Problem] = []
        self.skipped: list[Problem] = []
        """Plug-ins that the user did not want, with the reason."""
        self._strict = strict
        self._muted: set[str] = set()
        self._catalogue: dict[str, list[tuple[PluginInfo, Any]]] = {hook: [] for hook in CATALOGUE_HOOKS}
        self._manager = pluggy.PluginManager("marlzoo")
        self._manager.add_hookspecs(hookspecs)
        if trace:
            trace_calls(self._manager)

    def add(self, candidate: Candidate) -> None:
        """Load one plug-in; if anything about it is wrong, leave no trace of it but a problem.

        What it prints meanwhile goes to standard error: standard output may be read by a program. Environment
        variables and the working directory are put back if it changes them, which is a problem too.
        """
        surroundings = Surroundings()
        with contextlib.redirect_stdout(sys.stderr):
            self._load(candidate)
        for changed in surroundings.put_back():
            message = f"changed {changed} while it was loaded; it was put back"
            self.report(candidate.name, candidate.distribution, message)

    def _load(self, candidate: Candidate) -> None:
        try:
            module = _checked_module(candidate.load())
            self._check_new(candidate, module)
            self._check_hook_names(module)
            info, offers = self._register(candidate, module)
        except _LOAD_ERRORS as error:
            self.report(candidate.name, candidate.distribution, _describe(error))
            return
        self.plugins.append(info)
        for hook, specs in offers.items():
            self._catalogue[hook].extend((info, spec) for spec in specs)
        pushy = [spec.name for spec in offers.get("marlzoo_sinks", ()) if spec.default and not info.builtin]
        for name in pushy:
            message = f"the sink {name!r} has default=True, which is for built-in ones; say --sink {name}"
            self.report(info.name, info.distribution, message)

    def catalogue(self, hook: str) -> list[tuple[PluginInfo, Any]]:
        """What the plug-ins offer through a catalogue hook, in the order in which they were loaded."""
        return list(self._catalogue[hook])

    def implementing(self, hook: str) -> list[PluginInfo]:
        return [info for info in self.plugins if hook in info.hooks]

    def call(self, plugin: PluginInfo, hook: str, **arguments: Any) -> Any:
        """Call `hook` of one plug-in; whatever it raises is raised here. `None` if it returned `None`."""
        others = [other for name, other in self._manager.list_name_plugin() if name != plugin.qualified]
        answers = self._manager.subset_hook_caller(hook, others)(**arguments)
        return answers[0] if answers else None

    def attempt(self, plugin: PluginInfo, hook: str, **arguments: Any) -> None:
        """Call `hook` of one plug-in; whatever it raises is reported as a problem."""
        try:
            self.call(plugin, hook, **arguments)
        except _LOAD_ERRORS as error:
            self.report(plugin.name, plugin.distribution, f"{hook} raised {_describe(error)}")

    def notify(self, hook: str, **arguments: Any) -> None:
        """Tell all observers. One that raises is logged, muted from then on, and otherwise ignored."""
        for info in self.implementing(hook):
            if info.qualified in self._muted:
                continue
            try:
                self.call(info, hook, **arguments)
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # asyncio's CancelledError, for one, is no Exception
                self._muted.add(info.qualified)
                problem = Problem(info.name, info.distribution, f"muted: {hook} raised {_describe(error)}")
                self.problems.append(problem)
                logger.warning("%s", problem)

    def report(self, plugin: str, distribution: str, message: str) -> None:
        """Record a problem. Raises it as `PluginError` in strict mode."""
        problem = Problem(plugin, distribution, message)
        if self._strict:
            raise PluginError(f"{problem} (MARLZOO_STRICT_PLUGINS is set)")
        self.problems.append(problem)

    def _check_new(self, candidate: Candidate, module: ModuleType) -> None:
        if self._manager.has_plugin(candidate.qualified):
            raise PluginError("the entry-point name is used twice")
        if self._manager.is_registered(module):
            owner = self._manager.get_name(module)
            raise PluginError(f"module {module.__name__!r} is loaded already as plug-in {owner}")

    def _check_hook_names(self, module: ModuleType) -> None:
        """Catch the two slips that pluggy lets pass or words badly: no decorator, and a misspelt hook."""
        for name in dir(module):
            marked = self._implements(module, name)
            if marked and name.startswith("marlzoo_") and name not in ALL_HOOKS:
                raise PluginError(f"unknown hook {name!r}{nearest(name, ALL_HOOKS)}")
            if not marked and name in ALL_HOOKS and inspect.isfunction(getattr(module, name)):
                raise PluginError(f"{name} is not marked; put @marlzoo.hookimpl above it")
        if not any(self._implements(module, hook) for hook in ALL_HOOKS):
            raise PluginError(f"implements no hook; expected one of {', '.join(ALL_HOOKS)}")

    def _register(self, candidate: Candidate, module: ModuleType) -> tuple[PluginInfo, dict[str, list[Any]]]:
        """Register a module and ask it for its catalogue; if either fails, it is unregistered."""
        info = PluginInfo(
            name=candidate.name,
            distribution=candidate.distribution,
            version=candidate.version,
            module=module.__name__,
            path=Path(getattr(module, "__file__", None) or ""),
            hooks=tuple(hook for hook in ALL_HOOKS if self._implements(module, hook)),
        )
        try:
            self._manager.register(module, name=info.qualified)
            self._manager.check_pending()
            return info, {hook: self._ask(info, hook) for hook in CATALOGUE_HOOKS if hook in info.hooks}
        except BaseException:
            if self._manager.has_plugin(info.qualified):
                self._manager.unregister(name=info.qualified)
            raise

    def _implements(self, module: ModuleType, name: str) -> bool:
        return self._manager.parse_hookimpl_opts(module, name) is not None

    def _ask(self, info: PluginInfo, hook: str) -> list[Any]:
        try:
            answer = self.call(info, hook)
        except _LOAD_ERRORS as error:
            raise PluginError(f"{hook} raised {_describe(error)}") from error
        specs = checked_catalogue(hook, answer, CATALOGUE_HOOKS[hook])
        siblings = [spec for other, spec in self._catalogue[hook] if other.distribution == info.distribution]
        for name in {spec.name for spec in specs} & {spec.name for spec in siblings}:
            raise PluginError(f"{hook}: another plug-in of {info.distribution} offers {name!r}")
        return specs


def load_plugins(files: Sequence[Path] = (), environ: Mapping[str, str] = os.environ) -> PluginHost:
    """Load what is installed and what is in `files`, as far as the user wants it (see `Policy`).

    Raises:
        UsageError: one of `files` does not exist.
        PluginError: in strict mode, the first problem.
    """
    policy = Policy.from_environ(environ)
    installed = installed_candidates()
    host = PluginHost(strict=policy.strict, trace=policy.trace)
    for candidate in installed:
        refusal = policy.refusal(candidate)
        if refusal is None:
            host.add(candidate)
        else:
            host.skipped.append(Problem(candidate.name, candidate.distribution, refusal))
    if not any(candidate.distribution == BUILTIN for candidate in installed):
        host.report("*", BUILTIN, "not installed, so nothing is built in; install it with pip")
    for name in policy.unmet(installed):
        host.report("*", name, "named in MARLZOO_PLUGINS, but not installed")
    for path in dict.fromkeys(path.resolve() for path in files):
        host.add(file_candidate(path))
    return host


def _checked_module(loaded: object) -> ModuleType:
    if not isinstance(loaded, ModuleType):
        raise PluginError(f"the entry point names a {type(loaded).__name__}; expected a module")
    number = getattr(loaded, "MARLZOO_API", None)
    if number is None:
        raise PluginError(f"has no API number; put MARLZOO_API = {API_VERSION} into {loaded.__name__}")
    if number != API_VERSION:
        raise PluginError(
            f"was written for plug-in API {number!r}, this marlzoo has {API_VERSION}; "
            "install versions of the two that fit together"
        )
    return loaded


def _describe(error: BaseException) -> str:
    """One line: the message of our own errors and of pluggy's, type and message of all others."""
    message = " ".join(str(error).split())
    if isinstance(error, (PluginError, pluggy.PluginValidationError)):
        return message
    return f"{type(error).__name__}: {message}" if message else type(error).__name__
