"""Finding things by name, and environment ids."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, model_validator

from marlzoo import hookimpl
from marlzoo.config import EnvConfig
from marlzoo.discovery import Candidate
from marlzoo.errors import MissingPieceError, PluginError, UsageError
from marlzoo.plugins import PluginHost
from marlzoo.registry import Registry
from marlzoo.specs import AlgorithmSpec, EnvironmentSpec, Score, SinkSpec, Suite

SCORE = Score("reward", metric="return")
TEXT = st.text(st.characters(codec="utf-8")).filter(lambda text: text == text.strip())


class GridConfig(EnvConfig):
    size: int = Field(4, ge=2, description="Cells per side.")
    slip: float = Field(0.0, ge=0, le=1)
    goals: tuple[int, ...] = (1, 2)
    label: str = ""
    limit: int | None = 100
    profile: Literal["plain", "rich"] = "plain"
    history: bool = False

    @model_validator(mode="before")
    @classmethod
    def _rich_has_history(cls, data):
        return {"history": True, **data} if data.get("profile") == "rich" else data


def make_grid(task, config, num_envs):
    return task, config, num_envs


class NotAConfig:
    pass


def environment(name="grid", **changes):
    here = __name__
    fields = {"make": f"{here}:make_grid", "config": f"{here}:GridConfig", "tasks": ("4x4", "8x8")} | changes
    return EnvironmentSpec(name, summary="A grid", score=SCORE, **fields)


def algorithm(name, reference="m:A"):
    return AlgorithmSpec(name, reference, "m:C", "text")


def registry(**plugins):
    """A registry of one plug-in per distribution; `marlzoo_x` becomes the distribution `marlzoo-x`."""
    host = PluginHost()
    for distribution, specs in plugins.items():
        host.add(_candidate(distribution.replace("_", "-"), specs))
    assert host.problems == []
    return Registry(host)


def _candidate(distribution, specs):
    module = ModuleType(f"module_of_{distribution}")
    module.MARLZOO_API = 1
    kinds = {
        "marlzoo_algorithms": AlgorithmSpec,
        "marlzoo_environments": EnvironmentSpec,
        "marlzoo_suites": Suite,
        "marlzoo_sinks": SinkSpec,
    }
    for hook, kind in kinds.items():
        setattr(module, hook, hookimpl(lambda kind=kind: [spec for spec in specs if isinstance(spec, kind)]))
    return Candidate("plugin", distribution, "1.0", lambda: module)


class TestNames:
    @pytest.mark.parametrize("name", ["foo", "marlzoo-x/foo", "Marlzoo_X/foo"])
    def test_bare_and_qualified(self, name):
        entry = registry(marlzoo_x=[algorithm("foo")]).algorithm(name)
        assert (entry.qualified, entry.address) == ("marlzoo-x/foo", "foo")

    def test_unknown_name_suggests_the_nearest(self):
        with pytest.raises(UsageError, match=r"^unknown algorithm 'mapo'; did you mean 'mappo'\?$"):
            registry(marlzoo=[algorithm("mappo"), algorithm("mat")]).algorithm("mapo")

    def test_unknown_name_lists_all_if_none_is_near(self):
        with pytest.raises(UsageError, match=r"^unknown suite 'zzz'; known: core, first-look$"):
            registry(marlzoo=[Suite("first-look", "", (), 1), Suite("core", "", (), 1)]).suite("zzz")

    def test_builtin_keeps_the_bare_name_wherever_it_stands(self):
        found = registry(a=[algorithm("foo")], marlzoo=[algorithm("foo")], z=[algorithm("foo")])
        assert found.algorithm("foo").plugin.distribution == "marlzoo"
        assert [entry.address for entry in found.algorithms()] == ["a/foo", "foo", "z/foo"]

    def test_two_outsiders_must_be_told_apart(self):
        found = registry(a=[algorithm("foo")], b=[algorithm("foo")])
        with pytest.raises(UsageError, match="claimed by several plug-ins; say a/foo or b/foo"):
            found.algorithm("foo")
        assert found.algorithm("b/foo").plugin.distribution == "b"

    def test_kinds_do_not_mix(self):
        found = registry(a=[algorithm("foo")], b=[Suite("foo", "", (), 1), SinkSpec("foo", "a:b", "")])
        assert isinstance(found.algorithm("foo").spec, AlgorithmSpec)
        assert isinstance(found.suite("foo").spec, Suite)
        assert isinstance(found.sink("foo").spec, SinkSpec)

    def test_another_distribution_does_not_answer(self):
        with pytest.raises(UsageError, match="unknown algorithm 'b/foo'"):
            registry(a=[algorithm("foo")]).algorithm("b/foo")


class TestEnvironmentId:
    zoo = registry(marlzoo_grid=[environment(), environment("open", tasks=("a",), open_tasks=True)])

    def test_defaults_are_not_part_of_it(self):
        choice = self.zoo.environment("grid:4x4?size=4&label=")
        assert (choice.id, choice.base, choice.task) == ("grid:4x4", "grid:4x4", "4x4")
        assert choice.config == GridConfig()

    def test_arguments_are_sorted_and_those_of_the_option_win(self):
        choice = self.zoo.environment("grid:8x8?slip=0.5&size=6", ["size=7", "limit=none"])
        assert choice.id == "grid:8x8?limit=null&size=7&slip=0.5"
        assert choice.config == GridConfig(slip=0.5, size=7, limit=None)

    def test_a_default_that_follows_from_another_argument_is_left_out(self):
        assert self.zoo.environment("grid:4x4?profile=rich&history=true").id == "grid:4x4?profile=rich"
        unusual = self.zoo.environment("grid:4x4?profile=rich&history=false")
        assert unusual.id == "grid:4x4?history=false&profile=rich"

    @given(
        size=st.integers(2, 99),
        slip=st.floats(0, 1),
        goals=st.lists(st.integers()),
        label=TEXT,
        limit=st.none() | st.integers(),
        profile=st.sampled_from(["plain", "rich"]),
        history=st.booleans(),
    )
    def test_it_leads_back_to_the_same_environment(self, **arguments):
        config = GridConfig(**arguments)
        env_id = f"grid:4x4?{config.query()}"
        again = self.zoo.environment(env_id)
        assert again.config == config
        assert again.id == env_id.rstrip("?")

    def test_tasks_may_hold_colons(self):
        assert self.zoo.environment("open:module:factory").task == "module:factory"

    def test_of_an_outsider_with_a_builtin_name_is_qualified(self):
        zoo = registry(marlzoo=[environment()], marlzoo_grid=[environment()])
        assert zoo.environment("marlzoo-grid/grid:4x4?size=5").id == "marlzoo-grid/grid:4x4?size=5"
        assert zoo.environment("grid:4x4").entry.plugin.builtin

    def test_make_hands_over_task_config_and_number(self):
        assert self.zoo.environment("grid:8x8?size=5").make(3) == ("8x8", GridConfig(size=5), 3)

    @pytest.mark.parametrize(
        ("env_id", "message"),
        [
            ("gird:4x4", "unknown environment family 'gird'; did you mean 'grid'?"),
            ("grid:4x5", "unknown task '4x5' of grid; did you mean '4x4'?"),
            ("grid:", "unknown task '' of grid; known: 4x4, 8x8"),
            ("grid", "environment 'grid' has no task; expected for instance 'grid:4x4'"),
            ("8x8", "environment '8x8' has no family; did you mean 'grid:8x8'?"),
            (
                "grid:4x4?sise=5",
                "unknown key 'sise' (from argument sise=5); did you mean 'size'?",
            ),
            (
                "grid:4x4?size=1",
                "size: 1 is not greater than or equal to 2 (from argument size=1)",
            ),
            ("grid:4x4?size", "cannot read 'argument size'; expected key=value"),
        ],
    )
    def test_errors(self, env_id, message):
        with pytest.raises(UsageError) as caught:
            self.zoo.environment(env_id)
        assert str(caught.value) == message

    def test_error_of_the_option_names_the_option(self):
        with pytest.raises(UsageError, match=r"from --env-arg size=x\)$"):
            self.zoo.environment("grid:4x4", ["size=x"])

    def test_a_family_without_tasks_takes_any(self):
        assert registry(a=[environment(tasks=())]).environment("grid:whatever").task == "whatever"

    def test_a_config_of_another_kind_is_the_plugins_fault(self):
        zoo = registry(a=[environment(config=f"{__name__}:NotAConfig")])
        with pytest.raises(PluginError, match="NotAConfig is not a subclass of EnvConfig"):
            zoo.environment("grid:4x4")


class TestLoading:
    def _entry(self, reference, **changes):
        return registry(a=[environment(make=reference, **changes)]).family("grid")

    def test_a_module_that_is_not_installed_is_a_missing_piece(self, tmp_path, monkeypatch):
        (tmp_path / "needs_physics.py").write_text("import a_physics_engine\n")
        monkeypatch.syspath_prepend(tmp_path)
        entry = self._entry("needs_physics:make", requires="robotics")
        with pytest.raises(MissingPieceError) as caught:
            entry.load(entry.spec.make)
        assert str(caught.value) == (
            "grid needs the module 'a_physics_engine'; install it with: pip install 'a[robotics]'"
        )

    @pytest.mark.parametrize(
        ("source", "reason"),
        [
            ("from own_broken import part", "ImportError: cannot import name 'part'"),
            ("import own_broken.part", "ModuleNotFoundError"),
            ("1 / 0", "ZeroDivisionError: division by zero"),
            ("x = 1", "ImportError: module 'own_broken' has no attribute 'make'"),
        ],
    )
    def test_broken_code_is_the_plugins_fault(self, source, reason, tmp_path, monkeypatch):
        (tmp_path / "own_broken.py").write_text(source)
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.delitem(sys.modules, "own_broken", raising=False)
        entry = self._entry("own_broken:make")
        with pytest.raises(PluginError) as caught:
            entry.load(entry.spec.make)
        assert str(caught.value).startswith(f"a/grid is broken: importing own_broken:make raised {reason}")

    def test_our_own_errors_pass(self, tmp_path, monkeypatch):
        (tmp_path / "says_why.py").write_text(
            "from marlzoo.errors import MissingPieceError\nraise MissingPieceError('install the game')\n"
        )
        monkeypatch.syspath_prepend(tmp_path)
        with pytest.raises(MissingPieceError, match=r"^install the game$"):
            self._entry("says_why:make").load("says_why:make")


def test_builtins_are_all_found_by_their_bare_names():
    zoo = Registry.load(environ={"MARLZOO_PLUGINS": ""})
    for entries, find in (
        (zoo.algorithms(), zoo.algorithm),
        (zoo.environments(), zoo.family),
        (zoo.suites(), zoo.suite),
        (zoo.sinks(), zoo.sink),
    ):
        assert entries
        assert [find(entry.spec.name) for entry in entries] == entries


def test_builtin_suites_name_things_that_exist():
    zoo = Registry.load(environ={"MARLZOO_PLUGINS": ""})
    for entry in zoo.suites():
        assert [zoo.environment(name).id for name in entry.spec.environments] == list(entry.spec.environments)
        assert [zoo.algorithm(name).address for name in entry.spec.algorithms] == list(entry.spec.algorithms)
