"""The batched environment: streams, snapshots, options and refusals."""

from __future__ import annotations

import io
import sys
from typing import Any

import numpy as np
import pytest
import torch

from marlzoo.envs.mamujoco.batched import MamujocoEnv, make
from marlzoo.envs.mamujoco.config import MamujocoConfig
from marlzoo.envs.mamujoco.presenting import standardised
from marlzoo.errors import MissingPieceError, UsageError


def seeds(count: int, root: int = 0) -> list[np.random.SeedSequence]:
    return np.random.SeedSequence(root).spawn(count)


def joint_action(env: MamujocoEnv, step: int) -> torch.Tensor:
    world = env.world
    rng = np.random.default_rng(step)
    size = (4, world.num_agents, world.action_dim)
    values = rng.uniform(world.action_low, world.action_high, size).astype(np.float32)
    return torch.from_numpy(values[: world.num_envs])


def play(env: MamujocoEnv, start: int, stop: int) -> list[np.ndarray]:
    """Everything that `stop - start` steps bring, copied."""
    rows = []
    for step in range(start, stop):
        result = env.step(joint_action(env, step))
        flags = (result.reward, result.terminated, result.truncated)
        rows += [part.numpy().copy() for part in (result.view.obs, result.view.state, *flags)]
        view = env.reset_done()
        rows += [view.obs.numpy().copy(), view.first.numpy().copy()]
    return rows


def assert_equal(left: list[np.ndarray], right: list[np.ndarray]) -> None:
    assert len(left) == len(right)
    for one, other in zip(left, right, strict=True):
        np.testing.assert_array_equal(one, other)


def test_shapes_and_kinds() -> None:
    env = make("Humanoid-9|8", MamujocoConfig(), 2)
    view = env.reset(seeds(2))
    world = env.world
    assert [agent.obs_dim for agent in world.agents] == [242, 170]
    assert [agent.action_dim for agent in world.agents] == [9, 8]
    assert (world.obs_dim, world.action_dim, world.state_dim, world.horizon) == (242, 9, 348, 1000)
    assert world.action_high == pytest.approx(0.4)
    assert view.obs.shape == (2, 2, 242)
    assert view.obs.dtype is torch.float32
    assert not view.obs[:, 1, 170:].any()
    assert view.state is not None
    assert view.state.shape == (2, 348)
    assert view.first.all()
    assert view.alive.all()


def test_the_view_before_a_step_stays_readable() -> None:
    env = make("Hopper-3x1", MamujocoConfig(), 1)
    view = env.reset(seeds(1))
    before = view.obs.clone()
    after = env.step(joint_action(env, 0)).view
    assert torch.equal(view.obs, before)
    assert not torch.equal(after.obs, before)
    assert not after.first.any()


def test_an_environment_does_not_depend_on_its_neighbours() -> None:
    alone, among = make("Hopper-3x1", MamujocoConfig(), 1), make("Hopper-3x1", MamujocoConfig(), 3)
    alone.reset(seeds(1))
    among.reset(seeds(3))
    single, several = play(alone, 0, 60), play(among, 0, 60)
    assert_equal(single, [part[:1] for part in several])


@pytest.mark.parametrize("task", ["Hopper-3x1", "Ant-4x2", "Humanoid-9|8", "Reacher-2x1"])
@pytest.mark.parametrize("implementation", ["fast", "reference"])
def test_a_restored_snapshot_goes_on_bit_for_bit(task: str, implementation: Any) -> None:
    if implementation == "reference":
        pytest.importorskip("gymnasium_robotics", reason="gymnasium-robotics is not installed")
    config = MamujocoConfig(implementation=implementation)
    env = make(task, config, 2)
    env.reset(seeds(2))
    play(env, 0, 15)
    stored = io.BytesIO()
    torch.save(env.snapshot(), stored)
    expected = play(env, 15, 60)
    stored.seek(0)
    fresh = make(task, config, 2)
    fresh.restore(torch.load(stored, weights_only=False))
    assert_equal(play(fresh, 15, 60), expected)


def test_a_snapshot_returns_its_view() -> None:
    env = make("HalfCheetah-2x3", MamujocoConfig(), 2)
    env.reset(seeds(2))
    play(env, 0, 3)
    view = env.reset_done()
    obs, state = view.obs.clone(), view.state.clone() if view.state is not None else None
    snapshot = env.snapshot()
    play(env, 3, 6)
    restored = env.restore(snapshot)
    assert torch.equal(restored.obs, obs)
    assert state is not None
    assert restored.state is not None
    assert torch.equal(restored.state, state)


def test_agent_id_and_full_state() -> None:
    env = make("Hopper-3x1", MamujocoConfig(agent_id=True, full_state=True), 2)
    view = env.reset(seeds(2))
    assert view.state is not None
    for agent in range(3):
        torch.testing.assert_close(view.obs[:, agent, :11], view.state)
        assert view.obs[:, agent, 11:].tolist() == [[float(number == agent) for number in range(3)]] * 2


def test_the_paper_preset_is_the_four_options_together() -> None:
    paper = make("Humanoid-9|8", MamujocoConfig(preset="paper"), 1)
    options = {"agent_id": True, "full_state": True, "standardise": True, "scale_actions": True}
    spelled = make("Humanoid-9|8", MamujocoConfig(**options), 1)
    view, other = paper.reset(seeds(1)), spelled.reset(seeds(1))
    assert paper.world == spelled.world
    assert (paper.world.action_low, paper.world.action_high) == (-1.0, 1.0)
    assert torch.equal(view.obs, other.obs)
    assert view.obs.mean(dim=-1).abs().max() < 1e-6
    torch.testing.assert_close(view.obs.std(dim=-1, correction=0), torch.ones(1, 2))


def test_standardising_by_hand() -> None:
    np.testing.assert_allclose(standardised(np.array([[1.0, 2.0, 3.0]])), [[-(1.5**0.5), 0.0, 1.5**0.5]])
    np.testing.assert_array_equal(standardised(np.full((1, 4), 7.0)), np.zeros((1, 4)))


def test_scaled_actions_reach_the_tasks_own_range() -> None:
    scaled = make("Humanoid-9|8", MamujocoConfig(scale_actions=True), 1)
    plain = make("Humanoid-9|8", MamujocoConfig(), 1)
    scaled.reset(seeds(1))
    plain.reset(seeds(1))
    full = torch.ones(1, 2, 9)
    by_scale, by_hand = scaled.step(full), plain.step(full * plain.world.action_high)
    torch.testing.assert_close(by_scale.view.obs, by_hand.view.obs)
    torch.testing.assert_close(by_scale.reward, by_hand.reward)


def test_bad_actions_and_seeds_are_refused() -> None:
    env = make("Hopper-3x1", MamujocoConfig(), 2)
    with pytest.raises(UsageError, match="needs 2 seeds"):
        env.reset(seeds(1))
    env.reset(seeds(2))
    with pytest.raises(UsageError, match="shape"):
        env.step(torch.zeros(2, 3))
    broken = torch.zeros(2, 3, 1)
    broken[1, 2, 0] = torch.nan
    with pytest.raises(UsageError, match="agent 2 in environment 1 is not finite"):
        env.step(broken)


def test_without_the_reference_an_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gymnasium_robotics", None)
    with pytest.raises(MissingPieceError, match=r"pip install 'marlzoo\[robotics\]'"):
        make("ManySegmentSwimmer-2x2", MamujocoConfig(), 1)


def test_a_fast_path_that_does_not_exist_is_refused() -> None:
    with pytest.raises(UsageError, match="no fast path"):
        make("ManySegmentSwimmer-2x2", MamujocoConfig(implementation="fast"), 1)


def test_many_segment_tasks_run_in_the_reference() -> None:
    pytest.importorskip("gymnasium_robotics", reason="gymnasium-robotics is not installed")
    env = make("ManySegmentSwimmer-2x3", MamujocoConfig(), 1)
    env.reset(seeds(1))
    assert "gymnasium_robotics" in env.backend_version
    assert [agent.action_dim for agent in env.world.agents] == [3, 3]
    assert torch.isfinite(env.step(joint_action(env, 0)).view.obs).all()


def test_coupled_half_cheetah_says_which_mujoco_it_needs() -> None:
    pytest.importorskip("gymnasium_robotics", reason="gymnasium-robotics is not installed")
    mujoco = pytest.importorskip("mujoco")
    if tuple(int(part) for part in mujoco.__version__.split(".")[:2]) < (3, 6):
        pytest.skip("the installed mujoco can run CoupledHalfCheetah")
    with pytest.raises(MissingPieceError, match=r"mujoco<3\.6"):
        make("CoupledHalfCheetah-1p1", MamujocoConfig(), 1)
