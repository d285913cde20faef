"""Every algorithm's policy gradient against finite differences of the expected return.

A matrix game of two agents is played with all nine joint actions, each as often as the policy chooses it, so
that nothing is left to chance. What an algorithm then hands to its optimiser has to point along the slope of
the expected payoff; for methods that update agents in turn, along that of the policies as they are by then.
"""

from __future__ import annotations

import dataclasses

import pytest
import torch

from marlzoo.algorithm import Mode, Transition
from marlzoo.learn import joint_ppo, team_policy
from marlzoo.learn.team_ppo import TeamPpo
from marlzoo.registry import Registry
from marlzoo.testing import CLIMBING, MatrixGame, build, seeds

ENVS, STEPS = 4000, 5
SPECS = {entry.address: entry.spec for entry in Registry.load(environ={"MARLZOO_PLUGINS": ""}).algorithms()}
OPTIONS = {
    "rollout_length": STEPS,
    "epochs": 1,
    "minibatches": 1,
    "micro_batch": ENVS,
    "width": 8,
    "lr": 3e-2,  # so that agents in turn find the others elsewhere than in the rollout
    "entropy_coef": 0.0,
    "value_coef": 0.0,
    "max_grad_norm": None,
    "decoder": "torch",
}
IN_TURN = {"clip": 1.0, "share_parameters": False}
"""Ratios of agents before move the weight of a step far beyond the usual range."""

CASES = [
    ("mappo", {}),
    # All at once, each as if the others stood still: so they have to, for this to hold.
    ("mappo", {"share_parameters": False, "share_critic": False, "lr": 1e-9}),
    ("ippo", {}),
    ("a2po", {"blocks": 1}),
    ("a2po", {**IN_TURN, "clip_others": False, "position_weight": 0.0}),
    ("happo", {**IN_TURN}),
    ("mat", {}),
    ("mat", {"blocks": 2, "heads": 2, "dec_token": "action+rep"}),
    ("mat_dec", {}),
    ("mat_dec", {"share_parameters": False}),
    ("srsv", {}),
    ("srsv", {"value_base": "do", "succ_form": "soft"}),
]


def nets_of(algorithm):
    """The networks that choose."""
    if isinstance(algorithm, TeamPpo):
        return [policy.actor for policy in algorithm.policies]
    return [algorithm.network]


def vector(tensors):
    return torch.cat([tensor.detach().flatten() for tensor in tensors])


def joint_probabilities(algorithm, view):
    """`[9]`: how likely each joint action is, in the order of `torch.cartesian_prod`."""
    actions = torch.cartesian_prod(torch.arange(3), torch.arange(3))
    if isinstance(algorithm, TeamPpo):
        own = []
        for agent in range(2):
            actor = algorithm.policy_of(agent).actor
            options = actor(actor.prepare(view.obs[:9, agent]), None, None)
            own.append(options.log_prob(actions[:, agent]))
        return torch.stack(own).sum(0).exp()
    network = algorithm.network
    memo = {"plan": torch.zeros(9, 2, dtype=torch.int64)}
    rows = network.rows(view.obs[:9], view.alive[:9], None, actions, memo)
    return network.evaluate(rows).log_prob.flatten(1).sum(-1).exp()


def expected_payoff(algorithm, view):
    payoffs = torch.tensor(CLIMBING).flatten().double()
    return joint_probabilities(algorithm, view).double() @ payoffs


def slope(algorithm, view, net, direction, step=3e-3):
    """The derivative of the expected payoff when `net` moves along a unit vector, by central differences."""
    parameters, ends = list(net.parameters()), []
    for sign in (1.0, -2.0, 1.0):
        with torch.no_grad():
            offset = 0
            for parameter in parameters:
                part = direction[offset : offset + parameter.numel()].view_as(parameter)
                parameter += sign * step * part
                offset += parameter.numel()
            ends.append(float(expected_payoff(algorithm, view)))
    return (ends[0] - ends[1]) / (2 * step)


class FirstSteps:
    """Stands in for `optimiser_step`: at the first step of each network, compares and then lets it happen."""

    def __init__(self, algorithm, view):
        self.algorithm, self.view = algorithm, view
        self.pending = dict(enumerate(nets_of(algorithm)))
        self.original = team_policy.optimiser_step

    def __call__(self, optimiser, parameters, max_grad_norm):
        for number, net in list(self.pending.items()):
            if any(parameter is parameters[0] for parameter in net.parameters()):
                del self.pending[number]
                self.compare(net)
        return self.original(optimiser, parameters, max_grad_norm)

    def compare(self, net):
        blank = [torch.zeros_like(parameter) for parameter in net.parameters()]
        given = vector(
            zero if parameter.grad is None else -parameter.grad
            for parameter, zero in zip(net.parameters(), blank, strict=True)
        )
        found = given / given.norm()
        steepest = slope(self.algorithm, self.view, net, found)
        assert steepest > 0.1, "the gradient points uphill, and the hill is no plain"
        generator = torch.Generator().manual_seed(0)
        offset = 0
        for parameter in net.parameters():
            direction = torch.zeros_like(found)
            own = slice(offset, offset + parameter.numel())
            direction[own] = found[own] + 0.5 * found[own].norm() * self.somewhere(parameter, generator)
            offset += parameter.numel()
            if direction.norm() > 0.05:
                direction /= direction.norm()
                # The slope along any direction is the steepest one times the cosine between the two.
                expected = steepest * float(direction @ found)
                assert slope(self.algorithm, self.view, net, direction) == pytest.approx(
                    expected, abs=0.02 * steepest
                )

    @staticmethod
    def somewhere(parameter, generator):
        drawn = torch.randn(parameter.numel(), generator=generator)
        return drawn / drawn.norm()


def representative(probabilities):
    """`[STEPS, ENVS, 2]`: every joint action as often as it is chosen, up to rounding."""
    counts = (probabilities.double() * STEPS * ENVS).round().long()
    counts[counts.argmax()] += STEPS * ENVS - counts.sum()
    joint = torch.cartesian_prod(torch.arange(3), torch.arange(3))
    return joint.repeat_interleave(counts, 0).view(STEPS, ENVS, 2)


def play(algorithm, env, view):
    """A rollout of representative joint actions."""
    probabilities = joint_probabilities(algorithm, view).detach()
    assert float(probabilities.sum()) == pytest.approx(1.0, abs=1e-5)
    assert probabilities.max() < 0.8
    for actions in representative(probabilities):
        decision = algorithm.act(view, algorithm.initial_carry(ENVS), Mode.SAMPLE)
        step = env.step(actions)
        algorithm.observe(
            Transition(
                view,
                dataclasses.replace(decision, actions=actions),
                step.reward,
                step.terminated,
                step.truncated,
                step.view,
            )
        )
        view = env.reset_done()


@pytest.mark.parametrize(
    ("name", "options"), CASES, ids=[f"{name}-{'-'.join(options)}" for name, options in CASES]
)
def test_the_first_steps_follow_the_slope_of_the_expected_return(name, options, monkeypatch):
    env = MatrixGame(ENVS, CLIMBING)
    algorithm = build(SPECS[name], env, {**OPTIONS, **options})
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for net in nets_of(algorithm):
            for parameter in net.parameters():
                parameter += 0.3 * torch.randn(parameter.shape, generator=generator)
    view = env.reset(seeds(ENVS))
    play(algorithm, env, view)
    steps = FirstSteps(algorithm, view)
    monkeypatch.setattr(team_policy, "optimiser_step", steps)
    monkeypatch.setattr(joint_ppo, "optimiser_step", steps)
    assert algorithm.update() is not None
    assert not steps.pending, "every network has taken a step"
