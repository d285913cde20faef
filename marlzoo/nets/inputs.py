"""What an actor and a critic read: the choices between local observations and centralised state."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from marlzoo.algorithm import World
from marlzoo.errors import UsageError

CriticInputKind = Literal["auto", "state", "state_and_obs", "joint_obs", "obs"]


class ActorInput:
    """The agent's last `frames` observations, and its number as a one-hot vector where `agent_ids` is set.

    With ids the number of agents is in the shape of the network.
    """

    def __init__(self, world: World, agent_ids: bool = False, frames: int = 1) -> None:
        self.ids = torch.eye(world.num_agents) if agent_ids else None
        self.size = frames * world.obs_dim + (world.num_agents if agent_ids else 0)

    def __call__(self, obs: Tensor) -> Tensor:
        """`[..., N, frames * O]` to `[..., N, size]`."""
        if self.ids is None:
            return obs
        return torch.cat([obs, self.ids.expand(*obs.shape[:-1], -1)], -1)


class CriticInput:
    """The input of the critic, in `columns` rows per environment.

    | kind | content | columns | name in the MAPPO paper |
    |---|---|---|---|
    | `state` | the environment's state | 1, or N if the environment gives one per agent | EP (FP, AS) |
    | `state_and_obs` | that and the agent's own observation | N | AS |
    | `joint_obs` | all observations, one after the other | 1 | CL |
    | `obs` | the agent's own observation | N | IPPO |

    `auto` is `state` where there is one, else `joint_obs`; where agents are rewarded separately, it is
    `state_and_obs` or `obs`, since one value for all would be wrong.

    Raises:
        UsageError: a kind that needs a state, in a world without one.
    """

    def __init__(self, world: World, kind: CriticInputKind, death_masking: bool = False) -> None:
        self.kind = _resolve(world, kind)
        self.death_masking = death_masking
        state, obs, agents = world.state_dim, world.obs_dim, world.num_agents
        sizes = {"state": state, "state_and_obs": state + obs, "joint_obs": agents * obs, "obs": obs}
        self.size = sizes[self.kind]
        shared = self.kind == "joint_obs" or (self.kind == "state" and not world.state_per_agent)
        self.columns = 1 if shared else agents

    def __call__(self, obs: Tensor, state: Tensor | None, alive: Tensor) -> Tensor:
        """`obs [..., N, O]`, `state [..., S]` or `[..., N, S]`, `alive [..., N]` to `[..., columns, size]`.

        With `death_masking` the rows of dead agents are 0.
        """
        inputs = self._content(obs, state)
        if self.death_masking and self.columns > 1:
            return inputs * alive.unsqueeze(-1)
        return inputs

    def _content(self, obs: Tensor, state: Tensor | None) -> Tensor:
        if self.kind == "joint_obs":
            return obs.flatten(-2).unsqueeze(-2)
        if self.kind == "obs" or state is None:
            return obs
        per_agent = state if state.dim() == obs.dim() else state.unsqueeze(-2)
        if self.kind == "state":
            return per_agent
        return torch.cat([per_agent.expand(*obs.shape[:-1], -1), obs], -1)


def real_components(world: World) -> Tensor | None:
    """`[N, A]` bool: the components of a continuous action that are no padding; None where all are real."""
    sizes = torch.tensor([agent.action_dim for agent in world.agents])
    if world.discrete or bool((sizes == world.action_dim).all()):
        return None
    return torch.arange(world.action_dim) < sizes.unsqueeze(-1)


def _resolve(world: World, kind: CriticInputKind) -> CriticInputKind:
    if kind == "auto":
        if world.reward_per_agent:
            return "state_and_obs" if world.state_dim else "obs"
        return "state" if world.state_dim else "joint_obs"
    if kind in ("state", "state_and_obs") and world.state_dim == 0:
        raise UsageError(
            f"critic_input={kind} needs a centralised state, which this environment lacks; "
            "use joint_obs or obs"
        )
    return kind
