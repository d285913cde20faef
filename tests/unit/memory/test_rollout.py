"""The rollout holds exactly what was observed, also after the environment has overwritten its tensors."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from marlzoo.algorithm import AgentInfo, Decision, Transition, View, World
from marlzoo.errors import PluginError
from marlzoo.memory.rollout import Rollout


def make_world(envs, agents, discrete=True, state="shared", masked=True):
    infos = tuple(AgentInfo(f"a{n}", "all", 3, 4) for n in range(agents))
    return World(
        envs,
        infos,
        3,
        "discrete" if discrete else "continuous",
        4,
        state_dim=0 if state == "none" else 2,
        state_per_agent=state == "per_agent",
        has_action_mask=masked,
    )


def random_view(world, generator, neighbours):
    envs, agents = world.num_envs, world.num_agents

    def coin(*shape):
        return torch.rand(shape, generator=generator) < 0.5

    state_shape = (envs, agents, 2) if world.state_per_agent else (envs, 2)
    return View(
        obs=torch.rand(envs, agents, 3, generator=generator),
        alive=coin(envs, agents),
        first=coin(envs),
        state=torch.rand(state_shape, generator=generator) if world.state_dim else None,
        action_mask=coin(envs, agents, 4) if world.has_action_mask else None,
        neighbours=torch.randint(-1, agents, (envs, agents, 2), generator=generator) if neighbours else None,
    )


def random_transition(world, generator, neighbours=False):
    envs, agents = world.num_envs, world.num_agents
    if world.discrete:
        actions = torch.randint(4, (envs, agents), generator=generator)
    else:
        actions = torch.rand(envs, agents, 4, generator=generator)
    ends = torch.randint(4, (envs,), generator=generator)
    memo = {"note": torch.rand(envs, 5, generator=generator)}
    return Transition(
        view=random_view(world, generator, neighbours),
        decision=Decision(actions, (), memo),
        reward=torch.rand(envs, agents, generator=generator),
        terminated=(ends == 1) | (ends == 3),
        truncated=(ends == 2) | (ends == 3),
        successor=random_view(world, generator, neighbours),
    )


def copy_view(view):
    return {name: value.clone() for name, value in vars(view).items() if value is not None}


def overwrite(view):
    for value in vars(view).values():
        if value is not None:
            value.zero_()


@given(
    seed=st.integers(0, 2**31),
    steps=st.integers(1, 4),
    envs=st.integers(1, 3),
    agents=st.integers(1, 3),
    discrete=st.booleans(),
    state=st.sampled_from(["none", "shared", "per_agent"]),
    masked=st.booleans(),
    neighbours=st.booleans(),
)
def test_holds_exactly_what_was_observed(seed, steps, envs, agents, discrete, state, masked, neighbours):
    world, generator = make_world(envs, agents, discrete, state, masked), torch.Generator().manual_seed(seed)
    rollout, seen = Rollout(world, steps, keep_final_views=True), []
    for step in range(steps):
        assert rollout.empty == (step == 0)
        assert not rollout.full
        transition = random_transition(world, generator, neighbours)
        seen.append((copy_view(transition.view), transition, copy_view(transition.successor)))
        rollout.add(transition)
        overwrite(transition.view)
        overwrite(transition.successor)
    assert rollout.full
    for step, (view, transition, _) in enumerate(seen):
        for name, value in view.items():
            assert torch.equal(getattr(rollout, name)[step], value), name
        assert torch.equal(rollout.actions[step], transition.decision.actions)
        assert torch.equal(rollout.memo["note"][step], transition.decision.memo["note"])
        for name in ("reward", "terminated", "truncated"):
            assert torch.equal(getattr(rollout, name)[step], getattr(transition, name)), name
    last = seen[-1][2]
    for name in last.keys() - {"first"}:
        assert torch.equal(getattr(rollout, name)[steps], last[name]), name
    assert not rollout.first[steps].any()
    check_final_views(rollout, seen)


def check_final_views(rollout, seen):
    expected = [
        (step, env)
        for step, (_, transition, _) in enumerate(seen)
        for env in range(len(transition.truncated))
        if transition.truncated[env] and not transition.terminated[env]
    ]
    final = rollout.final_views()
    if final is None:
        assert expected == []
        return
    assert list(zip(final.steps.tolist(), final.envs.tolist(), strict=True)) == expected
    for row, (step, env) in enumerate(expected):
        for name, value in seen[step][2].items():
            assert torch.equal(getattr(final.view, name)[row], value[env]), name


def test_a_full_rollout_takes_no_more():
    world, generator = make_world(1, 1), torch.Generator().manual_seed(0)
    rollout = Rollout(world, 1)
    rollout.add(random_transition(world, generator))
    with pytest.raises(PluginError, match="full"):
        rollout.add(random_transition(world, generator))


def test_a_cleared_rollout_starts_anew():
    world, generator = make_world(2, 2), torch.Generator().manual_seed(0)
    rollout = Rollout(world, 2, keep_final_views=True)
    for _ in range(2):
        rollout.add(random_transition(world, generator))
    rollout.clear()
    assert rollout.empty
    assert rollout.final_views() is None
    transition = random_transition(world, generator)
    rollout.add(transition)
    assert torch.equal(rollout.obs[0], transition.view.obs)


def test_final_views_have_to_be_asked_for():
    with pytest.raises(PluginError, match="keep_final_views"):
        Rollout(make_world(1, 1), 1).final_views()
