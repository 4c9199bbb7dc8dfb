"""Erlang A, M/M/c+M: customers who wait lose patience.

C. Palm (1957); S. Zeltyn and A. Mandelbaum, "Call centers with impatient customers: many-server
asymptotics of the M/M/n + G queue" (Queueing Systems 51, 2005). a = lambda / mu, rho = a / c, theta
is the patience rate; V is the wait of somebody of endless patience. The line in front of busy
servers is in `queueing.stations.patience`.
"""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from queueing import checks
from queueing.erlang import erlang_b
from queueing.laws import Distribution, deterministic, mixture
from queueing.stations.birth_death import equilibrium
from queueing.stations.counts import TabledNumber
from queueing.stations.markov import MMc
from queueing.stations.patience import CutWait, Line, VirtualWait
from queueing.stations.station import NEVER, DiscreteDistribution, Rated, Station

Floats = NDArray[np.float64]
Complexes = NDArray[np.complex128]

_ROUNDING = 1e-13  # a spare share this small is rounding


@dataclass(frozen=True, kw_only=True)
class ErlangA(Rated, Station):
    """M/M/c+M: Poisson arrivals, exponential service, c servers, exponential patience.

    `arrival_rate` lambda >= 0, `service_rate` mu > 0 and `patience_rate` theta >= 0 per second,
    `servers` c >= 1 whole; anything else raises `ValueError`. Who has waited for his patience,
    1 / theta on average, leaves unserved. `wait` and `time_in_system` are those of all arrivals,
    served or not; `served_wait` is that of who gets service and `offered_wait` that of somebody
    who would never leave. Any load is allowed; with theta = 0 it is M/M/c.

    >>> centre = ErlangA(arrival_rate=10, service_rate=1, servers=10, patience_rate=1)
    >>> round(centre.mean_number_in_system, 9), round(centre.abandonment_probability, 6)
    (10.0, 0.12511)
    """

    arrival_rate: float
    service_rate: float
    servers: int
    patience_rate: float

    def __post_init__(self) -> None:
        checks.real("arrival_rate", self.arrival_rate, at_least=0)
        checks.real("service_rate", self.service_rate, above=0)
        checks.real("patience_rate", self.patience_rate, at_least=0)
        object.__setattr__(self, "servers", checks.whole("servers", self.servers))

    def with_servers(self, servers: int) -> "ErlangA":
        """Return the same station with another number of servers."""
        return self.replace(servers=servers)

    @property
    def traffic_intensity(self) -> float:
        """The intensity rho = a / c, which may exceed 1."""
        return self.offered_load / self.servers

    @property
    def is_stable(self) -> bool:
        """Whether the station can keep up: always, if those who wait lose patience at all."""
        return self.patience_rate > 0 or 1 - self.traffic_intensity > _ROUNDING

    @property
    def wait_probability(self) -> float:
        """The probability that an arrival finds all servers busy, P(N >= c)."""
        return self._odds[1] / sum(self._odds)

    @property
    def utilization(self) -> float:
        """The busy fraction of the servers, (a P(N < c) + c P(N > c)) / c."""
        if not self.is_stable:
            return 1.0
        free, waits = self._odds  # a P(N < c) / c may be a huge a times a tiny P: a and c cancel
        below = self.offered_load * self._line.empty
        return (below + waits * (1 - self._line.empty)) / (free + waits)

    @property
    def throughput(self) -> float:
        """Served per second, c mu times the busy fraction."""
        return self.servers * self.service_rate * self.utilization

    @property
    def abandonment_probability(self) -> float:
        """The probability that an arrival loses patience, theta Wq."""
        return self.patience_rate * self.mean_wait if self.patience_rate else 0.0

    @property
    def mean_wait(self) -> float:
        """Wq = P(N >= c) E[min(V, patience)], seconds, of all arrivals, served or not."""
        return self.wait.mean()

    @property
    def mean_time_in_system(self) -> float:
        """W = Wq + P(served) / mu, seconds, of all arrivals, served or not."""
        return self.mean_wait + self._served / self.service_rate

    @property
    def mean_queue_length(self) -> float:
        """Lq = lambda Wq, by Little's law."""
        return self.arrival_rate * self.mean_wait if self.is_stable else math.inf

    @property
    def mean_number_in_system(self) -> float:
        """L = Lq + the mean number of busy servers."""
        return self.mean_queue_length + self.servers * self.utilization

    @property
    def wait(self) -> Distribution:
        """The law of the wait of all arrivals: until service, or until patience ends."""
        return self._after(self.wait_probability, CutWait(self._line)) if self.is_stable else NEVER

    @property
    def offered_wait(self) -> Distribution:
        """The law of V, the wait that an arrival of endless patience would have."""
        if not self.is_stable:
            return NEVER
        return self._after(self.wait_probability, VirtualWait(self._line))

    @property
    def served_wait(self) -> Distribution:
        """The law of the wait of those who get service, V given V < patience."""
        if not self.is_stable:
            return NEVER
        served = Line(self.arrival_rate, self._line.pace + self.patience_rate, self.patience_rate)
        waits = self.wait_probability * self._line.kept / self._served
        return self._after(waits, VirtualWait(served))

    @property
    def time_in_system(self) -> Distribution:
        """The law of the time until all arrivals leave, served or not."""
        if not self.is_stable:
            return NEVER
        return _TimeInSystem(self._line, self.service_rate, self._free, self.wait_probability)

    @property
    def number_in_system(self) -> DiscreteDistribution:
        """The law of the number present."""
        if not self.is_stable:
            rates = {"arrival_rate": self.arrival_rate, "service_rate": self.service_rate}
            return MMc(**rates, servers=self.servers).number_in_system
        return _NumberInSystem(
            self._line, self.servers, self.offered_load, self._free, self.wait_probability
        )

    @cached_property
    def _line(self) -> Line:
        return Line(self.arrival_rate, self.servers * self.service_rate, self.patience_rate)

    @cached_property
    def _odds(self) -> tuple[float, float]:
        """P(N < c) : P(N >= c) as c f : a b.

        b = B(c - 1, a) is Erlang's, p_(c-1) / P(N < c), and f = p_c / P(N >= c); the balance
        a p_(c-1) = c p_c ties the two together.
        """
        if not self.is_stable:
            return 0.0, 1.0
        a, c = self.offered_load, self.servers
        return c * self._line.empty, a * float(erlang_b(c - 1, a))

    @property
    def _free(self) -> float:
        """The probability that an arrival finds a server free, P(N < c)."""
        return self._odds[0] / sum(self._odds)

    @property
    def _served(self) -> float:
        """The probability that an arrival is served."""
        return self._free + self.wait_probability * self._line.kept if self.is_stable else 1.0

    @staticmethod
    def _after(waits: float, law: Distribution) -> Distribution:
        """Return the law of a wait that is 0 unless one `waits`."""
        waits = min(waits, 1.0)
        return mixture([(1 - waits, deterministic(mean=0)), (waits, law)])


@dataclass(frozen=True)
class _TimeInSystem(Distribution):
    """The wait in `line`, if all servers are busy, and a service after it unless patience ended."""

    line: Line
    service_rate: float
    free: float
    waits: float

    def sf(self, t: ArrayLike) -> Floats:
        t = np.asarray(t, dtype=float)
        flat = np.maximum(np.where(np.isnan(t), 0, t), 0).ravel()
        serving = self.free * np.exp(-self.service_rate * np.minimum(flat, 1e200))
        later = CutWait(self.line).sf(flat) + self.line.served_within(flat, self.service_rate)
        tail = np.where(flat == 0, 1.0, np.minimum(serving + self.waits * later, 1.0))
        return np.where(np.isnan(t), np.nan, tail.reshape(t.shape))[()]

    def mean(self) -> float:
        served = self.free + self.waits * self.line.kept
        return self.waits * CutWait(self.line).mean() + served / self.service_rate

    def var(self) -> float:
        """Return the variance, by E[T^2] = E[W^2] + 2 E[W; served] / mu + 2 P(served) / mu^2."""
        line, wait, service = self.line, CutWait(self.line), 1 / self.service_rate
        both = self.waits * line.mean_of(line.times * np.exp(-line.theta * line.times))
        square = self.waits * (wait.var() + wait.mean() ** 2)
        served = self.free + self.waits * line.kept
        return square + 2 * service * (both + served * service) - self.mean() ** 2

    def lst(self, s: ArrayLike) -> Complexes:
        """Return E[e^(-sW)] - E[e^(-sW); served] s / (s + mu)."""
        s = np.asarray(s, dtype=complex)
        served = self.free + self.waits * VirtualWait(self.line).lst(s + self.line.theta)
        wait = 1 - self.waits + self.waits * CutWait(self.line).lst(s)
        return wait - served * s / (s + self.service_rate)

    def draw(self, size: int, rng: np.random.Generator) -> Floats:
        waits, wait = rng.random(size) < self.waits, np.zeros(size)
        if waits.any():
            wait[waits] = VirtualWait(self.line).draw(int(waits.sum()), rng)
        patience = rng.exponential(1 / self.line.theta, size)
        service = rng.exponential(1 / self.service_rate, size)
        return np.where(wait < patience, wait + service, patience)


@dataclass(frozen=True)
class _NumberInSystem(DiscreteDistribution):
    """N: Poisson's law cut at c - 1 with probability `free`, else c and the number in `line`."""

    line: Line
    servers: int
    offered_load: float
    free: float
    waits: float

    def pmf(self, k: ArrayLike) -> Floats:
        n, c = np.asarray(k, dtype=np.float64), self.servers
        whole = (n >= 0) & (n == np.floor(n)) & np.isfinite(n)
        beyond = self.waits * self.line.pmf(np.where(whole & (n >= c), n - c, 0))
        return np.where(n < c, self.free * self._below.pmf(n), beyond * whole)[()]

    def sf(self, k: ArrayLike) -> Floats:
        n, c = np.floor(np.asarray(k, dtype=np.float64)), self.servers
        within = self.waits + self.free * self._below.sf(n)
        beyond = self.waits * self.line.sf(np.clip(n + 1 - c, 0, 1e15))
        return np.where(n < 0, 1.0, np.where(n < c - 1, within, beyond))[()]

    def cdf(self, k: ArrayLike) -> Floats:
        n = np.asarray(k, dtype=np.float64)
        return np.where(n < self.servers, self.free * self._below.cdf(n), 1 - self.sf(n))[()]

    def mean(self) -> float:
        line = self.waits * (self.servers + self.line.mean_length)
        return self.free * self._below.mean() + line

    def var(self) -> float:
        """Return the variance: within the two parts, and between them."""
        mean, line = self.mean(), self.line
        below = self._below.var() + (self._below.mean() - mean) ** 2
        beyond = line.variance + (self.servers + line.mean_length - mean) ** 2
        return self.free * below + self.waits * beyond

    @cached_property
    def _below(self) -> TabledNumber:
        c = self.servers
        return TabledNumber(equilibrium(np.full(c - 1, self.offered_load), np.arange(1.0, c)))
