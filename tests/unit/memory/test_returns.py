"""Advantages against hand-computed values and against a literal implementation, episode by episode."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from marlzoo.errors import PluginError
from marlzoo.memory.returns import Timeout, gae, gae_micro_step, gae_state, normalise

MODES: list[Timeout] = ["terminate", "zero_advantage", "bootstrap"]


def column(*values):
    """One environment, one agent: `[T, 1, 1]`."""
    return torch.tensor(values, dtype=torch.float32).reshape(-1, 1, 1)


def flags(*values):
    return torch.tensor(values, dtype=torch.bool).reshape(-1, 1)


def literal_gae(reward, values, terminated, truncated, gamma, lam, timeout, final_values):
    """One environment and agent, in plain Python: sums of discounted errors, looking ahead step by step."""
    steps = len(reward)
    advantages = []
    for start in range(steps):
        total, weight = 0.0, 1.0
        for t in range(start, steps):
            out_of_time = truncated[t] and not terminated[t]
            if out_of_time and timeout == "zero_advantage":
                break
            if terminated[t] or (out_of_time and timeout == "terminate"):
                following = 0.0
            elif out_of_time:
                following = final_values[t]
            else:
                following = values[t + 1]
            total += weight * (reward[t] + gamma * following - values[t])
            if terminated[t] or truncated[t]:
                break
            weight *= gamma * lam
        advantages.append(total)
    return advantages


class TestByHand:
    reward = column(1.0, 2.0, 3.0)
    values = column(10.0, 20.0, 30.0, 40.0)

    def test_an_episode_that_goes_on(self):
        # delta = 1 + 10 - 10, 2 + 15 - 20, 3 + 20 - 30; decay 0.5 * 0.8 = 0.4
        advantages, returns = gae(
            self.reward, self.values, flags(0, 0, 0), flags(0, 0, 0), gamma=0.5, lam=0.8
        )
        expected = [1.0 + 0.4 * (-3.0 + 0.4 * -7.0), -3.0 + 0.4 * -7.0, -7.0]
        assert advantages.flatten().tolist() == pytest.approx(expected)
        assert returns.flatten().tolist() == pytest.approx([10 + expected[0], 20 + expected[1], 23.0])

    def test_termination_cuts_both_value_and_credit(self):
        advantages, _ = gae(self.reward, self.values, flags(0, 1, 0), flags(0, 0, 0), gamma=0.5, lam=0.8)
        assert advantages.flatten().tolist() == pytest.approx([1.0 + 0.4 * -18.0, -18.0, -7.0])

    @pytest.mark.parametrize(
        ("timeout", "last"), [("terminate", -18.0), ("zero_advantage", 0.0), ("bootstrap", 2 + 50 - 20)]
    )
    def test_the_three_ways_to_run_out_of_time(self, timeout, last):
        advantages, returns = gae(
            self.reward,
            self.values,
            flags(0, 0, 0),
            flags(0, 1, 0),
            gamma=0.5,
            lam=0.8,
            timeout=timeout,
            final_values=column(0.0, 100.0, 0.0),
        )
        assert advantages.flatten().tolist() == pytest.approx([1.0 + 0.4 * last, last, -7.0])
        assert returns[1].item() == pytest.approx(20.0 + last)

    def test_both_flags_mean_that_the_task_ended(self):
        ended = {"gamma": 0.5, "lam": 0.8, "final_values": column(0.0, 100.0, 0.0)}
        expected, _ = gae(self.reward, self.values, flags(0, 1, 0), flags(0, 0, 0), **ended)
        for timeout in MODES:
            both, _ = gae(self.reward, self.values, flags(0, 1, 0), flags(0, 1, 0), timeout=timeout, **ended)
            assert torch.equal(both, expected)

    def test_bootstrap_wants_final_values(self):
        with pytest.raises(PluginError, match="final_values"):
            gae(
                self.reward,
                self.values,
                flags(0, 0, 0),
                flags(0, 1, 0),
                gamma=0.5,
                lam=0.8,
                timeout="bootstrap",
            )

    def test_state_bootstrap_uses_the_first_agent(self):
        reward = torch.tensor([[[1.0, 1.0]], [[2.0, 2.0]]])
        values = torch.tensor([[[10.0, 11.0]], [[20.0, 22.0]], [[30.0, 33.0]]])
        advantages, _ = gae_state(reward, values, flags(0, 0), flags(0, 0), gamma=0.5, lam=0.8)
        # Both agents go on from the first one's value, 20 and then 30, and from its advantage.
        second = [2 + 15 - 20.0, 2 + 15 - 22.0]
        first = [1 + 10 - 10 + 0.4 * second[0], 1 + 10 - 11 + 0.4 * second[0]]
        assert advantages[1, 0].tolist() == pytest.approx(second)
        assert advantages[0, 0].tolist() == pytest.approx(first)

    def test_micro_steps_pass_credit_from_agent_to_agent(self):
        reward = torch.tensor([[[1.0, 1.0]], [[2.0, 2.0]]])
        values = torch.tensor([[[10.0, 11.0]], [[20.0, 22.0]], [[30.0, 33.0]]])
        advantages, _ = gae_micro_step(
            reward, values, flags(0, 0), flags(0, 0), gamma=0.5, lam=0.8, agent_lam=0.25
        )
        last_of_second = 2 + 15 - 22.0
        first_of_second = (22 - 20.0) + 0.25 * last_of_second
        last_of_first = 1 + 10 - 11 + 0.4 * first_of_second
        first_of_first = (11 - 10.0) + 0.25 * last_of_first
        assert advantages[1, 0].tolist() == pytest.approx([first_of_second, last_of_second])
        assert advantages[0, 0].tolist() == pytest.approx([first_of_first, last_of_first])


@st.composite
def rollouts(draw):
    """Random rewards, values and ends of T steps, E environments and N agents."""
    steps, envs, agents = draw(st.integers(1, 7)), draw(st.integers(1, 3)), draw(st.integers(1, 3))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    ends = random.choice(3, size=(steps, envs), p=[0.6, 0.2, 0.2])
    both = (random.random((steps, envs)) < 0.5) & (ends == 1)

    def tensor(*shape):
        return torch.tensor(random.normal(size=shape), dtype=torch.float32)

    return {
        "reward": tensor(steps, envs, agents),
        "values": tensor(steps + 1, envs, agents),
        "terminated": torch.tensor(ends == 1),
        "truncated": torch.tensor((ends == 2) | both),
        "final_values": tensor(steps, envs, agents),
        "gamma": draw(st.sampled_from([0.0, 0.9, 1.0])),
        "lam": draw(st.sampled_from([0.0, 0.95, 1.0])),
    }


@given(rollouts(), st.sampled_from(MODES))
def test_gae_equals_the_literal_implementation(rollout, timeout):
    advantages, returns = gae(**rollout, timeout=timeout)
    _, envs, agents = advantages.shape
    for env in range(envs):
        for agent in range(agents):
            expected = literal_gae(
                rollout["reward"][:, env, agent].tolist(),
                rollout["values"][:, env, agent].tolist(),
                rollout["terminated"][:, env].tolist(),
                rollout["truncated"][:, env].tolist(),
                rollout["gamma"],
                rollout["lam"],
                timeout,
                rollout["final_values"][:, env, agent].tolist(),
            )
            assert advantages[:, env, agent].tolist() == pytest.approx(expected, abs=1e-4)
    torch.testing.assert_close(returns, advantages + rollout["values"][:-1])


@given(rollouts(), st.sampled_from(MODES))
def test_one_agent_makes_all_three_alike(rollout, timeout):
    single = {
        name: value[..., :1] if name in ("reward", "values", "final_values") else value
        for name, value in rollout.items()
    }
    expected, _ = gae(**single, timeout=timeout)
    torch.testing.assert_close(gae_state(**single, timeout=timeout)[0], expected)
    torch.testing.assert_close(gae_micro_step(**single, agent_lam=0.3, timeout=timeout)[0], expected)


@given(rollouts(), st.sampled_from(MODES))
def test_full_micro_credit_is_the_state_bootstrap(rollout, timeout):
    team = {**rollout, "reward": rollout["reward"][..., :1].expand_as(rollout["reward"])}
    expected, _ = gae_state(**team, timeout=timeout)
    advantages, _ = gae_micro_step(**team, agent_lam=1.0, timeout=timeout)
    torch.testing.assert_close(advantages, expected, atol=1e-4, rtol=1e-4)


def test_lambda_one_returns_are_discounted_sums():
    reward, ended = column(1.0, 2.0, 4.0), flags(0, 0, 1)
    _, returns = gae(reward, column(9.0, 8.0, 7.0, 6.0), ended, flags(0, 0, 0), gamma=0.5, lam=1.0)
    assert returns.flatten().tolist() == pytest.approx([1 + 0.5 * (2 + 0.5 * 4), 2 + 0.5 * 4, 4.0])


def test_normalise_counts_the_living_only():
    advantages = torch.tensor([1.0, 3.0, 100.0])
    normal = normalise(advantages, torch.tensor([True, True, False]))
    assert normal.tolist() == pytest.approx([-1.0, 1.0, 98.0], rel=1e-4)


def test_normalise_without_anyone_alive_is_zero():
    assert torch.equal(normalise(torch.ones(3), torch.zeros(3, dtype=torch.bool)), torch.zeros(3))
