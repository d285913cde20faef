"""The tiny worlds keep the environment contract, and their answers are the known ones."""

from __future__ import annotations

import pytest
import torch

from marlzoo.errors import UsageError
from marlzoo.testing import (
    COORDINATION,
    GhostWorld,
    MatrixGame,
    MortalWorld,
    QuitWorld,
    RecallWorld,
    ScriptedWorld,
    TargetWorld,
    UnevenWorld,
    seeds,
)

WORLDS = [
    MatrixGame,
    MortalWorld,
    UnevenWorld,
    TargetWorld,
    GhostWorld,
    QuitWorld,
    RecallWorld,
    ScriptedWorld,
]


def random_actions(env, view, generator):
    world = env.world
    if not world.discrete:
        return torch.randn(*view.alive.shape, world.action_dim, generator=generator)
    weights = torch.ones(*view.alive.shape, world.action_dim)
    if view.action_mask is not None:
        weights = view.action_mask.float()
    return torch.multinomial(weights.flatten(0, 1), 1, generator=generator).view(view.alive.shape)


def copied(view):
    return {name: value.clone() for name, value in vars(view).items() if value is not None}


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def play(env, view, steps, seed=0):
    """Everything seen in some steps of random play."""
    generator, seen = torch.Generator().manual_seed(seed), []
    for _ in range(steps):
        step = env.step(random_actions(env, view, generator))
        ends = {"reward": step.reward, "terminated": step.terminated, "truncated": step.truncated}
        seen.append({**copied(step.view), **ends})
        view = env.reset_done()
        seen.append(copied(view))
    return seen


@pytest.mark.parametrize("world", WORLDS)
class TestContract:
    def test_shapes(self, world):
        env = world(3)
        view, info = env.reset(seeds(3)), env.world
        assert view.obs.shape == (3, info.num_agents, info.obs_dim)
        assert view.first.all()
        assert (view.state is not None) == (info.state_dim > 0)
        assert (view.action_mask is not None) == info.has_action_mask
        if view.action_mask is not None:
            assert view.action_mask.any(-1).all()

    def test_the_view_before_a_step_outlives_it(self, world):
        env = world(3)
        view = env.reset(seeds(3))
        before = copied(view)
        env.step(random_actions(env, view, torch.Generator()))
        assert same(copied(view), before)

    def test_seeds_decide(self, world):
        one, other = world(3), world(3)
        assert all(
            same(a, b)
            for a, b in zip(
                play(one, one.reset(seeds(3)), 12), play(other, other.reset(seeds(3)), 12), strict=True
            )
        )

    def test_restored_worlds_go_on_alike(self, world):
        env, other = world(3), world(3)
        play(env, env.reset(seeds(3)), 5)
        view = other.restore(env.snapshot())
        again = env.restore(env.snapshot())
        assert same(copied(view), copied(again))
        assert all(same(a, b) for a, b in zip(play(env, again, 9), play(other, view, 9), strict=True))

    def test_first_marks_what_follows_an_end(self, world):
        env = world(3)
        seen = play(env, env.reset(seeds(3)), 12)
        for step, view in zip(seen[::2], seen[1::2], strict=True):
            assert not step["first"].any()
            assert torch.equal(view["first"], step["terminated"] | step["truncated"])

    def test_one_seed_per_environment(self, world):
        with pytest.raises(UsageError, match="2 seeds for 3 environments"):
            world(3).reset(seeds(2))


def test_illegal_actions_are_refused():
    env = MortalWorld(2)
    view = env.reset(seeds(2))
    illegal = (~view.action_mask).float().argmax(-1)
    assert not view.action_mask.all(-1).all()
    with pytest.raises(UsageError, match="not legal"):
        env.step(illegal)
    with pytest.raises(UsageError, match="not legal"):
        MatrixGame(1).step(torch.tensor([[0, 3]]))
    with pytest.raises(UsageError, match="not legal"):
        TargetWorld(1).step(torch.full((1, 2, 2), torch.nan))


def test_matrix_game_pays_its_matrix():
    env = MatrixGame(9)
    env.reset(seeds(9))
    pairs = torch.cartesian_prod(torch.arange(3), torch.arange(3))
    step = env.step(pairs)
    assert step.reward[:, 0].tolist() == [value for row in COORDINATION for value in row]
    assert step.terminated.all()
    assert step.info["optimal"].tolist() == [0, 0, 0, 0, 1, 0, 0, 0, 0]
    assert env.random_return == pytest.approx(2.0)


def test_scripted_returns():
    env = ScriptedWorld(4)
    env.reset(seeds(4))
    rewards, ends = [], []
    for _ in range(5):
        step = env.step(torch.zeros(4, 2, dtype=torch.int64))
        rewards.append(step.reward[:, 0].tolist())
        ends.append((step.terminated.tolist(), step.truncated.tolist()))
        env.reset_done()
    assert [row[1] for row in rewards] == [11, 12, 13, 11, 12]
    assert [row[3] for row in rewards] == [31, 32, 33, 34, 35]
    assert [terminated[0] for terminated, _ in ends] == [False, True, False, True, False]
    assert [truncated[1] for _, truncated in ends] == [False, False, True, False, False]


def test_the_dead_have_one_action_and_stay_dead():
    env = MortalWorld(4)
    seen = play(env, env.reset(seeds(4)), 30)
    dead = torch.stack([~view["alive"] for view in seen])
    masks = torch.stack([view["action_mask"] for view in seen])
    assert dead.any()
    assert (masks[dead].float().argmax(-1) == 0).all()
    assert (masks[dead].sum(-1) == 1).all()
    assert (masks[~dead].sum(-1) == 1).any()
    for now, step, view in zip(seen[1::2], seen[2::2], seen[3::2], strict=False):
        assert (step["alive"] <= now["alive"]).all()
        assert view["alive"][view["first"]].all()


def played(env, choice):
    """Rewards, ends by the task and by time, and views, with the same choice throughout."""
    env.reset(seeds(env.world.num_envs))
    for _ in range(env.FIELD_STEPS):
        step = env.step(torch.full((env.world.num_envs, 1), choice))
        yield step.reward[:, 0].tolist(), step.terminated.tolist(), step.truncated.tolist(), step.view
        env.reset_done()


def test_staying_pays_until_the_task_ends():
    env = QuitWorld(20)
    in_pit = env.reset(seeds(20)).obs[:, 0, 1].tolist()
    assert 0 < sum(in_pit) < 20
    for number, (rewards, terminated, truncated, _) in enumerate(played(env, 0), 1):
        for start, reward, end in zip(in_pit, rewards, terminated, strict=True):
            if not start:
                assert (reward, end) == (1.0, number == env.FIELD_STEPS)
            elif number <= env.PIT_STEPS:
                assert (reward, end) == (0.0, number == env.PIT_STEPS)
        assert not any(truncated)


@pytest.mark.parametrize("ending", ["terminated", "truncated"])
def test_quitting_ends_the_episode_in_the_pit(ending):
    env = QuitWorld(20, ending)
    in_pit = env.reset(seeds(20)).obs[:, 0, 1].bool().tolist()
    rewards, terminated, truncated, view = next(iter(played(env, 1)))
    assert rewards == [0.0 if start else env.QUIT for start in in_pit]
    assert (truncated if ending == "truncated" else terminated) == [not start for start in in_pit]
    assert not any(terminated if ending == "truncated" else truncated)
    assert view.obs[:, 0].tolist() == [[0.0, 1.0, 0.0]] * 20
