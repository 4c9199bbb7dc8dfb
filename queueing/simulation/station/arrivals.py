"""When customers come, block after block: renewals, and Poisson processes whose rate moves."""

# ruff: noqa: PLR0917 - compiled functions know no keywords

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from queueing.distributions import exponential
from queueing.simulation.engine.compiled import entry_point
from queueing.simulation.station.streams import Stream, stream_seed

Floats = NDArray[np.float64]

_WINDOWS = 2048  # of a horizon, each with a bound of its own
_LOOKS = 8  # at a rate in a window
_MARGIN = 1.1  # the bound above the highest rate seen there and next door
_LEAST = 0.02  # and at least this share of the highest of all, so that points look everywhere


class Arrivals(Protocol):
    """A source of moments in order, `inf` where nobody comes any more."""

    def draw(self, size: int) -> Floats:
        """Return the next moments: at most `size`, perhaps none."""


class Renewals:
    """Arrivals whose distances are independent and follow one law."""

    def __init__(self, gaps: Any, seed: np.random.SeedSequence) -> None:
        self._stream, self._last = Stream(gaps, seed), 0.0

    def draw(self, size: int) -> Floats:
        moments = self._stream.draw_moments(size, self._last)
        self._last = float(moments[-1])
        return moments


class Inverted:
    """A Poisson process by inversion: Lambda(t_n) are the points of a process of rate 1.

    E. Cinlar, "Introduction to Stochastic Processes" (1975). Exact also behind a long gap.
    """

    def __init__(self, rate: Any, seed: np.random.SeedSequence) -> None:
        self._rate, self._points = rate, Renewals(exponential(mean=1), seed)

    def draw(self, size: int) -> Floats:
        return np.atleast_1d(self._rate.inverse(self._points.draw(size)))


@dataclass(frozen=True, kw_only=True, eq=False)
class Bounded:
    """A rate with a bound for each window of a horizon; what cannot be inverted is drawn by it."""

    rate: Any
    borders: Floats  # of the windows, seconds
    bounds: Floats

    @property
    def sums(self) -> Floats:
        """The bounds' integral up to each border."""
        return np.append(0.0, np.cumsum(self.bounds * np.diff(self.borders)))

    def cumulative(self, _horizon: float) -> float:
        """Return how many points may come."""
        return float(self.sums[-1])


class Thinned:
    """A Poisson process by thinning: points of the bounds' process, each kept with rate / bound.

    P. A. W. Lewis and G. S. Shedler, "Simulation of nonhomogeneous Poisson processes by thinning"
    (Naval Research Logistics Quarterly 26, 1979). Every point tests its bound; a rate above it
    raises `ValueError`.
    """

    def __init__(self, bounded: Bounded, seed: np.random.SeedSequence) -> None:
        self._bounded, self._sums, self._place = bounded, bounded.sums, 0
        self._points = Renewals(exponential(mean=1), stream_seed(seed, 0))
        self._rng = np.random.Generator(np.random.SFC64(stream_seed(seed, 1)))

    def draw(self, size: int) -> Floats:
        given = self._bounded
        moments = self._points.draw(size)
        bounds = np.empty(size)
        self._place = follow(moments, bounds, self._place, given.borders, given.bounds, self._sums)
        over = moments == np.inf
        rates = np.where(over, 0.0, values(given.rate, np.where(over, 0.0, moments)))
        if (rates > bounds * (1 + 1e-12)).any():
            worst = int(np.argmax(rates - bounds))
            raise ValueError(
                f"the arrival rate is {rates[worst]:g} at t = {moments[worst]:g}, above "
                f"{bounds[worst]:g}, its bound by what was seen around: give it as "
                "PiecewiseLinear or PiecewiseConstant, whose jumps are known"
            )
        return moments[over | (self._rng.random(size) * bounds < rates)]


@entry_point
def follow(
    points: Floats, bounds: Floats, place: int, borders: Floats, heights: Floats, sums: Floats
) -> int:
    """Turn points of a process of rate 1 into those of a rate of steps, `inf` behind the last.

    Writes the step's height too, and returns the step where the next point is looked for.
    """
    for number in range(points.size):
        need = points[number]
        while place < heights.size and sums[place + 1] < need:
            place += 1
        if place == heights.size:
            points[number], bounds[number] = np.inf, np.inf
        else:
            bounds[number] = heights[place]
            points[number] = borders[place] + (need - sums[place]) / heights[place]
    return place


def bounded(rate: Any, horizon: float) -> Any:
    """Return a rate of which arrivals can be drawn: as it is, or with bounds for thinning.

    Rates of `points` are inverted. Sinusoids have bounds that are sure; other functions' bounds
    come from looking at them closely, and are tested at every point drawn.
    """
    if hasattr(rate, "points") and hasattr(rate, "inverse"):
        return rate
    borders = np.linspace(0.0, horizon, _WINDOWS + 1)
    width = horizon / _WINDOWS
    if hasattr(rate, "amplitude"):  # between two looks it gains at most half a width of its slope
        ends = values(rate, borders)
        slope = 2 * np.pi / rate.period * rate.amplitude
        bounds = np.maximum(ends[:-1], ends[1:]) + slope * width / 2
        return Bounded(
            rate=rate,
            borders=borders,
            bounds=np.minimum(bounds, rate.mean + rate.amplitude) + 1e-300,
        )
    looks = np.arange(_WINDOWS * _LOOKS) * (width / _LOOKS)
    seen = values(rate, looks).reshape(_WINDOWS, _LOOKS).max(axis=1)
    around = np.maximum(seen, np.maximum(np.append(seen[1:], 0.0), np.append(0.0, seen[:-1])))
    bounds = np.maximum(_MARGIN * around, _LEAST * seen.max()) + 1e-300
    return Bounded(rate=rate, borders=borders, bounds=bounds)


def values(rate: Any, times: NDArray[Any]) -> Floats:
    """Return a rate at each time; raises `ValueError` where it is none."""
    try:
        rates = np.broadcast_to(np.asarray(rate(times), dtype=np.float64), times.shape)
    except (TypeError, ValueError):  # it knows single times only
        rates = np.array([float(rate(time)) for time in times.tolist()])
    wrong = ~(np.isfinite(rates) & (rates >= 0))
    if wrong.any():
        raise ValueError(
            "arrival_rate must be a finite number of at least 0 at all times, got "
            f"{rates[wrong][0]:g} at t = {times[wrong][0]:g}"
        )
    return rates


def moving(rate: Any, seed: np.random.SeedSequence) -> Arrivals:
    """Return a Poisson process of a rate that has passed `bounded`."""
    return Thinned(rate, seed) if isinstance(rate, Bounded) else Inverted(rate, seed)
