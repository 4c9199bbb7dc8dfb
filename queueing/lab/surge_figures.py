"""Theory and chance over the hours: theory dashed, in the page's ink; chance blue, with its band.

Each figure takes a scorecard and, where there is one, the surge simulated for the same design.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeVar, cast

import numpy as np

from queueing.lab import words
from queueing.lab.figures import peak_hours
from queueing.lab.palette import BLUE, GREY, SYMBOLS, verdict_colour
from queueing.scenario.hourly import p95_by_hour_ms

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from queueing.lab.paper import Paper
    from queueing.scenario import Scenario, Scorecard
    from queueing.scenario.surge import Surge
    from queueing.simulation.estimate import Estimate

    Ax = TypeVar("Ax", Axes, Paper)
    Floats = NDArray[np.float64]

_EVERY = 10  # minutes: as fine as a pixel of the hours
_ROWS = 2  # of a simulated timeline, five minutes each, in as many minutes
_FEWEST_MAILS = 100  # a scale that makes less than this look like the nothing that it is


def users(ax: Ax, card: Scorecard, surge: Surge | None = None) -> Ax:
    """Draw the users hour by hour."""
    planned = card.timeline["users"].iloc[::_EVERY]
    most = float(planned.max())
    _hours(ax, card.scenario, "Users", 0.0, _round_up(1.15 * most))
    middle = sum(peak_hours(card.scenario)) / 2
    ax.text(middle, 0.45 * most, "the peak", ha="center", va="center", fontsize=11, alpha=0.72)
    if surge is not None:
        _band(ax, _found(surge.timeline, "users").iloc[::_ROWS], 1.0)
    _theory(ax, planned, 1.0)
    _aside(ax, card.scenario, 0.0, _round_up(1.15 * most), [(most, words.count(most))])
    ax.set_label(f"Users peak at {words.count(most)}.")
    return ax


def latency(
    ax: Ax,
    card: Scorecard,
    surge: Surge | None = None,
    by_hour: pd.Series[float] | None = None,
) -> Ax:
    """Draw the P95 of the requests: theory minute by minute, chance by five minutes.

    `by_hour` is theory's curve where it is known already.
    """
    limit = card.scenario.contract.p95_ms
    planned = (p95_by_hour_ms(card) if by_hour is None else by_hour).iloc[::_EVERY]
    low = 10 * math.floor(0.9 * min(float(planned.min()), limit) / 10)
    top = 10 * math.ceil(min(max(1.08 * limit, 1.05 * float(planned.max())), 3 * limit) / 10)
    _hours(ax, card.scenario, "P95 of the requests, ms", low, top)
    ax.axhline(limit, linestyle=":", alpha=0.9)
    if surge is not None:
        _band(ax, _found(surge.timeline, "p95_ms").iloc[1::_ROWS], 1.0)
    _theory(ax, planned, 1.0)
    kept = SYMBOLS[card.p95_ms <= limit]
    labels = [
        (limit, f"{limit:g} promised"),
        (card.p95_ms, f"{kept} {card.p95_ms:,.0f} at the peak"),
    ]
    _aside(ax, card.scenario, low, top, labels)
    ax.set_label(
        _told("P95 at the peak", card.p95_ms, None if surge is None else surge.p95_ms, "ms")
    )
    return ax


def backlog(ax: Ax, card: Scorecard, surge: Surge | None = None) -> Ax:
    """Draw the mails that wait for a worker."""
    planned = card.timeline["backlog"].iloc[::_EVERY]
    found = None if surge is None else _found(surge.timeline, "backlog")
    most = max(float(planned.max()), 0.0 if found is None else float(found["high"].max()))
    top = _round_up(1.05 * max(most, _FEWEST_MAILS))
    _hours(ax, card.scenario, "Mails waiting", 0.0, top)
    if found is not None:
        _band(ax, _coarse(found), 1.0)
    _theory(ax, planned, 1.0)
    worst = card.worst_backlog
    _aside(ax, card.scenario, 0.0, top, [(worst, f"theory {words.count(worst)}")])
    chance = None if surge is None else surge.worst_backlog
    ax.set_label(_told("Most mails waiting", worst, chance, "mails"))
    return ax


def oldest(ax: Ax, card: Scorecard, surge: Surge | None = None) -> Ax:
    """Draw the age of the oldest mail, with what was promised."""
    limit = card.scenario.contract.freshness_s
    planned = card.timeline["oldest_mail_s"].iloc[::_EVERY]
    found = None if surge is None else _found(surge.timeline, "oldest_mail_s")
    most = max(float(planned.max()), limit, 0.0 if found is None else float(found["high"].max()))
    unit, name = (3600.0, "hours") if most > 3 * 3600 else (60.0, "minutes")
    top = _round_up(1.15 * most / unit)
    _hours(ax, card.scenario, f"Oldest mail, {name}", 0.0, top)
    ax.axhline(limit / unit, linestyle=":", alpha=0.9)
    if found is not None:
        _band(ax, _coarse(found), unit)
    _theory(ax, planned, unit)
    worst = card.oldest_mail_s
    kept = SYMBOLS[worst <= limit]
    labels = [
        (worst / unit, f"{kept} theory {words.duration(worst, short=True)}"),
        (limit / unit, f"{words.duration(limit, short=True)} promised"),
    ]
    _aside(ax, card.scenario, 0.0, top, labels)
    shown = None if surge is None else surge.oldest_mail_s
    ax.set_label(_told("Oldest mail", worst, shown, "s"))
    return ax


def key(ax: Ax, runs: int) -> Ax:
    """Say which line is which."""
    ax.set_xlim(0, 430)
    ax.set_ylim(22, 0)
    ax.set_axis_off()
    ax.plot([54, 84], [10, 10], linestyle="--", linewidth=1.6)
    ax.text(90, 14, "theory", fontsize=12)
    ax.plot([146, 176], [10, 10], color=BLUE, linewidth=2.2)
    band = f"chance: {runs} runs, mean and band of 90 %" if runs > 1 else "chance: one run"
    ax.text(182, 14, band if runs else "chance: not run yet", fontsize=12)
    return ax


def uptimes(ax: Ax, values: Floats, limit: float, few: Floats | None = None) -> Ax:
    """Draw how often runs come to each uptime (shares), with a few full runs as diamonds."""
    lost = 100 * (1 - np.asarray(values))
    allowed, width = 100 * (1 - limit), 0.05
    most = max(4 * allowed, 20 * width)
    edges = np.arange(0, most + width / 2, width)
    shares = np.histogram(np.minimum(lost, most - width / 2), edges)[0] / lost.size
    top = _round_up(1.2 * float(shares.max()))
    ax.set_xlim(0, most)
    ax.set_ylim(0, top)
    marks: list[float] = [0, allowed, 2 * allowed, 3 * allowed, most]
    ax.set_xticks(marks, [*(f"{100 - mark:g}" for mark in marks[:-1]), f"≤ {100 - most:g} %"])
    ticks = [0, 0.5 * top, top]
    ax.set_yticks(ticks, [f"{100 * tick:.0f} %" for tick in ticks])
    ax.set_title(f"Share of {lost.size:,} runs by their uptime; the worse, the further right")
    for start, share in zip(edges.tolist(), shares.tolist(), strict=False):
        colour = verdict_colour(kept=start + width / 2 <= allowed)
        x = [start + 0.1 * width, start + 0.9 * width]
        ax.fill_between(x, [share, share], color=colour, alpha=0.75)
    broken = float(np.mean(lost > allowed))
    ax.plot([allowed, allowed], [0, top], linestyle="--", linewidth=1.4)
    aside = allowed + 0.008 * most  # right of the bars that are tall, wherever the mean lies
    ax.text(aside, 0.9 * top, f"dashed: {100 * limit:g} % promised", fontsize=12)
    ax.text(aside, 0.78 * top, f"✗ {100 * broken:.0f} % of the runs break it", fontsize=13)
    mean = float(lost.mean())
    ax.plot([mean, mean], [0, 0.6 * top], linestyle=":", linewidth=1.6)
    ax.text(aside, 0.66 * top, f"dotted: mean {100 - mean:.2f} %", fontsize=12, fontweight="600")
    told = (
        f"{lost.size:,} runs have a mean uptime of {100 - mean:.2f} %, yet {100 * broken:.0f} % "
        f"of them break {100 * limit:g} %."
    )
    if few is not None and len(few):
        for uptime in np.asarray(few).tolist():
            ax.text(
                100 * (1 - uptime),
                0.4 * top,
                "◆",
                ha="center",
                va="center",
                fontsize=13,
                color=BLUE,
            )
        ax.text(1.03 * allowed, 0.37 * top, f"◆ the {len(few)} full runs", fontsize=12)
        told += (
            f" The {len(few)} full runs: {', '.join(f'{100 * uptime:.2f} %' for uptime in few)}."
        )
    ax.set_label(told)
    return ax


def _told(what: str, theory: float, chance: Estimate | None, unit: str) -> str:
    number = _number(theory, unit)
    if chance is None:
        return f"{what}: {number} by theory."
    found = f"{_number(chance.mean, unit)} in the mean of {chance.replications} runs"
    return f"{what}: {number} by theory, {found}."


def _number(value: float, unit: str) -> str:
    if unit == "s":
        return words.duration(value)
    if unit == "mails" and round(value) == 1:
        return "1 mail"
    return f"{value:,.0f} {unit}" if math.isfinite(value) else "without end"


def _hours(ax: Ax, scenario: Scenario, title: str, low: float, top: float) -> None:
    """Prepare an `ax` for the hours of the run, the peak shaded."""
    horizon = scenario.traffic.horizon_h
    step = next((step for step in (6, 12, 24, 48, 168) if horizon / step <= 6), horizon)
    marks = np.arange(0, horizon + 1e-9, step).tolist()
    ax.set_xlim(0, horizon)
    ax.set_ylim(low, top)
    names: list[str] = [f"{mark:.0f}" for mark in marks]
    ax.set_xticks(marks, [*names[:-1], f"{names[-1]} h"])
    ticks = np.linspace(low, top, 3).tolist()
    ax.set_yticks(ticks, [f"{tick:,.0f}" if top >= 10 else f"{tick:g}" for tick in ticks])
    ax.set_title(title)
    ax.axvspan(*peak_hours(scenario), color=GREY, alpha=0.1, linewidth=0)


def _theory(ax: Ax, planned: pd.Series[float], unit: float) -> None:
    ax.plot(planned.index.to_numpy(), planned.to_numpy() / unit, linestyle="--", linewidth=1.6)


def _found(timeline: pd.DataFrame, name: str) -> pd.DataFrame:
    """Return mean, low and high of one quantity."""
    return cast("pd.DataFrame", timeline[name])


def _coarse(found: pd.DataFrame) -> pd.DataFrame:
    """Return every ten minutes the most of them, so that no crowd falls between two points."""
    groups = np.arange(len(found)) // _ROWS
    worst = found.groupby(groups).max()
    return worst.set_index(found.index[::_ROWS])


def _band(ax: Ax, found: pd.DataFrame, unit: float) -> None:
    """Draw the mean over the runs and the band around it."""
    hours = found.index.to_numpy()
    low, mean, high = (found[name].to_numpy() / unit for name in ("low", "mean", "high"))
    if not np.array_equal(low, high):
        there_and_back = np.concatenate([hours[:1], hours, hours[::-1]])
        outline = np.concatenate([low[:1], high, low[::-1]])
        ax.fill_between(there_and_back, outline, color=BLUE, alpha=0.25, linewidth=0)
    ax.plot(hours, mean, color=BLUE, linewidth=2.2)


def _round_up(value: float) -> float:
    """Return the next of 1, 2, 3, 4, 5, 6, 8 or 10 times a power of ten."""
    size = 10 ** math.floor(math.log10(value))
    return float(
        next(size * n for n in (1, 1.2, 1.6, 2, 3, 4, 5, 6, 8, 10) if size * n >= 0.999 * value)
    )


def _aside(
    ax: Ax, scenario: Scenario, low: float, top: float, labels: list[tuple[float, str]]
) -> None:
    """Write labels at the right edge, a line apart at least."""
    room = 0.26 * (top - low)
    place = low + 0.02 * (top - low)
    for value, label in sorted(labels):
        place = min(max(value, place), top)
        ax.text(1.012 * scenario.traffic.horizon_h, place, label, va="center", fontsize=11)
        place += room
