"""Student's t distribution, as far as intervals and tests need it, without scipy at run time."""

from __future__ import annotations

import math

_TINY = 1e-300
_ITERATIONS = 500
_PRECISION = 1e-14


def t_two_sided(t: float, freedom: float) -> float:
    """The probability that |T| exceeds |t|, for `freedom` degrees of freedom (any positive number)."""
    return _regularised_beta(freedom / (freedom + t * t), freedom / 2, 0.5)


def t_quantile(confidence: float, freedom: float) -> float:
    """The t whose interval (-t, t) holds probability `confidence`. Found by bisection."""
    low, high = 0.0, 1.0
    while t_two_sided(high, freedom) > 1 - confidence:
        high *= 2
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if t_two_sided(middle, freedom) > 1 - confidence else (low, middle)
    return (low + high) / 2


def _regularised_beta(x: float, a: float, b: float) -> float:
    """I_x(a, b), by the continued fraction (DLMF 8.17.22) on the side where it converges fast."""
    if x <= 0 or x >= 1:
        return min(1.0, max(0.0, x))
    if x > (a + 1) / (a + b + 2):
        return 1 - _regularised_beta(1 - x, b, a)
    log_front = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    return math.exp(log_front) / (a * _continued_fraction(x, a, b))


def _continued_fraction(x: float, a: float, b: float) -> float:
    """1 + d1 / (1 + d2 / (1 + ...)), evaluated forwards by Lentz's method."""
    value, numerator, denominator = 1.0, 1.0, 0.0
    for index in range(1, _ITERATIONS):
        term = _coefficient(index, x, a, b)
        denominator = 1 / (1 + term * denominator or _TINY)
        numerator = 1 + term / numerator or _TINY
        value *= numerator * denominator
        if abs(numerator * denominator - 1) < _PRECISION:
            break
    return value


def _coefficient(index: int, x: float, a: float, b: float) -> float:
    m = index // 2
    if index % 2:
        return -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
    return m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
