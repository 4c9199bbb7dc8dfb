"""How wrong the rules are: Kingman's and Allen and Cunneen's, beside models that are exact."""

from __future__ import annotations

from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import pandas as pd
from scipy import optimize

from queueing import GGc, MDc, MPHc, deterministic, erlang, hyperexponential, kingman
from queueing.lab.palette import BLUE, GREEN, GREY, INK, PURPLE
from queueing.lab.paper import Paper
from queueing.lab.picture import Picture

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from matplotlib.axes import Axes

    from queueing.distributions import Distribution
    from queueing.stations.approximate import Approximation

    Ax = TypeVar("Ax", Axes, Paper)

SERVERS, LOADS = (1, 2, 6, 24), (0.5, 0.7, 0.9)
SERVICES = {  # of mean 1: from constant to wild
    "cs² = 0": deterministic(mean=1),
    "cs² = 0.5": erlang(mean=1, shape=2),
    "cs² = 2": hyperexponential(mean=1, scv=2),
    "cs² = 8": hyperexponential(mean=1, scv=8),
}
_GOOD = 10  # per cent that nobody minds
_CURVE = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)
_STYLES = ((GREEN, ":"), (BLUE, "-."), (INK, "-"), (PURPLE, "--"))


def rule_errors(
    approximation: Approximation = "allen-cunneen",
    *,
    servers: Sequence[int] = SERVERS,
    loads: Sequence[float] = LOADS,
) -> pd.DataFrame:
    """Return by how many per cent a rule's mean wait is off, by servers and load, and by cs².

    Arrivals are random, services are those of `SERVICES`. The truth is M/D/c and M/PH/c, exact.
    """
    return _table(partial(_rule_error, approximation), servers, loads).round().astype(int)


def exact_waits(
    *, servers: Sequence[int] = SERVERS, loads: Sequence[float] = LOADS
) -> pd.DataFrame:
    """Return the mean waits of the same table, exact, in mean services."""
    return _table(_exact, servers, loads)


def kingman_errors(*, loads: Sequence[float] = LOADS) -> pd.DataFrame:
    """Return by how many per cent Kingman's mean wait is off, by load, and by ca² of the arrivals.

    One server, exponential services of mean 1. The truth is G/M/1, exact.
    """
    columns = {}
    for name, gaps in (
        ("ca² = 0", deterministic(mean=1.0)),
        ("ca² = 1/6", erlang(mean=1.0, shape=6)),
        ("ca² = 1", erlang(mean=1.0, shape=1)),
        ("ca² = 4", hyperexponential(mean=1.0, scv=4)),
    ):
        truth = [renewal_wait(gaps, 1 / load) for load in loads]
        told = [float(kingman(1, 1 / load, gaps.scv(), 1)) for load in loads]
        columns[name] = 100 * (np.array(told) / np.array(truth) - 1)
    return pd.DataFrame(columns, index=pd.Index(loads, name="load")).round().astype(int)


def renewal_wait(gaps: Distribution, service_rate: float) -> float:
    """Return the mean wait in G/M/1, seconds: Wq = s / (mu (1 - s)), s = E[e^(-mu (1 - s) A)].

    `gaps` is the law of the time A between two arrivals. L. Kleinrock, "Queueing Systems, volume 1:
    Theory" (1975), chapter 6. Where the arrivals are too many it is `inf`.

    >>> round(renewal_wait(hyperexponential(mean=1, scv=1), 2.0), 9)  # M/M/1: 0.5 / (2 - 1)
    0.5
    """
    if gaps.mean() * service_rate <= 1:
        return np.inf

    def excess(s: float) -> float:
        return float(gaps.lst(service_rate * (1 - s)).real) - s

    below = 1 - 1e-6
    while excess(below) >= 0:  # the other root is 1
        below = 1 - 10 * (1 - below)
    s = optimize.brentq(excess, 0.0, below, xtol=1e-15)
    return float(s / (service_rate * (1 - s)))


def errors_picture(servers: int) -> Picture:
    """Return the errors of Allen and Cunneen's rule beside those of Whitt's, by the load."""
    rules: tuple[tuple[str, Approximation], ...] = (
        ("Allen and Cunneen", "allen-cunneen"),
        ("Whitt", "whitt"),
    )
    papers = [off_by_load(Paper(370, 280, right=16), servers, name, rule) for name, rule in rules]
    return Picture([[paper] for paper in papers])


def off_by_load(ax: Ax, servers: int, name: str, rule: Approximation) -> Ax:
    """Draw by how many per cent a rule is off, by the load, for services of any spread."""
    top, bottom, least = 100, -40, 100 * _CURVE[0]
    table = _table(partial(_rule_error, rule), (servers,), _CURVE)
    ax.set_xlim(least, 100)
    ax.set_ylim(bottom, top)
    ax.set_xticks([30, 50, 70, 90], ["30", "50", "70", "90 % busy"])
    ax.set_yticks([bottom, 0, 50, top], ["−40 %", "0", "+50 %", "+100 %"])
    ax.set_title(f"Error of {name}, {servers} servers")
    ax.fill_between([least, 100], [_GOOD] * 2, -_GOOD, color=GREY, alpha=0.18, linewidth=0)
    places, told = 100 * np.array(_CURVE), []
    for row, (column, (colour, dash)) in enumerate(zip(SERVICES, _STYLES, strict=True)):
        errors = table[column].to_numpy()
        shown = errors <= top
        style: dict[str, Any] = {"color": colour, "linestyle": dash, "linewidth": 2.2}
        ax.plot(places[shown], errors[shown], **style)
        height = top - 12 * (len(_STYLES) - row)
        ax.plot([76, 82], [height, height], **style)
        ax.text(83.5, height, column, va="center", fontsize=12)
        told.append(f"{column} {round(table[column].xs(0.7, level='load').iloc[0]) + 0:+d} %")
    ax.text(99, -_GOOD - 2, f"within {_GOOD} %", ha="right", va="top", fontsize=11, alpha=0.72)
    ax.set_label(f"Error of {name}, {servers} servers, 70 % busy: {', '.join(told)}.")
    return ax


def _table(
    value: Callable[[str, int, float], float], servers: Sequence[int], loads: Sequence[float]
) -> pd.DataFrame:
    rows = pd.MultiIndex.from_product([servers, loads], names=["servers", "load"])
    columns = {name: [value(name, *row) for row in rows] for name in SERVICES}
    return pd.DataFrame(columns, index=rows)


def _rule_error(rule: Approximation, name: str, servers: int, load: float) -> float:
    station = GGc(
        arrival_rate=load * servers,
        service_rate=1,
        servers=servers,
        interarrival_scv=1,
        service_scv=SERVICES[name].scv(),
        approximation=rule,
    )
    return 100 * (station.mean_wait / _exact(name, servers, load) - 1)


@lru_cache(maxsize=1000)
def _exact(name: str, servers: int, load: float) -> float:
    """Return the mean wait, seconds."""
    rate, law = load * servers, SERVICES[name]
    if law.var() == 0:
        return MDc(arrival_rate=rate, service_time=law.mean(), servers=servers).mean_wait
    return MPHc(arrival_rate=rate, service=law, servers=servers).mean_wait
