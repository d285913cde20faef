"""How a task is shown: the options of the published set-ups, applied on top of an engine.

Those set-ups (the code of MAT, A2PO and HAPPO) append a one-hot agent number, show every agent the whole
state, standardise each vector over its own features (not over time), and let actions range over [-1, 1].
"""

from __future__ import annotations

import numpy as np

from marlzoo.envs.mamujoco.config import Presenting
from marlzoo.envs.mamujoco.engine import Engine, Floats


class Presentation:
    """The observations, states and action range that agents get from `engine` under the options `choice`."""

    def __init__(self, engine: Engine, choice: Presenting) -> None:
        self._engine = engine
        self._choice = choice
        agents = engine.shape.num_agents
        seen = engine.shape.state_dim if choice.full_state else engine.shape.obs_dim
        self.obs_dim = seen + (agents if choice.agent_id else 0)
        self._identity = np.eye(agents)
        low, high = engine.shape.action_low, engine.shape.action_high
        self.action_low, self.action_high = (-1.0, 1.0) if choice.scale_actions else (low, high)

    @property
    def obs_dims(self) -> tuple[int, ...]:
        """What each agent observes. Whole vectors where an option works on the padded vector."""
        choice = self._choice
        if choice.full_state or choice.agent_id or choice.standardise:
            return (self.obs_dim,) * self._engine.shape.num_agents
        return self._engine.shape.obs_dims

    def observations(self) -> Floats:
        """`[E, N, obs_dim]` float64."""
        engine = self._engine
        seen = engine.obs
        if self._choice.full_state:
            seen = np.repeat(engine.state[:, None, :], engine.shape.num_agents, axis=1)
        if self._choice.agent_id:
            identity = np.broadcast_to(self._identity, (len(seen), *self._identity.shape))
            seen = np.concatenate([seen, identity], axis=2)
        return standardised(seen) if self._choice.standardise else seen

    def states(self) -> Floats:
        """`[E, S]` float64."""
        return standardised(self._engine.state) if self._choice.standardise else self._engine.state

    def controls(self, actions: Floats) -> Floats:
        """Actions `[E, N, A]` in the task's own range. Nothing is clipped: MuJoCo clamps what drives a
        joint."""
        if not self._choice.scale_actions:
            return actions
        shape = self._engine.shape
        return (actions + 1) / 2 * (shape.action_high - shape.action_low) + shape.action_low


def standardised(vectors: Floats) -> Floats:
    """Every vector (last dimension) with mean 0 and deviation 1; a constant vector becomes zero."""
    mean = vectors.mean(axis=-1, keepdims=True)
    deviation = vectors.std(axis=-1, keepdims=True)
    return (vectors - mean) / np.where(deviation > 0, deviation, 1.0)
