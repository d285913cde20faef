"""The batched environment: streams, snapshots, endings, errors, and invariants under random play."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from marlzoo.algorithm import View
from marlzoo.envs.smac import state
from marlzoo.envs.smac.batched import SmacEnv, make
from marlzoo.envs.smac.config import SmacConfig, smac_config
from marlzoo.envs.smac.maps import MAPS
from marlzoo.envs.smac.terrain import terrain
from marlzoo.envs.smac.units import unit_kinds
from marlzoo.envs.smac.version import ENGINE_VERSION
from marlzoo.errors import UsageError


def seeds(count: int, run: int = 0) -> list[np.random.SeedSequence]:
    return np.random.SeedSequence(run).spawn(count)


def legal(view: View, rng: np.random.Generator) -> torch.Tensor:
    assert view.action_mask is not None
    mask = view.action_mask.numpy()
    return torch.from_numpy((rng.random(mask.shape) * mask).argmax(-1))


def everything(view: View) -> list[np.ndarray]:
    tensors = (view.obs, view.state, view.action_mask, view.alive, view.first)
    return [tensor.numpy().copy() for tensor in tensors if tensor is not None]


def trace(env: SmacEnv, view: View, steps: int, rng: np.random.Generator) -> list[np.ndarray]:
    """All outputs of some steps of random play."""
    found = []
    for _ in range(steps):
        result = env.step(legal(view, rng))
        found += [*everything(result.view), result.reward.numpy().copy(), result.terminated.numpy().copy()]
        found += [np.where(result.terminated.numpy(), values, 0) for values in result.info.values()]
        view = env.reset_done()
        found += everything(view)
    return found


def same(left: list[np.ndarray], right: list[np.ndarray]) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(left, right, strict=True))


@pytest.mark.parametrize("name", MAPS)
def test_a_restored_battle_continues_bit_for_bit(name: str) -> None:
    env, rng = SmacEnv(name, 3), np.random.default_rng(0)
    view = env.reset(seeds(3))
    trace(env, view, 12, rng)
    view = env.reset_done()
    saved, before = env.snapshot(), everything(view)
    first = trace(env, view, 12, np.random.default_rng(1))
    other = SmacEnv(name, 3)
    restored = other.restore(saved)
    assert same(everything(restored), before)
    assert same(trace(other, restored, 12, np.random.default_rng(1)), first)


def test_nothing_begins_where_no_episode_ended() -> None:
    env = SmacEnv("3m", 2)
    result = env.step(legal(env.reset(seeds(2)), np.random.default_rng(0)))
    before, saved = everything(result.view), env.snapshot()
    assert same(everything(env.reset_done()), before)
    after = env.snapshot()
    assert all(np.array_equal(after[key], saved[key]) for key in env.battles._fields)


@pytest.mark.parametrize("name", ["3s5z", "MMM2", "corridor"])
def test_an_environment_does_not_depend_on_its_neighbours(name: str) -> None:
    alone, crowd = SmacEnv(name, 1), SmacEnv(name, 5)
    view, views = alone.reset(seeds(5)[3:4]), crowd.reset(seeds(5))
    rng, others = np.random.default_rng(2), np.random.default_rng(3)
    for _ in range(60):
        actions = legal(views, others)
        actions[3] = legal(view, rng)[0]
        result, results = alone.step(actions[3:4]), crowd.step(actions)
        assert torch.equal(result.reward[0], results.reward[3])
        view, views = alone.reset_done(), crowd.reset_done()
        assert torch.equal(view.obs[0], views.obs[3])


def test_different_seeds_give_different_battles_and_equal_ones_the_same() -> None:
    def play(run: int) -> list[np.ndarray]:
        env = SmacEnv("3m", 2)
        return trace(env, env.reset(seeds(2, run)), 15, np.random.default_rng(0))

    assert same(play(1), play(1))
    one, other = SmacEnv("3m", 1), SmacEnv("3m", 1)
    assert not torch.equal(one.reset(seeds(1, 1)).obs, other.reset(seeds(1, 2)).obs)


def test_the_view_before_a_step_stays_readable() -> None:
    env = SmacEnv("3m", 2)
    view = env.reset(seeds(2))
    kept = everything(view)
    env.step(legal(view, np.random.default_rng(0)))
    assert same(everything(view), kept)


def test_first_is_set_by_resets_alone() -> None:
    env, rng = SmacEnv("3m", 8), np.random.default_rng(0)
    view = env.reset(seeds(8))
    assert view.first.all()
    for _ in range(40):
        result = env.step(legal(view, rng))
        assert not result.view.first.any()
        kept = result.view.obs.clone()
        ended = result.terminated | result.truncated
        view = env.reset_done()
        assert torch.equal(view.first, ended)
        assert torch.equal(view.obs[~ended], kept[~ended])
        assert view.alive[ended].all()


def test_an_unavailable_action_is_named_and_changes_nothing() -> None:
    env = SmacEnv("3m", 4)
    env.reset(seeds(4))
    state_before = env.battles.floats.copy()
    actions = torch.ones(4, 3, dtype=torch.int64)
    actions[2, 1] = 7
    with pytest.raises(
        UsageError, match=r"environment 2, agent 1: action 7 is not available; available: 1, "
    ):
        env.step(actions)
    actions[2, 1] = 99
    with pytest.raises(UsageError, match="action 99 is not available"):
        env.step(actions)
    assert np.array_equal(env.battles.floats, state_before)
    actions[2, 1] = 1
    env.step(actions)


def test_wrong_shapes_and_counts_are_refused() -> None:
    env = SmacEnv("3m", 2)
    with pytest.raises(UsageError, match="3 seeds for 2 environments"):
        env.reset(seeds(3))
    env.reset(seeds(2))
    with pytest.raises(UsageError, match=r"shape \(2, 4\); expected \(2, 3\)"):
        env.step(torch.ones(2, 4, dtype=torch.int64))
    with pytest.raises(UsageError, match="heuristic_ai"):
        make("3m", smac_config({"heuristic_ai": True}), 1)


def test_a_snapshot_of_another_map_or_engine_is_refused() -> None:
    env, other = SmacEnv("3m", 1), SmacEnv("8m", 1)
    with pytest.raises(UsageError, match="before the first reset"):
        env.snapshot()
    env.reset(seeds(1))
    with pytest.raises(UsageError, match=f"snapshot of map 3m, engine {ENGINE_VERSION}; this is map 8m"):
        other.restore(env.snapshot())


def test_time_runs_out_as_a_truncation() -> None:
    env = SmacEnv("2s_vs_1sc", 1)
    env.reset(seeds(1))
    stop = torch.ones(1, 2, dtype=torch.int64)
    for _ in range(299):
        result = env.step(stop)
        assert not (result.terminated | result.truncated).any()
        env.reset_done()
    result = env.step(stop)
    assert result.truncated.all()
    assert not result.terminated.any()
    assert {name: float(values[0]) for name, values in result.info.items()} == {
        "battle_won": 0,
        "dead_allies": 0,
        "dead_enemies": 0,
        "episode_limit": 1,
        "regeneration_share": 0,
    }
    assert env.reset_done().first.all()


def put_to_death(env: SmacEnv, columns: slice) -> None:
    env.battles.floats[:, state.HP, columns] = 0


def test_victory_and_defeat() -> None:
    env = SmacEnv("3m", 2)
    view = env.reset(seeds(2))
    env.battles.floats[0, state.HP, 3:6] = 0
    env.battles.floats[1, state.HP, 0:3] = 0
    result = env.step(legal(view, np.random.default_rng(0)))
    assert result.terminated.all()
    assert not result.truncated.any()
    assert result.info["battle_won"].tolist() == [1, 0]
    assert result.info["dead_enemies"].tolist() == [3, 0]
    assert result.info["dead_allies"].tolist() == [0, 3]
    assert result.reward[0].tolist() == pytest.approx([20.0] * 3)
    assert result.reward[1].tolist() == [0.0] * 3


def regaining(arguments: dict[str, Any]) -> tuple[float, float]:
    """Reward and share of regeneration when nothing happens but one enemy shield coming back."""
    env = SmacEnv("3s_vs_3z", 1, smac_config(arguments))
    env.reset(seeds(1))
    env.battles.floats[0, state.SHIELD, 3] = 20
    env.battles.enemies[0, 0, 3] = 20
    result = env.step(torch.ones(1, 3, dtype=torch.int64))
    return float(result.reward[0, 0]), float(result.info["regeneration_share"][0])


def test_the_share_of_regeneration_is_told() -> None:
    # Eight loops at 2 points per second are one point; the largest return, 680, counts as 20.
    reward, share = regaining({})
    assert reward == pytest.approx(1 / 34)
    assert share == pytest.approx(1.0)
    assert regaining({"reward_regeneration": False}) == (0.0, 0.0)


def test_the_ladder_profile_is_faster() -> None:
    steps = []
    for profile in ("liberty", "ladder"):
        env = SmacEnv("3m", 1, smac_config({"stats_profile": profile}))
        env.reset(seeds(1))
        before = env.battles.allies[0, :, 1].copy()
        env.step(torch.full((1, 3), 3, dtype=torch.int64))
        steps.append((before - env.battles.allies[0, :, 1]).max())
    assert steps == pytest.approx([2.25 / 2, 3.15 / 2], abs=1e-3)


@given(name=st.sampled_from(sorted(MAPS)), run=st.integers(0, 10_000))
def test_invariants_of_random_play(name: str, run: int) -> None:
    env, rng = SmacEnv(name, 2), np.random.default_rng(run)
    view = env.reset(seeds(2, run))
    kinds = unit_kinds()
    units = [kinds[kind] for kind in env.map.ally_kinds + env.map.enemy_kinds]
    full = np.array([(unit.hp, unit.shield) for unit in units])
    walls = terrain(env.map.terrain)
    masks = [
        walls.flying if u.flying else walls.cliff_walk if u.walks_cliffs else walls.ground for u in units
    ]
    dead = np.zeros((2, len(units)), bool)
    for _ in range(40):
        result = env.step(legal(view, rng))
        table = np.concatenate([env.battles.allies, env.battles.enemies], 1)
        assert np.isfinite(table).all()
        assert np.isfinite(result.view.obs.numpy()).all()
        assert ((table[..., 2:4] >= 0) & (table[..., 2:4] <= full)).all()
        alive = table[..., 6] > 0
        assert not (alive & dead).any()
        assert (table[..., 2][~alive] == 0).all()
        assert (alive == (table[..., 2] > 0)).all()
        cells = table[..., :2].astype(int)
        assert all(masks[k][tuple(cells[e, k])] for e in range(2) for k in range(len(units)))
        ended = (result.terminated | result.truncated).numpy()
        dead = ~alive & ~ended[:, None]
        view = env.reset_done()


def test_damage_adds_up() -> None:
    """On marine maps nothing heals: what a team lost is six points per shot, to the point of death."""
    env, rng = SmacEnv("8m", 4), np.random.default_rng(0)
    view = env.reset(seeds(4))
    total = np.zeros(4)
    for _ in range(200):
        result = env.step(legal(view, rng))
        life = env.battles.enemies[..., 2]
        assert (np.isin(45 - life, np.arange(0, 48, 6)) | (life == 0)).all()
        total += result.reward[:, 0].numpy() * 640 / 20
        killed = (life == 0).sum(1)
        won = result.info["battle_won"]
        spent = 45 * 8 - life.sum(1) + 10 * killed + 200 * won
        assert total == pytest.approx(spent, abs=1e-3)
        total[(result.terminated | result.truncated).numpy()] = 0
        view = env.reset_done()


def test_an_agent_ordered_to_hit_what_flies_stands_idle() -> None:
    env = SmacEnv("MMM", 1)
    env.reset(seeds(1))
    floats = env.battles.floats[0]
    floats[state.X, 0], floats[state.Y, 0] = 14.0, 16.0  # a marauder, which cannot shoot at a medivac
    floats[state.X, 19], floats[state.Y, 19] = 16.0, 16.0
    actions = torch.ones(1, 10, dtype=torch.int64)
    view = env.reset_done()
    env.step(actions)
    view = env.reset_done()
    assert view.action_mask is not None
    assert view.action_mask[0, 0, 6 + 9]
    place = floats[state.X, 0]
    actions[0, 0] = 6 + 9
    env.step(actions)
    assert abs(floats[state.X, 0] - place) < 0.4
    assert env.battles.ints[0, state.ORDER, 0] == state.IDLE


def test_stalkers_shoot_and_move_twice_in_every_three_steps() -> None:
    """With 23 loops between shots, one step of attacking and two of moving keep the full rate of fire."""
    env = SmacEnv("3s_vs_3z", 1, SmacConfig())
    env.reset(seeds(1))
    env.battles.floats[0, state.ORDER] = 0
    env.battles.ints[0, state.ORDER, 3:6] = state.IDLE
    for column in range(6):
        env.battles.floats[0, state.X, column] = 12.0 if column < 3 else 17.5
        env.battles.floats[0, state.Y, column] = 8.0 + 5 * (column % 3)
    view = env.reset_done()
    env.step(torch.ones(1, 3, dtype=torch.int64))
    env.reset_done()
    before = env.battles.enemies[0, :, 2:4].sum()
    for turn in range(12):
        action = (6, 2, 3)[turn % 3]
        actions = torch.tensor([[6 + k if action == 6 else action for k in range(3)]])
        env.step(actions)
        view = env.reset_done()
    assert view.alive.all()
    lost = before - env.battles.enemies[0, :, 2:4].sum()
    assert lost == 3 * 4 * 10
