"""One xorshift64* generator per environment, its word kept with the environment's state."""

from __future__ import annotations

import numpy as np

from marlzoo.envs.smac.jit import exact
from marlzoo.envs.smac.state import Words

_A, _B, _C, _TOP = np.uint64(12), np.uint64(25), np.uint64(27), np.uint64(40)
_SCRAMBLE = np.uint64(0x2545F4914F6CDD1D)
_UNIT = np.float32(2.0**-24)


@exact
def draw(rng: Words) -> float:
    """A float32 uniform on [0, 1) from the generator in `rng[0]`, which must not be zero."""
    word = rng[0]
    word ^= word >> _A
    word ^= word << _B
    word ^= word >> _C
    rng[0] = word
    return np.float32((word * _SCRAMBLE) >> _TOP) * _UNIT


def first_word(seed: np.random.SeedSequence) -> np.uint64:
    """The generator's first word for a seed; never zero, where xorshift would stay for ever."""
    return np.uint64(seed.generate_state(1, np.uint64)[0] | np.uint64(1))
