"""Unit tables: what lies between the simulation and the interface.

One row per unit in environment-id order, float32: x, y, hp, shield, energy, cooldown (loops), alive.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from marlzoo.errors import UsageError

TABLE_FIELDS = ("x", "y", "hp", "shield", "energy", "cooldown", "alive")


def unit_table(name: str, values: ArrayLike, count: int) -> NDArray[np.float32]:
    """`values` as a contiguous float32 table `[count, 7]`.

    Raises:
        UsageError: another shape, or something that is not a number.
    """
    try:
        table = np.ascontiguousarray(values, np.float32)
    except (TypeError, ValueError) as error:
        raise UsageError(f"{name} must be a table of numbers [{count}, {len(TABLE_FIELDS)}]") from error
    if table.shape != (count, len(TABLE_FIELDS)):
        raise UsageError(
            f"{name} must have shape ({count}, {len(TABLE_FIELDS)}) with columns {', '.join(TABLE_FIELDS)}; "
            f"got {table.shape}"
        )
    return table
