"""Rates that move: what they are at a time, what they add up to, and what they would keep busy.

Every rate lambda(t) here answers `rate(t)`, its integral Lambda(t) = int_0^t lambda and the inverse
of that, by which arrivals are drawn: E. Cinlar, "Introduction to Stochastic Processes" (1975). With
plenty of servers of rate mu its arrivals keep busy

    m(t) = int_0^inf e^(-mu s) lambda(t - s) ds,    m' = lambda - mu m

S. G. Eick, W. A. Massey and W. Whitt, "The physics of the M_t/G/inf queue" (Operations Research 41,
1993). Here too the past counts: before its first point a rate is what it is there.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import integrate
from scipy.optimize import elementwise

from queueing import checks

Floats = NDArray[np.float64]

_SMALL = 0.03  # below, a series has more digits than the formula
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(20)
_LOOKS = 65  # at a rate, for how large it becomes
_NOTHING = 1e-30  # of a level: an error that is none
_MOST_HALVINGS, _SETTLED = 16, 1e-13  # of the panels of an integral, and when it is found


class Rate(ABC):
    """A rate lambda(t) >= 0 of a time t in seconds; called like a function, on arrays too."""

    breaks: tuple[float, ...] = ()  # the times at which it is not smooth

    @abstractmethod
    def __call__(self, t: ArrayLike) -> Floats:
        """Return lambda(t), for each t; at a step the value from the right."""

    @abstractmethod
    def cumulative(self, t: ArrayLike) -> Floats:
        """Return Lambda(t), the integral from 0 to each t; negative before 0."""

    @abstractmethod
    def inverse(self, y: ArrayLike) -> Floats:
        """Return the first t with Lambda(t) >= y, for each y >= 0; `inf` if it is never reached."""

    @abstractmethod
    def offered_load(self, service_rate: float, times: Floats) -> Floats:
        """Return m(t), in Erlang: servers that would be busy if there were plenty."""

    def integral(self, a: ArrayLike, b: ArrayLike) -> Floats:
        """Return the integral of the rate from `a` to `b`, seconds."""
        return self.cumulative(b) - self.cumulative(a)

    def longest_step(self, horizon: float) -> float:  # noqa: ARG002 - what a callable needs
        """Return how far ahead an integrator may look over this rate without missing anything."""
        return math.inf


@dataclass(frozen=True)
class _Piecewise(Rate):
    """A rate given by points (t, value), times in order; it holds its first and last for ever."""

    points: Sequence[tuple[float, float]]

    def __post_init__(self) -> None:
        object.__setattr__(self, "points", _checked(type(self).__name__, self.points))

    @property
    def breaks(self) -> tuple[float, ...]:  # type: ignore[override]
        """The times of the points."""
        return tuple(t for t, _ in self.points)

    def __call__(self, t: ArrayLike) -> Floats:
        return self._value(checks.array("t", t))[()]

    def cumulative(self, t: ArrayLike) -> Floats:
        moments = checks.array("t", t)
        return (self._from_first(moments) - self._from_first(np.zeros(1))[0])[()]

    def inverse(self, y: ArrayLike) -> Floats:
        target = checks.array("y", y, at_least=0) + self._from_first(np.zeros(1))[0]
        sums, times, values = self._sums, self._times, self._values
        piece = np.searchsorted(sums, target, side="left") - 1
        inside = np.maximum(piece, 0)
        left = np.where(piece < 0, values[0], values[inside])
        slope = np.where(piece < 0, 0.0, self._slopes[inside])
        rest = target - sums[inside]
        with np.errstate(divide="ignore", invalid="ignore"):
            root = np.sqrt(np.maximum(left**2 + 2 * slope * rest, 0))
            ahead = np.where(slope == 0, rest / left, 2 * rest / (left + root))
        reached = np.where(rest == 0, times[inside], times[inside] + ahead)
        return np.maximum(np.where(np.isnan(reached), math.inf, reached), 0.0)[()]

    def offered_load(self, service_rate: float, times: Floats) -> Floats:
        loads = [float(self._values[0]) / service_rate]
        for i, (a, b) in enumerate(pairwise(self._times)):
            loads.append(float(self._relaxed(service_rate, loads[-1], i, b - a)))
        piece = np.maximum(np.searchsorted(self._times, times, side="right") - 1, 0)
        elapsed = np.maximum(times - self._times[piece], 0)
        return self._relaxed(service_rate, np.array(loads)[piece], piece, elapsed)

    def _relaxed(self, mu: float, load: Any, piece: Any, elapsed: Any) -> Floats:
        """Return m after a time on a piece: e^(-z) m + tau ((phi1 - phi2) left + phi2 right)."""
        tau = np.asarray(elapsed)
        left = self._values[piece]
        right = left + self._slopes[piece] * tau
        decay, first, second = _relaxation(mu * tau)
        return np.asarray(decay * load + tau * ((first - second) * left + second * right))

    def _value(self, t: Floats) -> Floats:
        piece = np.maximum(np.searchsorted(self._times, t, side="right") - 1, 0)
        return self._values[piece] + self._slopes[piece] * np.maximum(t - self._times[piece], 0)

    def _from_first(self, t: Floats) -> Floats:
        """Return the integral from the first point's time to each t."""
        piece = np.maximum(np.searchsorted(self._times, t, side="right") - 1, 0)
        ahead = t - self._times[piece]
        bend = self._slopes[piece] / 2 * np.maximum(ahead, 0)
        return self._sums[piece] + ahead * (self._values[piece] + bend)

    @cached_property
    def _times(self) -> Floats:
        return np.array([t for t, _ in self.points], dtype=np.float64)

    @cached_property
    def _values(self) -> Floats:
        return np.array([value for _, value in self.points], dtype=np.float64)

    @cached_property
    def _sums(self) -> Floats:
        """The integral from the first point to each."""
        lengths = np.diff(self._times)
        areas = lengths * (self._values[:-1] + self._slopes[:-1] / 2 * lengths)
        return np.append(0.0, np.cumsum(areas))

    @cached_property
    def _slopes(self) -> Floats:
        """The slope behind each point."""
        return np.zeros(len(self.points))


class PiecewiseConstant(_Piecewise):
    """A value that steps: at each time of the points (t, value) it becomes that value.

    The first value holds before its time too, the last one for ever. Times are in seconds and
    increase, values are at least 0; anything else raises `ValueError`.

    >>> shifts = PiecewiseConstant([(0, 3), (3600, 5)])
    >>> shifts([0, 3599.9, 3600, 1e9]).tolist(), float(shifts.integral(0, 7200))
    ([3.0, 3.0, 5.0, 5.0], 28800.0)
    """


class PiecewiseLinear(_Piecewise):
    """A rate that runs straight from point to point (t, rate).

    The first rate holds before its time too, the last one for ever. Times are in seconds and
    increase, rates are at least 0; anything else raises `ValueError`.

    >>> ramp = PiecewiseLinear([(0, 1), (10, 3)])
    >>> ramp([0, 5, 99]).tolist(), float(ramp.cumulative(10)), float(ramp.inverse(20))
    ([1.0, 2.0, 3.0], 20.0, 10.0)
    """

    @cached_property
    def _slopes(self) -> Floats:
        return np.append(np.diff(self._values) / np.diff(self._times), 0.0)


@dataclass(frozen=True, kw_only=True)
class Sinusoid(Rate):
    """A rate that swings: mean + amplitude sin(2 pi t / period).

    `mean` and `amplitude` are per second, 0 <= amplitude <= mean, `period` > 0 is in seconds;
    anything else raises `ValueError`. It has swung for ever: m(t) is Eick, Massey and Whitt's
    (1993), with w = 2 pi / period

        m(t) = mean / mu + amplitude (mu sin wt - w cos wt) / (mu^2 + w^2)

    >>> day = Sinusoid(mean=10, amplitude=5, period=86400)
    >>> float(day(21600)), round(float(day.integral(0, 86400)))
    (15.0, 864000)
    """

    mean: float
    amplitude: float
    period: float

    def __post_init__(self) -> None:
        checks.real("mean", self.mean, at_least=0)
        checks.real("amplitude", self.amplitude, at_least=0)
        checks.real("period", self.period, above=0)
        if self.amplitude > self.mean:
            raise ValueError(
                f"amplitude must be at most mean, or the rate falls below 0: got {self.amplitude!r}"
                f" around {self.mean!r}"
            )

    def __call__(self, t: ArrayLike) -> Floats:
        swing = np.sin(self._speed * checks.array("t", t))
        return np.maximum(self.mean + self.amplitude * swing, 0.0)[()]

    def cumulative(self, t: ArrayLike) -> Floats:
        moments = checks.array("t", t)
        bend = 2 * np.sin(self._speed * moments / 2) ** 2 / self._speed  # 1 - cos, near 0 too
        return (self.mean * moments + self.amplitude * bend)[()]

    def inverse(self, y: ArrayLike) -> Floats:
        target = np.asarray(checks.array("y", y, at_least=0))
        if self.mean == 0:
            return np.where(target > 0, math.inf, 0.0)[()]
        high = target / self.mean * (1 + 1e-12) + 1e-300
        low = np.maximum(target - 2 * self.amplitude / self._speed, 0) / self.mean * (1 - 1e-12)
        root = elementwise.find_root(
            lambda t, goal: self.cumulative(t) - goal,
            (low, high),
            args=(target,),
            tolerances={"xrtol": 1e-15, "xatol": 0.0},
        )
        return np.where(target == 0, 0.0, root.x)[()]

    def offered_load(self, service_rate: float, times: Floats) -> Floats:
        angle = math.atan2(self._speed, service_rate)  # the load lags behind the rate
        pace = math.hypot(service_rate, self._speed)
        swing = self.amplitude / pace * np.sin(self._speed * times - angle)
        return np.maximum(self.mean / service_rate + swing, 0.0)

    @property
    def _speed(self) -> float:
        return 2 * math.pi / self.period


@dataclass(frozen=True)
class Function(Rate):
    """Any callable as a rate, looked at from 0 on; before that it is taken as what it is at 0."""

    function: Callable[[Floats], ArrayLike]

    def __call__(self, t: ArrayLike) -> Floats:
        moments = np.asarray(t, dtype=np.float64)
        try:
            values = np.asarray(self.function(moments), dtype=np.float64)
            values = np.broadcast_to(values, moments.shape)
        except (TypeError, ValueError):  # it knows single times only
            each = [float(np.asarray(self.function(x))) for x in moments.ravel().tolist()]  # type: ignore[arg-type]
            values = np.reshape(each, moments.shape)
        wrong = ~(np.isfinite(values) & (values >= 0))
        if wrong.any():
            raise ValueError(
                "arrival_rate must return finite numbers of at least 0, got "
                f"{values[wrong].flat[0]:g} at t = {moments[wrong].flat[0]:g}"
            )
        return values[()]

    def cumulative(self, t: ArrayLike) -> Floats:
        moments = checks.array("t", t)
        return np.reshape([self._area(0.0, x) for x in moments.ravel()], moments.shape)[()]

    def integral(self, a: ArrayLike, b: ArrayLike) -> Floats:
        low, high = np.broadcast_arrays(checks.array("a", a), checks.array("b", b))
        pairs = zip(low.ravel(), high.ravel(), strict=True)
        return np.reshape([self._area(x, y) for x, y in pairs], low.shape)[()]

    def _area(self, a: float, b: float) -> float:
        """Return the integral by Gauss's rule, on ever more panels until it stays."""
        area = math.nan
        for panels in 2 ** np.arange(_MOST_HALVINGS):
            edges = np.linspace(a, b, int(panels) + 1)
            half = (b - a) / (2 * panels)
            middles = (edges[:-1] + half)[:, np.newaxis]
            before, area = area, half * float((self(middles + half * _NODES) @ _WEIGHTS).sum())
            if abs(area - before) <= _SETTLED * abs(area):
                break
        return area

    def inverse(self, y: ArrayLike) -> Floats:
        raise ValueError(f"the inverse of a callable's integral is not known, asked at {y!r}")

    def offered_load(self, service_rate: float, times: Floats) -> Floats:
        start = float(self(0.0)) / service_rate
        return followed(lambda t, m: self(t) - service_rate * m, start, times, (self,))

    def longest_step(self, horizon: float) -> float:
        return horizon / 64


def as_rate(name: str, rate: object) -> Rate:
    """Return a number, a rate or a callable as a `Rate`, or raise `ValueError`."""
    if isinstance(rate, Rate):
        return rate
    if callable(rate):
        return Function(rate)
    return PiecewiseConstant([(0.0, checks.real(name, rate, at_least=0))])  # type: ignore[arg-type]


def stops_between(
    start: float, end: float, *rates: Rate, turns: Iterable[float] = ()
) -> list[float]:
    """Return the times at which an integrator starts anew: both ends, the breaks and `turns`."""
    breaks = {*turns, *(t for rate in rates for t in rate.breaks)}
    return sorted({start, end, *(t for t in breaks if start < t < end)})


def followed(
    slope: Callable[[float, Floats], ArrayLike],
    start: float,
    times: Floats,
    rates: tuple[Rate, ...],
    *,
    turns: Iterable[float] = (),
    most: float = math.inf,
) -> Floats:
    """Return x at each of the `times`, of x' = slope(t, x) with x(0) = `start`, cut at `most`.

    The integrator starts anew at every break of the `rates` and at the `turns`.
    """
    moments, back = np.unique(times, return_inverse=True)
    horizon = float(times.max(initial=0.0))
    result = np.full(moments.shape, float(start))
    level = np.array([float(start)])
    fed = np.max([slope(t, np.zeros(1)) for t in np.linspace(0.0, horizon, _LOOKS)])
    least = max(start, min(1.0, float(fed) * horizon), _NOTHING)  # how large x is, at least
    for a, b in pairwise(stops_between(0.0, horizon, *rates, turns=turns)):
        inside = (moments > a) & (moments <= b)
        just_before = np.nextafter(b, a)  # a step belongs to what comes after it
        solution = integrate.solve_ivp(
            lambda t, x, last=just_before: slope(min(t, last), x),
            (a, b),
            level,
            method="LSODA",
            t_eval=np.union1d(moments[inside], [b]),
            rtol=1e-10,
            atol=1e-12 * least,
            max_step=min(rate.longest_step(horizon) for rate in rates),
        )
        result[inside] = np.minimum(solution.y[0][: inside.sum()], most)
        level = np.minimum(solution.y[:, -1], most)
    return np.maximum(result, 0.0)[back]


def _relaxation(z: Floats) -> tuple[Floats, Floats, Floats]:
    """Return e^(-z), phi1 = (1 - e^(-z)) / z and phi2 = (1 - phi1) / z, for z >= 0."""
    safe = np.where(z < _SMALL, 1.0, z)
    first = np.where(z < _SMALL, _series(z, 1), -np.expm1(-safe) / safe)
    second = np.where(z < _SMALL, _series(z, 2), (1 - first) / safe)
    return np.exp(-np.minimum(z, 700)), first, second


def _series(z: Floats, k: int) -> Floats:
    """Return phi_k(z) = sum_j (-z)^j / (j + k)!, for small z."""
    return np.asarray(sum((-z) ** j / math.factorial(j + k) for j in range(9)))


def _checked(name: str, points: object) -> tuple[tuple[float, float], ...]:
    """Return the points of a piecewise rate as pairs of floats, or say what is wrong with them."""
    try:
        pairs = [(t, value) for t, value in points]  # type: ignore[attr-defined]
    except (TypeError, ValueError):
        raise ValueError(f"{name} takes points [(t, value), ...], got {points!r}") from None
    if not pairs:
        raise ValueError(f"{name} takes at least one point (t, value), got none")
    result: list[tuple[float, float]] = []
    for i, (t, value) in enumerate(pairs):
        where = f"{name}'s point {i}, ({t!r}, {value!r}):"
        moment = checks.real(f"{where} the time", t)
        level = checks.real(f"{where} the value", value, at_least=0)
        if result and moment <= result[-1][0]:
            raise ValueError(
                f"{where} times must increase, but the point before is at {result[-1][0]:g}"
            )
        result.append((moment, level))
    return tuple(result)
