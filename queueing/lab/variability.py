"""Why does one slow template hurt everyone? The board of the fourth lesson and its figures."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from queueing.lab import words
from queueing.lab.boards import Board
from queueing.lab.controls import Number
from queueing.lab.mixed import MOST_MS, Mixed, requests
from queueing.lab.palette import BLUE, GREEN, GREY, PURPLE, SYMBOLS, verdict_colour
from queueing.lab.paper import Across, Paper
from queueing.lab.picture import Picture
from queueing.lab.pooling import milliseconds, sample_aside

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from queueing.scenario import Scenario

    Ax = TypeVar("Ax", Axes, Paper)
    Floats = NDArray[np.float64]

SHORT, SLOW = GREY, PURPLE
EXACT, RULE, ALIKE = BLUE, GREEN, GREY
_SIZE = (410, 400)  # pixels of the column of numbers
_ASIDE = 104  # pixels at the right for the labels of a curve
_PROMISE_MS = 10
_MOST_SERVERS = 8  # for which a chain is solved while a finger rests on a key
_KNOTS = (0.4, 0.8)  # loads at which the curve is solved, but for the one near the load of now


def variability_board(scenario: Scenario) -> Board:
    """Return the board of short and slow requests; it finds the slowest that can be borne."""
    start = requests(scenario)

    def draw(*, share: int, slow: int, arrivals: int, servers: int, promise: int) -> Picture:
        case = replace(
            start,
            share=share / 100,
            slow=slow / 1000,
            arrival_rate=float(arrivals),
            servers=servers,
            promise=promise / 1000,
        )
        return variability_picture(case)

    name, rate = f"{start.name.capitalize()}s", round(start.arrival_rate)
    share, slow = round(100 * start.share), round(1000 * start.slow)
    promise, unit = _PROMISE_MS, f"ms on a processor, a {start.name}"
    return Board(
        [
            Number("share", name, start=share, low=1, high=50, unit="% of the requests"),
            Number("slow", "Each takes", start=slow, low=1, high=500, unit=unit),
            Number("arrivals", "Arrivals", start=rate, low=1, high=400, unit="requests a second"),
            Number(
                "servers",
                "Processors",
                start=min(start.servers, _MOST_SERVERS),
                low=1,
                high=_MOST_SERVERS,
                unit="before one line",
            ),
            Number("promise", "Promise", start=promise, low=1, high=200, unit="ms of mean wait"),
        ],
        draw,
    )


def variability_picture(case: Mixed) -> Picture:
    """Return the numbers of a mix, what its slow part is and takes, and the wait by the load."""
    width, height = _SIZE
    bare = Paper(width, height, left=0, right=0, top=0, bottom=0)
    right = [
        blame(Paper(430, 160, left=66, right=_ASIDE), case),
        by_load(Paper(430, 240, left=66, right=_ASIDE), case),
    ]
    return Picture([[numbers(bare, case)], right])


def numbers(ax: Ax, case: Mixed) -> Ax:
    """Write the mean wait in truth, by the rule and by the mean alone, and the slowest template."""
    width, height = _SIZE
    ax.set_xlim(0, width)
    ax.set_ylim(height, 0)
    ax.set_axis_off()
    ax.text(0, 19, _headline(case), fontsize=17, fontweight="bold")
    load = f"S = {1000 * case.mean_service:.1f} ms, ρ = {case.load:.2f}, cs² = {case.scv:.2f}"
    ax.text(0, 40, load, fontsize=12, alpha=0.72)
    rows = (
        ("mean wait, exact", _wait(case.mean_wait)),
        ("by the rule, which knows S and cs²", _wait(case.rule.mean_wait)),
        ("by M/M/c, which knows S alone", _wait(case.alike.mean_wait)),
        ("so the rule is", _off(case)),
    )
    for number, (name, told) in enumerate(rows):
        y = 78 + 34 * number
        ax.plot([0, width], [y - 21, y - 21], linewidth=1, alpha=0.2)
        ax.text(0, y, name, fontsize=13)
        ax.text(width - 5, y, told, ha="right", fontsize=15, fontweight="600")
    y = 78 + 34 * len(rows)
    ax.plot([0, width], [y - 21, y - 21], linewidth=1, alpha=0.2)
    kept = case.mean_wait <= case.promise
    verdict, colour = f"{SYMBOLS[kept]} {'kept' if kept else 'broken'}", verdict_colour(kept=kept)
    ax.text(0, y, f"promised: {1000 * case.promise:g} ms in the mean", fontsize=13)
    ax.text(width - 5, y, verdict, ha="right", fontsize=14, fontweight="600", color=colour)
    told = f"The slowest {case.name} that keeps the promise"
    ax.text(0, 266, told, fontsize=13, fontweight="600")
    ax.text(0, 294, _slowest(case), fontsize=17, fontweight="bold")
    now = f"on a processor, in the mean; now it is {1000 * case.slow:.0f} ms"
    ax.text(0, 316, now, fontsize=13)
    for line, told in enumerate(_note(case)):
        ax.text(0, 366 + 16 * line, told, fontsize=11, alpha=0.72)
    ax.set_label(f"{_headline(case)}. {_finding(case)}")
    return ax


def blame(ax: Ax, case: Mixed) -> Ax:
    """Draw the slow ones' share of the requests, of the work and of the waiting."""
    ax.set_xlim(0, 100)
    ax.set_ylim(2.6, -0.6)
    ax.set_xticks([0, 25, 50, 75, 100], ["0", "25", "50", "75", "100 %"])
    ax.set_yticks([], [])
    ax.set_title(f"What the {case.name}s are, take, and cause")
    for row, (name, part) in enumerate(case.slow_parts.items()):
        share = 100 * part
        ax.text(-0.8, row, name, ha="right", va="center", fontsize=11, alpha=0.72)
        ax.barh(row, share, 0.62, color=SLOW, alpha=0.6)
        ax.barh(row, 100 - share, 0.62, share, color=SHORT, alpha=0.2)
        inside = share > 62
        place, side = (share - 1.5, "right") if inside else (share + 1.5, "left")
        told = f"{case.name}s {_percent(part)}"
        ax.text(place, row, told, ha=side, va="center", fontsize=12, fontweight="600")  # type: ignore[arg-type]
    ax.set_label(f"The {case.name}s {_blamed(case)}.")
    return ax


def by_load(ax: Ax, case: Mixed) -> Ax:
    """Draw the mean wait by the load: exact, by the rule, and if services were exponential."""
    waited, promise = 1000 * case.mean_wait, 1000 * case.promise
    top = min(max(3 * promise, 1.25 * waited), 8 * promise)
    loads = np.linspace(0, 0.995, 200)
    ruled = 1000 * case.rule_waits(loads)
    ax.set_xlim(0, 100)
    ax.set_ylim(0, top)
    ax.set_xticks([0, 25, 50, 75, 100], ["0", "25", "50", "75", "100 %"])
    ax.set_yticks(
        [0, promise, top], ["0", f"{promise:g}", f"{top:,.0f}" if top >= 100 else f"{top:.3g}"]
    )
    ax.set_title("Mean wait, ms, by how busy the processors are")
    ax.axhline(promise, linestyle=":", alpha=0.8)
    now = 100 * min(case.load, 1.0)
    ax.axvspan(max(now - 0.8, 0), min(now + 0.8, 100), color=GREY, alpha=0.2, linewidth=0)
    side: Across = "right" if now > 50 else "left"
    ax.text(
        now + (-1.5 if now > 50 else 1.5), top, "now", ha=side, va="top", fontsize=11, alpha=0.72
    )
    for values, colour, dash in (
        (ruled * 2 / (1 + case.scv), ALIKE, "-."),
        (ruled, RULE, "--"),
        (ruled / _overstated(case, loads), EXACT, "-"),
    ):
        shown = values <= top
        ax.plot(100 * loads[shown], values[shown], color=colour, linestyle=dash, linewidth=2.2)
    if waited <= top:
        ax.text(now, waited, "●", ha="center", va="center", fontsize=13, color=EXACT)
    for height, told, colour, dashed in (
        (0.94, "exact", EXACT, False),
        (0.82, "the rule", RULE, True),
    ):
        sample_aside(ax, (103, height * top), told, gap=6, color=colour, dashed=dashed)
    ax.text(103, 0.70 * top, "-·", va="center", fontsize=12, color=ALIKE)
    ax.text(109, 0.70 * top, "mean alone", va="center", fontsize=12)
    ax.text(103, promise, "promised", va="center", fontsize=11, alpha=0.72)
    return ax


def _overstated(case: Mixed, loads: Floats) -> Floats:
    """Return how many times as long as the truth the rule's wait is, by the load.

    Worked out at the load of now and at one more, and read off between them and full load, where
    both agree.
    """
    if case.servers == 1:
        return np.ones(loads.shape)
    low, high = _KNOTS
    knots = [low, high]
    if case.load < 0.95:
        knots = [case.load, high] if case.load < (low + high) / 2 else [low, case.load]
    known = [float(case.rule_waits(load)) / case.at_load(load).mean_wait for load in knots]
    return np.interp(loads, [*knots, 1.0], [*known, 1.0])


def _headline(case: Mixed) -> str:
    if case.load >= 1:
        return "Too much work: no line keeps up"
    times = case.mean_wait / case.alike.mean_wait
    return f"All wait {times:.1f} times as long as S alone tells"


def _finding(case: Mixed) -> str:
    solved = (
        f"The slowest {case.name} with which the mean wait is at most "
        f"{milliseconds(case.promise)}: {_slowest(case)}."
    )
    if case.load >= 1:
        return f"The processors are asked for {case.load:.2f} of what they can do. {solved}"
    return (
        f"With {words.many(case.servers, 'processor')} at a load of {case.load:.2f} and cs² = "
        f"{case.scv:.2f} the mean wait is {_wait(case.mean_wait)}; by the rule it is "
        f"{_wait(case.rule.mean_wait)}, {_off(case)}, and by the mean service alone "
        f"{_wait(case.alike.mean_wait)}. {solved}"
    )


def _blamed(case: Mixed) -> str:
    requests, work, waiting = map(_percent, case.slow_parts.values())
    return f"are {requests} of the requests, {work} of the work and {waiting} of the waiting"


def _wait(seconds: float) -> str:
    return "under 0.1 ms" if seconds < 5e-5 else milliseconds(seconds)


def _off(case: Mixed) -> str:
    if case.load >= 1:
        return "right"
    over = 100 * (case.rule.mean_wait / case.mean_wait - 1)
    if abs(over) < 0.05:
        return "exact"
    told = f"{abs(over):.0f}" if abs(over) >= 10 else f"{abs(over):.2g}"
    return f"{told} % too {'long' if over > 0 else 'short'}"


def _slowest(case: Mixed) -> str:
    if case.slowest == 0:
        return "none: the others alone wait longer"
    if case.slowest == MOST_MS:
        return f"{MOST_MS:,} ms, or more"
    return f"{case.slowest} ms"


def _note(case: Mixed) -> tuple[str, str]:
    if case.servers == 1:
        return ("Theory. For one server the rule is Pollaczek and Khinchine's", "formula: exact.")
    return (
        "Theory, random arrivals. The exact wait is that of a Markov chain, the",
        "rule is Allen and Cunneen's; M/M/c takes services as exponential.",
    )


def _percent(part: float) -> str:
    value = 100 * part
    if math.isclose(value, round(value), abs_tol=1e-9) or 9.95 <= value < 99.5:
        return f"{value:.0f} %"
    return f"{value:.2g} %" if value < 9.95 else f"{value:.1f} %"
