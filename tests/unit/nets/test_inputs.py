"""What actors and critics see."""

from __future__ import annotations

import pytest
import torch

from marlzoo.algorithm import AgentInfo, World
from marlzoo.errors import UsageError
from marlzoo.nets.inputs import ActorInput, CriticInput, real_components

OBS = torch.arange(12.0).reshape(2, 3, 2)
STATE = torch.tensor([[100.0], [200.0]])
ALIVE = torch.tensor([[True, False, True], [True, True, True]])


def make_world(**changes):
    agents = tuple(AgentInfo(f"a{n}", "all", 2, 2) for n in range(3))
    values = {"num_envs": 2, "agents": agents, "obs_dim": 2, "action_kind": "discrete", "action_dim": 2}
    return World(**{**values, "state_dim": 1, **changes})


def test_actor_sees_its_observation():
    assert ActorInput(make_world())(OBS) is OBS


def test_actor_with_ids():
    inputs = ActorInput(make_world(), agent_ids=True)
    assert inputs.size == 5
    assert inputs(OBS)[1, 2].tolist() == [10.0, 11.0, 0.0, 0.0, 1.0]


def test_state_is_one_row_per_environment():
    inputs = CriticInput(make_world(), "state")
    assert (inputs.columns, inputs.size) == (1, 1)
    assert inputs(OBS, STATE, ALIVE).tolist() == [[[100.0]], [[200.0]]]


def test_a_state_per_agent_is_one_row_per_agent():
    inputs = CriticInput(make_world(state_per_agent=True), "state")
    state = torch.arange(6.0).reshape(2, 3, 1)
    assert inputs.columns == 3
    assert torch.equal(inputs(OBS, state, ALIVE), state)


@pytest.mark.parametrize("per_agent", [False, True])
def test_state_and_own_observation(per_agent):
    inputs = CriticInput(make_world(state_per_agent=per_agent), "state_and_obs")
    state = STATE.unsqueeze(1).expand(2, 3, 1) if per_agent else STATE
    assert (inputs.columns, inputs.size) == (3, 3)
    assert inputs(OBS, state, ALIVE)[1, 2].tolist() == [200.0, 10.0, 11.0]


def test_all_observations():
    inputs = CriticInput(make_world(), "joint_obs")
    assert (inputs.columns, inputs.size) == (1, 6)
    assert inputs(OBS, STATE, ALIVE)[0, 0].tolist() == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]


def test_own_observation():
    inputs = CriticInput(make_world(), "obs")
    assert inputs.columns == 3
    assert torch.equal(inputs(OBS, STATE, ALIVE), OBS)


def test_leading_dimensions_are_free():
    for kind in ("state", "state_and_obs", "joint_obs", "obs"):
        inputs = CriticInput(make_world(), kind)
        stacked = inputs(OBS.expand(4, 2, 3, 2), STATE.expand(4, 2, 1), ALIVE.expand(4, 2, 3))
        assert stacked.shape == (4, 2, inputs.columns, inputs.size)
        assert torch.equal(stacked[3], inputs(OBS, STATE, ALIVE))


def test_death_masking():
    inputs = CriticInput(make_world(), "obs", death_masking=True)
    seen = inputs(OBS, STATE, ALIVE)
    assert seen[0, 1].tolist() == [0.0, 0.0]
    assert torch.equal(seen[1], OBS[1])


@pytest.mark.parametrize(
    ("world", "kind"),
    [
        ({}, "state"),
        ({"state_dim": 0}, "joint_obs"),
        ({"reward_per_agent": True}, "state_and_obs"),
        ({"reward_per_agent": True, "state_dim": 0}, "obs"),
    ],
)
def test_auto(world, kind):
    assert CriticInput(make_world(**world), "auto").kind == kind


def test_no_state_to_see():
    with pytest.raises(UsageError, match="needs a centralised state"):
        CriticInput(make_world(state_dim=0), "state_and_obs")


def test_real_components():
    agents = (AgentInfo("a", "a", 2, 1), AgentInfo("b", "b", 2, 2))
    uneven = make_world(agents=agents, action_kind="continuous")
    assert real_components(uneven).tolist() == [[True, False], [True, True]]
    assert real_components(make_world(action_kind="continuous")) is None
    assert real_components(make_world(agents=agents)) is None
