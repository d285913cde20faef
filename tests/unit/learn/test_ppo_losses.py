"""PPO's losses against values computed by hand and literal loops."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from marlzoo.learn.ppo import (
    clipped_policy_loss,
    clipped_value_loss,
    entropy_bonus,
    explained_variance,
    policy_diagnostics,
)


def logs(*ratios):
    return torch.tensor(ratios).log()


class TestPolicyLoss:
    def test_by_hand(self):
        # the pessimistic choice each time: ratios 1.5, 0.5, 1.5, 0.5 and advantages 1, 1, -1, -1
        advantages = torch.tensor([1.0, 1.0, -1.0, -1.0])
        loss = clipped_policy_loss(logs(1.5, 0.5, 1.5, 0.5), torch.zeros(4), advantages, None, 0.2, 4)
        assert loss.item() == pytest.approx(-(1.2 + 0.5 - 1.5 - 0.8) / 4)

    def test_masked_entries_neither_count_nor_learn(self):
        log_prob = torch.zeros(3, requires_grad=True)
        mask = torch.tensor([True, False, True])
        loss = clipped_policy_loss(log_prob, torch.zeros(3), torch.tensor([1.0, 9.0, 3.0]), mask, 0.2, 2)
        loss.backward()
        assert loss.item() == pytest.approx(-2.0)
        assert log_prob.grad.tolist() == pytest.approx([-0.5, 0.0, -1.5])

    def test_a_masked_infinity_does_no_harm(self):
        log_prob = torch.tensor([0.0, math.inf], requires_grad=True)
        mask = torch.tensor([True, False])
        clipped_policy_loss(log_prob, torch.zeros(2), torch.ones(2), mask, 0.2, 1)
        entropy = entropy_bonus(torch.tensor([1.0, math.inf]), mask, 1)
        assert entropy.item() == 1.0

    def test_the_first_gradient_is_that_of_the_policy_gradient(self):
        log_prob = torch.randn(5, generator=torch.Generator().manual_seed(0), requires_grad=True)
        advantages = torch.tensor([1.0, -2.0, 0.5, 0.0, 3.0])
        clipped_policy_loss(log_prob, log_prob.detach(), advantages, None, 0.2, 5).backward()
        torch.testing.assert_close(log_prob.grad, -advantages / 5)

    def test_components_are_clipped_each_for_itself(self):
        log_prob, old = logs(1.5, 1.1).unsqueeze(0), torch.zeros(1, 2)
        loss = clipped_policy_loss(
            log_prob, old, torch.ones(1, 1), torch.ones(1, 1, dtype=torch.bool), 0.2, 1
        )
        assert loss.item() == pytest.approx(-(1.2 + 1.1))


class TestValueLoss:
    def test_huber_is_linear_on_both_sides(self):
        value = torch.zeros(4, requires_grad=True)
        target = torch.tensor([30.0, -30.0, 2.0, -2.0])
        clipped_value_loss(value, value.detach(), target, None, None, 10.0, 1).backward()
        assert value.grad.tolist() == pytest.approx([-10.0, 10.0, -2.0, 2.0])

    def test_huber_by_hand(self):
        loss = clipped_value_loss(
            torch.zeros(2), torch.zeros(2), torch.tensor([-30.0, 2.0]), None, None, 10.0, 2
        )
        assert loss.item() == pytest.approx((10 * (30 - 5) + 2.0) / 2)

    def test_without_delta_it_is_quadratic(self):
        loss = clipped_value_loss(torch.zeros(1), torch.zeros(1), torch.tensor([30.0]), None, None, None, 1)
        assert loss.item() == pytest.approx(450.0)

    def test_clipping_takes_the_larger_error(self):
        # moved from 0 to 1 where only 0.2 is allowed; the target lies beyond: the clipped error is larger
        loss = clipped_value_loss(
            torch.tensor([1.0]), torch.tensor([0.0]), torch.tensor([2.0]), None, 0.2, None, 1
        )
        assert loss.item() == pytest.approx(0.5 * 1.8**2)

    def test_a_clipped_value_learns_no_more(self):
        value = torch.tensor([1.0], requires_grad=True)
        clipped_value_loss(value, torch.tensor([0.0]), torch.tensor([2.0]), None, 0.2, None, 1).backward()
        assert value.grad.item() == 0.0

    @given(
        st.lists(st.tuples(*[st.floats(-20, 20)] * 3, st.booleans()), min_size=1, max_size=8),
        st.sampled_from([None, 0.2]),
        st.sampled_from([None, 1.0, 10.0]),
    )
    def test_equals_a_literal_loop(self, rows, clip, delta):
        def huber(error):
            if delta is None or abs(error) <= delta:
                return error * error / 2
            return delta * (abs(error) - delta / 2)

        total = 0.0
        for value, old, target, counted in rows:
            errors = [huber(target - value)]
            if clip is not None:
                errors.append(huber(target - (old + min(max(value - old, -clip), clip))))
            total += max(errors) if counted else 0.0
        value, old, target = torch.tensor([row[:3] for row in rows]).T
        mask = torch.tensor([row[3] for row in rows])
        loss = clipped_value_loss(value, old, target, mask, clip, delta, 3.0)
        assert loss.item() == pytest.approx(total / 3.0, rel=1e-4, abs=1e-3)


def test_losses_of_pieces_add_up():
    generator = torch.Generator().manual_seed(1)
    new, old, advantages = torch.randn(3, 10, generator=generator)
    whole = clipped_policy_loss(new, old, advantages, None, 0.2, 10)
    pieces = sum(
        clipped_policy_loss(new[piece], old[piece], advantages[piece], None, 0.2, 10)
        for piece in (slice(0, 3), slice(3, 10))
    )
    torch.testing.assert_close(pieces, whole)


def test_diagnostics_by_hand():
    report = policy_diagnostics(logs(1.5, 1.0, 1.1), torch.zeros(3), None, 0.2, 3)
    assert report["clip_fraction"].item() == pytest.approx(1 / 3)
    expected = sum(r - 1 - math.log(r) for r in (1.5, 1.0, 1.1)) / 3
    assert report["approx_kl"].item() == pytest.approx(expected, rel=1e-4)


def test_explained_variance():
    returns = torch.tensor([1.0, 2.0, 3.0])
    assert explained_variance(returns, returns) == 1.0
    assert explained_variance(torch.zeros(3), returns) == pytest.approx(0.0)
    assert explained_variance(-returns, returns) == pytest.approx(-3.0)
    assert explained_variance(returns, torch.ones(3)) == 0.0
