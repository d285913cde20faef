"""Where nothing can render: one line that names what to install."""

from __future__ import annotations

import ctypes.util
import os
import subprocess
import sys

import pytest

from marlzoo.envs.mamujoco.rendering import choose_backend
from marlzoo.errors import MissingPieceError


@pytest.fixture
def bare(monkeypatch):
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "MUJOCO_GL"):
        monkeypatch.setenv(name, "")  # so that what the test sets is undone, even where it was not set before
        monkeypatch.delenv(name)
    monkeypatch.setattr(sys, "platform", "linux")


@pytest.mark.parametrize(("present", "chosen"), [({"EGL", "OSMesa"}, "egl"), ({"OSMesa"}, "osmesa")])
def test_what_is_there_is_taken(bare, monkeypatch, present, chosen):
    monkeypatch.setattr(ctypes.util, "find_library", lambda name: name if name in present else None)
    choose_backend()
    assert os.environ["MUJOCO_GL"] == chosen


def test_with_neither_library_it_says_what_to_install(bare, monkeypatch):
    monkeypatch.setattr(ctypes.util, "find_library", lambda name: None)
    with pytest.raises(MissingPieceError, match="neither EGL nor OSMesa; install libEGL or libOSMesa"):
        choose_backend()
    assert "MUJOCO_GL" not in os.environ


@pytest.mark.skipif(ctypes.util.find_library("OSMesa") is not None, reason="OSMesa is installed")
def test_asking_for_a_library_that_is_missing_is_explained():
    program = (
        "from marlzoo.errors import MissingPieceError\n"
        "try:\n"
        "    import marlzoo.envs.mamujoco.batched\n"
        "except MissingPieceError as error:\n"
        "    print(error)\n"
    )
    environ = os.environ | {"MUJOCO_GL": "osmesa"}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environ, capture_output=True, text=True, timeout=600, check=True
    )
    assert done.stdout.startswith("MuJoCo does not start with MUJOCO_GL=osmesa: ")
    assert done.stdout.count("\n") == 1
