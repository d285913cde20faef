"""The public surface for plug-ins."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys

import pytest

from marlzoo import api


def test_every_name_is_listed_exported_and_there():
    assert sorted(api.__all__) == dir(api)
    for name in api.__all__:
        assert getattr(api, name) is not None


def test_type_checkers_see_the_names_that_exist_at_run_time():
    tree = ast.parse(inspect.getsource(api))
    guarded = next(node for node in tree.body if isinstance(node, ast.If))
    declared = {
        (alias.name, node.module)
        for node in guarded.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert declared == {(name, module) for module, names in api._MODULES.items() for name in names}


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="has no 'Algoritm'"):
        _ = api.Algoritm


def test_hooks_and_settings_do_not_import_torch():
    wanted = "AlgorithmConfig, AlgorithmSpec, EnvConfig, EnvironmentSpec, UsageError, hookimpl, read_suites"
    code = f"import sys; from marlzoo.api import {wanted}; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
