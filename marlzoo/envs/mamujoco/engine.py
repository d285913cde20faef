"""What the fast path and the reference have in common: E copies of one task in float64, the agents'
observations padded to the widest, nothing else added.
"""

from __future__ import annotations

import abc
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marlzoo.errors import MissingPieceError

try:
    import mujoco
except AttributeError as error:
    # That is how a missing OpenGL library shows when MUJOCO_GL asks for it.
    raise MissingPieceError(
        f"MuJoCo does not start with MUJOCO_GL={os.environ.get('MUJOCO_GL', '')}: {error}; unset it, or "
        "install the library that it names (libEGL, libOSMesa)"
    ) from error

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class TaskShape:
    """The sizes of a task; observation and action dimensions agent by agent."""

    obs_dims: tuple[int, ...]
    action_dims: tuple[int, ...]
    state_dim: int
    horizon: int
    action_low: float
    action_high: float

    @property
    def num_agents(self) -> int:
        return len(self.obs_dims)

    @property
    def obs_dim(self) -> int:
        return max(self.obs_dims)

    @property
    def action_dim(self) -> int:
        return max(self.action_dims)


@dataclass(frozen=True)
class Outcome:
    """Reward, termination and truncation `[E]` of one step. Both flags may be set, as in Gymnasium."""

    reward: Floats
    terminated: Bools
    truncated: Bools


class Engine(abc.ABC):
    """E copies of one task."""

    shape: TaskShape
    version: str
    """Versions of what computes the dynamics."""
    obs: Floats
    """`[E, N, O]`, zero where an agent has fewer features."""
    state: Floats
    """`[E, S]`."""

    @abc.abstractmethod
    def reset(self, indices: Sequence[int], generators: Sequence[np.random.Generator]) -> None:
        """Start an episode in the copies `indices`, each drawing from its generator in Gymnasium's order."""

    @abc.abstractmethod
    def step(self, actions: Floats) -> Outcome:
        """Advance every copy; `actions [E, N, A]` in the task's own range, padding ignored."""

    @abc.abstractmethod
    def capture(self) -> dict[str, Any]:
        """The whole state as arrays, the solver's warm start included; generators belong to the caller."""

    @abc.abstractmethod
    def restore(self, saved: Mapping[str, Any]) -> None:
        """Go back to what `capture` returned."""

    @abc.abstractmethod
    def frame(self, index: int) -> NDArray[np.uint8]:
        """A picture `[height, width, 3]` of one copy.

        Raises:
            MissingPieceError: there is neither a display nor EGL or OSMesa.
        """

    @abc.abstractmethod
    def close(self) -> None:
        """Release windows and rendering contexts."""


def read_physics(model: Any, data: Any) -> Floats:
    """The integration state of `data`: positions, velocities, time, controls and the solver's warm start."""
    kind = mujoco.mjtState.mjSTATE_INTEGRATION
    values = np.empty(mujoco.mj_stateSize(model, kind))
    mujoco.mj_getState(model, data, values, kind)
    return values


def write_physics(model: Any, data: Any, values: Floats) -> None:
    """Put an integration state back. Derived quantities (body positions, forces) stay what they were."""
    mujoco.mj_setState(model, data, values, mujoco.mjtState.mjSTATE_INTEGRATION)
