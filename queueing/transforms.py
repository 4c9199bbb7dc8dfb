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

_A = 20.0  # aliasing below e^-20 of the tail; rounding, amplified by e^(A/2), near 1e-11
_EULER = special.binom(12, np.arange(13)) / 2.0**12
_FEWEST_TERMS, _MOST_TERMS = 24, 1 << 14
_AGREEMENT = 1e-10


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
    total, estimate = np.zeros(t.shape), np.full(t.shape, np.inf)
    done, length = 0, _FEWEST_TERMS
    while rough.size and length <= _MOST_TERMS:
        partial = total[:, None] + np.cumsum(
            _terms(transform, t, np.arange(done, length + 13)), axis=1
        )
        previous, estimate = estimate, np.exp(_A / 2) / t * (partial[:, -13:] @ _EULER)
        result[rough] = np.clip(estimate, 0.0, 1.0)
        keep = np.abs(estimate - previous) > _AGREEMENT
        rough, t, total, estimate = rough[keep], t[keep], partial[keep, -1], estimate[keep]
        done, length = length + 13, 2 * length
    return result


def _terms(transform: Transform, t: Floats, k: NDArray[np.int_]) -> Floats:
    """Return (-1)^k Re g^((A + 2 pi i k) / 2t), the first term halved, a row a time."""
    s: Complexes = np.asarray((_A + 2j * np.pi * k) / (2 * t[:, None]), dtype=np.complex128)
    return np.real((1 - transform(s)) / s) * np.where(k == 0, 0.5, 1.0 - 2.0 * (k % 2))
