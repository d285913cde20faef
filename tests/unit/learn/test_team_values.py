"""What actors with a critic tell of their decisions: the values that learning estimates with."""

from __future__ import annotations

import copy

import pytest
import torch
from full_rollouts import fill_rollout

from marlzoo.algorithm import Context, Decision, View
from marlzoo.testing import MortalWorld
from marlzoo_mappo.algorithm import Mappo
from marlzoo_mappo.config import MappoConfig

KINDS = [{}, {"recurrent": True}, {"frames": 3}]


def make(env, **options):
    config = MappoConfig(rollout_length=12, epochs=2, width=16, num_envs=env.world.num_envs, **options)
    generators = torch.Generator().manual_seed(0), torch.Generator().manual_seed(1)
    return Mappo(env.world, config, Context(*generators, 10_000))


def view_of(rollout, step):
    return View(rollout.obs[step], rollout.alive[step], rollout.first[step], rollout.state[step])


def told(algorithm, rollout):
    """Values `[T, E, N]` of a rollout's views, asked for one after the other."""
    nothing = Decision(torch.zeros(0))
    views = [view_of(rollout, step) for step in range(rollout.length)]
    return torch.stack([algorithm.explain(view, nothing).values for view in views])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("critic_input", ["state", "obs"])
def test_they_are_the_values_of_the_pass_over_a_rollout(kind, critic_input):
    algorithm = fill_rollout(make(MortalWorld(4), critic_input=critic_input, **kind), MortalWorld(4), 2)
    algorithm.valuation.memory = algorithm.valuation._blank(4)
    expected = copy.deepcopy(algorithm.valuation).evaluate(algorithm.rollout).values[:-1]
    found = told(algorithm, algorithm.rollout)
    assert found.shape == (12, 4, 3)
    torch.testing.assert_close(found, expected.expand_as(found))


@pytest.mark.parametrize("kind", KINDS)
def test_a_loaded_policy_tells_the_same(kind):
    algorithm = fill_rollout(make(MortalWorld(4), **kind), MortalWorld(4), 2)
    other = make(MortalWorld(4), **kind)
    other.load_policy(algorithm.policy_dict())
    assert torch.equal(told(other, algorithm.rollout), told(algorithm, algorithm.rollout))


def test_memory_begins_anew_with_an_episode_and_with_other_environments():
    algorithm = fill_rollout(make(MortalWorld(4), recurrent=True), MortalWorld(4), 2)
    first = view_of(algorithm.rollout, 0)
    begun = View(first.obs, first.alive, torch.ones(4, dtype=torch.bool), first.state)
    fresh = algorithm.explain(begun, Decision(torch.zeros(0))).values
    told(algorithm, algorithm.rollout)
    assert torch.equal(algorithm.explain(begun, Decision(torch.zeros(0))).values, fresh)
    one = View(begun.obs[:1], begun.alive[:1], torch.zeros(1, dtype=torch.bool), begun.state[:1])
    torch.testing.assert_close(algorithm.explain(one, Decision(torch.zeros(0))).values, fresh[:1])


def test_nothing_is_told_before_the_scale_is_known_or_where_the_critic_does_not_fit():
    fresh, learned = (
        fill_rollout(make(MortalWorld(4), critic_input="joint_obs"), MortalWorld(4), updates)
        for updates in (0, 1)
    )
    view = view_of(fresh.rollout, 0)
    assert fresh.explain(view, Decision(torch.zeros(0))) is None
    state = learned.policy_dict()
    larger = make(MortalWorld(4, agents=5), critic_input="joint_obs")
    larger.load_policy(state)
    assert larger.explain(view, Decision(torch.zeros(0))) is None
