"""Why is 90 % busy so slow: the board and the figures of the lesson on one server."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from queueing.lab import words
from queueing.lab.boards import Board
from queueing.lab.busy import Busy, ramp, service_time
from queueing.lab.controls import Number
from queueing.lab.palette import BLUE, GREY, INK, PURPLE, SYMBOLS, verdict_colour
from queueing.lab.paper import Across, Paper
from queueing.lab.picture import Picture
from queueing.lab.pooling import milliseconds, sample_aside, ticks_across

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from queueing.scenario import Scenario

    Ax = TypeVar("Ax", Axes, Paper)

MEAN, TAIL = BLUE, PURPLE
_SIZE = (410, 424)  # pixels of the column of numbers
_ASIDE = 96  # pixels at the right for the labels of a curve
_FULLEST = 0.995  # load up to which the curves are drawn


def one_server_board(scenario: Scenario) -> Board:
    """Return the board of one server: how busy, how slow, and the most traffic that it bears."""
    service = service_time(scenario)

    def draw(*, arrivals: int, service: int, promise: int, share: int) -> Picture:
        return one_server_picture(
            Busy(
                arrival_rate=arrivals,
                service=service / 1000,
                promise=promise / 1000,
                share=share / 100,
            )
        )

    promise = round(scenario.contract.p95_ms)
    return Board(
        [
            Number(
                "arrivals",
                "Arrivals",
                start=round(0.45 / service),
                low=1,
                high=100,
                unit="requests a second",
            ),
            Number(
                "service",
                "Service",
                start=round(1000 * service),
                low=1,
                high=100,
                unit="ms a request",
            ),
            Number("promise", "Promise", start=promise, low=1, high=1000, unit="ms for the share"),
            Number("share", "Share", start=95, low=50, high=99, unit="% of the requests"),
        ],
        draw,
    )


def one_server_picture(case: Busy) -> Picture:
    """Return the numbers of one server, its curve over the load, and who takes longer than t."""
    width, height = _SIZE
    bare = Paper(width, height, left=0, right=0, top=0, bottom=0)
    right = [
        slowness(Paper(430, 216, right=_ASIDE), case),
        slower_than(Paper(430, 208, right=_ASIDE), case),
    ]
    return Picture([[numbers(bare, case)], right])


def numbers(ax: Ax, case: Busy) -> Ax:
    """Write how busy and how slow the server is, the verdict, and the most that it bears."""
    width, height = _SIZE
    ax.set_xlim(0, width)
    ax.set_ylim(height, 0)
    ax.set_axis_off()
    ax.text(0, 19, _headline(case), fontsize=17, fontweight="bold")
    load = f"ρ = {case.arrival_rate:g} a second × {1000 * case.service:g} ms = {case.load:.2f}"
    ax.text(0, 40, load, fontsize=12, alpha=0.72)
    percent = f"{100 * case.share:.0f} %"
    rows = (
        ("mean answer, W", milliseconds(case.mean)),
        (f"{percent} answered within", milliseconds(case.within)),
        (f"take longer than {milliseconds(case.promise)}", _percent(_late(case))),
        ("one request a second more adds", _more(case)),
    )
    for number, (name, told) in enumerate(rows):
        y = 78 + 34 * number
        ax.plot([0, width], [y - 21, y - 21], linewidth=1, alpha=0.2)
        ax.text(0, y, name, fontsize=13)
        ax.text(width - 5, y, told, ha="right", fontsize=15, fontweight="600")
    y = 78 + 34 * len(rows)
    ax.plot([0, width], [y - 21, y - 21], linewidth=1, alpha=0.2)
    kept = case.within <= case.promise
    ax.text(0, y, f"promised: {percent} within {milliseconds(case.promise)}", fontsize=13)
    verdict = f"{SYMBOLS[kept]} {'kept' if kept else 'broken'}"
    colour = verdict_colour(kept=kept)
    ax.text(width - 5, y, verdict, ha="right", fontsize=14, fontweight="600", color=colour)
    ax.text(0, 266, "The most traffic that keeps the promise", fontsize=13, fontweight="600")
    for row, (most, name) in enumerate(
        ((case.most, f"if {percent} must keep it"), (case.most_for_the_mean, "if only the mean"))
    ):
        y = 298 + 30 * row
        ax.text(52, y, f"{most:.1f}", ha="right", fontsize=17, fontweight="bold")
        busy = f"a second, {100 * most * case.service:.0f} % busy, {name}"
        ax.text(62, y, busy, fontsize=13)
    for line, told in enumerate(_NOTE):
        ax.text(0, 370 + 16 * line, told, fontsize=11, alpha=0.72)
    ax.set_label(f"{_headline(case)}. {_finding(case)}")
    return ax


def slowness(ax: Ax, case: Busy) -> Ax:
    """Draw the mean answer and the percentile by how busy the server is."""
    top = 1000 * max(3.0 * case.promise, 6 * case.service)
    loads = np.linspace(0, _FULLEST, 200)
    means = 1000 * case.means(loads)
    ax.set_xlim(0, 100)
    ax.set_ylim(0, top)
    ax.set_xticks([0, 25, 50, 75, 100], ["0", "25", "50", "75", "100 %"])
    promise = 1000 * case.promise
    heights = [0, promise, top] if promise > 0.08 * top else [0, top]
    ax.set_yticks(heights, [f"{mark:,.4g}" for mark in heights])
    ax.set_title("Answer, ms, by how busy the server is")
    ax.axhline(1000 * case.promise, linestyle=":", alpha=0.8)
    now = 100 * min(case.load, 1.0)
    ax.axvspan(max(now - 0.8, 0), min(now + 0.8, 100), color=GREY, alpha=0.2, linewidth=0)
    side: Across = "right" if now > 50 else "left"
    ax.text(
        now + (-1.5 if now > 50 else 1.5), top, "now", ha=side, va="top", fontsize=11, alpha=0.72
    )
    for values, colour, dash in ((case.tail * means, TAIL, "--"), (means, MEAN, "-")):
        shown = values <= top
        ax.plot(100 * loads[shown], values[shown], color=colour, linestyle=dash, linewidth=2.2)
    for most, mark, colour in ((case.most, "○", TAIL), (case.most_for_the_mean, "●", MEAN)):
        if most > 0:
            place = 100 * most * case.service, 1000 * case.promise
            ax.text(*place, mark, ha="center", va="center", fontsize=13, color=colour)
    within = f"{100 * case.share:.0f} % within"
    sample_aside(ax, (103, 0.94 * top), within, gap=6, color=TAIL, dashed=True)
    sample_aside(ax, (103, 0.80 * top), "mean", gap=6, color=MEAN, dashed=False)
    ax.text(103, 1000 * case.promise, "promised", va="center", fontsize=11, alpha=0.72)
    told = [
        f"{milliseconds(float(case.means(load)))} when {100 * load:.0f} % busy"
        for load in (0.5, 0.75, 0.9)
    ]
    ax.set_label(f"By how busy the server is, the mean answer takes {words.listed(told)}.")
    return ax


def slower_than(ax: Ax, case: Busy) -> Ax:
    """Draw the share of the answers that take longer than t, with the mean and the percentile."""
    mean = case.mean if math.isfinite(case.mean) else 2 * case.promise
    longest = 1000 * max(1.25 * case.tail * mean, 1.25 * case.promise)
    times = np.linspace(0, longest, 161)
    ax.set_xlim(0, longest)
    ax.set_ylim(0, 1)
    ticks_across(ax, longest, "ms")
    ax.set_yticks([0, 0.5, 1], ["0", "50 %", "100 %"])
    ax.set_title("Share of the answers that take longer")
    ax.plot([1000 * case.promise] * 2, [0, 1], linestyle=":", linewidth=1.2, alpha=0.8)
    ax.text(
        1000 * case.promise + 0.01 * longest, 1.0, "promised", va="top", fontsize=11, alpha=0.72
    )
    shares = case.longer(times / 1000)
    ax.fill_between(times, shares, color=GREY, alpha=0.12, linewidth=0)
    ax.plot(times, shares, linewidth=2.2, color=INK)
    if math.isfinite(case.mean):
        for place, mark, colour, name in (
            (case.mean, "●", MEAN, "mean"),
            (case.within, "○", TAIL, f"{100 * case.share:.0f} %"),
        ):
            height = float(case.longer(place))
            at = 1000 * place, height
            ax.text(*at, mark, ha="center", va="center", fontsize=14, color=colour)
            crosses = place < case.promise < place + 0.12 * longest / 1000  # the promise's line
            beside = 1000 * place - (0.15 if crosses else -0.02) * longest
            ax.text(beside, height + 0.06, name, fontsize=12)
        ax.set_label(
            f"Of the answers {_percent(float(case.longer(case.mean)))} take longer than the mean, "
            f"and {_percent(1 - case.share)} longer than {milliseconds(case.within)}."
        )
    else:
        ax.text(0.5 * longest, 0.5, "the line grows without end", ha="center", fontsize=12)
        ax.set_label("The line grows without end, and with it the time of an answer.")
    return ax


def ramp_picture(scenario: Scenario, count: int, alarm: float) -> Picture:
    """Return the load of one of so many processors above its answers, while the users come."""
    hours = ramp(scenario, count)
    return Picture(
        [
            [
                filling(Paper(800, 180, right=70), hours, alarm),
                slowing(Paper(800, 230, right=70), hours, scenario.contract.p95_ms),
            ]
        ]
    )


def filling(ax: Ax, hours: pd.DataFrame, alarm: float) -> Ax:
    """Draw how busy the processor is, with the load at which an alarm rings."""
    shown, load = _climb(hours), hours["busy"]
    _hours(ax, shown)
    ax.set_ylim(0, 1.2)
    ax.set_yticks([0, alarm, 1], ["0", f"{100 * alarm:.0f} %", "100 %"])
    ax.set_title("How busy the processor is")
    ax.plot(shown.index.to_numpy(), shown["busy"].to_numpy(), color=INK, linewidth=2.2)
    told = []
    for limit, name in ((alarm, f"{100 * alarm:.0f} % busy"), (1.0, "full")):
        told.append(f"{name} {_at(_first(load, limit))}")
        _flag(ax, _first(load, limit), 1.2, told[-1], at=0.3)
    ax.set_label(f"While the users come the processor is {' and '.join(told)}.")
    return ax


def slowing(ax: Ax, hours: pd.DataFrame, promise: float) -> Ax:
    """Draw the mean answer and the P95, with the hours at which each passes what was promised."""
    shown, top = _climb(hours), 4 * promise
    _hours(ax, shown)
    ax.set_ylim(0, top)
    ax.set_yticks([0, promise, top], ["0", f"{promise:g}", f"{top:g} ms"])
    ax.set_title("Answer, ms: 95 % within (dashed), mean (solid)")
    ax.axhline(promise, linestyle=":", alpha=0.8)
    told = []
    for column, name, colour, dash in (
        ("p95_ms", "promise broken", TAIL, "--"),
        ("mean_ms", "mean passes it", MEAN, "-"),
    ):
        values = shown[column].to_numpy()
        ax.plot(
            shown.index.to_numpy()[values <= top],
            values[values <= top],
            color=colour,
            linestyle=dash,
            linewidth=2.2,
        )
        first = _first(hours[column], promise)
        told.append(f"{name} {_at(first)}")
        _flag(ax, first, top, told[-1], at=0.9 * top if column == "p95_ms" else 0.1 * top)
    ax.set_label(f"{promise:g} ms are promised to 95 %: {', the '.join(told)}.")
    return ax


_NOTE = (
    "Theory, exact for random arrivals and exponential services,",
    "first come first served.",
)


def _climb(hours: pd.DataFrame) -> pd.DataFrame:
    """Return the hours in which the load climbs: from a tenth above its start to a little after."""
    load = hours["busy"]
    start = _first(load, load.iloc[0] + 0.1 * (load.max() - load.iloc[0]))
    return hours.loc[math.floor(start) : math.floor(start) + 4]


def _hours(ax: Ax, shown: pd.DataFrame) -> None:
    start, end = float(shown.index[0]), float(shown.index[-1])
    ax.set_xlim(start, end)
    marks = np.arange(start, end + 0.1, 1).tolist()
    names: list[str] = [f"{mark:.0f}" for mark in marks]
    ax.set_xticks(marks, [*names[:-1], f"{names[-1]} h"])


def _flag(ax: Ax, hour: float, top: float, told: str, *, at: float) -> None:
    """Mark an hour from the bottom to the top, its words `at` a height: early left, late right."""
    if math.isfinite(hour):
        ax.plot([hour, hour], [0, top], linewidth=1, linestyle="-.", alpha=0.7)
        side: Across = "right" if at > top / 2 else "left"
        beside = hour + (-0.02 if side == "right" else 0.02)
        ax.text(beside, at, told, ha=side, va="center", fontsize=12)


def _first(values: pd.Series[float], limit: float) -> float:
    """Return the first hour above a limit; `inf` if there is none."""
    above = values.index.to_numpy(dtype=np.float64)[values.to_numpy() > limit]
    return float(above[0]) if above.size else math.inf


def _at(hour: float) -> str:
    return f"at hour {hour:.1f}" if math.isfinite(hour) else "at no hour"


def _headline(case: Busy) -> str:
    if not math.isfinite(case.mean):
        return "Too much work: the line grows without end"
    return f"{100 * case.load:.0f} % busy: an answer takes {case.mean / case.service:.1f} services"


def _finding(case: Busy) -> str:
    solved = (
        f"The most traffic with which {100 * case.share:.0f} % are answered within "
        f"{milliseconds(case.promise)}: {case.most:.1f} requests a second; with which the mean is: "
        f"{case.most_for_the_mean:.1f}."
    )
    if not math.isfinite(case.mean):
        return f"The server is asked for {case.load:.2f} of what it can do. {solved}"
    return (
        f"An answer takes {milliseconds(case.mean)} in the mean, {100 * case.share:.0f} % take at "
        f"most {milliseconds(case.within)}, and {_percent(_late(case))} take longer than "
        f"{milliseconds(case.promise)}. {solved}"
    )


def _late(case: Busy) -> float:
    return float(case.longer(case.promise)) if math.isfinite(case.mean) else 1.0


def _more(case: Busy) -> str:
    more = float(case.means(case.load + case.service)) - case.mean
    return f"{milliseconds(more)} to the mean" if math.isfinite(more) else "without end"


def _percent(share: float) -> str:
    value = 100 * share
    return f"{value:.0f} %" if value >= 9.95 else f"{value:.2g} %" if value >= 0.01 else "0 %"
