"""A plug-in in one file, for tests: a small cooperative world and a small learner, both with everything that
a checkpoint has to hold (random generators, half-played episodes, a carry, optimiser state)."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from marlzoo import hookimpl
from marlzoo.algorithm import AgentInfo, Algorithm, Context, Decision, Mode, Transition, View, World
from marlzoo.config import AlgorithmConfig, EnvConfig
from marlzoo.envs.contract import BatchedEnv, StepResult
from marlzoo.errors import UsageError
from marlzoo.specs import AlgorithmSpec, EnvironmentSpec, Score

MARLZOO_API = 1
ACTIONS = 3
OBS = 4


class EchoConfig(EnvConfig):
    horizon: int = Field(default=12, ge=1, description="Time limit.")
    ending: float = Field(default=0.05, ge=0, le=1, description="Chance per step that the task ends.")


class EchoEnv(BatchedEnv):
    """Each agent sees which action pays next (one-hot) and how late it is. Episodes end by chance or by
    time."""

    backend_version = "1"
    episode_metrics = ("hit_all",)

    def __init__(self, num_agents: int, config: EchoConfig, num_envs: int) -> None:
        agents = tuple(AgentInfo(f"agent_{i}", "agent", OBS, ACTIONS) for i in range(num_agents))
        self.world = World(num_envs, agents, OBS, "discrete", ACTIONS, horizon=config.horizon)
        self._config = config
        self._shape = (num_envs, num_agents)
        self._views = [self._empty_view(), self._empty_view()]
        self._current = 0

    def _empty_view(self) -> View:
        return View(
            obs=torch.zeros(*self._shape, OBS),
            alive=torch.ones(self._shape, dtype=torch.bool),
            first=torch.ones(self._shape[0], dtype=torch.bool),
        )

    def reset(self, seeds: Sequence[np.random.SeedSequence]) -> View:
        assert len(seeds) == self._shape[0]
        self.seeds = list(seeds)
        self._rngs = [np.random.Generator(np.random.PCG64(seed)) for seed in seeds]
        self._time = np.zeros(self._shape[0], np.int64)
        self._hits = np.zeros(self._shape[0], np.int64)
        self._target = np.zeros(self._shape, np.int64)
        self._ended = np.ones(self._shape[0], bool)
        self._current = 0
        return self.reset_done()

    def step(self, actions: Tensor) -> StepResult:
        chosen = actions.numpy()
        if chosen.min() < 0 or chosen.max() >= ACTIONS:
            raise UsageError(f"action {chosen.max()} is illegal; expected 0 to {ACTIONS - 1}")
        hit = chosen == self._target
        self._time += 1
        self._hits += hit.all(axis=1)
        chance = np.array([rng.random() for rng in self._rngs])
        terminated = chance < self._config.ending
        truncated = ~terminated & (self._time >= self._config.horizon)
        self._ended = terminated | truncated
        self._draw_targets(~self._ended)
        self._current = 1 - self._current
        view = self._write_view(np.zeros(self._shape[0], bool))
        reward = torch.from_numpy(
            np.repeat(hit.mean(axis=1, dtype=np.float32)[:, None], self._shape[1], axis=1)
        )
        info = {"hit_all": (self._hits == self._time).astype(float)}
        return StepResult(view, reward, torch.from_numpy(terminated), torch.from_numpy(truncated), info)

    def reset_done(self) -> View:
        self._time[self._ended] = 0
        self._hits[self._ended] = 0
        self._draw_targets(self._ended)
        view = self._write_view(self._ended)
        self._ended = np.zeros(self._shape[0], bool)
        return view

    def _draw_targets(self, where: np.ndarray) -> None:
        for i in np.flatnonzero(where):
            self._target[i] = self._rngs[i].integers(ACTIONS, size=self._shape[1])

    def _write_view(self, first: np.ndarray) -> View:
        view = self._views[self._current]
        view.obs.zero_()
        view.obs[..., :ACTIONS].scatter_(2, torch.from_numpy(self._target)[..., None], 1.0)
        view.obs[..., ACTIONS] = torch.from_numpy(self._time.astype(np.float32) / self._config.horizon)[
            :, None
        ]
        view.first.copy_(torch.from_numpy(first))
        return view

    def snapshot(self) -> dict[str, Any]:
        return {
            "rngs": [rng.bit_generator.state for rng in self._rngs],
            "arrays": (self._time.copy(), self._hits.copy(), self._target.copy()),
            "first": self._views[self._current].first.numpy().copy(),
        }

    def restore(self, snapshot: Mapping[str, Any]) -> View:
        self._rngs = [np.random.Generator(np.random.PCG64()) for _ in snapshot["rngs"]]
        for rng, state in zip(self._rngs, snapshot["rngs"], strict=True):
            rng.bit_generator.state = state
        self._time, self._hits, self._target = (array.copy() for array in snapshot["arrays"])
        self._ended = np.zeros(self._shape[0], bool)
        return self._write_view(snapshot["first"])

    def diagnostics(self) -> Mapping[str, float]:
        return {"restarted_workers": 0.0}


def make_echo(task: str, config: EchoConfig, num_envs: int) -> EchoEnv:
    return EchoEnv(int(task), config, num_envs)


class ParrotConfig(AlgorithmConfig):
    num_envs: int = Field(default=4, ge=1, description="Environments stepped side by side.")
    length: int = Field(default=5, ge=1, description="Steps per rollout.")
    lr: float = Field(default=0.05, gt=0, description="Learning rate.")
    fault: str = Field(
        default="", description="What goes wrong, and at which update: nan:3, raise:3, illegal:3."
    )
    pause: float = Field(default=0.0, ge=0, description="Seconds to sleep in every update.")


class Parrot(Algorithm):
    """REINFORCE with a linear policy. Its carry counts the steps of each episode, and its memory is cleared
    by every update."""

    def __init__(self, world: World, config: ParrotConfig, context: Context) -> None:
        super().__init__(world, config, context)
        self.net = nn.Linear(world.obs_dim, world.action_dim)
        self.optimiser = torch.optim.Adam(self.net.parameters(), lr=config.lr)
        self.updates = 0
        self.memory: list[tuple[Tensor, Tensor, Tensor]] = []

    def initial_carry(self, num_envs: int) -> tuple[Tensor, dict[str, Tensor]]:
        return torch.zeros(num_envs), {"seen": torch.zeros(num_envs, dtype=torch.int64)}

    def act(self, view: View, carry: Any, mode: Mode) -> Decision:
        count, seen = carry[0].masked_fill(view.first, 0.0), carry[1]["seen"]
        logits = self.net(view.obs)
        if mode is Mode.SAMPLE:
            noise = torch.rand(logits.shape, generator=self.context.generator).log().neg().log().neg()
            logits = logits + noise + 1e-3 * count[:, None, None]
        actions = logits.argmax(dim=-1)
        if self._faulty("illegal"):
            actions = actions + ACTIONS
        return Decision(actions, (count + 1, {"seen": seen + 1}), {"count": count})

    def observe(self, transition: Transition) -> None:
        view, decision = transition.view, transition.decision
        self.memory.append((view.obs.clone(), decision.actions, transition.reward.clone()))

    def update(self) -> dict[str, float] | None:
        if len(self.memory) < self.config.length:
            return None
        obs, actions, reward = (torch.stack(parts) for parts in zip(*self.memory, strict=True))
        self.memory.clear()
        time.sleep(self.config.pause)
        if self._faulty("raise"):
            raise ValueError("the parrot fell off its perch")
        log_probs = self.net(obs).log_softmax(dim=-1).gather(-1, actions[..., None]).squeeze(-1)
        loss = -(log_probs * (reward - reward.mean())).mean()
        self.optimiser.zero_grad()
        loss.backward()
        self.optimiser.step()
        self.updates += 1
        return {"loss": float("nan") if self._faulty("nan") else loss.item()}

    def _faulty(self, kind: str) -> bool:
        wanted, _, update = self.config.fault.partition(":")
        return wanted == kind and self.updates >= int(update)

    def state_dict(self) -> dict[str, Any]:
        return {
            "net": self.net.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "updates": self.updates,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.net.load_state_dict(state["net"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.updates = state["updates"]

    def policy_dict(self) -> dict[str, Any]:
        return {"net": self.net.state_dict()}

    def load_policy(self, state: Mapping[str, Any]) -> None:
        self.net.load_state_dict(state["net"])

    @property
    def ready_to_save(self) -> bool:
        return not self.memory


@hookimpl
def marlzoo_environments() -> list[EnvironmentSpec]:
    return [
        EnvironmentSpec(
            name="echo",
            make="tiny_zoo:make_echo",
            config="tiny_zoo:EchoConfig",
            summary="Say what you see.",
            score=Score("hits", metric="return"),
            tasks=("1", "2", "3"),
        )
    ]


@hookimpl
def marlzoo_algorithms() -> list[AlgorithmSpec]:
    return [
        AlgorithmSpec(
            name="parrot",
            algorithm="tiny_zoo:Parrot",
            config="tiny_zoo:ParrotConfig",
            summary="REINFORCE.",
            continuous=False,
            count_free=True,
        )
    ]


@hookimpl
def marlzoo_evaluated(run: Any, evaluation: Any) -> None:
    if os.environ.get("TINY_ZOO_OBSERVER_FAILS"):
        raise ValueError("an observer that fails")
