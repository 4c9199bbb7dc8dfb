"""Stations with Poisson arrivals and exponential service: M/M/1 and M/M/c.

L. Kleinrock, "Queueing Systems, volume 1: Theory" (1975), chapter 3; D. Gross, J. F. Shortle,
J. M. Thompson and C. M. Harris, "Fundamentals of Queueing Theory" (4th edition, 2008), chapter 2.
In the docstrings a = lambda / mu, rho = a / c, C = C(c, a) is Erlang's, theta = c mu - lambda.
"""

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from queueing import checks
from queueing.distributions import Distribution, exponential, hypoexponential, mixture
from queueing.erlang import erlang_c, poisson_pmf
from queueing.laws import deterministic
from queueing.stations.station import NEVER, DelayStation, DiscreteDistribution, Rated

Floats = NDArray[np.float64]


class _ExponentialStation(Rated, DelayStation):
    """What M/M/1 and M/M/c answer: everybody is served in the end, first come first served."""

    service_rate: float

    def __post_init__(self) -> None:
        checks.real("arrival_rate", self.arrival_rate, at_least=0)
        checks.real("service_rate", self.service_rate, above=0)

    def with_servers(self, servers: int) -> "MMc":
        """Return the same station with another number of servers."""
        return MMc(arrival_rate=self.arrival_rate, service_rate=self.service_rate, servers=servers)

    @property
    def wait_probability(self) -> float:
        """The probability that an arrival waits, C(c, a)."""
        return float(erlang_c(self.servers, self.offered_load)) if self.is_stable else 1.0

    @property
    def mean_wait(self) -> float:
        """Wq = C / theta, seconds."""
        return self.wait_probability / self._spare if self.is_stable else math.inf

    @property
    def wait(self) -> Distribution:
        """The law of the wait: 0 with probability 1 - C, else exponential with rate theta."""
        if not self.is_stable:
            return NEVER
        waits = self.wait_probability
        return mixture(
            [(1 - waits, deterministic(mean=0)), (waits, exponential(mean=1 / self._spare))]
        )

    @property
    def time_in_system(self) -> Distribution:
        """The law of wait plus service."""
        if not self.is_stable:
            return NEVER
        waits = self.wait_probability
        service = exponential(mean=1 / self.service_rate)
        later = hypoexponential(first_rate=self._spare, second_rate=self.service_rate)
        return mixture([(1 - waits, service), (waits, later)])

    @property
    def number_in_system(self) -> DiscreteDistribution:
        """The law of the number present."""
        return _NumberInSystem(self)

    @property
    def _spare(self) -> float:
        """The rate left over, theta = c mu - lambda."""
        return self.servers * self.service_rate - self.arrival_rate


@dataclass(frozen=True, kw_only=True)
class MM1(_ExponentialStation):
    """M/M/1: Poisson arrivals, exponential service, one server, first come first served.

    `arrival_rate` lambda >= 0 and `service_rate` mu > 0 per second; anything else raises
    `ValueError`. Its questions are those of M/M/c with one server, where C = rho.

    >>> line = MM1(arrival_rate=9, service_rate=10)
    >>> round(line.mean_time_in_system, 9), round(float(line.time_in_system.ppf(0.95)), 4)
    (1.0, 2.9957)
    """

    servers: ClassVar[int] = 1  # type: ignore[misc]
    arrival_rate: float
    service_rate: float


@dataclass(frozen=True, kw_only=True)
class MMc(_ExponentialStation):
    """M/M/c: Poisson arrivals, exponential service, c servers, one line, first come first served.

    `arrival_rate` lambda >= 0 and `service_rate` mu > 0 per second, `servers` c >= 1 whole;
    anything else raises `ValueError`. A station with lambda >= c mu cannot keep up: it waits `inf`,
    which is no error.

    >>> bank = MMc(arrival_rate=12, service_rate=6, servers=3)
    >>> round(bank.mean_wait, 6), round(bank.wait_probability, 6)
    (0.074074, 0.444444)
    >>> bank.with_servers(2).mean_wait
    inf
    """

    arrival_rate: float
    service_rate: float
    servers: int

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "servers", checks.whole("servers", self.servers))


@dataclass(frozen=True)
class _NumberInSystem(DiscreteDistribution):
    """N in M/M/c: Poisson up to c, geometric beyond; infinite in overload."""

    station: _ExponentialStation

    def pmf(self, k: ArrayLike) -> Floats:
        n = np.asarray(k, dtype=np.float64)
        if not self.station.is_stable:
            return np.zeros(n.shape)[()]
        c, a, waits, rho = self._parameters
        below = self._scale * poisson_pmf(np.clip(n, 0, c), np.full(n.shape, a))
        beyond = waits * (1 - rho) * rho ** np.maximum(n - c, 0)
        return np.where((n >= 0) & (n == np.floor(n)), np.where(n < c, below, beyond), 0.0)[()]

    def sf(self, k: ArrayLike) -> Floats:
        n = np.floor(np.asarray(k, dtype=np.float64))
        if not self.station.is_stable:
            return np.ones(n.shape)[()]
        c, a, waits, rho = self._parameters
        # P(k < N < c) as a difference of Poisson tails, which stays accurate where it is small
        below = self._scale * (
            special.gammainc(np.clip(n, 0, c - 1) + 1, a) - special.gammainc(c, a)
        )
        beyond = waits * rho ** np.maximum(n + 1 - c, 0)
        return np.where(n < 0, 1.0, np.where(n < c - 1, below + waits, beyond))[()]

    def mean(self) -> float:
        return self.station.mean_number_in_system

    def var(self) -> float:
        """Return a (1 + C) + C rho (1 + rho - C rho) / (1 - rho)^2: in service, and in line."""
        if not self.station.is_stable:
            return math.inf
        _, a, waits, rho = self._parameters
        return a * (1 + waits) + waits * rho * (1 + rho - waits * rho) / (1 - rho) ** 2

    @property
    def _parameters(self) -> tuple[int, float, float, float]:
        station = self.station
        return (
            station.servers,
            station.offered_load,
            station.wait_probability,
            station.traffic_intensity,
        )

    @property
    def _scale(self) -> float:
        """P(N = k) over the Poisson probability of k, for all k < c: (1 - C) / P(Poisson < c)."""
        c, a, waits, _ = self._parameters
        return float((1 - waits) / special.gammaincc(c, a))
