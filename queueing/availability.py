"""How much of the time a service is up: parts in series, and k out of n with repair.

The number of units that are down is a birth-death chain. With j down, n - j are running and can
fail, at rate b_j = (n - j) lambda, and min(j, r) are being repaired, at rate d_j = min(j, r) mu.
The service is up while at least k units are, that is j <= m = n - k.

R. E. Barlow and F. Proschan, "Mathematical Theory of Reliability" (1965); K. S. Trivedi,
"Probability and Statistics with Reliability, Queuing, and Computer Science Applications" (2nd
edition, 2002). Times and rates are in any one unit, hours as well as seconds.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from queueing import checks
from queueing.stations.station import Station

Floats = NDArray[np.float64]

_MOST_UNITS = 1_000_000  # a rate each, one after the other
_TERMS = 24  # of the exponential series of a short step; the rest is below 1e-23


def series(*availabilities: float) -> float:
    """Return the availability of independent parts that are all needed, their product.

    Each is a probability in [0, 1]; raises `ValueError` otherwise.

    >>> round(series(0.999, 0.995), 6)
    0.994005
    """
    for value in availabilities:
        if checks.real("availability", value, at_least=0) > 1:
            raise ValueError(f"availability must be a probability of at most 1, got {value!r}")
    return math.prod(float(value) for value in availabilities)


@dataclass(frozen=True, kw_only=True)
class KOutOfN(Station):
    """A service of n equal units that is up while k of them are; hot standby.

    Every unit that is up, needed or not, fails at `failure_rate` lambda >= 0, while the service is
    down too; each of `repairers` r >= 1 mends one unit at a time, at `repair_rate` mu >= 0. Times
    are exponential, all rates in one unit of time. `n` >= `k` >= 1, `n` up to a million; anything
    else raises `ValueError`.

    >>> pair = KOutOfN(n=2, k=1, failure_rate=0.001, repair_rate=0.1, repairers=1)
    >>> round(pair.availability, 9), round(pair.mean_down_time, 9)
    (0.99980396, 10.0)
    >>> round(pair.mean_time_to_failure, 6)  # (3 lambda + mu) / (2 lambda^2)
    51500.0
    """

    n: int
    k: int
    failure_rate: float
    repair_rate: float
    repairers: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "n", checks.whole("n", self.n, at_most=_MOST_UNITS))
        for name in ("k", "repairers"):
            object.__setattr__(self, name, checks.whole(name, getattr(self, name)))
        if self.k > self.n:
            raise ValueError(f"k must be at most n = {self.n}, got {self.k}")
        checks.real("failure_rate", self.failure_rate, at_least=0)
        checks.real("repair_rate", self.repair_rate, at_least=0)

    @property
    def availability(self) -> float:
        """The share of time that the service is up, MUT / (MUT + MDT).

        Without repair it is 0 in the long run, without failures 1.
        """
        up, down = self.mean_up_time, self.mean_down_time
        return 1.0 if math.isinf(up) else 1 / (1 + down / up)

    @property
    def unavailability(self) -> float:
        """The share of time that the service is down; keeps its digits where it is tiny."""
        up, down = self.mean_up_time, self.mean_down_time
        return 0.0 if math.isinf(up) else 1 / (1 + up / down)

    @property
    def mean_up_time(self) -> float:
        """MUT, the mean time from the repair that restores the service to its next failure."""
        return self._times_to_one_more[-1]

    @property
    def mean_down_time(self) -> float:
        """MDT, the mean time from a failure of the service to the repair that restores it.

        g_j = (1 + b_j g_{j+1}) / d_j is the mean time from j units down to j - 1; MDT = g_{m+1}.
        """
        if self.repair_rate == 0:
            return math.inf
        time = 0.0
        for j in range(self.n, self.n - self.k, -1):
            time = (1 + self._failures(j) * time) / self._repairs(j)
        return time

    @property
    def mean_time_to_failure(self) -> float:
        """MTTF, the mean time to the first failure of the service, all units up at 0."""
        return math.fsum(self._times_to_one_more)

    @property
    def mean_units_up(self) -> float:
        """The mean number of units that are up, n - E[j] in the chain's stationary law."""
        if self.failure_rate == 0 or self.repair_rate == 0:
            return float(self.n if self.failure_rate == 0 else 0)
        down = np.arange(self.n + 1)
        failures = np.log([self._failures(j) for j in range(self.n)])
        repairs = np.log([self._repairs(j) for j in range(1, self.n + 1)])
        weights = np.append(0.0, np.cumsum(failures - repairs))
        law = np.exp(weights - weights.max())
        return float((self.n - down) @ law / law.sum())

    def reliability(self, t: ArrayLike) -> Floats:
        """Return P(the service has not failed by t), for each t >= 0; all units up at 0.

        Raises `ValueError` for other times.

        >>> single = KOutOfN(n=1, k=1, failure_rate=0.5, repair_rate=9, repairers=1)
        >>> round(float(single.reliability(2)), 9)  # e^-1
        0.367879441
        """
        failed = self.n - self.k + 1
        rates = self._rates[: failed + 1, : failed + 1].copy()
        rates[failed] = 0  # once there, the chain stays
        return self._still_up(t, rates)

    def point_availability(self, t: ArrayLike) -> Floats:
        """Return P(the service is up at t), for each t >= 0; all units up at 0.

        Raises `ValueError` for other times.

        >>> single = KOutOfN(n=1, k=1, failure_rate=1, repair_rate=4, repairers=1)
        >>> round(float(single.point_availability(0.2)), 9)  # 0.8 + 0.2 e^-1
        0.873575888
        """
        return self._still_up(t, self._rates)

    @property
    def _times_to_one_more(self) -> list[float]:
        """The mean times from j units down to j + 1, j = 0 ... m: h_j = (1 + d_j h_{j-1}) / b_j."""
        if self.failure_rate == 0:
            return [math.inf]
        times, time = [], 0.0
        for j in range(self.n - self.k + 1):
            time = (1 + self._repairs(j) * time) / self._failures(j)
            times.append(time)
        return times

    def _failures(self, down: int) -> float:
        return (self.n - down) * self.failure_rate

    def _repairs(self, down: int) -> float:
        return min(down, self.repairers) * self.repair_rate

    @property
    def _rates(self) -> Floats:
        """The rates from j units down, a row each, to one more and to one fewer."""
        more = [self._failures(j) for j in range(self.n)]
        fewer = [self._repairs(j) for j in range(1, self.n + 1)]
        return np.diag(more, 1) + np.diag(fewer, -1)

    def _still_up(self, t: ArrayLike, rates: Floats) -> Floats:
        times = np.asarray(checks.array("t", t, at_least=0))
        up = [_transition(rates, time)[0, : self.n - self.k + 1].sum() for time in times.flat]
        return np.minimum(up, 1.0).reshape(times.shape)[()]


def _transition(rates: Floats, time: float) -> Floats:
    """Return the chain's probabilities of going from each state to each other in `time`.

    A step so short that a state is left once at most is an exponential series without a minus
    sign; squaring doubles it. Each row is brought back to a sum of 1, which keeps the digits of
    what is rare over however many doublings. That such exponentials can be had to full relative
    accuracy: J. Xue and Q. Ye (Mathematics of Computation 82, 2013).
    """
    identity, leaving = np.eye(len(rates)), rates.sum(axis=1)
    if leaving.max() == 0 or time == 0:
        return identity
    doublings = max(0, math.ceil(math.log2(leaving.max()) + math.log2(time)))
    step = (rates + np.diag(leaving.max() - leaving)) * math.ldexp(time, -doublings)
    moved = identity
    for order in range(_TERMS, 0, -1):
        moved = identity + step @ moved / order
    moved /= moved.sum(axis=1, keepdims=True)
    for _ in range(doublings):
        moved = moved @ moved
        moved /= moved.sum(axis=1, keepdims=True)
    return moved
