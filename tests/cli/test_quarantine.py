"""A broken plug-in costs one line on stderr and nothing else. Real distributions, real processes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from plugin_distributions import HEADER, algorithms, distribution, hook, marlzoo, marlzoo_json, wheel

from marlzoo.registry import Registry

BUILTIN = [entry.spec.name for entry in Registry.load(environ={"MARLZOO_PLUGINS": ""}).algorithms()]

CASES = {
    "import error": ("import there_is_no_such_module", "ModuleNotFoundError: No module named 'there_is_no"),
    "syntax error": ("def broken(:", "SyntaxError"),
    "exits on import": ("import sys; sys.exit(7)", "SystemExit: 7"),
    "no API number": ("from marlzoo import hookimpl", "put MARLZOO_API = 1 into broken_plugin"),
    "other API number": (
        algorithms("foo").replace("API = 1", "API = 99"),
        "was written for plug-in API 99, this marlzoo has 1",
    ),
    "hook with a wrong argument": (
        hook("def marlzoo_algorithms(zoo): return []"),
        "Argument(s) {'zoo'} are declared in the hookimpl",
    ),
    "unknown hook": (
        hook("def marlzoo_algorithm(): return []"),
        "unknown hook 'marlzoo_algorithm'; did you mean 'marlzoo_algorithms'?",
    ),
    "hook without its decorator": (
        hook("def marlzoo_suites(): return []") + "\ndef marlzoo_algorithms(): return []",
        "marlzoo_algorithms is not marked; put @marlzoo.hookimpl above it",
    ),
    "no hook at all": ("MARLZOO_API = 1", "implements no hook"),
    "hook raises": (
        hook("def marlzoo_algorithms(): return 1 / 0"),
        "marlzoo_algorithms raised ZeroDivisionError: division by zero",
    ),
    "hook exits": (hook("def marlzoo_algorithms(): raise SystemExit(3)"), "raised SystemExit: 3"),
    "hook returns nothing": (hook("def marlzoo_algorithms(): pass"), "returned None; expected a list"),
    "hook returns a string": (
        hook("def marlzoo_algorithms(): return 'foo'"),
        "returned a str; expected a list",
    ),
    "hook returns strings": (hook("def marlzoo_algorithms(): return ['foo']"), "returned a list with a str"),
    "hook returns another spec": (
        hook("def marlzoo_suites(): return [SinkSpec('x', 'a:b', 'c')]"),
        "returned a list with a SinkSpec; expected only Suite",
    ),
    "field of a wrong type": (
        hook("def marlzoo_suites(): return [Suite('x', 'y', ('smac:3m',), steps='many')]"),
        "Suite.steps is 'many'; expected int",
    ),
    "list where a tuple is due": (
        hook("def marlzoo_suites(): return [Suite('x', 'y', ['smac:3m'], steps=1)]"),
        "Suite.environments is ['smac:3m']; expected tuple[str, ...]",
    ),
    "reference without a colon": (
        hook("def marlzoo_algorithms(): return [AlgorithmSpec('foo', 'a.b', 'a:B', 'text')]"),
        "AlgorithmSpec.algorithm is 'a.b'; expected 'module:attribute'",
    ),
    "name that cannot be typed": (
        hook("def marlzoo_sinks(): return [SinkSpec('a b', 'a:b', 'c')]"),
        "SinkSpec.name is 'a b'",
    ),
    "one name twice": (algorithms("foo", "foo"), "returned 'foo' twice"),
}


@pytest.mark.parametrize("case", CASES)
def test_a_broken_plugin_costs_one_line(case, tmp_path):
    source, message = CASES[case]
    broken = distribution(tmp_path, "marlzoo-broken", {"broken_plugin": source})
    healthy = distribution(tmp_path, "marlzoo-healthy", {"healthy_plugin": algorithms("fine")})
    done = marlzoo("list", "algorithms", "--json", path=[broken, healthy])
    assert done.returncode == 0
    assert [entry["name"] for entry in json.loads(done.stdout)] == [*BUILTIN, "fine"]
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("warning: plug-in marlzoo-broken/broken_plugin: ")
    assert message in done.stderr


def test_what_pip_installs_is_found(tmp_path):
    packed = wheel(distribution(tmp_path, "marlzoo-foo", {"foo_plugin": algorithms("foo")}, version="3.1"))
    target = tmp_path / "installed"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--target"]
    subprocess.run([*pip, str(target), str(packed)], check=True)
    entry = marlzoo_json("list", "algorithms", path=[target])[-1]
    assert (entry["qualified"], entry["version"]) == ("marlzoo-foo/foo", "3.1")


def test_a_plugin_that_breaks_in_one_hook_leaves_nothing_behind(tmp_path):
    source = algorithms("foo") + "\n@hookimpl\ndef marlzoo_suites():\n    raise RuntimeError('half done')\n"
    path = [distribution(tmp_path, "marlzoo-half", {"half_plugin": source})]
    found = marlzoo_json("plugins", path=path)
    assert all(plugin["distribution"] == "marlzoo" for plugin in found["plugins"])
    assert found["problems"] == [
        {
            "plugin": "half_plugin",
            "distribution": "marlzoo-half",
            "message": "marlzoo_suites raised RuntimeError: half done",
        }
    ]
    assert [entry["name"] for entry in marlzoo_json("list", "algorithms", path=path)] == BUILTIN


def test_an_entry_point_must_name_a_module(tmp_path):
    path = [
        distribution(
            tmp_path,
            "marlzoo-object",
            {"object_plugin": HEADER + "plugin = {}"},
            entry_points="[marlzoo]\nfoo = object_plugin:plugin\n",
        )
    ]
    problems = marlzoo_json("plugins", path=path)["problems"]
    assert problems[0]["message"] == "the entry point names a dict; expected a module"


@pytest.mark.parametrize("content", [b"[marlzoo]\nfoo = \xff\xfe\n", b"[marlzoo]\nfoo\n"])
def test_an_unreadable_entry_point_file_is_a_problem_like_any_other(content, tmp_path):
    folder = distribution(tmp_path, "marlzoo-garbled", {"garbled_plugin": algorithms("foo")})
    (folder / "marlzoo_garbled-1.0.dist-info" / "entry_points.txt").write_bytes(content)
    found = marlzoo_json("plugins", path=[folder])
    assert [problem["distribution"] for problem in found["problems"]] == ["marlzoo-garbled"]


def test_metadata_without_a_name_does_not_matter(tmp_path):
    folder = distribution(tmp_path, "marlzoo-nameless", {"nameless_plugin": algorithms("foo")})
    (folder / "marlzoo_nameless-1.0.dist-info" / "METADATA").unlink()
    assert "foo" in [entry["name"] for entry in marlzoo_json("list", "algorithms", path=[folder])]


def test_two_distributions_may_use_one_entry_point_name(tmp_path):
    path = [
        distribution(
            tmp_path,
            f"marlzoo-{name}",
            {f"{name}_plugin": algorithms(name)},
            entry_points=f"[marlzoo]\nx = {name}_plugin",
        )
        for name in ("b", "a")
    ]
    outside = [
        plugin["qualified"]
        for plugin in marlzoo_json("plugins", path=path)["plugins"]
        if not plugin["builtin"]
    ]
    assert outside == ["marlzoo-a/x", "marlzoo-b/x"]


def test_one_entry_point_name_twice_in_a_distribution_is_a_problem(tmp_path):
    path = [
        distribution(
            tmp_path,
            "marlzoo-twice",
            {"one_plugin": algorithms("one"), "two_plugin": algorithms("two")},
            entry_points="[marlzoo]\nx = one_plugin\nx = two_plugin\n",
        )
    ]
    found = marlzoo_json("plugins", path=path)
    assert [problem["message"] for problem in found["problems"]] == ["the entry-point name is used twice"]
    assert [plugin["offers"] for plugin in found["plugins"] if not plugin["builtin"]] == [
        {"algorithms": ["one"]}
    ]


def test_a_module_of_somebody_else_is_not_loaded_twice(tmp_path):
    path = [distribution(tmp_path, "marlzoo-thief", {}, entry_points="[marlzoo]\nx = marlzoo_mat\n")]
    problems = marlzoo_json("plugins", path=path)["problems"]
    assert problems[0]["message"] == "module 'marlzoo_mat' is loaded already as plug-in marlzoo/a_mat"


def test_the_first_of_two_versions_on_the_path_counts(tmp_path):
    source = algorithms("foo")
    path = [
        distribution(tmp_path, "marlzoo-foo", {"foo_plugin": source}, version=version)
        for version in ("2.0", "1.0")
    ]
    found = [plugin for plugin in marlzoo_json("plugins", path=path)["plugins"] if not plugin["builtin"]]
    assert [(plugin["version"], plugin["path"]) for plugin in found] == [
        ("2.0", str(path[0] / "foo_plugin.py"))
    ]


def test_the_order_is_that_of_names_whatever_the_path(tmp_path):
    path = [distribution(tmp_path, f"marlzoo-{name}", {f"{name}_plugin": algorithms(name)}) for name in "cab"]
    names = [entry["name"] for entry in marlzoo_json("list", "algorithms", path=path)]
    assert names == [*BUILTIN, "a", "b", "c"]


def test_a_name_that_two_distributions_claim_needs_the_distribution(tmp_path):
    path = [distribution(tmp_path, f"marlzoo-{name}", {f"{name}_plugin": algorithms("foo")}) for name in "ab"]
    names = [entry["name"] for entry in marlzoo_json("list", "algorithms", path=path)]
    assert names == [*BUILTIN, "marlzoo-a/foo", "marlzoo-b/foo"]
    bare = marlzoo("show", "foo", path=path)
    assert bare.returncode == 2
    assert bare.stderr == (
        "error: algorithm 'foo' is claimed by several plug-ins; say marlzoo-a/foo or marlzoo-b/foo\n"
    )


def test_a_builtin_keeps_its_name(tmp_path):
    path = [distribution(tmp_path, "a-rival", {"rival_plugin": algorithms("mappo")})]
    by_name = {entry["name"]: entry for entry in marlzoo_json("list", "algorithms", path=path)}
    assert by_name["mappo"]["builtin"]
    assert by_name["a-rival/mappo"]["summary"] == "mappo from rival_plugin"


def test_a_distribution_cannot_offer_one_name_in_two_plugins(tmp_path):
    path = [
        distribution(
            tmp_path, "marlzoo-two", {"one_plugin": algorithms("foo"), "two_plugin": algorithms("foo")}
        )
    ]
    found = marlzoo_json("plugins", path=path)
    assert [problem["plugin"] for problem in found["problems"]] == ["two_plugin"]
    assert (
        found["problems"][0]["message"] == "marlzoo_algorithms: another plug-in of marlzoo-two offers 'foo'"
    )


@pytest.fixture
def two(tmp_path):
    return [distribution(tmp_path, f"marlzoo-{name}", {f"{name}_plugin": algorithms(name)}) for name in "ab"]


def _outside(path: list[Path], **environ: str) -> tuple[list[str], list[str]]:
    found = marlzoo_json("plugins", path=path, environ=environ)
    loaded = [plugin["distribution"] for plugin in found["plugins"] if not plugin["builtin"]]
    return loaded, [f"{problem['distribution']}: {problem['message']}" for problem in found["skipped"]]


def test_allow_list(two):
    assert _outside(two, MARLZOO_PLUGINS="Marlzoo_B") == (
        ["marlzoo-b"],
        ["marlzoo-a: not in MARLZOO_PLUGINS"],
    )
    assert _outside(two, MARLZOO_PLUGINS="")[0] == []


def test_allow_list_with_something_that_is_not_installed(two):
    done = marlzoo("list", "algorithms", path=two, environ={"MARLZOO_PLUGINS": "marlzoo-a,marlzoo-z"})
    assert done.stderr == (
        "warning: plug-in marlzoo-z/*: named in MARLZOO_PLUGINS, but not installed (see 'marlzoo plugins')\n"
    )


def test_block_list_takes_distributions_and_single_plugins(two):
    blocked = "blocked by MARLZOO_BLOCK_PLUGINS"
    assert _outside(two, MARLZOO_BLOCK_PLUGINS="marlzoo-a/a_plugin, marlzoo/a_mat") == (
        ["marlzoo-b"],
        [f"marlzoo: {blocked}", f"marlzoo-a: {blocked}"],
    )
    names = marlzoo_json("list", "algorithms", environ={"MARLZOO_BLOCK_PLUGINS": "marlzoo/a_mat"})
    assert [entry["name"] for entry in names] == [name for name in BUILTIN if name not in ("mat", "mat_dec")]


def test_strict_mode_makes_a_problem_an_error(tmp_path):
    path = [distribution(tmp_path, "marlzoo-broken", {"broken_plugin": "1 / 0"})]
    done = marlzoo("list", "algorithms", path=path, environ={"MARLZOO_STRICT_PLUGINS": "1"})
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "error: plug-in marlzoo-broken/broken_plugin: ZeroDivisionError: division by zero "
        "(MARLZOO_STRICT_PLUGINS is set)\n"
    )


def test_an_unknown_name_points_to_broken_plugins(tmp_path):
    path = [distribution(tmp_path, "marlzoo-broken", {"broken_plugin": "1 / 0"})]
    done = marlzoo("run", "foo", "--env", "smac:3m", path=path)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].endswith("(1 problem(s) with plug-ins: see 'marlzoo plugins')")


class TestFile:
    def test_is_a_plugin_wherever_the_option_stands(self, tmp_path):
        file = tmp_path / "my_zoo.py"
        file.write_text(algorithms("foo", "mappo"))
        for arguments in (
            ["--plugin", str(file), "list", "algorithms", "--json"],
            ["list", "algorithms", f"--plugin={file}", "--json"],
            ["list", "algorithms", "--json", "--plugin", str(file), "--plugin", str(file)],
        ):
            done = marlzoo(*arguments)
            names = [entry["name"] for entry in json.loads(done.stdout)]
            assert (names, done.stderr) == ([*BUILTIN, "foo", "my_zoo.py/mappo"], "")

    def test_is_found_by_its_qualified_name(self, tmp_path):
        file = tmp_path / "my_zoo.py"
        config = "from marlzoo.config import AlgorithmConfig as FooConfig\n"
        file.write_text(algorithms("mappo") + config)
        shown = marlzoo_json("show", "my_zoo.py/mappo", "--plugin", str(file))
        assert (shown["qualified"], shown["settings"][0]["key"]) == ("my_zoo.py/mappo", "num_envs")

    def test_that_is_broken_costs_one_line(self, tmp_path):
        file = tmp_path / "my_zoo.py"
        file.write_text("1 / 0")
        done = marlzoo("--plugin", str(file), "list", "suites")
        assert done.returncode == 0
        assert done.stderr.startswith("warning: plug-in my_zoo.py/my_zoo: ZeroDivisionError")

    def test_that_does_not_exist_is_an_error(self, tmp_path):
        done = marlzoo("--plugin", str(tmp_path / "none.py"), "list", "suites")
        assert done.returncode == 2
        assert "none.py: no such file" in done.stderr

    @pytest.mark.parametrize(
        ("name", "message"), [("json.py", "rename the file"), ("my-zoo.py", "cannot be imported")]
    )
    def test_cannot_have_any_name(self, name, message, tmp_path):
        (tmp_path / name).write_text(algorithms("foo"))
        done = marlzoo("--plugin", str(tmp_path / name), "list", "suites")
        assert done.returncode == 0
        assert message in done.stderr


class TestCommands:
    SOURCE = HEADER + (
        "import click\n"
        "@hookimpl\n"
        "def marlzoo_commands(cli):\n"
        "    for name in NAMES:\n"
        "        cli.add_command(click.Command(name, callback=lambda: click.echo('from ' + __name__)))\n"
    )

    def _install(self, root: Path, name: str, commands: str) -> Path:
        source = self.SOURCE.replace("NAMES", repr(commands.split()))
        return distribution(root, f"marlzoo-{name}", {f"{name}_plugin": source})

    def test_are_added(self, tmp_path):
        path = [self._install(tmp_path, "a", "greet")]
        assert marlzoo("greet", path=path).stdout == "from a_plugin\n"
        assert "Commands of plug-ins:\n  greet" in marlzoo("--help", path=path).stdout

    def test_never_replace_one(self, tmp_path):
        path = [self._install(tmp_path, "a", "greet"), self._install(tmp_path, "b", "list greet compare")]
        assert marlzoo("greet", path=path).stdout == "from a_plugin\n"
        done = marlzoo("list", "suites", path=path)
        assert done.stdout.startswith("Name")
        assert [line.split(": ", 2)[2] for line in done.stderr.splitlines()] == [
            f"may not replace the command {name!r} (see 'marlzoo plugins')"
            for name in ("compare", "greet", "list")
        ]

    def test_that_fail_to_be_added_are_a_problem(self, tmp_path):
        source = hook("def marlzoo_commands(cli): raise RuntimeError('no')")
        done = marlzoo("list", "suites", path=[distribution(tmp_path, "marlzoo-c", {"c_plugin": source})])
        assert done.returncode == 0
        assert "marlzoo_commands raised RuntimeError: no" in done.stderr


def test_plugins_shows_what_was_set_aside(tmp_path):
    path = [
        distribution(tmp_path, "marlzoo-broken", {"broken_plugin": "1 / 0"}),
        distribution(tmp_path, "marlzoo-other", {"other_plugin": algorithms("foo")}),
    ]
    done = marlzoo("plugins", path=path, environ={"MARLZOO_BLOCK_PLUGINS": "marlzoo-other"})
    assert done.stderr == ""
    assert "Problems\n  marlzoo-broken/broken_plugin  ZeroDivisionError: division by zero\n" in done.stdout
    assert "Not wanted\n  marlzoo-other/other_plugin  blocked by MARLZOO_BLOCK_PLUGINS\n" in done.stdout


def test_plugins_verbose_shows_file_and_hash(tmp_path):
    path = [distribution(tmp_path, "marlzoo-foo", {"foo_plugin": algorithms("foo")})]
    shown = marlzoo("plugins", "--verbose", path=path).stdout
    expected = next(
        plugin for plugin in marlzoo_json("plugins", path=path)["plugins"] if plugin["name"] == "foo_plugin"
    )
    assert str(path[0] / "foo_plugin.py") in shown
    assert expected["sha256"] in shown
