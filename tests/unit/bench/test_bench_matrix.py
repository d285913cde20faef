"""The matrix of a comparison: seeds, names, suites, and what is refused before anything starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from marlzoo.bench.comparison import Comparison
from marlzoo.bench.matrix import Cell, Matrix, Protocol, extend_matrix, make_matrix, parse_seeds
from marlzoo.errors import UsageError
from marlzoo.registry import Registry


@pytest.fixture(scope="module")
def registry():
    return Registry.load([])


def make(registry, algorithms=("mat",), environments=("smac:3m",), **rest):
    given = {"suite": None, "seeds": (), "steps": None, "protocol": Protocol()} | rest
    return make_matrix(registry, algorithms, environments, **given)


@pytest.mark.parametrize(
    ("text", "seeds"), [("0..3", (0, 1, 2, 3)), ("5", (5,)), ("0, 7,2..3", (0, 7, 2, 3)), ("4..4", (4,))]
)
def test_seeds_are_read(text, seeds):
    assert parse_seeds(text) == seeds


@pytest.mark.parametrize("text", ["", "3..1", "a", "0...3", "-1", "1,,2"])
def test_what_is_no_list_of_seeds_is_refused(text):
    with pytest.raises(UsageError, match="is no list of seeds; write it like"):
        parse_seeds(text)


def test_a_seed_said_twice_is_refused():
    with pytest.raises(UsageError, match="names a seed twice"):
        parse_seeds("0..3,2")


def test_cells_go_seed_by_seed():
    matrix = Matrix(suite=None, algorithms=("a", "b"), environments=("x:1",), seeds=(0, 1), steps=5)
    assert matrix.cells() == [
        Cell("a", "x:1", 0), Cell("b", "x:1", 0), Cell("a", "x:1", 1), Cell("b", "x:1", 1)
    ]  # fmt: skip


def test_a_cell_has_a_place_and_a_command():
    matrix = Matrix(
        suite=None,
        algorithms=("d/a",),
        environments=("x:Humanoid-9|8?preset=paper",),
        seeds=(3,),
        steps=5,
        protocol=Protocol(eval_episodes=4, absolute_episodes=0),
    )
    (cell,) = matrix.cells()
    assert cell.place == Path("x-Humanoid-9-8-preset=paper", "d-a", "3")
    words = "--steps 5 --seed 3 --threads 1 --eval-episodes 4 --absolute-episodes 0"
    assert matrix.run_arguments(cell) == ["d/a", "--env", "x:Humanoid-9|8?preset=paper", *words.split()]


def test_a_suite_says_what_was_not_said(registry):
    matrix = make(registry, (), (), suite="core")
    suite = registry.suite("core").spec
    assert (matrix.algorithms, matrix.environments) == (suite.algorithms, suite.environments)
    assert (matrix.steps, matrix.seeds, matrix.suite) == (suite.steps, tuple(range(10)), "core")


def test_what_was_said_wins_over_the_suite(registry):
    matrix = make(registry, ("mappo",), (), suite="core", seeds=(7,), steps=99)
    assert (matrix.algorithms, matrix.steps, matrix.seeds) == (("mappo",), 99, (7,))


def test_a_suite_may_say_how_often_is_evaluated(registry):
    assert make(registry, (), (), suite="3s5z-1500k").run_settings().eval_interval == 50_000
    assert make(registry, (), (), suite="3s5z-700k").run_settings().eval_interval == 14_000
    said = make(registry, (), (), suite="3s5z-1500k", protocol=Protocol(eval_interval=9))
    assert said.run_settings().eval_interval == 9


def test_with_neither_environment_nor_suite_it_is_a_first_look(registry):
    assert make(registry, (), ()).suite == "first-look"


def test_environments_by_themselves_take_what_runs_take(registry):
    matrix = make(registry)
    assert (matrix.steps, matrix.seeds, matrix.suite) == (1_000_000, tuple(range(10)), None)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"algorithms": ("mta",)}, "unknown algorithm 'mta'; did you mean"),
        ({"environments": ("smac:3n",)}, "unknown task '3n' of smac; did you mean"),
        ({"suite": "core"}, "give --env or --suite, not both"),
        ({"suite": "cor", "environments": ()}, "unknown suite 'cor'; did you mean 'core'"),
        ({"algorithms": ()}, "no algorithms to compare"),
        ({"algorithms": ("mat", "marlzoo/mat")}, "algorithm 'mat' is named twice"),
        ({"environments": ("smac:3m", "smac:3m")}, "environment 'smac:3m' is named twice"),
    ],
)
def test_what_cannot_be_is_refused_at_once(registry, asked, message):
    with pytest.raises(UsageError) as caught:
        make(registry, **asked)
    assert str(caught.value).startswith(message)


def test_environments_that_would_share_a_folder_are_refused(registry):
    names = ("mamujoco:Humanoid-9|8", "mamujoco:Humanoid-9-8")
    with pytest.raises(UsageError, match="would share a folder"):
        make(registry, environments=names)


def test_every_built_in_suite_can_be_compared(registry):
    """Its environments and algorithms exist, and each pair has a valid configuration."""
    for entry in registry.suites():
        assert make(registry, (), (), suite=entry.address).cells()


def test_a_comparison_is_read_back_as_it_was_written(registry, tmp_path):
    matrix = make(registry, protocol=Protocol(eval_interval=7))
    Comparison.create(tmp_path / "c", matrix)
    assert Comparison.existing(tmp_path / "c").matrix == matrix


def test_a_comparison_does_not_overwrite_and_is_not_made_up(registry, tmp_path):
    matrix = make(registry)
    Comparison.create(tmp_path / "c", matrix)
    with pytest.raises(UsageError, match="holds a comparison already; give --resume"):
        Comparison.create(tmp_path / "c", matrix)
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "mine").touch()
    with pytest.raises(UsageError, match="is not an empty folder"):
        Comparison.create(tmp_path / "d", matrix)
    with pytest.raises(UsageError, match=r"is not a comparison \(no comparison.json\)"):
        Comparison.existing(tmp_path / "d")
    (tmp_path / "c" / "comparison.json").write_text('{"suite": null}')
    with pytest.raises(UsageError, match="Field required; start a new comparison"):
        Comparison.existing(tmp_path / "c")


def test_hyper_parameters_go_to_all_or_to_one(registry):
    matrix = make(registry, ("mat", "mappo"), overrides=("lr=1e-3", "mat.clip=0.1", "mat.lr=2e-3"))
    options = {cell.algorithm: matrix.run_arguments(cell)[-6:] for cell in matrix.cells()}
    assert options["mat"] == ["-o", "lr=1e-3", "-o", "clip=0.1", "-o", "lr=2e-3"]
    assert options["mappo"][-2:] == ["-o", "lr=1e-3"]
    assert "clip=0.1" not in options["mappo"]


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("mat.lrr=1", "mat: unknown key 'lrr' (from -o lrr=1); did you mean 'lr'"),
        ("actor_lr=1", "mat: unknown key 'actor_lr'"),
        ("srsv.lr=1", "mat: unknown key 'srsv'"),
        ("mappo.clip=7", "mappo: clip: 7 is not"),
    ],
)
def test_wrong_hyper_parameters_are_refused_at_once(registry, override, message):
    with pytest.raises(UsageError) as caught:
        make(registry, ("mat", "mappo"), overrides=(override,))
    assert str(caught.value).startswith(message)


def test_a_comparison_grows(registry):
    matrix = make(registry, seeds=(0, 1), steps=1000, overrides=("mat.lr=1e-3",))
    more = extend_matrix(
        registry,
        matrix,
        algorithms=["mappo", "mat"],
        environments=["smac:8m"],
        seeds=(1, 2),
        steps=5000,
        overrides=["mappo.clip=0.1"],
    )
    assert (more.algorithms, more.environments, more.seeds) == (
        ("mat", "mappo"),
        ("smac:3m", "smac:8m"),
        (0, 1, 2),
    )
    assert more.overrides_of("mat") == ["lr=1e-3"]
    assert more.overrides_of("mappo") == ["clip=0.1"]
    assert (more.steps, more.run_settings().eval_interval) == (5000, 20)
    assert set(matrix.cells()) < set(more.cells())


def test_more_seeds_of_a_suite_are_still_the_suite_and_another_budget_is_not(registry):
    matrix = make(registry, ("mat",), (), suite="first-look", seeds=(0,))
    assert extend_matrix(registry, matrix, algorithms=["mappo"], seeds=(3,)).suite == "first-look"
    assert extend_matrix(registry, matrix, steps=matrix.steps + 1).suite is None
    assert extend_matrix(registry, matrix, environments=["smac:8m"]).suite is None


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({}, "nothing new to compare"),
        ({"algorithms": ["mat"], "seeds": (0,)}, "nothing new to compare"),
        ({"steps": 999}, "--steps 999 is less than the 1,000"),
        ({"algorithms": ["mappo"], "overrides": ["lr=1"]}, "-o would change mat, which is compared already"),
        ({"algorithms": ["mapo"]}, "unknown algorithm 'mapo'"),
    ],
)
def test_what_is_no_extension_is_refused(registry, more, message):
    matrix = make(registry, seeds=(0,), steps=1000)
    with pytest.raises(UsageError) as caught:
        extend_matrix(registry, matrix, **more)
    assert str(caught.value).startswith(message)
