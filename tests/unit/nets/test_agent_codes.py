"""Codes of the agent's index."""

from __future__ import annotations

import math

import pytest
import torch

from marlzoo.nets.attention import BodyShape, Encoder, agent_codes


def test_values_by_hand() -> None:
    codes = agent_codes(3, 4)
    # Two frequencies: 1 and 100^-(2/4) = 0.1.
    expected = [[math.sin(n), math.cos(n), math.sin(0.1 * n), math.cos(0.1 * n)] for n in range(3)]
    torch.testing.assert_close(codes, torch.tensor(expected))


def test_odd_width_drops_the_last_cosine() -> None:
    assert agent_codes(5, 7).shape == (5, 7)
    torch.testing.assert_close(agent_codes(5, 7)[:, 6], torch.sin(torch.arange(5) * 100.0 ** (-6 / 7)))


@pytest.mark.parametrize("width", [16, 64])
def test_hundreds_of_agents_are_told_apart(width: int) -> None:
    codes = agent_codes(300, width)
    distance = torch.cdist(codes, codes) + torch.eye(300) * 10
    assert distance.min() > 1e-2


def test_equal_observations_get_unequal_representations_only_with_the_code() -> None:
    obs = torch.randn(1, 1, 5).expand(1, 4, 5)
    for code, alike in (("none", True), ("sinusoidal", False)):
        encoder = Encoder(BodyShape(5, 3, True, width=8, agent_code=code), torch.Generator().manual_seed(0))
        rep = encoder(encoder.prepare(obs))
        assert torch.allclose(rep[:, 0], rep[:, 1]) == alike


def test_no_parameter_knows_the_number_of_agents() -> None:
    plain, coded = (
        Encoder(BodyShape(5, 3, True, width=8, agent_code=code), torch.Generator().manual_seed(0))
        for code in ("none", "sinusoidal")
    )
    assert plain.state_dict().keys() == coded.state_dict().keys()
    assert coded(torch.randn(2, 11, 5)).shape == (2, 11, 8)
