"""From a Laplace transform back to a probability.

The Fourier-series method of J. Abate and W. Whitt, "Numerical inversion of Laplace transforms of
probability distributions" (ORSA Journal on Computing 7, 1995). The tail g(t) = P(T > t) has the
transform g^(s) = (1 - E[e^(-sT)]) / s, and

    g(t) = e^(A/2) / t * [ Re g^(A/2t) / 2 + sum_{k >= 1} (-1)^k Re g^((A + 2 pi i k) / 2t) ]

up to a relative error of e^(-A), because a tail only falls. Euler's (binomial) averages finish the
alternating sum, after as many terms as it takes for two lengths to agree: the sharper the law, the
more.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import special

Floats = NDArray[np.float64]
Complexes = NDArray[np.complex128]
Transform = Callable[[Complexes], Complexes]

ALIASING = 20.0  # aliasing below e^-20 of the tail; rounding, amplified by e^(A/2), near 1e-11
EULER = special.binom(12, np.arange(13)) / 2.0**12
_FEWEST_TERMS, _MOST_TERMS = 24, 1 << 14
_AGREEMENT = 1e-10
_AROUND = np.array([0.7, 0.85, 0.95, 1.05, 1.2, 1.4])  # of an expected time, for a first look
_EVENLY = np.array([0.2, 0.4, 0.6, 0.8])  # of a bracket, where the next look is
_CLOSER = np.array([-0.03, -1e-3, 1e-3, 0.03])  # the same, about its likely root
_FLAT = 1e-8  # of a tail relative to itself: between such times only rounding decides
_SETTLED = 1e-9  # relative, by quadratics, of which the cubic through their points has more digits
_MOST_ROUNDS = 60
_NO_TAIL = 1e-300


def tail(transform: Transform, times: Floats) -> Floats:
    """Return P(T > t) at `times`, for a T >= 0 without atoms above 0, by its E[e^(-sT)].

    `times` is one-dimensional and may hold any reals; below 0 the tail is 1. Good to about 1e-10
    for smooth laws; next to a kink of the density to the 1e-5 that the longest sum reaches.

    >>> tail(lambda s: 1 / (1 + s), np.array([0.0, 1.0, 5.0])).round(9).tolist()
    [1.0, 0.367879441, 0.006737947]
    """
    result = np.where(np.isnan(times), np.nan, np.where(np.isposinf(times), 0.0, 1.0))
    rough = np.flatnonzero((times > 0) & np.isfinite(times))
    t = times[rough]
    total = estimate = np.zeros(t.shape)
    done, length = 0, 2 * _FEWEST_TERMS
    while rough.size and length <= _MOST_TERMS:
        partial = total[:, None] + np.cumsum(
            _terms(transform, t, np.arange(done, length + 13)), axis=1
        )
        shorter = partial[:, _FEWEST_TERMS : _FEWEST_TERMS + 13]  # the first two lengths at once
        previous = estimate if done else np.exp(ALIASING / 2) / t * (shorter @ EULER)
        estimate = np.exp(ALIASING / 2) / t * (partial[:, -13:] @ EULER)
        result[rough] = np.clip(estimate, 0.0, 1.0)
        keep = np.abs(estimate - previous) > _AGREEMENT
        rough, t, total, estimate = rough[keep], t[keep], partial[keep, -1], estimate[keep]
        done, length = length + 13, 2 * length
    return result


def crossing(
    sf: Callable[[Floats], Floats], above: Floats, least: float, high: Floats, near: Floats
) -> Floats:
    """Return the first times between `least` and `high` at which a tail is at most `above`.

    The tail exceeds `above` at `least` and does not at `high`; the root is expected `near`. It is
    dear to ask and nearly as cheap to ask at many times as at one: each round asks around where a
    cubic through the tail's logarithm crosses, and at even steps in any case.
    """
    low, level = np.full(high.shape, least), np.log(above)[:, None]
    times = least + np.outer(np.clip(near - least, 0.0, high - least), _AROUND)
    ends = np.stack([low, high], axis=1)
    depths = np.full(ends.shape, [np.inf, -np.inf])  # never asked, known to be on either side
    for _ in range(_MOST_ROUNDS):
        times = np.clip(times, ends[:, :1], ends[:, 1:])
        asked = np.log(np.maximum(sf(times), _NO_TAIL)) - level
        times, depths = np.hstack([ends, times]), np.hstack([depths, asked])
        order = np.argsort(times, axis=1, kind="stable")
        times, depths = (np.take_along_axis(x, order, axis=1) for x in (times, depths))
        first = np.argmax(depths <= 0, axis=1)[:, None]
        about = np.clip(first + np.arange(-2, 2), 0, times.shape[1] - 1)
        root, doubt = _inverse_cubic(*(np.take_along_axis(x, about, 1) for x in (times, depths)))
        ends, depths = (
            np.take_along_axis(x, first + np.arange(-1, 1), axis=1) for x in (times, depths)
        )
        width = ends[:, 1] - ends[:, 0]
        inside = (ends[:, 0] < root) & (root <= ends[:, 1])
        root = np.where(inside, root, ends.mean(axis=1))
        settled = (doubt < _SETTLED * root) | (depths[:, 0] - depths[:, 1] < _FLAT)
        if (inside & settled | (width <= 4e-16 * ends[:, 1])).all():
            break
        times = np.hstack(
            [ends[:, :1] + np.outer(width, _EVENLY), root[:, None] + np.outer(width, _CLOSER)]
        )
    return root


def _inverse_cubic(times: Floats, depths: Floats) -> tuple[Floats, Floats]:
    """Return where a curve through four points crosses 0, and how far quadratics differ from it.

    Neville's scheme with time as a polynomial in depth, row by row; nan where two depths are equal.
    """
    values = times
    with np.errstate(divide="ignore", invalid="ignore"):
        for apart in (1, 2, 3):
            quadratics, ahead, behind = values, depths[:, apart:], depths[:, :-apart]
            values = (ahead * values[:, :-1] - behind * values[:, 1:]) / (ahead - behind)
        return values[:, 0], np.abs(quadratics - values).max(axis=1)


def _terms(transform: Transform, t: Floats, k: NDArray[np.int_]) -> Floats:
    """Return (-1)^k Re g^((A + 2 pi i k) / 2t), the first term halved, a row a time."""
    s: Complexes = np.asarray((ALIASING + 2j * np.pi * k) / (2 * t[:, None]), dtype=np.complex128)
    return np.real((1 - transform(s)) / s) * np.where(k == 0, 0.5, 1.0 - 2.0 * (k % 2))
