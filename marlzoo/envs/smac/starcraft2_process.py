"""A real game in a process of its own, as seen from the training process."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
from collections.abc import Mapping
from typing import Any

from marlzoo.envs.smac.starcraft2_installation import GUIDE
from marlzoo.envs.smac.starcraft2_worker import serve
from marlzoo.errors import MissingPieceError, RunError

START_SECONDS = 300.0
STEP_SECONDS = 120.0
"""A game that does not answer for so long counts as dead."""

GOODBYE_SECONDS = 5.0

MAX_DEATHS = 5
"""A game that dies so often without finishing an episode ends the run."""


class GameLost(Exception):
    """A game died or hung. Never leaves this backend."""


class GameProcess:
    """One game, which is started again when it dies."""

    def __init__(self, name: str, factory: str, arguments: Mapping[str, Any]) -> None:
        self.name = name
        self.info: dict[str, Any] = {}
        """SMAC's `get_env_info`, once the process runs."""
        self.deaths = 0
        self._streak = 0
        self._target = (factory, dict(arguments))
        self._connection: Any = None
        self._process: Any = None
        self._open = False

    def start(self) -> None:
        """Start the process, unless it runs; the game itself starts with its first episode.

        Raises:
            MissingPieceError: something that the game needs is not installed.
            RunError: it died too often.
        """
        while self._process is None:
            self._try_launch()

    def ask_reset(self) -> None:
        """Order the next episode, so that several games can get ready at the same time."""
        if self._open:
            try:
                self._order("reset")
            except GameLost as error:
                self.lose(error)

    def first_view(self, seed: int) -> dict[str, Any]:
        """The first view of the episode ordered, or of a fresh game with `seed` if there is no game.

        Raises:
            MissingPieceError: something that the game needs is not installed.
            RunError: it died too often.
        """
        while True:
            self.start()
            try:
                if not self._open:
                    self._order("open", seed)
                view = self._answer("view", START_SECONDS)
                self._open = True
                return view
            except GameLost as error:
                self.lose(error)

    def ask_step(self, actions: list[int]) -> None:
        """Order a step.

        Raises:
            GameLost: the process is gone.
        """
        self._order("step", actions)

    def step_result(self) -> dict[str, Any]:
        """What the step ordered brought.

        Raises:
            GameLost: the game failed, died or hung.
        """
        result = self._answer("step", STEP_SECONDS)
        if result["terminated"]:
            self._streak = 0
        return result

    def lose(self, error: GameLost) -> None:
        """Count a death and clear up.

        Raises:
            RunError: too many in a row.
        """
        self.deaths += 1
        self._streak += 1
        self._kill()
        self._clear()
        if self._streak >= MAX_DEATHS:
            raise RunError(
                f"{self.name} died {self._streak} times without finishing an episode, the last time because: "
                f"{error}; try the game by itself, {GUIDE}"
            ) from error

    def abandon(self) -> None:
        """Forget the running episode: the next one comes from a fresh game."""
        self._open = False

    def stop(self) -> None:
        """End the process, politely first. Calling it twice is harmless."""
        if self._process is None:
            return
        with contextlib.suppress(OSError):  # it may be gone already
            self._connection.send(("close", None))
        self._process.join(GOODBYE_SECONDS)
        if self._process.is_alive():
            self._kill()
        self._clear()

    def _kill(self) -> None:
        """End the process and the game that it started, which would outlive it."""
        if hasattr(os, "killpg"):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.kill()

    def _clear(self) -> None:
        self._process.join()
        self._connection.close()
        self._process, self._open = None, False

    def _try_launch(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=serve, args=(theirs, *self._target), daemon=True)
        self._process.start()
        theirs.close()
        try:
            self.info = self._answer("info", START_SECONDS)
        except GameLost as error:
            self.lose(error)

    def _order(self, what: str, content: Any = None) -> None:
        try:
            self._connection.send((what, content))
        except OSError as error:
            raise GameLost("its process is gone") from error

    def _answer(self, expected: str, seconds: float) -> dict[str, Any]:
        try:
            if not self._connection.poll(seconds):
                raise GameLost(f"it gave no answer for {seconds:.0f} seconds")
            kind, content = self._connection.recv()
        except (EOFError, OSError) as error:
            raise GameLost("its process died") from error
        if kind == "missing":
            raise MissingPieceError(f"{self.name} does not start: {content}; {GUIDE}")
        if kind != expected:
            raise GameLost(str(content))
        return dict(content)
