"""Action distributions against torch.distributions and against frequencies."""

from __future__ import annotations

import pytest
import torch
from torch import distributions

from marlzoo.algorithm import AgentInfo, World
from marlzoo.nets.heads import Categorical, Gaussian, gumbel, noise_for, normal, standard_deviation


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(0)


class TestCategorical:
    def test_agrees_with_torch(self, generator):
        logits = torch.randn(6, 5, generator=generator)
        mask = torch.rand(6, 5, generator=generator) < 0.6
        mask[:, 2] = True
        actions = torch.full((6,), 2)
        ours = Categorical.of(logits, mask)
        theirs = distributions.Categorical(logits=logits.masked_fill(~mask, -torch.inf))
        torch.testing.assert_close(ours.log_prob(actions), theirs.log_prob(actions))
        probabilities = theirs.probs
        expected = -(probabilities * probabilities.clamp_min(1e-30).log()).sum(-1)
        torch.testing.assert_close(ours.entropy(), expected)

    def test_a_single_legal_action_is_certain(self):
        logits = torch.tensor([[5.0, -3.0, 1.0]], requires_grad=True)
        only = Categorical.of(logits, torch.tensor([[False, True, False]]))
        assert only.greedy().tolist() == [1]
        assert only.log_prob(torch.tensor([1])).tolist() == [0.0]
        assert only.entropy().tolist() == [0.0]
        (only.log_prob(torch.tensor([1])) + only.entropy()).sum().backward()
        assert logits.grad.tolist() == [[0.0, 0.0, 0.0]]

    def test_samples_have_the_right_frequencies(self, generator):
        probabilities = torch.tensor([0.5, 0.0, 0.3, 0.2])
        distribution = Categorical.of(probabilities.log().clamp_min(-50), probabilities > 0)
        samples = distribution.sample(gumbel((40_000, 4), generator))
        frequencies = torch.bincount(samples, minlength=4) / 40_000
        assert frequencies[1] == 0
        # 5 standard errors of a frequency of one half
        torch.testing.assert_close(frequencies, probabilities, atol=5 * 0.5 / 200, rtol=0)

    def test_illegal_actions_are_never_sampled(self, generator):
        logits, mask = torch.randn(1000, 4, generator=generator) * 20, torch.zeros(1000, 4, dtype=torch.bool)
        mask[:, 3] = True
        assert (Categorical.of(logits, mask).sample(gumbel((1000, 4), generator)) == 3).all()


class TestGaussian:
    def test_agrees_with_torch(self, generator):
        mean, actions = torch.randn(2, 6, 3, generator=generator)
        std = torch.tensor([0.5, 1.0, 2.0])
        ours, theirs = Gaussian(mean, std), distributions.Normal(mean, std)
        torch.testing.assert_close(ours.component_log_prob(actions), theirs.log_prob(actions))
        torch.testing.assert_close(ours.log_prob(actions), theirs.log_prob(actions).sum(-1))
        torch.testing.assert_close(ours.entropy(), theirs.entropy().sum(-1))
        assert torch.equal(ours.greedy(), mean)

    def test_padding_counts_nowhere(self, generator):
        mean, actions = torch.randn(2, 4, 3, generator=generator)
        real = torch.tensor([True, True, False])
        padded, plain = Gaussian(mean, torch.ones(3), real), Gaussian(mean[:, :2], torch.ones(2))
        torch.testing.assert_close(padded.log_prob(actions), plain.log_prob(actions[:, :2]))
        torch.testing.assert_close(padded.entropy(), plain.entropy())
        assert (padded.sample(normal((4, 3), generator))[:, 2] == 0).all()
        assert (padded.greedy()[:, 2] == 0).all()

    def test_samples_have_mean_and_deviation(self, generator):
        samples = Gaussian(torch.tensor([3.0]), torch.tensor([0.5])).sample(normal((20_000, 1), generator))
        assert samples.mean().item() == pytest.approx(3.0, abs=0.02)
        assert samples.std().item() == pytest.approx(0.5, abs=0.02)


def test_noise_follows_its_generator_and_is_finite():
    world = World(2, (AgentInfo("a", "a", 1, 3),), 1, "discrete", 3)
    one, other = (noise_for(world, (2, 1), torch.Generator().manual_seed(5)) for _ in range(2))
    assert one.shape == (2, 1, 3)
    assert torch.equal(one, other)
    assert torch.isfinite(gumbel((100_000,), torch.Generator().manual_seed(0))).all()


def test_standard_deviation_forms():
    parameter = torch.tensor([0.0, 1.0])
    assert standard_deviation(parameter, "exp").tolist() == pytest.approx([1.0, 2.71828], rel=1e-4)
    assert standard_deviation(parameter, "half_sigmoid").tolist() == pytest.approx([0.25, 0.36553], rel=1e-4)
