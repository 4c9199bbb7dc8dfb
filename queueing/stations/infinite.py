"""M/M/inf: as many servers as customers, so that nobody waits.

L. Kleinrock, "Queueing Systems, volume 1: Theory" (1975), chapter 3. a = lambda / mu.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from queueing import checks
from queueing.distributions import Distribution, exponential
from queueing.erlang import poisson_pmf
from queueing.laws import deterministic
from queueing.stations.markov import MMc
from queueing.stations.station import QUANTITIES, DiscreteDistribution, Rated, Station

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class MMInf(Rated, Station):
    """M/M/inf: Poisson arrivals, exponential service, a server for everybody.

    `arrival_rate` lambda >= 0 and `service_rate` mu > 0 per second; anything else raises
    `ValueError`. It has no utilization and no intensity, which are shares of a number of servers.

    >>> cloud = MMInf(arrival_rate=12, service_rate=6)
    >>> cloud.mean_number_in_system, cloud.mean_wait, round(float(cloud.transient(0.5)), 6)
    (2.0, 0.0, 1.900426)
    """

    lacks: ClassVar[Mapping[str, str]] = QUANTITIES | dict.fromkeys(
        ("utilization", "traffic_intensity"), "there are always more servers than customers"
    )
    servers: ClassVar[float] = math.inf
    arrival_rate: float
    service_rate: float

    def __post_init__(self) -> None:
        checks.real("arrival_rate", self.arrival_rate, at_least=0)
        checks.real("service_rate", self.service_rate, above=0)

    def with_servers(self, servers: int) -> MMc:
        """Return the station with so many servers only, where customers may have to wait."""
        return MMc(arrival_rate=self.arrival_rate, service_rate=self.service_rate, servers=servers)

    def transient(self, t: ArrayLike, start: float = 0) -> np.float64 | Floats:
        """Return the mean number present `t` seconds after `start` were, for each t >= 0.

            E[N(t)] = start e^(-mu t) + a (1 - e^(-mu t))

        Raises `ValueError` for a t or a start below 0.

        >>> MMInf(arrival_rate=12, service_rate=6).transient([0, 0.5, 10], start=5).round(
        ...     6
        ... ).tolist()
        [5.0, 2.149361, 2.0]
        """
        t = checks.array("t", t, at_least=0)
        start = checks.real("start", start, at_least=0)
        gone = -np.expm1(-self.service_rate * t)
        return (start * (1 - gone) + self.offered_load * gone)[()]

    @property
    def is_stable(self) -> bool:
        """Whether the station can keep up: always."""
        return True

    @property
    def throughput(self) -> float:
        """Completed per second, lambda."""
        return float(self.arrival_rate)

    @property
    def wait_probability(self) -> float:
        """The probability that an arrival waits, 0."""
        return 0.0

    @property
    def mean_wait(self) -> float:
        """Wq = 0 seconds."""
        return 0.0

    @property
    def mean_time_in_system(self) -> float:
        """W = 1 / mu, seconds."""
        return self.mean_service_time

    @property
    def mean_queue_length(self) -> float:
        """Lq = 0."""
        return 0.0

    @property
    def mean_number_in_system(self) -> float:
        """L = a."""
        return self.offered_load

    @property
    def wait(self) -> Distribution:
        """The law of the wait, always 0."""
        return deterministic(mean=0)

    @property
    def time_in_system(self) -> Distribution:
        """The law of the time in system: the service."""
        return exponential(mean=self.mean_service_time)

    @property
    def number_in_system(self) -> DiscreteDistribution:
        """The law of the number present, Poisson's with mean a."""
        return _Poisson(self.offered_load)


@dataclass(frozen=True)
class _Poisson(DiscreteDistribution):
    """Poisson's law."""

    rate: float

    def pmf(self, k: ArrayLike) -> Floats:
        n = np.asarray(k, dtype=np.float64)
        whole = (n >= 0) & (n == np.floor(n)) & np.isfinite(n)
        return np.where(
            whole, poisson_pmf(np.where(whole, n, 0), np.full(n.shape, self.rate)), 0.0
        )[()]

    def sf(self, k: ArrayLike) -> Floats:
        n = np.floor(np.asarray(k, dtype=np.float64))
        return np.where(n < 0, 1.0, special.gammainc(np.maximum(n, 0) + 1, self.rate))[()]

    def cdf(self, k: ArrayLike) -> Floats:
        n = np.floor(np.asarray(k, dtype=np.float64))
        return np.where(n < 0, 0.0, special.gammaincc(np.maximum(n, 0) + 1, self.rate))[()]

    def mean(self) -> float:
        return self.rate

    def var(self) -> float:
        return self.rate
