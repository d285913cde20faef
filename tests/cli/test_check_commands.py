"""`marlzoo check`, `check-env` and `new-plugin` as a user sees them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from plugin_distributions import HEADER

from marlzoo.cli.main import cli, main
from marlzoo.testing import ALGORITHM_CHECKS, ENVIRONMENT_CHECKS
from marlzoo.testing.guide import place

UNRULY = f"""
from marlzoo_mappo.algorithm import Mappo
from marlzoo_mappo.config import MappoConfig
{HEADER}
class Unruly(Mappo):
    def update(self):
        metrics = super().update()
        return None if metrics is None else dict(metrics, loss=float("nan"))

@hookimpl
def marlzoo_algorithms():
    return [AlgorithmSpec("unruly", __name__ + ":Unruly", __name__ + ":MappoConfig", "Reports nonsense")]
"""


def invoke(*arguments: str, code: int = 0) -> str:
    done = CliRunner().invoke(cli, list(arguments), catch_exceptions=False)
    assert done.exit_code == code, done.output
    return done.output


def fails(capsys, *arguments: str) -> tuple[int, str]:
    """The exit code, and the one line on standard error."""
    with pytest.raises(SystemExit) as exit_:
        main(arguments)
    (line,) = capsys.readouterr().err.splitlines()
    return exit_.value.code, line


@pytest.fixture(scope="module")
def unruly(tmp_path_factory):
    file = tmp_path_factory.mktemp("plugins") / "unruly_zoo.py"
    file.write_text(UNRULY)
    return str(file)


class TestCheck:
    def test_says_that_all_is_well(self):
        lines = invoke("check", "mappo", "--only", "presets", "--only", "metrics").splitlines()
        assert lines[0].split() == ["Check", "Result", "What", "must", "hold"]
        assert re.match(r"presets +ok +presets hold", lines[1])
        assert re.match(r"metrics +ok in 4 worlds +an update reports finite floats", lines[2])
        assert lines[-1] == "mappo keeps its contract: 2 checks"

    def test_says_what_was_expected_and_what_happened(self, unruly):
        output = invoke("check", "unruly", "--plugin", unruly, "--only", "metrics", code=1)
        assert "metrics  failed in matrix, mortal, uneven, target" in output
        assert output.count("expected  metrics that are finite floats") == 1
        assert "metrics  in matrix, mortal, uneven, target" in output
        assert "happened  'loss' is nan, a float" in output
        assert "why       `update` returns `None` or a mapping from names to finite Python floats" in output
        assert f"guide     {place('metrics')}" in output
        assert output.splitlines()[-1] == "unruly fails 1 of 1 check"

    def test_json_has_every_case(self, unruly):
        chosen = ("--only", "light-import", "--only", "metrics")
        found = json.loads(invoke("check", "unruly", "--plugin", unruly, *chosen, "--json", code=1))
        assert found["algorithm"] == "unruly_zoo.py/unruly"
        status = [(check["check"], check["world"], check["status"]) for check in found["checks"]]
        assert status[:2] == [("light-import", "", "skipped"), ("metrics", "matrix", "failed")]
        assert found["checks"][0]["reason"] == "a plug-in in a single file"
        assert found["checks"][1]["guide"] == place("metrics")

    def test_takes_settings(self):
        output = invoke("check", "mappo", "-o", "agent_ids=true", "--only", "agent-count", code=1)
        assert "as count_free claims" in output

    def test_needs_no_pytest(self):
        code = (
            "import sys; sys.modules['pytest'] = None; from marlzoo.cli.main import main; "
            "main(['check', 'mappo', '--only', 'presets'])"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (("mapo",), "did you mean 'mappo'?"),
            (("mappo", "--only", "metric"), "unknown check 'metric'; did you mean 'metrics'?"),
            (("mappo", "-o", "clipp=1"), "unknown key 'clipp'"),
        ],
    )
    def test_wrong_usage_is_one_line(self, arguments, message, capsys):
        code, line = fails(capsys, "check", *arguments)
        assert code == 2
        assert message in line


class TestCheckEnv:
    def test_a_family_is_checked(self):
        found = json.loads(invoke("check-env", "smac:3m", "--steps", "20", "--only", "env-shapes", "--json"))
        assert found["environment"] == "smac:3m"
        assert [check["status"] for check in found["checks"]] == ["ok"]
        assert found["findings"] == []

    def test_a_faulty_environment_is_explained(self, tmp_path, monkeypatch):
        (tmp_path / "half_done.py").write_text("def make():\n    return 7\n")
        monkeypatch.chdir(tmp_path)
        output = invoke("check-env", "pettingzoo:half_done:make", code=1)
        assert output.splitlines()[1].startswith("problem  half_done:make cannot be used: ")

    def test_what_cannot_be_used_is_not_checked_further(self, tmp_path, monkeypatch):
        (tmp_path / "half_known.py").write_text("import toy_worlds_of_nobody\n")
        monkeypatch.chdir(tmp_path)
        found = json.loads(invoke("check-env", "pettingzoo:half_known", "--json", code=1))
        assert [finding["level"] for finding in found["findings"]] == ["problem"]
        assert found["checks"] == []

    def test_unknown_environment(self, capsys):
        code, line = fails(capsys, "check-env", "smac:3n")
        assert (code, "did you mean '3m'" in line) == (2, True)


class TestNewPlugin:
    def test_says_what_to_do_next(self, tmp_path):
        lines = invoke("new-plugin", "foo", "--kind", "sequential", "--out", str(tmp_path)).splitlines()
        folder = tmp_path / "marlzoo-foo"
        assert lines == [
            f"wrote {folder}; now try:",
            f"  pip install -e {folder}",
            "  marlzoo check foo",
            "  marlzoo run foo --env smac:3m",
            "  marlzoo compare foo mappo",
            f"The algorithm is in {folder / 'marlzoo_foo' / 'algorithm.py'}.",
        ]

    def test_json(self, tmp_path):
        found = json.loads(invoke("new-plugin", "foo", "--out", str(tmp_path), "--json"))
        assert found["folder"] == str(tmp_path / "marlzoo-foo")
        assert found["next"][1] == "marlzoo check foo"
        assert "class Foo(Algorithm):" in Path(found["algorithm"]).read_text()

    @pytest.mark.parametrize("name", ["mappo", "mat_dec", "srsv"])
    def test_built_in_names_are_taken(self, name, tmp_path, capsys):
        code, line = fails(capsys, "new-plugin", name, "--out", str(tmp_path))
        assert (code, line) == (2, f"error: {name!r} is built in; choose another name, such as my_{name}")
        assert list(tmp_path.iterdir()) == []

    def test_unknown_kind(self, capsys):
        code, line = fails(capsys, "new-plugin", "foo", "--kind", "on")
        assert code == 2
        assert "'on-policy', 'sequential', 'off-policy'" in line


def test_names_of_checks_differ():
    names = [check.name for check in (*ALGORITHM_CHECKS, *ENVIRONMENT_CHECKS)]
    assert len(set(names)) == len(names)
