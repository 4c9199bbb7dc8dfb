"""One long line or many short ones: the board and the figures of the third lesson."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from queueing import MMc, erlang_c, square_root_quality
from queueing.lab import words
from queueing.lab.boards import Board
from queueing.lab.controls import Number
from queueing.lab.palette import BLUE, GREY, PURPLE, SYMBOLS, verdict_colour
from queueing.lab.paper import Across, Paper
from queueing.lab.picture import Picture
from queueing.lab.pooled import SHARE, Pooling, processors

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from queueing import MM1
    from queueing.scenario import Scenario
    from queueing.simulation.estimate import Estimate

    Ax = TypeVar("Ax", Axes, Paper)
    Floats = NDArray[np.float64]

ONE, MANY = BLUE, PURPLE
_SIZE = (410, 400)  # pixels of the column of numbers
_ASIDE = 104  # pixels at the right for the labels of a curve
_NEAR_EDGE = 0.04  # of the width: too near to the left edge for a label that reaches beyond it


def pooling_board(scenario: Scenario) -> Board:
    """Return the board that sets one line beside many, and finds the smallest number for each."""
    start = processors(scenario)

    def draw(*, arrivals: int, service: int, servers: int, promise: int) -> Picture:
        station = MMc(arrival_rate=arrivals, service_rate=1000 / service, servers=servers)
        return pooling_picture(Pooling(station=station, promise=promise / 1000))

    rate, milliseconds = round(start.arrival_rate), round(1000 / start.service_rate)
    return Board(
        [
            Number("arrivals", "Arrivals", start=rate, low=1, high=400, unit="requests a second"),
            Number("service", "Service", start=milliseconds, low=1, high=100, unit="ms a request"),
            Number("servers", "Servers", start=start.servers, low=1, high=40, unit="servers"),
            Number(
                "promise", "Promise", start=30, low=1, high=200, unit="ms for 95 % of the waits"
            ),
        ],
        draw,
    )


def pooling_picture(case: Pooling) -> Picture:
    """Return one line beside many: the numbers, who still waits, and the servers that suffice."""
    width, height = _SIZE
    bare = Paper(width, height, left=0, right=0, top=0, bottom=0)
    left = [numbers(bare, case)]
    right = [
        still_waiting(Paper(430, 196, right=_ASIDE), case),
        by_servers(Paper(430, 214, right=_ASIDE), case),
    ]
    return Picture([left, right])


def numbers(ax: Ax, case: Pooling) -> Ax:
    """Write the numbers of one line and of many, the verdicts and the smallest numbers that do."""
    width, height = _SIZE
    station, single = case.station, case.single
    ax.set_xlim(0, width)
    ax.set_ylim(height, 0)
    ax.set_axis_off()
    ax.text(0, 19, _headline(case), fontsize=17, fontweight="bold")
    load = f"load a = {station.offered_load:.2f} on {words.many(station.servers, 'server')}"
    ax.text(0, 40, f"{load}: ρ = {station.traffic_intensity:.2f}", fontsize=12, alpha=0.72)
    for place, name, colour, dash in (
        (_COLUMNS[0], "one line", ONE, "-"),
        (_COLUMNS[1], "a line each", MANY, "--"),
    ):
        ax.plot([place - 112, place - 86], [74, 74], color=colour, linestyle=dash, linewidth=2.6)
        ax.text(place, 78, name, ha="right", fontsize=13, fontweight="600")
    rows = (
        ("have to wait", _share(station.wait_probability), _share(single.wait_probability)),
        ("mean wait", milliseconds(station.mean_wait), milliseconds(single.mean_wait)),
        ("95 % wait at most", milliseconds(case.wait), milliseconds(case.single_wait)),
    )
    for number, (name, *pair) in enumerate(rows):
        y = 110 + 34 * number
        ax.plot([0, width], [y - 21, y - 21], linewidth=1, alpha=0.2)
        ax.text(0, y, name, fontsize=13)
        for place, told in zip(_COLUMNS, pair, strict=True):
            ax.text(place, y, told, ha="right", fontsize=15, fontweight="600")
    y = 110 + 34 * len(rows)
    ax.plot([0, width], [y - 21, y - 21], linewidth=1, alpha=0.2)
    ax.text(0, y, f"promised: {milliseconds(case.promise)}", fontsize=13)
    for place, waited in zip(_COLUMNS, (case.wait, case.single_wait), strict=True):
        kept = waited <= case.promise
        told = f"{SYMBOLS[kept]} {'kept' if kept else 'broken'}"
        ax.text(
            place,
            y,
            told,
            ha="right",
            fontsize=14,
            fontweight="600",
            color=verdict_colour(kept=kept),
        )
    ax.text(0, 266, "The smallest numbers that keep the promise", fontsize=13, fontweight="600")
    for place, (needed, name) in enumerate(
        ((case.fewest, "in one line"), (case.fewest_apart, "with a line each"))
    ):
        y = 298 + 30 * place
        ax.text(34, y, words.count(needed), ha="right", fontsize=17, fontweight="bold")
        busy = station.offered_load / needed
        each = "server" if needed == 1 else "servers"
        ax.text(44, y, f"{each} {name}, each busy {100 * busy:.0f} % of the time", fontsize=13)
    for line, told in enumerate(_note(case)):
        ax.text(0, 366 + 16 * line, told, fontsize=11, alpha=0.72)
    ax.set_label(f"{_headline(case)}. {_finding(case)}")
    return ax


def still_waiting(ax: Ax, case: Pooling) -> Ax:
    """Draw the share of the requests that wait longer than t, for one line and for many."""
    longest = 1000 * max(min(max(case.wait, case.promise), 5 * case.promise), 1.6 * case.promise)
    times = np.linspace(0, longest, 121)
    ax.set_xlim(0, longest)
    ax.set_ylim(0, 1)
    ticks_across(ax, longest, "ms")
    ax.set_yticks([0, 0.5, 1], ["0", "50 %", "100 %"])
    ax.set_title("Share that waits longer than so many milliseconds")
    ax.axhline(1 - SHARE, linestyle=":", alpha=0.8)
    ax.plot([1000 * case.promise] * 2, [0, 1], linestyle=":", linewidth=1, alpha=0.8)
    ax.text(1000 * case.promise, 1.0, " promised", va="top", fontsize=11, alpha=0.72)
    ends = []
    for line, colour, dash in ((case.single, MANY, "--"), (case.station, ONE, "-")):
        tail = _tail(line, times / 1000)
        ax.plot(times, tail, color=colour, linestyle=dash, linewidth=2.2)
        ends.append(float(tail[-1]))
    _beside(ax, longest, {"a line each": ends[0], "one line": ends[1]}, 1.0)
    beyond = [float(_tail(line, np.array(case.promise))) for line in (case.station, case.single)]
    ax.set_label(
        f"Longer than {milliseconds(case.promise)} wait {_share(beyond[0])} in one line and "
        f"{_share(beyond[1])} with a line each."
    )
    return ax


def by_servers(ax: Ax, case: Pooling) -> Ax:
    """Draw the wait that 95 % stay within by the number of servers, and who keeps the promise."""
    now, most = case.station.servers, max(case.station.servers, 2 * case.fewest, 8)
    top, scale = 4.0 * case.promise, 1000
    ax.set_xlim(0, most + 0.5)
    ax.set_ylim(0, scale * top)
    step = next(step for step in (1, 2, 5, 10, 20, 50, 100, 500) if most / step <= 9)
    ticks = list(range(0, most + 1, step))
    ax.set_xticks(ticks, [str(tick) for tick in ticks])
    marks = [0, scale * case.promise, scale * top / 2, scale * top]
    ax.set_yticks(marks, [f"{mark:,.3g}" for mark in marks])
    ax.set_title("Wait that 95 % stay within, ms, by number of servers")
    ax.axhline(scale * case.promise, linestyle=":", alpha=0.8)
    ax.axvspan(now - 0.5, now + 0.5, color=GREY, alpha=0.16, linewidth=0)
    side: Across = "left" if now < _NEAR_EDGE * most else "center"
    ax.text(now, scale * top, "now", ha=side, va="top", fontsize=11, alpha=0.72)
    first = math.floor(case.station.offered_load) + 1
    counts = np.arange(first, most + 1, max(1, (most - first) // 20))
    for waits, colour, mark in (
        (case.single_waits(counts), MANY, "○"),
        (case.waits(counts), ONE, "●"),
    ):
        for servers, waited in zip(counts.tolist(), waits.tolist(), strict=True):
            if waited <= top:
                height = scale * waited
                ax.text(servers, height, mark, ha="center", va="center", fontsize=11, color=colour)
    if case.fewest not in counts:
        ax.text(
            case.fewest,
            scale * float(case.waits(case.fewest)),
            "●",
            ha="center",
            va="center",
            fontsize=11,
            color=ONE,
        )
    found = f"{case.fewest} keep it"
    ax.text(
        case.fewest, scale * (case.promise + 0.05 * top), f" {found}", fontsize=12, fontweight="600"
    )
    labels = {"○ a line each": scale * min(float(case.single_waits(most)), top)}
    labels["● one line"] = scale * float(case.waits(most))
    _beside(ax, most + 0.5, labels, scale * top)
    ax.set_label(
        f"By the number of servers: one line keeps the promise from {case.fewest} on, a line each "
        f"from {case.fewest_apart} on."
    )
    return ax


def spare(ax: Ax, wait_probability: float = 0.2, most: int = 200) -> Ax:
    """Draw how busy servers may be so that no more than a share of the requests waits."""
    servers = np.arange(1, most + 1)
    exact = _carried(servers, wait_probability) / servers
    beta = float(square_root_quality(wait_probability))
    rule = ((np.sqrt(beta**2 + 4 * servers) - beta) / 2) ** 2 / servers
    ax.set_xlim(0, most)
    ax.set_ylim(0, 1)
    marks = [0, most // 4, most // 2, 3 * most // 4, most]
    ax.set_xticks(marks, [f"{mark} servers" if mark == most else f"{mark}" for mark in marks])
    ax.set_yticks([0, 0.5, 1], ["0", "50 %", "100 %"])
    ax.set_title(
        f"How busy servers may be if {100 * wait_probability:.0f} % of the requests may wait"
    )
    ax.axhline(1, linestyle=":", alpha=0.8)
    ax.plot(servers, exact, color=ONE, linewidth=2.2)
    ax.plot(servers, rule, linestyle="--", linewidth=1.4)
    told = []
    for number in (max(2, most // 33), most // 4, most):
        busy = float(exact[number - 1])
        told.append(f"{number} servers: {100 * busy:.0f} % busy")
        place, side = (number + 4, "left") if number < most else (number - 2, "right")
        ax.text(place, busy - 0.07, told[-1], ha=side, va="top", fontsize=12)  # type: ignore[arg-type]
        ax.text(number, busy, "●", ha="center", va="center", fontsize=11, color=ONE)
    for height, name, colour, dash in (
        (0.2, "Erlang C, exact", ONE, "-"),
        (0.08, "the rule a + β√a", None, "--"),
    ):
        ends = [0.52 * most, 0.56 * most]
        ax.plot(ends, [height + 0.02] * 2, color=colour, linestyle=dash, linewidth=2)
        ax.text(0.57 * most, height, name, fontsize=12)
    ax.set_label(
        f"The more servers share a line, the busier they may be. If {100 * wait_probability:.0f} "
        f"% of the requests may wait: {words.listed(told)}. The square-root rule lies close to "
        "the exact curve."
    )
    return ax


def routes(ax: Ax, found: Mapping[str, Estimate], limit: float) -> Ax:
    """Draw a P95 (ms) for each habit of a load balancer, with its interval, and the limit."""
    longest = 1.15 * max(limit, *(estimate.high for estimate in found.values()))
    rows = len(found)
    ax.set_xlim(0, longest)
    ax.set_ylim(rows - 0.4, -0.75)
    ticks_across(ax, longest, "ms")
    ax.set_title("P95 of all requests at the peak, by how the load balancer chooses a server")
    for row, (name, estimate) in enumerate(found.items()):
        kept = estimate.mean <= limit
        colour = verdict_colour(kept=kept)
        ax.barh(row + 0.12, estimate.mean, 0.42, color=colour, alpha=0.35)
        ax.plot([estimate.low, estimate.high], [row + 0.12] * 2, linewidth=5, color=colour)
        told = f"{SYMBOLS[kept]} {name}: {estimate.mean:.0f} ± {estimate.half_width:.1f} ms"
        ax.text(0.01 * longest, row + 0.12, told, va="center", fontsize=13, fontweight="600")
    ax.plot([limit, limit], [-0.5, rows - 0.4], linestyle="--", linewidth=1.2)
    ax.text(limit, -0.52, f"{limit:g} ms promised", ha="center", fontsize=11, alpha=0.72)
    told = ", ".join(f"{name} {estimate.mean:.0f} ms" for name, estimate in found.items())
    broken = [name for name, estimate in found.items() if estimate.mean > limit]
    verdict = f"Broken by: {words.listed(broken)}" if broken else "All keep it"
    ax.set_label(f"P95 by routing: {told}. Promised are {limit:g} ms. {verdict}.")
    return ax


def milliseconds(seconds: float) -> str:
    """Return a wait in words: 4.1 ms, 196 ms, 12.3 s, without end.

    >>> milliseconds(0.0041), milliseconds(0.196), milliseconds(12.34), milliseconds(0)
    ('4.1 ms', '196 ms', '12.3 s', '0 ms')
    """
    if not math.isfinite(seconds):
        return "without end"
    if seconds >= 10:
        return words.duration(seconds, short=True)
    value = 1000 * seconds
    return f"{value:,.0f} ms" if value >= 99.5 else f"{value:.1f} ms".replace("0.0 ms", "0 ms")


def sample_aside(
    ax: Ax, at: tuple[float, float], told: str, *, gap: float, color: str, dashed: bool
) -> None:
    """Write what a line is, a `gap` behind a piece of it in its colour."""
    x, y = at
    ax.text(x, y, "╌" if dashed else "━", va="center", fontsize=12, color=color)
    ax.text(x + gap, y, told, va="center", fontsize=12)


def ticks_across(ax: Ax, longest: float, unit: str) -> None:
    """Write about five round numbers below, the last with its unit."""
    raw = longest / 5
    size = 10 ** math.floor(math.log10(raw))
    step = next(size * part for part in (1, 2, 2.5, 5, 10) if size * part >= 0.999 * raw)
    ticks = np.arange(0, longest * 1.0001, step).tolist()
    names: list[str] = [f"{tick:g}" for tick in ticks]
    ax.set_xticks(ticks, [*names[:-1], f"{names[-1]} {unit}"])


_COLUMNS = (262, 405)  # pixels where the two columns of numbers end


def _carried(servers: NDArray[np.int64], wait_probability: float) -> Floats:
    """Return the largest load, in Erlang, of which no more than a share has to wait."""
    low, high = np.zeros(servers.shape), servers.astype(np.float64)
    for _ in range(50):
        middle = (low + high) / 2
        kept = erlang_c(servers, middle) <= wait_probability
        low, high = np.where(kept, middle, low), np.where(kept, high, middle)
    return low


def _tail(line: MM1 | MMc, seconds: Floats) -> Floats:
    """Return P(W > t)."""
    if not line.is_stable:
        return np.ones(seconds.shape)
    spare = line.servers * line.service_rate - line.arrival_rate
    return line.wait_probability * np.exp(-spare * seconds)


def _headline(case: Pooling) -> str:
    if not case.station.is_stable:
        return "Too much work: no line keeps up"
    kept = [case.wait <= case.promise, case.single_wait <= case.promise]
    if all(kept):
        return "Both keep the promise"
    if not any(kept):
        return "Neither keeps the promise"
    return "One line keeps the promise, many do not"


def _finding(case: Pooling) -> str:
    station, single = case.station, case.single
    smallest = (
        f"To have 95 % wait at most {milliseconds(case.promise)} it takes "
        f"{words.many(case.fewest, 'server')} in one line and {case.fewest_apart} with a line each."
    )
    if not station.is_stable:
        load = f"{station.traffic_intensity:.2f}"
        return f"The servers are asked for {load} of what they can do. {smallest}"
    return (
        f"{words.many(station.servers, 'server')} at a load of {station.traffic_intensity:.2f}: "
        f"in one line {_share(station.wait_probability)} wait, the mean is "
        f"{milliseconds(station.mean_wait)} and 95 % wait at most {milliseconds(case.wait)}; with "
        f"a line each {_share(single.wait_probability)}, {milliseconds(single.mean_wait)} and "
        f"{milliseconds(case.single_wait)}. {smallest}"
    )


def _note(case: Pooling) -> tuple[str, ...]:
    if not case.station.is_stable:
        return ("A queue that is offered more than it can do grows", "as long as that lasts.")
    return (
        "Theory, exact for random arrivals and exponential services.",
        "The separate lines each get an equal share, at random.",
    )


def _share(probability: float) -> str:
    value = 100 * probability
    if 0 < value < 0.005:
        return "under 0.01 %"
    return f"{value:.0f} %" if value >= 9.95 or value == 0 else f"{value:.2g} %"


def _beside(ax: Ax, edge: float, labels: dict[str, float], top: float) -> None:
    """Write two labels at the right edge, the first above the second, apart enough to be read."""
    (upper, high), (lower, low) = labels.items()
    room = 0.12 * top
    low = min(max(low, 0.03 * top), top - room)
    high = min(max(high, low + room), top)
    for label, place in ((upper, high), (lower, low)):
        ax.text(1.02 * edge, place, label, va="center", fontsize=12)
