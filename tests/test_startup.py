"""Looking around imports neither torch nor numba nor mujoco."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

HEAVY = ("torch", "numba", "mujoco", "gymnasium", "pettingzoo", "scipy")

PROBE = f"""
import json, sys
from marlzoo.cli.main import main
code = None
try:
    main(sys.argv[1:])
except SystemExit as exit:
    code = exit.code
print("PROBE", json.dumps([code, [name for name in {HEAVY!r} if name in sys.modules]]), file=sys.stderr)
"""

COMMANDS = [
    "",
    "--help",
    "--version",
    "list --help",
    "list algorithms",
    "list environments --json",
    "list suites",
    "plugins",
    "plugins --verbose",
    "completion fish",
    "show mappo",
    "show mat --json",
    "show srsv --env smac:3s5z",
    "show smac",
    "show smac:3m?obs_profile=on_policy --json",
    "show smac-quick",
    "run --help",
    "resume --help",
    "evaluate --help",
    "check --help",
    "check-env --help",
    "new-plugin --help",
    "compare --help",
    "leaderboard --help",
    "leaderboard verify --help",
    "replay --help",
    "report --help",
    "export --help",
    "run srsv --env smac:3s5z --print-config",
]


def probe(*arguments: str, **environ: str) -> tuple[int, list[str], str]:
    """Exit code, heavy modules that were imported, and standard output."""
    done = subprocess.run(
        [sys.executable, "-c", PROBE, *arguments],
        capture_output=True,
        text=True,
        env=os.environ | environ,
        check=False,
    )
    line = next(line for line in done.stderr.splitlines() if line.startswith("PROBE"))
    code, heavy = json.loads(line.removeprefix("PROBE"))
    return code, heavy, done.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_looking_around_is_light(command):
    code, heavy, output = probe(*command.split())
    assert (code, heavy) == (0, [])
    assert output


@pytest.mark.parametrize(
    "command",
    [
        "rnu",
        "show mapo",
        "run nope --env smac:3m",
        "run mat --env smac:nope",
        "run mat --env smac:3m -o clip=9",
    ],
)
def test_wrong_usage_is_found_before_anything_heavy_is_imported(command):
    assert probe(*command.split())[:2] == (2, [])


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("marlzoo r", ["run", "resume"]),
        ("marlzoo show ma", ["mappo", "mat"]),
        ("marlzoo show mat --env smac:3s5z", ["smac:3s5z", "smac:3s5z_vs_3s6z"]),
        ("marlzoo run srs", ["srsv"]),
        ("marlzoo run mat --env smac:2c", ["smac:2c_vs_64zg"]),
        ("marlzoo list s", ["suites"]),
        ("marlzoo --de", ["--debug"]),
    ],
)
def test_completion_is_light_and_knows_names(words, expected):
    count = str(len(words.split()) - 1)
    code, heavy, output = probe(_MARLZOO_COMPLETE="bash_complete", COMP_WORDS=words, COMP_CWORD=count)
    assert (code, heavy) == (0, [])
    found = [line.partition(",")[2] for line in output.splitlines()]
    assert set(expected) <= set(found)
    assert all(name.startswith(words.split()[-1]) for name in found)
