"""One line for all, or a lane for the slow ones: who gains, who loses, and when it pays."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import pandas as pd

from queueing import MG1, MPHc
from queueing.lab.palette import BLUE, GREY, PURPLE
from queueing.lab.pooling import milliseconds, ticks_across

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from queueing.distributions import Distribution
    from queueing.lab.mixed import Mixed
    from queueing.lab.paper import Paper

    Ax = TypeVar("Ax", Axes, Paper)

_POINTS = 13
_LONGEST_S, _NEAR_S = 60.0, 5e-4


@dataclass(frozen=True, kw_only=True)
class Lanes:
    """The servers of a mix divided: `slow_servers` for the slow requests, the rest for the others.

    Each kind has one line before its servers, or with `apart` a line before each, joined at random.
    """

    case: Mixed
    slow_servers: int
    apart: bool = False

    @cached_property
    def short_wait(self) -> float:
        """The mean wait of a short request, seconds."""
        case = self.case
        rate = (1 - case.share) * case.arrival_rate
        return self._wait(rate, case.kinds[0], case.servers - self.slow_servers)

    @cached_property
    def slow_wait(self) -> float:
        """The mean wait of a slow one, seconds."""
        case = self.case
        return self._wait(case.share * case.arrival_rate, case.kinds[1], self.slow_servers)

    @property
    def mean_wait(self) -> float:
        """The mean wait of all, seconds."""
        share = self.case.share
        return (1 - share) * self.short_wait + share * self.slow_wait

    def _wait(self, rate: float, law: Distribution, servers: int) -> float:
        if self.apart:
            return MG1(arrival_rate=rate / servers, service=law).mean_wait
        return MPHc(arrival_rate=rate, service=law, servers=servers).mean_wait


def best_lanes(case: Mixed, *, apart: bool = False) -> Lanes:
    """Return the division of the servers with the shortest mean wait of all."""
    ways = [Lanes(case=case, slow_servers=number, apart=apart) for number in range(1, case.servers)]
    return min(ways, key=lambda lanes: lanes.mean_wait)


def lanes_table(case: Mixed) -> pd.DataFrame:
    """Return the mean waits (ms) of the short, the slow and all, by how the servers are divided."""
    lanes, apart = best_lanes(case), best_lanes(case, apart=True)
    divided, parted = (
        f"{case.servers - way.slow_servers} + {way.slow_servers}" for way in (lanes, apart)
    )
    rows = {
        "one line for all": [case.mean_wait] * 3,
        f"two lanes, {divided} servers": [lanes.short_wait, lanes.slow_wait, lanes.mean_wait],
        "a line each, at random": [case.one.mean_wait] * 3,
        f"a line each, {parted} by kind": [apart.short_wait, apart.slow_wait, apart.mean_wait],
    }
    columns = ["short, ms", f"{case.name}s, ms", "all, ms"]
    return (1000 * pd.DataFrame.from_dict(rows, orient="index", columns=columns)).round(1)


def same_work(case: Mixed, slow: float) -> Mixed:
    """Return a mix with the same rate and the same work, whose slow ones are slower and rarer."""
    share = case.share * case.slow / slow
    short = (1 - case.share) * case.short / (1 - share)
    return replace(case, slow=slow, share=share, short=short)


def pays_from(case: Mixed) -> float:
    """Return how slow the slow ones must be, seconds, until lanes make the mean wait of all less.

    With the same work, slower ones being rarer: then lanes have the same mean wait whatever it is,
    and one line a longer one. `inf` if that is never within a minute.
    """
    lanes, high = best_lanes(case).mean_wait, case.slow
    while same_work(case, high).mean_wait <= lanes:
        high *= 2
        if high > _LONGEST_S:
            return np.inf
    low = case.slow
    while high - low > _NEAR_S:
        middle = (low + high) / 2
        longer = same_work(case, middle).mean_wait > lanes
        low, high = (low, middle) if longer else (middle, high)
    return high


def lanes(ax: Ax, case: Mixed) -> Ax:
    """Draw the mean waits in one line and in lanes, by how slow the slow ones are."""
    turn, now = pays_from(case), best_lanes(case)
    longest = 2 * (turn if np.isfinite(turn) else 6 * case.slow)
    slows = np.linspace(case.mean_service * 1.5, longest, _POINTS)
    mixes = [same_work(case, slow) for slow in slows.tolist()]
    ways = [replace(now, case=mix) for mix in mixes]
    pooled = 1000 * np.array([mix.mean_wait for mix in mixes])
    short = 1000 * np.array([way.short_wait for way in ways])
    every = 1000 * np.array([way.mean_wait for way in ways])
    top = 1.12 * float(max(pooled.max(), every.max()))
    ax.set_xlim(0, 1000 * longest)
    ax.set_ylim(0, top)
    ticks_across(ax, 1000 * longest, "ms")
    step = next(step for step in (0.5, 1, 2, 5, 10, 20, 50, 100, 500, top) if top / step < 4)
    heights = np.arange(0, top, step).tolist()
    ax.set_yticks(heights, [f"{height:g}" for height in heights])
    ax.set_title(f"Mean wait, ms, by how slow a {case.name} is (the slower the rarer, same work)")
    for values, colour, dash, told in (
        (pooled, BLUE, "-", "all, one line"),
        (every, PURPLE, "--", "all, lanes"),
        (short, PURPLE, ":", "short, lanes"),
    ):
        ax.plot(1000 * slows, values, color=colour, linestyle=dash, linewidth=2.2)
        ax.text(1010 * longest, float(values[-1]), told, va="center", fontsize=12)
    place, half = 1000 * case.slow, 4 * longest
    ax.axvspan(place - half, place + half, color=GREY, alpha=0.3, linewidth=0)
    ax.text(place + 2 * half, top, f"now {place:g} ms", va="top", fontsize=11, alpha=0.72)
    found = (
        f"Now one line makes all wait {milliseconds(case.mean_wait)}, lanes "
        f"{milliseconds(now.mean_wait)}, but the short ones {milliseconds(now.short_wait)}."
    )
    if np.isfinite(turn):
        told = f"{1000 * turn:.0f} ms"
        height = 1000 * same_work(case, turn).mean_wait
        ax.text(1000 * turn, height, "○", ha="center", va="center", fontsize=13)
        ax.text(1000 * turn, height + 0.07 * top, told, ha="right", fontsize=12)
        found += f" For all, lanes pay from {told}."
    ax.set_label(found)
    return ax
