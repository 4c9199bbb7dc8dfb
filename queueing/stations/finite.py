"""Stations with finitely many states: M/M/c/K with room for K, and c servers for N customers.

D. Gross, J. F. Shortle, J. M. Thompson and C. M. Harris, "Fundamentals of Queueing Theory" (4th
edition, 2008), chapter 2: "Queues with truncation" and "Finite-source queues". In the docstrings
p_n is the probability of n present, at a moment of no distinction, and q_n what an arrival finds.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray

from queueing import checks
from queueing.laws import Distribution
from queueing.stations.birth_death import equilibrium
from queueing.stations.counts import TabledNumber
from queueing.stations.stages import StagedTime, time_of, wait_of
from queueing.stations.station import DiscreteDistribution, Station

Floats = NDArray[np.float64]

_MOST_STATES = 10_000_000


class _FiniteStation(Station, ABC):
    """What follows from the number present and the number found: sums over states."""

    service_rate: float
    servers: int

    @abstractmethod
    def _rates_up(self, *, found: bool) -> Floats:
        """Return the arrival rates at n = 0, 1, ..., of the chain that arrivals see if `found`."""

    def with_servers(self, servers: int) -> Self:
        """Return the same station with another number of servers."""
        return self.replace(servers=servers)

    @property
    def mean_service_time(self) -> float:
        """E[S] = 1 / mu, seconds."""
        return 1 / self.service_rate

    @property
    @abstractmethod
    def offered_load(self) -> float:
        """The load a, in Erlang: servers that would be busy if there were plenty."""

    @property
    def traffic_intensity(self) -> float:
        """The intensity rho = a / c, which may exceed 1."""
        return self.offered_load / self.servers

    @property
    def is_stable(self) -> bool:
        """Whether the station can keep up: with finitely many inside, always."""
        return True

    @property
    def utilization(self) -> float:
        """The busy fraction of the servers, sum_n min(n, c) p_n / c."""
        return float(self._present @ np.minimum(self._states, self.servers)) / self.servers

    @property
    def throughput(self) -> float:
        """Completed per second, c mu times the busy fraction."""
        return self.servers * self.service_rate * self.utilization

    @property
    def wait_probability(self) -> float:
        """The probability that a customer who comes in waits, sum_(n >= c) q_n."""
        return float(self._found[self.servers :].sum())

    @property
    def mean_wait(self) -> float:
        """Wq = sum_(n >= c) q_n (n - c + 1) / (c mu), seconds."""
        return self.wait.mean()

    @property
    def mean_time_in_system(self) -> float:
        """W = Wq + 1 / mu, seconds."""
        return self.mean_wait + self.mean_service_time

    @property
    def mean_queue_length(self) -> float:
        """Lq = sum_n (n - c)^+ p_n."""
        return float(self._present @ np.maximum(self._states - self.servers, 0))

    @property
    def mean_number_in_system(self) -> float:
        """L = sum_n n p_n."""
        return float(self._present @ self._states)

    @property
    def wait(self) -> Distribution:
        """The law of the wait of who comes in: n - c + 1 stages of rate c mu after finding n."""
        return wait_of(self._found, servers=self.servers, service_rate=self.service_rate)

    @property
    def time_in_system(self) -> Distribution:
        """The law of wait plus service of who comes in."""
        return self._time

    @property
    def number_in_system(self) -> DiscreteDistribution:
        """The law of the number present, at a moment of no distinction."""
        return TabledNumber(self._present)

    @cached_property
    def _time(self) -> StagedTime:
        return time_of(self._found, servers=self.servers, service_rate=self.service_rate)

    @cached_property
    def _present(self) -> Floats:
        return self._equilibrium(self._rates_up(found=False))

    @cached_property
    def _found(self) -> Floats:
        return self._equilibrium(self._rates_up(found=True))

    @property
    def _states(self) -> NDArray[np.int64]:
        return np.arange(self._present.size)

    def _equilibrium(self, up: Floats) -> Floats:
        busy = np.minimum(np.arange(1, up.size + 1), self.servers)
        return equilibrium(up, busy * self.service_rate)


@dataclass(frozen=True, kw_only=True)
class MMcK(_FiniteStation):
    """M/M/c/K: room for K customers, those in service included; who finds it full is lost.

    `arrival_rate` lambda >= 0 and `service_rate` mu > 0 per second, `servers` c >= 1 and
    `capacity` K >= c whole; anything else raises `ValueError`. Waits and times are those of
    customers who come in; with K = c nobody waits and `blocking_probability` is Erlang's B. Any
    load is allowed.

    >>> line = MMcK(arrival_rate=2, service_rate=1, servers=1, capacity=2)
    >>> [round(each, 6) for each in (line.blocking_probability, line.throughput, line.mean_wait)]
    [0.571429, 0.857143, 0.666667]
    """

    arrival_rate: float
    service_rate: float
    servers: int
    capacity: int

    def __post_init__(self) -> None:
        checks.real("arrival_rate", self.arrival_rate, at_least=0)
        checks.real("service_rate", self.service_rate, above=0)
        object.__setattr__(self, "servers", checks.whole("servers", self.servers))
        object.__setattr__(self, "capacity", checks.whole("capacity", self.capacity))
        if self.capacity < self.servers:
            raise ValueError(
                "capacity counts all places, those in service included: it must be at least "
                f"servers, {self.servers}, got {self.capacity}"
            )
        _check_states("capacity", self.capacity)

    @property
    def offered_load(self) -> float:
        """The load a = lambda / mu, in Erlang, of all who arrive."""
        return self.arrival_rate / self.service_rate

    @property
    def blocking_probability(self) -> float:
        """The probability that an arrival finds no room and is lost, p_K."""
        return float(self._present[-1])

    def _rates_up(self, *, found: bool) -> Floats:
        """Return lambda, K times; who comes in finds K - 1 at most, with p_n / (1 - p_K)."""
        return np.full(self.capacity - found, float(self.arrival_rate))


@dataclass(frozen=True, kw_only=True)
class FiniteSource(_FiniteStation):
    """N customers who think for a while, then want one of c servers, and think again.

    Also known as the machine repair model, M/M/c//N. `population` N >= 1 and `servers` c >= 1
    whole, mean `think_time` Z > 0 seconds, `service_rate` mu > 0 per second; anything else raises
    `ValueError`. A customer who arrives sees the station as it is without him, with N - 1.

    >>> terminals = FiniteSource(population=2, think_time=1, service_rate=1, servers=1)
    >>> [terminals.throughput, terminals.mean_time_in_system, terminals.wait_probability]
    [0.8, 1.5, 0.5]
    """

    population: int
    think_time: float
    service_rate: float
    servers: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "population", checks.whole("population", self.population))
        checks.real("think_time", self.think_time, above=0)
        checks.real("service_rate", self.service_rate, above=0)
        object.__setattr__(self, "servers", checks.whole("servers", self.servers))
        _check_states("population", self.population)

    @property
    def offered_load(self) -> float:
        """The load a = N / (1 + mu Z), in Erlang: servers busy if nobody ever waited."""
        return self.population / (1 + self.service_rate * self.think_time)

    def _rates_up(self, *, found: bool) -> Floats:
        """Return (N - n) / Z, n = 0, 1, ..., N - 1; an arrival sees N - 1 others."""
        return np.arange(self.population - found, 0, -1) / self.think_time


def _check_states(name: str, value: int) -> None:
    if value > _MOST_STATES:
        raise ValueError(
            f"{name} must be at most {_MOST_STATES}, a probability each, got {value}: take a "
            "station without that limit"
        )
