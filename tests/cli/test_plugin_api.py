"""Plug-ins of other times: those for this API keep working, those for another are set aside."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from plugin_distributions import algorithms, distribution, marlzoo, marlzoo_json

OLD = ("written_for_api_1", "parts_for_api_1")
"""The modules of the old plug-in: its hooks, and what they name."""


@pytest.mark.parametrize("number", ["0", "2", "'1'", "(1, 2)", "None"])
def test_another_number_is_set_aside_and_nothing_else(number, tmp_path):
    source = algorithms("foo").replace("MARLZOO_API = 1", f"MARLZOO_API = {number}")
    path = [
        distribution(tmp_path, "marlzoo-other", {"other_plugin": source}),
        distribution(tmp_path, "marlzoo-same", {"same_plugin": algorithms("same")}),
    ]
    found = marlzoo_json("plugins", path=path)
    assert [plugin["distribution"] for plugin in found["plugins"] if not plugin["builtin"]] == [
        "marlzoo-same"
    ]
    (problem,) = found["problems"]
    wanted = "has no API number" if number == "None" else "written for plug-in API"
    assert (problem["distribution"], wanted in problem["message"]) == ("marlzoo-other", True)


def test_its_algorithm_is_unknown_and_the_message_says_why(tmp_path):
    source = algorithms("foo").replace("MARLZOO_API = 1", "MARLZOO_API = 2")
    path = [distribution(tmp_path, "marlzoo-newer", {"newer_plugin": source})]
    done = marlzoo("check", "foo", path=path)
    warning, error = done.stderr.splitlines()
    assert done.returncode == 2
    assert "was written for plug-in API 2, this marlzoo has 1; install versions of the two" in warning
    assert error.startswith("error: unknown algorithm 'foo'")
    strict = marlzoo("check", "foo", path=path, environ={"MARLZOO_STRICT_PLUGINS": "1"})
    assert (strict.returncode, len(strict.stderr.splitlines())) == (1, 1)


@pytest.fixture
def old(tmp_path):
    """The old plug-in, installed."""
    here = Path(__file__).parent
    modules = {name: (here / f"{name}.py").read_text(encoding="utf-8") for name in OLD}
    entry = f"[marlzoo]\nold = {OLD[0]}\n"
    return [distribution(tmp_path, "marlzoo-old", modules, entry_points=entry)]


def test_an_old_plugin_offers_what_it_did(old):
    found = marlzoo_json("plugins", path=old)
    (plugin,) = (plugin for plugin in found["plugins"] if not plugin["builtin"])
    assert plugin["offers"] == {
        "algorithms": ["old"],
        "environments": ["old_world"],
        "suites": ["old-suite"],
        "sinks": ["old-sink"],
    }
    assert found["problems"] == []
    assert marlzoo("old-command", path=old).stdout == "said\n"


def test_an_old_plugin_runs(old, tmp_path):
    out = tmp_path / "run"
    budget = ["--steps", "64", "--eval-episodes", "2", "--absolute-episodes", "2"]
    options = ["-o", "every=2", "-o", "num_envs=2", "--sink", "old-sink", "--quiet", "--json"]
    where = ["--env", "old_world:game?bonus=1", "--out", str(out)]
    done = marlzoo("run", "old", *where, *budget, *options, path=old)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["status"] == "finished"
    assert (out / "started.txt").read_text().endswith("old_world:game?bonus=1.0 0 64")
