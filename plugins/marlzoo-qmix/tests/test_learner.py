"""What is learned from a batch of episodes, against slow literal computations and numbers done by hand."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import literal_qmix
import pytest
import torch

from marlzoo.api import Algorithm, BatchedEnv, EpisodeBatch
from marlzoo.testing import Driver, GhostWorld, MortalWorld, ScriptedWorld, UnevenWorld, build
from marlzoo_qmix import marlzoo_algorithms
from marlzoo_qmix.algorithm import Qmix
from marlzoo_qmix.learner import greedy, lambda_returns, previous_actions
from marlzoo_qmix.packing import Packing

SPECS = {spec.name: spec for spec in marlzoo_algorithms()}
NEVER = 10**6


def make(env: BatchedEnv, name: str = "qmix", **options: Any) -> Qmix:
    algorithm: Algorithm = build(SPECS[name], env, {"width": 16, "train_interval": NEVER, **options})
    assert isinstance(algorithm, Qmix)
    return algorithm


def played(algorithm: Qmix, env: BatchedEnv, steps: int = 28) -> EpisodeBatch:
    """All episodes of some random play, their target networks unlike the learning ones."""
    Driver(algorithm, env).run(steps)
    generator = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for parameter in [*algorithm.learner.parameters, *algorithm.learner.target.parameters()]:
            parameter.add_(0.1 * torch.randn(parameter.shape, generator=generator))
    return algorithm.replay.sample(len(algorithm.replay), generator)


WORLDS: dict[str, Callable[[], BatchedEnv]] = {
    "mortal": lambda: MortalWorld(3, agents=2),
    "uneven": lambda: UnevenWorld(3),
    "scripted": lambda: ScriptedWorld(4),
}

CASES: list[Any] = [
    *(
        pytest.param(name, world, {}, id=f"{name}-{world}")
        for name in sorted(SPECS)
        for world in sorted(WORLDS)
    ),
    pytest.param("qmix", "mortal", {"td_lambda": 0.0, "double_q": False}, id="one step, one network"),
    pytest.param(
        "qmix",
        "mortal",
        {"timeout": "terminate", "last_action": False, "agent_code": "none"},
        id="plain inputs",
    ),
]


@pytest.mark.parametrize(("name", "world", "options"), CASES)
def test_the_loss_is_the_literal_one(name: str, world: str, options: dict[str, Any]) -> None:
    env = WORLDS[world]()
    algorithm = make(env, name, **options)
    batch = played(algorithm, env)
    assert len(set(batch.filled.sum(0).tolist())) > 1 or world == "uneven", "episodes should differ in length"
    expected = literal_qmix.loss(algorithm.learner, batch)
    assert algorithm.learner.learn(batch)["loss"] == pytest.approx(expected, rel=1e-4)


def batch_of(reward: list[list[float]], terminated: list[bool]) -> EpisodeBatch:
    """Episodes of one agent with these rewards, the others out of time."""
    longest, number = max(map(len, reward)), len(reward)
    filled = torch.tensor([[t < len(row) for row in reward] for t in range(longest)])
    padded = torch.tensor([[row[t] if t < len(row) else 0.0 for row in reward] for t in range(longest)])
    ends = torch.tensor([[t == len(row) - 1 for row in reward] for t in range(longest)])
    done = torch.tensor(terminated)
    return EpisodeBatch(
        obs=torch.zeros(longest + 1, number, 1, 1),
        alive=torch.ones(longest + 1, number, 1, dtype=torch.bool),
        state=None,
        action_mask=None,
        neighbours=None,
        actions=torch.zeros(longest, number, 1, dtype=torch.int64),
        reward=padded.unsqueeze(-1),
        terminated=ends & done,
        truncated=ends & ~done,
        filled=filled,
        memo={},
    )


@pytest.mark.parametrize(
    ("lam", "timeout", "expected"),
    [
        # Values 10, 20, 30, 40; g = 1/2; rewards 1, 2, 3; the second episode stops after one step.
        (0.0, "bootstrap", [[11.0, 11.0], [17.0, 0.0], [3.0, 0.0]]),
        (1.0, "bootstrap", [[1 + 1 + 0.75, 11.0], [3.5, 0.0], [3.0, 0.0]]),
        (0.5, "bootstrap", [[1 + 0.25 * (20 + 10.25), 11.0], [2 + 0.25 * (30 + 3), 0.0], [3.0, 0.0]]),
        (0.5, "terminate", [[1 + 0.25 * (20 + 10.25), 1.0], [2 + 0.25 * (30 + 3), 0.0], [3.0, 0.0]]),
    ],
)
def test_returns_by_hand(lam: float, timeout: Any, expected: list[list[float]]) -> None:
    batch = batch_of([[1.0, 2.0, 3.0], [1.0]], [True, False])
    values = torch.tensor([[10.0, 10.0], [20.0, 20.0], [30.0, 20.0], [40.0, 20.0]])
    returns = lambda_returns(batch, values, gamma=0.5, lam=lam, timeout=timeout)
    assert torch.equal(returns * batch.filled, torch.tensor(expected))


def test_what_the_dead_see_changes_nothing() -> None:
    env = GhostWorld(4, dead=True)
    algorithm = make(env)
    batch = played(algorithm, env, 5)
    before = literal_qmix.loss(algorithm.learner, batch)
    obs = batch.obs.clone()
    obs[:, :, 1] = torch.randn(obs[:, :, 1].shape, generator=torch.Generator().manual_seed(0))
    actions = batch.actions.clone()
    actions[:, :, 1] = 1 - actions[:, :, 1]
    other = dataclasses.replace(batch, obs=obs, actions=actions)
    assert algorithm.learner.learn(other)["loss"] == pytest.approx(before, rel=1e-4)


def test_whole_episodes_give_what_stepping_gives() -> None:
    env = MortalWorld(3)
    algorithm = make(env)
    batch = played(algorithm, env)
    agent, last = algorithm.learner.networks.agent, previous_actions(batch.actions)
    packing = Packing(batch.filled)
    memory = torch.zeros(batch.filled.shape[1], 3, 16)
    with torch.no_grad():
        packed = agent(packing.pack(batch.obs), packing.pack(last), packing.sizes)
        whole = torch.stack([packing.unpack(column) for column in packed.flatten(1).unbind(-1)], -1)
        for t, values in enumerate(whole.view(*batch.obs.shape[:3], -1)):
            stepped, memory = agent.step(batch.obs[t], last[t], memory)
            there = packing.unpack(torch.ones(len(packed)))[t] > 0
            torch.testing.assert_close(values[there], stepped[there], atol=1e-5, rtol=1e-4)


def test_greedy_choices_are_legal_and_best() -> None:
    values = torch.tensor([[3.0, 2.0, 1.0], [-3.0, -2.0, -1.0]])
    legal = torch.tensor([[False, True, True], [True, True, False]])
    assert greedy(values, legal).tolist() == [1, 1]
    assert greedy(values, None).tolist() == [0, 2]


def test_the_target_follows_only_when_it_is_renewed() -> None:
    env = MortalWorld(3)
    algorithm = make(env)
    batch, learner = played(algorithm, env), algorithm.learner
    before = [parameter.clone() for parameter in learner.target.parameters()]
    learner.learn(batch)
    assert all(map(torch.equal, before, learner.target.parameters()))
    learner.renew_target()
    assert all(map(torch.equal, learner.parameters, learner.target.parameters()))
