"""Cost against P95: every design of a search, those that pass, and the frontier."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import numpy as np

from queueing.lab import words
from queueing.lab.palette import BLUE, BROKEN, GREY, KEPT, SYMBOLS
from queueing.lab.paper import Paper
from queueing.lab.picture import Picture

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from queueing.scenario import Search

    Ax = TypeVar("Ax", Axes, Paper)

_BUDGETS, _PROMISES = 1.6, 2.0  # how far the figure goes, in budgets and in promised P95


def frontier(ax: Ax, search: Search) -> Ax:
    """Draw a point a design: discs pass, crosses do not, diamonds are the frontier."""
    promise = search.scenario.contract
    dearest, slowest = _BUDGETS * promise.budget_usd_month, _PROMISES * promise.p95_ms
    points = search.cost_against_p95
    inside = points[(points["cost"] <= dearest) & (points["p95_ms"] <= slowest)]
    low = 50 * np.floor(inside["cost"].min() / 50) if len(inside) else 0.0
    ax.set_xlim(low, dearest)
    ax.set_ylim(0, slowest)
    costs = [tick for tick in _ticks(dearest) if tick >= low]
    ax.set_xticks(costs, [f"{tick:g}" for tick in costs])
    times = _ticks(slowest)
    ax.set_yticks(times, [f"{tick:g}" for tick in times])
    ax.set_title("P95 at the peak, ms, against the cost, USD a month")
    kinds: list[tuple[str, str, str, int, float]] = [
        ("unavailable or late with mails", GREY, "x", 9, 0.3),
        ("too slow or too dear", BROKEN, "x", 14, 0.7),
        ("passes", KEPT, "o", 26, 0.9),
    ]
    for outcome, colour, marker, size, alpha in kinds:
        some = inside[inside["outcome"] == outcome]
        ax.scatter(some["cost"], some["p95_ms"], color=colour, marker=marker, s=size, alpha=alpha)
    best = inside[inside["on_frontier"]].sort_values("cost")
    ax.plot(best["cost"], best["p95_ms"], color=BLUE, linewidth=1.6)
    ax.scatter(best["cost"], best["p95_ms"], color=BLUE, marker="D", s=26)
    budget, limit = promise.budget_usd_month, promise.p95_ms
    ax.plot([low, dearest], [limit, limit], linestyle="--", linewidth=1.2)
    ax.plot([budget, budget], [0, slowest], linestyle="--", linewidth=1.2)
    ax.text(dearest, limit + 0.015 * slowest, f"{limit:g} ms promised", ha="right", fontsize=12)
    ax.text(budget, 0.96 * slowest, f"{budget:g} USD promised ", ha="right", va="top", fontsize=12)
    for row, (told, paint) in enumerate(_key(search)):
        ax.text(low, (0.2 - 0.06 * row) * slowest, f"  {told}", fontsize=12, color=paint)
    ax.set_label(_found(search))
    return ax


def frontier_picture(search: Search) -> Picture:
    """Return the figure alone."""
    paper = Paper(820, 480)
    frontier(paper, search)
    return Picture([[paper]])


def _key(search: Search) -> list[tuple[str, str]]:
    passing = int(search.designs["passes"].sum())
    return [
        (f"● {SYMBOLS[True]} {words.count(passing)} keep the contract", KEPT),
        (f"× {SYMBOLS[False]} up and fresh, but too slow or too dear", BROKEN),
        (f"× {SYMBOLS[False]} not up enough, or late with mails", GREY),
        ("◆ the frontier: nothing is both cheaper and quicker", BLUE),
    ]


def _found(search: Search) -> str:
    passing = int(search.designs["passes"].sum())
    told = (
        f"Of {words.count(len(search.designs))} designs {words.count(passing)} keep the contract."
    )
    if search.cheapest is None:
        return told
    card = search.scenario.evaluate(search.cheapest)
    return (
        f"{told} The cheapest costs {card.cost:.2f} USD a month, with a P95 of "
        f"{card.p95_ms:.0f} ms: {search.cheapest.describe()}."
    )


def _ticks(most: float) -> list[float]:
    """Return some five round numbers up to `most`."""
    step = 10 ** np.floor(np.log10(most / 4))
    step *= max(each for each in (1, 2, 5) if most / (step * each) >= 4)
    return list(np.arange(0, most + step / 2, step)[: int(most / step) + 1])
