"""The process that steps some copies of an environment. Imports no torch, so that it starts quickly."""

from __future__ import annotations

import signal
import traceback
from collections.abc import Mapping, Sequence
from ctypes import c_byte
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnContext
from typing import Any

import numpy as np

from marlzoo.envs.pettingzoo_env.driver import Arrays, Driver, Episode, array_shapes
from marlzoo.envs.pettingzoo_env.layout import Layout
from marlzoo.envs.pettingzoo_env.loading import Recipe


@dataclass(frozen=True)
class Assignment:
    """What a worker needs to know: how to build copies, which ones, and the memory they write to."""

    recipe: Recipe
    layout: Layout
    num_envs: int
    indices: tuple[int, ...]
    horizon: int | None
    memory: Mapping[str, Any]


def share_memory(context: SpawnContext, layout: Layout, num_envs: int) -> dict[str, Any]:
    """Memory for every field of `Arrays` that processes started from `context` can write to."""
    return {
        name: context.RawArray(c_byte, max(1, int(np.prod(shape)) * np.dtype(kind).itemsize))
        for name, (shape, kind) in array_shapes(layout, num_envs).items()
    }


def map_arrays(layout: Layout, num_envs: int, memory: Mapping[str, Any]) -> Arrays:
    """`Arrays` over that memory."""
    fields: dict[str, Any] = {}
    for name, (shape, kind) in array_shapes(layout, num_envs).items():
        flat = (
            np.frombuffer(memory[name], np.dtype(kind), count=int(np.prod(shape))) if np.prod(shape) else None
        )
        fields[name] = np.zeros(shape, kind) if flat is None else flat.reshape(shape)
    return Arrays(**fields)


def serve(connection: Connection, assignment: Assignment) -> None:
    """Answer orders until told to stop: `("begin", {index: Episode})`, `("step", None)`, `("close", None)`.

    The answer is None, or a text that says what went wrong; after that the worker ends.
    """
    # Ctrl-C reaches the whole process group; when to stop is for the training process to say.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    fault: str | None = None
    try:
        arrays = map_arrays(assignment.layout, assignment.num_envs, assignment.memory)
        drivers = _build(assignment, arrays)
        connection.send(None)
        _obey(connection, drivers, arrays)
    except EOFError:
        pass  # the training process is gone
    except Exception as error:
        frame = traceback.extract_tb(error.__traceback__)[-1]
        fault = f"{type(error).__name__}: {error} ({frame.filename}, line {frame.lineno})"
    if fault is not None:
        connection.send(fault)
    connection.close()


def _build(assignment: Assignment, arrays: Arrays) -> dict[int, Driver]:
    return {
        index: Driver(assignment.recipe.build(), assignment.layout, arrays, index, assignment.horizon)
        for index in assignment.indices
    }


def _obey(connection: Connection, drivers: Mapping[int, Driver], arrays: Arrays) -> None:
    while True:
        order, episodes = connection.recv()
        if order == "close":
            _close(list(drivers.values()))
            return
        _work(order, episodes, drivers, arrays)
        connection.send(None)


def _work(
    order: str, episodes: Mapping[int, Episode] | None, drivers: Mapping[int, Driver], arrays: Arrays
) -> None:
    for index, driver in drivers.items():
        if episodes is not None and index not in episodes:
            continue
        arrays.busy[index] = 1
        if episodes is None:
            driver.step()
        else:
            driver.begin(episodes[index])
        arrays.busy[index] = 0


def _close(drivers: Sequence[Driver]) -> None:
    for driver in drivers:
        driver.close()
