"""Small scenes for the engine's tests: a few units of a map at chosen places, everybody else dead."""

from __future__ import annotations

from collections.abc import Mapping

from marlzoo.envs.smac import state
from marlzoo.envs.smac.engine import BattleField


class Scene(BattleField):
    """One battle in which only the units of `places` live: `{column: (x, y)}`, all idle until ordered."""

    def __init__(self, map_name: str, places: Mapping[int, tuple[float, float]], seed: int = 0) -> None:
        super().__init__(map_name, seed=seed)
        for column in range(self.rules.n_units):
            if column in places:
                self.floats[0, state.X, column], self.floats[0, state.Y, column] = places[column]
            else:
                self.kill(column)
        self.ints[0, state.ORDER] = state.IDLE

    def kill(self, column: int) -> None:
        """Remove a unit without any effect on others."""
        for row in (state.ALIVE, state.HP, state.STILL):
            self.floats[0, row, column] = 0

    def attack(self, column: int, target: int) -> None:
        self.ints[0, state.ORDER, column] = state.ATTACK
        self.ints[0, state.TARGET, column] = target

    def move(self, column: int, x: float, y: float) -> None:
        self.ints[0, state.ORDER, column] = state.MOVE
        self.ints[0, state.TARGET, column] = -1
        self.floats[0, state.GOAL_X, column], self.floats[0, state.GOAL_Y, column] = x, y

    def stop(self, column: int) -> None:
        self.ints[0, state.ORDER, column] = state.IDLE
        self.ints[0, state.TARGET, column] = -1

    def get(self, row: int, column: int) -> float:
        return float(self.floats[0, row, column])

    def put(self, row: int, column: int, value: float) -> None:
        self.floats[0, row, column] = value

    def body(self, column: int) -> float:
        """Hit points and shield together."""
        return self.get(state.HP, column) + self.get(state.SHIELD, column)

    def place(self, column: int) -> tuple[float, float]:
        return self.get(state.X, column), self.get(state.Y, column)

    def loops_of_hits(self, column: int, loops: int) -> list[int]:
        """In which of the next loops (counted from 1) the unit loses hit points or shield."""
        hits = []
        for loop in range(1, loops + 1):
            before = self.body(column)
            self.run()
            if self.body(column) < before:
                hits.append(loop)
        return hits
