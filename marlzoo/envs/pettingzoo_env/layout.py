"""The sizes of a PettingZoo environment, and how its dictionaries become padded rows and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from marlzoo.errors import UsageError

MASK = "action_mask"

MaskPlace = Literal["observation", "info", "none"]


@dataclass(frozen=True)
class AgentLayout:
    """One agent: what it sees (without its mask) and does."""

    name: str
    seen: spaces.Space[Any]
    keys: tuple[str, ...]
    """The entries of a dictionary observation that make up `seen`; empty if it is no dictionary with a
    mask."""
    action: spaces.Space[Any]
    obs_dim: int
    action_dim: int

    def observe(self, observation: Any, row: NDArray[np.float32]) -> None:
        """Write the flat observation into the first `obs_dim` places of `row`."""
        if self.keys:
            picked = {key: observation[key] for key in self.keys}
            observation = picked[self.keys[0]] if len(self.keys) == 1 else picked
        if not isinstance(self.seen, spaces.Box):
            observation = spaces.flatten(self.seen, observation)
        row[: self.obs_dim] = np.asarray(observation, np.float32).ravel()
        row[self.obs_dim :] = 0

    def decode(self, row: NDArray[Any], rescale: bool) -> Any:
        """The action that the environment expects for `row`: a number, or components `[A]`."""
        if isinstance(self.action, spaces.Discrete):
            return int(row) + int(self.action.start)
        box = self.action
        assert isinstance(box, spaces.Box)
        values = row[: self.action_dim].reshape(box.shape)
        if rescale:
            values = box.low + (values + 1) / 2 * (box.high - box.low)
        return np.clip(values, box.low, box.high).astype(box.dtype)


@dataclass(frozen=True)
class Layout:
    """A whole environment, agents in the order of `possible_agents`."""

    agents: tuple[AgentLayout, ...]
    discrete: bool
    mask_place: MaskPlace
    state_dim: int
    action_low: float
    action_high: float
    rescale: bool
    """True when the agents' boxes differ, so that algorithms act in [-1, 1] and the adapter maps it."""

    @property
    def obs_dim(self) -> int:
        return max(agent.obs_dim for agent in self.agents)

    @property
    def action_dim(self) -> int:
        return max(agent.action_dim for agent in self.agents)

    @property
    def masked(self) -> bool:
        """True where some discrete action can be illegal, be it only because of padding."""
        unequal = len({agent.action_dim for agent in self.agents}) > 1
        return self.discrete and (self.mask_place != "none" or unequal)


def inspect_layout(env: Any) -> Layout:
    """Read the spaces of `env`, and reset it once to see where masks and a state are.

    Raises:
        UsageError: action spaces are neither all `Discrete` nor all `Box`, or a space has no fixed size.
    """
    names = list(env.possible_agents)
    if not names:
        raise UsageError(
            "the environment has no possible_agents; its agents have to be known before the reset"
        )
    agents = tuple(_agent(name, env.observation_space(name), env.action_space(name)) for name in names)
    discrete = _common_kind(agents)
    observations, infos = env.reset(seed=0)
    low, high, rescale = (0.0, 0.0, False) if discrete else _bounds(agents)
    return Layout(
        agents=agents,
        discrete=discrete,
        mask_place=_mask_place(observations, infos),
        state_dim=_state_size(env),
        action_low=low,
        action_high=high,
        rescale=rescale,
    )


def _agent(name: str, observed: spaces.Space[Any], action: spaces.Space[Any]) -> AgentLayout:
    keys: tuple[str, ...] = ()
    seen = observed
    if isinstance(observed, spaces.Dict) and MASK in observed.spaces:
        keys = tuple(key for key in observed.spaces if key != MASK)
        rest = {key: observed.spaces[key] for key in keys}
        seen = rest[keys[0]] if len(keys) == 1 else spaces.Dict(rest)
    if isinstance(action, spaces.Discrete):
        size = int(action.n)
    elif isinstance(action, spaces.Box):
        size = int(np.prod(action.shape))
    else:
        raise UsageError(f"agent {name} has the action space {action}; expected Discrete or Box")
    return AgentLayout(name, seen, keys, action, _flat_size(name, seen), size)


def _flat_size(name: str, space: spaces.Space[Any]) -> int:
    try:
        return int(spaces.flatdim(space))
    except (NotImplementedError, ValueError) as error:
        raise UsageError(f"the observations of agent {name} have no fixed size: {space}") from error


def _common_kind(agents: tuple[AgentLayout, ...]) -> bool:
    kinds = {isinstance(agent.action, spaces.Discrete) for agent in agents}
    if len(kinds) > 1:
        raise UsageError("some agents act discretely and some continuously; expected one kind for all")
    return kinds.pop()


def _bounds(agents: tuple[AgentLayout, ...]) -> tuple[float, float, bool]:
    """Common bounds of all action components, and whether components have to be rescaled to share them."""
    boxes = [agent.action for agent in agents if isinstance(agent.action, spaces.Box)]
    lows = {float(value) for box in boxes for value in box.low.ravel()}
    highs = {float(value) for box in boxes for value in box.high.ravel()}
    if not np.isfinite([*lows, *highs]).all():
        return -1.0, 1.0, False
    if len(lows) == len(highs) == 1:
        return lows.pop(), highs.pop(), False
    return -1.0, 1.0, True


def _mask_place(observations: Mapping[str, Any], infos: Mapping[str, Any]) -> MaskPlace:
    if any(isinstance(value, Mapping) and MASK in value for value in observations.values()):
        return "observation"
    if any(isinstance(value, Mapping) and MASK in value for value in infos.values()):
        return "info"
    return "none"


def _state_size(env: Any) -> int:
    """How many numbers `state()` returns; 0 where the environment has none."""
    try:
        return int(np.asarray(env.state(), np.float32).size)
    except (NotImplementedError, AttributeError, TypeError):
        return 0
