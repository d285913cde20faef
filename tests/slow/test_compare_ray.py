"""`marlzoo compare --executor ray` on Ray's own cluster of several nodes on one machine."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

RUN_TESTS = Path(__file__).parents[1] / "unit" / "run"
CLI_TESTS = Path(__file__).parents[1] / "cli"
sys.path[:0] = [str(RUN_TESTS), str(CLI_TESTS)]

from run_files import computed  # noqa: E402 (shared with the unit tests of runs)

from marlzoo.bench.comparison import Comparison  # noqa: E402
from marlzoo.registry import Registry  # noqa: E402
from marlzoo.run.experiment import begin_run  # noqa: E402
from marlzoo.run.files import read_json  # noqa: E402
from marlzoo.run.plan import make_plan  # noqa: E402
from marlzoo.run.settings import RunSettings  # noqa: E402

pytest.importorskip("ray", reason="Ray is not installed: pip install 'marlzoo[ray]'")
from ray.cluster_utils import Cluster  # noqa: E402

pytestmark = pytest.mark.slow

FILES = [RUN_TESTS / "tiny_zoo.py", CLI_TESTS / "compare_zoo.py"]
SMALL = ("--steps", "1200", "--eval-episodes", "4", "--absolute-episodes", "8", "--checkpoint-interval", "40")
SETTINGS: dict[str, int] = {
    "steps": 1200,
    "eval_episodes": 4,
    "absolute_episodes": 8,
    "checkpoint_interval": 40,
}
SLOW = ("-o", "macaw.pause=0.2")
TIMEOUT = 900


@pytest.fixture
def cluster() -> Iterator[Any]:
    """A head that works on nothing, and two nodes with a core each."""
    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, **agent_ports()})
    made.nodes = [made.add_node(num_cpus=1, **agent_ports()) for _ in range(2)]
    made.wait_for_nodes()
    yield made
    made.shutdown()


def agent_ports() -> dict[str, int]:
    """Ports for the helpers of a node, which gives up when they take long to choose some themselves."""
    names = (
        "metrics_agent_port",
        "metrics_export_port",
        "runtime_env_agent_port",
        "dashboard_agent_listen_port",
    )
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in names]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return {name: one.getsockname()[1] for name, one in zip(names, sockets, strict=True)}


def start(cluster: Any, *arguments: str) -> subprocess.Popen[str]:
    plugins = [part for path in FILES for part in ("--plugin", str(path))]
    command = [sys.executable, "-m", "marlzoo", *plugins, "compare", *arguments, "--executor", "ray"]
    environ = os.environ | {"RAY_ADDRESS": cluster.address}
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environ)


def wait_until(condition: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + TIMEOUT
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline, "the comparison did not come that far"
        time.sleep(0.1)


def cells_with_checkpoints(out: Path) -> int:
    return len({path.parents[1] for path in out.glob("cells/*/*/*/checkpoints/step-*.pt")})


def test_a_lost_node_costs_no_result(cluster, tmp_path):
    out = tmp_path / "c"
    work = start(cluster, "macaw", "--env", "echo:1", "--seeds", "0..1", *SMALL, *SLOW, "--out", str(out))
    wait_until(lambda: cells_with_checkpoints(out) == 2, work)
    cluster.remove_node(cluster.nodes[1], allow_graceful=False)
    output, errors = work.communicate(timeout=TIMEOUT)
    assert work.returncode == 0, (output, errors)
    comparison = Comparison.existing(out)
    assert {status.state for status in comparison.statuses()} == {"finished"}
    registry = Registry.load(FILES)
    sessions = {}
    for cell in comparison.matrix.cells():
        folder = comparison.folder(cell)
        sessions[cell.seed] = read_json(folder / "manifest.json")["sessions"]
        settings = RunSettings(seed=cell.seed, **SETTINGS)
        plan = make_plan(registry, "macaw", "echo:1", settings=settings)
        begin_run(registry, plan, tmp_path / f"whole-{cell.seed}")
        assert computed(folder) == computed(tmp_path / f"whole-{cell.seed}")
    # One of the two was on the lost node and went on elsewhere, from a checkpoint and not from the start.
    assert sorted(len(one) for one in sessions.values()) == [1, 2]
    (moved,) = [one for one in sessions.values() if len(one) == 2]
    assert moved[1]["from_step"] > 0


def test_a_signal_saves_what_runs_on_the_nodes(cluster, tmp_path):
    out = tmp_path / "c"
    work = start(cluster, "macaw", "--env", "echo:1", "--seeds", "0..2", *SMALL, *SLOW, "--out", str(out))
    wait_until(lambda: cells_with_checkpoints(out) == 2, work)
    work.send_signal(signal.SIGINT)
    output, errors = work.communicate(timeout=TIMEOUT)
    assert work.returncode == 130, (output, errors)
    statuses = Comparison.existing(out).statuses()
    assert [status.state for status in statuses] == ["stopped", "stopped", "waiting"]
    manifests = [read_json(out / "cells" / "echo-1" / "macaw" / seed / "manifest.json") for seed in "01"]
    assert [manifest["status"] for manifest in manifests] == ["interrupted", "interrupted"]
