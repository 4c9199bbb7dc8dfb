"""What should a full queue say? The board and the figures of the seventh lesson."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from queueing import MMc
from queueing.lab import words
from queueing.lab.boards import Board
from queueing.lab.controls import Choice, Number
from queueing.lab.crowded import MOST_ROOM, WAYS, Crowded, rush, waiting_room
from queueing.lab.palette import BLUE, GREY, INK, PURPLE, SYMBOLS, VERMILLION, verdict_colour
from queueing.lab.paper import Paper
from queueing.lab.picture import Picture
from queueing.lab.pooling import milliseconds, ticks_across

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from queueing.backpressure import UserView
    from queueing.lab.crowded import Flash
    from queueing.scenario import Scenario
    from queueing.simulation.rushes import DrawnRush

    Ax = TypeVar("Ax", Axes, Paper)
    Floats = NDArray[np.float64]

_SIZE = (410, 400)  # pixels of the column of numbers
_ASIDE = 118  # pixels at the right for the labels of a curve
_COLUMNS = (272, 405)  # pixels where the columns of numbers end
_PROMISE_MS = 250
_NOTICED = 0.0005  # of the arrivals, from which a share is told
_STYLES = ((BLUE, "-"), (PURPLE, "--"), (VERMILLION, "-."), (INK, ":"))
_BANDS = {  # colour and opacity of what becomes of arrivals
    "served at once": (BLUE, 0.85),
    "after a wait": (BLUE, 0.42),
    "held outside": (GREY, 0.45),
    "dropped": (PURPLE, 0.7),
    "turned away": (VERMILLION, 0.75),
}


def crowded_case(scenario: Scenario, **changes: float | str) -> Crowded:
    """Return the rush before the scenario's processors and its waiting room.

    `changes` to `arrivals` a second, `servers`, `room`, `when_full` or `promise_ms` are taken over.
    """
    line = rush(scenario)
    shares = [kind.share for kind in scenario.classes.values() if kind.sends_mail]
    chosen = {
        "arrivals": line.arrival_rate,
        "servers": line.servers,
        "room": waiting_room(scenario),
        "when_full": "reject",
        "promise_ms": _PROMISE_MS,
        **changes,
    }
    return Crowded(
        station=MMc(
            arrival_rate=float(chosen["arrivals"]),
            service_rate=line.service_rate,
            servers=int(chosen["servers"]),
        ),
        room=int(chosen["room"]),
        when_full=chosen["when_full"],  # type: ignore[arg-type]
        promise=float(chosen["promise_ms"]) / 1000,
        first=sum(shares),
    )


def full_board(scenario: Scenario) -> Board:
    """Return the board of a line with a last place; it finds the largest room for a promise."""
    start, ways = crowded_case(scenario), list(WAYS)

    def draw(*, arrivals: int, servers: int, room: int, promise: int, full: int) -> Picture:
        return full_picture(
            crowded_case(
                scenario,
                arrivals=arrivals,
                servers=servers,
                room=room,
                promise_ms=promise,
                when_full=ways[full],
            )
        )

    rate, room = round(start.station.arrival_rate), min(start.room, MOST_ROOM)
    return Board(
        [
            Number("arrivals", "Arrivals", start=rate, low=1, high=600, unit="requests a second"),
            Number(
                "servers", "Servers", start=start.station.servers, low=1, high=20, unit="servers"
            ),
            Number("room", "Room", start=room, low=0, high=MOST_ROOM, unit="places in line"),
            Number(
                "promise",
                "Promise",
                start=_PROMISE_MS,
                low=1,
                high=2000,
                unit="ms for 95 % of the waits",
            ),
            Choice(
                "full", "A full line:", [(WAYS[way], way) for way in ways], label_width="initial"
            ),
        ],
        draw,
    )


def full_picture(case: Crowded) -> Picture:
    """Return the numbers, what becomes of the arrivals by load, and the waits by room."""
    width, height = _SIZE
    bare = Paper(width, height, left=0, right=0, top=0, bottom=0)
    right = [
        fates(Paper(430, 200, right=_ASIDE), case),
        waits_by_room(Paper(430, 210, right=_ASIDE), case),
    ]
    return Picture([[numbers(bare, case)], right])


def numbers(ax: Ax, case: Crowded) -> Ax:
    """Write what becomes of the arrivals, how long the accepted wait, and the largest room."""
    width, height = _SIZE
    ax.set_xlim(0, width)
    ax.set_ylim(height, 0)
    ax.set_axis_off()
    ax.text(0, 19, _headline(case), fontsize=17, fontweight="bold")
    load = f"{_rate(case.full_rate)} a second can be served: load"
    ax.text(0, 40, f"{load} {case.station.traffic_intensity:.2f}", fontsize=12, alpha=0.72)
    views = case.views
    columns = _COLUMNS[-len(views) :]
    for place, name in zip(columns, views, strict=True):
        told = "all requests" if len(views) == 1 else name
        ax.text(place, 74, told, ha="right", fontsize=13, fontweight="600")
    outside = case.when_full == "block"
    rows = [
        ("served at once", [_share(v.accepted - v.delayed) for v in views.values()]),
        ("served after a wait", [_share(v.delayed) for v in views.values()]),
        ("turned away", [_share(v.shed) for v in views.values()]),
        (
            "held outside first" if outside else "dropped from the line",
            [_share(v.held if outside else v.lost) for v in views.values()],
        ),
        ("95 % wait at most", [milliseconds(wait) for wait in case.waits]),
    ]
    for number, (name, amounts) in enumerate(rows):
        y = 104 + 30 * number
        ax.plot([0, width], [y - 20, y - 20], linewidth=1, alpha=0.2)
        ax.text(0, y, name, fontsize=13)
        for place, amount in zip(columns, amounts, strict=True):
            ax.text(place, y, amount, ha="right", fontsize=15, fontweight="600")
    y = 104 + 30 * len(rows)
    ax.plot([0, width], [y - 20, y - 20], linewidth=1, alpha=0.2)
    ax.text(0, y, f"promised: {milliseconds(case.promise)}", fontsize=13)
    for place, wait in zip(columns, case.waits, strict=True):
        kept = wait <= case.promise
        mark = f"{SYMBOLS[kept]} {'kept' if kept else 'broken'}"
        colour = verdict_colour(kept=kept)
        ax.text(place, y, mark, ha="right", fontsize=14, fontweight="600", color=colour)
    ax.text(0, 298, "The largest room that keeps the promise", fontsize=13, fontweight="600")
    solved, *more = _solved(case)
    ax.text(0, 325, solved, fontsize=17, fontweight="bold")
    for line, sentence in enumerate(more):
        ax.text(0, 347 + 18 * line, sentence, fontsize=13)
    ax.text(0, 392, "Theory: arrivals at random, services exponential.", fontsize=11, alpha=0.72)
    ax.set_label(f"{_headline(case)}. {_finding(case)}")
    return ax


def fates(ax: Ax, case: Crowded) -> Ax:
    """Draw what becomes of the arrivals, by how many come: areas that add up to all of them."""
    now = case.station.arrival_rate
    top = max(2 * case.full_rate, 1.1 * now)
    rates, views = case.by_load(top)
    x = np.append(0.0, rates)
    ax.set_xlim(0, top)
    ax.set_ylim(0, 1)
    ticks_across(ax, top, "come")
    ax.set_yticks([0, 0.5, 1], ["0", "50 %", "100 %"])
    ax.set_title("What becomes of the arrivals, by arrivals a second")
    shares = {name: np.array([_band(view, name) for view in views]) for name in _BANDS}
    base = np.zeros(x.size)
    labels: list[tuple[float, str]] = []
    for name, (colour, alpha) in _BANDS.items():
        part = np.append(1.0 if name == "served at once" else 0.0, shares[name])
        if part.max() < _NOTICED:
            continue
        above = np.minimum(base + part, 1.0)
        ax.fill_between(x, above, base, color=colour, alpha=alpha)
        if above[:-1].min() < 0.999:
            ax.plot(x, above, linewidth=0.8, alpha=0.8)
        if part[-1] > 0.04:
            labels.append((float(base[-1] + part[-1] / 2), name))
        base = above
    ax.plot([now, now], [0, 1], linestyle="--", linewidth=1.4)
    _mark_now(ax, now, top, 0.05)
    _aside(ax, top, labels, 1.0)
    told = ", ".join(
        f"{name} {_share(_band(case.view, name))}"
        for name in _BANDS
        if _band(case.view, name) >= _NOTICED
    )
    ax.set_label(f"Of {_rate(now)} arrivals a second: {told}.")
    return ax


def waits_by_room(ax: Ax, case: Crowded) -> Ax:
    """Draw the wait that 95 % of the accepted stay within, by room, and the largest that does."""
    rooms, waits = case.waits_by_room
    largest = case.largest
    most = min(max(1.25 * case.room, 2.5 * (largest or 0), 20), MOST_ROOM)
    finite = [wait for wait in case.waits if math.isfinite(wait)]
    top = 1000 * max(2 * case.promise, 1.15 * min(max(finite, default=0.0), 12 * case.promise))
    size = 10 ** (math.floor(math.log10(top)) - 1)
    top = math.ceil(top / size - 1e-9) * size
    ax.set_xlim(0, most)
    ax.set_ylim(0, top)
    ticks_across(ax, most, "places")
    marks = [0, 1000 * case.promise, top]
    ax.set_yticks(marks, [f"{mark:,.0f}" for mark in marks])
    ax.set_title("Wait that 95 % of the accepted stay within, ms, by room")
    ax.axhline(1000 * case.promise, linestyle=":", alpha=0.8)
    ends = []
    names = list(case.views) if case.by_class else ["the accepted"]
    fine = np.linspace(0, most, 101)
    for name, column, now, (colour, dash) in zip(names, waits.T, case.waits, _STYLES, strict=False):
        if not np.isfinite(column).all():
            ends.append((top, "without end"))
            continue
        curve = 1000 * np.interp(fine, rooms, column)
        inside = curve <= top
        ax.plot(fine[inside], curve[inside], color=colour, linestyle=dash, linewidth=2.2)
        ends.append((min(float(curve[-1]), top), name))
        if 1000 * now <= top and case.room <= most:
            ax.text(case.room, 1000 * now, "●", ha="center", va="center", fontsize=13, color=colour)
    ax.plot([case.room] * 2, [0, top], linestyle="--", linewidth=1.4)
    high = any(1000 * wait > 0.6 * top for wait in case.waits)
    _mark_now(ax, case.room, most, (0.3 if high else 0.9) * top)
    if largest is not None and case.when_full != "block":
        ax.axvspan(0, largest, color=GREY, alpha=0.16)
        if largest < 0.8 * most:
            place = largest + 0.02 * most
            ax.text(place, 500 * case.promise, f"{largest} keep it", va="center", fontweight="600")
    _aside(ax, most, ends, top)
    ax.set_label(f"Wait by room: {_solved(case)[0]} at most for {milliseconds(case.promise)}.")
    return ax


def through_rush(ax: Ax, drawn: Mapping[str, DrawnRush]) -> Ax:
    """Draw the answers in time, second by second, through a rush."""
    rush_hour = next(iter(drawn.values())).rush
    lines = {name: _smooth(each.in_time.mean(axis=0)) for name, each in drawn.items()}
    top = 1.12 * max(float(line.max()) for line in lines.values())
    ax.set_xlim(0, rush_hour.horizon)
    ax.set_ylim(0, top)
    ticks_across(ax, rush_hour.horizon, "s")
    heights = [0, 100, 200, 300] if top > 150 else [0, top / 2]
    heights = [height for height in heights if height <= top]
    ax.set_yticks(heights, [f"{height:,.0f}" for height in heights])
    ax.set_title(f"Answers within {rush_hour.deadline:g} seconds, a second")
    ax.axvspan(rush_hour.start, rush_hour.end, color=GREY, alpha=0.16, linewidth=0)
    middle = (rush_hour.start + rush_hour.end) / 2
    come = f"{_rate(rush_hour.arrival_rate)} a second come"
    ax.text(middle, 0.99 * top, come, ha="center", va="top", fontsize=12)
    ends = []
    for (name, line), (colour, dash) in zip(lines.items(), _STYLES, strict=False):
        ax.plot(np.arange(line.size) + 0.5, line, color=colour, linestyle=dash, linewidth=2)
        ends.append((name, colour, dash))
    for row, (name, colour, dash) in enumerate(ends):
        y = (0.52 - 0.1 * row) * top
        start = 0.36 * rush_hour.horizon
        sample = [start, start + 0.05 * rush_hour.horizon]
        ax.plot(sample, [y, y], color=colour, linestyle=dash, linewidth=2)
        ax.text(start + 0.06 * rush_hour.horizon, y, name, va="center", fontsize=12)
    told = [
        f"{name} {each.goodput(rush_hour.end - 60, rush_hour.end).mean:.0f} a second in the last "
        f"minute of the rush, and as before from second {each.again_at}"
        for name, each in drawn.items()
    ]
    ax.set_label(f"Answers in time: {'; '.join(told)}.")
    return ax


def boots(ax: Ax, cases: Mapping[str, Flash], promise: float) -> Ax:
    """Draw the age of the oldest mail (min) through a rise, for each case, and what is promised."""
    first = next(iter(cases.values()))
    ages = {name: case.over_time()["age"] / 60 for name, case in cases.items()}
    worst = {name: float(age.max()) for name, age in ages.items()}
    top, longest = 1.5 * max(promise / 60, *worst.values()), first.horizon / 60
    ax.set_xlim(0, longest)
    ax.set_ylim(0, top)
    ticks_across(ax, longest, "min")
    heights = [float(tick) for tick in np.arange(0, 0.72 * top, max(1, math.ceil(top / 9)))]
    ax.set_yticks(heights, [f"{height:g}" for height in heights])
    rise = words.duration(first.rise)
    ax.set_title(f"Age of the oldest mail, minutes; mails rise for {rise} (grey)")
    ax.axvspan(
        first.begin / 60, (first.begin + first.rise) / 60, color=GREY, alpha=0.25, linewidth=0
    )
    ax.axhline(promise / 60, linestyle=":", alpha=0.8)
    styled = zip(ages.items(), _STYLES, strict=False)
    for row, ((name, age), (colour, dash)) in enumerate(styled):
        times = age.index.to_numpy(dtype=np.float64) / 60
        ax.plot(times, age.to_numpy(), color=colour, linestyle=dash)
        y = (0.95 - 0.085 * row) * top
        ax.plot([0.4 * longest, 0.45 * longest], [y, y], color=colour, linestyle=dash)
        key = f"{name}: at worst {worst[name]:.1f} minutes"
        ax.text(0.46 * longest, y, key, va="center", fontsize=12)
    _aside(ax, longest, [(promise / 60, "promised")], top)
    told = [f"{name}: {age:.1f} minutes" for name, age in worst.items()]
    ax.set_label(
        f"Oldest mail while mails rise for {rise}: {words.listed(told)}; promised are "
        f"{promise / 60:g} minutes."
    )
    return ax


def _band(view: UserView, name: str) -> float:
    """Return the share of the arrivals that an area stands for."""
    return {
        "served at once": view.accepted - view.delayed,
        "after a wait": view.delayed - view.held,
        "held outside": view.held,
        "dropped": view.lost,
        "turned away": view.shed,
    }[name]


def _headline(case: Crowded) -> str:
    if not math.isfinite(max(case.waits)):
        return "Nobody is turned away, all wait without end"
    some = case.view.shed + case.view.lost >= _NOTICED
    if case.kept:
        return "Some must go, the rest are in time" if some else "Room for everybody, in time"
    return "Some must go, the rest wait too long" if some else "All are let in, and wait too long"


def _solved(case: Crowded) -> tuple[str, ...]:
    """Return the largest room, and what comes of it, line by line."""
    if case.when_full == "block":
        more = "Who finds no place waits outside, and just as long."
        return ("any number" if case.kept else "none", more)
    largest = case.largest
    if largest is None:
        return ("any number", "So few come that the line never grows too long.")
    view = case.at(largest).view
    gone = _share(view.shed + view.lost)
    now = _share(case.view.shed + case.view.lost)
    return (
        words.many(largest, "place"),
        f"With it {gone} must go;",
        f"with {words.many(case.room, 'place')}, as now, {now}.",
    )


def _finding(case: Crowded) -> str:
    parts = []
    for (name, view), wait in zip(case.views.items(), case.waits, strict=True):
        gone = view.shed + view.lost
        parts.append(
            f"{name}: {_share(view.accepted)} accepted, {_share(gone)} turned away or dropped, "
            f"95 % wait at most {milliseconds(wait)}"
        )
    solved, *more = _solved(case)
    return (
        f"{'; '.join(parts)}. The largest room that keeps {milliseconds(case.promise)}: {solved}. "
        f"{' '.join(more)}"
    )


def _share(value: float) -> str:
    """Return a share in words.

    >>> _share(0.115), _share(1.0), _share(1e-9)
    ('11.5 %', '100 %', '0 %')
    """
    return f"{100 * value:.1f}".removesuffix(".0") + " %"


def _rate(value: float) -> str:
    return words.count(value) if value >= 99.5 else f"{value:.1f}".removesuffix(".0")


def _mark_now(ax: Ax, now: float, edge: float, height: float) -> None:
    """Write what the line at `now` is, on the side where there is room."""
    right = now > 0.85 * edge
    place = now - 0.015 * edge if right else now + 0.015 * edge
    ax.text(place, height, "now", ha="right" if right else "left", fontsize=11, fontweight="600")


def _aside(ax: Ax, edge: float, labels: list[tuple[float, str]], top: float) -> None:
    """Write labels at the right edge, a line apart at least."""
    places: list[float] = []
    lowest = 0.03 * top
    for value, _ in sorted(labels):
        places.append(max(value, lowest))
        lowest = places[-1] + 0.11 * top
    over = max([0.0, *(place - 0.97 * top for place in places[-1:])])
    for place, (_, label) in zip(places, sorted(labels), strict=True):
        ax.text(1.02 * edge, place - over, label, va="center", fontsize=12)


def _smooth(values: Floats, seconds: int = 5) -> Floats:
    """Return the mean of each second and its neighbours."""
    padded = np.pad(values, seconds // 2, mode="edge")
    return np.convolve(padded, np.ones(seconds) / seconds, mode="valid")
