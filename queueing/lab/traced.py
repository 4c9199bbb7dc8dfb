"""Is Poisson believable? A trace drawn: its rate by time, its variance by length of windows.

Under Poisson the variance of counts is their mean. What is compared are neighbouring windows: their
difference does not see a rate that moves slowly, and sees one that jumps from window to window.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import pandas as pd

from queueing.lab import words
from queueing.lab.figures import headline
from queueing.lab.palette import BLUE, GREY, VERMILLION
from queueing.lab.paper import Paper
from queueing.lab.picture import Picture
from queueing.scenario import ScenarioError, Trace

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    Ax = TypeVar("Ax", Axes, Paper)
    Floats = NDArray[np.float64]

_DAY = 86400.0
_NICE = [  # windows that a clock has a name for, seconds
    *(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30),
    *(60.0 * minutes for minutes in (1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720)),
    *(_DAY * days for days in (1, 2, 5, 10, 30, 90, 182, 365, 730, 1826, 3652)),
]
_UNITS = (  # of a rate: the first in which it is at least 1
    (1.0, "second"),
    (60.0, "minute"),
    (3600.0, "hour"),
    (_DAY, "day"),
    (365.25 * _DAY, "year"),
)
_SPANS = (
    (365 * _DAY, "year", "y"),
    (_DAY, "day", "d"),
    (3600.0, "hour", "h"),
    (60.0, "minute", "min"),
    (1.0, "second", "s"),
)
_FEWEST, _WINDOWS, _COUNT = 20, 12, 0.3  # arrivals; windows of a length, and arrivals in each
_FAR = 3.0  # standard errors: of a dozen lengths of windows one is beyond 2 by chance alone
_MOST, _FULL = 120, 15  # windows of the rate that can be told apart, and arrivals in each
_STEADY = 1e-3  # of a step: so far may arrivals be from the ticks of a clock that counts in steps
_ASIDE = 128  # pixels at the right for labels


@dataclass(frozen=True, eq=False)
class Reading:
    """What counts in windows say of a trace; `table` has a row a length, as `Trace.dispersion`."""

    trace: Trace
    table: pd.DataFrame

    @property
    def far(self) -> NDArray[np.bool_]:
        """Where neighbouring windows differ more, or less, than Poisson's would."""
        error = (self.table["high"] - 1) / 1.96
        return np.asarray((self.table["local"] - 1).abs() > _FAR * error)

    @property
    def believable_to_s(self) -> float:
        """The longest window up to which Poisson is believable; 0 if none, inf if all."""
        if not self.far.any():
            return math.inf
        first = int(self.far.argmax())
        return float(self.table.index[first - 1]) if first else 0.0

    @property
    def is_uneven(self) -> bool:
        """Whether the first windows that are not Poisson's differ too much, and not too little."""
        return bool(self.table["local"].iloc[int(self.far.argmax())] > 1)

    @property
    def verdict(self) -> str:
        """The answer in a line."""
        limit = self.believable_to_s
        if math.isinf(limit):
            return "Poisson is believable"
        if limit:
            return f"Poisson is believable within {span(limit)}, not beyond"
        return f"Poisson is not believable: too {'uneven' if self.is_uneven else 'even'}"

    @property
    def told(self) -> str:
        """The evidence, in sentences."""
        table, limit = self.table, self.believable_to_s
        moved = float((table["index"] / table["high"]).max()) > 2
        moves = " Over the whole trace the rate moves, and that is no reason to give up Poisson."
        if math.isinf(limit):
            shortest, longest = span(float(table.index[0])), span(float(table.index[-1]))
            evidence = f"From {shortest} to {longest} neighbouring counts vary as Poisson's do."
            return evidence + (moves if moved else " The rate hardly moves.")
        local = table["local"].to_numpy(dtype=float)
        place = int(np.where(self.far, local if self.is_uneven else -local, -np.inf).argmax())
        why = (
            "The rate climbs that fast, or it is random; where it is random, formulas for Poisson "
            "arrivals are too kind."
            if self.is_uneven
            else "Something spaces the arrivals out; formulas for Poisson arrivals are too strict."
        )
        return (
            f"Counts in neighbouring windows of {span(float(table.index[place]))} vary "
            f"{amount(float(local[place]))} times as much as Poisson's. {why}"
        )


def read_trace(trace: Trace) -> Reading:
    """Return what counts in windows of many lengths say of a trace.

    >>> read_trace(Trace.load("coal-mine-explosions")).verdict
    'Poisson is believable'
    """
    return Reading(trace, trace.dispersion(window_lengths(trace)))


def window_lengths(trace: Trace) -> list[float]:
    """Return the lengths of windows (s) to look at: names of a clock, whole steps of the trace's.

    Raises `ScenarioError` for a trace with too few arrivals to tell anything.
    """
    if trace.number < _FEWEST:
        raise ScenarioError(
            f"{trace.name}: {trace.number} arrivals say nothing about Poisson: "
            f"take at least {_FEWEST}"
        )
    clock = _clock(trace)
    shortest = max(clock, _COUNT / trace.mean_rate)
    longest = trace.horizon_s / _WINDOWS
    nice = [step for step in _NICE if shortest <= step <= longest and _whole(step, clock)]
    if len(nice) >= 3:
        return nice
    base = clock * math.ceil(shortest / clock) if clock else shortest
    own = [
        base * times for times in (1, 2, 5, 10, 20, 50, 100, 200, 500) if base * times <= longest
    ]
    return own or [min(base, trace.horizon_s / 2)]


def trace_picture(trace: Trace, step_s: float | None = None, width: float = 800) -> Picture:
    """Return the rate of a trace by time, its dispersion by window, and the verdict in words.

    The rate is that in windows of `step_s` (None: long enough to hold some arrivals).
    """
    reading = read_trace(trace)
    head = headline(
        Paper(width, 92, left=0, right=0, top=0, bottom=0), reading.verdict, reading.told, 112
    )
    rate = rate_by_time(Paper(width, 190, right=_ASIDE), trace, step_s)
    index = dispersion_by_window(Paper(width, 210, right=_ASIDE), reading)
    told = f"{reading.verdict}. {reading.told} {rate.get_label()} {index.get_label()}"
    return Picture([[head, rate, index]], words=told)


def rate_by_time(ax: Ax, trace: Trace, step_s: float | None = None) -> Ax:
    """Draw the arrivals by time, each window with the rates that its count does not contradict."""
    step = _rate_step(trace) if step_s is None else step_s
    rate = trace.rate(step)
    seconds, unit = _unit(trace.mean_rate)
    across, name = _time_unit(trace.horizon_s)
    length = float(rate.index[1] - rate.index[0])
    middles = (rate.index.to_numpy() + length / 2) / across
    top = _round_up(1.05 * seconds * float(rate["high"].max()))
    _frame(ax, trace.horizon_s / across, name, top)
    ax.set_title(f"Arrivals per {unit}, in windows of {span(length)}; bars: what chance may add")
    for at, low, high in zip(middles, seconds * rate["low"], seconds * rate["high"], strict=True):
        ax.plot([at, at], [low, high], color=BLUE, linewidth=2.5, alpha=0.35)
    ax.plot(middles, seconds * rate["rate_per_s"], color=BLUE, linewidth=1.6)
    mean = seconds * trace.mean_rate
    ax.axhline(mean, linestyle=":", alpha=0.9)
    edge = 1.012 * trace.horizon_s / across
    ax.text(edge, mean, f"mean {amount(mean)}", va="center", fontsize=11)
    most = seconds * float(rate["rate_per_s"].max())
    ax.text(edge, max(most, mean + 0.12 * top), f"most {amount(most)}", va="center", fontsize=11)
    ax.set_label(
        f"{words.count(trace.number)} arrivals in {span(trace.horizon_s)}: {amount(mean)} per "
        f"{unit} in the mean, {amount(most)} at most in windows of {span(length)}."
    )
    return ax


def dispersion_by_window(ax: Ax, reading: Reading) -> Ax:
    """Draw variance over mean by the length of windows: of neighbours, and of the whole trace."""
    table = reading.table
    steps = np.log10(table.index.to_numpy())
    if len(steps) == 1:
        table = pd.concat([table, table])
        steps = np.array([steps[0] - 0.1, steps[0] + 0.1])
    low = max(min(0.5, 0.8 * float(table[["index", "local"]].min().min())), 0.02)
    top = max(1.3 * float(table[["index", "local", "high"]].max().max()), 4.0)
    bottom, height = math.log10(low), math.log10(top)
    ax.set_xlim(steps[0] - 0.04, steps[-1] + 0.04)
    ax.set_ylim(bottom, height)
    ax.set_xticks(*_spaced(steps, [span(float(step), short=True) for step in table.index]))
    fine = (1, 2, 5) if height - bottom < 2 else (1,)
    marks = [part * 10.0**n for n in range(-2, 9) for part in fine if low <= part * 10.0**n <= top]
    ax.set_yticks([math.log10(mark) for mark in marks], [f"{mark:,g}" for mark in marks])
    ax.set_title("Variance of the counts over their mean, by length of the windows; 1 is Poisson")
    band = [np.log10(np.maximum(table[side].to_numpy(), low)) for side in ("high", "low")]
    loop = np.concatenate([steps, steps[::-1]]), np.concatenate([band[0], band[1][::-1]])
    ax.fill_between(*loop, float(band[1][0]), color=GREY, alpha=0.3)
    ax.axhline(0, linestyle=":", alpha=0.9)
    lines = {name: np.log10(np.maximum(table[name].to_numpy(), low)) for name in ("index", "local")}
    ax.plot(steps, lines["index"], linestyle="--", linewidth=1.4)
    ax.plot(steps, lines["local"], color=VERMILLION, linewidth=2.2)
    ax.scatter(steps, lines["local"], color=VERMILLION, s=22)
    labels = [
        (0.0, "Poisson, 95 %"),
        (float(lines["local"][-1]), f"● neighbours {amount(float(table['local'].iloc[-1]))}"),
        (float(lines["index"][-1]), f"╌ all windows {amount(float(table['index'].iloc[-1]))}"),
    ]
    _aside(ax, float(steps[-1]) + 0.06, labels, bottom, height)
    inside = int((~reading.far).sum())
    ax.set_label(
        f"Variance over mean of neighbouring windows, from {span(float(table.index[0]))} to "
        f"{span(float(table.index[-1]))}: {amount(float(table['local'].iloc[0]))} to "
        f"{amount(float(table['local'].iloc[-1]))}; {inside} of "
        f"{words.many(reading.far.size, 'length')} within Poisson's chance."
    )
    return ax


def span(seconds: float, *, short: bool = False) -> str:
    """Return a length of time as people say it: 15 minutes, 1 hour, 5 years; or short, 15 min.

    >>> span(900), span(3600), span(5400), span(86400 * 365), span(900, short=True)
    ('15 minutes', '1 hour', '1.5 hours', '1 year', '15 min')
    """
    size, name, brief = next((unit for unit in _SPANS if seconds >= unit[0]), _SPANS[-1])
    number = f"{seconds / size:.3g}"
    if short:
        return f"{number} {brief}"
    return f"{number} {name}" if number == "1" else f"{number} {name}s"


def amount(value: float) -> str:
    """Return a number with as many digits as a reader wants: 0.12, 1.65, 36.6, 3,126."""
    return f"{value:,.0f}" if value >= 99.5 else f"{value:.3g}"


def _clock(trace: Trace) -> float:
    """Return the step in which the trace's clock counts, seconds; 0 if none is to be seen."""
    if trace.instants_s is None:
        return trace.step_s
    gaps = np.diff(trace.instants_s)
    if not (gaps > 0).any():
        return 0.0
    least = float(gaps[gaps > 0].min())
    steps = trace.instants_s / least
    return least if np.abs(steps - np.round(steps)).max() < _STEADY else 0.0


def _whole(step: float, clock: float) -> bool:
    return not clock or abs(step / clock - round(step / clock)) < _STEADY


def _rate_step(trace: Trace) -> float:
    """Return windows that hold some arrivals each and are not too many to see."""
    least = max(trace.horizon_s / _MOST, _FULL / trace.mean_rate, _clock(trace))
    clock = _clock(trace)
    fits = (step for step in _NICE if step >= 0.999 * least and _whole(step, clock))
    return min(next(fits, least), trace.horizon_s / 2)


def _unit(rate: float) -> tuple[float, str]:
    """Return the seconds and the name of the unit in which a rate is 1 or more."""
    return next(((size, name) for size, name in _UNITS if rate * size >= 1), _UNITS[-1])


def _time_unit(horizon_s: float) -> tuple[float, str]:
    """Return the seconds and the name of the unit for an axis of time."""
    units = ((365.25 * _DAY, "years"), (_DAY, "days"), (3600.0, "hours"), (60.0, "minutes"))
    return next(((size, name) for size, name in units if horizon_s >= 3 * size), (1.0, "seconds"))


def _frame(ax: Ax, longest: float, unit: str, top: float) -> None:
    ax.set_xlim(0, longest)
    ax.set_ylim(0, top)
    raw = longest / 7
    size = 10 ** math.floor(math.log10(raw))
    parts = (1, 2, 3, 6, 10) if unit == "hours" else (1, 2, 5, 10)
    step = next(size * part for part in parts if size * part >= 0.999 * raw)
    ticks = np.arange(0, longest * 1.0001, step).tolist()
    names: list[str] = [f"{tick:g}" for tick in ticks]
    ax.set_xticks(ticks, [f"{unit} {names[0]}", *names[1:]])
    ax.set_yticks([0, top / 2, top], ["0", f"{top / 2:g}", f"{top:g}"])


def _spaced(steps: Floats, names: Sequence[str]) -> tuple[list[float], list[str]]:
    """Return the ticks that have room beside each other."""
    room = (float(steps[-1]) - float(steps[0])) / 13
    kept: list[int] = []
    for place, step in enumerate(steps):
        if not kept or step - steps[kept[-1]] >= room:
            kept.append(place)
    return [float(steps[place]) for place in kept], [names[place] for place in kept]


def _aside(ax: Ax, edge: float, labels: list[tuple[float, str]], bottom: float, top: float) -> None:
    room, place = 0.1 * (top - bottom), bottom
    for value, label in sorted(labels):
        place = min(max(value, place), top)
        ax.text(edge, place, label, va="center", fontsize=11)
        place += room


def _round_up(value: float) -> float:
    """Return the next of 1, 2, 4, 5, 8 or 10 times a power of ten."""
    size = 10 ** math.floor(math.log10(value))
    return float(next(size * n for n in (1, 2, 4, 5, 8, 10) if size * n >= 0.999 * value))
