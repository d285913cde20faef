"""`MARLZOO_TRACE_PLUGINS=1` and `marlzoo plugins --verbose`, with real distributions in real processes."""

from __future__ import annotations

import json
import re

import pytest
from plugin_distributions import HEADER, algorithms, distribution, hook, marlzoo

TRACE = {"MARLZOO_TRACE_PLUGINS": "1"}

NOSY = HEADER + (
    "import click\n"
    "@hookimpl\n"
    "def marlzoo_suites():\n"
    "    return [Suite('nosy', 'A suite.', ('smac:3m',), steps=5)]\n"
    "@hookimpl\n"
    "def marlzoo_commands(cli):\n"
    "    cli.add_command(click.Command('greet', callback=lambda: click.echo('hello')))\n"
)


def _traced(stderr: str, plugin: str) -> list[str]:
    """The calls of one plug-in, without the times they took."""
    lines = [line for line in stderr.splitlines() if line.startswith(f"trace: {plugin} ")]
    assert all(re.search(r" \(\d+\.\d\d ms\)$", line) for line in lines)
    return [line.removeprefix(f"trace: {plugin} ").rpartition(" (")[0] for line in lines]


def test_every_call_is_one_line_on_standard_error(tmp_path):
    path = [distribution(tmp_path, "marlzoo-nosy", {"nosy_plugin": NOSY})]
    done = marlzoo("greet", path=path, environ=TRACE)
    assert done.stdout == "hello\n"
    assert all(line.startswith("trace: ") for line in done.stderr.splitlines())
    suites, commands = _traced(done.stderr, "marlzoo-nosy/nosy_plugin")
    assert suites.startswith("marlzoo_suites() -> [Suite(name='nosy'")
    assert commands == "marlzoo_commands(cli=<Group None>) -> None"
    assert _traced(done.stderr, "marlzoo/a_mat")[0].startswith("marlzoo_algorithms() -> [AlgorithmSpec(")


def test_a_call_that_raises_is_shown_with_what_it_raised(tmp_path):
    source = hook("def marlzoo_algorithms():\n    raise ValueError('two\\nlines')")
    path = [distribution(tmp_path, "marlzoo-broken", {"broken_plugin": source})]
    done = marlzoo("list", "suites", "--json", path=path, environ=TRACE)
    assert json.loads(done.stdout)
    assert _traced(done.stderr, "marlzoo-broken/broken_plugin") == [
        "marlzoo_algorithms() raised ValueError('two\\nlines')"
    ]
    assert "warning: plug-in marlzoo-broken/broken_plugin: " in done.stderr


@pytest.mark.parametrize("value", ["", "0"])
def test_tracing_is_off_unless_it_is_asked_for(value):
    assert marlzoo("list", "suites", environ={"MARLZOO_TRACE_PLUGINS": value}).stderr == ""


def test_verbose_shows_distribution_version_hooks_and_problems(tmp_path):
    path = [
        distribution(tmp_path, "marlzoo-nosy", {"nosy_plugin": NOSY}, version="3.1"),
        distribution(tmp_path, "marlzoo-old", {"old_plugin": algorithms("x").replace("API = 1", "API = 0")}),
    ]
    shown = marlzoo("plugins", "--verbose", path=path).stdout
    _, _, own = shown.partition("marlzoo-nosy/nosy_plugin  3.1\n")
    assert re.match(r" +brings +nosy, \(commands\)\n +module +nosy_plugin\n", own)
    assert re.search(r"\n +hooks +marlzoo_suites, marlzoo_commands\n", own)
    assert re.search(r"\nProblems\n +marlzoo-old/old_plugin +was written for plug-in API 0", own)
