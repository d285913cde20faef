"""What `marlzoo new-plugin` writes: whole or not at all, clean, and true to the contract in every kind."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from marlzoo.errors import UsageError
from marlzoo.scaffold.naming import LONGEST, plugin_name
from marlzoo.scaffold.writer import KINDS, rendered, write_plugin
from marlzoo.specs import API_VERSION
from marlzoo.testing import AlgorithmContract

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[2]
LONG = "a" * (LONGEST - 4) + "-" + "b" * 3


def test_a_name_becomes_that_of_everything():
    name = plugin_name("my-algo2_x")
    assert (name.algorithm, name.distribution) == ("my_algo2_x", "marlzoo-my-algo2-x")
    assert (name.module, name.cls) == ("marlzoo_my_algo2_x", "MyAlgo2X")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Foo", "cannot be the name"),
        ("2foo", "cannot be the name"),
        ("foo--bar", "cannot be the name"),
        ("foo/bar", "cannot be the name"),
        ("../foo", "cannot be the name"),
        ("föö", "cannot be the name"),
        ("", "cannot be the name"),
        ("x" * (LONGEST + 1), "at most"),
        ("marlzoo-foo", "say 'foo'"),
        ("class", "is a word of Python"),
        ("none", "is a word of Python"),
    ],
)
def test_bad_names_are_refused_in_one_line(text, message):
    with pytest.raises(UsageError, match=message) as error:
        plugin_name(text)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("text", ["view", "algorithm", "rollout", "mode"])
def test_a_class_that_would_hide_another_is_refused(kind, text, tmp_path):
    if text == "rollout" and kind == "off-policy":
        text = "episode-replay"
    with pytest.raises(UsageError, match="would hide one of marlzoo; choose another name, such as my_"):
        write_plugin(plugin_name(text), kind, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_what_exists_is_left_alone(tmp_path):
    (tmp_path / "marlzoo-foo").mkdir()
    with pytest.raises(UsageError, match="exists already"):
        write_plugin(plugin_name("foo"), "on-policy", tmp_path)
    assert [path.name for path in tmp_path.rglob("*")] == ["marlzoo-foo"]


def test_a_folder_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(UsageError, match="is not a folder"):
        write_plugin(plugin_name("foo"), "on-policy", tmp_path / "nowhere")


def test_nothing_half_written_stays_behind(tmp_path, monkeypatch):
    write_text, written = Path.write_text, []

    def full_disk(path, *arguments, **options):
        if len(written) == 3:
            raise OSError(28, "No space left on device")
        written.append(path)
        return write_text(path, *arguments, **options)

    monkeypatch.setattr(Path, "write_text", full_disk)
    with pytest.raises(UsageError, match="No space left on device"):
        write_plugin(plugin_name("foo"), "on-policy", tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_distribution_is_complete(kind):
    files = rendered(plugin_name("foo"), kind)
    assert set(files) == {
        ".github/workflows/test.yml",
        ".gitignore",
        "LICENSE",
        "README.md",
        "marlzoo_foo/__init__.py",
        "marlzoo_foo/algorithm.py",
        "marlzoo_foo/config.py",
        "marlzoo_foo/presets.toml",
        "marlzoo_foo/py.typed",
        "pyproject.toml",
        "tests/test_contract.py",
    }
    project = tomllib.loads(files["pyproject.toml"])["project"]
    assert project["entry-points"] == {"marlzoo": {"foo": "marlzoo_foo"}}
    assert {"smac", "tiny"} <= set(tomllib.loads(files["marlzoo_foo/presets.toml"]))
    assert f"MARLZOO_API = {API_VERSION}" in files["marlzoo_foo/__init__.py"]
    assert "badge.svg" in files["README.md"]
    assert "@misc{foo," in files["README.md"]
    assert not re.search(r"\$\w|PACKAGE", "".join(files.values()))


@pytest.mark.parametrize("kind", KINDS)
def test_the_algorithm_is_short_and_composed_of_public_parts(kind):
    tree = ast.parse(rendered(plugin_name("foo"), kind)["marlzoo_foo/algorithm.py"])
    modules = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    parts = {module.split(".")[1] for module in modules if module.startswith("marlzoo.")}
    assert parts <= {"api", "learn", "memory", "nets"}
    lengths = [
        node.end_lineno - node.lineno + 1 for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)
    ]
    assert max(lengths) <= 30


@pytest.fixture(scope="module")
def plugins(tmp_path_factory):
    """All kinds, twice: with a short and with the longest name."""
    folder = tmp_path_factory.mktemp("plugins")
    for kind in KINDS:
        for name in ("foo", LONG):
            (folder / kind / name).mkdir(parents=True)
            write_plugin(plugin_name(name), kind, folder / kind / name)
    return folder


def run(folder, *command):
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_is_written_is_clean(plugins):
    run(plugins, "ruff", "check", "--no-cache", ".")
    run(plugins, "ruff", "format", "--no-cache", "--check", ".")


def test_what_is_written_is_typed(tmp_path):
    """With our own settings for mypy, so that what it knows of torch from the last time serves here too."""
    folders = [write_plugin(plugin_name(f"typed-{kind}"), kind, tmp_path) for kind in KINDS]
    packages = [str(next(folder.glob("marlzoo_*"))) for folder in folders]
    run(ROOT, "mypy", *packages)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_written_is_typed_by_its_own_rules(kind, plugins):
    run(plugins / kind / "foo" / "marlzoo-foo", "mypy")


@pytest.mark.parametrize("kind", ["sequential", "off-policy"], scope="class")
class TestKinds(AlgorithmContract):
    """The third kind is what tests/cli/test_stranger.py checks."""

    @pytest.fixture(autouse=True)
    def _choose(self, kind: str, tmp_path_factory: pytest.TempPathFactory) -> None:
        type(self).spec = spec_of(kind, tmp_path_factory)


def spec_of(kind, tmp_path_factory):
    """The spec of a written plug-in, importable from now on under a name of its own."""
    name = plugin_name(f"probe-{kind}")
    if name.module not in sys.modules:
        folder = write_plugin(name, kind, tmp_path_factory.mktemp("written"))
        sys.path.insert(0, str(folder))
    module = __import__(name.module)
    return module.marlzoo_algorithms()[0]
