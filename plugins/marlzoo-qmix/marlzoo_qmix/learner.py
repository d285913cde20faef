"""Q-learning on whole episodes: values of the joint actions taken, and the targets they are drawn to."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import clip_grad_norm_

from marlzoo.api import EpisodeBatch, Metrics, World
from marlzoo.memory.returns import Timeout, gae
from marlzoo_qmix.config import QmixConfig
from marlzoo_qmix.mixing import JointState, MonotonicMixer, SumMixer
from marlzoo_qmix.network import AgentNetwork
from marlzoo_qmix.packing import Packing


@dataclass(frozen=True)
class Networks:
    """The agents' network and the mixer: once learning, once as the target."""

    agent: AgentNetwork
    mixer: nn.Module

    def parameters(self) -> list[nn.Parameter]:
        return [*self.agent.parameters(), *self.mixer.parameters()]

    def frozen_copy(self) -> Networks:
        """A copy that no gradient reaches."""
        twin = Networks(copy.deepcopy(self.agent), copy.deepcopy(self.mixer))
        for parameter in twin.parameters():
            parameter.requires_grad_(False)
        return twin

    def state_dict(self) -> dict[str, Any]:
        return {"agent": self.agent.state_dict(), "mixer": self.mixer.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.agent.load_state_dict(state["agent"])
        self.mixer.load_state_dict(state["mixer"])


@dataclass(frozen=True)
class _Views:
    """What a lesson needs of its episodes, packed to the V views there are."""

    packing: Packing
    obs: Tensor
    last: Tensor
    state: Tensor
    alive: Tensor
    action_mask: Tensor | None
    actions: Tensor
    """`[V, N]`; 0 at an episode's last view, on which nothing was done."""

    @classmethod
    def of(cls, batch: EpisodeBatch, joint_state: JointState) -> _Views:
        packing = Packing(batch.filled)
        obs = packing.pack(batch.obs)
        mask = batch.action_mask
        return cls(
            packing,
            obs,
            packing.pack(previous_actions(batch.actions)),
            joint_state(obs, None if batch.state is None else packing.pack(batch.state)),
            packing.pack(batch.alive),
            None if mask is None else packing.pack(mask),
            packing.pack(torch.cat([batch.actions, torch.zeros_like(batch.actions[:1])])),
        )


class Learner:
    """Improves `networks` towards targets that come from an older copy of them."""

    def __init__(self, world: World, config: QmixConfig, generator: torch.Generator) -> None:
        self.config = config
        self.joint_state = JointState(world)
        self.networks = Networks(
            AgentNetwork(world, config, generator),
            SumMixer()
            if config.mixer == "sum"
            else MonotonicMixer(
                world.num_agents, self.joint_state.size, config.mixing_width, config.hyper_width, generator
            ),
        )
        self.target = self.networks.frozen_copy()
        self.parameters = self.networks.parameters()
        self.optimiser = torch.optim.Adam(self.parameters, config.lr, eps=config.adam_eps, fused=True)

    def learn(self, batch: EpisodeBatch) -> Metrics:
        """One optimiser step on the mean squared error of `Q_tot` over the steps there are."""
        views = _Views.of(batch, self.joint_state)
        values = self.networks.agent(views.obs, views.last, views.packing.sizes)
        joint = self._mixed(self.networks, views, values, views.actions)[:-1]
        targets = self._targets(batch, views, values.detach())
        count = batch.filled.sum()
        loss = ((joint - targets) * batch.filled).square().sum() / count
        self.optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        limit = float("inf") if self.config.max_grad_norm is None else self.config.max_grad_norm
        norm = clip_grad_norm_(self.parameters, limit)
        self.optimiser.step()
        return {
            "loss": float(loss.detach()),
            "grad_norm": float(norm),
            "value": float((joint.detach() * batch.filled).sum() / count),
            "target": float((targets * batch.filled).sum() / count),
        }

    @torch.no_grad()
    def _targets(self, batch: EpisodeBatch, views: _Views, values: Tensor) -> Tensor:
        """`[L, B]`: what the joint actions are worth according to the target networks."""
        older = self.target.agent(views.obs, views.last, views.packing.sizes)
        best = greedy(values if self.config.double_q else older, views.action_mask)
        return lambda_returns(
            batch,
            self._mixed(self.target, views, older, best),
            gamma=self.config.gamma,
            lam=self.config.td_lambda,
            timeout=self.config.timeout,
        )

    def _mixed(self, networks: Networks, views: _Views, values: Tensor, actions: Tensor) -> Tensor:
        """`[L+1, B]`: the team's value of `actions [V, N]`, of `values [V, N, A]`; the dead are worth 0."""
        chosen = values.gather(-1, actions.unsqueeze(-1)).squeeze(-1) * views.alive
        return views.packing.unpack(networks.mixer(chosen, views.state))

    def renew_target(self) -> None:
        """Copy the learning networks to the target."""
        self.target.load_state_dict(self.networks.state_dict())

    def state_dict(self) -> dict[str, Any]:
        return {
            **self.networks.state_dict(),
            "target": self.target.state_dict(),
            "optimiser": self.optimiser.state_dict(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.networks.load_state_dict(state)
        self.target.load_state_dict(state["target"])
        self.optimiser.load_state_dict(state["optimiser"])


def greedy(values: Tensor, legal: Tensor | None) -> Tensor:
    """`[..., A]` to `[...]`: the legal action of the highest value, of equal ones the first."""
    if legal is not None:
        values = values.masked_fill(~legal, -torch.inf)
    return values.argmax(-1)


def previous_actions(actions: Tensor) -> Tensor:
    """`[L, B, N]` to `[L+1, B, N]`: the action before each view, -1 before the first."""
    return torch.cat([torch.full_like(actions[:1], -1), actions])


def lambda_returns(
    batch: EpisodeBatch, values: Tensor, *, gamma: float, lam: float, timeout: Timeout
) -> Tensor:
    """Peng's Q(lambda): `G_t = r_t + g ((1 - l) V_{t+1} + l G_{t+1})`, and `G_t = r_t` where the task ended.

    This is `gae` seen from the other side: its advantage is `G_t - V_t`. The reward is the team's, the mean
    over agents.

    Args:
        batch: the episodes.
        values: `[L+1, B]`, the value of the best joint action in each view.
        gamma, lam: discount and lambda.
        timeout: what follows where time ran out: nothing, or the last view's value.

    Returns:
        `[L, B]`; what it holds beyond the end of an episode means nothing.
    """
    columns = values.unsqueeze(-1)
    _, returns = gae(
        batch.reward.mean(-1, keepdim=True),
        columns,
        batch.terminated,
        batch.truncated,
        gamma=gamma,
        lam=lam,
        timeout=timeout,
        final_values=columns[1:],
    )
    return returns.squeeze(-1)
