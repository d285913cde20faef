"""Rewards and ends of battles from unit tables.

`score_units` is the public function; the engine calls the kernel `score_into` with a `score_layout` made
once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from marlzoo.envs.smac import score_kernel as kernel
from marlzoo.envs.smac.config import SmacConfig, smac_config
from marlzoo.envs.smac.forces import Forces, forces
from marlzoo.envs.smac.jit import persistent
from marlzoo.envs.smac.maps import SmacMap, get_map
from marlzoo.envs.smac.observe_kernel import Doubles, Floats
from marlzoo.envs.smac.score_kernel import ScoreLayout, score_into
from marlzoo.envs.smac.tables import unit_table

__all__ = ["ScoreLayout", "max_reward", "score_into", "score_layout", "score_units"]


def score_layout(
    smac_map: SmacMap,
    config: SmacConfig,
    ally_kinds: Sequence[str] | None = None,
    enemy_kinds: Sequence[str] | None = None,
) -> ScoreLayout:
    """The prices of a map under these arguments; kinds name other units than the map's, in id order.

    Raises:
        UsageError: kinds that the map's interface cannot show.
    """
    force = forces(smac_map, ally_kinds, enemy_kinds)
    scale = max_reward(force, config) / config.reward_scale_rate if config.reward_scale else 1.0
    return ScoreLayout(
        sparse=config.reward_sparse,
        only_positive=config.reward_only_positive,
        regeneration=config.reward_regeneration,
        death_value=float(config.reward_death_value),
        win=float(config.reward_win),
        defeat=float(config.reward_defeat),
        negative_scale=float(config.reward_negative_scale),
        divisor=float(scale),
        medical=force.medical,
        ally_medivac=np.array([force.is_medivac(unit) for unit in force.allies]),
        enemy_medivac=np.array([unit.name == "medivac" for unit in force.enemies]),
    )


def max_reward(force: Forces, config: SmacConfig) -> float:
    """What SMAC takes for the largest return before scaling, as it stands after the first reset."""
    total = len(force.enemies) * config.reward_death_value + config.reward_win
    for unit in force.enemies:
        total += unit.hp + unit.shield
    return total


def score_units(
    map_name: str,
    before: tuple[ArrayLike, ArrayLike],
    after: tuple[ArrayLike, ArrayLike],
    *,
    step: int = 0,
    episode_limit: int | None = None,
    ally_kinds: Sequence[str] | None = None,
    enemy_kinds: Sequence[str] | None = None,
    **smac_args: Any,
) -> dict[str, Any]:
    """What SMAC pays for a step, and whether it ends the episode.

    Args:
        map_name: one of the 23 SMAC maps.
        before, after: `(allies, enemies)`, tables `[n, 7]` as for `observe_units`. A unit that is dead in
            `before` is not counted again.
        step: number of the step that led to `after`, counted from 1.
        episode_limit: steps after which an episode ends, if not the map's own.
        ally_kinds, enemy_kinds: snake_case kinds in id order, if not the map's own.
        smac_args: SMAC's constructor arguments by their names, and those of `SmacConfig`.

    Returns:
        `reward` (one float for the team), `terminated` (decided, or out of time, as SMAC has it) and `info`:
        `battle_won`, `dead_allies`, `dead_enemies`, `episode_limit` (only on a timeout with
        `continuing_episode`), and our own `reward_regeneration`, the part of the reward paid because
        enemies regained more than they lost.

    Raises:
        UsageError: unknown map, argument or kind, or a table of the wrong shape.
    """
    smac_map, config = get_map(map_name), smac_config(smac_args)
    prices = score_layout(smac_map, config, ally_kinds, enemy_kinds)
    n, m = smac_map.n_allies, smac_map.n_enemies
    out = kernel.score_buffer()
    _score(
        prices,
        unit_table("before[0]", before[0], n),
        unit_table("before[1]", before[1], m),
        unit_table("after[0]", after[0], n),
        unit_table("after[1]", after[1], m),
        out,
    )
    limit = smac_map.episode_limit if episode_limit is None else episode_limit
    decided = bool(out[kernel.END] != kernel.UNDECIDED)
    info = {
        "battle_won": bool(out[kernel.END] == kernel.VICTORY),
        "dead_allies": int(out[kernel.DEAD_ALLIES]),
        "dead_enemies": int(out[kernel.DEAD_ENEMIES]),
        "reward_regeneration": float(out[kernel.REGENERATION]),
    }
    if not decided and step >= limit and config.continuing_episode:
        info["episode_limit"] = True
    return {"reward": float(out[kernel.REWARD]), "terminated": decided or step >= limit, "info": info}


@persistent
def _score(
    prices: ScoreLayout,
    allies_before: Floats,
    enemies_before: Floats,
    allies: Floats,
    enemies: Floats,
    out: Doubles,
) -> None:
    score_into(prices, allies_before, enemies_before, allies, enemies, out)
