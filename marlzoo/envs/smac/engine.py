"""Battles without the interface of SMAC: physics alone, for tests, replays and self-play."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from marlzoo.envs.smac import state
from marlzoo.envs.smac.maps import get_map
from marlzoo.envs.smac.rng import first_word
from marlzoo.envs.smac.rules import Rules, build_rules
from marlzoo.envs.smac.score_kernel import score_buffer
from marlzoo.envs.smac.spawn import build_spawn
from marlzoo.envs.smac.step_kernel import Battles, Scratch, advance_battles, begin_battles

SETTLING_LOOPS = 2
"""SMAC lets a new battle run for so many loops before it shows the first observation."""


def allocate(rules: Rules, num_envs: int) -> tuple[Battles, Scratch]:
    """The arrays of `num_envs` battles that have not begun."""
    n, m, width = rules.n_allies, rules.n_units - rules.n_allies, rules.stat.shape[1]

    def table(*shape: int) -> NDArray[np.float32]:
        return np.zeros((*shape, state.TABLE_WIDTH), np.float32)

    battles = Battles(
        floats=np.zeros((num_envs, state.FLOAT_ROWS, width), np.float32),
        ints=np.zeros((num_envs, state.INT_ROWS, width), np.int32),
        words=np.zeros((num_envs, 1), np.uint64),
        clock=np.zeros((num_envs, 2), np.int32),
        last=np.full((num_envs, n), -1, np.int32),
        allies=table(num_envs, n),
        enemies=table(num_envs, m),
        totals=np.zeros((num_envs, 2)),
    )
    return battles, Scratch(table(n), table(m), score_buffer())


class Outcome(NamedTuple):
    """How self-play on a map went."""

    won: int
    """Battles won by the allies' side."""
    lost: int
    drawn: int
    """Both sides fell in the same loop."""
    unfinished: int


class BattleField:
    """E battles on a map whose units can be placed, ordered about and looked at one by one.

    `floats [E, F, W]` and `ints [E, I, W]` are the arrays of `state`; columns are units, allies first.
    """

    def __init__(self, map_name: str, num_envs: int = 1, profile: str = "liberty", seed: int = 0) -> None:
        self.map = get_map(map_name)
        self.rules = build_rules(self.map, profile)
        self.spawn = build_spawn(self.map, profile)
        self.battles, _ = allocate(self.rules, num_envs)
        self.floats, self.ints = self.battles.floats, self.battles.ints
        self._everyone = np.ones(num_envs, np.bool_)
        words = [first_word(child) for child in np.random.SeedSequence(seed).spawn(num_envs)]
        self.battles.words[:, 0] = words
        begin_battles(self.rules, self.spawn, self.battles, self._everyone)

    def run(self, loops: int = 1) -> None:
        """Advance all battles by some game loops."""
        advance_battles(self.rules, self.battles, self._everyone, loops)

    def script_both_sides(self) -> None:
        """Let the opponent's script drive the allies too: they attack-move to the centre of the enemies."""
        n, m = self.rules.n_allies, self.rules.n_units
        self.ints[:, state.ORDER, :n] = state.ATTACK_MOVE
        for goal, row in ((state.GOAL_X, state.X), (state.GOAL_Y, state.Y)):
            self.floats[:, goal, :n] = self.floats[:, row, n:m].mean(1, keepdims=True)
            self.floats[:, goal, n:m] = self.floats[:, row, :n].mean(1, keepdims=True)

    def play_out(self, loops: int) -> Outcome:
        """Run until all battles are decided, at most for `loops`."""
        for _ in range(loops // 8):
            self.run(8)
            ours, theirs = self.living()
            if not (ours & theirs).any():
                break
        won, lost, drawn = ours & ~theirs, theirs & ~ours, ~ours & ~theirs
        return Outcome(int(won.sum()), int(lost.sum()), int(drawn.sum()), int((ours & theirs).sum()))

    def living(self) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Which environments have living allies, and which have living enemies, `[E]` each."""
        alive = self.floats[:, state.ALIVE] > 0
        n, m = self.rules.n_allies, self.rules.n_units
        return np.any(alive[:, :n], axis=1), np.any(alive[:, n:m], axis=1)
