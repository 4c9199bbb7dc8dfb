"""What does the third nine cost? The board and the figures of the tenth lesson."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeVar

from queueing.lab import words
from queueing.lab.boards import Board
from queueing.lab.controls import Number, Switch
from queueing.lab.nines import Nines, downtimes, keeps_pace, month_minutes
from queueing.lab.palette import BLUE, GREY, PURPLE, SYMBOLS, VERMILLION, verdict_colour
from queueing.lab.paper import Paper
from queueing.lab.picture import Picture

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from queueing.scenario import Design, Scenario, Scorecard

    Ax = TypeVar("Ax", Axes, Paper)

_SIZE = (410, 400)  # pixels of the column of numbers
_LEAST_SHOWN = 10.0  # minutes a month at the foot of the frontier
_MANY = 400  # minutes a month that a promise may allow


def uptime_board(scenario: Scenario) -> Board:
    """Return the board of spares: whence the downtime comes, and the cheapest that is allowed."""
    nines, base = Nines(scenario), scenario.base

    def draw(*, servers: int, allowed: int, database: bool, cache: bool, managed: bool) -> Picture:
        design = scenario.design(
            servers=servers,
            database=nines.databases[database],
            cache=nines.caches[cache],
            queue=nines.queues[managed],
        )
        return uptime_picture(nines, design, float(allowed))

    start = math.floor(month_minutes(scenario) * (1 - scenario.contract.uptime))
    return Board(
        [
            Number("servers", "Servers", start=base.servers, low=1, high=12, unit="machines"),
            Number(
                "allowed", "Allowed", start=start, low=1, high=_MANY, unit="minutes down a month"
            ),
            Switch("database", "Second database", start=base.database == nines.databases[1]),
            Switch("cache", "Second Redis node", start=base.cache == nines.caches[1]),
            Switch("managed", "Queue as a service", start=base.queue == nines.queues[1]),
        ],
        draw,
    )


def uptime_picture(nines: Nines, design: Design, allowed: float) -> Picture:
    """Return a design's uptime and cost, the downtime of its parts, and the frontier."""
    width, height = _SIZE
    bare = Paper(width, height, left=0, right=0, top=0, bottom=0)
    right = [
        parts(Paper(430, 190, left=16, right=104), nines.scenario, design),
        frontier(Paper(430, 222, right=104), nines, design, allowed),
    ]
    return Picture([[numbers(bare, nines, design, allowed)], right])


def numbers(ax: Ax, nines: Nines, design: Design, allowed: float) -> Ax:
    """Write uptime, downtime, cost and latency of a design, and the cheapest that is allowed."""
    width, height = _SIZE
    card = nines.card(design)
    down, minutes = nines.down(card), month_minutes(nines.scenario)
    ax.set_xlim(0, width)
    ax.set_ylim(height, 0)
    ax.set_axis_off()
    kept = down <= allowed
    headline = f"{'Within' if kept else 'Over'} the {words.many(round(allowed), 'minute')} allowed"
    ax.text(0, 19, SYMBOLS[kept], fontsize=18, fontweight="bold", color=verdict_colour(kept=kept))
    ax.text(24, 19, headline, fontsize=17, fontweight="bold")
    ax.text(0, 40, f"an uptime of {percent(1 - allowed / minutes)} is wanted", fontsize=12)
    pace = SYMBOLS[keeps_pace(card)]
    contract = nines.scenario.contract
    budget = SYMBOLS[card.cost <= contract.budget_usd_month]
    rows = (
        ("uptime", percent(card.uptime)),
        ("down", f"{minutes_of(down)} a month"),
        ("cost", f"{budget} {card.cost:,.2f} USD a month"),
        ("P95 latency and mails", f"{pace} {card.p95_ms:,.0f} ms"),
    )
    for number, (name, told) in enumerate(rows):
        y = 84 + 34 * number
        ax.plot([0, width], [y - 21, y - 21], linewidth=1, alpha=0.2)
        ax.text(0, y, name, fontsize=13)
        ax.text(width, y, told, ha="right", fontsize=15, fontweight="600")
    ax.text(0, 236, "The cheapest that is down no longer", fontsize=13, fontweight="600")
    first, *more = _solved(nines, allowed)
    ax.text(0, 264, first, fontsize=17, fontweight="bold")
    for line, told in enumerate(more):
        ax.text(0, 287 + 18 * line, told, fontsize=13)
    note = (
        "Theory, from the promises of the parts; only designs that keep",
        "P95 and the mails are offered. A queue on Redis may lose the",
        "last second of jobs in a crash.",
    )
    for line, told in enumerate(note):
        ax.text(0, 352 + 16 * line, told, fontsize=11, alpha=0.72)
    ax.set_label(
        f"{headline}: uptime {percent(card.uptime)}, down {minutes_of(down)} a month, "
        f"{card.cost:,.2f} USD, P95 {card.p95_ms:,.0f} ms. The cheapest that is down no longer: "
        f"{' '.join(_solved(nines, allowed))}"
    )
    return ax


def parts(ax: Ax, scenario: Scenario, design: Design) -> Ax:
    """Draw for how many minutes a month each part is short, the worst first."""
    found = sorted(downtimes(scenario, design).items(), key=lambda item: -item[1])
    longest = 1.02 * found[0][1]
    ax.set_xlim(0, longest)
    ax.set_ylim(len(found) - 0.4, -0.6)
    ax.set_xticks([], [])
    ax.set_title("Minutes a month in which a part is short")
    for row, (name, minutes) in enumerate(found):
        colour = VERMILLION if row == 0 else GREY
        ax.barh(row, minutes, 0.8, color=colour, alpha=0.35)
        weight = "600" if row == 0 else "normal"
        told = f"{name}: {minutes_of(minutes)}"
        ax.text(0.01 * longest, row, told, va="center", fontsize=13, fontweight=weight)
    told = ", ".join(f"{name} {minutes_of(minutes)}" for name, minutes in found)
    ax.set_label(f"Down a month by part, the worst first: {told}.")
    return ax


def frontier(ax: Ax, nines: Nines, design: Design | None = None, allowed: float = 0.0) -> Ax:
    """Draw cost against downtime of many designs, and the frontier of those worth their money."""
    cards: Sequence[Scorecard] = nines.cards
    best: Sequence[Scorecard] = nines.frontier
    costs = [card.cost for card in cards]
    budget = nines.scenario.contract.budget_usd_month
    left, right = 0.97 * min(costs), 1.03 * max(*costs, budget)
    most = max(nines.down(card) for card in cards)
    top = math.log10(1.5 * most)
    ax.set_xlim(left, right)
    ax.set_ylim(math.log10(_LEAST_SHOWN), top)
    marks = [mark for mark in (10, 30, 100, 300, 1000, 3000, 10_000) if math.log10(mark) < top]
    ax.set_yticks([math.log10(mark) for mark in marks], [f"{mark:,}" for mark in marks])
    step = next(step for step in (20, 50, 100, 200, 500, 1000) if (right - left) / step <= 5)
    ticks = [tick * step for tick in range(math.ceil(left / step), math.floor(right / step) + 1)]
    labels: list[str] = [f"{tick:,}" for tick in ticks]
    ax.set_xticks(ticks, [*labels[:-1], f"{labels[-1]} USD"] if labels else [])
    ax.set_title("Minutes down a month, by cost a month")
    ax.plot([budget, budget], [1, top], linestyle=":", linewidth=1.2, alpha=0.8)
    ax.text(budget, top, "budget ", ha="right", va="top", fontsize=11, alpha=0.72)
    if allowed:
        height = math.log10(max(allowed, _LEAST_SHOWN))
        ax.axhline(height, linestyle="--", alpha=0.8)
        ax.text(1.01 * right, height, "allowed", va="center", fontsize=12)

    def place(card: Scorecard) -> tuple[float, float]:
        height = math.log10(max(nines.down(card), _LEAST_SHOWN))
        return min(max(card.cost, left), right), min(height, top)

    for card in cards:
        mark = "○" if keeps_pace(card) else "×"
        ax.text(*place(card), mark, ha="center", va="center", fontsize=9)
    steps: list[tuple[float, float]] = [place(card) for card in best]
    xs = [steps[0][0], *(x for x, _ in steps[1:] for _ in range(2)), right]
    ax.plot(xs, [y for _, y in steps for _ in range(2)], color=BLUE, linewidth=2)
    for card in best:
        ax.text(*place(card), "●", ha="center", va="center", fontsize=12, color=BLUE)
    if design is not None:
        spot = place(nines.card(design))
        ax.text(*spot, "◆", ha="center", va="center", fontsize=16, color=PURPLE)
    told = words.listed([f"{card.cost:,.0f} USD {minutes_of(nines.down(card))}" for card in best])
    crosses = ", crosses break P95 or the mails" if not all(map(keeps_pace, cards)) else ""
    ax.set_label(
        f"The frontier, from cheap to dear: {told}. Rings are other designs{crosses}; the diamond "
        "is the one on the board."
    )
    return ax


def minutes_of(minutes: float) -> str:
    """Return a downtime in words: 44 minutes, 6.5 minutes, 11.3 hours.

    >>> minutes_of(43.8), minutes_of(6.53), minutes_of(650), minutes_of(0.03)
    ('44 minutes', '6.5 minutes', '10.8 hours', '2 seconds')
    """
    if minutes < 1:
        return f"{60 * minutes:.0f} seconds"
    if minutes >= 600:
        return f"{minutes / 60:,.1f} hours"
    return f"{minutes:.1f} minutes" if minutes < 9.95 else f"{minutes:.0f} minutes"


def percent(share: float) -> str:
    """Return an uptime: 99.82 %.

    >>> percent(0.99816)
    '99.82 %'
    """
    return f"{100 * share:.2f} %"


def _solved(nines: Nines, allowed: float) -> tuple[str, ...]:
    card = nines.cheapest(allowed)
    if card is None:
        best = nines.frontier[-1]
        return (
            "none of these designs",
            f"The best of them is down {minutes_of(nines.down(best))} a month,",
            f"for {best.cost:,.2f} USD.",
        )
    made = card.design
    databases = _number("database", two=made.database == nines.databases[1])
    nodes = _number("Redis node", two=made.cache == nines.caches[1])
    queue = "as a service" if made.queue == nines.queues[1] else "on Redis"
    return (
        f"{card.cost:,.2f} USD a month",
        f"{words.many(made.servers, 'server')}, {databases}, {nodes},",
        f"the queue {queue}: {minutes_of(nines.down(card))} down.",
    )


def _number(thing: str, *, two: bool) -> str:
    return f"two {thing}s" if two else f"one {thing}"
