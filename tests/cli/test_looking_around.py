"""`marlzoo list`, `show` and `plugins`: for people, for pipes and for programs."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios

import pytest
from click.testing import CliRunner
from plugin_distributions import algorithms, distribution, marlzoo, marlzoo_json

from marlzoo.cli.main import cli
from marlzoo.cli.render import show_value
from marlzoo.registry import Registry

ZOO = Registry.load(environ={"MARLZOO_PLUGINS": ""})


def invoke(*arguments: str) -> str:
    done = CliRunner().invoke(cli, list(arguments), catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def invoke_json(*arguments: str):
    return json.loads(invoke(*arguments, "--json"))


def on_terminal(*arguments: str, columns: int = 80) -> list[str]:
    """The lines that a terminal of that width shows, without colours."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    environ = {key: value for key, value in os.environ.items() if key not in {"COLUMNS", "NO_COLOR"}}
    process = subprocess.Popen(
        [sys.executable, "-m", "marlzoo", *arguments],
        stdout=slave,
        stdin=slave,
        env=environ | {"TERM": "xterm"},
    )
    os.close(slave)
    shown = b""
    while True:
        try:
            chunk = os.read(master, 65536)
        except OSError:  # Linux reports the end of a terminal's output as an error
            chunk = b""
        if not chunk:
            break
        shown += chunk
    os.close(master)
    assert process.wait(timeout=60) == 0
    return re.sub(r"\x1b\[[0-9;]*m", "", shown.decode()).replace("\r", "").splitlines()


@pytest.mark.parametrize(
    "command",
    [
        "list algorithms",
        "list environments",
        "list suites",
        "plugins",
        "plugins -v",
        "show srsv",
        "show smac",
        "--help",
    ],
)
def test_everything_fits_a_terminal_of_80_columns(command):
    lines = on_terminal(*command.split())
    assert lines
    assert [
        line for line in lines if len(line.rstrip()) > 80 and "/" not in line and "sha256" not in line
    ] == []


@pytest.mark.parametrize("columns", [80, 200])
def test_a_terminal_shows_every_algorithm_and_setting(columns):
    text = "\n".join(on_terminal("show", "srsv", columns=columns))
    for setting in invoke_json("show", "srsv")["settings"]:
        assert re.search(rf"^{setting['key']} = ", text, re.MULTILINE)


def test_lists_in_a_pipe_have_one_line_per_entry():
    lines = invoke("list", "algorithms").splitlines()
    assert [line.split()[0] for line in lines] == ["Name", *(entry.address for entry in ZOO.algorithms())]
    assert [line.split()[0] for line in invoke("list", "suites").splitlines()[1:]] == [
        entry.address for entry in ZOO.suites()
    ]


def test_columns_are_aligned():
    header, *rows = invoke("list", "algorithms").splitlines()
    start = header.index("Summary")
    assert [row[start:] for row in rows] == [entry.spec.summary for entry in ZOO.algorithms()]


def test_environments_are_listed_as_one_would_type_them():
    text = invoke("list", "environments")
    for entry in ZOO.environments():
        for task in entry.spec.tasks:
            ZOO.environment(f"{entry.address}:{task}")
            assert f" {entry.address}:{task}" in text


@pytest.mark.parametrize("kind", ["algorithms", "environments", "suites"])
def test_json_lists_hold_the_whole_spec(kind):
    entries = getattr(ZOO, kind)()
    for entry, listed in zip(entries, invoke_json("list", kind), strict=True):
        assert listed["name"] == entry.address
        assert listed["qualified"] == entry.qualified
        assert (listed["distribution"], listed["builtin"]) == ("marlzoo", True)
        assert listed["summary"] == entry.spec.summary


def test_show_algorithm_knows_default_range_and_help():
    shown = invoke_json("show", "mappo")
    settings = {setting["key"]: setting for setting in shown["settings"]}
    assert settings["num_envs"] == {
        "key": "num_envs",
        "default": 32,
        "required": False,
        "allowed": "integer 1 to 4096",
        "help": "Environments stepped side by side.",
    }
    assert re.search(r"^num_envs +32 +integer 1 to 4096 +Environments", invoke("show", "mappo"), re.MULTILINE)


def test_show_algorithm_in_an_environment_has_values_and_origins():
    shown = invoke_json("show", "srsv", "--env", "smac:3s5z")
    settings = {setting["key"]: setting for setting in shown["settings"]}
    epochs = settings["epochs"]
    assert epochs["origin"] == "preset smac (marlzoo_srsv/presets.toml)"
    assert epochs["value"] != epochs["default"]
    text = invoke("show", "srsv", "--env", "smac:3s5z")
    assert re.search(rf"^epochs +{epochs['value']} +{epochs['default']} ", text, re.MULTILINE)
    assert re.search(r"^  presets +smac \(marlzoo_srsv/presets\.toml\)", text, re.MULTILINE)


def test_show_algorithm_with_options_and_a_preset_that_has_a_name():
    assert invoke_json("show", "mat")["named_presets"] == ["published"]
    assert "published (-o preset=published)" in invoke("show", "mat")
    options = ("-o", "preset=published", "-o", "lr=1e-3")
    shown = invoke_json("show", "mat", "--env", "smac:MMM2", *options)
    settings = {setting["key"]: setting for setting in shown["settings"]}
    assert settings["epochs"]["origin"] == "preset published smac:MMM2 (marlzoo_mat/presets.toml)"
    assert (settings["epochs"]["value"], settings["num_envs"]["value"]) == (5, 32)
    assert (settings["lr"]["value"], settings["lr"]["origin"]) == (1e-3, "option -o")


def test_show_family_and_environment():
    family = invoke_json("show", "smac")
    assert "3s5z" in family["tasks"]
    assert {argument["key"] for argument in family["arguments"]} >= {
        "backend",
        "obs_profile",
        "reward_scale_rate",
    }
    one = invoke_json("show", "smac:3m?reward_scale_rate=10")
    values = {argument["key"]: argument["value"] for argument in one["arguments"]}
    assert (values["reward_scale_rate"], values["backend"]) == (10.0, "engine")


def test_show_suite():
    suite = ZOO.suites()[0]
    assert invoke_json("show", suite.address)["environments"] == list(suite.spec.environments)
    assert f"{suite.spec.steps:,} in each" in invoke("show", suite.address)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["mapo"], "no algorithm, environment or suite is called 'mapo'; did you mean 'mappo'?"),
        (["3s5z"], "no algorithm, environment or suite is called '3s5z'; did you mean 'smac:3s5z'?"),
        (["xyzxyz"], "no algorithm, environment or suite is called 'xyzxyz'; see 'marlzoo list'"),
        (["smac:3s6z"], "unknown task '3s6z' of smac; did you mean '3s5z'?"),
        (["smac", "--env", "smac:3m"], "unknown algorithm 'smac'"),
        (["mat", "--env", "smac:3m?difficulty=B"], "difficulty: 'B' is not"),
        (
            ["mat", "--env", "smac:3m", "-o", "preset=mine"],
            "no preset is called 'mine' (from -o preset=mine)",
        ),
        (["mat", "-o", "preset=published"], "-o shows settings in an environment; name it with --env"),
    ],
)
def test_show_says_what_to_type_instead(arguments, message):
    done = marlzoo("show", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"error: {message}")


def test_outside_algorithms_say_where_they_are_from(tmp_path):
    path = [distribution(tmp_path, "marlzoo-foo", {"foo_plugin": algorithms("foo")}, version="2.5")]
    line = marlzoo("list", "algorithms", path=path).stdout.splitlines()[-1]
    assert re.fullmatch(r"foo +both +as trained +marlzoo-foo 2\.5 +foo from foo_plugin", line)
    entry = marlzoo_json("list", "algorithms", path=path)[-1]
    assert (entry["distribution"], entry["version"], entry["builtin"]) == ("marlzoo-foo", "2.5", False)


def test_plugins_json_is_complete():
    for plugin in invoke_json("plugins")["plugins"]:
        assert re.fullmatch(r"[0-9a-f]{64}", plugin["sha256"])
        assert plugin["hooks"]
        assert plugin["offers"]


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "none"), (True, "true"), (1e-4, "0.0001"), ((1, 2), "1,2"), ([], ""), ("", '""'), ("x", "x")],
)
def test_values_are_shown_as_one_would_type_them(value, text):
    assert show_value(value) == text
