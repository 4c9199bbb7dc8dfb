"""How many are in the house: the board and the figures of the lesson on Little's law."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from queueing.lab import figures, words
from queueing.lab.boards import Board
from queueing.lab.controls import Number
from queueing.lab.house import MOST_USERS, House, Office, alarm_depth, capacity, sending
from queueing.lab.palette import BLUE, GREY, INK, PURPLE, SYMBOLS, verdict_colour
from queueing.lab.paper import Across, Paper
from queueing.lab.picture import Picture
from queueing.lab.pooling import sample_aside, ticks_across

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from queueing.scenario import Scenario, Scorecard

    Ax = TypeVar("Ax", Axes, Paper)
    Floats = NDArray[np.float64]

IN, OUT = BLUE, PURPLE
_SIZE = (410, 430)  # pixels of the column of numbers
_BAR = (150, 250)  # pixels: where the bars of L begin, and the longest of them
_EVERY = 10  # minutes: as fine as a pixel of the hours
_NEAR_EDGE = 0.06  # of the width: too near to the left edge for a label that reaches beyond it
_DEEP = 100  # mails: so many wait only where the workers have no thread to spare


def littles_board(scenario: Scenario) -> Board:
    """Return the board of a small office: one path of its mails, and how many users it bears."""

    def draw(
        *, users: int, think: int, service: int, threads: int, promise: int, dice: int
    ) -> Picture:
        office = Office(users=users, think=think, service=service, threads=threads, promise=promise)
        return littles_picture(office, dice)

    think = max(1, round(scenario.traffic.think_time_s))
    return Board(
        [
            Number("users", "Users", start=8, low=1, high=60, unit="users of the office"),
            Number("think", "Think", start=think, low=1, high=60, unit="seconds between mails"),
            Number("service", "Service", start=3, low=1, high=20, unit="seconds a mail"),
            Number("threads", "Threads", start=2, low=1, high=10, unit="threads that send"),
            Number("promise", "Promise", start=5, low=1, high=60, unit="seconds inside, mean"),
            Number("dice", "Dice", start=1, low=1, high=50, unit="to throw another day"),
        ],
        draw,
    )


def littles_picture(office: Office, dice: int) -> Picture:
    """Return both sides of Little's law, the path they come from, and the users that are borne."""
    house = office.house(dice)
    width, height = _SIZE
    bare = Paper(width, height, left=0, right=0, top=0, bottom=0)
    right = [
        staircases(Paper(430, 214), house),
        by_users(Paper(430, 216, right=88), office),
    ]
    return Picture([[numbers(bare, office, house)], right])


def staircases(ax: Ax, house: House) -> Ax:
    """Draw who came and who left as two staircases; each bar between them is a stay."""
    came, left = np.sort(house.came), np.sort(house.left)
    count, span = came.size, house.span
    ax.set_xlim(0, span)
    ax.set_ylim(0, count)
    ticks_across(ax, span, "s")
    marks = _steps(count, 4)
    ax.set_yticks(marks, [f"{mark:g}" for mark in marks])
    ax.set_title(f"Came and left: the area between is {house.area:.0f} mails × seconds")
    for number, (start, end) in enumerate(zip(came.tolist(), left.tolist(), strict=True)):
        ax.barh(number + 0.5, end - start, 0.86, start, color=GREY, alpha=0.3)
    level = np.repeat(np.arange(count + 1), 2)
    for times, colour, dash in ((came, IN, "-"), (left, OUT, "--")):
        moments = np.concatenate([[0.0], np.repeat(times, 2), [span]])
        ax.plot(moments, level, color=colour, linestyle=dash, linewidth=2.2)
    high, low = math.ceil(0.8 * count) - 1, math.ceil(0.25 * count) - 1
    gap = 0.012 * span
    early = came[high] < _NEAR_EDGE * span  # no room for a label on its left
    ax.text(
        came[high] + (gap if early else -gap),
        high + 1,
        "came in",
        ha="left" if early else "right",
        fontsize=12,
        fontweight="600",
    )
    ax.text(left[low] + gap, low + 0.5, "went out", va="top", fontsize=12, fontweight="600")
    ax.set_label(
        f"{count} mails come and leave within {span:.0f} s. The area between the staircases is "
        f"{house.area:.0f} mails × seconds: {house.mean_number:.2f} mails inside in the mean."
    )
    return ax


def numbers(ax: Ax, office: Office, house: House) -> Ax:
    """Write L and lambda W beside each other, the long run, and the most users."""
    width, height = _SIZE
    ax.set_xlim(0, width)
    ax.set_ylim(height, 0)
    ax.set_axis_off()
    ax.text(0, 19, _headline(house), fontsize=17, fontweight="bold")
    drawn = f"{house.came.size} mails in {house.span:.0f} s, until nobody is inside"
    ax.text(0, 40, f"This path: {drawn}", fontsize=12, alpha=0.72)
    facts = (
        ("λ, came in", f"{house.rate:.3f} mails a second"),
        ("W, mean time inside", f"{house.mean_time:.2f} s"),
    )
    for row, (name, told) in enumerate(facts):
        ax.text(0, 68 + 24 * row, name, fontsize=13)
        ax.text(_BAR[0], 68 + 24 * row, told, fontsize=13, fontweight="600")
    product = house.rate * house.mean_time
    longest = max(4.0, house.mean_number, product)
    sides = (("λ × W", product, OUT), ("L, area ÷ time", house.mean_number, IN))
    for row, (name, value, colour) in enumerate(sides):
        y, length = 120 + 28 * row, _BAR[1] * value / longest
        ax.text(0, y + 5, name, fontsize=13)
        ax.barh(y, length, 18, _BAR[0], color=colour, alpha=0.35)
        ax.text(_BAR[0] + 6, y + 5, f"{value:.2f} mails", fontsize=13, fontweight="600")
    ax.plot([0, width], [178, 178], linewidth=1, alpha=0.2)
    ax.text(0, 202, "In the long run: N = X (R + Z)", fontsize=13, fontweight="600")
    balance = f"{words.many(office.users, 'user')} = {office.rate:.3f} mails a second × "
    ax.text(0, 224, f"{balance}({office.time:.2f} s + {office.think:g} s)", fontsize=13)
    kept = office.time <= office.promise
    verdict = (
        f"{SYMBOLS[kept]} {'kept' if kept else 'broken'}: promised is R ≤ {office.promise:g} s"
    )
    ax.text(0, 248, verdict, fontsize=14, fontweight="600", color=verdict_colour(kept=kept))
    ax.plot([0, width], [266, 266], linewidth=1, alpha=0.2)
    ax.text(0, 290, "The most users that keep the promise", fontsize=13, fontweight="600")
    sentences = ("who wait for their mail (closed)", "whose mails come anyway (open)")
    for row, (most, told) in enumerate(
        zip((office.most, office.most_open), sentences, strict=True)
    ):
        y = 320 + 28 * row
        ax.text(48, y, _most(most), ha="right", fontsize=17, fontweight="bold")
        ax.text(58, y, told, fontsize=13)
    ax.text(
        0,
        382,
        f"Beyond {office.knee:.1f} users, c (Z + S) / S, the threads are the limit.",
        fontsize=12,
    )
    for row, told in enumerate(_NOTE):
        ax.text(0, 406 + 16 * row, told, fontsize=11, alpha=0.72)
    ax.set_label(f"{_headline(house)}. {_finding(office, house)}")
    return ax


def by_users(ax: Ax, office: Office) -> Ax:
    """Draw the mean time inside by the number of users: who wait for it, and who do not."""
    edge = min(MOST_USERS, max(10, office.users + 1, math.ceil(1.5 * max(office.most, 1))))
    top = max(3.0 * office.promise, 1.5 * office.service)
    users = np.arange(1, edge + 1)
    ax.set_xlim(0, edge)
    ax.set_ylim(0, top)
    marks = _steps(edge, 5)
    ax.set_xticks(marks, [f"{mark:g}" for mark in marks])
    heights = [0, office.promise, top]
    ax.set_yticks(heights, [f"{mark:g}" for mark in heights])
    ax.set_title("Mean time inside, seconds, by number of users")
    ax.axhline(office.promise, linestyle=":", alpha=0.8)
    ax.text(0.01 * edge, office.promise + 0.02 * top, "promised", fontsize=11, alpha=0.72)
    ax.axvspan(office.users - 0.5, office.users + 0.5, color=GREY, alpha=0.16, linewidth=0)
    near = office.users < _NEAR_EDGE * edge
    side: Across = "left" if near else "center"
    ax.text(office.users, top, "now", ha=side, va="top", fontsize=11, alpha=0.72)
    ends = {}
    for name, times, colour, dash in (
        ("open", office.open_times, OUT, "--"),
        ("closed", office.times, IN, "-"),
    ):
        shown = times[:edge]
        inside = shown <= top
        ax.plot(users[inside], shown[inside], color=colour, linestyle=dash, linewidth=2.2)
        ends[name] = float(min(shown[-1], top))
    for most, times, mark, colour in (
        (office.most, office.times, "●", IN),
        (office.most_open, office.open_times, "○", OUT),
    ):
        if 0 < most <= edge:
            height = float(times[most - 1])
            ax.text(most, height, mark, ha="center", va="center", fontsize=13, color=colour)
    closed = min(ends["closed"], top - 0.12 * top)
    for name, place in (("open", max(ends["open"], closed + 0.12 * top)), ("closed", closed)):
        colour = OUT if name == "open" else IN
        at, dashed = (1.03 * edge, place), name == "open"
        sample_aside(ax, at, name, gap=0.06 * edge, color=colour, dashed=dashed)
    return ax


def depth_picture(card: Scorecard) -> Picture:
    """Return the rates that a dashboard shows above the depth of the queue that it should."""
    room = {"right": 150}
    return Picture([[flows(Paper(800, 180, **room), card), depth(Paper(800, 190, **room), card)]])


def depth(ax: Ax, card: Scorecard) -> Ax:
    """Draw the mails that wait, and the depth from which a mail waits longer than promised."""
    figures.backlog(ax, card)
    limit, edge = alarm_depth(card), 1.012 * card.scenario.traffic.horizon_h
    ax.axhline(limit, color=INK, linestyle="--", alpha=0.8)
    promised = words.duration(card.scenario.contract.freshness_s, short=True)
    ax.text(edge, limit, f"{limit:,.0f}: {promised} deep", va="center", fontsize=11)
    over = card.timeline["backlog"] > limit
    told = f"The queue gets deeper than {limit:,.0f} at hour {over.idxmax():.1f}."
    ax.set_label(f"{ax.get_label()} {told if over.any() else ''}".strip())
    return ax


def flows(ax: Ax, card: Scorecard) -> Ax:
    """Draw attempts at sending that come and that are done, a second, over the hours."""
    scenario, limit = card.scenario, capacity(card.scenario, card.design.workers)
    each = sending(scenario).arrival_rate / scenario.traffic.peak_rate
    rows = card.timeline.iloc[::_EVERY]
    hours, come = rows.index.to_numpy(), each * rows["requests_per_s"].to_numpy()
    done = np.where(rows["backlog"].to_numpy() > _DEEP, limit, np.minimum(come, limit))
    most = float(come.max())
    ax.set_xlim(0, scenario.traffic.horizon_h)
    ax.set_ylim(0, 1.2 * most)
    ax.set_xticks([], [])  # the hours are written under the depth
    marks = [mark for mark in _steps(1.2 * most, 3) if mark <= 1.2 * most]
    ax.set_yticks(marks, [f"{mark:g}" for mark in marks])
    ax.set_title("Attempts at sending, a second")
    ax.plot(hours, come, color=IN, linewidth=2.2)
    ax.plot(hours, done, color=OUT, linestyle="--", linewidth=2.2)
    edge = 1.012 * scenario.traffic.horizon_h
    for place, told, colour, dashed in (
        (most, f"come: {most:.1f}", IN, False),
        (0.84 * most, f"done: {min(most, limit):.1f}", OUT, True),
    ):
        sample_aside(ax, (edge, place), told, gap=0.024 * edge, color=colour, dashed=dashed)
    ax.set_label(
        f"{most:.1f} attempts a second come at most, {min(most, limit):.1f} are done: the curves "
        "hardly part."
    )
    return ax


_NOTE = ("λ × W = L holds for this path, whatever the dice. The long run is", "theory, exact.")


def _steps(longest: float, parts: int) -> list[float]:
    """Return round numbers from 0 to `longest`, in about so many steps."""
    raw = longest / parts
    size = 10 ** math.floor(math.log10(raw))
    step = next(size * part for part in (1, 2, 5, 10) if size * part >= 0.999 * raw)
    return [float(mark) for mark in np.arange(0, longest * 1.0001, max(step, 1))]


def _headline(house: House) -> str:
    return f"{house.mean_number:.2f} mails inside, in the mean"


def _most(most: int) -> str:
    return f"{most}+" if most == MOST_USERS else str(most)


def _finding(office: Office, house: House) -> str:
    return (
        f"λ = {house.rate:.3f} mails a second and W = {house.mean_time:.2f} s give "
        f"λ × W = {house.rate * house.mean_time:.2f}; the area over the time is "
        f"{house.mean_number:.2f}. In the long run {words.many(office.users, 'user')} would make "
        f"{office.rate:.3f} mails a second and wait {office.time:.2f} s for each. The most users "
        f"with a mean of at most {office.promise:g} s: {_most(office.most)} who wait for their "
        f"mail, {_most(office.most_open)} whose mails come anyway."
    )
