"""Checks that an algorithm learns what there is to learn, and nothing that it should not."""

from __future__ import annotations

from marlzoo.algorithm import Mode
from marlzoo.testing.driver import Driver
from marlzoo.testing.failure import ContractFailure
from marlzoo.testing.subject import WORLDS, Subject
from marlzoo.testing.worlds import COORDINATION, GhostWorld, MatrixGame, QuitWorld

CONTINUOUS_GOAL = 0.75
"""What has to be earned per step where random play earns 0.15 and standing still 0.67."""

GHOST_SEEDS = (0, 1, 2)
TAUGHT = 0.5
"""How much more often, on average, a dead agent may do what is paid than what is not."""


def matrix_game(subject: Subject, world: str) -> None:
    """The team beats random play in two games of one joint action, whose payoffs differ by a rotation.

    Whatever an untrained team happens to do pays in one of them at most.
    """
    for payoff in (COORDINATION, [row[-1:] + row[:-1] for row in COORDINATION]):
        env = MatrixGame(subject.learning_envs, payoff)
        driver = _trained(subject.driver_in(env), subject.learning_steps)
        earned = float(driver.play(1).mean())
        goal = 1.5 * env.random_return
        if earned < goal:
            raise ContractFailure(
                f"to earn at least {goal:g} greedily after {subject.learning_steps} steps of "
                f"{subject.learning_envs} environments, where random play earns {env.random_return:g}",
                f"it earns {earned:.3g}",
            )


def continuous_game(subject: Subject, world: str) -> None:
    """The team learns to answer what it sees with a continuous action."""
    env = WORLDS[world](subject.learning_envs)
    steps = 2 * subject.learning_steps
    earned = float(_trained(subject.driver_in(env), steps).play(20).mean())
    if earned < CONTINUOUS_GOAL:
        raise ContractFailure(
            f"to earn at least {CONTINUOUS_GOAL} per step greedily after {steps} steps of "
            f"{subject.learning_envs} environments, where random play earns 0.15 and standing still 0.67",
            f"it earns {earned:.3g}",
        )


def dead_agents(subject: Subject, world: str) -> None:
    """The dead receive no policy gradient, though what they do be paid."""
    differences: list[float] = []
    for seed in GHOST_SEEDS:
        avoided, sought = (_ghost_choice(subject, paid, seed) for paid in (0, 1))
        differences.append(sought - avoided)
        if sum(differences) <= TAUGHT * len(differences):
            # One look is enough for most. A greedy learner may change its mind by chance, but not often.
            return
    mean = sum(differences) / len(differences)
    raise ContractFailure(
        "agents that are not View.alive to get no policy gradient",
        f"a dead agent does what is paid {mean:.0%} more often than what is not",
    )


def _ghost_choice(subject: Subject, paid: int, seed: int) -> float:
    """How often the dead agent chooses action 1, after training in which `paid` was paid."""
    env = GhostWorld(subject.learning_envs, dead=True, paid=paid)
    driver = subject.driver_in(env, seed).run(subject.learning_steps)
    right = float(driver.play(50, Mode.SAMPLE).mean())
    return right if paid == 1 else 1.0 - right


def ends(subject: Subject, world: str) -> None:
    """What is paid in the next episode is no consequence of how this one ended."""
    driver = subject.driver(world, envs=subject.learning_envs).run(subject.learning_steps)
    driver.restart(root=5)
    first = driver.play(1)
    if bool((first == QuitWorld.QUIT).any()):
        flag = "terminated" if world == "terminated" else "truncated"
        value = "is worth 0" if world == "terminated" else "is worth what its last view is worth, or 0"
        raise ContractFailure(
            f"what follows a {flag} step to count for nothing after the reset: the episode {value}; so to "
            "stay, for a return of 10",
            "it quits at once, for a return of 5",
        )


def _trained(driver: Driver, steps: int) -> Driver:
    """After some steps of learning, in fresh episodes."""
    driver.run(steps).restart(root=5)
    return driver
