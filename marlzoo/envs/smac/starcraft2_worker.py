"""The process around one real game. Imports neither torch nor numba, so that it starts quickly.

Orders: `("open", seed)` starts the game and its first episode, `("reset", None)` the next one, `("step",
actions)`, `("close", None)`. Answers: `(kind, content)` with kind `info`, `view`, `step`, `failed` or
`missing`.
"""

from __future__ import annotations

import importlib
import os
import signal
from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

DEFAULT_FACTORY = "smac.env:StarCraft2Env"

MISSING = frozenset({"SCLaunchError", "NoMapError", "ImportError", "ModuleNotFoundError"})
"""Names of the exceptions that say that something is not installed (pysc2's cannot be imported here)."""


def serve(connection: Connection, factory: str, arguments: Mapping[str, Any]) -> None:
    """Play until told to stop. Any failure is reported and ends the process; the caller starts another."""
    # A process group of its own: Ctrl-C does not reach it, and the game that it starts can be ended with it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(os, "setsid"):
        os.setsid()
    try:
        module_name, _, attribute = factory.partition(":")
        build = getattr(importlib.import_module(module_name), attribute)
        game = Game(lambda seed: build(**arguments, seed=seed))
        connection.send(("info", game.info()))
        _obey(connection, game)
    except (EOFError, BrokenPipeError):
        pass  # the training process is gone
    except Exception as error:
        kind = "missing" if type(error).__name__ in MISSING else "failed"
        connection.send((kind, f"{type(error).__name__}: {error}"))
    finally:
        connection.close()


def _obey(connection: Connection, game: Game) -> None:
    try:
        while True:
            order, content = connection.recv()
            if order == "close":
                return
            if order == "open":
                game.open(content)
            if order in ("open", "reset"):
                connection.send(("view", game.begin()))
            else:
                connection.send(("step", game.step(content)))
    finally:
        game.close()


class Game:
    """One `StarCraft2Env` and what our contract asks of it."""

    def __init__(self, build: Callable[[int | None], Any]) -> None:
        self._build = build
        self._env = build(None)  # nothing is launched before the first reset

    def info(self) -> dict[str, Any]:
        """SMAC's `get_env_info`."""
        return dict(self._env.get_env_info())

    def open(self, seed: int) -> None:
        """A fresh game: SMAC takes a seed only when it is built, and must not be reset in its first
        episode."""
        self._env.close()
        self._env = self._build(seed)

    def begin(self) -> dict[str, Any]:
        self._env.reset()
        return self._view()

    def step(self, actions: list[int]) -> dict[str, Any]:
        """One step.

        Raises:
            ConnectionError: SMAC lost the game; it says so by an info without the usual entries.
        """
        reward, terminated, info = self._env.step(actions)
        if "battle_won" not in info:
            raise ConnectionError("SMAC lost its connection to the game")
        return {
            "reward": float(reward),
            "regeneration": self._regeneration(),
            "terminated": bool(terminated),
            "info": dict(info),
            "view": self._view(),
        }

    def close(self) -> None:
        self._env.close()

    def _view(self) -> dict[str, Any]:
        """Arrays `obs [N, O]`, `state [S]`, `mask [N, A]`."""
        return {
            "obs": np.asarray(self._env.get_obs(), np.float32),
            "state": np.asarray(self._env.get_state(), np.float32),
            "mask": np.asarray(self._env.get_avail_actions(), np.bool_),
        }

    def _regeneration(self) -> float:
        """The part of the last reward that was paid because enemies regained more than they lost."""
        env = self._env
        if env.reward_sparse or not env.reward_only_positive:
            return 0.0
        lost = 0.0
        for number, enemy in env.enemies.items():
            before = env.previous_enemy_units[number]
            if before.health > 0:
                lost += before.health + before.shield
                lost += env.reward_death_value if enemy.health == 0 else -enemy.health - enemy.shield
        scale = env.max_reward / env.reward_scale_rate if env.reward_scale else 1.0
        return max(-lost, 0.0) / scale
