"""MuJoCo's stopwatch is off inside a block and as before outside, and nothing but the timers notices."""

from __future__ import annotations

import mujoco
import numpy as np
import pytest

from marlzoo.envs.mamujoco import clock

PENDULUM = """
<mujoco>
  <worldbody>
    <body pos="0 0 1"><joint type="hinge" axis="0 1 0"/><geom size=".1 .2" type="capsule"/></body>
  </worldbody>
</mujoco>
"""
STEP = mujoco.mjtTimer.mjTIMER_STEP


@pytest.fixture
def pendulum():
    model = mujoco.MjModel.from_xml_string(PENDULUM)
    return model, mujoco.MjData(model)


def stepped(model, data):
    """Seconds that MuJoCo noted for a hundred steps."""
    before = data.timer[STEP].duration
    mujoco.mj_step(model, data, 100)
    return data.timer[STEP].duration - before


def test_steps_are_not_timed_inside_and_are_again_outside(pendulum):
    assert stepped(*pendulum) > 0
    with clock.untimed():
        assert stepped(*pendulum) == 0
    assert stepped(*pendulum) > 0


def test_the_clock_comes_back_after_an_error(pendulum):
    with pytest.raises(ValueError, match="on the way"), clock.untimed():
        raise ValueError("on the way")
    assert stepped(*pendulum) > 0


def test_the_physics_is_the_same(pendulum):
    model, timed = pendulum
    untimed = mujoco.MjData(model)
    timed.qvel[:] = untimed.qvel[:] = 3.0
    mujoco.mj_step(model, timed, 500)
    with clock.untimed():
        mujoco.mj_step(model, untimed, 500)
    assert np.array_equal(timed.qpos, untimed.qpos)
    assert np.array_equal(timed.qacc, untimed.qacc)


def test_without_the_library_steps_are_timed(pendulum, monkeypatch, tmp_path):
    monkeypatch.setattr(clock.mujoco, "__file__", str(tmp_path / "__init__.py"))
    monkeypatch.setattr(clock, "_clock", clock._clock.__wrapped__)
    with clock.untimed():
        assert stepped(*pendulum) > 0
