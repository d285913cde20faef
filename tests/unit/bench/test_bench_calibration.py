"""What a comparison will take: from what a short run left behind, or why there is nothing to go by."""

from __future__ import annotations

import json

import pytest

from marlzoo.bench.calibration import _cost
from marlzoo.bench.matrix import Cell, Matrix, Protocol

MATRIX = Matrix(
    suite=None,
    algorithms=("a",),
    environments=("x:1",),
    seeds=(0,),
    steps=10_000,
    protocol=Protocol(eval_interval=1000, eval_episodes=4, absolute_episodes=36),
)
MANIFEST = {"step": 300, "wall_seconds": 20.0, "cpu_seconds": 5.0}
EVALUATION = {"step": 0, "wall_seconds": 2.0}


def cost(folder, manifest=None, evaluations=(), rows=()):
    if manifest is not None:
        (folder / "manifest.json").write_text(json.dumps(manifest))
    for name, content in (("evaluations", evaluations), ("metrics", rows)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in content))
    return _cost(Cell("a", "x:1", 0), MATRIX, folder)


def row(step, environment, policy, update):
    parts = {"environment": environment, "policy": policy, "update": update}
    return {"step": step} | {f"time/{name}_seconds": seconds for name, seconds in parts.items()}


def test_time_and_disk_follow_from_what_was_measured(tmp_path):
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "step-300.pt").write_bytes(bytes(1000))
    rows = [row(100, 9.0, 9.0, 9.0), row(300, 9.5, 9.5, 10.0)]
    found = cost(tmp_path, MANIFEST, [EVALUATION], rows)
    assert found.error == ""
    assert found.steps_per_second == pytest.approx(200 / 2.0)
    # 11 evaluations of 4 episodes and 36 at the end, half a second each.
    assert found.seconds == pytest.approx(10_000 / 100 + (11 * 4 + 36) * 0.5)
    assert found.core_share == 0.25
    per_row = (tmp_path / "metrics.jsonl").stat().st_size / 2
    per_evaluation = (tmp_path / "evaluations.jsonl").stat().st_size
    # Two checkpoints, a row every 20 steps, 11 evaluations.
    assert found.bytes == pytest.approx(2 * 1000 + 500 * per_row + 11 * per_evaluation, abs=1)


def test_a_single_update_is_better_than_none(tmp_path):
    found = cost(tmp_path, MANIFEST, [EVALUATION], [row(300, 1.0, 1.0, 1.0)])
    assert found.steps_per_second == 300 / 20


@pytest.mark.parametrize(
    ("manifest", "evaluations", "reason"),
    [
        (None, [], "not ready to start within 300 s; try again on a less busy machine"),
        (
            MANIFEST | {"step": 0},
            [],
            "its first evaluation of 4 episodes takes more than 300 s; give --eval-episodes",
        ),
        (MANIFEST | {"step": 0}, [EVALUATION], "no update within 300 s; try again on a less busy machine"),
    ],
)
def test_without_a_measurement_the_reason_is_given(tmp_path, manifest, evaluations, reason):
    assert cost(tmp_path, manifest, evaluations).error == reason
