"""The PettingZoo form passes PettingZoo's own tests, and pictures can be taken without a display."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from pettingzoo.test import parallel_api_test, parallel_seed_test

from marlzoo.envs.mamujoco.parallel import parallel_env
from marlzoo.envs.mamujoco.rendering import headless_backend
from marlzoo.errors import UsageError


@pytest.mark.parametrize("task", ["HalfCheetah-6x1", "Humanoid-9|8", "Reacher-2x1"])
def test_pettingzoo_api(task: str) -> None:
    parallel_api_test(parallel_env(task), num_cycles=120)


def test_pettingzoo_seeds() -> None:
    parallel_seed_test(lambda: parallel_env("Hopper-3x1"), num_cycles=30)


def test_equals_gymnasium_robotics_directly() -> None:
    pytest.importorskip("gymnasium_robotics", reason="gymnasium-robotics is not installed")
    from gymnasium_robotics import mamujoco_v1

    theirs, ours = mamujoco_v1.parallel_env("Ant", "4x2", agent_obsk=1), parallel_env("Ant-4x2", obsk=1)
    rng = np.random.default_rng(0)
    left, right = theirs.reset(seed=4)[0], ours.reset(seed=4)[0]
    for _ in range(20):
        for name in theirs.possible_agents:
            np.testing.assert_array_equal(left[name], right[name])
        joint = {name: rng.uniform(-1, 1, 2).astype(np.float32) for name in theirs.possible_agents}
        left, right = theirs.step(joint)[0], ours.step(joint)[0]


def test_stepping_a_finished_episode_is_refused() -> None:
    env = parallel_env("Hopper-3x1")
    with pytest.raises(UsageError, match=r"call reset\(\)"):
        env.step({})


@pytest.mark.skipif(headless_backend() is None, reason="neither EGL nor OSMesa is installed")
def test_a_picture_without_a_display() -> None:
    program = (
        "import numpy as np\n"
        "from marlzoo.envs.mamujoco.parallel import parallel_env\n"
        "env = parallel_env('Ant-4x2'); env.reset(seed=0)\n"
        "before = env.state(); picture = env.render(); env.close()\n"
        "assert picture.shape == (480, 480, 3) and picture.std() > 1, picture.std()\n"
        "assert np.array_equal(before, env.state())\n"
    )
    hidden = {"DISPLAY", "WAYLAND_DISPLAY", "MUJOCO_GL"}
    environ = {key: value for key, value in os.environ.items() if key not in hidden}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environ, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
