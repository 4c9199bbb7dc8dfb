"""The law of a service, from whatever describes it: one of ours, or a frozen one of scipy.stats."""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.polynomial import legendre
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from queueing.distributions import (
    Distribution,
    Gamma,
    Hypoexponential,
    Lognormal,
    PhaseType,
    Uniform,
    gamma,
    lognormal,
    uniform,
)
from queueing.laws import Constant, Mixture, Sum
from queueing.transforms import Complexes

Floats = NDArray[np.float64]

_CHUNK = 1 << 15  # pairs of a transform's s and a panel, at a time
_DEGREE = 8
_NODES, _WEIGHTS = legendre.leggauss(24)
_FIT, _ = legendre.leggauss(_DEGREE + 1)
_TO_SERIES = np.linalg.inv(legendre.legvander(_FIT, _DEGREE))
_AT_NODES = legendre.legvander(_NODES, _DEGREE).T
# the derivatives of Legendre's polynomials at both ends, a row an order, a column a polynomial
_ENDS = [
    np.array([legendre.legval(end, legendre.legder(np.eye(_DEGREE + 1), k)) for k in range(9)])
    for end in (-1.0, 1.0)
]


def as_law(name: str, service: Any) -> Distribution:
    """Return the law of a service time as a `Distribution` of a finite mean above 0.

    `service` is one already, or a frozen continuous law of `scipy.stats` on times >= 0. Raises
    `ValueError`, which names the parameter, otherwise.

    >>> as_law("service", stats.gamma(2, scale=3)).mean()
    6.0
    """
    law = service if isinstance(service, Distribution) else _of_scipy(name, service)
    if not 0 < law.mean() < math.inf:
        raise ValueError(f"{name} must have a finite mean above 0, got {law.mean()}")
    return law


def _of_scipy(name: str, service: Any) -> Distribution:
    kind = getattr(service, "dist", None)
    continuous = isinstance(kind, stats.rv_continuous)
    if not continuous:
        raise ValueError(
            f"{name} must be a law of queueing.distributions or a frozen continuous one of "
            f"scipy.stats, got {service!r}"
        )
    low, high = map(float, service.support())
    if not low >= 0:
        raise ValueError(f"{name} must be a law of times >= 0, got one that starts at {low}")
    mean, var = float(service.mean()), float(service.var())
    if not math.isfinite(mean):
        raise ValueError(f"{name} must have a finite mean above 0, got {mean}")
    families = {type(stats.lognorm): lognormal}
    families |= {type(each): gamma for each in (stats.expon, stats.gamma, stats.erlang)}
    if isinstance(kind, type(stats.uniform)):
        return uniform(low=low, high=high)
    if type(kind) in families:
        law = families[type(kind)](mean=mean - low, scv=var / (mean - low) ** 2)
    else:
        law = Measured(service, low, high - low)
    return law + low if low > 0 else law


def third_moment(law: Distribution) -> float:  # noqa: PLR0911 - a family, a return
    """Return E[T^3]; `inf` where it is.

    >>> third_moment(gamma(mean=1, scv=1))
    6.0
    """
    match law:
        case Constant():
            return law.value**3
        case Gamma():
            return law.shape * (law.shape + 1) * (law.shape + 2) * law.scale**3
        case Lognormal():
            return math.exp(3 * law.mu + 4.5 * law.sigma**2)
        case Uniform():
            return (law.low + law.high) * (law.low**2 + law.high**2) / 4
        case PhaseType():
            stays = np.linalg.inv(-np.array(law.generator))  # the mean time in each phase
            return float(6 * np.array(law.initial) @ stays @ stays @ stays.sum(axis=1))
        case Mixture():
            return math.fsum(weight * third_moment(part) for weight, part in law.parts)
        case Measured():
            return law.third_moment
        case Hypoexponential():
            first, second = 1 / law.first_rate, 1 / law.second_rate
            return 6 * (first + second) * (first**2 + second**2)
        case Sum():  # third central moments add
            skews = math.fsum(_third_central(part) for part in law.parts)
            return skews + 3 * law.mean() * law.var() + law.mean() ** 3
    raise ValueError(f"the third moment of {law!r} is not known")


def _third_central(law: Distribution) -> float:
    if isinstance(law, Constant):
        return 0.0
    return third_moment(law) - 3 * law.mean() * law.var() - law.mean() ** 3


@dataclass(frozen=True, eq=False)
class Measured(Distribution):
    """A law of scipy.stats less its least time `low`, known by its P(T > t) alone.

    That is fitted by polynomials on panels, halved until they meet it to 1e-12; its transform is
    exact for the fit, and therefore as good.
    """

    law: Any
    low: float
    width: float

    def sf(self, t: ArrayLike) -> Floats:
        t = np.asarray(t, dtype=float)
        with np.errstate(all="ignore"):  # some of scipy's tails trip where they have underflowed
            alive = self.law.sf(np.maximum(t, 0) + self.low)
        alive = np.where(np.isnan(alive) & ~np.isnan(t), 0.0, alive)
        return np.where(t < 0, 1.0, alive)[()]

    def mean(self) -> float:
        return float(self.law.mean()) - self.low

    def var(self) -> float:
        return float(self.law.var())

    def draw(self, size: int, rng: np.random.Generator) -> Floats:
        return np.asarray(self.law.rvs(size, random_state=rng)) - self.low

    @cached_property
    def panels(self) -> tuple[Floats, Floats, Floats]:
        """The left ends, the widths and the series of the panels."""
        ends = self.mean() * 2.0 ** np.arange(-40, 301)
        cubes = (ends / self.mean()) ** 3 * self.sf(ends)
        enough = np.flatnonzero((cubes < 1e-14) & (ends > self.mean()))
        ends = np.append(0.0, ends[: enough[0] + 1] if enough.size else ends)
        ends = np.append(ends[ends < self.width], min(self.width, ends[-1]))
        left, widths, done = ends[:-1], np.diff(ends), []
        for depth in range(40):
            series = self.sf(left[:, None] + widths[:, None] * (_FIT + 1) / 2) @ _TO_SERIES.T
            rough = (np.abs(series[:, -2:]).max(axis=1) > 1e-13) & (widths > 1e-12 * left)
            rough &= depth < 39
            done.append((left[~rough], widths[~rough], series[~rough]))
            left, widths = left[rough], widths[rough] / 2
            left, widths = np.append(left, left + widths), np.append(widths, widths)
        lefts, all_widths, fits = zip(*done, strict=True)
        return np.concatenate(lefts), np.concatenate(all_widths), np.concatenate(fits)

    @cached_property
    def third_moment(self) -> float:
        """3 int t^2 P(T > t) dt, or `inf` where its panels do not fade."""
        left, widths, series = self.panels
        times = left[:, None] + widths[:, None] * (_NODES + 1) / 2
        parts = 1.5 * widths * ((times**2 * (series @ _AT_NODES)) @ _WEIGHTS)
        last = parts[left >= left.max() / 2].sum()
        fades = math.isfinite(self.width) or last < 1e-6 * parts.sum()
        return float(parts.sum()) if fades else math.inf

    def lst(self, s: ArrayLike) -> Complexes:
        """Return 1 - s int e^(-st) P(T > t) dt, panel by panel."""
        s = np.asarray(s, dtype=complex)
        flat = s.ravel()
        parts = np.array_split(flat, flat.size * self.panels[0].size // _CHUNK + 1)
        total = np.concatenate([self._integrals(part) for part in parts])
        return np.asarray(1 - s * total.reshape(s.shape))

    def _integrals(self, s: Complexes) -> Complexes:
        """Return int e^(-st) P(T > t) dt: by quadrature on short panels, by parts on long ones."""
        left, widths, series = self.panels
        here = s.real[:, None] * left < 45
        turn = s[:, None] * widths / 2
        panels = np.where(here, np.exp(-s[:, None] * np.where(here, left, 0)) * widths / 2, 0)
        row, each = np.nonzero(here & (np.abs(turn) < 14))
        values = np.exp(-turn[row, each, None] * (_NODES + 1)) * (series @ _AT_NODES)[each]
        panels[row, each] *= values @ _WEIGHTS
        row, each = np.nonzero(here & (np.abs(turn) >= 14))
        long = turn[row, each]
        powers = long[:, None] ** -np.arange(1.0, _DEGREE + 2)
        first, last = (((series @ ends.T)[each] * powers).sum(axis=1) for ends in _ENDS)
        panels[row, each] *= first - np.exp(-2 * long) * last
        return np.asarray(panels.sum(axis=1))
