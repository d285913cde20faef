"""The PettingZoo environment, judged by PettingZoo's own tests."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from pettingzoo.test import parallel_api_test, parallel_seed_test

from marlzoo.envs.smac.parallel import parallel_env
from marlzoo.errors import UsageError


@pytest.mark.parametrize("name", ["3m", "MMM2"])
def test_the_api_holds(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        parallel_api_test(parallel_env(name), num_cycles=200)


def test_the_same_seed_gives_the_same_battle() -> None:
    parallel_seed_test(lambda: parallel_env("3s5z"), num_cycles=30)


def test_observations_masks_and_state_have_the_sizes_of_the_map() -> None:
    env = parallel_env("2s3z")
    with pytest.raises(UsageError, match="call reset"):
        env.state()
    observations, infos = env.reset(seed=1)
    assert env.possible_agents == ["stalker_0", "stalker_1", "zealot_2", "zealot_3", "zealot_4"]
    assert set(infos) == set(observations) == set(env.agents)
    assert env.state().shape == env.state_space.shape == (120,)
    for name, seen in observations.items():
        assert seen["observation"].shape == (80,)
        assert env.observation_space(name).contains(seen)
        assert seen["action_mask"].tolist()[:2] == [0, 1]


def test_an_agent_of_the_fork_has_a_state_of_its_own() -> None:
    env = parallel_env("3m", obs_profile="on_policy")
    env.reset(seed=1)
    assert env.state().shape == (3, 81)


def test_dead_agents_stay_until_the_battle_ends_and_unavailable_actions_count_as_stop() -> None:
    env = parallel_env("8m")
    observations, _ = env.reset(seed=3)
    fallen: set[str] = set()
    while env.agents:
        dead = {name for name, seen in observations.items() if seen["action_mask"][0]}
        assert fallen <= dead
        fallen = dead
        assert set(env.agents) == set(env.possible_agents)
        observations, _, ended, cut, infos = env.step(dict.fromkeys(env.agents, 0))
        assert {name for name, info in infos.items() if not info["unavailable_action"]} == dead
    assert all(ended.values()) != all(cut.values())
    assert all(info["battle_won"] == 0 and info["dead_allies"] == 8 for info in infos.values())
    with pytest.raises(UsageError, match="call reset"):
        env.step({})


def test_a_seed_is_a_sequence_of_battles() -> None:
    env = parallel_env("3m")
    first = env.reset(seed=5)[0]["marine_0"]["observation"]
    second = env.reset()[0]["marine_0"]["observation"]
    again = env.reset(seed=5)[0]["marine_0"]["observation"]
    assert np.array_equal(first, again)
    assert not np.array_equal(first, second)
