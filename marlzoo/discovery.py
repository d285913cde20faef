"""Finding plug-ins: installed distributions in a fixed order, then the files named by `--plugin`.

Nothing is imported here. Each find is a `Candidate`, whose `load` imports it when its turn comes.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from marlzoo.errors import PluginError, UsageError

GROUP = "marlzoo"
"""The entry-point group."""

BUILTIN = "marlzoo"
"""The distribution whose plug-ins are built in."""


@dataclass(frozen=True)
class Candidate:
    """A plug-in that could be loaded. `load` returns its module, or raises anything at all."""

    name: str
    distribution: str
    version: str
    load: Callable[[], object]

    @property
    def qualified(self) -> str:
        return f"{self.distribution}/{self.name}"


@dataclass(frozen=True)
class Policy:
    """Which plug-ins the user wants: `MARLZOO_PLUGINS` (allow), `MARLZOO_BLOCK_PLUGINS`; whether problems are
    errors: `MARLZOO_STRICT_PLUGINS=1`; and whether hook calls are shown: `MARLZOO_TRACE_PLUGINS=1`.

    Names are separated by commas and are those of a distribution (all its plug-ins) or `distribution/entry`.
    """

    allow: frozenset[str] | None = None
    block: frozenset[str] = frozenset()
    strict: bool = False
    trace: bool = False

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Policy:
        allow = environ.get("MARLZOO_PLUGINS")
        return cls(
            allow=None if allow is None else _names(allow),
            block=_names(environ.get("MARLZOO_BLOCK_PLUGINS", "")),
            strict=_is_on(environ, "MARLZOO_STRICT_PLUGINS"),
            trace=_is_on(environ, "MARLZOO_TRACE_PLUGINS"),
        )

    def refusal(self, candidate: Candidate) -> str | None:
        """Why `candidate` must not be loaded, if so. The allow list does not concern built-in plug-ins."""
        names = {candidate.distribution, candidate.qualified}
        if names & self.block:
            return "blocked by MARLZOO_BLOCK_PLUGINS"
        if candidate.distribution == BUILTIN or self.allow is None or names & self.allow:
            return None
        return "not in MARLZOO_PLUGINS"

    def unmet(self, candidates: Iterable[Candidate]) -> list[str]:
        """The names in `MARLZOO_PLUGINS` that nothing installed answers to."""
        known = {name for found in candidates for name in (found.distribution, found.qualified)}
        return sorted((self.allow or frozenset()) - known)


def canonical_name(distribution: str) -> str:
    """A distribution's name as package indexes compare it: lower case, with single hyphens."""
    return re.sub(r"[-_.]+", "-", distribution).lower()


def _is_on(environ: Mapping[str, str], name: str) -> bool:
    return environ.get(name, "") not in {"", "0"}


def _names(text: str) -> frozenset[str]:
    parts = (part.strip() for part in text.split(","))
    return frozenset(_canonical_reference(part) for part in parts if part)


def _canonical_reference(text: str) -> str:
    distribution, slash, entry = text.partition("/")
    return canonical_name(distribution) + slash + entry


def installed_candidates() -> list[Candidate]:
    """The plug-ins of all installed distributions: marlzoo's own first, the others by name.

    Where two versions of a distribution are on the path, the first counts, as it does for `import`.
    """
    found: dict[str, importlib.metadata.Distribution] = {}
    for distribution in importlib.metadata.distributions():
        if _may_have_plugins(distribution):
            found.setdefault(canonical_name(_metadata(distribution, "Name")), distribution)
    in_order = sorted(found, key=lambda name: (name != BUILTIN, name))
    return [candidate for name in in_order for candidate in _candidates_of(name, found[name])]


def _may_have_plugins(distribution: importlib.metadata.Distribution) -> bool:
    try:
        return f"[{GROUP}]" in (distribution.read_text("entry_points.txt") or "")
    except (OSError, ValueError):
        return True  # unreadable: the attempt to load it will say so


def _metadata(distribution: importlib.metadata.Distribution, key: str) -> str:
    try:
        return str(distribution.metadata[key] or "unknown")
    except Exception:
        return "unknown"


def _candidates_of(name: str, distribution: importlib.metadata.Distribution) -> Iterator[Candidate]:
    version = _metadata(distribution, "Version")
    try:
        entry_points = [point for point in distribution.entry_points if point.group == GROUP]
    except Exception as error:
        yield Candidate("entry_points.txt", name, version, partial(_raise, error))
        return
    for point in sorted(entry_points, key=lambda point: point.name):
        yield Candidate(point.name, name, version, point.load)


def _raise(error: Exception) -> object:
    raise error


def file_candidate(path: Path) -> Candidate:
    """The plug-in in a single file. Raises `UsageError` if there is no such file."""
    if not path.is_file():
        raise UsageError(f"--plugin {path}: no such file; expected a Python file with MARLZOO_API = 1")
    return Candidate(path.stem, path.name, "", partial(_load_file, path.resolve()))


def _load_file(path: Path) -> object:
    """Import `path` under its own name, so that specs can say `"name:Class"`."""
    if path.suffix != ".py" or not path.stem.isidentifier():
        raise PluginError(f"{path.name} cannot be imported; expected a name such as my_algorithm.py")
    known = sys.modules.get(path.stem) or importlib.util.find_spec(path.stem)
    origin = getattr(known, "__file__", None) or getattr(known, "origin", None)
    if known is not None and (origin is None or Path(origin).resolve() != path):
        raise PluginError(f"a module named {path.stem!r} exists already; rename the file")
    if path.stem in sys.modules:
        return sys.modules[path.stem]
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise PluginError(f"{path.name} cannot be imported")
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[path.stem]
        raise
    return module
