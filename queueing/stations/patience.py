"""The line in front of busy servers, when those who wait lose patience at a rate theta.

Somebody of endless patience, who finds all c servers busy, has to wait for a time V with density

    h(v) / J,   h(v) = exp(lambda (1 - e^(-theta v)) / theta - c mu v),   J = int_0^inf h(v) dv

F. Baccelli and G. Hebuterne, "On queues with impatient customers" (1981); S. Zeltyn and A.
Mandelbaum, "Call centers with impatient customers: many-server asymptotics of the M/M/n + G queue"
(Queueing Systems 51, 2005). What is asked of the line is a mean over V, and a mean of positive
terms keeps its digits at every load and every patience, where the sums of the textbooks cancel or
overflow.
"""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from queueing.erlang import poisson_pmf
from queueing.laws import Distribution

Floats = NDArray[np.float64]
Complexes = NDArray[np.complex128]

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(20)
_DROP = 45.0  # e-folds below its peak where a density is over
_BLOCK = 1000  # rows of nodes worked on at a time
_LONGEST_LINE = 2_000_000
_FOREVER = 1e30  # departures, in which every wait ends
_LEAST = 1e-130  # stands for a rate of 0: so small that it never shows


@dataclass(frozen=True)
class Line:
    """The line of those who wait: `arrival_rate` lambda, `pace` c mu, `patience_rate` theta.

    With theta = 0 lambda must be below c mu. Everything is given that all servers are busy.
    """

    arrival_rate: float
    pace: float
    patience_rate: float

    @property
    def theta(self) -> float:
        """The patience rate, or the least that stands for 0."""
        return self.patience_rate or _LEAST * self.pace

    @property
    def _arriving(self) -> float:
        return max(self.arrival_rate, _LEAST)

    # The virtual wait V

    @cached_property
    def _density(self) -> tuple[float, Floats, Floats]:
        """Where h is highest, nodes v, and h(v) / h(peak) times their weights."""
        peak, v, heights = self._nodes(np.full(1, self.pace), np.zeros(1), np.full(1, np.inf))
        return float(peak[0]), v[0], heights[0]

    @property
    def times(self) -> Floats:
        """The nodes v at which `mean_of` wants its values."""
        return self._density[1]

    def mean_of(self, values: Floats) -> float:
        """Return the mean over V of what has the `values` at the nodes `times`."""
        heights = self._density[2]
        return float(values @ heights / heights.sum())

    @property
    def kept(self) -> float:
        """The probability of being served, E[e^(-theta V)]."""
        return self.mean_of(np.exp(-self.theta * self.times))

    def tail(self, t: Floats) -> Floats:
        """Return P(V > t), for each t >= 0."""
        start, end = np.minimum(t, _FOREVER / self.pace), np.full(t.shape, np.inf)
        return np.minimum(self._share(start, end, self.pace), 1.0)

    def served_within(self, t: Floats, service_rate: float) -> Floats:
        """Return P(V < t, V < patience, t < V + service), for each t >= 0: in service after t.

        int_0^t h(v) / J e^(-theta v) e^(-mu (t - v)) dv
        """
        t = np.minimum(t, _FOREVER / self.pace)
        pace = (self.pace - service_rate) + self.theta
        return self._share(np.zeros(t.shape), t, pace, -service_rate * t)

    def _share(
        self, start: Floats, end: Floats, pace: float, offset: Floats | float = 0.0
    ) -> Floats:
        """Return e^offset int_start^end h(v) e^((c mu - pace) v) dv / J."""
        top, _, heights = self._density
        peak, mass = self._mass(np.full(start.shape, pace), start, end)
        scale = self._log_height(peak, np.full(1, top), self.pace) + offset
        return np.exp(scale + (self.pace - pace) * peak) * mass / heights.sum()

    def _mass(self, pace: Floats, start: Floats, end: Floats) -> tuple[Floats, Floats]:
        """Return the peak of h at this pace, and int_start^end h(v) / h(peak) dv, by the block."""
        peak, mass = np.empty(start.shape), np.empty(start.shape)
        for first in range(0, start.size, _BLOCK):
            rows = slice(first, first + _BLOCK)
            peak[rows], _, heights = self._nodes(pace[rows], start[rows], end[rows])
            mass[rows] = heights.sum(axis=1)
        return peak, mass

    def _nodes(self, pace: Floats, start: Floats, end: Floats) -> tuple[Floats, Floats, Floats]:
        """Return the peak of h at this pace between start and end, nodes, and h / h(peak) * weight.

        Panels shrink towards the peak, where h turns, and are at most 1 / theta wide around it,
        where e^(-theta v) does; a row a start.
        """
        with np.errstate(divide="ignore", over="ignore"):
            summit = (np.log(self._arriving) - np.log(pace)) / self.theta
            peak = np.clip(summit, start, end)
            reach = self._reach(pace, peak, end - start, np.where(peak < end, 1.0, -1.0))
            wide = max(float((reach * self.theta).max(initial=0)), 1.0)
            halves = reach[:, None] * 2.0 ** -np.arange(12 + int(math.log2(wide)))
            ones = np.minimum(np.arange(1, min(wide, 50.0)) / self.theta, reach[:, None])
            distances = np.sort(np.hstack([halves, ones]))[:, ::-1]
            zero = np.zeros((reach.size, 1))
            edges = peak[:, None] + np.hstack([-distances, zero, distances[:, ::-1]])
            edges = np.clip(edges, start[:, None], end[:, None])
            half = np.diff(edges)[..., None] / 2
            v = (edges[:, :-1, None] + half * (1 + _NODES)).reshape(reach.size, -1)
            weights = (half * _WEIGHTS).reshape(reach.size, -1)
            return peak, v, weights * np.exp(self._log_height(v, peak[:, None], pace[:, None]))

    def _reach(self, pace: Floats, peak: Floats, room: Floats, side: Floats) -> Floats:
        """Return how far from its peak h is over, by doubling."""
        reach = np.minimum(1 / (self._arriving + pace), room)
        while True:
            high = self._log_height(peak + side * reach, peak, pace) > -_DROP
            if not (short := high & (reach < room)).any():
                return reach
            reach = np.where(short, np.minimum(2 * reach, room), reach)

    def _log_height(self, v: Floats, base: Floats, pace: Floats | float) -> Floats:
        """Return log h(v) - log h(base), written so that nothing large is subtracted."""
        arriving = self._arriving * np.exp(-self.theta * base)
        bend = _excess(self.theta * (base - v)) / self.theta
        return -arriving * bend - (arriving - pace) * (base - v)

    # The number in line

    @cached_property
    def empty(self) -> float:
        """The probability that nobody waits, 1 / (c mu J)."""
        return float(self._empty_at(np.full(1, self.pace))[0])

    def _empty_at(self, pace: Floats) -> Floats:
        """Return the same for lines of other paces."""
        zero = np.zeros(pace.shape)
        peak, mass = self._mass(pace, zero, np.full(pace.shape, np.inf))
        return np.exp(-self._log_height(peak, zero, pace)) / (pace * mass)

    @property
    def mean_length(self) -> float:
        """The mean number in line: who came within V and has patience left, lambda E[min]."""
        return self.arrival_rate * self.mean_of(self.mean_patience(self.times))

    def mean_patience(self, v: Floats) -> Floats:
        """Return E[min(v, patience)] = (1 - e^(-theta v)) / theta."""
        return -np.expm1(-self.theta * v) / self.theta

    @property
    def variance(self) -> float:
        """The variance of the number in line, Poisson with a random mean lambda E[min(V, ...)]."""
        mean = self.mean_length
        rate = self.arrival_rate * self.mean_patience(self.times)
        return mean + self.mean_of((rate - mean) ** 2)

    def pmf(self, j: Floats) -> Floats:
        """Return P(j wait), for whole j >= 0: proportional to x^j / (y + 1) ... (y + j).

        x = lambda / theta, y = c mu / theta. This is Poisson's law of mean x at y + j.
        """
        x, y = self._ratios
        if not self._is_light:
            return poisson_pmf(y + j, np.full(j.shape, x)) / special.gammainc(y, x)
        return self.empty * np.exp(special.xlogy(j, x / y) - _log_rising(y, j))

    def sf(self, j: Floats) -> Floats:
        """Return P(at least j wait), for whole j >= 0."""
        x, y = self._ratios
        if not self._is_light:
            return special.gammainc(y + j, x) / special.gammainc(y, x)
        flat = j.ravel()
        return (self.pmf(flat) / self._empty_at(self.pace + flat * self.theta)).reshape(j.shape)

    @property
    def _ratios(self) -> tuple[float, float]:
        return self.arrival_rate / self.theta, self.pace / self.theta

    @property
    def _is_light(self) -> bool:
        """Whether Poisson's law of mean x may have vanished at y and beyond."""
        x, y = self._ratios
        return x < 100 or y > x + 10 * math.sqrt(x) + 30

    @cached_property
    def chances(self) -> Floats:
        """P(j wait), j = 0, 1, ... to where it has vanished."""
        length = 64
        while length <= _LONGEST_LINE:
            table = self.pmf(np.arange(length, dtype=float))
            if table[-1] < 1e-20 * table.max() and table[-1] < table[-2]:
                return table / table.sum()
            length *= 2
        raise ValueError(
            f"a line of more than {_LONGEST_LINE} customers is too long to be followed one by one, "
            "as a transform and a draw must: ask for the law itself, or shorten the patience"
        )


def _log_rising(y: float, j: Floats) -> Floats:
    """Return log((1 + 1/y) (1 + 2/y) ... (1 + j/y)), for large y by Stirling's series."""
    if y < 100:
        return special.gammaln(y + j + 1) - special.gammaln(y + 1) - j * math.log(y)
    w, less = j / y, 1 / (y + j)
    stirling = (less - 1 / y) * (1 / 12 - (less**2 + less / y + (1 / y) ** 2) / 360)
    return y * special.xlog1py(1 + w, w) - j + np.log1p(w) / 2 + stirling


def _excess(d: Floats) -> Floats:
    """Return e^d - 1 - d, also where d is small."""
    small = np.clip(d, -0.5, 0.5)
    series = np.zeros_like(small)
    for k in range(16, 1, -1):
        series = (series + 1) * small / k
    return np.where(np.abs(d) < 0.5, series * small, np.expm1(d) - d)


@dataclass(frozen=True)
class VirtualWait(Distribution):
    """V: the wait of somebody of endless patience who finds all servers busy.

    Who finds j in line waits for the departures of c mu, c mu + theta, ..., c mu + j theta. Of
    those who are served, it is the wait in a line of pace c mu + theta.
    """

    line: Line

    def sf(self, t: ArrayLike) -> Floats:
        t = np.asarray(t, dtype=float)
        flat = np.maximum(np.where(np.isnan(t), 0, t), 0).ravel()
        tail = self.line.tail(flat).reshape(t.shape)
        return np.where(np.isnan(t), np.nan, np.where(t <= 0, 1.0, tail))[()]

    def mean(self) -> float:
        return self.line.mean_of(self.line.times)

    def var(self) -> float:
        return self.line.mean_of((self.line.times - self.mean()) ** 2)

    def lst(self, s: ArrayLike) -> Complexes:
        """Return sum_j P(j wait) prod_(i <= j) (c mu + i theta) / (c mu + i theta + s)."""
        s = np.asarray(s, dtype=complex)
        table = self.line.chances
        total, passed = np.zeros_like(s), np.ones_like(s)
        for first in range(0, table.size, 256):
            chances = table[first : first + 256]
            rates = self.line.pace + (first + np.arange(chances.size)) * self.line.patience_rate
            product = passed[..., None] * np.cumprod(rates / (rates + s[..., None]), axis=-1)
            total, passed = total + product @ chances, product[..., -1]
        return total

    def draw(self, size: int, rng: np.random.Generator) -> Floats:
        ahead = rng.choice(self.line.chances.size, size, p=self.line.chances)
        times = np.zeros(size)
        for i in range(ahead.max(initial=-1) + 1):
            behind = np.flatnonzero(ahead >= i)
            rate = self.line.pace + i * self.line.patience_rate
            times[behind] += rng.exponential(1 / rate, behind.size)
        return times


@dataclass(frozen=True)
class CutWait(Distribution):
    """min(V, patience): the wait, served or not, of who finds all servers busy."""

    line: Line

    def sf(self, t: ArrayLike) -> Floats:
        t = np.asarray(t, dtype=float)
        alive = np.exp(-self.line.patience_rate * np.clip(t, 0, _FOREVER / self.line.pace))
        return VirtualWait(self.line).sf(t) * alive

    def mean(self) -> float:
        return self.line.mean_of(self.line.mean_patience(self.line.times))

    def var(self) -> float:
        """Return the variance, with E[min(v, patience)^2] = 2 P(2, theta v) / theta^2."""
        theta = self.line.theta
        square = 2 * special.gammainc(2, theta * self.line.times) / theta**2
        return self.line.mean_of(square) - self.mean() ** 2

    def lst(self, s: ArrayLike) -> Complexes:
        """Return 1 - s (1 - E[e^(-(s + theta) V)]) / (s + theta)."""
        s = np.asarray(s, dtype=complex)
        faster = s + self.line.theta
        return 1 - s * (1 - VirtualWait(self.line).lst(faster)) / faster

    def draw(self, size: int, rng: np.random.Generator) -> Floats:
        patience = rng.exponential(1 / self.line.theta, size)
        return np.minimum(VirtualWait(self.line).draw(size, rng), patience)
