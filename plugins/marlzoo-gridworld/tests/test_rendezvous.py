"""The grid's rules against a literal search, its returns against sums done by hand."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from marlzoo.api import UsageError, View
from marlzoo_gridworld.config import GridworldConfig, Task
from marlzoo_gridworld.rendezvous import MOVES, Rendezvous, make, steps_to_meet

STAY, UP, DOWN, LEFT, RIGHT = range(5)

Cell = tuple[int, int]


def seeds(number: int, root: int = 0) -> list[np.random.SeedSequence]:
    return [np.random.SeedSequence((root, index)) for index in range(number)]


def grid(task: str = "rendezvous-5x4-3", envs: int = 2, root: int = 0, **arguments: object) -> Rendezvous:
    env = make(task, GridworldConfig.model_validate(arguments), envs)
    env.reset(seeds(envs, root))
    return env


def placed(env: Rendezvous, *places: Cell) -> View:
    """Show environment 0 of a grid with the agents in these cells at the start of an episode."""
    snapshot = env.snapshot()
    snapshot["places"][0] = places
    snapshot["at_start"][0] = steps_to_meet(snapshot["places"][:1], env.task.width, env.task.height)[0]
    snapshot["clock"][0] = 0
    return env.restore(snapshot)


def neighbours(cell: Cell, width: int, height: int) -> Iterator[Cell]:
    for dx, dy in MOVES.tolist():
        x, y = cell[0] + dx, cell[1] + dy
        if 0 <= x < width and 0 <= y < height:
            yield x, y


def searched(places: tuple[Cell, ...], width: int, height: int) -> int:
    """The fewest steps by breadth-first search over joint moves."""
    frontier, known, steps = {places}, {places}, 0
    while not any(len(set(joint)) == 1 for joint in frontier):
        moves = (itertools.product(*(neighbours(c, width, height) for c in joint)) for joint in frontier)
        frontier = set(itertools.chain.from_iterable(moves)) - known
        known |= frontier
        steps += 1
    return steps


@pytest.mark.parametrize(("width", "height", "agents"), [(4, 3, 2), (5, 1, 3), (3, 2, 3)])
def test_the_optimum_is_what_a_search_finds(width: int, height: int, agents: int) -> None:
    cells = list(itertools.product(range(width), range(height)))
    starts = list(itertools.product(cells, repeat=agents))
    found = steps_to_meet(np.array(starts), width, height)
    for start, steps in list(zip(starts, found.tolist(), strict=True))[::7]:
        assert steps == searched(start, width, height), start


@settings(deadline=None, max_examples=20, derandomize=True)
@given(
    seed=st.integers(0, 10**6), width=st.integers(2, 9), height=st.integers(1, 9), agents=st.integers(2, 6)
)
def test_walking_to_the_middle_is_worth_what_it_should(
    seed: int, width: int, height: int, agents: int
) -> None:
    """A policy worked out by hand meets in `R_start` steps and gets `1 - step_cost * R_start`."""
    env = make(f"rendezvous-{width}x{height}-{agents}", GridworldConfig(step_cost=0.03), 4)
    env.reset(seeds(4, seed))
    needed, total = env.snapshot()["at_start"], torch.zeros(4)
    targets = [middle(places, width, height) for places in env.snapshot()["places"]]
    for step in range(1, int(needed.max()) + 1):
        actions = [walk(p, target) for p, target in zip(env.snapshot()["places"], targets, strict=True)]
        result = env.step(torch.tensor(actions))
        running = torch.from_numpy(needed >= step)
        total += torch.where(running, result.reward[:, 0], 0.0)
        met = torch.from_numpy(needed == step)
        assert torch.equal(result.terminated & running, met)
        assert (result.info["efficiency"][met.numpy()] == 1.0).all()
    assert total.numpy() == pytest.approx(1 - 0.03 * needed, abs=1e-5)


def middle(places: np.ndarray, width: int, height: int) -> Cell:
    """A cell from which the farthest agent is as near as can be."""
    cells = itertools.product(range(width), range(height))
    return min(cells, key=lambda cell: int(np.abs(places - np.array(cell)).sum(1).max()))


def walk(places: np.ndarray, target: Cell) -> list[int]:
    """An action for each agent that brings it nearer to the target."""
    actions = []
    for x, y in (np.array(target) - places).tolist():
        across = RIGHT if x > 0 else LEFT
        actions.append(across if x else (UP if y > 0 else DOWN) if y else STAY)
    return actions


def test_a_short_story_by_hand() -> None:
    """Corners of a 3 x 3 grid: 4 apart, so 2 steps at best; one step is wasted."""
    env = grid("rendezvous-3x3-2", envs=1, step_cost=0.1)
    placed(env, (0, 0), (2, 2))
    paid = []
    for actions in ([RIGHT, LEFT], [STAY, RIGHT], [STAY, LEFT], [UP, DOWN]):
        result = env.step(torch.tensor([actions]))
        paid.append(result.reward.tolist()[0])
    # They need 2 steps; after (1,0) (1,2) one; after (1,0) (2,2) two again; then one, and none in (1,1).
    assert [row[0] for row in paid] == pytest.approx([0.4, -0.6, 0.4, 0.4])
    assert all(row[0] == row[1] for row in paid)


def test_the_end_is_told_from_the_end_of_time() -> None:
    env = grid("rendezvous-3x1-2", envs=1, horizon=2)
    placed(env, (0, 0), (2, 0))
    assert env.step(torch.tensor([[RIGHT, STAY]])).terminated.tolist() == [False]
    met = env.step(torch.tensor([[STAY, LEFT]]))
    assert (met.terminated.tolist(), met.truncated.tolist()) == ([True], [False])
    assert (met.info["met"].tolist(), met.info["efficiency"].tolist()) == ([1.0], [0.5])
    env.reset_done()
    placed(env, (0, 0), (2, 0))
    env.step(torch.tensor([[STAY, STAY]]))
    late = env.step(torch.tensor([[STAY, STAY]]))
    assert (late.terminated.tolist(), late.truncated.tolist()) == ([False], [True])
    assert (late.info["met"].tolist(), late.info["efficiency"].tolist()) == ([0.0], [0.0])


def test_what_is_seen_by_hand() -> None:
    """5 x 3, agents at (0, 0) and (4, 2): diagonals x + y of 0 and 6, x - y of 0 and 2; scaled by 8."""
    env = grid("rendezvous-5x3-2", envs=1)
    view = placed(env, (0, 0), (4, 2))
    assert view.obs[0].tolist() == [
        pytest.approx([-1.0, -1.0, 0.0, 0.0, 6 / 8, 2 / 8, 1.0]),
        pytest.approx([1.0, 1.0, -6 / 8, -2 / 8, 0.0, 0.0, 1.0]),
    ]
    assert view.state is not None
    assert view.state[0].tolist() == pytest.approx([0.0, 0.0, 6 / 8, 2 / 8, 1.0])
    assert view.action_mask is not None
    assert view.action_mask[0].tolist() == [
        [True, True, False, False, True],
        [True, False, True, True, False],
    ]
    shown = env.step(torch.tensor([[RIGHT, STAY]])).view
    assert shown.obs[0, 0, 6] == pytest.approx(1 - 1 / 16)


def test_episodes_start_apart_and_everywhere() -> None:
    env = grid("rendezvous-2x1-2", envs=200)
    places = env.snapshot()["places"][..., 0]
    assert (places.sum(1) == 1).all()
    assert 60 < places[:, 0].sum() < 140


def test_leaving_the_grid_is_refused() -> None:
    env = grid("rendezvous-3x3-2", envs=1)
    placed(env, (0, 0), (2, 2))
    with pytest.raises(UsageError, match="leaves the grid"):
        env.step(torch.tensor([[LEFT, STAY]]))
    with pytest.raises(UsageError, match="leaves the grid"):
        env.step(torch.tensor([[STAY, 5]]))
    with pytest.raises(UsageError, match=r"expected torch\.int64"):
        env.step(torch.zeros(1, 2))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("rendezvous-8x8", "write rendezvous-<width>x<height>-<agents>"),
        ("chase-8x8-4", "has no task 'chase-8x8-4'"),
        ("rendezvous-8x8-1", "nobody to meet"),
        ("rendezvous-1x1-3", "nobody to meet"),
    ],
)
def test_other_tasks_are_refused(name: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Task.named(name)


def test_a_snapshot_of_another_size_is_refused() -> None:
    with pytest.raises(UsageError, match="as many copies"):
        grid(envs=2).restore(grid(envs=3).snapshot())


def test_as_many_seeds_as_environments() -> None:
    with pytest.raises(UsageError, match="got 1 seeds for 2 environments"):
        grid(envs=2).reset(seeds(1))
