"""Traces, joint ratios, orders and clipping ranges: by hand, and against literal forms."""

from __future__ import annotations

import literal_a2po as literal
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from marlzoo.learn.sequential import (
    agent_order,
    blocks_of,
    cumulative,
    joint_log_ratio,
    others_ratio,
    position_clip,
    ratio_clips,
    urgency,
)
from marlzoo.memory.returns import gae
from marlzoo.memory.traces import traced_lambda


def column(*values):
    """One environment, one value: `[T, 1, 1]`."""
    return torch.tensor(values, dtype=torch.float32).reshape(-1, 1, 1)


def flags(*values):
    return torch.tensor(values, dtype=torch.bool).reshape(-1, 1)


def log_ratios(steps=7, envs=5, agents=4, seed=0):
    return 0.4 * torch.randn(steps, envs, agents, generator=torch.Generator().manual_seed(seed))


class TestTraces:
    # Errors with gamma 0.5: 1 + 10 - 10 = 1, 2 + 15 - 20 = -3, 3 + 20 - 30 = -7.
    arguments = column(1.0, 2.0, 3.0), column(10.0, 20.0, 30.0, 40.0)
    log_ratio = column(7.0, 0.25, 2.0).log()

    def advantages(self, ended=(0, 0, 0), **options):
        lam = traced_lambda(self.log_ratio, 0.8, **options)
        result, _ = gae(*self.arguments, flags(*ended), flags(0, 0, 0), gamma=0.5, lam=lam)
        return result.flatten().tolist()

    def test_by_hand(self):
        # Successors weigh 0.8 min(1, 0.25) and 0.8 min(1, 2); the first ratio is nobody's successor.
        second = -3 + 0.5 * 0.8 * 1.0 * -7
        assert self.advantages() == pytest.approx([1 + 0.5 * 0.8 * 0.25 * second, second, -7.0])

    def test_another_cap(self):
        second = -3 + 0.5 * 0.8 * 1.5 * -7
        expected = [1 + 0.5 * 0.8 * 0.25 * second, second, -7.0]
        assert self.advantages(cap=1.5) == pytest.approx(expected)

    def test_lambda_twice_as_in_the_published_code(self):
        second = -3 + 0.5 * 0.64 * 1.0 * -7
        expected = [1 + 0.5 * 0.64 * 0.25 * second, second, -7.0]
        assert self.advantages(double_lambda=True) == pytest.approx(expected)

    def test_they_end_with_the_episode(self):
        assert self.advantages(ended=(0, 1, 0)) == pytest.approx([1 + 0.5 * 0.8 * 0.25 * -18, -18.0, -7.0])

    def test_ratios_of_one_change_nothing(self):
        lam = traced_lambda(torch.zeros(3, 1, 1), 0.8)
        traced, _ = gae(*self.arguments, flags(0, 0, 0), flags(0, 0, 0), gamma=0.5, lam=lam)
        plain, _ = gae(*self.arguments, flags(0, 0, 0), flags(0, 0, 0), gamma=0.5, lam=0.8)
        assert torch.equal(traced, plain)

    @settings(deadline=None, max_examples=40)
    @given(st.integers(0, 10_000), st.integers(1, 9), st.floats(0, 1), st.floats(0.3, 2))
    def test_the_recursion_equals_the_double_sum(self, seed, steps, lam, cap):
        generator = torch.Generator().manual_seed(seed)
        reward, values = (torch.randn(length, 1, 1, generator=generator) for length in (steps, steps + 1))
        ended = torch.rand(steps, 1, generator=generator) < 0.3
        log_ratio = torch.randn(steps, 1, 1, generator=generator)
        expected = literal.traced_advantages(
            *(x.flatten().tolist() for x in (reward, values, ended, log_ratio.exp())), 0.9, lam, cap
        )
        weights = traced_lambda(log_ratio, lam, cap=cap)
        advantages, _ = gae(reward, values, ended, torch.zeros_like(ended), gamma=0.9, lam=weights)
        assert advantages.flatten().tolist() == pytest.approx(expected, abs=1e-4)


class TestRatios:
    def test_the_joint_ratio_is_a_product(self):
        ratios, agents = log_ratios().exp(), torch.tensor([2, 0])
        expected = literal.product(ratios, [2, 0])
        torch.testing.assert_close(joint_log_ratio(ratios.log(), agents).exp()[..., 0], expected)

    def test_that_of_others_leaves_the_own_one_out(self):
        ratios, agents = log_ratios().exp(), [0, 3, 1]
        found = others_ratio(ratios.log(), torch.tensor(agents), None)
        for agent in range(4):
            expected = literal.product(ratios, [j for j in agents if j != agent])
            torch.testing.assert_close(found[..., agent], expected)

    def test_clipped_by_hand(self):
        ratios = torch.tensor([[[2.0, 1.05, 0.5]]])
        found = others_ratio(ratios.log(), torch.arange(3), 0.1)
        assert found.flatten().tolist() == pytest.approx([0.9, 1.0, 1.1])


class TestOrder:
    def test_urgency_by_hand(self):
        advantages = torch.tensor([[[1.0, -2.0, 3.0]], [[3.0, 4.0, 9.0]]])
        values = torch.tensor([[[2.0]], [[-1.0]]])
        alive = torch.tensor([[[True, True, False]], [[True, False, False]]])
        # (1/2 + 3/1) / 2, then 2/2 alone, and one that never lived
        assert urgency(advantages, values, alive).tolist() == pytest.approx([1.75, 1.0, 0.0])

    def test_greedy_and_fixed(self):
        scores, generator = torch.tensor([0.5, 3.0, 1.0]), torch.Generator()
        assert agent_order("greedy", scores, generator).tolist() == [1, 2, 0]
        assert agent_order("reverse_greedy", scores, generator).tolist() == [0, 2, 1]
        assert agent_order("fixed", scores, generator).tolist() == [0, 1, 2]

    @given(
        st.sampled_from([("semi_greedy", max), ("reverse_semi_greedy", min)]),
        st.lists(st.floats(0, 10, width=32), min_size=1, max_size=9),
        st.integers(0, 1000),
    )
    def test_semi_greedy_takes_the_best_of_those_left_every_other_time(self, rule, scores, seed):
        kind, best = rule
        order = agent_order(kind, torch.tensor(scores), torch.Generator().manual_seed(seed)).tolist()
        assert sorted(order) == list(range(len(scores)))
        for place in range(0, len(order), 2):
            assert scores[order[place]] == best(scores[agent] for agent in order[place:])

    def test_in_between_it_takes_anybody(self):
        generator, scores = torch.Generator().manual_seed(0), torch.tensor([4.0, 3.0, 2.0, 1.0])
        orders = [agent_order("semi_greedy", scores, generator).tolist() for _ in range(300)]
        counts = [sum(order[1] == agent for order in orders) for agent in range(4)]
        assert counts[0] == 0
        assert min(counts[1:]) > 70

    def test_random_is_any_permutation(self):
        generator = torch.Generator().manual_seed(0)
        orders = {tuple(agent_order("random", torch.zeros(3), generator).tolist()) for _ in range(60)}
        assert len(orders) == 6

    def test_blocks(self):
        order = torch.tensor([4, 2, 0, 1, 3])
        assert [block.tolist() for block in blocks_of(order, 3)] == [[4, 2], [0, 1], [3]]
        assert [block.tolist() for block in blocks_of(order, 9)] == [[4], [2], [0], [1], [3]]
        assert [block.tolist() for block in cumulative(blocks_of(order, 2))] == [[4, 2, 0], [4, 2, 0, 1, 3]]


class TestClips:
    def test_position_by_hand(self):
        found = [position_clip(0.2, position, 4) for position in range(4)]
        assert found == pytest.approx([0.125, 0.15, 0.175, 0.2])
        assert position_clip(0.2, 0, 1) == 0.2

    def test_ratio_by_hand(self):
        ratios = torch.tensor([[[1.5, 1.0, 0.75]]])
        # u = 1.5, 1, 1.25; along 2, 0, 1 the products from each on are 1.875, 1.5 and 1.
        found = ratio_clips(ratios.log(), torch.tensor([2, 0, 1]), 0.3)
        assert found.tolist() == pytest.approx([0.3 / 1.5, 0.3, 0.3 / 1.875])

    @pytest.mark.parametrize("order", [[0, 1, 2, 3], [3, 1, 0, 2]])
    def test_ratio_against_the_literal_form(self, order):
        ratios = log_ratios().exp()
        expected = literal.suffix_clips(ratios, order, 0.2)
        found = ratio_clips(ratios.log(), torch.tensor(order), 0.2)
        assert found.tolist() == pytest.approx([expected[agent] for agent in range(4)])

    def test_before_anybody_moved_all_have_the_whole_range(self):
        assert ratio_clips(torch.zeros(2, 3, 4), torch.tensor([1, 0, 3, 2]), 0.25).tolist() == [0.25] * 4
