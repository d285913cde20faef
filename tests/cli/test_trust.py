"""What a plug-in cannot do by accident, besides what tests/unit/run/test_run_guard.py, test_quarantine.py and
tests/unit/test_plugins.py show: docs/trust.md has the list."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from plugin_distributions import algorithms, distribution, marlzoo_json

from marlzoo import hookimpl
from marlzoo.discovery import Candidate
from marlzoo.registry import Registry
from marlzoo.specs import AlgorithmSpec, EnvironmentSpec, Score, SinkSpec, Suite

TINY_ZOO = Path(__file__).parents[1] / "unit" / "run" / "tiny_zoo.py"
NOSY_ZOO = Path(__file__).with_name("nosy_zoo.py")

RIVALS = {
    "algorithm": AlgorithmSpec("mappo", "rival:A", "rival:C", "Not the real one"),
    "family": EnvironmentSpec(
        "smac", "rival:make", "rival:C", "Not the real one", Score("x", metric="return")
    ),
    "suite": Suite("core", "Not the real one", ("smac:3m",), steps=1),
    "sink": SinkSpec("jsonl", "rival:S", "Not the real one", default=False),
}
HOOKS = {
    "algorithm": "marlzoo_algorithms",
    "family": "marlzoo_environments",
    "suite": "marlzoo_suites",
    "sink": "marlzoo_sinks",
}


def _rival() -> Candidate:
    module = ModuleType("rival_module")
    module.MARLZOO_API = 1
    for kind, hook in HOOKS.items():

        def offer(kind=kind):
            return [RIVALS[kind]]

        offer.__name__ = hook
        setattr(module, hook, hookimpl(offer))
    return Candidate("rival", "a-rival", "1.0", lambda: module)


@pytest.mark.parametrize("kind", RIVALS)
def test_no_builtin_name_can_be_taken(kind):
    registry = Registry.load(environ={"MARLZOO_PLUGINS": ""})
    registry.host.add(_rival())
    assert registry.host.problems == []
    find, name = getattr(registry, kind), RIVALS[kind].name
    assert find(name).plugin.builtin
    assert find(f"a-rival/{name}").spec.summary == "Not the real one"


def test_surroundings_that_a_plugin_changes_while_it_is_loaded_are_put_back(tmp_path):
    careless = algorithms("foo") + "import os\nos.environ['OMP_NUM_THREADS'] = '64'\nos.chdir('/')\n"
    path = [distribution(tmp_path, "marlzoo-careless", {"careless_plugin": careless})]
    found = marlzoo_json("plugins", path=path, environ={"OMP_NUM_THREADS": "1"})
    assert [problem["message"] for problem in found["problems"]] == [
        "changed the environment variable OMP_NUM_THREADS while it was loaded; it was put back",
        "changed the working directory while it was loaded; it was put back",
    ]
    assert "careless_plugin" in [plugin["name"] for plugin in found["plugins"]]


def test_a_cell_is_told_of_no_other_cells_folder(tmp_path):
    plugins = [part for path in (TINY_ZOO, NOSY_ZOO) for part in ("--plugin", str(path))]
    budget = ["--steps", "40", "--eval-episodes", "2", "--absolute-episodes", "0", "--jobs", "1", "--quiet"]
    asked = ["compare", "parrot", "--env", "echo:2", "--seeds", "0..1", *budget, "--out", str(tmp_path / "c")]
    done = subprocess.run(
        [sys.executable, "-m", "marlzoo", *plugins, *asked], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    seen = {path.parent: path.read_text() for path in (tmp_path / "c").rglob("seen.json")}
    assert len(seen) == 2
    for own, text in seen.items():
        assert str(own) in text
        assert not [other for other in seen if other != own and str(other) in text]
