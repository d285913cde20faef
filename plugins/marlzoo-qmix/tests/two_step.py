"""The two-step game of the QMIX paper (Rashid et al., 2018, section 5)."""

from __future__ import annotations

import numpy as np
import torch

from marlzoo.api import AgentInfo, View, World
from marlzoo.testing import TinyWorld
from marlzoo.testing.tiny import Array

PAYOFFS = np.array([[[7.0, 7.0], [7.0, 7.0]], [[0.0, 1.0], [1.0, 8.0]]], np.float32)
"""What the second step pays in the two games, by both agents' actions."""


class TwoStepGame(TinyWorld):
    """The first agent's first action picks one of two matrix games; only the second step pays.

    The best return is 8, in the game where a mistake is dear. The sum of two values cannot represent that
    game: averaged over random play its best joint action looks like 6.5, less than the safe game's 7.
    """

    def __init__(self, num_envs: int) -> None:
        infos = tuple(AgentInfo(f"agent_{n}", "all", 3, 2) for n in range(2))
        super().__init__(World(num_envs, infos, 3, "discrete", 2, state_dim=3, horizon=2))
        self.state = {"game": np.zeros(num_envs, np.int64)}

    def start(self, env: int, generator: np.random.Generator) -> None:
        self.state["game"][env] = 0

    def advance(self, actions: Array) -> tuple[Array, Array]:
        second = self.clock == 1
        paid = PAYOFFS[self.state["game"], actions[:, 0], actions[:, 1]]
        self.state["game"] = np.where(second, self.state["game"], actions[:, 0])
        return np.where(second, paid, 0.0)[:, None], second

    def show(self, view: View) -> None:
        where = np.where(self.clock == 0, 0, 1 + self.state["game"])
        seen = torch.from_numpy(np.eye(3, dtype=np.float32)[where])
        view.obs.copy_(seen.unsqueeze(1).expand_as(view.obs))
        assert view.state is not None
        view.state.copy_(seen)
