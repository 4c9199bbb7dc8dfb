"""The law of a number of customers that is known as a table of probabilities."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from queueing.stations.station import DiscreteDistribution

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class TabledNumber(DiscreteDistribution):
    """N with P(N = first + i) = probabilities[i]; nothing lies outside the table.

    Both tails are added up from their far ends, so that a small one keeps its digits.

    >>> coins = TabledNumber(np.array([0.25, 0.5, 0.25]))
    >>> coins.mean(), coins.var(), coins.sf([0, 1, 2]).tolist()
    (1.0, 0.5, [0.75, 0.25, 0.0])
    """

    probabilities: Floats
    first: int = 0

    def pmf(self, k: ArrayLike) -> Floats:
        n = np.asarray(k, dtype=np.float64)
        whole = np.isfinite(n) & (n == np.floor(n))
        place = self._place(np.where(whole, n, -np.inf))
        return np.concatenate(([0.0], self.probabilities, [0.0]))[place][()]

    def cdf(self, k: ArrayLike) -> Floats:
        below = np.concatenate(([0.0], np.cumsum(self.probabilities)))
        return np.append(np.minimum(below, 1.0), 1.0)[self._place(k)][()]

    def sf(self, k: ArrayLike) -> Floats:
        above = np.cumsum(self.probabilities[::-1])[::-1]
        return np.concatenate(([1.0], np.minimum(above[1:], 1.0), [0.0, 0.0]))[self._place(k)][()]

    def mean(self) -> float:
        return self.first + float(self.probabilities @ np.arange(self.probabilities.size))

    def var(self) -> float:
        distance = np.arange(self.probabilities.size) - (self.mean() - self.first)
        return float(self.probabilities @ distance**2)

    def _place(self, k: ArrayLike) -> NDArray[np.int64]:
        """Return where floor(k) stands in a table with one place before and one behind."""
        place = np.floor(np.asarray(k, dtype=np.float64)) - self.first + 1
        return np.clip(place, 0, self.probabilities.size + 1).astype(np.int64)
