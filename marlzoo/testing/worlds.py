"""Tiny worlds in which right and wrong are known: for the tests of algorithms and of the framework."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch

from marlzoo.algorithm import AgentInfo, View, World
from marlzoo.testing.tiny import Array, TinyWorld

COORDINATION = ((4.0, 0.0, 0.0), (0.0, 10.0, 0.0), (0.0, 0.0, 4.0))
"""Two agents are paid for choosing alike; one choice is better than the others."""

CLIMBING = ((11.0, -30.0, 0.0), (-30.0, 7.0, 6.0), (0.0, 0.0, 5.0))
"""The climbing game (Claus and Boutilier, 1998): the way to the optimum leads past heavy losses."""

PENALTY = ((10.0, 0.0, -50.0), (0.0, 2.0, 0.0), (-50.0, 0.0, 10.0))
"""The penalty game (Claus and Boutilier, 1998) with penalty 50: two optima that must not be mixed."""


def alike(agents: int, obs_dim: int, action_dim: int) -> tuple[AgentInfo, ...]:
    """Agents of one group."""
    return tuple(AgentInfo(f"agent_{n}", "all", obs_dim, action_dim) for n in range(agents))


class MatrixGame(TinyWorld):
    """One joint action, one payoff, the same for all: `payoff[a_1][a_2]...` has one axis per agent.

    Every agent sees its own number (one-hot), the critic a constant. The metric `optimal` says whether the
    best joint action was found.
    """

    episode_metrics = ("optimal",)

    def __init__(self, num_envs: int, payoff: Sequence[object] = COORDINATION) -> None:
        self.payoff = np.asarray(payoff, np.float32)
        agents, choices = self.payoff.ndim, self.payoff.shape[0]
        super().__init__(
            World(
                num_envs, alike(agents, agents, choices), agents, "discrete", choices, state_dim=1, horizon=1
            )
        )
        self.state = {"optimal": np.zeros(num_envs)}

    @property
    def random_return(self) -> float:
        """The expected payoff of uniformly random play."""
        return float(self.payoff.mean())

    def start(self, env: int, generator: np.random.Generator) -> None:
        self.state["optimal"][env] = 0.0

    def advance(self, actions: Array) -> tuple[Array, Array]:
        reward = self.payoff[tuple(actions.T)]
        self.state["optimal"] = (reward == self.payoff.max()).astype(np.float64)
        return reward[:, None], np.ones(len(actions), np.bool_)

    def metrics(self) -> dict[str, Array]:
        return {"optimal": self.state["optimal"].copy()}

    def show(self, view: View) -> None:
        view.obs.copy_(torch.eye(self.world.num_agents).expand_as(view.obs))
        if view.state is not None:
            view.state.fill_(1.0)


class ScriptedWorld(TinyWorld):
    """Rewards and ends that do not depend on the actions, so that every return is known.

    In environment e an episode lasts `2 + e % 4` steps; step t (from 0) pays `t + 1 + 10 e`. Episodes of even
    environments terminate, those of odd ones run out of time. An agent sees the step, the environment and its
    own number.
    """

    def __init__(self, num_envs: int, agents: int = 2) -> None:
        super().__init__(World(num_envs, alike(agents, 3, 2), 3, "discrete", 2, state_dim=2))
        self.lengths = 2 + np.arange(num_envs) % 4
        self.timed = np.arange(num_envs) % 2 == 1

    def start(self, env: int, generator: np.random.Generator) -> None:
        """Nothing to do: the clock is all."""

    def reward(self, step: int, env: int) -> float:
        """What step `step` of an episode pays in environment `env`."""
        return float(step + 1 + 10 * env)

    def advance(self, actions: Array) -> tuple[Array, Array]:
        reward = self.clock + 1.0 + 10.0 * np.arange(len(self.clock))
        return reward[:, None], (self.clock + 1 >= self.lengths) & ~self.timed

    def out_of_time(self) -> Array:
        return (self.clock >= self.lengths) & self.timed

    def show(self, view: View) -> None:
        view.obs[..., 0] = torch.from_numpy(self.clock)[:, None]
        view.obs[..., 1] = torch.arange(self.world.num_envs)[:, None]
        view.obs[..., 2] = torch.arange(self.world.num_agents)
        if view.state is not None:
            view.state.copy_(view.obs[:, 0, :2])


class TargetWorld(TinyWorld):
    """Continuous control in one step's reach: each agent sees a target and is to answer with it.

    The team is paid `1 - mean squared distance`. Agent n has `1 + n % 2` real action components; what it puts
    into the others does not count. Episodes run out of time.
    """

    def __init__(self, num_envs: int, agents: int = 2, horizon: int = 5) -> None:
        sizes = 1 + np.arange(agents) % 2
        infos = tuple(AgentInfo(f"agent_{n}", f"joints_{k}", 4, int(k)) for n, k in enumerate(sizes))
        super().__init__(World(num_envs, infos, 4, "continuous", int(sizes.max()), horizon=horizon))
        self.real = np.arange(self.world.action_dim) < sizes[:, None]
        self.state = {"target": np.zeros((num_envs, agents, 2), np.float32)}

    def start(self, env: int, generator: np.random.Generator) -> None:
        self.state["target"][env] = generator.uniform(-1, 1, self.state["target"].shape[1:])

    def advance(self, actions: Array) -> tuple[Array, Array]:
        target = self.state["target"][..., : self.world.action_dim]
        squared = np.where(self.real, (np.clip(actions, -1, 1) - target) ** 2, 0.0)
        reward = 1.0 - squared.sum((1, 2)) / self.real.sum()
        return reward[:, None], np.zeros(len(actions), np.bool_)

    def show(self, view: View) -> None:
        view.obs[..., :2] = torch.from_numpy(self.state["target"])
        # Constants, for networks that standardise their input: two numbers alone would lose their size.
        view.obs[..., 2:] = torch.tensor([1.0, -1.0])


class MortalWorld(TinyWorld):
    """Agents die one after the other; the dead, and now and then the living, have a single legal action.

    Action 0 is the only legal one of the dead; to the living a random subset is open at each step. The team
    is paid the mean over living agents of `action / (A - 1)`. Features do not depend on the number of agents.
    The episode terminates with the last death and runs out of time after `horizon` steps.
    """

    def __init__(self, num_envs: int, agents: int = 3, horizon: int = 8, actions: int = 4) -> None:
        super().__init__(
            World(
                num_envs,
                alike(agents, 2 + actions, actions),
                2 + actions,
                "discrete",
                actions,
                state_dim=2,
                has_action_mask=True,
                horizon=horizon,
            )
        )
        self.state = {
            "death": np.zeros((num_envs, agents), np.int64),
            "legal": np.ones((num_envs, agents, actions), np.bool_),
        }

    def start(self, env: int, generator: np.random.Generator) -> None:
        self.state["death"][env] = generator.integers(1, 2 * (self.world.horizon or 1), self.world.num_agents)
        self._draw_legal(env, 0)

    def _draw_legal(self, env: int, step: int) -> None:
        """What will be legal at a step of the episode."""
        legal, generator = self.state["legal"][env], self.generators[env]
        legal[...] = generator.random(legal.shape) < 0.5
        legal[np.arange(len(legal)), generator.integers(0, legal.shape[1], len(legal))] = True
        dead = self.state["death"][env] <= step
        legal[dead] = np.arange(legal.shape[1]) == 0

    def advance(self, actions: Array) -> tuple[Array, Array]:
        alive = self.state["death"] > self.clock[:, None]
        pay = np.where(alive, actions / (self.world.action_dim - 1), 0.0)
        reward = pay.sum(1) / np.maximum(alive.sum(1), 1)
        for env, step in enumerate(self.clock):
            self._draw_legal(env, int(step) + 1)
        last_death: Array = self.state["death"].max(1)
        return reward[:, None], last_death <= self.clock + 1

    def show(self, view: View) -> None:
        alive = torch.from_numpy(self.state["death"] > self.clock[:, None])
        legal = torch.from_numpy(self.state["legal"])
        view.alive.copy_(alive)
        view.obs[..., 0] = alive
        view.obs[..., 1] = torch.from_numpy(self.clock)[:, None] / (self.world.horizon or 1)
        view.obs[..., 2:] = legal
        if view.action_mask is not None:
            view.action_mask.copy_(legal)
        if view.state is not None:
            view.state[:, 0] = alive.float().mean(1)
            view.state[:, 1] = view.obs[:, 0, 1]


class UnevenWorld(TinyWorld):
    """Agents that differ: in observations, actions, pay and the state their critic sees.

    Agent n has `2 + n` actions (the mask hides the padding) and `1 + n` observed features; its share of the
    reward is 1 when it picks the action whose number its first feature shows.
    """

    def __init__(self, num_envs: int, agents: int = 3, horizon: int = 4) -> None:
        infos = tuple(AgentInfo(f"agent_{n}", f"kind_{n}", 1 + n, 2 + n) for n in range(agents))
        super().__init__(
            World(
                num_envs,
                infos,
                agents,
                "discrete",
                1 + agents,
                state_dim=2,
                state_per_agent=True,
                has_action_mask=True,
                reward_per_agent=True,
                horizon=horizon,
            )
        )
        self.choices = 2 + np.arange(agents)
        self.state = {"wanted": np.zeros((num_envs, agents), np.int64)}

    def start(self, env: int, generator: np.random.Generator) -> None:
        self.state["wanted"][env] = generator.integers(0, self.choices)

    def advance(self, actions: Array) -> tuple[Array, Array]:
        reward = (actions == self.state["wanted"]).astype(np.float32)
        return reward, np.zeros(len(actions), np.bool_)

    def show(self, view: View) -> None:
        wanted = torch.from_numpy(self.state["wanted"] / self.choices).float()
        view.obs[..., 0] = wanted
        if view.action_mask is not None:
            view.action_mask.copy_(
                torch.arange(self.world.action_dim) < torch.from_numpy(self.choices)[:, None]
            )
        if view.state is not None:
            view.state[..., 0] = wanted
            view.state[..., 1] = torch.arange(self.world.num_agents)


class GhostWorld(TinyWorld):
    """One step, two actions each; paid is the action `paid` of the second agent alone, which may be dead.

    An algorithm that teaches the dead learns to play that action there; one that does not stays undecided.
    """

    def __init__(self, num_envs: int, dead: bool = True, paid: int = 1) -> None:
        super().__init__(World(num_envs, alike(2, 2, 2), 2, "discrete", 2, state_dim=1, horizon=1))
        self.dead = dead
        self.paid = paid

    def start(self, env: int, generator: np.random.Generator) -> None:
        """Nothing varies."""

    def advance(self, actions: Array) -> tuple[Array, Array]:
        return actions[:, 1:] == self.paid, np.ones(len(actions), np.bool_)

    def show(self, view: View) -> None:
        view.obs.copy_(torch.eye(2).expand_as(view.obs))
        view.alive[:, 1] = not self.dead
        if view.state is not None:
            view.state.fill_(1.0)


class QuitWorld(TinyWorld):
    """One agent that may stay for a small pay, or quit for a larger one which is the last of its episode.

    An episode begins on a field, now and then in a pit. Staying on the field (action 0) pays 1, up to the
    sixth step, with which the task ends. Quitting it (action 1) pays 5 and shows the pit; there the episode
    `ending`s. The pit pays nothing for three steps, and then its task ends.

    Known returns: who quits at once earns 5, who stays as long as possible first earns 10. That does not
    depend on the ending, since the pit is worth 0. Who counts what is paid after the reset as a consequence
    of quitting quits at once: 2.5 per step against 1.4.
    """

    FIELD_STEPS = 6
    PIT_STEPS = 3
    STAY, QUIT = 1.0, 5.0

    def __init__(self, num_envs: int, ending: Literal["terminated", "truncated"] = "terminated") -> None:
        super().__init__(World(num_envs, alike(1, 3, 2), 3, "discrete", 2, state_dim=3))
        self.ending = ending
        self.state = {"pit": np.zeros(num_envs, np.bool_), "left": np.zeros(num_envs, np.bool_)}

    def start(self, env: int, generator: np.random.Generator) -> None:
        self.state["pit"][env] = generator.random() < 0.25
        self.state["left"][env] = False

    def advance(self, actions: Array) -> tuple[Array, Array]:
        pit = self.state["pit"].copy()
        leaving = (actions[:, 0] == 1) & ~pit
        over = self.clock + 1 >= np.where(pit, self.PIT_STEPS, self.FIELD_STEPS)
        self.state["pit"] = pit | leaving
        self.state["left"] = leaving
        reward = np.where(pit, 0.0, np.where(leaving, self.QUIT, self.STAY))
        terminated = leaving if self.ending == "terminated" else np.zeros_like(leaving)
        return reward[:, None], terminated | (over & ~leaving)

    def out_of_time(self) -> Array:
        return self.state["left"].copy()

    def show(self, view: View) -> None:
        pit = torch.from_numpy(self.state["pit"])
        view.obs[:, 0, 0] = ~pit
        view.obs[:, 0, 1] = pit
        view.obs[:, 0, 2] = torch.from_numpy(self.clock / self.FIELD_STEPS) * ~pit
        if view.state is not None:
            view.state.copy_(view.obs[:, 0])


class RecallWorld(TinyWorld):
    """A cue shown in the first view only is to be repeated in the last of `horizon` steps: needs a memory."""

    def __init__(self, num_envs: int, agents: int = 2, horizon: int = 4) -> None:
        super().__init__(World(num_envs, alike(agents, 3, 2), 3, "discrete", 2, state_dim=2, horizon=horizon))
        self.state = {"cue": np.zeros((num_envs, agents), np.int64)}

    def start(self, env: int, generator: np.random.Generator) -> None:
        self.state["cue"][env] = generator.integers(0, 2, self.world.num_agents)

    def advance(self, actions: Array) -> tuple[Array, Array]:
        last: Array = self.clock + 1 == self.world.horizon
        right = (actions == self.state["cue"]).mean(1)
        return np.where(last, right, 0.0)[:, None], last

    def show(self, view: View) -> None:
        first, clock = torch.from_numpy(self.clock == 0), torch.from_numpy(self.clock)
        cue = torch.from_numpy(self.state["cue"])
        view.obs[..., 0] = (cue == 0) & first[:, None]
        view.obs[..., 1] = (cue == 1) & first[:, None]
        view.obs[..., 2] = clock[:, None] / (self.world.horizon or 1)
        if view.state is not None:
            view.state.copy_(view.obs[:, 0, 1:])
