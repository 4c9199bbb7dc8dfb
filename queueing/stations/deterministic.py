"""M/D/c: Poisson arrivals, services that all take the same time D, c servers.

Whoever is in service now has left D later, and nobody else has. So the number waiting, Q, sees

    Q(t + D) = max(Q(t) + A - c, 0),   A ~ Poisson(a),   a = lambda D,

the number present is Q(t) + A, and an arrival waits longer than x = m D - u, 0 < u <= D, if the Q
customers who waited u before him and the Poisson(lambda u) who came since are m c or more. C. D.
Crommelin, "Delay probability formulae when the holding times are constant" (Post Office Electrical
Engineers Journal 25, 1932); G. J. Franx, "A simple solution for the M/D/c waiting time
distribution" (Operations Research Letters 29, 2001). Every sum here has positive terms only.
"""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, special

from queueing import checks
from queueing.distributions import Distribution
from queueing.erlang import poisson_pmf
from queueing.stations.station import NEVER, DelayStation, DiscreteDistribution
from queueing.transforms import Complexes

Floats = NDArray[np.float64]

_MOST_SERVERS = 10_000
_DIGITS = 40.0  # e^-40: what a double no longer sees
_CHUNK = 1 << 21  # numbers in a table built at a time


@dataclass(frozen=True, kw_only=True)
class MDc(DelayStation):
    """M/D/c: Poisson arrivals, constant service, c servers, first come first served; exact.

    `arrival_rate` lambda >= 0 per second, `service_time` D > 0 seconds, `servers` c from 1 to
    10 000, whole; anything else raises `ValueError`. With rho >= 1 it waits `inf`.

    >>> bank = MDc(arrival_rate=9, service_time=1, servers=10)
    >>> round(bank.mean_wait, 6), round(float(bank.wait.ppf(0.95)), 6)
    (0.344582, 1.292995)
    """

    arrival_rate: float
    service_time: float
    servers: int

    def __post_init__(self) -> None:
        checks.real("arrival_rate", self.arrival_rate, at_least=0)
        checks.real("service_time", self.service_time, above=0)
        object.__setattr__(self, "servers", checks.whole("servers", self.servers))
        if self.servers > _MOST_SERVERS:
            raise ValueError(
                f"MDc solves an equation a server: servers must be at most {_MOST_SERVERS}, "
                f"got {self.servers}"
            )

    def with_servers(self, servers: int) -> "MDc":
        """Return the same station with another number of servers."""
        return self.replace(servers=servers)

    @property
    def mean_service_time(self) -> float:
        """E[S] = D, seconds."""
        return self.service_time

    @property
    def wait_probability(self) -> float:
        """The probability that an arrival waits, P(Q + A >= c)."""
        return float(self.wait.sf(0.0)) if self.is_stable else 1.0

    @property
    def mean_wait(self) -> float:
        """Wq = E[Q] / lambda, seconds, by Little's law."""
        if not self.is_stable:
            return math.inf
        return self._waiting.mean() / self.arrival_rate if self.arrival_rate else 0.0

    @property
    def wait(self) -> Distribution:
        """The law of the wait: P(W > m D - u) = P(Q + Poisson(lambda u) >= m c)."""
        return _Wait(self, self._waiting) if self.is_stable else NEVER

    @property
    def time_in_system(self) -> Distribution:
        """The law of the wait plus D."""
        return self.wait + self.service_time if self.is_stable else NEVER

    @property
    def number_in_system(self) -> DiscreteDistribution:
        """The law of the number present, Q + A."""
        return _Number(self, self._waiting)

    @cached_property
    def _waiting(self) -> "_Waiting":
        return _Waiting(self.servers, self.offered_load)


@dataclass(frozen=True)
class _Waiting:
    """The law of Q: a table q_0, q_1, ... that goes on as a geometric series.

    Its generating function has the zeros z_k of z^c = e^(a (z - 1)) in the unit disk, but 1, and
    its first pole is the zero y > 1: J. S. H. van Leeuwaarden and A. J. E. M. Janssen (2005).

        Q(z) = (c - a) (z - 1) / (z^c - e^(a (z - 1))) * prod_k (z - z_k) / (1 - z_k)
    """

    servers: int
    load: float

    @property
    def never_waits(self) -> bool:
        """Whether the load is none, or too small for a double to tell."""
        return self.load < 1e-100

    @cached_property
    def roots(self) -> Complexes:
        """The zeros z_k = -W(-rho e^(-rho) w^k) / rho, w = e^(2 pi i / c), W Lambert's."""
        rho, k = self.load / self.servers, np.arange(1, self.servers)
        turned = -rho * np.exp(2j * np.pi * k / self.servers - rho)
        return np.asarray(-special.lambertw(turned) / rho, dtype=np.complex128)

    @cached_property
    def pole(self) -> float:
        """The y > 1 with log y = rho (y - 1): P(Q = n + 1) / P(Q = n) tends to 1 / y."""
        rho = self.load / self.servers
        low, high = (1 - rho) / rho, 2.0 / rho + 4 * math.log1p(1 / rho) / rho
        return 1 + float(optimize.brentq(lambda x: math.log1p(x) - rho * x, low, high, xtol=1e-300))

    def generating(self, z: Complexes) -> Complexes:
        """Return E[z^Q] wherever it is analytic, by logarithms: its factors overflow."""
        c, a = self.servers, self.load
        flat = np.asarray(z, dtype=np.complex128).ravel()
        product = np.empty_like(flat)
        for rows in np.array_split(np.arange(flat.size), flat.size * c // _CHUNK + 1):
            ratios = (flat[rows, None] - self.roots) / (1 - self.roots)
            product[rows] = np.log(ratios).sum(axis=1)
        power, arrivals = c * np.log(flat), a * (flat - 1)
        larger = np.where(power.real > arrivals.real, power, arrivals)
        difference = np.exp(power - larger) - np.exp(arrivals - larger)
        value = (c - a) * (flat - 1) / difference * np.exp(product - larger)
        return np.asarray(value.reshape(np.shape(z)), dtype=np.complex128)

    @cached_property
    def table(self) -> Floats:
        """q_0, q_1, ... to where the geometric series has taken over."""
        rho = self.load / self.servers
        if self.never_waits:
            return np.array([1.0])
        decay = self.servers * (rho - 1 - math.log(rho))
        return self._by_sums(decay) if decay > 0.1 else self._by_pole()

    def _by_sums(self, decay: float) -> Floats:
        """Return q by Spitzer's identity: E[z^Q] = exp(sum_l E[z^max(S_l, 0) - 1] / l).

        S_l is Poisson(l a) - l c. F. Spitzer, "A combinatorial lemma and its application to
        probability theory" (Trans. American Mathematical Society 82, 1956).
        """
        walks = np.arange(1.0, int(_DIGITS / decay) + 2)[:, None]
        size = int(_DIGITS / math.log(self.pole)) + 3
        steps = np.arange(1, size)
        jumps = poisson_pmf(walks * self.servers + steps, np.asarray(walks * self.load))
        weights = (jumps / walks).sum(axis=0) * steps  # j times the rate of jumps by j
        beyond = special.gammainc(walks * self.servers + 1, walks * self.load)
        q = np.zeros(size)
        q[0] = math.exp(-float((beyond / walks).sum()))
        for n in range(1, size):
            q[n] = weights[:n] @ q[n - 1 :: -1] / n
        return q

    def _by_pole(self) -> Floats:
        """Return q by Fourier's transform of Q(z) on the unit circle, its first pole taken out."""
        size = 1 << math.ceil(math.log2(256 + 40 * math.sqrt(self.servers)))
        z = np.exp(2j * np.pi * (np.arange(size) + 0.5) / size)
        rest = self.generating(z) - self._residue / (1 - z / self.pole)
        n = np.arange(size)
        smooth = np.fft.fft(rest) / size * np.exp(-1j * np.pi * n / size)
        kept = n[: size // 2]
        return np.maximum(smooth.real[kept] + self._residue * self.pole**-kept, 0)

    @cached_property
    def _residue(self) -> float:
        """The C of Q(z) ~ C / (1 - z / y)."""
        c, a, y = self.servers, self.load, self.pole
        ratios = np.log((y - self.roots) / (1 - self.roots)).sum().real
        return (c - a) * (y - 1) / (a * y - c) * math.exp(ratios - a * (y - 1))

    @cached_property
    def _beyond(self) -> Floats:
        """P(Q > n) for the n of the table."""
        last = 0.0 if self.never_waits else self.table[-1] / (self.pole - 1)
        return np.append(np.cumsum(self.table[:0:-1])[::-1], 0) + last

    def pmf(self, n: NDArray[np.int64]) -> Floats:
        """Return P(Q = n), for each whole n."""
        return self._read(self.table, n, below=0.0)

    def sf(self, n: NDArray[np.int64]) -> Floats:
        """Return P(Q > n), for each whole n."""
        return self._read(self._beyond, n, below=1.0)

    def _read(self, table: Floats, n: NDArray[np.int64], below: float) -> Floats:
        """Return the table at n, continued by its geometric series."""
        last = table.size - 1
        further = np.maximum(n - last, 0)
        ratio = (further == 0) if self.never_waits else self.pole ** -further.astype(float)
        return np.where(n < 0, below, table[np.clip(n, 0, last)] * ratio)

    def mean(self) -> float:
        """Return E[Q] = sum_n P(Q > n)."""
        last = 0.0 if self.never_waits else float(self._beyond[-1]) / (self.pole - 1)
        return float(self._beyond.sum()) + last

    def pairs(self) -> float:
        """Return E[Q (Q - 1)] = 2 sum_n n P(Q > n)."""
        if self.never_waits:
            return 0.0
        last, ratio, size = float(self._beyond[-1]), 1 / self.pole, self._beyond.size
        further = last * ratio / (1 - ratio) * (size - 1 + 1 / (1 - ratio))
        return 2 * (float(self._beyond @ np.arange(size)) + further)

    def plus_poisson(self, n: Floats, mean: Floats, law: str) -> Floats:
        """Return P(Q + Poisson(mean) > n), law "sf", or = n, law "pmf", for each pair."""
        read = self.sf if law == "sf" else self.pmf
        most = float(mean.max(initial=0.0))
        k = np.arange(max(int(most + 12 * math.sqrt(most) + 40), self.servers))
        result = special.gammainc(n + 1, mean) if law == "sf" else np.zeros(n.shape)
        for rows in np.array_split(np.arange(n.size), n.size * k.size // _CHUNK + 1):
            chances = poisson_pmf(*np.broadcast_arrays(k.astype(float), mean[rows, None]))
            others = n[rows, None] - k
            ahead = read(np.clip(others, 0, 1 << 62).astype(np.int64))
            result[rows] += np.where(others >= 0, chances * ahead, 0).sum(axis=1)
        return np.minimum(result, 1)


@dataclass(frozen=True)
class _Wait(Distribution):
    """W in M/D/c."""

    station: MDc
    waiting: "_Waiting"

    def sf(self, t: ArrayLike) -> Floats:
        t = np.asarray(t, dtype=float)
        station = self.station
        within = np.where(np.isnan(t), 0.0, np.clip(t, 0, 1e15 * station.service_time)).ravel()
        services = within / station.service_time
        whole = np.floor(services) + 1
        mean = station.offered_load * (whole - services)
        beyond = self.waiting.plus_poisson(whole * station.servers - 1, mean, "sf")
        late = np.where(np.isnan(t), np.nan, beyond.reshape(t.shape))
        return np.where(t < 0, 1.0, late)[()]

    def mean(self) -> float:
        return self.station.mean_wait

    def var(self) -> float:
        """Return E[Q (Q - 1)] / lambda^2 - Wq^2: Q is the Poisson arrivals of a wait."""
        if self.station.arrival_rate == 0:
            return 0.0
        rate = self.station.arrival_rate
        return max(self.waiting.pairs() / rate / rate - self.mean() ** 2, 0.0)

    def lst(self, s: ArrayLike) -> Complexes:
        """Return E[z^Q] at z = 1 - s / lambda."""
        s = np.asarray(s, dtype=complex)
        if self.station.arrival_rate == 0:
            return np.ones_like(s)
        return self.waiting.generating(np.asarray(1 - s / self.station.arrival_rate))

    def atom(self) -> float:
        return 1 - self.station.wait_probability

    def draw(self, size: int, rng: np.random.Generator) -> Floats:
        return np.asarray(self.ppf(rng.random(size)))


@dataclass(frozen=True)
class _Number(DiscreteDistribution):
    """N in M/D/c; infinite in overload."""

    station: MDc
    waiting: "_Waiting"

    def _ask(self, k: Floats, law: str) -> Floats:
        loads = np.full(k.size, self.station.offered_load)
        return self.waiting.plus_poisson(k.ravel(), loads, law).reshape(k.shape)

    def pmf(self, k: ArrayLike) -> Floats:
        n = np.asarray(k, dtype=np.float64)
        if not self.station.is_stable:
            return np.zeros(n.shape)[()]
        whole = (n >= 0) & (n == np.floor(n))
        return np.where(whole, self._ask(np.where(whole, n, 0), "pmf"), 0.0)[()]

    def sf(self, k: ArrayLike) -> Floats:
        n = np.floor(np.nan_to_num(np.asarray(k, dtype=np.float64)))
        if not self.station.is_stable:
            return np.ones(n.shape)[()]
        return np.where(n < 0, 1.0, self._ask(np.maximum(n, 0), "sf"))[()]

    def mean(self) -> float:
        return self.station.mean_number_in_system

    def var(self) -> float:
        """Return Var Q + a."""
        if not self.station.is_stable:
            return math.inf
        mean = self.waiting.mean()
        return self.waiting.pairs() + mean - mean**2 + self.station.offered_load
