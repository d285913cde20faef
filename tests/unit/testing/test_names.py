"""The public names of `marlzoo.testing`."""

from __future__ import annotations

import ast
import inspect

from marlzoo import testing


def test_every_name_is_listed_exported_and_there():
    assert sorted(testing.__all__) == dir(testing)
    for name in testing.__all__:
        assert getattr(testing, name) is not None


def test_type_checkers_see_the_names_that_exist_at_run_time():
    tree = ast.parse(inspect.getsource(testing))
    guarded = next(node for node in tree.body if isinstance(node, ast.If))
    declared = {
        (alias.name, str(node.module).removeprefix("marlzoo.testing."))
        for node in guarded.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert declared == {(name, module) for module, names in testing._MODULES.items() for name in names}
