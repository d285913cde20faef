"""One stream of random numbers per environment, drawn inside kernels: SplitMix64 (Steele, Lea and Flood,
2014)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from marlzoo.envs.dubins.kernel import Words, kernel

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)
_THIRTY, _TWENTY_SEVEN, _THIRTY_ONE, _ELEVEN = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(11)
_UNIT = 2.0**-53


def make_streams(seeds: Sequence[np.random.SeedSequence]) -> Words:
    """The initial state of one stream per seed, `[E]`."""
    return np.array([seed.generate_state(1, np.uint64)[0] for seed in seeds], np.uint64)


@kernel
def draw(streams: Words, env: int) -> float:
    """The next number of a stream, uniform in [0, 1), double precision."""
    streams[env] += _GOLDEN
    word = streams[env]
    word = (word ^ (word >> _THIRTY)) * _FIRST
    word = (word ^ (word >> _TWENTY_SEVEN)) * _SECOND
    return np.float64((word ^ (word >> _THIRTY_ONE)) >> _ELEVEN) * _UNIT
