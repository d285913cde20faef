"""Pictures of the simulation, with or without a display."""

from __future__ import annotations

import ctypes.util
import os
import sys
from typing import Any

import mujoco
import numpy as np
from numpy.typing import NDArray

from marlzoo.errors import MissingPieceError

_LIBRARIES = {"egl": "EGL", "osmesa": "OSMesa"}


def headless_backend() -> str | None:
    """The off-screen OpenGL of this machine: `egl`, `osmesa`, or None where neither library exists."""
    return next((name for name, library in _LIBRARIES.items() if ctypes.util.find_library(library)), None)


def choose_backend() -> None:
    """Set `MUJOCO_GL` where the user has not and there is no display.

    Raises:
        MissingPieceError: there is neither a display nor EGL or OSMesa.
    """
    has_display = sys.platform != "linux" or "DISPLAY" in os.environ or "WAYLAND_DISPLAY" in os.environ
    if "MUJOCO_GL" in os.environ or has_display:
        return
    backend = headless_backend()
    if backend is None:
        raise MissingPieceError(
            "cannot render: there is no display and neither EGL nor OSMesa; install libEGL or libOSMesa"
        )
    os.environ["MUJOCO_GL"] = backend


class Camera:
    """The camera of Gymnasium's task `template`, pointed at any `MjData` of the same model.

    The picture is taken of the template's own data, so that looking never touches a simulation.
    """

    def __init__(self, template: Any) -> None:
        self._template = template
        self._renderer: Any = None

    def frame(self, data: Any) -> NDArray[np.uint8]:
        """A picture `[480, 480, 3]`.

        Raises:
            MissingPieceError: there is neither a display nor EGL or OSMesa, or OpenGL does not start.
        """
        shown = self._template.data
        shown.qpos[:], shown.qvel[:] = data.qpos, data.qvel
        mujoco.mj_forward(self._template.model, shown)
        try:
            return np.asarray(self._ready().render("rgb_array"), np.uint8)
        except (ImportError, AttributeError, RuntimeError, mujoco.FatalError) as error:
            raise MissingPieceError(
                f"cannot render with MUJOCO_GL={os.environ.get('MUJOCO_GL', '(unset)')}: {error}; "
                "set MUJOCO_GL to egl or osmesa and install that library"
            ) from error

    def _ready(self) -> Any:
        if self._renderer is None:
            choose_backend()
            self._renderer = self._template.mujoco_renderer
        return self._renderer

    def close(self) -> None:
        """Release the rendering context."""
        if self._renderer is not None:
            self._renderer.close()
            self._renderer = None
