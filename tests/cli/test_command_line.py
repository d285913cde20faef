"""How the command line starts, finds commands, and ends."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter

import click
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from plugin_distributions import HEADER, marlzoo

from marlzoo.cli import group
from marlzoo.cli.group import BUILTIN_COMMANDS, LazyCommand, hoist_global_options
from marlzoo.cli.main import cli, main
from marlzoo.errors import MarlzooError, MissingPieceError, PluginError, RunError, UsageError
from marlzoo.version import __version__

FAILING = HEADER + (
    "import click\n"
    "from marlzoo.errors import *\n"
    "@hookimpl\n"
    "def marlzoo_commands(cli):\n"
    "    @cli.command()\n"
    "    def fail():\n"
    "        raise ERROR\n"
)


@pytest.fixture
def failing(tmp_path, capsys):
    """Run a command that raises what is given: the exit code and what went to stderr."""

    def run(error: str, *arguments: str) -> tuple[int, str]:
        name = f"failing_{tmp_path.name}"
        sys.modules.pop(name, None)
        (tmp_path / f"{name}.py").write_text(FAILING.replace("ERROR", error))
        with pytest.raises(SystemExit) as caught:
            main([f"--plugin={tmp_path / name}.py", "fail", *arguments])
        captured = capsys.readouterr()
        assert captured.out == ""
        return caught.value.code, captured.err

    return run


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        ("UsageError('no such map')", 2, "error: no such map\n"),
        ("MissingPieceError('install it')", 3, "error: install it\n"),
        ("RunError('disk full')", 1, "error: disk full\n"),
        ("PluginError('broken')", 1, "error: broken\n"),
        (
            "ValueError('two\\nlines')",
            1,
            "error: unexpected ValueError: two lines; run with --debug for the traceback\n",
        ),
        ("click.BadParameter('no.')", 2, "error: invalid value: no (see 'marlzoo fail --help')\n"),
        ("click.ClickException('odd')", 1, "error: odd\n"),
        ("click.exceptions.Exit(5)", 5, ""),
        ("SystemExit(4)", 4, ""),
        ("KeyboardInterrupt", 130, "interrupted\n"),
        ("click.Abort", 130, "interrupted\n"),
    ],
)
def test_every_failure_is_one_line_and_an_exit_code(failing, error, code, line):
    found, text = failing(error)
    assert (found, text.lstrip("\n")) == (code, line)


@pytest.mark.parametrize("error", ["UsageError('no such map')", "ValueError('odd')"])
def test_debug_shows_the_traceback_as_well(failing, error):
    code, text = failing(error, "--debug")
    assert "Traceback (most recent call last)" in text
    assert text.splitlines()[-1].startswith("error: ")
    assert code == failing(error)[0]


def test_the_error_classes_have_the_documented_exit_codes():
    codes = {
        kind: kind.exit_code for kind in (MarlzooError, RunError, PluginError, UsageError, MissingPieceError)
    }
    assert list(codes.values()) == [1, 1, 1, 2, 3]


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"]])
def test_without_a_command_there_is_help(arguments):
    done = CliRunner().invoke(cli, arguments)
    assert done.exit_code == 0
    assert "Commands:\n  run " in done.output


def test_version():
    assert marlzoo("--version").stdout == f"marlzoo {__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["lst"], "unknown command 'lst'; did you mean 'list'? (see 'marlzoo --help')"),
        (["show"], "missing argument 'NAME' (see 'marlzoo show --help')"),
        (["list", "algorithms", "extra"], "got unexpected extra argument"),
        (["list", "algorithms", "--jsn"], "no such option"),
        (["--plugin"], "option '--plugin' requires an argument (see 'marlzoo --help')"),
    ],
)
def test_wrong_usage_is_one_line(arguments, message, capsys):
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    text = capsys.readouterr().err
    assert caught.value.code == 2
    assert text.startswith(f"error: {message}")
    assert text.count("\n") == 1


@pytest.mark.parametrize("name", [name for name, lazy in BUILTIN_COMMANDS.items() if lazy.exists])
def test_every_command_of_the_table_loads_under_its_name(name):
    command = BUILTIN_COMMANDS[name].load()
    assert isinstance(command, click.Command)
    assert command.name == name
    assert command.help


def test_a_command_that_does_not_exist_yet_is_neither_shown_nor_found(monkeypatch):
    table = BUILTIN_COMMANDS | {"someday": LazyCommand("marlzoo.cli.no_such_module", "Do it all.")}
    monkeypatch.setattr(group, "BUILTIN_COMMANDS", table)
    runner = CliRunner()
    assert "someday" not in runner.invoke(cli, ["--help"]).output
    done = runner.invoke(cli, ["someday"])
    assert done.exit_code == 2
    assert "unknown command 'someday'" in done.output


def test_help_imports_no_command(monkeypatch):
    monkeypatch.setattr(LazyCommand, "load", lambda self: pytest.fail(f"imported {self.module}"))
    assert CliRunner().invoke(cli, ["--help"]).exit_code == 0


_WORDS = st.lists(st.sampled_from(["--debug", "--plugin", "--plugin=a.py", "run", "-o", "x=1", "--", "b.py"]))


@given(_WORDS)
def test_hoisting_loses_nothing_and_keeps_the_order_of_the_rest(words):
    hoisted = hoist_global_options(words)
    assert Counter(hoisted) == Counter(words)
    assert hoist_global_options(hoisted) == hoisted
    if "--" in words:
        tail = words[words.index("--") :]
        assert hoisted[len(hoisted) - len(tail) :] == tail


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("run x --debug", "--debug run x"),
        ("run x --plugin a.py -o k=v", "--plugin a.py run x -o k=v"),
        ("run x --plugin=a.py --plugin b.py", "--plugin=a.py --plugin b.py run x"),
        ("run -- --debug", "run -- --debug"),
        ("run --plugin", "--plugin run"),
    ],
)
def test_hoisting(words, expected):
    assert hoist_global_options(words.split()) == expected.split()


def test_a_reader_that_goes_away_is_no_error():
    code = "from marlzoo.cli.main import main; main(['show', 'smac', '--json'])"
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    errors = process.stderr.read()
    process.stderr.close()
    assert process.wait(timeout=60) == 1
    assert errors == ""


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_script(shell):
    done = marlzoo("completion", shell)
    assert done.returncode == 0
    assert "_MARLZOO_COMPLETE" in done.stdout
    assert f"{shell}_complete" in done.stdout
