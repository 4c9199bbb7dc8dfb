"""The law of a birth-death chain in equilibrium, at any load.

In equilibrium as many steps go up from n to n + 1 as come down, p_n up_n = p_(n+1) down_(n+1), so
that p_n is a product of ratios (W. Feller, "An Introduction to Probability Theory and Its
Applications", volume 1). The product is taken from the most likely state outwards: every factor is
then at most 1, nothing overflows, and what underflows is nothing.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def equilibrium(up: Floats, down: Floats) -> Floats:
    """Return p_0, ..., p_m of the chain that goes up from n at `up[n]`, down to n at `down[n]`.

    Both hold m rates per second; `up / down` must not rise along the way, as in every station where
    more customers mean fewer arrivals or more departures.

    >>> equilibrium(np.array([2.0, 2.0]), np.array([1.0, 2.0])).tolist()
    [0.2, 0.4, 0.4]
    """
    likeliest = int(np.count_nonzero(up >= down))
    before = np.cumprod((down[:likeliest] / up[:likeliest])[::-1])[::-1]
    after = np.cumprod(up[likeliest:] / down[likeliest:])
    weights = np.concatenate((before, [1.0], after))
    return weights / weights.sum()
