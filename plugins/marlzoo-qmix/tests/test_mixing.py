"""The mixers: what they compute, and that no agent's value can rise and the team's fall."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from marlzoo.api import World
from marlzoo.testing import GhostWorld, MatrixGame, TargetWorld, UnevenWorld
from marlzoo_qmix.mixing import JointState, MonotonicMixer, SumMixer


def make_mixer(seed: int, agents: int = 3) -> MonotonicMixer:
    return MonotonicMixer(agents, 4, 5, 6, torch.Generator().manual_seed(seed))


@settings(deadline=None, max_examples=15, derandomize=True)
@given(seed=st.integers(0, 10**6), agents=st.integers(1, 6))
def test_no_value_can_rise_and_the_teams_fall(seed: int, agents: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    mixer = make_mixer(seed, agents).double()
    values = 10 * torch.randn(20, agents, generator=generator, dtype=torch.float64)
    state = 3 * torch.randn(20, 4, generator=generator, dtype=torch.float64)
    before = mixer(values, state)
    for agent in range(agents):
        for step in (1e-4, 1.0, 100.0):
            raised = values.clone()
            raised[:, agent] += step
            assert (mixer(raised, state) >= before - 1e-9).all()


def literal_mix(mixer: MonotonicMixer, values: Tensor, state: Tensor) -> float:
    """Equations of the paper's figure 2, one number after the other, for one joint value."""
    agents, width = len(values), mixer.width
    first = mixer.first_weights(state).tolist()
    bias, last = mixer.first_bias(state).tolist(), mixer.last_weights(state).tolist()
    total = float(mixer.last_bias(state))
    for unit in range(width):
        mixed = bias[unit]
        for agent in range(agents):
            mixed += abs(first[agent * width + unit]) * float(values[agent])
        total += abs(last[unit]) * (mixed if mixed > 0 else math.exp(mixed) - 1)
    return total


def test_mixes_as_the_paper_says() -> None:
    generator = torch.Generator().manual_seed(1)
    mixer = make_mixer(0)
    values, state = torch.randn(2, 7, 3, generator=generator), torch.randn(2, 7, 4, generator=generator)
    with torch.no_grad():
        mixed = mixer(values, state)
        expected = [[literal_mix(mixer, values[i, j], state[i, j]) for j in range(7)] for i in range(2)]
    torch.testing.assert_close(mixed, torch.tensor(expected), atol=1e-5, rtol=1e-5)


def test_vdn_adds() -> None:
    values = torch.tensor([[1.0, 2.0, -4.0], [0.5, 0.0, 0.25]])
    assert SumMixer()(values, torch.zeros(2, 1)).tolist() == [-1.0, 0.75]


@pytest.mark.parametrize(
    ("world", "size"),
    [
        (GhostWorld(2).world, 1),
        (MatrixGame(2).world, 1),
        (UnevenWorld(2, agents=3).world, 6),
        (TargetWorld(2, agents=3).world, 12),
    ],
    ids=["state", "constant state", "state per agent", "no state: all observations"],
)
def test_the_mixer_sees_all_there_is(world: World, size: int) -> None:
    joint, agents = JointState(world), world.num_agents
    obs, state = torch.rand(5, 2, agents, world.obs_dim), None
    if world.state_dim:
        state = torch.rand(5, 2, *((agents,) if world.state_per_agent else ()), world.state_dim)
    seen = joint(obs, state)
    assert seen.shape == (5, 2, size) == (5, 2, joint.size)
    assert torch.equal(seen[1, 1].flatten(), (obs if state is None else state)[1, 1].flatten())
