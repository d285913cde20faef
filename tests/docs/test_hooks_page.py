"""docs/hooks.md is what marlzoo/hookspecs.py says, and its examples are plug-ins that load."""

from __future__ import annotations

import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from marlzoo import hookspecs
from marlzoo.discovery import file_candidate
from marlzoo.hookspecs import ALL_HOOKS
from marlzoo.plugins import PluginHost

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "scripts" / "hooks_page.py"
PAGE = (ROOT / "docs" / "hooks.md").read_text(encoding="utf-8")


def test_the_page_is_up_to_date():
    done = subprocess.run(
        [sys.executable, str(SCRIPT), "--check"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_changed_docstring_makes_it_stale(monkeypatch):
    monkeypatch.setattr(hookspecs.marlzoo_suites, "__doc__", "Something else.\n\nExample:\n\n    pass\n")
    assert runpy.run_path(str(SCRIPT))["page"]() != PAGE


def test_every_hook_is_on_the_page():
    declared = {name for name, value in vars(hookspecs).items() if hasattr(value, "marlzoo_spec")}
    assert declared == set(ALL_HOOKS)
    assert set(re.findall(r"^### (\w+)$", PAGE, re.MULTILINE)) == declared


@pytest.mark.parametrize("hook", ALL_HOOKS)
def test_the_example_of_a_hook_is_a_plugin_with_that_hook(hook, tmp_path):
    section = PAGE.partition(f"\n### {hook}\n")[2].partition("\n### ")[0]
    (example,) = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    file = tmp_path / f"example_{hook}.py"
    file.write_text(example)
    host = PluginHost()
    host.add(file_candidate(file))
    assert host.problems == []
    assert [plugin.hooks for plugin in host.plugins] == [(hook,)]
