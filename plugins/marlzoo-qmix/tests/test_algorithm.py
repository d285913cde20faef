"""Acting, scheduling and learning of the whole algorithm."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
import torch
from two_step import TwoStepGame

from marlzoo.api import BatchedEnv, Mode, World
from marlzoo.testing import Driver, GhostWorld, MortalWorld, build
from marlzoo_qmix import marlzoo_algorithms
from marlzoo_qmix.algorithm import Qmix, explore

SPECS = {spec.name: spec for spec in marlzoo_algorithms()}


def drive(env: BatchedEnv, name: str = "qmix", **options: Any) -> tuple[Driver, Qmix]:
    algorithm = build(SPECS[name], env, options)
    assert isinstance(algorithm, Qmix)
    return Driver(algorithm, env), algorithm


@pytest.mark.parametrize("epsilon", [0.0, 0.3, 1.0])
def test_random_actions_are_as_frequent_as_epsilon_says(epsilon: float) -> None:
    """Action 1 is the greedy one; 0, 1 and 3 are legal, so it is also a third of the random ones."""
    rows = 20_000
    legal = torch.tensor([True, True, False, True]).expand(rows, 1, 4)
    greedy = torch.ones(rows, 1, dtype=torch.int64)
    generator = torch.Generator().manual_seed(0)
    chosen = explore(greedy, torch.zeros(rows, 1, 4), legal, epsilon, generator).flatten()
    shares = torch.bincount(chosen, minlength=4) / rows
    expected = torch.tensor([epsilon / 3, 1 - 2 * epsilon / 3, 0.0, epsilon / 3])
    # The standard deviation of a share is at most 0.0035.
    assert (shares - expected).abs().max() < 5 * 0.0035
    assert shares[2] == 0


def test_epsilon_falls_linearly_and_stays() -> None:
    env = MortalWorld(5)
    driver, algorithm = drive(env, epsilon_start=0.9, epsilon_final=0.1, epsilon_steps=100)
    assert algorithm.epsilon == 0.9
    driver.run(10)
    assert algorithm.epsilon == pytest.approx(0.5)
    driver.run(30)
    assert algorithm.epsilon == pytest.approx(0.1)


def test_the_learning_rate_falls_linearly_to_zero_over_the_run() -> None:
    """The first lesson comes after 4 steps of 16 environments, and one more after every second step."""
    env = TwoStepGame(16)
    driver, algorithm = drive(env, batch_episodes=20, train_interval=8, lr=1e-3, linear_lr_decay=True)
    total, rates = algorithm.context.total_steps, []
    for steps in (4, 2, 2):
        driver.run(steps)
        rates.append(algorithm.learner.optimiser.param_groups[0]["lr"])
    assert rates == pytest.approx([1e-3 * (1 - taken / total) for taken in (64, 96, 128)])
    algorithm.steps = total
    driver.run(2)
    assert algorithm.learner.optimiser.param_groups[0]["lr"] == 0


def test_one_optimiser_step_for_so_many_episodes() -> None:
    """16 one-sided environments of 2 steps: 16 episodes at every second step, a step for every 8."""
    env = TwoStepGame(16)
    driver, algorithm = drive(env, batch_episodes=20, train_interval=8, target_interval=40)
    driver.run(2)
    assert (algorithm.waiting, len(driver.metrics)) == (16, 0), "too few episodes yet"
    driver.run(2)
    assert (algorithm.waiting, len(driver.metrics), algorithm.target_age) == (0, 1, 32)
    taken = {int(state["step"]) for state in algorithm.learner.optimiser.state.values()}
    assert taken == {4}
    driver.run(2)
    assert algorithm.target_age == 0


def test_greedy_play_is_the_networks_and_forgets_at_the_start_of_an_episode() -> None:
    env = MortalWorld(4)
    driver, algorithm = drive(env)
    first = torch.tensor([True, False, True, False])
    view = dataclasses.replace(driver.view, first=first)
    carry = (torch.randn(4, 3, 64, generator=torch.Generator().manual_seed(0)), torch.ones(4, 3).long())
    decision = algorithm.act(view, carry, Mode.GREEDY)
    fresh = algorithm.act(view, algorithm.initial_carry(4), Mode.GREEDY)
    assert torch.equal(decision.carry[0][first], fresh.carry[0][first])
    assert not torch.equal(decision.carry[0][~first], fresh.carry[0][~first])


@pytest.mark.parametrize("mode", Mode)
def test_the_dead_do_the_first_legal_thing_whatever_the_network_has_learned_of_the_living(mode: Mode) -> None:
    driver, algorithm = drive(GhostWorld(4, dead=True), epsilon_start=0.0)
    with torch.no_grad():
        algorithm.learner.networks.agent.head.bias.add_(torch.tensor([0.0, 9.0]))
    decision = algorithm.act(driver.view, driver.carry, mode)
    assert decision.actions.tolist() == [[1, 0]] * 4
    legal = torch.tensor([[True, True], [False, True]]).expand(4, 2, 2)
    masked = dataclasses.replace(driver.view, action_mask=legal)
    assert algorithm.act(masked, driver.carry, mode).actions.tolist() == [[1, 1]] * 4


def test_a_policy_is_a_small_part_of_the_state() -> None:
    driver, algorithm = drive(MortalWorld(4))
    driver.run(100)
    assert set(algorithm.policy_dict()) == {"agent"}
    assert {"agent", "mixer", "target", "optimiser", "replay"} <= set(algorithm.state_dict())


def shapes(name: str, agents: int) -> dict[str, torch.Size]:
    _, algorithm = drive(MortalWorld(2, agents=agents), name)
    return {key: tensor.shape for key, tensor in algorithm.policy_dict()["agent"].items()}


@pytest.mark.parametrize("name", sorted(SPECS))
def test_no_parameter_of_the_agents_depends_on_their_number(name: str) -> None:
    assert shapes(name, 2) == shapes(name, 9)


TWO_STEP: dict[str, Any] = {
    "num_envs": 16,
    "epsilon_final": 1.0,
    "batch_episodes": 64,
    "train_interval": 16,
    "target_interval": 200,
    "td_lambda": 0.0,
    "replay_steps": 1500,
    "lr": 3e-3,
    "width": 32,
    "mixing_width": 8,
    "hyper_width": 16,
}


@pytest.mark.parametrize(("name", "expected"), [("qmix", 8.0), ("vdn", 7.0)])
def test_the_two_step_game_tells_them_apart(name: str, expected: float) -> None:
    """Learned from random play, as in the paper's table 1: QMIX finds 8, the sum settles for 7."""
    env = TwoStepGame(16)
    driver, _ = drive(env, name, **TWO_STEP)
    driver.learn(300)
    driver.restart()
    assert set(driver.play(2).sum(0).flatten().tolist()) == {expected}


def test_the_carry_is_for_as_many_environments_as_asked() -> None:
    env = MortalWorld(4)
    world: World = env.world
    _, algorithm = drive(env, width=8)
    memory, last = algorithm.initial_carry(7)
    assert (memory.shape, last.shape) == ((7, world.num_agents, 8), (7, world.num_agents))
