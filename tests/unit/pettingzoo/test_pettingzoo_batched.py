"""Padding, masks, deaths, ends, rewards, snapshots and continuous actions, in this process."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from marlzoo.envs.pettingzoo_env.batched import PettingZooEnv, make
from marlzoo.envs.pettingzoo_env.config import PettingZooConfig
from marlzoo.errors import MissingPieceError, RunError, UsageError

CORRIDOR = "toy_worlds:Corridor"


def seeds(count: int) -> list[np.random.SeedSequence]:
    return np.random.SeedSequence(1).spawn(count)


def started(task: str = CORRIDOR, count: int = 1, **arguments: object) -> PettingZooEnv:
    env = make(task, PettingZooConfig(**arguments), count)  # type: ignore[arg-type]
    env.reset(seeds(count))
    return env


def act(*rows: list[int]) -> torch.Tensor:
    return torch.tensor(rows, dtype=torch.int64)


def test_unequal_agents_are_padded() -> None:
    env = make(CORRIDOR, PettingZooConfig(), 2)
    world = env.world
    assert [(agent.obs_dim, agent.action_dim) for agent in world.agents] == [(2, 2), (3, 3)]
    assert [agent.name for agent in world.agents] == ["scout_0", "porter_0"]
    assert (world.obs_dim, world.action_dim, world.state_dim) == (3, 3, 2)
    assert world.discrete
    assert world.has_action_mask
    view = env.reset(seeds(2))
    assert view.obs[0, 0, 0] == 0
    assert 0 < view.obs[0, 0, 1] < 1
    assert view.obs[0, 0, 2] == 0
    assert view.state is not None
    assert torch.equal(view.state, view.obs[:, 0, :2])
    assert view.first.all()


@pytest.mark.parametrize("place", ["observation", "info"])
def test_masks_from_the_observation_or_the_info(place: str) -> None:
    env = make(CORRIDOR, PettingZooConfig(kwargs={"mask_in": place}), 1)
    view = env.reset(seeds(1))
    assert view.action_mask is not None
    assert view.action_mask[0].tolist() == [[True, False, False], [True, True, True]]
    after = env.step(act([0, 2])).view
    assert after.action_mask is not None
    assert after.action_mask[0].tolist() == [[True, True, False], [True, True, True]]


def test_an_agent_that_dies() -> None:
    env = started()
    env.step(act([0, 0]))
    after = env.step(act([1, 2]))
    assert after.reward.tolist() == [[1.0, 3.0]], "the porter's actions are numbered from 1"
    assert after.view.alive.tolist() == [[True, False]]
    assert not after.view.obs[0, 1].any()
    assert after.view.action_mask is not None
    assert after.view.action_mask[0, 1].tolist() == [True, False, False]
    assert not (after.terminated | after.truncated).any()
    assert env.step(act([0, 0])).reward.tolist() == [[0.0, 0.0]]


@pytest.mark.parametrize(("ending", "alive"), [("terminate", False), ("truncate", True)])
def test_how_an_episode_ends(ending: str, alive: bool) -> None:
    env = started(kwargs={"ending": ending})
    for _ in range(3):
        assert not (last := env.step(act([0, 0]))).terminated.any()
        assert not last.truncated.any()
        env.reset_done()
    last = env.step(act([0, 0]))
    assert last.terminated.tolist() == [ending == "terminate"]
    assert last.truncated.tolist() == [ending == "truncate"]
    assert last.view.alive[0, 0] == alive
    assert last.view.state is not None
    assert last.view.state[0, 0] == 4
    view = env.reset_done()
    assert view.first.tolist() == [True]
    assert view.obs[0, 0, 0] == 0
    assert view.alive.all()


def test_a_horizon_truncates() -> None:
    env = started(horizon=3)
    assert env.world.horizon == 3
    flags = []
    for _ in range(3):
        result = env.step(act([0, 0]))
        flags.append((bool(result.terminated[0]), bool(result.truncated[0])))
        env.reset_done()
    assert flags == [(False, False), (False, False), (False, True)]


@pytest.mark.parametrize(
    ("kind", "paid"), [("individual", [1.0, 3.0]), ("mean", [2.0, 2.0]), ("sum", [4.0, 4.0])]
)
def test_rewards(kind: str, paid: list[float]) -> None:
    env = started("toy_worlds:Levers", reward=kind, kwargs={"bounds": [[-1, 1], [-1, 1]]})
    assert env.world.reward_per_agent == (kind == "individual")
    assert env.step(torch.zeros(1, 2, 2)).reward.tolist() == [paid]


def test_equal_boxes_keep_their_bounds_and_clip() -> None:
    env = started("toy_worlds:Levers", kwargs={"bounds": [[-0.5, 0.5], [-0.5, 0.5]]})
    assert (env.world.action_low, env.world.action_high) == (-0.5, 0.5)
    seen = env.step(torch.tensor([[[0.25, -0.25], [9.0, -9.0]]])).view.obs[0, 0]
    assert seen.tolist() == [0.25, -0.25, 0.5, -0.5]


def test_unequal_boxes_are_mapped_from_minus_one_to_one() -> None:
    env = started("toy_worlds:Levers", kwargs={"bounds": [[0, 10], [-2, 2]]})
    assert (env.world.action_low, env.world.action_high) == (-1.0, 1.0)
    seen = env.step(torch.tensor([[[-1.0, 0.0], [1.0, 0.5]]])).view.obs[0, 0]
    assert seen.tolist() == [0.0, 5.0, 2.0, 1.0]


@given(st.floats(-1e6, 1e6), st.floats(0, 1e3), st.floats(-10, 10))
def test_decoded_actions_lie_in_the_box(low: float, width: float, value: float) -> None:
    from gymnasium import spaces

    from marlzoo.envs.pettingzoo_env.layout import AgentLayout

    box = spaces.Box(low, low + width, (1,), np.float32)
    agent = AgentLayout("a", box, (), box, 1, 1)
    for rescale in (False, True):
        assert box.contains(agent.decode(np.array([value, 0.0], np.float32), rescale))


def test_copies_do_not_depend_on_each_other() -> None:
    alone, among = started(count=1), started(count=3)
    for _ in range(6):
        left, right = alone.step(act([0, 0])), among.step(act([0, 0], [0, 0], [0, 0]))
        assert torch.equal(left.view.obs, right.view.obs[:1])
        assert torch.equal(alone.reset_done().obs, among.reset_done().obs[:1])


def test_a_restored_snapshot_goes_on_exactly() -> None:
    env = started(count=2)
    env.step(act([0, 1], [0, 2]))
    view = env.reset_done()
    shown = view.obs.clone()
    stored = io.BytesIO()
    torch.save(env.snapshot(), stored)
    expected = _play(env, 9)
    stored.seek(0)
    fresh = make(CORRIDOR, PettingZooConfig(), 2)
    restored = fresh.restore(torch.load(stored, weights_only=False))
    assert torch.equal(restored.obs, shown)
    assert not restored.first.any()
    for one, other in zip(expected, _play(fresh, 9), strict=True):
        assert torch.equal(one, other)


def _play(env: PettingZooEnv, steps: int) -> list[torch.Tensor]:
    rows = []
    for _ in range(steps):
        result = env.step(act([0, 0], [0, 0]))
        rows += [result.view.obs.clone(), result.reward.clone(), result.terminated.clone()]
        rows.append(env.reset_done().obs.clone())
    return rows


def test_an_environment_that_ignores_its_seed_cannot_be_resumed() -> None:
    env = started("toy_worlds:Restless")
    snapshot = env.snapshot()
    with pytest.raises(RunError, match=r"cannot be resumed.*reset\(seed=\.\.\.\)"):
        env.restore(snapshot)


def test_illegal_actions_are_refused() -> None:
    env = started()
    with pytest.raises(UsageError, match="action 1 of scout_0 in environment 0 is illegal"):
        env.step(act([1, 0]))
    with pytest.raises(UsageError, match="action 5 of porter_0"):
        env.step(act([0, 5]))
    with pytest.raises(UsageError, match="shape"):
        env.step(act([0, 0, 0]))
    levers = started("toy_worlds:Levers", kwargs={"bounds": [[-1, 1], [-1, 1]]})
    with pytest.raises(UsageError, match="agent 1 in environment 0 is not finite"):
        levers.step(torch.tensor([[[0.0, 0.0], [torch.nan, 0.0]]]))


def test_a_failing_environment_is_named() -> None:
    env = started("toy_worlds:Faulty", count=2, kwargs={"fault": "raise"})
    env.step(act([0, 0], [0, 0]))
    with pytest.raises(RunError, match="environment 0 failed with ValueError: the cart fell over"):
        env.step(act([0, 0], [0, 0]))


@pytest.mark.parametrize(
    ("task", "error", "message"),
    [
        ("no_such_package.world", MissingPieceError, "no module 'no_such_package'"),
        ("toy_worlds:Coridor", UsageError, "did you mean 'Corridor'"),
        ("toy_worlds", UsageError, "name one: module:factory"),
        ("toy_worlds:not_an_env", UsageError, "makes a int, expected a PettingZoo ParallelEnv"),
        ("toy_worlds:Levers", UsageError, "cannot be built with"),
        ("toy_worlds:Turns", UsageError, "cannot act at once"),
    ],
)
def test_what_cannot_be_used_says_why(task: str, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make(task, PettingZooConfig(), 1)


def test_mixed_action_kinds_are_refused() -> None:
    with pytest.raises(UsageError, match="some agents act discretely and some continuously"):
        make("toy_worlds:Mixed", PettingZooConfig(kwargs={"bounds": [[-1, 1], [-1, 1]]}), 1)


def test_an_aec_environment_is_converted() -> None:
    pytest.importorskip("mpe2", reason="mpe2 is not installed")
    env = make("mpe2.simple_spread_v3:env", PettingZooConfig(kwargs={"max_cycles": 3}), 1)
    view = env.reset(seeds(1))
    parallel = make("mpe2.simple_spread_v3", PettingZooConfig(kwargs={"max_cycles": 3}), 1)
    assert torch.equal(view.obs, parallel.reset(seeds(1)).obs)
    results = [env.step(torch.zeros(1, 3, dtype=torch.int64)) for _ in range(3)]
    assert [bool(result.truncated[0]) for result in results][-1]
