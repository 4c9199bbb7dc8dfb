"""When does helping make it worse? The board and the figures of the eighth lesson."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import numpy as np

from queueing import MMc
from queueing.lab import words
from queueing.lab.boards import Board
from queueing.lab.controls import Number
from queueing.lab.palette import BLUE, GREY, INK, PURPLE, SYMBOLS, VERMILLION, verdict_colour
from queueing.lab.paper import Across, Paper
from queueing.lab.picture import Picture
from queueing.lab.retried import Retrying, clients

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from queueing.scenario import Scenario
    from queueing.simulation.storms import DrawnStorm

    Ax = TypeVar("Ax", Axes, Paper)
    Floats = NDArray[np.float64]

CALM, COLLAPSED = BLUE, VERMILLION
_SIZE = (410, 400)  # pixels of the column of numbers
_LOOP = (780, 236)  # pixels of the closed loop
_ASIDE = 104  # pixels at the right for the labels of a curve
_ENOUGH = 0.99  # of the arrivals answered in time, and a state is calm
_COLUMNS = (262, 405)  # pixels where the two columns of numbers end


def retry_board(scenario: Scenario) -> Board:
    """Return the board of a station whose customers try again; it finds what always recovers."""
    start = clients(scenario)
    line = start.station

    def draw(*, arrivals: int, timeout: int, attempts: int, room: int) -> Picture:
        station = MMc(arrival_rate=arrivals, service_rate=line.service_rate, servers=line.servers)
        case = Retrying(station=station, room=room, timeout=float(timeout), max_attempts=attempts)
        return retry_picture(case)

    rate = round(line.arrival_rate)
    return Board(
        [
            Number("arrivals", "Arrivals", start=rate, low=1, high=400, unit="requests a second"),
            Number(
                "timeout", "Timeout", start=round(start.timeout), low=1, high=10, unit="seconds"
            ),
            Number("attempts", "Attempts", start=start.max_attempts, low=1, high=10, unit="in all"),
            Number("room", "Room", start=start.room, low=0, high=3000, unit="places in line"),
        ],
        draw,
    )


def retry_picture(case: Retrying) -> Picture:
    """Return the numbers of both states, the curve with its fixed points, and who is answered."""
    width, height = _SIZE
    bare = Paper(width, height, left=0, right=0, top=0, bottom=0)
    right = [
        caused(Paper(430, 214, right=_ASIDE), case),
        answered(Paper(430, 196, right=_ASIDE), case),
    ]
    return Picture([[numbers(bare, case)], right])


def loop_picture(case: Retrying) -> Picture:
    """Return the closed loop as a picture."""
    bare = Paper(_LOOP[0], _LOOP[1], left=0, right=0, top=0, bottom=0)
    return Picture([[loop(bare, case)]])


def numbers(ax: Ax, case: Retrying) -> Ax:
    """Write what the station settles at, calm or collapsed, and how many always recover."""
    width, height = _SIZE
    ax.set_xlim(0, width)
    ax.set_ylim(height, 0)
    ax.set_axis_off()
    ax.text(0, 19, _headline(case), fontsize=17, fontweight="bold")
    load = f"{case.station.traffic_intensity:.2f} of the {words.count(case.full_rate)} a second"
    ax.text(0, 40, f"First attempts are {load} that can be served", fontsize=12, alpha=0.72)
    states = _states(case)
    for place, (name, colour, dash, *_) in zip(_COLUMNS, states, strict=False):
        left = place - 8 * len(name) - 38
        ax.plot([left, left + 26], [74, 74], color=colour, linestyle=dash, linewidth=2.6)
        ax.text(place, 78, name, ha="right", fontsize=13, fontweight="600")
    rows = ("attempts a second", "answered in time", "share of the arrivals")
    for number, name in enumerate(rows):
        y = 110 + 34 * number
        ax.plot([0, width], [y - 21, y - 21], linewidth=1, alpha=0.2)
        ax.text(0, y, name, fontsize=13)
    for place, state in zip(_COLUMNS, states, strict=False):
        share = state.goodput / case.station.arrival_rate
        kept = share >= _ENOUGH
        for y, told, paint in (
            (110, rate(state.attempt_rate), None),
            (144, rate(state.goodput), None),
            (178, f"{SYMBOLS[kept]} {100 * share:.0f} %", verdict_colour(kept=kept)),
        ):
            ax.text(place, y, told, ha="right", fontsize=15, fontweight="600", color=paint)
    ax.text(0, 226, "The most arrivals for which it always recovers", fontsize=13, fontweight="600")
    solved, *more = _solved(case)
    ax.text(0, 254, solved, fontsize=17, fontweight="bold")
    for line, told in enumerate(more):
        ax.text(0, 277 + 18 * line, told, fontsize=13)
    for line, told in enumerate(_NOTE):
        ax.text(0, 366 + 16 * line, told, fontsize=11, alpha=0.72)
    ax.set_label(f"{_headline(case)}. {_finding(case)}")
    return ax


def caused(ax: Ax, case: Retrying) -> Ax:
    """Draw the attempts caused against the attempts made, the diagonal, and where they meet."""
    arrivals = case.station.arrival_rate
    top = 1.15 * max(arrivals * case.max_attempts, 1.3 * case.full_rate)
    ax.set_xlim(0, top)
    ax.set_ylim(0, top)
    ticks = _round(top)
    labels: list[str] = [words.count(tick) for tick in ticks]
    ax.set_xticks(ticks, [*labels[:-1], f"{labels[-1]} made"])
    ax.set_yticks(ticks, labels)
    ax.set_title("Attempts caused a second, by attempts made a second")
    ax.plot([0, top], [0, top], linestyle="--", linewidth=1.2, alpha=0.8)
    rates, failing = case.curve
    inside = rates <= top
    x, q = np.append(rates[inside], top), np.append(failing[inside], np.interp(top, rates, failing))
    image = arrivals * case.attempts(q)
    ax.plot(x, image, color=PURPLE, linewidth=2.2)
    end = float(image[-1])
    _aside(ax, top, [(top, "as many"), (end, "caused")], top)
    lowest = 0.05 * top
    for number, (made, stable) in enumerate(_points(case)):
        mark, verb = ("●", "settles at") if stable else ("○", "tips at")
        told = f"{verb} {rate(made)}"
        ax.text(made, made, mark, ha="center", va="center", fontsize=15)
        if stable and (number or made > 0.6 * top):
            place, height, side = made - 0.02 * top, made + 0.075 * top, "right"
        else:
            place, height, side = made + 0.02 * top, max(made - 0.075 * top, lowest), "left"
            lowest = height + 0.11 * top
        ax.text(place, height, told, ha=side, va="center", fontsize=12, fontweight="600")  # type: ignore[arg-type]
    met = [
        f"{rate(made)} a second, where it {'settles' if stable else 'tips'}"
        for made, stable in _points(case)
    ]
    ax.set_label(f"The attempts caused are as many as those made at {words.listed(met)}.")
    return ax


def answered(ax: Ax, case: Retrying) -> Ax:
    """Draw who is answered in time, by arrivals: on the calm branch and on the collapsed one."""
    arrivals = case.arrivals
    now, full = case.station.arrival_rate, case.full_rate
    right = 1.2 * max(full, now)
    ax.set_xlim(0, right)
    ax.set_ylim(0, 1.25 * full)
    ticks = _round(right)
    labels: list[str] = [words.count(tick) for tick in ticks]
    ax.set_xticks(ticks, [*labels[:-1], f"{labels[-1]} come"])
    heights = _round(1.1 * full)
    ax.set_yticks(heights, [words.count(height) for height in heights])
    ax.set_title("Answered in time a second, by arrivals a second")
    start, end = case.always_recovers, case.collapses
    if math.isfinite(start):
        ax.axvspan(start, end, color=GREY, alpha=0.16, linewidth=0)
        ax.text(
            (start + end) / 2, 1.2 * full, "a stall decides", ha="center", va="top", fontsize=11
        )
    ax.plot([now, now], [0, full], linestyle=":", linewidth=1.2, alpha=0.8)
    side: Across = "left" if now < right / 2 else "right"
    aside, height = (0.01, 0.75) if side == "left" else (-0.01, 0.3)
    ax.text(now + aside * right, height * full, "now", ha=side, fontsize=11, alpha=0.72)
    _, failing = case.curve
    good = arrivals * (1 - np.minimum(failing, 1) ** case.max_attempts)
    ends: list[tuple[float, str]] = []
    falls = case.falls
    if falls is None:
        _branch(ax, arrivals, good, right, calm=True)
        ends.append((float(np.interp(right, arrivals, good)), "the only state"))
    else:
        low = falls + int(arrivals[falls:].argmin())
        _branch(ax, arrivals[low:], good[low:], right, calm=False)
        _branch(ax, arrivals[: falls + 1], good[: falls + 1], right, calm=True)
        ends.append((float(np.interp(right, arrivals[low:], good[low:])), "collapsed"))
        ax.text(end, end, " calm", va="center", fontsize=12)
    _aside(ax, right, ends, 1.25 * full)
    if math.isfinite(start):
        told = (
            f"with up to {math.floor(start)} a second it is calm, above {math.floor(end)} it "
            "collapses, and between them a stall decides."
        )
    else:
        told = "there is one state for every number."
    ax.set_label(f"Answered in time, by arrivals: {told}")
    return ax


def loop(ax: Ax, case: Retrying) -> Ax:
    """Draw the closed loop: programs, attempts, station, answers, and what comes back."""
    width, height = _LOOP
    ax.set_xlim(0, width)
    ax.set_ylim(height, 0)
    ax.set_axis_off()
    arrivals = rate(case.station.arrival_rate)
    states = _states(case)
    attempts: list[str] = [f"{each.name}: {rate(each.attempt_rate)} a second" for each in states]
    answers: list[str] = [f"{each.name}: {rate(each.goodput)} a second" for each in states]
    for left, wide, lines in (
        (10, 180, ["programs", f"{arrivals} requests a second"]),
        (290, 200, ["attempts", *attempts]),
        (580, 190, ["answered in time", *answers]),
    ):
        right = left + wide
        ax.plot([left, right, right, left, left], [30, 30, 110, 110, 30], linewidth=1.4)
        for number, told in enumerate(lines):
            weight = "600" if number == 0 else "normal"
            ax.text(left + 12, 54 + 21 * number, told, fontsize=13, fontweight=weight)
    for start, end, told in ((190, 290, "first"), (490, 580, "in time")):
        ax.plot([start, end - 6], [70, 70], linewidth=1.8)
        ax.text(end - 7, 70, "▶", ha="center", va="center", fontsize=12)
        ax.text((start + end) / 2, 60, told, ha="center", fontsize=12)
    ax.plot([535, 535, 240, 240], [70, 170, 170, 78], linewidth=1.8, linestyle="--", color=PURPLE)
    ax.text(240, 77, "▲", ha="center", va="center", fontsize=12, color=PURPLE)
    again = f"failed: no place in line, or not over after {case.timeout:g} s"
    ax.text(388, 162, again, ha="center", fontsize=12)
    most = f"tried again, {words.many(case.max_attempts, 'attempt')} in all"
    ax.text(388, 190, most, ha="center", fontsize=12)
    told = f"The station can do {rate(case.full_rate)} attempts a second; work that failed stays."
    ax.text(388, 222, told, ha="center", fontsize=12, alpha=0.72)
    ax.set_label(
        f"{arrivals} requests a second make attempts; those that fail come back as attempts, "
        f"{words.many(case.max_attempts, 'attempt')} in all. {_told_states(case)}"
    )
    return ax


def crowd(ax: Ax, retries: Mapping[str, Floats], width: float = 5.0) -> Ax:
    """Draw when tasks that failed together are tried again, a row for each backoff."""
    longest = math.ceil(max(float(times.max()) for times in retries.values()) / 50) * 50
    edges = np.arange(0, longest + 2 * width, width)
    counts = {name: np.histogram(times, edges)[0] for name, times in retries.items()}
    most = max(int(count.max()) for count in counts.values())
    rows = len(counts)
    ax.set_xlim(0, edges[-1])
    ax.set_ylim(0, rows)
    ticks = _round(longest)
    labels: list[str] = [words.count(tick) for tick in ticks]
    ax.set_xticks(ticks, [*labels[:-1], f"{labels[-1]} s"])
    ax.set_yticks([], [])
    ax.set_title(f"Retries of {len(next(iter(retries.values()))):,} mails, in {width:g} s each")
    told = []
    for row, (name, count) in enumerate(counts.items()):
        base = rows - 1 - row
        steps = base + 0.62 * np.repeat(count, 2) / most
        ax.fill_between(np.repeat(edges, 2)[1:-1], steps, base, color=(BLUE, PURPLE)[row % 2])
        ax.plot([0, edges[-1]], [base, base], linewidth=1, alpha=0.5)
        peak = f"at most {int(count.max()):,}"
        ax.text(longest, base + 0.7, f"{name}: {peak}", ha="right", fontsize=13, fontweight="600")
        told.append(f"{name} {peak}")
    ax.set_label(f"Retries in {width:g} seconds, mails that fail every time: {words.listed(told)}.")
    return ax


def after_stall(ax: Ax, drawn: Mapping[str, DrawnStorm], stall: Sequence[float]) -> Ax:
    """Draw who is answered in time, second by second, through a stall from one second on."""
    horizon = next(iter(drawn.values())).answered.shape[1]
    begin, end = stall[0], stall[0] + stall[1]
    lines = {name: _smooth(storm.answered.mean(axis=0)) for name, storm in drawn.items()}
    top = 1.12 * max(float(line.max()) for line in lines.values())
    ax.set_xlim(0, horizon)
    ax.set_ylim(0, top)
    ticks = _round(horizon)
    labels: list[str] = [f"{tick:g}" for tick in ticks]
    ax.set_xticks(ticks, [*labels[:-1], f"{labels[-1]} s"])
    heights = _round(top)
    ax.set_yticks(heights, [words.count(height) for height in heights])
    ax.set_title("Answered in time a second, in the mean of the runs")
    ax.axvspan(begin, end, color=GREY, alpha=0.2, linewidth=0)
    ax.text(end, 0.98 * top, f" stands still for {stall[1]:g} s", va="top", fontsize=11)
    styles = zip((VERMILLION, BLUE, PURPLE, INK), ("--", "-", "-.", ":"), strict=True)
    for row, ((name, line), (colour, dash)) in enumerate(zip(lines.items(), styles, strict=False)):
        ax.plot(np.arange(horizon) + 0.5, line, color=colour, linestyle=dash, linewidth=2)
        y = (0.5 - 0.1 * row) * top
        sample = [0.42 * horizon, 0.47 * horizon]
        ax.plot(sample, [y, y], color=colour, linestyle=dash, linewidth=2)
        goodput = f"{name}: {rate(drawn[name].goodput.mean)} in the end"
        ax.text(0.48 * horizon, y, goodput, va="center", fontsize=12)
    told = [f"{name}: {storm.goodput.mean:,.0f} a second" for name, storm in drawn.items()]
    ax.set_label(
        f"After a stall of {stall[1]:g} seconds are answered in time, by {words.listed(told)}."
    )
    return ax


def rate(value: float) -> str:
    """Return a number a second in words: 185, 8.1, 0.

    >>> rate(184.92), rate(8.0713), rate(3e-7)
    ('185', '8.1', '0')
    """
    return words.count(value) if value >= 99.5 else f"{value:.1f}".removesuffix(".0")


_NOTE = (
    "Theory: attempts are taken as random and services as exponential;",
    "work that nobody waits for any more stays in line.",
)


class _State(NamedTuple):
    """A stable fixed point, and how it is drawn."""

    name: str
    colour: str
    dash: str
    attempt_rate: float
    goodput: float


def _states(case: Retrying) -> list[_State]:
    """Return the stable points by name; one alone is the only state."""
    good, bad = case.good, case.bad
    calm, collapsed = (CALM, "-"), (COLLAPSED, "--")
    if bad is None:
        style = collapsed if case.station.arrival_rate >= case.collapses else calm
        return [_State("the only state", *style, good["attempt_rate"], good["goodput"])]
    return [
        _State("calm", *calm, good["attempt_rate"], good["goodput"]),
        _State("collapsed", *collapsed, bad["attempt_rate"], bad["goodput"]),
    ]


def _points(case: Retrying) -> list[tuple[float, bool]]:
    table = case.points
    return list(zip(table["attempt_rate"].tolist(), table["stable"].tolist(), strict=True))


def _headline(case: Retrying) -> str:
    if case.bad is not None:
        return "Two states: a stall decides"
    if case.station.arrival_rate >= case.collapses:
        return "It collapses by itself"
    if case.good["goodput"] >= _ENOUGH * case.station.arrival_rate:
        return "It always recovers"
    return "Overloaded, as long as so many come"


def _solved(case: Retrying) -> tuple[str, ...]:
    """Return what always recovers, and what comes beyond, line by line."""
    if not math.isfinite(case.always_recovers):
        return (
            "any number",
            "There is never a second state to fall into: once the arrivals are",
            "few enough again, so are the attempts.",
        )
    least, most = math.floor(case.always_recovers), math.floor(case.collapses)
    return (
        f"{least} requests a second",
        f"From there to {most} a second it depends on whether it was",
        "ever pushed over the tipping point (○); with more it collapses",
        "by itself.",
    )


def _told_states(case: Retrying) -> str:
    told = [
        f"{each.name} {rate(each.attempt_rate)} attempts a second and {rate(each.goodput)} "
        "answered in time"
        for each in _states(case)
    ]
    return f"It settles at: {'; or '.join(told)}."


def _finding(case: Retrying) -> str:
    most = _solved(case)[0]
    return f"{_told_states(case)} The most arrivals for which it always recovers: {most}."


def _branch(ax: Ax, x: Floats, y: Floats, edge: float, *, calm: bool) -> None:
    """Draw the part of a branch that lies inside the edge."""
    colour, dash = (CALM, "-") if calm else (COLLAPSED, "--")
    inside = x <= edge
    if not inside.all():
        x, y = np.append(x[inside], edge), np.append(y[inside], np.interp(edge, x, y))
    if x.size > 1:
        ax.plot(x, y, color=colour, linestyle=dash, linewidth=2.2)


def _round(top: float) -> list[float]:
    """Return round numbers from 0 to at most `top`."""
    raw = top / 5
    size = 10 ** math.floor(math.log10(raw))
    step = next(size * part for part in (1, 2, 2.5, 5, 10) if size * part >= 0.999 * raw)
    return [float(tick) for tick in np.arange(0, top * 1.0001, step)]


def _aside(ax: Ax, edge: float, labels: list[tuple[float, str]], top: float) -> None:
    """Write labels at the right edge, a line apart at least."""
    place = 0.03 * top
    for value, label in sorted(labels):
        place = min(max(value, place), top)
        ax.text(1.02 * edge, place, label, va="center", fontsize=12)
        place += 0.11 * top


def _smooth(values: Floats, seconds: int = 3) -> Floats:
    """Return the mean of each second and its neighbours."""
    padded = np.pad(values, seconds // 2, mode="edge")
    return np.convolve(padded, np.ones(seconds) / seconds, mode="valid")
