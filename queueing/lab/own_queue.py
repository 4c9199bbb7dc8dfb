"""A queue of one's own: the board that sizes it, the check by chance, and files that are tried."""

from __future__ import annotations

import math
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from scipy import special

from queueing.lab import words
from queueing.lab.boards import Board
from queueing.lab.bursts import KEPT, MOST, Bursts, PlannedMails
from queueing.lab.controls import Number
from queueing.lab.palette import BLUE, GREY, PURPLE, SYMBOLS, verdict_colour
from queueing.lab.paper import Paper
from queueing.lab.picture import Picture
from queueing.lab.traced import amount, span
from queueing.scenario import ScenarioError, Trace
from queueing.scenario.wording import does

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from queueing.scenario import Design, Scenario

    Ax = TypeVar("Ax", Axes, Paper)
    Floats = NDArray[np.float64]

_SIZE = (410, 400)  # pixels of the column of numbers
_ASIDE = 112  # pixels at the right for the labels of a curve
_BAND = (0.05, 0.95)
_MOST_WINDOWS = 500  # drawn at a turn of a slider
_RARE = f"1 run in {round(1 / (1 - KEPT))}"
_LONGEST = 6.0  # of what was promised: the top of the picture of waits


def try_trace(source: str | os.PathLike[str]) -> str:
    r"""Return what a trace holds, or the words with which it is refused.

    `source` is a name, the path of a file, or the text of a .csv file with its lines.

    >>> print(try_trace("time_s,service_s\n0,3\n2.5,4\n7,2\n"))
    3 arrivals in 7 seconds; services 3 s, SCV 0.111
    >>> print(try_trace("time_s\n0\n5\n3\n"))
    refused: mine.csv: row 3 is out of order: 3 s follows 5 s; sort the arrivals
    """
    try:
        with _as_file(source) as path:
            trace = Trace.load(path)
    except ScenarioError as error:
        told = str(error)
        return f"refused: {told[max(told.find('mine.csv'), 0) :] if _is_text(source) else told}"
    services = (
        ""
        if math.isnan(trace.mean_service_s)
        else f"; services {amount(trace.mean_service_s)} s, SCV {amount(trace.service_scv)}"
    )
    return f"{words.count(trace.number)} arrivals in {span(trace.horizon_s)}{services}"


def own_board(scenario: Scenario, trace: Trace, design: Design | None = None) -> Board:
    """Return the board that sizes the workers of a scenario for the bursts of a trace.

    It starts with the bursts that the scenario's traffic has.
    """
    base = scenario.base if design is None else design
    mails = PlannedMails(scenario, base)
    traffic = scenario.traffic
    low = max(1, math.ceil(60 * traffic.horizon_h / _MOST_WINDOWS))
    high = max(8 * low, min(120, int(15 * traffic.horizon_h)))
    start = min(max(round(60 * traffic.rate_window_h), low), high)
    swing = min(round(100 * math.sqrt(traffic.rate_scv)), 100)

    def draw(*, window: int, rate: int, bursts: int, workers: int) -> Picture:
        case = Bursts(mails=mails, window_s=60 * window, scv=(bursts / 100) ** 2, scale=rate / 100)
        return own_picture(case, trace, workers)

    return Board(
        [
            Number("window", "Window", start=start, low=low, high=high, unit="minutes a burst"),
            Number("rate", "Rate", start=100, low=10, high=300, unit="% of the trace's"),
            Number("bursts", "Bursts", start=swing, low=0, high=100, unit="% up or down"),
            Number("workers", "Workers", start=base.workers, low=1, high=MOST, unit="machines"),
        ],
        draw,
    )


def own_picture(case: Bursts, trace: Trace, workers: int) -> Picture:
    """Return what so many workers do with bursts: the numbers, the rate, the waits."""
    width, height = _SIZE
    waits = case.waits_s(workers)
    bare = Paper(width, height, left=0, right=0, top=0, bottom=0)
    left = numbers(bare, case, workers, waits)
    right = [
        rate_and_bursts(Paper(430, 190, right=_ASIDE), case, trace),
        waits_by_hour(Paper(430, 208, right=_ASIDE), case, workers, waits),
    ]
    return Picture([[left], right])


def numbers(ax: Ax, case: Bursts, workers: int, waits: Floats) -> Ax:
    """Write what theory says and what the drawn runs say, and the smallest numbers that do."""
    width, height = _SIZE
    ax.set_xlim(0, width)
    ax.set_ylim(height, 0)
    ax.set_axis_off()
    limit = case.mails.scenario.contract.freshness_s
    planned = case.mails.oldest_s(workers, case.scale)
    oldest = np.maximum(waits.max(axis=0), planned)
    share = float((oldest <= limit).mean())
    kept = share >= KEPT
    colour = verdict_colour(kept=kept)
    ax.text(0, 19, SYMBOLS[kept], fontsize=20, fontweight="bold", color=colour)
    ax.text(24, 19, f"Kept in {_hundred(share)} of 100 runs", fontsize=17, fontweight="bold")
    swing = 100 * math.sqrt(case.scv)
    told = (
        f"load {case.load(workers):.2f} at the peak; dispersion {amount(case.index)} "
        f"in windows of {case.window_s / 60:g} min"
    )
    ax.text(0, 40, told, fontsize=12, alpha=0.72)
    ax.text(_COLUMNS[0], 78, "as Poisson", ha="right", fontsize=13, fontweight="600")
    ax.text(_COLUMNS[1], 78, "with bursts", ha="right", fontsize=13, fontweight="600")
    usual, bad = (float(oldest[run]) for run in _telling(oldest))
    rows = (
        ("oldest mail, a usual run", _brief(planned), _brief(usual)),
        (f"oldest mail, {_RARE}", "the same", _brief(bad)),
    )
    for number, (name, *pair) in enumerate(rows):
        y = 110 + 34 * number
        ax.plot([0, width], [y - 21, y - 21], linewidth=1, alpha=0.2)
        ax.text(0, y, name, fontsize=13)
        for place, waited in zip(_COLUMNS, pair, strict=True):
            ax.text(place, y, waited, ha="right", fontsize=15, fontweight="600")
    y = 110 + 34 * len(rows)
    ax.plot([0, width], [y - 21, y - 21], linewidth=1, alpha=0.2)
    ax.text(0, y, f"promised: {words.duration(limit)}", fontsize=13)
    for place, good in zip(_COLUMNS, (planned <= limit, kept), strict=True):
        mark = f"{SYMBOLS[good]} {'kept' if good else 'broken'}"
        tone = verdict_colour(kept=good)
        ax.text(place, y, mark, ha="right", fontsize=14, fontweight="600", color=tone)
    ax.text(0, 234, "The smallest number of workers", fontsize=13, fontweight="600")
    answers = (
        (case.fewest_by_the_mean, "by the mean rate of the run: a mistake"),
        (case.fewest_if_poisson, "if arrivals were Poisson"),
        (case.fewest, f"with bursts of ± {swing:.0f} %, in {100 * KEPT:.0f} of 100 runs"),
    )
    for place, (needed, name) in enumerate(answers):
        y = 266 + 30 * place
        ax.text(40, y, _workers(needed), ha="right", fontsize=17, fontweight="bold")
        ax.text(50, y, name, fontsize=13)
    for line, note in enumerate(
        (
            f"As Poisson: theory. With bursts: {case.runs} runs, drawn window by window,",
            "with every worker up. A burst lasts a window, then comes another.",
        )
    ):
        ax.text(0, 366 + 16 * line, note, fontsize=11, alpha=0.72)
    smallest = "; ".join(f"{_workers(needed)} {name}" for needed, name in answers)
    spoken = [words.duration(seconds) for seconds in (planned, usual, bad)]
    ax.set_label(
        f"{words.many(workers, 'worker')} {does(workers, 'keep')} {words.duration(limit)} "
        f"in {_hundred(share)} of 100 runs: {told}. The oldest mail waits {spoken[0]} as Poisson, "
        f"{spoken[1]} in a usual run with bursts, {spoken[2]} in {_RARE}. "
        f"Workers needed: {smallest}."
    )
    return ax


def rate_and_bursts(ax: Ax, case: Bursts, trace: Trace) -> Ax:
    """Draw the trace's windows, the rate that was fitted to them, and where bursts take it."""
    traffic = case.mails.scenario.traffic
    stretch = traffic.horizon_h / trace.horizon_s
    size = case.scale * traffic.mean_rate / trace.mean_rate
    step = min(case.window_s / 3600 / stretch, trace.horizon_s / 4)
    counted = trace.rate(step)["rate_per_s"] * size
    length = float(counted.index[1] - counted.index[0])
    hours = np.linspace(0, traffic.horizon_h, 200)
    fitted = case.scale * traffic.request_rate(hours)
    chance = 1 / (case.scale * traffic.mean_rate * case.window_s)  # of Poisson counts
    low, high = _factors(case.scv + chance)
    top = _round_up(1.05 * max(float(counted.max()), float((high * fitted).max())))
    _over_hours(ax, traffic.horizon_h, top)
    ax.set_title(f"Requests a second, in windows of {case.window_s / 60:g} min")
    loop = np.concatenate([hours, hours[::-1]])
    ax.fill_between(
        loop,
        np.concatenate([high * fitted, low * fitted[::-1]]),
        float(low * fitted[0]),
        color=BLUE,
        alpha=0.18,
    )
    ax.plot((counted.index + length / 2) * stretch, counted, color=GREY, linewidth=1.2)
    ax.plot(hours, fitted, color=BLUE, linewidth=2.2)
    edge = 1.015 * traffic.horizon_h
    for place, told in ((0.94, "─ grey: trace"), (0.8, "━ blue: fitted"), (0.66, "pale: 9 of 10")):
        ax.text(edge, place * top, told, va="center", fontsize=11)
    there = np.interp((counted.index + length / 2) * stretch, hours, fitted)
    inside = float(((low * there <= counted) & (counted <= high * there)).mean())
    ax.set_label(
        f"The fitted rate peaks at {amount(float(fitted.max()))} requests a second; "
        f"{100 * inside:.0f} % of the trace's windows lie in the band of nine in ten."
    )
    return ax


def waits_by_hour(ax: Ax, case: Bursts, workers: int, waits: Floats) -> Ax:
    """Draw how long a mail waits, hour by hour: in a usual run, and in one of twenty."""
    limit = case.mails.scenario.contract.freshness_s
    usual, bad = (waits[:, run] for run in _telling(waits.max(axis=0)))
    longest = min(max(1.3 * limit, 1.05 * float(bad.max())), _LONGEST * limit)
    unit, name = (3600.0, "hours") if longest > 3 * 3600 else (60.0, "minutes")
    if longest < 180:
        unit, name = 1.0, "seconds"
    top = _round_up(longest / unit)
    _over_hours(ax, case.mails.scenario.traffic.horizon_h, top)
    ax.set_title(f"How long a mail waits with {words.many(workers, 'worker')}, {name}")
    ax.axhline(limit / unit, linestyle=":", alpha=0.9)
    ax.plot(case.hours, bad / unit, color=PURPLE, linestyle="--", linewidth=2.0)
    ax.plot(case.hours, usual / unit, color=BLUE, linewidth=2.2)
    edge = 1.015 * case.mails.scenario.traffic.horizon_h
    labels = [
        (limit / unit, f"{words.duration(limit, short=True)} promised"),
        (float(bad.max()) / unit, f"╌ {_RARE}"),
        (float(usual.max()) / unit, "━ a usual run"),
    ]
    room, place = 0.13 * top, 0.03 * top
    for number, (value, told) in enumerate(sorted(labels)):
        place = min(max(value, place), top - room * (len(labels) - 1 - number))
        ax.text(edge, place, told, va="center", fontsize=11)
        place += room
    left = [words.duration(float(run.max())) for run in (usual, bad)]
    ax.set_label(
        f"The longest wait at the end of a window: {left[0]} in a usual run, {left[1]} in {_RARE}; "
        f"promised are {words.duration(limit)}."
    )
    return ax


_COLUMNS = (292, 405)  # pixels where the two columns of numbers end


def _over_hours(ax: Ax, horizon_h: float, top: float) -> None:
    ax.set_xlim(0, horizon_h)
    ax.set_ylim(0, top)
    raw = horizon_h / 6
    size = 10 ** math.floor(math.log10(raw))
    step = next(size * part for part in (1, 2, 3, 4, 6, 10) if size * part >= 0.999 * raw)
    ticks = np.arange(0, horizon_h * 1.0001, step).tolist()
    ax.set_xticks(ticks, [f"hour {tick:g}" if not tick else f"{tick:g}" for tick in ticks])
    ax.set_yticks([0, top / 2, top], ["0", f"{top / 2:g}", f"{top:g}"])


def _factors(scv: float) -> tuple[float, float]:
    """Return between which factors nine tenths of the windows lie."""
    low, high = (float(special.gammaincinv(1 / scv, share)) * scv for share in _BAND)
    return low, high


def _telling(oldest: Floats) -> tuple[int, int]:
    """Return which runs are the one in the middle and the worst but for those that may fail."""
    order = np.argsort(oldest, kind="stable")
    middle, bad = (math.ceil(share * len(order) - 1e-9) - 1 for share in (0.5, KEPT))
    return int(order[middle]), int(order[bad])


def _hundred(share: float) -> str:
    """Return a share of runs as so many of a hundred, never rounded up to all."""
    return f"{math.floor(100 * share + 1e-9)}"


def _brief(seconds: float) -> str:
    return words.duration(seconds, short=True)


def _workers(needed: int | None) -> str:
    return f"> {MOST}" if needed is None else str(needed)


def _round_up(value: float) -> float:
    size = 10 ** math.floor(math.log10(value))
    return float(
        next(size * n for n in (1, 1.2, 1.6, 2, 3, 4, 5, 6, 8, 10) if size * n >= 0.999 * value)
    )


def _is_text(source: str | os.PathLike[str]) -> bool:
    return isinstance(source, str) and "\n" in source


@contextmanager
def _as_file(source: str | os.PathLike[str]) -> Iterator[str | os.PathLike[str]]:
    """Give a text to read from a file of its own for a moment; anything else as it is."""
    if not _is_text(source):
        yield source
        return
    with TemporaryDirectory() as folder:
        path = Path(folder) / "mine.csv"
        path.write_text(str(source), encoding="utf-8")
        yield path
