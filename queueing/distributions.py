"""The laws of times that have a name: exponential, Erlang, gamma, lognormal and their kin.

Every law answers `cdf(t) sf(t) ppf(p) mean() var() scv() rvs(size, random_state) lst(s)` in the
manner of `scipy.stats`; `a + b` is the law of the sum of two independent times and `mixture`
follows one of several. Times are in seconds, or in any one unit. Laws are frozen values.
"""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import cast

import numpy as np
from numpy.polynomial import polynomial
from numpy.typing import ArrayLike
from scipy import linalg, special

from queueing import checks
from queueing.laws import Distribution, Piece, deterministic, mixture
from queueing.transforms import Complexes, Floats

__all__ = [
    "Distribution",
    "PhaseType",
    "deterministic",
    "erlang",
    "exponential",
    "gamma",
    "hyperexponential",
    "hypoexponential",
    "lognormal",
    "mixture",
    "uniform",
]


def exponential(*, mean: float) -> Distribution:
    """Return the exponential law, P(T > t) = e^(-t/mean), of `mean` > 0. Raises `ValueError`.

    >>> round(float(exponential(mean=2).ppf(0.95)), 4)
    5.9915
    """
    return gamma(mean=mean, scv=1.0)


def erlang(*, mean: float, shape: int) -> Distribution:
    """Return Erlang's law: `shape` exponential stages of `mean` > 0 together. Raises `ValueError`.

    >>> round(erlang(mean=2, shape=4).scv(), 6)
    0.25
    """
    return gamma(mean=mean, scv=1 / checks.whole("shape", shape))


def gamma(*, mean: float, scv: float) -> Distribution:
    """Return the gamma law of `mean` > 0 and `scv` > 0. Raises `ValueError`.

    >>> round(float(gamma(mean=85, scv=0.6).ppf(0.95)), 2)
    213.82
    """
    mean, scv = checks.real("mean", mean, above=0), checks.real("scv", scv, above=0)
    return Gamma(shape=1 / scv, scale=mean * scv)


def hyperexponential(*, mean: float, scv: float) -> Distribution:
    """Return the mixture of two exponentials with balanced means: p1 / mu1 = p2 / mu2.

    p = (1 +- sqrt((scv - 1) / (scv + 1))) / 2. `mean` > 0, `scv` >= 1; raises `ValueError`.

    >>> round(hyperexponential(mean=3, scv=4).scv(), 9)
    4.0
    """
    mean, scv = checks.real("mean", mean, above=0), checks.real("scv", scv, at_least=1)
    root = math.sqrt((scv - 1) / (scv + 1))
    p, q = (1 + root) / 2, 1 / ((1 + root) * (scv + 1))  # 1 - p would lose the digits of a small q
    return mixture([(p, exponential(mean=mean / (2 * p))), (q, exponential(mean=mean / (2 * q)))])


def lognormal(*, mean: float, scv: float) -> Distribution:
    """Return the lognormal law of `mean` > 0 and `scv` > 0. Raises `ValueError`.

    >>> round(float(lognormal(mean=0.8, scv=2.0).ppf(0.95)), 4)
    2.5898
    """
    mean, scv = checks.real("mean", mean, above=0), checks.real("scv", scv, above=0)
    sigma = math.sqrt(math.log1p(scv))
    return Lognormal(mu=math.log(mean) - sigma**2 / 2, sigma=sigma)


def uniform(*, low: float, high: float) -> Distribution:
    """Return the uniform law between `low` >= 0 and `high` > `low`. Raises `ValueError`.

    >>> float(uniform(low=0, high=30).mean())
    15.0
    """
    low = checks.real("low", low, at_least=0)
    return Uniform(low, checks.real("high", high, above=low))


def hypoexponential(*, first_rate: float, second_rate: float) -> Distribution:
    """Return the law of the sum of two exponential times, of rates > 0. Raises `ValueError`.

    >>> round(float(hypoexponential(first_rate=1, second_rate=1).sf(2.0)), 6)  # 3 e^-2
    0.406006
    """
    return Hypoexponential(
        checks.real("first_rate", first_rate, above=0),
        checks.real("second_rate", second_rate, above=0),
    )


@dataclass(frozen=True)
class Gamma(Distribution):
    """The gamma law; with shape 1 the exponential, with a whole shape Erlang's."""

    shape: float
    scale: float

    def sf(self, t: ArrayLike) -> Floats:
        return special.gammaincc(
            self.shape, np.maximum(np.asarray(t, dtype=float), 0) / self.scale
        )[()]

    def mean(self) -> float:
        return self.shape * self.scale

    def var(self) -> float:
        return self.shape * self.scale**2

    def lst(self, s: ArrayLike) -> Complexes:
        return cast(Complexes, (1 + self.scale * np.asarray(s, dtype=complex)) ** -self.shape)

    def draw(self, size: int, rng: np.random.Generator) -> Floats:
        return rng.gamma(self.shape, self.scale, size)


@dataclass(frozen=True)
class Hypoexponential(Distribution):
    """The sum of two independent exponential times, of any two rates, equal ones included."""

    first_rate: float
    second_rate: float

    def sf(self, t: ArrayLike) -> Floats:
        t = np.maximum(np.asarray(t, dtype=float), 0)
        slow, fast = sorted((self.first_rate, self.second_rate))
        t = np.minimum(t, 800 / slow)  # where the tail has underflowed
        return (
            np.exp(-fast * t) + fast * t * np.exp(-slow * t) * special.exprel(-(fast - slow) * t)
        )[()]

    def mean(self) -> float:
        return 1 / self.first_rate + 1 / self.second_rate

    def var(self) -> float:
        return self.first_rate**-2 + self.second_rate**-2

    def lst(self, s: ArrayLike) -> Complexes:
        s = np.asarray(s, dtype=complex)
        both = (1 + s / self.first_rate) * (1 + s / self.second_rate)
        return cast(Complexes, 1 / both)

    def draw(self, size: int, rng: np.random.Generator) -> Floats:
        return rng.exponential(1 / self.first_rate, size) + rng.exponential(
            1 / self.second_rate, size
        )


@dataclass(frozen=True)
class Lognormal(Distribution):
    """The law of e^(mu + sigma Z), Z standard normal."""

    mu: float
    sigma: float

    def sf(self, t: ArrayLike) -> Floats:
        with np.errstate(divide="ignore"):
            log_time = np.log(np.maximum(np.asarray(t, dtype=float), 0))
        return special.ndtr((self.mu - log_time) / self.sigma)[()]

    def mean(self) -> float:
        return math.exp(self.mu + self.sigma**2 / 2)

    def var(self) -> float:
        return math.expm1(self.sigma**2) * self.mean() ** 2

    def lst(self, s: ArrayLike) -> Complexes:
        """Return E[e^(-sT)] as an integral over Z moved into the complex plane, z - i psi / sigma.

        There s T turns by the angle -psi, towards the positive reals, where e^(-sT) does not
        oscillate; psi stops where the factor e^(psi^2 / 2 sigma^2) would cost more than a
        digit or two. The integrand is analytic, so the trapezoidal rule converges geometrically;
        on its even steps e^(i z psi / sigma) is a power, and the sum a polynomial.
        """
        s = np.asarray(s, dtype=complex)
        flat = s.ravel()
        psi = np.clip(np.angle(flat), -2.5 * self.sigma, 2.5 * self.sigma)
        step = 1 / (4 * max(1.0, self.sigma))
        z = np.arange(-math.ceil(8.5 / step), math.ceil(8.5 / step) + 1)[:, None] * step
        times, turned = np.exp(self.mu + self.sigma * z), flat * np.exp(-1j * psi)
        terms = np.exp((psi / self.sigma) ** 2 / 2 - z**2 / 2 - times * turned.real)
        if self.sigma < math.pi / 5:  # psi stops before all angles are turned
            terms = terms * np.exp(-1j * times * turned.imag)
        power = np.exp(1j * step * psi / self.sigma)
        total = polynomial.polyval(power, terms, tensor=False) * power ** (z.size // -2 + 1)
        return cast(Complexes, (total * step / math.sqrt(2 * math.pi)).reshape(s.shape))

    def draw(self, size: int, rng: np.random.Generator) -> Floats:
        return rng.lognormal(self.mu, self.sigma, size)


@dataclass(frozen=True)
class Uniform(Distribution):
    """The uniform law between two times."""

    low: float
    high: float

    def sf(self, t: ArrayLike) -> Floats:
        return np.clip((self.high - np.asarray(t, dtype=float)) / (self.high - self.low), 0, 1)[()]

    def mean(self) -> float:
        return (self.low + self.high) / 2

    def var(self) -> float:
        return (self.high - self.low) ** 2 / 12

    def lst(self, s: ArrayLike) -> Complexes:
        s = np.asarray(s, dtype=complex)
        x = s * (self.high - self.low)
        near_zero = np.abs(x) < 1e-8
        ratio = np.where(near_zero, 1 - x / 2, -np.expm1(-x) / np.where(near_zero, 1, x))
        return cast(Complexes, np.exp(-s * self.low) * ratio)

    def pieces(self) -> list[Piece]:
        return [Piece(1.0, self.low, Uniform(0.0, self.high - self.low))]

    def draw(self, size: int, rng: np.random.Generator) -> Floats:
        return rng.uniform(self.low, self.high, size)


@dataclass(frozen=True)
class PhaseType(Distribution):
    """The time until a Markov chain leaves its transient phases.

    `initial` holds the probability of starting in each phase (what is missing to 1 is a time of 0)
    and `generator` the rates among the phases, the sub-generator: P(T > t) = initial e^(generator
    t) 1. M. F. Neuts, "Matrix-Geometric Solutions in Stochastic Models" (1981). Raises `ValueError`
    where the two are no such chain.

    >>> erlang_2 = PhaseType(initial=[1, 0], generator=[[-2, 2], [0, -2]])
    >>> round(erlang_2.mean(), 9), round(erlang_2.scv(), 9)
    (1.0, 0.5)
    """

    initial: tuple[float, ...]
    generator: tuple[tuple[float, ...], ...]

    def __init__(self, *, initial: ArrayLike, generator: ArrayLike) -> None:
        start = np.atleast_1d(checks.array("initial", initial, at_least=0))
        rates = np.atleast_2d(checks.array("generator", generator))
        if start.ndim != 1 or start.size == 0 or start.sum() > 1 + 1e-12:
            raise ValueError(
                f"initial must be a row of probabilities that sum to at most 1, got {initial!r}"
            )
        if rates.shape != (start.size, start.size):
            raise ValueError(
                f"generator must be {start.size} x {start.size}, as initial is, got {rates.shape}"
            )
        off_diagonal = rates - np.diag(np.diag(rates))
        if (off_diagonal < 0).any() or (rates.sum(axis=1) > 1e-12 * np.abs(rates).max()).any():
            raise ValueError(
                "generator must have rates >= 0 off its diagonal and rows that sum to at most 0"
            )
        if np.linalg.matrix_rank(rates) < start.size:
            raise ValueError(
                "generator must let the chain leave every phase in the end, but it is singular"
            )
        object.__setattr__(self, "initial", tuple(start.tolist()))
        object.__setattr__(self, "generator", tuple(map(tuple, rates.tolist())))

    @cached_property
    def _chain(self) -> tuple[Floats, Floats]:
        return np.array(self.initial), np.array(self.generator)

    def sf(self, t: ArrayLike) -> Floats:
        t = np.asarray(t, dtype=float)
        start, rates = self._chain
        flat = np.clip(
            t.ravel(), 0, 800 / -np.linalg.eigvals(rates).real.max()
        )  # where the tail has underflowed
        alive = (start @ linalg.expm(rates * flat[:, None, None])).sum(axis=-1)
        return np.where(t < 0, 1.0, np.clip(alive.reshape(t.shape), 0, 1))[()]

    def mean(self) -> float:
        return self._moment(1)

    def var(self) -> float:
        return 2 * self._moment(2) - self._moment(1) ** 2

    def _moment(self, order: int) -> float:
        """Return E[T^k] / k!, that is initial (-generator)^(-k) 1."""
        start, rates = self._chain
        return float(start @ np.linalg.matrix_power(np.linalg.inv(-rates), order).sum(axis=1))

    def lst(self, s: ArrayLike) -> Complexes:
        start, rates = self._chain
        s = np.asarray(s, dtype=complex)[..., None, None]
        leaving = -rates.sum(axis=1)[:, None]
        later = start @ np.linalg.solve(s * np.eye(start.size) - rates, leaving)
        return cast(Complexes, self.atom() + later[..., 0])

    def atom(self) -> float:
        return max(0.0, 1 - math.fsum(self.initial))

    def draw(self, size: int, rng: np.random.Generator) -> Floats:
        start, rates = self._chain
        count = start.size
        holding = -np.diag(rates)
        jumps = (
            np.column_stack([(rates - np.diag(np.diag(rates))), -rates.sum(axis=1)])
            / holding[:, None]
        )
        phase = rng.choice(
            count + 1, size, p=np.append(start, max(1 - start.sum(), 0)) / max(start.sum(), 1)
        )
        times = np.zeros(size)
        while (alive := np.flatnonzero(phase < count)).size:
            now = phase[alive]
            times[alive] += rng.exponential(1 / holding[now])
            ladder = np.cumsum(jumps[now], axis=1)
            phase[alive] = (rng.random(alive.size)[:, None] > ladder[:, :-1]).sum(axis=1)
        return times
