"""M/G/1: Poisson arrivals, any service, one server.

The wait is a sum of a geometric number of services left, each with the density P(S > t) / E[S]: F.
Pollaczek (1930), A. Ya. Khinchine (1932). L. Kleinrock, "Queueing Systems, volume 1: Theory"
(1975), chapter 5. The laws come from transforms: J. Abate and W. Whitt, "Numerical inversion of
Laplace transforms of probability distributions" (ORSA Journal on Computing 7, 1995) and of
generating functions (Operations Research Letters 12, 1992). An inversion cannot follow the corner
that a constant part of the service puts into the wait, so the wait of exactly one service left,
which has it, is taken out first.
"""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from queueing import checks
from queueing.distributions import Distribution, Uniform, deterministic, mixture
from queueing.laws import Constant
from queueing.stations.deterministic import MDc
from queueing.stations.phase_times import phase_type
from queueing.stations.phases import MPHc
from queueing.stations.services import as_law, third_moment
from queueing.stations.station import NEVER, DelayStation, DiscreteDistribution
from queueing.transforms import Complexes, tail

Floats = NDArray[np.float64]

_MOST_PHASES = 100
_LEAST_SPARE = 3e-3 * (1 - 1e-12)  # 1 - rho, below which an inversion lacks its six digits
_MOST_CUSTOMERS = 1 << 20
_ALIAS = 1e-10


@dataclass(frozen=True, kw_only=True)
class MG1(DelayStation):
    """M/G/1: Poisson arrivals, any service, one server, first come first served; exact.

    `arrival_rate` lambda >= 0 per second, `service` a law of times of `queueing.distributions` or a
    frozen continuous one of `scipy.stats`, of finite mean; anything else raises `ValueError`.
    Services of infinite variance wait `inf` on average, but have percentiles; with rho >= 1 it
    waits `inf`. For services that are constant or run through at most 100 phases the laws are exact
    at any load, for others they are inverted to six digits for rho <= 0.997 and refused, with
    `ValueError`, beyond.

    >>> from queueing.distributions import lognormal
    >>> line = MG1(arrival_rate=0.8, service=lognormal(mean=1, scv=2))
    >>> round(line.mean_wait, 9), round(float(line.wait.ppf(0.95)), 6)
    (6.0, 22.711114)
    """

    servers: ClassVar[int] = 1  # type: ignore[misc]
    arrival_rate: float
    service: Distribution

    def __post_init__(self) -> None:
        checks.real("arrival_rate", self.arrival_rate, at_least=0)
        object.__setattr__(self, "service", as_law("service", self.service))

    @property
    def mean_service_time(self) -> float:
        """E[S], seconds."""
        return self.service.mean()

    @property
    def wait_probability(self) -> float:
        """The probability that an arrival waits, rho."""
        return self.utilization

    @property
    def mean_wait(self) -> float:
        """Wq = rho / (1 - rho) * E[S^2] / (2 E[S]), seconds."""
        if not self.is_stable:
            return math.inf
        rho = self.traffic_intensity
        return rho / (1 - rho) * _Excess(self.service).mean() if rho else 0.0

    @property
    def wait(self) -> Distribution:
        """The law of the wait."""
        if not self.is_stable:
            return NEVER
        if self.arrival_rate == 0:
            return deterministic(mean=0)
        return self._twin.wait if self._twin else mixture(self._parts)

    @property
    def time_in_system(self) -> Distribution:
        """The law of wait plus service."""
        if not self.is_stable:
            return NEVER
        if self.arrival_rate == 0:
            return self.service
        if self._twin:
            return self._twin.time_in_system
        return mixture(
            [
                (weight * mass, part + law + shift)
                for weight, part in self._parts
                for mass, shift, law in self.service.pieces()
            ]
        )

    @property
    def number_in_system(self) -> DiscreteDistribution:
        """The law of the number present."""
        if self._twin:
            return self._twin.number_in_system
        return _Number(self)

    @cached_property
    def _twin(self) -> MDc | MPHc | None:
        """The station that solves this one at any load, if there is one."""
        rate, service = self.arrival_rate, self.service
        if isinstance(service, Constant):
            return MDc(arrival_rate=rate, service_time=service.value, servers=1)
        phases = phase_type(service)
        if phases is None or phases.atom() > 0 or len(phases.initial) > _MOST_PHASES:
            return None
        return MPHc(arrival_rate=rate, service=phases, servers=1)

    @cached_property
    def _parts(self) -> list[tuple[float, Distribution]]:
        """The wait by the number of services left in it: none, one and more."""
        rho = _checked(self.traffic_intensity)
        return [
            (1 - rho, deterministic(mean=0)),
            *((rho * (1 - rho) * weight, part) for weight, part in _excess_parts(self.service)),
            (rho**2, _TwoOrMore(rho, _Excess(self.service))),
        ]


def _checked(rho: float) -> float:
    """Return the intensity if a law can be inverted there."""
    if 1 - rho < _LEAST_SPARE:
        raise ValueError(
            f"the laws of MG1 are inverted for rho <= {1 - _LEAST_SPARE:.6g}, where the service is "
            f"neither constant nor in phases, got rho = {rho:.9g}; its means are exact"
        )
    return rho


def _excess_parts(service: Distribution) -> list[tuple[float, Distribution]]:
    """Return the law of the service left as a mixture of laws without corners but at their ends."""
    mean, parts = service.mean(), list[tuple[float, Distribution]]()
    for mass, shift, law in service.pieces():
        if shift > 0:
            parts.append((mass * shift / mean, Uniform(0.0, shift)))
        if law.mean() > 0:
            parts.append((mass * law.mean() / mean, _Excess(law) + shift))
    return parts


@dataclass(frozen=True)
class _Excess(Distribution):
    """What is left of a service that an arrival finds: the density P(S > t) / E[S]."""

    service: Distribution

    @property
    def is_closed_form(self) -> bool:
        return False

    def sf(self, t: ArrayLike) -> Floats:
        t = np.asarray(t, dtype=float)
        return tail(self.lst, t.ravel()).reshape(t.shape)[()]

    def mean(self) -> float:
        mean = self.service.mean()
        return mean * (1 + self.service.var() / mean**2) / 2

    def var(self) -> float:
        if math.isinf(self.mean()):
            return math.inf
        return third_moment(self.service) / (3 * self.service.mean()) - self.mean() ** 2

    def lst(self, s: ArrayLike) -> Complexes:
        """Return (1 - E[e^(-sS)]) / (s E[S]), near s = 0 by its first terms."""
        s = np.asarray(s, dtype=complex)
        mean = self.service.mean()
        small = np.abs(s) * mean < 1e-8
        first = 1 - s * (self.mean() if math.isfinite(self.mean()) else 0.0)
        safe = np.where(small, 1 / mean, s)
        return np.where(small, first, (1 - self.service.lst(safe)) / (safe * mean))

    def draw(self, size: int, rng: np.random.Generator) -> Floats:
        return np.asarray(self.ppf(rng.random(size)))


@dataclass(frozen=True)
class _TwoOrMore(Distribution):
    """The wait of those with two or more services left before them: two, and a whole wait."""

    rho: float
    excess: _Excess

    @property
    def is_closed_form(self) -> bool:
        return False

    def sf(self, t: ArrayLike) -> Floats:
        t = np.asarray(t, dtype=float)
        return tail(self.lst, t.ravel()).reshape(t.shape)[()]

    def mean(self) -> float:
        return (2 + self.rho / (1 - self.rho)) * self.excess.mean()

    def var(self) -> float:
        if math.isinf(self.excess.var()):
            return math.inf
        several = self.rho / (1 - self.rho)
        return (2 + several) * self.excess.var() + several * (1 + several) * self.excess.mean() ** 2

    def lst(self, s: ArrayLike) -> Complexes:
        left = self.excess.lst(s)
        return np.asarray(left**2 * (1 - self.rho) / (1 - self.rho * left))

    def draw(self, size: int, rng: np.random.Generator) -> Floats:
        return np.asarray(self.ppf(rng.random(size)))


@dataclass(frozen=True)
class _Number(DiscreteDistribution):
    """N in M/G/1; infinite in overload."""

    station: MG1

    def _inverted(self, k: Floats, *, tails: bool) -> Floats:
        """Return P(N = k) or P(N > k) from their generating functions on a circle.

        (1 - rho) A(z) / (1 - rho E(z)) is that of N, A and E the transforms of the service and of
        what is left of it, at lambda (1 - z).
        """
        if k.max(initial=0) >= _MOST_CUSTOMERS:
            raise ValueError(
                f"the law of the number in MG1 is worked out below {_MOST_CUSTOMERS} customers, "
                f"got {k.max():g}"
            )
        rho, service = _checked(self.station.traffic_intensity), self.station.service
        size = 1 << math.ceil(math.log2(2 * k.max(initial=0) + 256))
        radius = _ALIAS ** (1 / size)
        z = radius * np.exp(2j * np.pi * np.arange(size // 2 + 1) / size)
        s = np.asarray(self.station.arrival_rate * (1 - z))
        values = (1 - rho) * service.lst(s) / (1 - rho * _Excess(service).lst(s))
        if tails:
            values = (1 - values) / (1 - z)
        n = np.arange(size // 2)
        law = np.fft.irfft(values.conj(), size)[: size // 2] / radius**n
        return np.clip(law, 0, 1)[k.astype(int)]

    def pmf(self, k: ArrayLike) -> Floats:
        n = np.asarray(k, dtype=np.float64)
        if not self.station.is_stable:
            return np.zeros(n.shape)[()]
        whole = (n >= 0) & (n == np.floor(n))
        if self.station.arrival_rate == 0:
            return np.where(n == 0, 1.0, 0.0)[()]
        return np.where(whole, self._inverted(np.where(whole, n, 0), tails=False), 0.0)[()]

    def sf(self, k: ArrayLike) -> Floats:
        n = np.floor(np.nan_to_num(np.asarray(k, dtype=np.float64)))
        if not self.station.is_stable:
            return np.ones(n.shape)[()]
        if self.station.arrival_rate == 0:
            return np.where(n < 0, 1.0, 0.0)[()]
        return np.where(n < 0, 1.0, self._inverted(np.maximum(n, 0), tails=True))[()]

    def mean(self) -> float:
        return self.station.mean_number_in_system

    def var(self) -> float:
        """Return lambda^2 Var T + lambda E[T]: N is the Poisson arrivals of a time in system T."""
        station = self.station
        if not station.is_stable or math.isinf(station.mean_wait):
            return math.inf
        rho, left = station.traffic_intensity, _Excess(station.service)
        wait = rho / (1 - rho) * (left.var() + left.mean() ** 2) + station.mean_wait**2
        return station.arrival_rate**2 * (wait + station.service.var()) + self.mean()
