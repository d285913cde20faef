"""Greedy play of a `MatBody` among any number of agents, with bounded memory."""

from __future__ import annotations

from dataclasses import fields

import torch
from torch import Tensor

from marlzoo.algorithm import View
from marlzoo.errors import UsageError
from marlzoo.nets.mat_body import MatBody
from marlzoo.nets.vicinity import cells, nearest_agents
from marlzoo.scope import AttentionScope

PIECE = 1 << 14
"""How many agents are encoded at once, unless a single joint step has more."""


@torch.no_grad()
def play(body: MatBody, view: View, scope: AttentionScope) -> Tensor:
    """The greedy joint action, `[B, N]` int64 or `[B, N, A]`, where agents attend to whom `scope` lets them.

    Raises:
        UsageError: the scope does not suit this environment.
    """
    size = max(1, PIECE // view.alive.shape[1])
    pieces = [_play(body, _rows(view, start, size), scope) for start in range(0, len(view.obs), size)]
    return pieces[0] if len(pieces) == 1 else torch.cat(pieces)


def _play(body: MatBody, view: View, scope: AttentionScope) -> Tensor:
    if scope.kind == "cells":
        return _play_cells(body, view, cells(_places(view, scope), scope.agents))
    near = nearest_agents(_places(view, scope), scope.agents) if scope.kind == "nearest" else None
    rep = body.encode(body.prepare(view.obs), view.alive, near)
    return body.act(rep, view.alive, view.action_mask, None, near=near)


def _places(view: View, scope: AttentionScope) -> Tensor:
    if view.places is None:
        raise UsageError(
            f"attention {scope} needs to know where agents are, which this environment does not tell; use all"
        )
    return view.places


def _play_cells(body: MatBody, view: View, parts: list[Tensor]) -> Tensor:
    """Every cell is a joint step of its own; `parts` are `[B, C, n]`."""
    if body.real_components is not None:
        raise UsageError("attention to cells needs agents with equally many action components; use all")
    chosen = torch.cat([_play_part(body, view, part) for part in parts], dim=1)
    order = torch.cat([part.flatten(1) for part in parts], dim=1)
    actions = torch.empty_like(chosen)
    actions[torch.arange(len(order)).unsqueeze(-1), order] = chosen
    return actions


def _play_part(body: MatBody, view: View, part: Tensor) -> Tensor:
    """The actions of cells of one size, cell after cell: `[B, C * n]` or `[B, C * n, A]`."""
    rows = torch.arange(len(part)).view(-1, 1, 1)
    obs, alive = (tensor[rows, part].flatten(0, 1) for tensor in (view.obs, view.alive))
    mask = None if view.action_mask is None else view.action_mask[rows, part].flatten(0, 1)
    chosen = body.act(body.encode(body.prepare(obs), alive), alive, mask, None)
    return chosen.reshape(len(part), -1, *chosen.shape[2:])


def _rows(view: View, start: int, size: int) -> View:
    """Some environments of a view."""
    present = {
        entry.name: value for entry in fields(view) if (value := getattr(view, entry.name)) is not None
    }
    return View(**{name: value[start : start + size] for name, value in present.items()})
