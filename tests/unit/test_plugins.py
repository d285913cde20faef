"""The plug-in host from the inside: observers, hashes, policies. The quarantine's cases are in tests/cli."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marlzoo import hookimpl
from marlzoo.discovery import Candidate, Policy, canonical_name
from marlzoo.errors import PluginError
from marlzoo.hookspecs import ALL_HOOKS, CATALOGUE_HOOKS, EXTENSION_HOOKS, OBSERVER_HOOKS
from marlzoo.plugins import PluginHost, PluginInfo, load_plugins
from marlzoo.specs import SinkSpec


def candidate(name, *functions, distribution="marlzoo-test", **attributes):
    """A plug-in whose module holds `functions`, all marked as hooks."""
    module = ModuleType(f"{name}_module")
    vars(module).update(attributes or {"MARLZOO_API": 1})
    for function in functions:
        setattr(module, function.__name__, hookimpl(function))
    return Candidate(name, distribution, "1.0", lambda: module)


def observer(log, name, error=None):
    def marlzoo_run_started(run):
        log.append((name, run))
        if error is not None:
            raise error

    return candidate(name, marlzoo_run_started)


@pytest.mark.parametrize("error", [ValueError("boom"), SystemExit(1)])
def test_an_observer_that_raises_is_logged_once_and_muted(error, caplog):
    log: list[tuple[str, str]] = []
    host = PluginHost()
    for plugin in (observer(log, "first"), observer(log, "bad", error), observer(log, "last")):
        host.add(plugin)
    with caplog.at_level(logging.WARNING):
        host.notify("marlzoo_run_started", run="one")
        host.notify("marlzoo_run_started", run="two")
    assert log == [("first", "one"), ("bad", "one"), ("last", "one"), ("first", "two"), ("last", "two")]
    assert len(caplog.records) == 1
    assert "marlzoo-test/bad: muted: marlzoo_run_started raised" in caplog.text
    assert [problem.plugin for problem in host.problems] == ["bad"]


def test_a_muted_plugin_hears_nothing_more_of_any_hook():
    heard = []

    def marlzoo_run_started(run):
        raise ValueError

    def marlzoo_run_finished(run, outcome):
        heard.append(outcome)

    host = PluginHost()
    host.add(candidate("bad", marlzoo_run_started, marlzoo_run_finished))
    host.notify("marlzoo_run_started", run=None)
    host.notify("marlzoo_run_finished", run=None, outcome="finished")
    assert heard == []


def test_strict_mode_does_not_let_an_observer_end_a_run():
    log: list[tuple[str, str]] = []
    host = PluginHost(strict=True)
    host.add(observer(log, "bad", ValueError("boom")))
    host.notify("marlzoo_run_started", run="one")
    assert log == [("bad", "one")]


def test_an_observer_may_leave_out_arguments():
    heard = []

    def marlzoo_evaluated(evaluation):
        heard.append(evaluation)

    host = PluginHost()
    host.add(candidate("few", marlzoo_evaluated))
    host.notify("marlzoo_evaluated", run=None, evaluation=3)
    assert heard == [3]


def test_a_rejected_plugin_observes_nothing():
    heard = []

    def marlzoo_run_started(run):
        heard.append(run)

    def marlzoo_sinks():
        raise RuntimeError

    host = PluginHost()
    host.add(candidate("bad", marlzoo_run_started, marlzoo_sinks))
    host.notify("marlzoo_run_started", run="one")
    assert heard == []
    assert host.plugins == []


def test_the_catalogue_is_in_the_order_of_loading():
    def sinks(*names):
        def marlzoo_sinks():
            return [SinkSpec(name, "a:b", "text") for name in names]

        return marlzoo_sinks

    host = PluginHost()
    host.add(candidate("second", sinks("z", "y")))
    host.add(candidate("first", sinks("x"), distribution="other"))
    found = [(info.qualified, spec.name) for info, spec in host.catalogue("marlzoo_sinks")]
    assert found == [("marlzoo-test/second", "z"), ("marlzoo-test/second", "y"), ("other/first", "x")]


def test_strict_host_raises_at_once():
    with pytest.raises(PluginError, match="has no API number"):
        PluginHost(strict=True).add(candidate("old", UNRELATED=1))


@pytest.mark.parametrize("number", ["1", 2, 0, None])
def test_only_the_very_api_number_will_do(number):
    host = PluginHost()
    host.add(candidate("x", lambda: None, MARLZOO_API=number))
    assert len(host.problems) == 1


def test_builtin_plugins_load_without_a_problem():
    host = load_plugins(environ={"MARLZOO_PLUGINS": ""})
    assert host.problems == []
    assert all(plugin.builtin for plugin in host.plugins)


def test_a_source_tree_that_is_not_installed_is_a_problem(monkeypatch):
    monkeypatch.setattr("marlzoo.plugins.installed_candidates", list)
    problems = load_plugins(environ={}).problems
    assert [str(problem) for problem in problems] == [
        "plug-in marlzoo/*: not installed, so nothing is built in; install it with pip"
    ]


def test_a_plugin_that_prints_does_not_write_to_standard_output(capsys):
    def marlzoo_sinks():
        sys.stdout.write("hello\n")
        return []

    host = PluginHost()
    host.add(candidate("chatty", marlzoo_sinks))
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "hello\n")
    assert len(host.plugins) == 1


def test_every_hook_is_specified_and_documented():
    from marlzoo import hookspecs

    specified = {name for name in vars(hookspecs) if name.startswith("marlzoo_")}
    assert specified == set(ALL_HOOKS) == {*CATALOGUE_HOOKS, *OBSERVER_HOOKS, *EXTENSION_HOOKS}
    assert all(len(getattr(hookspecs, name).__doc__) > 40 for name in ALL_HOOKS)


class TestFileHash:
    def _info(self, path: Path) -> PluginInfo:
        return PluginInfo("x", "marlzoo-x", "1", "hash_test_module", path, ())

    def _package(self, root: Path) -> Path:
        package = root / "hash_test_package"
        (package / "inner").mkdir(parents=True)
        (package / "__init__.py").write_text("A = 1\n")
        (package / "inner" / "code.py").write_text("B = 2\n")
        (package / "presets.toml").write_text("[default]\n")
        (package / "notes.txt").write_text("no part of the code\n")
        return package

    def _hash(self, package: Path) -> str:
        return self._info(package / "__init__.py").file_hash()

    def test_does_not_depend_on_where_the_package_lies(self, tmp_path):
        first, second = (self._package(tmp_path / name) for name in ("a", "b"))
        assert self._hash(first) == self._hash(second)
        assert len(self._hash(first)) == 64

    @pytest.mark.parametrize("name", ["__init__.py", "inner/code.py", "presets.toml"])
    def test_depends_on_every_line_of_code_and_presets(self, name, tmp_path):
        package = self._package(tmp_path)
        before = self._hash(package)
        with (package / name).open("a") as file:
            file.write("\n")
        assert self._hash(package) != before

    def test_depends_on_file_names_but_not_on_other_files(self, tmp_path):
        package = self._package(tmp_path)
        before = self._hash(package)
        (package / "notes.txt").write_text("changed\n")
        assert self._hash(package) == before
        (package / "inner" / "code.py").rename(package / "inner" / "code2.py")
        assert self._hash(package) != before

    def test_of_a_single_file_ignores_its_neighbours(self, tmp_path):
        file = tmp_path / "hash_test_module.py"
        file.write_text("A = 1\n")
        before = self._info(file).file_hash()
        (tmp_path / "other.py").write_text("B = 2\n")
        assert self._info(file).file_hash() == before


_WORD = st.from_regex(r"[a-z]{1,6}", fullmatch=True)


@given(parts=st.lists(_WORD, min_size=1, max_size=4), separators=st.lists(st.sampled_from("-_."), min_size=3))
def test_spellings_of_a_distribution_are_one_name(parts, separators):
    spelled = (
        "".join(part.title() + mark for part, mark in zip(parts[:-1], separators, strict=False)) + parts[-1]
    )
    assert canonical_name(spelled) == "-".join(parts)


@given(
    installed=st.lists(_WORD, unique=True, max_size=5),
    allow=st.none() | st.sets(_WORD, max_size=4),
    block=st.sets(_WORD, max_size=4),
)
def test_policy_is_set_arithmetic(installed, allow, block):
    environ = {"MARLZOO_BLOCK_PLUGINS": ", ".join(block)}
    if allow is not None:
        environ["MARLZOO_PLUGINS"] = ",".join(allow)
    policy = Policy.from_environ(environ)
    candidates = [Candidate("x", name, "1", lambda: None) for name in installed]
    loaded = {found.distribution for found in candidates if policy.refusal(found) is None}
    assert loaded == (set(installed) if allow is None else set(installed) & allow) - block
    assert policy.unmet(candidates) == sorted((allow or set()) - set(installed))


def test_policy_knows_distribution_and_entry():
    policy = Policy.from_environ({"MARLZOO_BLOCK_PLUGINS": "My_Zoo/one", "MARLZOO_STRICT_PLUGINS": "1"})
    assert policy.strict
    assert policy.refusal(Candidate("one", "my-zoo", "1", lambda: None))
    assert policy.refusal(Candidate("two", "my-zoo", "1", lambda: None)) is None
    assert policy.refusal(Candidate("one", "other", "1", lambda: None)) is None


@pytest.mark.parametrize("value", ["", "0"])
def test_policy_is_not_strict_unless_asked(value):
    assert not Policy.from_environ({"MARLZOO_STRICT_PLUGINS": value}).strict


def test_an_empty_allow_list_does_not_concern_builtins():
    policy = Policy.from_environ({"MARLZOO_PLUGINS": ""})
    assert policy.refusal(Candidate("a_mat", "marlzoo", "1", lambda: None)) is None
    assert policy.refusal(Candidate("x", "marlzoo-x", "1", lambda: None)) == "not in MARLZOO_PLUGINS"
