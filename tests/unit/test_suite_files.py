"""Suites as TOML files."""

from __future__ import annotations

import pytest

from marlzoo.bench.builtin import suites_folder
from marlzoo.bench.suite_files import read_suite, read_suites
from marlzoo.errors import PluginError
from marlzoo.specs import Suite


def test_a_file_becomes_a_suite_of_its_name(tmp_path):
    path = tmp_path / "tiny.toml"
    path.write_text('summary = "Two"\nenvironments = ["a:b", "c:d"]\nsteps = 1_000\nalgorithms = ["x"]\n')
    assert read_suite(path) == Suite("tiny", "Two", ("a:b", "c:d"), 1000, 10, ("x",))


def test_a_folder_is_read_by_name(tmp_path):
    for name in ("b", "a"):
        (tmp_path / f"{name}.toml").write_text('summary = ""\nenvironments = []\nsteps = 1\nseeds = 3\n')
    (tmp_path / "notes.md").write_text("no suite")
    assert [(suite.name, suite.seeds) for suite in read_suites(tmp_path)] == [("a", 3), ("b", 3)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("steps = ", "cannot read the suite bad.toml"),
        ('summary = "x"\nsteps = 1\n', "suite bad.toml lacks the key 'environments'"),
        ("step = 1\n", "suite bad.toml has an unknown key 'step'; did you mean 'steps'?"),
    ],
)
def test_mistakes_are_named(text, message, tmp_path):
    path = tmp_path / "bad.toml"
    path.write_text(text)
    with pytest.raises(PluginError) as caught:
        read_suite(path)
    assert str(caught.value).startswith(message)


def test_the_built_in_folder_has_suites():
    assert read_suites(suites_folder())
