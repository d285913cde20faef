"""`marlzoo report` and `marlzoo export` on folders of runs."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from urllib.parse import quote

import pytest
from entries import entry

sys.path.insert(0, str(Path(__file__).parents[1] / "run"))

from marlzoo.bench.comparison import Comparison
from marlzoo.bench.gathering import Gathered, gather
from marlzoo.bench.matrix import Matrix
from marlzoo.bench.reporting import write_report
from marlzoo.bench.store import write_entry
from marlzoo.cli.main import main
from marlzoo.errors import UsageError
from marlzoo.registry import Registry
from marlzoo.run.experiment import begin_run
from marlzoo.run.plan import make_plan
from marlzoo.run.settings import RunSettings

ZOO = Path(__file__).parents[1] / "run" / "tiny_zoo.py"


@pytest.fixture(scope="module")
def registry():
    return Registry.load([ZOO])


@pytest.fixture(scope="module")
def compared(registry, tmp_path_factory):
    """A comparison with two finished cells of three."""
    path = tmp_path_factory.mktemp("compared") / "c"
    matrix = Matrix(suite=None, algorithms=("parrot",), environments=("echo:1",), seeds=(0, 1, 2), steps=40)
    comparison = Comparison.create(path, matrix)
    for cell in matrix.cells()[:2]:
        settings = RunSettings(steps=40, seed=cell.seed, eval_episodes=2, absolute_episodes=4)
        begin_run(
            registry, make_plan(registry, "parrot", "echo:1", settings=settings), comparison.folder(cell)
        )
    return path


def call(*arguments):
    with pytest.raises(SystemExit) as caught:
        main(["--plugin", str(ZOO), *map(str, arguments)])
    return caught.value.code


def test_runs_are_found_in_comparisons_and_in_folders_of_folders(compared):
    cells = compared / "cells" / "echo-1" / "parrot"
    wanted = [cells / "0", cells / "1"]
    for place in ([compared], [compared / "cells"], [compared.parent], wanted):
        assert [one.path for one in gather(place)] == wanted
    assert [one.entry.seed for one in gather([cells / "1", compared])] == [1, 0]


def test_a_report_is_one_page_with_links_to_the_runs(compared, tmp_path, capsys):
    (compared / "cells" / "echo-1" / "parrot" / "1" / "replay.html").write_text("a replay")
    out = compared.parent / "pages" / "r.html"
    assert call("report", compared, "-o", out, "--title", "A <b>title</b>", "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"file": str(out), "runs": 2}
    page = out.read_text()
    assert "A &lt;b&gt;title&lt;/b&gt;" in page
    for name in ("result", "manifest"):
        assert f'<a href="../c/cells/echo-1/parrot/0/{name}.json">' in page
    assert "../c/cells/echo-1/parrot/1/replay.html" in page
    first = out.read_bytes()
    assert call("report", compared, "-o", out, "--title", "A <b>title</b>") == 0
    assert out.read_bytes() == first


def test_a_seed_does_not_count_twice(registry, tmp_path):
    one = entry("parrot", 0, 0.5, env="echo:1")
    doubled = [Gathered(tmp_path / "a", one), Gathered(tmp_path / "b", one)]
    with pytest.raises(UsageError, match="are the same: marlzoo/parrot on echo:1, seed 0; leave one out"):
        write_report(registry, doubled, tmp_path / "r.html", "x", 0.5)


def test_an_export_of_a_comparison(compared, tmp_path, capsys):
    assert call("export", compared, "--format", "marl-eval", "-o", tmp_path / "m.json") == 0
    assert capsys.readouterr().out == f"2 run(s): {tmp_path / 'm.json'}\n"
    tree = json.loads((tmp_path / "m.json").read_text())
    (runs,) = tree["echo"]["1"].values()
    assert set(runs) == {"seed_0", "seed_1"}


def test_what_is_not_finished_is_refused(compared, registry, tmp_path, capsys):
    assert call("export", tmp_path / "nothing", "-o", tmp_path / "x.csv") == 2
    assert "holds no results" in capsys.readouterr().err
    assert call("export", compared, "--format", "xls", "-o", tmp_path / "x") == 2
    assert not list(tmp_path.iterdir())


def test_documents_of_the_store_are_reported_too(registry, tmp_path):
    written = write_entry(tmp_path / "store", "quick", entry("parrot", 0, 0.5, env="echo:1"))
    found = gather([tmp_path / "store"])
    write_report(registry, found, tmp_path / "r.html", "x", 0.5)
    assert quote(written.relative_to(tmp_path).as_posix()) in (tmp_path / "r.html").read_text()
