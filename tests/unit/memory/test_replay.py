"""The replay holds whole episodes exactly as a list of dictionaries would, and forgets the oldest first."""

from __future__ import annotations

import io

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from marlzoo.algorithm import AgentInfo, Decision, Transition, View, World
from marlzoo.errors import PluginError, UsageError
from marlzoo.memory.replay import EpisodeReplay
from marlzoo.run.codec import decode, encode
from marlzoo.testing import MortalWorld, ScriptedWorld, UnevenWorld, seeds


def make_world(envs, agents=2, kind="discrete", **options):
    infos = tuple(AgentInfo(f"a{n}", "all", 3, 4) for n in range(agents))
    return World(envs, infos, 3, kind, 4, **options)


class Stream:
    """Random transitions whose views follow one another, with episodes that end at random."""

    def __init__(self, world, seed, neighbours=False):
        self.world = world
        self.generator = torch.Generator().manual_seed(seed)
        self.neighbours = neighbours
        self.view = self.new_view()

    def number(self, *shape):
        return torch.rand(self.world.num_envs, *shape, generator=self.generator)

    def new_view(self):
        world, agents = self.world, self.world.num_agents
        per_agent = (agents,) if world.state_per_agent else ()
        return View(
            obs=self.number(agents, 3),
            alive=self.number(agents) < 0.5,
            first=self.number() < 0.5,
            state=self.number(*per_agent, 2) if world.state_dim else None,
            action_mask=self.number(agents, 4) < 0.5 if world.has_action_mask else None,
            neighbours=(self.number(agents, 2) * agents).long() - 1 if self.neighbours else None,
        )

    def step(self, end_chance=0.3):
        world, agents = self.world, self.world.num_agents
        actions = (self.number(agents) * 4).long() if world.discrete else self.number(agents, 4)
        reward = self.number(agents) if world.reward_per_agent else self.number(1).expand(-1, agents)
        ends = self.number() < end_chance
        terminated = ends & (self.number() < 0.5)
        memo = {"note": self.number(5)}
        successor = self.new_view()
        transition = Transition(
            self.view,
            Decision(actions, (), memo),
            reward,
            terminated,
            ends & ~terminated,
            successor,
        )
        fresh = self.new_view()
        self.view = View(
            **{
                name: torch.where(ends.view(-1, *[1] * (value.dim() - 1)), getattr(fresh, name), value)
                for name, value in vars(successor).items()
                if value is not None
            }
        )
        return transition


class NaiveReplay:
    """Episodes as lists of dictionaries of cloned rows."""

    def __init__(self, envs, capacity):
        self.capacity = capacity
        self.under_way = [[] for _ in range(envs)]
        self.episodes = []

    def add(self, transition):
        for env, steps in enumerate(self.under_way):
            done = {
                "actions": transition.decision.actions,
                "reward": transition.reward,
                "terminated": transition.terminated,
                "truncated": transition.truncated,
                "note": transition.decision.memo["note"],
            }
            steps.append(
                {name: value[env].clone() for name, value in {**seen(transition.view), **done}.items()}
            )
            if transition.terminated[env] or transition.truncated[env]:
                last = {name: value[env].clone() for name, value in seen(transition.successor).items()}
                self.episodes.append((steps, last))
                self.under_way[env] = []
        while sum(len(steps) + 1 for steps, _ in self.episodes) > self.capacity:
            self.episodes.pop(0)


def seen(view):
    return {name: value for name, value in vars(view).items() if value is not None and name != "first"}


def assert_equal_episode(batch, column, episode):
    """One column of a batch is the naive replay's episode, and padding as documented after it."""
    steps, last = episode
    length, longest = len(steps), len(batch.filled)
    assert batch.filled[:, column].tolist() == [t < length for t in range(longest)]
    for name, final in last.items():
        expected = torch.stack([step[name] for step in steps] + [final] * (longest - length + 1))
        assert torch.equal(getattr(batch, name)[:, column], expected), name
    for name in ("actions", "reward", "terminated", "truncated", "note"):
        found = batch.memo[name] if name == "note" else getattr(batch, name)
        expected = torch.stack([step[name] for step in steps])
        if name == "reward":
            expected = expected[..., : found.shape[-1]]
        assert torch.equal(found[:length, column], expected), name
        assert not found[length:, column].any(), name


WORLDS = {
    "plain": {},
    "state and mask": {"state_dim": 2, "has_action_mask": True},
    "state and reward per agent": {"state_dim": 2, "state_per_agent": True, "reward_per_agent": True},
    "continuous": {"kind": "continuous"},
}


@pytest.mark.parametrize("options", WORLDS.values(), ids=WORLDS)
@given(seed=st.integers(0, 10**6), envs=st.integers(1, 5), capacity=st.integers(40, 90))
def test_holds_what_a_list_of_dictionaries_holds(options, seed, envs, capacity):
    world = make_world(envs, **options)
    stream, naive = Stream(world, seed, neighbours=seed % 2 == 0), NaiveReplay(envs, capacity)
    replay = EpisodeReplay(world, capacity)
    for _ in range(60):
        transition = stream.step()
        ended = replay.add(transition)
        naive.add(transition)
        assert ended == int((transition.terminated | transition.truncated).sum())
    assert len(replay) == len(naive.episodes) > 0
    assert replay.steps == sum(len(steps) for steps, _ in naive.episodes)
    batch = replay.sample(len(replay), torch.Generator().manual_seed(seed))
    order = torch.randperm(len(replay), generator=torch.Generator().manual_seed(seed))
    for column, index in enumerate(order.tolist()):
        assert_equal_episode(batch, column, naive.episodes[index])


@given(seed=st.integers(0, 10**6), before=st.integers(0, 50))
def test_a_saved_replay_goes_on_exactly(seed, before):
    world = make_world(3, state_dim=2)
    stream, replay, resumed = Stream(world, seed), EpisodeReplay(world, 50), EpisodeReplay(world, 50)
    for _ in range(before):
        replay.add(stream.step())
    resumed.load_state_dict(through_a_file(replay.state_dict()))
    for _ in range(30):
        transition = stream.step()
        assert replay.add(transition) == resumed.add(transition)
    assert len(resumed) == len(replay) > 0
    batches = [one.sample(len(one), torch.Generator().manual_seed(seed)) for one in (replay, resumed)]
    for name, value in vars(batches[0]).items():
        assert_same(value, getattr(batches[1], name))


def assert_same(one, other):
    if isinstance(one, dict):
        assert one.keys() == other.keys()
        for name in one:
            assert_same(one[name], other[name])
    else:
        assert one is other is None or torch.equal(one, other)


def through_a_file(state):
    file = io.BytesIO()
    torch.save(encode(state), file)
    file.seek(0)
    return decode(torch.load(file, weights_only=True))


def test_a_saved_replay_is_as_large_as_what_it_holds():
    world = make_world(2)
    stream, replay = Stream(world, 0), EpisodeReplay(world, 10_000)
    for _ in range(20):
        replay.add(stream.step())
    saved = replay.state_dict()
    assert all(len(column) == replay.steps + len(replay) for column in saved["episodes"].values())
    assert saved["episodes"]["step.actions"].dtype == torch.uint8
    assert saved["episodes"]["step.reward"].shape[-1] == 1


def test_the_bytes_needed_are_known_from_the_first_step():
    world = make_world(2, agents=2, state_dim=2, has_action_mask=True)
    stream, replay = Stream(world, 0), EpisodeReplay(world, 100)
    assert replay.nbytes == 0
    replay.add(stream.step())
    # obs 2*3*4, state 2*4, mask 2*4, alive 2, actions 2, reward 4, two flags, memo 5*4 bytes per row
    assert replay.nbytes == 100 * (24 + 8 + 8 + 2 + 2 + 4 + 2 + 20)
    for _ in range(300):
        replay.add(stream.step())
    assert replay.nbytes == 100 * 70


def test_actions_beyond_a_byte_are_kept_whole():
    world = World(1, (AgentInfo("a", "all", 3, 300),), 3, "discrete", 300)
    view = View(torch.zeros(1, 1, 3), torch.ones(1, 1, dtype=torch.bool), torch.ones(1, dtype=torch.bool))
    yes, no = torch.tensor([True]), torch.tensor([False])
    replay = EpisodeReplay(world, 10)
    replay.add(Transition(view, Decision(torch.tensor([[299]])), torch.zeros(1, 1), yes, no, view))
    assert replay.sample(1, torch.Generator()).actions.tolist() == [[[299]]]


def test_the_last_view_is_the_one_before_the_reset():
    """In the scripted world every view tells its step and environment, and every reward is known."""
    env = ScriptedWorld(4)
    replay = EpisodeReplay(env.world, 100)
    play(env, replay, 12)
    batch = replay.sample(len(replay), torch.Generator().manual_seed(0))
    for column in range(len(replay)):
        number = int(batch.obs[0, column, 0, 1])
        length = int(batch.filled[:, column].sum())
        assert length == env.lengths[number]
        assert batch.obs[: length + 1, column, 0, 0].tolist() == list(range(length + 1))
        assert batch.reward[:length, column, 0].tolist() == [env.reward(t, number) for t in range(length)]
        assert bool(batch.truncated[length - 1, column]) == bool(env.timed[number])
        assert bool(batch.terminated[length - 1, column]) != bool(env.timed[number])


@pytest.mark.parametrize("env", [MortalWorld(3), UnevenWorld(3)], ids=["mortal", "uneven"])
def test_padding_repeats_a_view_in_which_something_is_legal(env):
    replay = EpisodeReplay(env.world, 200)
    play(env, replay, 60)
    batch = replay.sample(len(replay), torch.Generator().manual_seed(0))
    assert batch.action_mask.any(-1).all()


def play(env, replay, steps):
    generator = torch.Generator().manual_seed(0)
    view = env.reset(seeds(env.world.num_envs))
    for _ in range(steps):
        legal = torch.ones(*view.alive.shape, env.world.action_dim)
        if view.action_mask is not None:
            legal = view.action_mask.float()
        chosen = torch.multinomial(legal.flatten(0, 1), 1, generator=generator).view(view.alive.shape)
        step = env.step(chosen)
        replay.add(
            Transition(view, Decision(chosen), step.reward, step.terminated, step.truncated, step.view)
        )
        view = env.reset_done()


def test_every_episode_is_drawn_equally_often_and_never_twice():
    world = make_world(1)
    stream, replay = Stream(world, 0), EpisodeReplay(world, 10_000)
    while len(replay) < 10:
        replay.add(stream.step())
    generator = torch.Generator().manual_seed(0)
    drawn = [replay.sample(4, generator).memo["note"][0, :, 0].tolist() for _ in range(2000)]
    assert all(len(set(four)) == 4 for four in drawn)
    flat = [note for four in drawn for note in four]
    counts = [flat.count(note) for note in set(flat)]
    assert len(counts) == 10
    # 2000 draws with probability 0.4 each: the standard deviation is 22.
    assert all(abs(count - 800) < 5 * 22 for count in counts)


def test_refuses_more_episodes_than_it_has():
    with pytest.raises(PluginError, match="asked for 1 episodes of 0"):
        EpisodeReplay(make_world(1), 10).sample(1, torch.Generator())


def test_refuses_an_episode_longer_than_itself():
    stream, replay = Stream(make_world(1), 0), EpisodeReplay(make_world(1), 8)
    for _ in range(7):
        replay.add(stream.step(end_chance=0.0))
    with pytest.raises(UsageError, match="does not fit into the replay's 8 steps"):
        replay.add(stream.step(end_chance=0.0))


def test_episodes_may_outgrow_the_first_room():
    world = make_world(1)
    stream, naive, replay = Stream(world, 0), NaiveReplay(1, 1000), EpisodeReplay(world, 1000)
    for step in range(300):
        transition = stream.step(end_chance=float(step == 299))
        replay.add(transition)
        naive.add(transition)
    assert_equal_episode(replay.sample(1, torch.Generator()), 0, naive.episodes[0])


@pytest.mark.parametrize(("envs", "capacity"), [(3, 50), (2, 10)])
def test_refuses_a_saved_replay_of_another_size(envs, capacity):
    stream, replay = Stream(make_world(2), 0), EpisodeReplay(make_world(2), 50)
    for _ in range(30):
        replay.add(stream.step())
    with pytest.raises(UsageError, match="use the options of the run that saved it"):
        EpisodeReplay(make_world(envs), capacity).load_state_dict(replay.state_dict())


def test_refuses_to_be_too_small():
    with pytest.raises(UsageError, match="room for several"):
        EpisodeReplay(make_world(1), 1)
