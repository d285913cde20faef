"""The algorithm interface: what a plug-in is given, and what it has to give back.

The framework owns time: it steps the environments, counts, evaluates and saves. The algorithm owns learning:
networks, memory, optimisers and update order. One turn of the trainer's loop reads

    decision = algorithm.act(view, carry, Mode.SAMPLE)
    step = env.step(decision.actions)
    algorithm.observe(Transition(view, decision, step.reward, step.terminated, step.truncated, step.view))
    metrics = algorithm.update()
    view, carry = env.reset_done(), decision.carry

Shapes: E environments side by side, N agents, O observation features, S state features, A actions.
"""

from __future__ import annotations

import abc
import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from torch import Tensor

from marlzoo.scope import AttentionScope

Carry = Any
"""A pytree (tuples, lists, dicts) of tensors whose first dimension is E: recurrent or retention state."""

Metrics = Mapping[str, float]
"""What an update reports: plain floats by name."""


class Mode(enum.Enum):
    """How `Algorithm.act` chooses: by sampling (training) or greedily (evaluation)."""

    SAMPLE = "sample"
    GREEDY = "greedy"


@dataclass(frozen=True)
class AgentInfo:
    """One agent of a world, before padding.

    `action_dim` is the number of actions (discrete) or of action components (continuous). Agents of one
    `group` are interchangeable: same spaces, same role.
    """

    name: str
    group: str
    obs_dim: int
    action_dim: int


@dataclass(frozen=True)
class World:
    """What an algorithm may know of its environment before the first step. Unequal agents are padded to the
    largest `obs_dim` and `action_dim`; the action mask tells padded discrete actions from real ones, and
    `AgentInfo.action_dim` the padded components of a continuous action."""

    num_envs: int
    agents: tuple[AgentInfo, ...]
    obs_dim: int
    action_kind: Literal["discrete", "continuous"]
    action_dim: int
    state_dim: int = 0
    """Features of the centralised state; 0 where the environment has none."""
    state_per_agent: bool = False
    """True when `View.state` is `[E, N, S]`, False when it is `[E, S]`."""
    has_action_mask: bool = False
    reward_per_agent: bool = False
    """True when agents may be rewarded differently, False when a team reward stands in every column."""
    horizon: int | None = None
    """The time limit in steps, where there is one."""
    action_low: float = -1.0
    action_high: float = 1.0
    """Bounds of every component of a continuous action."""

    @property
    def num_agents(self) -> int:
        return len(self.agents)

    @property
    def discrete(self) -> bool:
        return self.action_kind == "discrete"


@dataclass(frozen=True)
class View:
    """What the agents of E environments see at one moment.

    The tensors belong to the environment and are overwritten one step after the next: copy what you keep.
    """

    obs: Tensor
    """`[E, N, O]` float32."""
    alive: Tensor
    """`[E, N]` bool. A dead agent's actions have no effect and it should receive no policy gradient."""
    first: Tensor
    """`[E]` bool: this is the first view of an episode."""
    state: Tensor | None = None
    """`[E, S]` or `[E, N, S]` float32."""
    action_mask: Tensor | None = None
    """`[E, N, A]` bool, True where the action is legal; at least one is."""
    neighbours: Tensor | None = None
    """`[E, N, K]` int64 indices of each agent's nearest agents, -1 where there are fewer."""
    places: Tensor | None = None
    """`[E, N, 2]` float32: where the agents are. Decides who may attend to whom; no policy reads it."""


@dataclass(frozen=True)
class Decision:
    """The joint action of E environments.

    `actions` is `[E, N]` int64 (discrete) or `[E, N, A]` float32 (continuous). Whatever the algorithm puts in
    `memo` (tensors with E first) comes back untouched in the `Transition`. Log-probabilities and values are
    better computed after the rollout, in one batched pass.
    """

    actions: Tensor
    carry: Carry = ()
    memo: Mapping[str, Tensor] = field(default_factory=dict)


@dataclass(frozen=True)
class Transition:
    """One step of E environments, to be copied into the algorithm's memory.

    `successor` is the view *before* any automatic reset: where `terminated | truncated`, it shows the last
    moment of the episode. `terminated` (the task ended) is not `truncated` (time ran out): only the first
    has value zero afterwards.
    """

    view: View
    decision: Decision
    reward: Tensor
    """`[E, N]` float32; a team reward stands in every column."""
    terminated: Tensor
    """`[E]` bool."""
    truncated: Tensor
    """`[E]` bool."""
    successor: View


@dataclass(frozen=True)
class Context:
    """What the framework lends to an algorithm.

    Draw every random number from `generator`, never from torch's global one: its state is saved with the
    run, which makes a resumed run equal the uninterrupted one. `initial` is a second generator, for the
    initial weights.
    """

    generator: torch.Generator
    initial: torch.Generator
    total_steps: int
    """The run's budget of environment steps, for schedules."""


@dataclass(frozen=True)
class Explanation:
    """What an algorithm can tell about one of its decisions; shown by `marlzoo replay`."""

    values: Tensor | None = None
    """`[E, N]`: what each agent expects to earn from here on, in the units of the return."""
    attention: Tensor | None = None
    """`[E, N, N]`: how much agent i (row) looks at agent j (column). A row adds up to 1 or less."""
    attention_name: str = "attention"
    """Whose attention that is."""


class Algorithm(abc.ABC):
    """Base of every plug-in algorithm. Required: `act`, `observe`, `update` and the two state methods."""

    attention: AttentionScope | None = None
    """Who attends to whom in `Mode.GREEDY`; None where agents do not attend to each other.

    An algorithm that sets it promises to act by whatever scope `marlzoo evaluate --attention` puts here.
    """

    def __init__(self, world: World, config: Any, context: Context) -> None:
        self.world = world
        self.config = config
        self.context = context

    def initial_carry(self, num_envs: int) -> Carry:
        """The carry for `num_envs` fresh environments. Algorithms without memory over time return `()`.

        The algorithm itself clears the carry of an environment whose `View.first` is set.
        """
        return ()

    @abc.abstractmethod
    def act(self, view: View, carry: Carry, mode: Mode) -> Decision:
        """Choose for every agent. In `Mode.GREEDY` no random number is drawn and nothing is remembered."""

    @abc.abstractmethod
    def observe(self, transition: Transition) -> None:
        """Remember one step. Called once after every training step, never during evaluation."""

    @abc.abstractmethod
    def update(self) -> Metrics | None:
        """Learn, if there is enough data; `None` means not yet. Called once after every `observe`."""

    @abc.abstractmethod
    def state_dict(self) -> dict[str, Any]:
        """Everything that learning goes on from: tensors, numbers, strings, lists and dicts of them.

        No entry may have N in its shape where the method does not depend on the number of agents.
        """

    @abc.abstractmethod
    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take back what `state_dict` returned."""

    def policy_dict(self) -> dict[str, Any]:
        """What `load_policy` needs.

        The trainer keeps that of the best policy in every checkpoint, so override it where `state_dict` is
        large (a replay memory, optimisers).
        """
        return self.state_dict()

    def load_policy(self, state: Mapping[str, Any]) -> None:
        """Take from `state` (a `policy_dict` or a `state_dict`) only what acting needs, possibly saved with
        another number of agents.

        Override it where the full state refers to the number of agents or to a memory of another size.
        """
        self.load_state_dict(state)

    def explain(self, view: View, decision: Decision) -> Explanation | None:
        """What to show about `decision`, which `act` just took for `view` in `Mode.GREEDY`. Optional: by
        default there is nothing to tell. Draws no random number and changes nothing."""
        return None

    @property
    def ready_to_save(self) -> bool:
        """True when `state_dict` holds everything, in particular no rollout is half full.

        The trainer saves only then. An algorithm with a persistent replay memory saves the memory and returns
        True always.
        """
        return True
