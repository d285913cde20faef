"""The batched environment: the contract, seeds, snapshots and errors."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from marlzoo.envs.dubins.batched import make
from marlzoo.envs.dubins.config import DubinsConfig
from marlzoo.envs.dubins.parallel import DubinsParallelEnv
from marlzoo.errors import UsageError

CASES = [
    ("transfer-8", {"horizon": 40}),
    ("hard-6", {"horizon": 40, "state": "team"}),
    ("srsv-6", {"horizon": 40, "obstacles": 5, "area": 4.0}),
    ("transfer-60", {"horizon": 12}),
]


def build(task, arguments, envs):
    return make(task, DubinsConfig.model_validate(arguments), envs)


def actions_for(env, generator):
    return torch.empty(env.world.num_envs, env.world.num_agents, 2).uniform_(-1, 1, generator=generator)


def record(env, steps, generator, view=None):
    """Everything that `steps` steps show, as one list of arrays."""
    shown = []
    for _ in range(steps):
        step = env.step(actions_for(env, generator))
        shown += [step.view.obs.clone(), step.reward.clone(), step.truncated.clone(), step.terminated.clone()]
        ended = (step.truncated | step.terminated).numpy()
        shown += [torch.from_numpy(values[ended]) for values in step.info.values()]
        view = env.reset_done()
        shown += [view.obs.clone(), view.neighbours.clone(), view.places.clone(), view.first.clone()]
        if view.state is not None:
            shown.append(view.state.clone())
    return shown


def same(first, second):
    return len(first) == len(second) and all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


@pytest.mark.parametrize(("task", "arguments"), CASES)
def test_a_restored_environment_goes_on_as_if_nothing_had_happened(task, arguments):
    env = build(task, arguments, 3)
    env.reset(np.random.SeedSequence(0).spawn(3))
    record(env, 25, torch.Generator().manual_seed(0))
    snapshot = env.snapshot()
    expected = record(env, 60, torch.Generator().manual_seed(1))
    other = build(task, arguments, 3)
    view = other.restore(snapshot)
    assert torch.equal(view.obs, build(task, arguments, 3).restore(snapshot).obs)
    assert same(record(other, 60, torch.Generator().manual_seed(1)), expected)


@pytest.mark.parametrize(("task", "arguments"), CASES)
def test_a_view_tells_where_the_cars_are_and_keeps_it_for_a_step(task, arguments):
    env, generator = build(task, arguments, 2), torch.Generator().manual_seed(0)
    view = env.reset(np.random.SeedSequence(1).spawn(2))
    start = view.places.clone()
    for _ in range(3):
        state, earlier = env.snapshot(), view.places.clone()
        assert torch.equal(view.places[..., 0].flatten(), torch.from_numpy(state["cars.x"]))
        assert torch.equal(view.places[..., 1].flatten(), torch.from_numpy(state["cars.y"]))
        env.step(actions_for(env, generator))
        assert torch.equal(view.places, earlier)
        view = env.reset_done()
    assert not torch.equal(view.places, start)


@pytest.mark.parametrize(("task", "arguments"), CASES)
def test_episodes_do_not_depend_on_the_batch(task, arguments):
    seeds = np.random.SeedSequence(9).spawn(5)
    together = build(task, arguments, 5)
    alone = build(task, arguments, 1)
    first, single = together.reset(seeds), alone.reset([seeds[3]])
    generator = torch.Generator().manual_seed(2)
    for _ in range(90):
        assert torch.equal(first.obs[3], single.obs[0])
        actions = actions_for(together, generator)
        step, lone = together.step(actions), alone.step(actions[3:4])
        assert torch.equal(step.reward[3], lone.reward[0])
        assert torch.equal(step.truncated[3], lone.truncated[0])
        first, single = together.reset_done(), alone.reset_done()


def test_the_view_before_a_step_stays_readable():
    env = build("transfer-8", {}, 2)
    view = env.reset(np.random.SeedSequence(0).spawn(2))
    before = view.obs.clone()
    step = env.step(torch.ones(2, 8, 2))
    assert torch.equal(view.obs, before)
    assert not torch.equal(step.view.obs, before)
    assert step.view.obs.dtype == torch.float32
    assert step.view.neighbours.dtype == torch.int64
    assert step.view.alive.all()


def test_time_runs_out_for_all_and_a_new_episode_begins():
    env = build("transfer-8", {"horizon": 3}, 2)
    assert env.reset(np.random.SeedSequence(0).spawn(2)).first.all()
    for time in (1, 2, 3):
        step = env.step(torch.zeros(2, 8, 2))
        assert (step.truncated == (time == 3)).all()
        assert not step.terminated.any()
        last = step.view.obs.clone()
        view = env.reset_done()
        assert (view.first == (time == 3)).all()
    assert not torch.equal(view.obs, last)


def test_the_episode_ends_once_all_are_at_their_goals():
    env = build("srsv-4", {}, 1)
    env.reset(np.random.SeedSequence(0).spawn(1))
    for _ in range(499):
        step = env.step(torch.zeros(1, 4, 2))
        if step.terminated:
            break
    assert step.terminated.all()
    assert not step.truncated.any()
    assert step.info["v0_reach"][0] == 1
    assert step.info["length"][0] < 500


def test_actions_are_clipped_and_residuals_can_be_scaled():
    whole, scaled = build("gcbfplus-8", {}, 1), build("gcbfplus-8", {"action_scale": 0.5}, 1)
    for env in (whole, scaled):
        env.reset(np.random.SeedSequence(0).spawn(1))
    torch.testing.assert_close(
        whole.step(torch.full((1, 8, 2), 0.5)).view.obs,
        scaled.step(torch.full((1, 8, 2), 7.0)).view.obs,
    )


@pytest.mark.parametrize(
    ("actions", "message"),
    [
        (torch.zeros(1, 7, 2), "expected"),
        (torch.zeros(1, 8, 2, dtype=torch.float64), "expected"),
        (torch.full((1, 8, 2), float("nan")), "not finite"),
        (torch.full((1, 8, 2), float("inf")), "not finite"),
    ],
)
def test_impossible_actions_are_refused(actions, message):
    env = build("transfer-8", {}, 1)
    view = env.reset(np.random.SeedSequence(0).spawn(1))
    before = view.obs.clone()
    with pytest.raises(UsageError, match=message):
        env.step(actions)
    assert torch.equal(view.obs, before)


def test_unequal_batches_are_refused():
    env, other = build("transfer-8", {}, 2), build("transfer-8", {}, 3)
    with pytest.raises(UsageError, match="one each"):
        env.reset(np.random.SeedSequence(0).spawn(3))
    other.reset(np.random.SeedSequence(0).spawn(3))
    with pytest.raises(UsageError, match="equal environment"):
        env.restore(other.snapshot())


def test_the_nominal_score_can_be_left_out():
    env = build("transfer-8", {"nominal": False, "horizon": 1}, 1)
    env.reset(np.random.SeedSequence(0).spawn(1))
    assert set(env.step(torch.zeros(1, 8, 2)).info) == set(env.episode_metrics)
    assert not any(name.startswith("nominal") for name in env.episode_metrics)


def test_the_parallel_environment_passes_pettingzoos_own_tests():
    from pettingzoo.test import parallel_api_test, parallel_seed_test

    def create():
        return DubinsParallelEnv("transfer-5", DubinsConfig(horizon=30))

    parallel_api_test(create(), num_cycles=100)
    parallel_seed_test(create)


def test_the_parallel_environment_plays_the_same_game():
    env = DubinsParallelEnv("srsv-6", DubinsConfig(horizon=20))
    observations, infos = env.reset(seed=5)
    batched = build("srsv-6", {"horizon": 20}, 1)
    view = batched.reset(np.random.SeedSequence(5).spawn(1))
    actions = torch.empty(1, 6, 2).uniform_(-1, 1, generator=torch.Generator().manual_seed(0))
    for _ in range(20):
        shown = np.stack([observations[name] for name in env.possible_agents])
        np.testing.assert_array_equal(shown, view.obs[0].numpy())
        step = batched.step(actions)
        observations, rewards, _, truncations, infos = env.step(
            dict(zip(env.possible_agents, actions[0].numpy(), strict=True))
        )
        assert list(rewards.values()) == step.reward[0].tolist()
        view = step.view
    assert all(truncations.values())
    assert infos["car_0"]["success"] == step.info["success"][0]
    assert env.agents == []
    with pytest.raises(UsageError, match="reset"):
        env.step({})
