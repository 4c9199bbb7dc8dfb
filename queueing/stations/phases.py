"""M/PH/c: Poisson arrivals, services that run through phases, c servers; solved by its chain."""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from queueing import checks
from queueing.distributions import Distribution
from queueing.laws import deterministic
from queueing.stations.chains import Chain
from queueing.stations.phase_times import phase_type
from queueing.stations.station import NEVER, DelayStation, DiscreteDistribution

Floats = NDArray[np.float64]

_MOST_STATES = 3_000
_MOST_NUMBERS = 1.3e8  # in the matrices from a level to the next, a gigabyte


@dataclass(frozen=True, kw_only=True)
class MPHc(DelayStation):
    """M/PH/c: Poisson arrivals, phase-type service, c servers, first come first served; exact.

    `arrival_rate` lambda >= 0 per second, `service` a `PhaseType` or another law of that kind
    (exponential, Erlang, hyperexponential, their sums and mixtures), `servers` c >= 1 whole.
    Raises `ValueError` for anything else, and where c servers in m phases have more than 3 000
    states, (c + m - 1)! / (c! (m - 1)!). With rho >= 1 it waits `inf`.

    >>> from queueing.distributions import hyperexponential
    >>> bank = MPHc(arrival_rate=9, service=hyperexponential(mean=1, scv=4), servers=10)
    >>> round(bank.mean_wait, 6), round(bank.wait_probability, 6)
    (1.548955, 0.685159)
    """

    arrival_rate: float
    service: Distribution
    servers: int

    def __post_init__(self) -> None:
        checks.real("arrival_rate", self.arrival_rate, at_least=0)
        object.__setattr__(self, "servers", checks.whole("servers", self.servers))
        phases = phase_type(self.service)
        if phases is None or phases.atom() > 1e-12:
            raise ValueError(
                "service must be a PhaseType that takes time, or an exponential, Erlang or "
                f"hyperexponential law or a sum or mixture of them, got {self.service!r}"
            )
        count = len(phases.initial)
        states = math.comb(self.servers + count - 1, self.servers)
        if states > _MOST_STATES:
            raise ValueError(
                f"MPHc solves a chain of at most {_MOST_STATES} states a level, but "
                f"{self.servers} servers in {count} phases have {states}"
            )
        numbers = sum(math.comb(n + count - 1, n) ** 2 for n in range(1, self.servers + 1))
        if numbers > _MOST_NUMBERS:
            raise ValueError(
                f"MPHc keeps matrices of at most {_MOST_NUMBERS:g} numbers together, but "
                f"{self.servers} servers in {count} phases need {numbers:g}"
            )

    def with_servers(self, servers: int) -> "MPHc":
        """Return the same station with another number of servers."""
        return self.replace(servers=servers)

    @property
    def mean_service_time(self) -> float:
        """E[S], seconds."""
        return self.service.mean()

    @property
    def wait_probability(self) -> float:
        """The probability that an arrival waits, P(N >= c) = p_c (I - R)^(-1) 1."""
        if not self.is_stable:
            return 1.0
        return min(self._chain.wait_probability, 1.0) if self.arrival_rate else 0.0

    @property
    def mean_wait(self) -> float:
        """Wq, seconds: the mean of the wait's law."""
        return self.wait.mean()

    @property
    def wait(self) -> Distribution:
        """The law of the wait, a time in phases."""
        if not self.is_stable:
            return NEVER
        return self._chain.wait if self.arrival_rate else deterministic(mean=0)

    @property
    def time_in_system(self) -> Distribution:
        """The law of wait plus service, a time in phases."""
        if not self.is_stable:
            return NEVER
        return self._chain.time_in_system if self.arrival_rate else self.service

    @property
    def number_in_system(self) -> DiscreteDistribution:
        """The law of the number present."""
        return _Number(self, self._chain if self.is_stable and self.arrival_rate else None)

    @cached_property
    def _chain(self) -> Chain:
        phases = phase_type(self.service)
        initial = np.array(phases.initial)  # type: ignore[union-attr]
        generator = np.array(phases.generator)  # type: ignore[union-attr]
        return Chain(self.arrival_rate, self.servers, initial / initial.sum(), generator)


@dataclass(frozen=True)
class _Number(DiscreteDistribution):
    """N in M/PH/c, by its chain; without one nobody comes, or they are too many."""

    station: MPHc
    chain: Chain | None

    def _below(self) -> Floats:
        """P(N = n) for n < c."""
        if self.chain is None:
            return np.eye(self.station.servers)[0]
        return np.array([level.sum() for level in self.chain.levels[:-1]])

    def sf(self, k: ArrayLike) -> Floats:
        n = np.floor(np.nan_to_num(np.asarray(k, dtype=np.float64)))
        if not self.station.is_stable:
            return np.ones(n.shape)[()]
        below = self._below()
        least = np.append(np.cumsum(below[:0:-1])[::-1], 0.0) + self.station.wait_probability
        inside = least[np.clip(n, 0, below.size - 1).astype(int)]
        at_least = self._at_least(n + 1 - below.size)
        return np.where(n < 0, 1.0, np.where(n + 1 < below.size, inside, at_least))[()]

    def _at_least(self, further: Floats) -> Floats:
        """Return P(N >= c + further)."""
        if self.chain is None:
            return np.zeros(further.shape)
        sizes, lost = self.chain.beyond
        last = sizes.size - 1
        tail = np.exp(np.maximum(further - last, 0) * math.log1p(-min(lost, 1 - 1e-16)))
        return sizes[np.clip(further, 0, last).astype(int)] * tail

    def pmf(self, k: ArrayLike) -> Floats:
        n = np.asarray(k, dtype=np.float64)
        if not self.station.is_stable:
            return np.zeros(n.shape)[()]
        below = self._below()
        inside = below[np.clip(np.nan_to_num(n), 0, below.size - 1).astype(int)]
        further = np.maximum(np.nan_to_num(n) - below.size, 0)
        exactly = self._at_least(further) - self._at_least(further + 1)
        whole = (n >= 0) & (n == np.floor(n))
        return np.where(whole, np.where(n < below.size, inside, exactly), 0.0)[()]

    def mean(self) -> float:
        return self.station.mean_number_in_system

    def var(self) -> float:
        """Return Var N, with E[Q (Q - 1)] = lambda^2 E[W^2]: who waits leaves Q behind."""
        station, servers = self.station, self.station.servers
        if not station.is_stable:
            return math.inf
        below, queue = self._below(), station.mean_queue_length
        squares = station.arrival_rate**2 * (station.wait.var() + station.mean_wait**2) + queue
        beyond = servers**2 * station.wait_probability + 2 * servers * queue + squares
        return float(below @ np.arange(servers) ** 2) + beyond - self.mean() ** 2
