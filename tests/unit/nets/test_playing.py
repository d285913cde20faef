"""Greedy play with attention to everybody, to the nearest and within cells, against literal play."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from literal_mat import LiteralMat
from mat_bodies import FORMS, make_body, make_steps

from marlzoo.algorithm import View
from marlzoo.errors import UsageError
from marlzoo.nets.playing import play
from marlzoo.nets.vicinity import cells, nearest_agents
from marlzoo.scope import AttentionScope

ALL = AttentionScope()


def make_view(rows=3, agents=7, discrete=True, seed=2):
    obs, alive, mask, _, _ = make_steps(rows, agents, discrete, seed)
    places = torch.rand(rows, agents, 2, generator=torch.Generator().manual_seed(seed))
    return View(obs, alive, torch.zeros(rows, dtype=torch.bool), action_mask=mask, places=places)


def literal_play(body, view, sees):
    """`sees [B, N, N]`: at whom agents look."""
    literal, actions = LiteralMat(body), []
    for row in range(len(view.obs)):
        rep = literal.encode(view.obs[row].double().numpy(), sees[row].numpy())
        legal = None if view.action_mask is None else view.action_mask[row].numpy()
        actions.append(literal.act(rep, legal, np.zeros((len(rep), 4)), sees[row].numpy()))
    return np.array(actions)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("discrete", [True, False])
@pytest.mark.parametrize("decoder", ["torch", "fused"])
def test_nearest_is_literal_play_with_those_in_sight(form, discrete, decoder):
    body, view = make_body(discrete, decoder=decoder, **form), make_view(discrete=discrete)
    sees = nearest_agents(view.places, 3).mask()
    assert sees.sum(-1).eq(3).all()
    played = play(body, view, AttentionScope("nearest", 3))
    np.testing.assert_allclose(played, literal_play(body, view, sees), atol=1e-4)


@pytest.mark.parametrize("decoder", ["torch", "fused"])
def test_nearest_leaves_out_the_dead_where_they_are_masked(decoder):
    body, view = make_body(True, mask_dead_keys=True, decoder=decoder), make_view()
    sees = nearest_agents(view.places, 4).mask() & view.alive[:, None, :]
    played = play(body, view, AttentionScope("nearest", 4))
    np.testing.assert_array_equal(played, literal_play(body, view, sees))


@pytest.mark.parametrize("discrete", [True, False])
@pytest.mark.parametrize("agents", [7, 100])
def test_as_many_as_there_are_is_everybody(discrete, agents):
    body, view = make_body(discrete, decoder="fused", heads=2, blocks=2), make_view(discrete=discrete)
    everybody = play(body, view, ALL)
    nearest, cell = (play(body, view, AttentionScope(kind, agents)) for kind in ("nearest", "cells"))
    torch.testing.assert_close(nearest, everybody, atol=2e-5, rtol=2e-5)
    assert torch.equal(cell, everybody)
    assert not torch.equal(play(body, view, AttentionScope("cells", 2)), everybody)


@pytest.mark.parametrize("discrete", [True, False])
def test_a_cell_plays_as_if_it_were_alone(discrete):
    body, view = make_body(discrete, decoder="fused"), make_view(agents=7, discrete=discrete)
    played = play(body, view, AttentionScope("cells", 3))
    for part in cells(view.places, 3):
        for row, row_cells in enumerate(part):
            for cell in row_cells:
                alone = View(
                    view.obs[row : row + 1, cell],
                    view.alive[row : row + 1, cell],
                    view.first[row : row + 1],
                    action_mask=None if view.action_mask is None else view.action_mask[row : row + 1, cell],
                )
                torch.testing.assert_close(played[row, cell], play(body, alone, ALL)[0], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("scope", ["all", "nearest:3", "cells:3"])
@pytest.mark.parametrize("discrete", [True, False])
def test_joint_steps_are_played_in_pieces(scope, discrete, monkeypatch):
    body, view = make_body(discrete, decoder="fused"), make_view(rows=5, discrete=discrete)
    whole = play(body, view, AttentionScope.parse(scope))
    monkeypatch.setattr("marlzoo.nets.playing.PIECE", 14)
    torch.testing.assert_close(play(body, view, AttentionScope.parse(scope)), whole, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("scope", ["nearest:3", "cells:3"])
def test_without_places_nobody_is_near(scope):
    view = View(*(getattr(make_view(), name) for name in ("obs", "alive", "first")))
    with pytest.raises(UsageError, match=f"attention {scope} needs to know where agents are"):
        play(make_body(), view, AttentionScope.parse(scope))


def test_cells_of_agents_with_unequal_actions_are_refused():
    body = make_body(False)
    body.real_components = torch.ones(7, 4, dtype=torch.bool)
    with pytest.raises(UsageError, match="equally many action components"):
        play(body, make_view(discrete=False), AttentionScope("cells", 3))


@pytest.mark.parametrize("text", ["all", "nearest:8", "cells:1"])
def test_scopes_are_written_as_they_are_read(text):
    assert str(AttentionScope.parse(text)) == text


@pytest.mark.parametrize(
    "text", ["", "any", "nearest", "nearest:0", "nearest:-1", "cells:x", "all:3", "cells:²"]
)
def test_other_scopes_are_refused_in_one_line(text):
    with pytest.raises(UsageError, match="choose all, nearest:8 or cells:8") as caught:
        AttentionScope.parse(text)
    assert "\n" not in str(caught.value)
