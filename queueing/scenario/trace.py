"""A trace of one's own: when customers came, or how many; its rate, its regularity, its services.

Two questions decide whether theory may be asked: how the rate moves, and whether customers come as
a Poisson process around it. Both are answered from counts in windows: under Poisson their variance
is their mean.
"""

import math
import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from pydantic import Field
from scipy import stats

from queueing import checks
from queueing.scenario.contract import Positive
from queueing.scenario.errors import ScenarioError, Table
from queueing.scenario.trace_files import columns, located, numbers
from queueing.scenario.traffic import Span, TracedTraffic

Floats = NDArray[np.float64]

LEVEL = 0.05  # of the tests: Poisson is doubted where it would look so in fewer cases than this
_MOST_HOURS = 8760.0
_WINDOWS = 100  # of a trace, where nothing else is asked for
_MOST_KNOTS = 10_000  # of a rate: a year by the hour, 54 hours by 20 seconds
_MOST_ROWS = 5_000_000
_EPOCH = 1e8  # seconds, three years: a first arrival later than that is a date
_BAND = float(stats.norm.ppf(1 - LEVEL / 2))
_TIED = 0.01  # share of equal instants above which the clock is too coarse for a test of gaps


class TraceTable(Table):
    """The table of a scenario file that puts a trace in place of the formula."""

    file: Annotated[str, Field(min_length=1, max_length=4000)]
    step_s: Positive | None = None
    horizon_h: Span | None = None
    peak_users: Annotated[float, Field(ge=1, le=1e9)] | None = None
    random_rate: bool = True
    factor_s: Positive | None = None


@dataclass(frozen=True)
class PoissonTest:
    """Whether customers may have come as a Poisson process whose rate moves slowly."""

    method: str
    statistic: float
    p_value: float
    number: int  # of gaps, or of pairs of windows, that were looked at

    @property
    def is_believable(self) -> bool:
        """Whether a Poisson process would often enough look like this."""
        return self.p_value >= LEVEL


@dataclass(frozen=True, kw_only=True, eq=False)
class Trace:
    """Counts of arrivals in windows of `step_s` seconds, with the instants where they are known.

    `instants_s` are sorted and counted from the begin of the observation, which lasts for
    `horizon_s`; `services_s` are service times. Made by `Trace.load`, `of_instants` or `of_counts`.
    """

    step_s: float
    fine_counts: NDArray[np.int64]
    instants_s: Floats | None = None
    services_s: Floats | None = None
    name: str = "trace"

    @classmethod
    def of_instants(
        cls,
        instants_s: ArrayLike,
        *,
        horizon_s: float | None = None,
        services_s: ArrayLike | None = None,
        name: str = "trace",
    ) -> "Trace":
        """Return the trace of arrivals at some instants (seconds, in order, from 0).

        The observation ends at `horizon_s`, or with the last arrival. Raises `ScenarioError` for
        fewer than two arrivals, an instant out of order, and one outside of the observation.
        """
        times = numbers(f"{name}: time", instants_s)
        if times.size < 2:
            raise ScenarioError(f"{name}: a trace needs at least 2 arrivals, got {times.size}")
        if (late := np.flatnonzero(np.diff(times) < 0)).size:
            row = int(late[0]) + 1
            raise ScenarioError(
                f"{name}: row {row + 1} is out of order: {times[row]:g} s follows "
                f"{times[row - 1]:g} s; sort the arrivals"
            )
        if horizon_s is None and times[0] > max(_EPOCH, 10 * (times[-1] - times[0])):
            raise ScenarioError(
                f"{name}: times count from the begin of the observation, got {times[0]:.10g} s for "
                "the first arrival: subtract when you began to watch, or call a column of dates "
                "timestamp"
            )
        end = times[-1] if horizon_s is None else checks.real("horizon_s", horizon_s, above=0)
        if not times[0] >= 0 or times[-1] > end or end == 0:
            raise ScenarioError(
                f"{name}: arrivals must lie between 0 and the end at {end:g} s, "
                f"got {times[0]:g} to {times[-1]:g} s"
            )
        windows = max(min(round(math.sqrt(times.size)) * 8, 10_000), 2)
        counts, _ = np.histogram(times, bins=windows, range=(0.0, end))
        services = None if services_s is None else _services(services_s, times.size, name)
        return cls(
            step_s=end / windows,
            fine_counts=counts,
            instants_s=times,
            services_s=services,
            name=name,
        )

    @classmethod
    def of_counts(cls, counts: ArrayLike, *, step_s: float, name: str = "trace") -> "Trace":
        """Return the trace of counts in windows of `step_s` seconds, one after the other.

        Raises `ScenarioError` for fewer than two windows, nobody at all, and counts that are none.
        """
        values = numbers(f"{name}: count", counts)
        if values.size < 2:
            raise ScenarioError(f"{name}: a trace needs at least 2 windows, got {values.size}")
        wrong = (values < 0) | (values != np.floor(values)) | (values > 2**53)
        if wrong.any():
            row = int(np.flatnonzero(wrong)[0])
            raise ScenarioError(
                f"{name}: row {row + 1}: a count must be a whole number of at least 0, "
                f"got {values[row]:g}"
            )
        if not values.any():
            raise ScenarioError(f"{name}: nobody came: all {values.size} counts are 0")
        step = checks.real("step_s", step_s, above=0)
        return cls(step_s=step, fine_counts=values.astype(np.int64), name=name)

    @classmethod
    def load(cls, source: str | os.PathLike[str], *, horizon_s: float | None = None) -> "Trace":
        """Return a trace that comes with the kit, or one from a .csv or .parquet file.

        A column `time_s` (or `_min`, `_h`, `_d`) holds arrivals, in order; `service_s` may stand
        beside it. Or `start_s` (...) holds begins of windows of one length, and `count` how many
        came. A column `timestamp` holds either as dates (ISO 8601, or Unix time); the observation
        then begins with the first. Raises `ScenarioError` that names the file, the row and what is
        wrong.

        >>> Trace.load("coal-mine-explosions").number
        191
        """
        path = located(source)
        times, counts, services = columns(path)
        if counts is None:
            return cls.of_instants(times, horizon_s=horizon_s, services_s=services, name=path.name)
        return cls.of_counts(counts, step_s=float(times[1] - times[0]), name=path.name)

    @property
    def number(self) -> int:
        """How many came."""
        return int(self.fine_counts.sum())

    @property
    def horizon_s(self) -> float:
        """How long was observed, seconds."""
        return self.step_s * self.fine_counts.size

    @property
    def mean_rate(self) -> float:
        """Arrivals per second, in the mean."""
        return self.number / self.horizon_s

    @property
    def mean_service_s(self) -> float:
        """Mean service time, seconds; nan where the trace has none."""
        return math.nan if self.services_s is None else float(self.services_s.mean())

    @property
    def service_scv(self) -> float:
        """Squared coefficient of variation of the service times; nan where the trace has none."""
        if self.services_s is None:
            return math.nan
        return float(self.services_s.var(ddof=1) / self.services_s.mean() ** 2)

    def counts(self, step_s: float) -> NDArray[np.int64]:
        """Return how many came in each whole window of `step_s` seconds.

        Where only counts are known the window is the nearest multiple of theirs.
        """
        step = checks.real("step_s", step_s, above=0)
        windows = int(self.horizon_s / step * (1 + 1e-12))
        if windows < 2:
            raise ValueError(
                f"step_s must be at most half of the observed {self.horizon_s:g} s, got {step:g}"
            )
        if self.instants_s is not None:
            if windows > _MOST_ROWS:
                raise ValueError(f"step_s = {step:g} makes {windows} windows: take a longer one")
            return np.histogram(self.instants_s, bins=windows, range=(0.0, windows * step))[0]
        each = round(self._window(step) / self.step_s)
        whole = self.fine_counts.size // each * each
        return np.asarray(self.fine_counts[:whole].reshape(-1, each).sum(axis=1))

    def rate(self, step_s: float) -> pd.DataFrame:
        """Return the arrivals per second in windows: rate, low and high by the window's begin (s).

        Between low and high lie the rates that a count does not contradict, 95 %, each for itself
        (F. Garwood, 1936: the exact interval of a Poisson count).
        """
        counts, step = self.counts(step_s), self._window(step_s)
        low = np.where(counts > 0, stats.chi2.ppf(LEVEL / 2, 2 * np.maximum(counts, 1)) / 2, 0.0)
        high = stats.chi2.ppf(1 - LEVEL / 2, 2 * (counts + 1)) / 2
        begins = pd.Index(step * np.arange(counts.size), name="time_s")
        columns = {"rate_per_s": counts / step, "low": low / step, "high": high / step}
        return pd.DataFrame(columns, index=begins)

    def dispersion(self, steps_s: Iterable[float]) -> pd.DataFrame:
        """Return the index of dispersion of counts, variance over mean, by the length of windows.

        Columns: `index` over the whole trace, which a moving rate raises as well; `local`, from
        neighbouring windows, (n1 - n2)^2 / (n1 + n2) in the mean, which it does not; `low` and
        `high`, where `local` lies with 95 % under Poisson. D. R. Cox and P. A. W. Lewis, "The
        Statistical Analysis of Series of Events" (1966).
        """
        rows = {}
        for step in steps_s:
            counts = self.counts(step)
            local, error, _ = _local_dispersion(counts)
            index = counts.var(ddof=1) / counts.mean() if counts.any() else math.nan
            rows[float(step)] = (index, local, 1 - _BAND * error, 1 + _BAND * error)
        columns = ["index", "local", "low", "high"]
        return pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("step_s")

    def poisson_test(self, step_s: float) -> PoissonTest:
        """Return a test of Poisson arrivals whose rate hardly moves within windows of `step_s`.

        With instants: L. Brown, N. Gans, A. Mandelbaum, A. Sakov, H. Shen, S. Zeltyn and L. Zhao,
        "Statistical analysis of a telephone call center" (Journal of the American Statistical
        Association 100, 2005): within a window the logarithms of what is left of it are
        exponential, gap by gap; Kolmogorov and Smirnov's test compares. With counts, or a clock too
        coarse for gaps: pairs of neighbouring windows share their arrivals like fair coins.
        """
        if self.instants_s is not None and np.mean(np.diff(self.instants_s) == 0) <= _TIED:
            gaps = self._exponential_gaps(step_s)
            if gaps.size < 2:
                raise ValueError(f"step_s = {step_s:g} leaves no two gaps: take a longer window")
            found = stats.kstest(gaps, stats.expon.cdf)
            return PoissonTest("gaps within windows", found.statistic, found.pvalue, gaps.size)
        local, error, pairs = _local_dispersion(self.counts(step_s))
        if not error:
            raise ValueError(
                f"step_s = {step_s:g} leaves no pair with two arrivals: take a longer one"
            )
        p_value = 2 * float(stats.norm.sf(abs(local - 1) / error))
        return PoissonTest("pairs of windows", local, p_value, pairs)

    def rate_scv(self, step_s: float) -> float:
        """Return the SCV of a random factor on the rate, new in every window of `step_s`.

        0 under Poisson. From neighbours: E(n1 - n2)^2 - E(n1 + n2) = 2 scv E(n1 n2), not below 0.
        """
        counts = self.counts(step_s)
        first, second = (counts[begin : counts.size // 2 * 2 : 2].astype(float) for begin in (0, 1))
        excess = ((first - second) ** 2 - first - second).sum()
        together = (first * second).sum()
        return max(float(excess / (2 * together)), 0.0) if together else 0.0

    def traffic(
        self,
        *,
        think_time_s: float,
        nominal_response_s: float,
        step_s: float | None = None,
        horizon_h: float | None = None,
        peak_users: float | None = None,
        random_rate: bool = True,
        factor_s: float | None = None,
    ) -> TracedTraffic:
        """Return users whose requests come as the arrivals of this trace did.

        The rate is that in windows of `step_s` of the trace (None: a hundredth of it), linear from
        middle to middle, with as many arrivals. The trace is stretched to `horizon_h` hours and
        scaled to `peak_users` at most, where given. With `random_rate` what varies more than
        Poisson between neighbouring windows of `factor_s` (None: of `step_s`) varies in the run as
        well, by chance. Windows of `step_s` many times as long keep this trace's own chance out of
        the rate, which would otherwise count twice.
        """
        step = self.horizon_s / _WINDOWS if step_s is None else step_s
        counts = self.counts(step).astype(np.float64)
        if counts.size > _MOST_KNOTS:
            raise ScenarioError(
                f"step_s = {step:g} makes {counts.size:,} windows, and a rate for each: at most "
                f"{_MOST_KNOTS:,}, so take at least {self.horizon_s / _MOST_KNOTS:.4g}"
            )
        hours = counts.size * self._window(step) / 3600 if horizon_h is None else horizon_h
        if not 0 < checks.real("horizon_h", hours) <= _MOST_HOURS:
            raise ScenarioError(
                f"horizon_h must be above 0 and at most {_MOST_HOURS:g}, got {hours:g}: "
                "give one, and the trace is stretched to it"
            )
        window = hours / counts.size
        factor = step if factor_s is None else checks.real("factor_s", factor_s, above=0)
        middles = window * (np.arange(counts.size) + 0.5)
        knots = np.concatenate([[0.0], middles, [hours]])
        shape = np.concatenate([counts[:1], counts, counts[-1:]])
        users = shape * counts.sum() / (np.trapezoid(shape, knots) / window)
        users *= (think_time_s + nominal_response_s) / (window * 3600)
        if peak_users is not None:
            users *= checks.real("peak_users", peak_users, above=0) / users.max()
        return TracedTraffic(
            hours=knots,
            levels=users,
            think_time_s=checks.real("think_time_s", think_time_s, above=0),
            nominal_response_s=checks.real("nominal_response_s", nominal_response_s, at_least=0),
            rate_scv=self.rate_scv(factor) if random_rate else 0.0,
            rate_window_h=window * self._window(factor) / self._window(step),
        )

    def _window(self, step_s: float) -> float:
        """Return the length of a window, seconds: whole fine ones where only counts are known."""
        if self.instants_s is not None:
            return step_s
        return max(round(step_s / self.step_s), 1) * self.step_s

    def _exponential_gaps(self, step_s: float) -> Floats:
        """Return what Poisson would make independent exponential gaps of mean 1."""
        assert self.instants_s is not None  # noqa: S101, asked by poisson_test
        step = checks.real("step_s", step_s, above=0)
        window = np.floor(self.instants_s / step)
        whole = window < math.floor(self.horizon_s / step)
        times, window = self.instants_s[whole], window[whole]
        starts = np.flatnonzero(np.diff(window, prepend=-1.0))
        sizes = np.diff(np.append(starts, times.size))
        place = np.arange(times.size) - np.repeat(starts, sizes)  # 0 for a window's first
        left = (window + 1) * step - times
        before = np.where(place == 0, step, np.roll(left, 1))
        remaining = np.repeat(sizes, sizes) - place
        return np.asarray(-remaining * np.log(np.maximum(left, 1e-12 * step) / before))


def _local_dispersion(counts: NDArray[np.int64]) -> tuple[float, float, int]:
    """Return the mean of (n1 - n2)^2 / (n1 + n2) over pairs, its error under Poisson, their number.

    Given n = n1 + n2 > 0 fair coins share it: the mean is 1, the variance 2 - 2 / n.
    """
    first, second = (counts[begin : counts.size // 2 * 2 : 2].astype(float) for begin in (0, 1))
    both = first + second
    seen = both > 0
    if not seen.any():
        return math.nan, 0.0, 0
    pairs = int(seen.sum())
    local = float(((first - second)[seen] ** 2 / both[seen]).mean())
    return local, math.sqrt(float((2 - 2 / both[seen]).sum())) / pairs, pairs


def _services(values: ArrayLike, number: int, name: str) -> Floats:
    times = numbers(f"{name}: service_s", values)
    if times.size != number or times.size < 2:
        raise ScenarioError(f"{name}: {times.size} service times for {number} arrivals")
    if (times < 0).any() or not times.any():
        raise ScenarioError(f"{name}: service times must be at least 0 s, and not all 0")
    return times
