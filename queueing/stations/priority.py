"""Stations that serve the more important class first: M/M/c and M/G/1 with priorities.

The first class is the highest; within a class the first to come is served first. An arrival of a
higher class waits for the end of a service (non-preemptive), or interrupts it, to be resumed later
where it was left (preemptive). A. Cobham, "Priority assignment in waiting line problems"
(Operations Research 2, 1954); O. Kella and U. Yechiali, "Waiting times in the non-preemptive
priority M/M/c queue" (Stochastic Models 1, 1985); L. Kleinrock, "Queueing Systems, volume 2:
Computer Applications" (1976), chapter 3. In the docstrings sigma_k = rho_1 + ... + rho_k.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from queueing import checks
from queueing.distributions import Distribution
from queueing.erlang import erlang_b, erlang_c
from queueing.formulas import cobham
from queueing.stations.services import as_law
from queueing.stations.station import Station

Floats = NDArray[np.float64]

_RARE = 1e-4  # a class this small against the spare capacity is a derivative, not a difference


class _PriorityStation(Station, ABC):
    """What follows from the loads and the mean times of the classes: an array, a value a class."""

    arrival_rates: tuple[float, ...]
    preemptive: bool

    def _check(self) -> None:
        rates = np.atleast_1d(checks.array("arrival_rates", self.arrival_rates, at_least=0))
        if rates.ndim != 1 or rates.size == 0:
            raise ValueError(
                f"arrival_rates must be a list of rates, one a class, got {self.arrival_rates!r}"
            )
        object.__setattr__(self, "arrival_rates", tuple(rates.tolist()))
        checks.switch("preemptive", self.preemptive)

    def __getattr__(self, name: str) -> Any:
        """Say why the laws of the times are not to be had."""
        if name in {"wait", "time_in_system", "number_in_system"}:
            raise AttributeError(
                f"{type(self).__name__} has no {name}: it gives the means of the classes, "
                "not their laws"
            )
        return super().__getattr__(name)

    @property
    @abstractmethod
    def mean_service_times(self) -> Floats:
        """E[S] of each class, seconds."""

    @property
    @abstractmethod
    def mean_wait(self) -> Floats:
        """Wq of each class, seconds: all the time not in service, interruptions included."""

    @property
    def _servers(self) -> int:
        return 1

    @property
    def offered_loads(self) -> Floats:
        """The load of each class, in Erlang."""
        return np.asarray(self.arrival_rates) * self.mean_service_times

    @property
    def traffic_intensity(self) -> float:
        """The intensity rho of all classes together."""
        return float(self.offered_loads.sum()) / self._servers

    @property
    def is_stable(self) -> bool:
        """Whether the station can keep up with all of its classes."""
        return bool(1 - self.traffic_intensity > 1e-13)

    @property
    def utilization(self) -> float:
        """The busy fraction of the servers, min(rho, 1)."""
        return min(self.traffic_intensity, 1.0)

    @property
    def throughput(self) -> Floats:
        """Completed per second of each class: what the higher classes leave, at most."""
        return self._carried / self.mean_service_times

    @property
    def mean_time_in_system(self) -> Floats:
        """W = Wq + E[S] of each class, seconds."""
        return self.mean_wait + self.mean_service_times

    @property
    def mean_queue_length(self) -> Floats:
        """Lq = lambda Wq of each class."""
        return self._present(self.mean_wait)

    @property
    def mean_number_in_system(self) -> Floats:
        """L = lambda W of each class."""
        return self._present(self.mean_time_in_system)

    def _present(self, times: Floats) -> Floats:
        rates = np.asarray(self.arrival_rates)
        return rates * np.where(rates > 0, times, 0.0)

    @property
    def _sigma(self) -> tuple[Floats, Floats]:
        """The intensity of the classes above each, and with it."""
        up_to = np.cumsum(self.offered_loads) / self._servers
        return np.append(0.0, up_to[:-1]), up_to

    @property
    def _carried(self) -> Floats:
        """The load that each class gets served, in Erlang."""
        above, _ = self._sigma
        return np.clip(self._servers * (1 - above), 0.0, self.offered_loads)

    @property
    def _stretch(self) -> Floats:
        """1 / ((1 - sigma_{k-1}) (1 - sigma_k)), `inf` where a class cannot be served in full."""
        above, up_to = self._sigma
        spare = np.where(1 - up_to > 1e-13, (1 - above) * (1 - up_to), 0.0)
        return np.where(spare > 0, 1 / np.where(spare > 0, spare, 1.0), np.inf)


@dataclass(frozen=True, kw_only=True)
class PriorityMMc(_PriorityStation):
    """M/M/c with priorities: Poisson arrivals of each class, one exponential service, c servers.

    `arrival_rates` lambda_1, ... >= 0 per second, the highest class first, `service_rate` mu > 0,
    `servers` c >= 1 whole, `preemptive` True or False; anything else raises `ValueError`.

    Without preemption Wq_k = C(c, a) / (c mu) / ((1 - sigma_{k-1}) (1 - sigma_k)), C Erlang's, and
    C = 1 where the classes together are too many. With it classes 1 to k are an M/M/c of their own.
    A class that cannot be served in full waits `inf`, those above it do not.

    >>> bank = PriorityMMc(arrival_rates=[4, 8], service_rate=6, servers=3)
    >>> bank.mean_wait.round(6).tolist()
    [0.031746, 0.095238]
    >>> bank.replace(preemptive=True).mean_wait.round(6).tolist()
    [0.002323, 0.10995]
    """

    arrival_rates: tuple[float, ...]
    service_rate: float
    servers: int
    preemptive: bool = False

    def __post_init__(self) -> None:
        self._check()
        checks.real("service_rate", self.service_rate, above=0)
        object.__setattr__(self, "servers", checks.whole("servers", self.servers))

    def with_servers(self, servers: int) -> "PriorityMMc":
        """Return the same station with another number of servers."""
        return self.replace(servers=servers)

    @property
    def _servers(self) -> int:
        return self.servers

    @property
    def mean_service_times(self) -> Floats:
        return np.full(len(self.arrival_rates), 1 / self.service_rate)

    @property
    def wait_probability(self) -> Floats:
        """The probability that an arrival of each class is not served at once.

        C(c, a) of all classes without preemption, of those not below its own with it.
        """
        loads = np.cumsum(self.offered_loads)
        return np.asarray(
            erlang_c(self.servers, loads if self.preemptive else loads[-1:] + 0 * loads)
        )

    @property
    def mean_wait(self) -> Floats:
        if self.preemptive:
            return self._differences
        return self.wait_probability / (self.servers * self.service_rate) * self._stretch

    @property
    def _differences(self) -> Floats:
        """The growth of M/M/c's queue by each class, over its rate."""
        _, up_to = self._sigma
        highest = np.append(0.0, np.cumsum(self.offered_loads))
        waits = np.full(up_to.size, np.inf)
        for k in np.flatnonzero(1 - up_to > 1e-13):
            low, high = highest[k], highest[k + 1]
            if high - low <= _RARE * min(self.servers - high, low / self.servers):
                growth = _queue_slope(self.servers, (low + high) / 2)
            else:
                growth = (_queue(self.servers, high) - _queue(self.servers, low)) / (high - low)
            waits[k] = growth / self.service_rate
        return waits


def _queue(servers: int, load: float) -> float:
    """Return the mean number waiting in M/M/c, C a / (c - a)."""
    return float(erlang_c(servers, load)) * load / (servers - load)


def _queue_slope(servers: int, load: float) -> float:
    """Return its derivative by a; 1/C = a/c + (c - a) / (c B) and B' = B (c/a - 1 + B)."""
    blocking, waits = float(erlang_b(servers, load)), float(erlang_c(servers, load))
    if blocking == 0:
        return 0.0
    spare = servers - load
    slope = waits**2 / (servers * blocking)
    slope *= 1 - blocking + spare * (servers / load - 1 + blocking)
    return slope * load / spare + waits * servers / spare**2


@dataclass(frozen=True, kw_only=True)
class PriorityMG1(_PriorityStation):
    """M/G/1 with priorities: Poisson arrivals and any service of each class, one server.

    `arrival_rates` lambda_1, ... >= 0 per second, the highest class first, `services` as many laws
    of times (of `queueing.distributions` or frozen ones of `scipy.stats`), `preemptive` True or
    False; anything else raises `ValueError`.

    Without preemption Wq_k = R / ((1 - sigma_{k-1}) (1 - sigma_k)), R the mean service that an
    arrival finds left, of all classes as far as they are served (Cobham). With it W_k is
    E[S_k] / (1 - sigma_{k-1}) + R_k / ((1 - sigma_{k-1}) (1 - sigma_k)), R_k of classes 1 to k. A
    class that cannot be served in full waits `inf`, those above it do not.

    >>> from queueing.distributions import deterministic, exponential
    >>> services = [exponential(mean=1), deterministic(mean=1)]
    >>> PriorityMG1(arrival_rates=[0.3, 0.5], services=services).mean_wait.round(6).tolist()
    [0.785714, 3.928571]
    """

    arrival_rates: tuple[float, ...]
    services: tuple[Distribution, ...]
    preemptive: bool = False

    def __post_init__(self) -> None:
        self._check()
        services = self.services if isinstance(self.services, list | tuple) else [self.services]
        if len(services) != len(self.arrival_rates):
            raise ValueError(
                f"services must be a list of laws, one a class, got {len(services)} for "
                f"{len(self.arrival_rates)} arrival_rates"
            )
        laws = tuple(as_law("services", service) for service in services)
        object.__setattr__(self, "services", laws)

    @property
    def mean_service_times(self) -> Floats:
        return np.array([service.mean() for service in self.services])

    @property
    def wait_probability(self) -> Floats:
        """The probability that an arrival of each class is not served at once.

        min(rho, 1) without preemption, min(sigma_k, 1) with it.
        """
        _, up_to = self._sigma
        return np.minimum(up_to if self.preemptive else np.full(up_to.shape, up_to[-1]), 1.0)

    @property
    def mean_wait(self) -> Floats:
        if self.preemptive:
            return self._interrupted
        means, scvs = self.mean_service_times, self._scvs
        waits = cobham(self.arrival_rates, 1 / means, np.where(np.isfinite(scvs), scvs, 0.0))
        return np.where(np.isinf(scvs) & (self._carried > 0), np.inf, 0.0).max() + waits

    @property
    def _interrupted(self) -> Floats:
        above, up_to = self._sigma
        left = self._carried * self.mean_service_times * (1 + self._scvs) / 2
        left = np.cumsum(np.where(self._carried > 0, left, 0.0))
        served = 1 - up_to > 1e-13
        interruptions = np.where(served, above / np.where(served, 1 - above, 1.0), np.inf)
        return interruptions * self.mean_service_times + left * self._stretch

    @property
    def _scvs(self) -> Floats:
        return np.array([service.scv() for service in self.services])
