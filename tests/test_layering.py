"""Imports go one way, and plug-ins keep to the public surface. Read from the source, without importing it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

LAYERS = (
    {"", "version", "errors", "specs", "wording"},
    {"hookspecs", "overrides"},
    {"field_help", "discovery", "catalogue", "surroundings", "tracing"},
    {"plugins"},
    {"registry"},
    {"config"},
    {"guide", "kernel_collector", "kernel_sources", "scope"},
    {"algorithm", "memory", "nets", "learn"},
    {"envs"},
    {"run"},
    {"bench"},
    {"api", "scaffold", "testing"},
    {"cli"},
    {"__main__"},
)
"""Each part may import from its own layer and from those before it. "" is `marlzoo/__init__.py`."""

PUBLIC = {"", "api", "config", "errors", "learn", "memory", "nets", "specs", "testing"}
"""What a plug-in may import: `marlzoo` itself and these parts of it."""

HEAVY = {"torch", "numba", "mujoco", "gymnasium", "pettingzoo"}


def level(part: str) -> int:
    return next(number for number, layer in enumerate(LAYERS) if part in layer)


def imports(path: Path) -> Iterator[str]:
    """The modules that a file imports, whether at the top or inside a function, but not for type checkers."""
    yield from _imports(ast.parse(path.read_text(encoding="utf-8")))


def _imports(node: ast.AST) -> Iterator[str]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from (alias.name for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            yield from _from(child)
        elif (
            isinstance(child, ast.If)
            and isinstance(child.test, ast.Name)
            and child.test.id == "TYPE_CHECKING"
        ):
            continue
        else:
            yield from _imports(child)


def _from(node: ast.ImportFrom) -> Iterator[str]:
    """`from marlzoo import hookspecs` may mean the module `marlzoo.hookspecs`."""
    assert node.level == 0, "imports are absolute"
    for alias in node.names:
        submodule = ROOT / str(node.module).replace(".", "/") / alias.name
        is_module = submodule.with_suffix(".py").is_file() or submodule.is_dir()
        yield f"{node.module}.{alias.name}" if is_module else str(node.module)


def part_of(module: str) -> str:
    """The part of marlzoo that a module belongs to: `run` for `marlzoo.run.trainer`, "" for `marlzoo`."""
    return module.split(".")[1] if "." in module else ""


CORE = sorted((ROOT / "marlzoo").rglob("*.py"))
PLUGINS = sorted((ROOT / "plugins").glob("marlzoo_*/**/*.py"))


def name(path: Path) -> str:
    return path.relative_to(ROOT).with_suffix("").as_posix().removesuffix("/__init__").replace("/", ".")


@pytest.mark.parametrize("path", CORE, ids=name)
def test_the_core_imports_downwards_only(path):
    own = part_of(name(path))
    for module in imports(path):
        top = module.partition(".")[0]
        assert not top.startswith("marlzoo_"), f"the core imports the plug-in {top}"
        if top == "marlzoo" and part_of(module):
            assert level(part_of(module)) <= level(own), f"{own or 'marlzoo'} imports {module}"


@pytest.mark.parametrize("path", PLUGINS, ids=name)
def test_plugins_import_only_the_public_surface(path):
    own = path.relative_to(ROOT / "plugins").parts[0]
    for module in imports(path):
        top = module.partition(".")[0]
        assert not top.startswith("marlzoo_") or top == own, f"{own} imports another plug-in, {top}"
        if top == "marlzoo":
            assert part_of(module) in PUBLIC, f"{own} imports {module}, which is not public"


@pytest.mark.parametrize("path", sorted((ROOT / "plugins").glob("marlzoo_*/__init__.py")), ids=name)
def test_hooks_modules_import_nothing_heavy(path):
    assert not HEAVY & {module.partition(".")[0] for module in imports(path)}


def test_every_part_has_a_layer_and_there_are_no_utilities():
    folder = ROOT / "marlzoo"
    parts = {path.stem for path in folder.glob("*.py")} | {
        path.parent.name for path in folder.glob("*/__init__.py")
    }
    assert parts - {"__init__"} <= set().union(*LAYERS)
    assert not [
        path for path in CORE + PLUGINS if path.stem in {"utils", "util", "helpers", "common", "misc"}
    ]
