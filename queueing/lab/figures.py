"""The figures: each draws on the `ax` that it is given and returns it.

An `ax` is matplotlib's Axes or a board's `Paper`. The label that a figure sets is its alternative
text: what it finds, in words.
"""

from __future__ import annotations

import math
import re
import textwrap
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from scipy import optimize

from queueing.lab import words
from queueing.lab.palette import (
    BLUE,
    GREY,
    INK,
    STATION_COLOURS,
    STATION_DASHES,
    SYMBOLS,
    verdict_colour,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from queueing.lab.paper import Paper
    from queueing.scenario import Scenario, Scorecard
    from queueing.scenario.scorecard import Check

    Ax = TypeVar("Ax", Axes, Paper)

_FIRST, _STEP = 84, 45  # pixels down to the first clause of a scorecard, and on to the next
_EVERY = 10  # minutes: as fine as a pixel of the hours
_LONG = 38  # letters of a verdict that is written smaller, to fit
_SCALE = 1.5  # shares of an allowance that a bar can show
_FEWEST_MAILS = 100  # a scale that makes less than this look like the nothing that it is


def surge(ax: Ax, scenario: Scenario) -> Ax:
    """Draw the users hour by hour, their requests per second at the right edge, and the peak."""
    traffic = scenario.traffic
    hours = _hours(traffic.horizon_h)
    users, most = traffic.users(hours), float(traffic.users(traffic.peak_h))
    ticks = _ticks(most, 3)
    _over_hours(ax, scenario, ticks[-1], ticks)
    ax.set_title("Users")
    ax.fill_between(hours, users, color=BLUE, alpha=0.16, linewidth=0)
    ax.plot(hours, users, color=BLUE, linewidth=2.2)
    start, end = peak_hours(scenario)
    middle = (start + end) / 2
    busiest = f"{words.count(most)} users, {traffic.peak_rate:.0f} requests a second"
    ax.text(middle, most + 0.06 * ticks[1], busiest, ha="center", fontsize=12, fontweight="bold")
    share = f"at least {100 * scenario.rules.peak_fraction:g} % of the most users"
    ax.text(middle, 0.5 * most, f"the peak: {end - start:.1f} hours", ha="center", fontsize=12)
    ax.text(middle, 0.47 * most, share, ha="center", va="top", fontsize=12, alpha=0.72)
    cycle = traffic.think_time_s + traffic.nominal_response_s
    _beside(ax, scenario, [(tick, f"{tick / cycle:.0f} requests/s") for tick in ticks], ticks[-1])
    ax.set_label(
        f"{traffic.course} At the peak, {end - start:.1f} hours long, "
        f"they make {traffic.peak_rate:.1f} requests a second."
    )
    return ax


def users(ax: Ax, card: Scorecard) -> Ax:
    """Draw the users hour by hour."""
    scenario, traffic = card.scenario, card.scenario.traffic
    hours = _hours(traffic.horizon_h)
    number, most = traffic.users(hours), float(traffic.users(traffic.peak_h))
    ticks = _ticks(most, 2)
    _over_hours(ax, scenario, ticks[-1], ticks)
    ax.set_title("Users")
    ax.fill_between(hours, number, color=BLUE, alpha=0.16, linewidth=0)
    ax.plot(hours, number, color=BLUE)
    ax.text(
        sum(peak_hours(scenario)) / 2,
        0.45 * most,
        "the peak",
        ha="center",
        va="center",
        fontsize=11,
    )
    _beside(ax, scenario, [(most, f"{words.count(most)}")], ticks[-1])
    ax.set_label(f"Users peak at {words.count(most)}.")
    return ax


def backlog(ax: Ax, *cards: Scorecard) -> Ax:
    """Draw the mails that wait, hour by hour, of one design or several."""
    scenario, most = cards[0].scenario, max(card.worst_backlog for card in cards)
    ticks = _ticks(max(most, _FEWEST_MAILS), 2)
    _over_hours(ax, scenario, ticks[-1], ticks)
    ax.set_title("Mails waiting")
    for card in cards:
        _line_over_hours(ax, card, "backlog", 1)
    peaks = [card.worst_backlog for card in cards]
    labels = _named(cards, [words.count(peak) for peak in peaks])
    _beside(ax, scenario, _pairs(peaks, labels), ticks[-1])
    ax.set_label(" ".join(words.mails(card) for card in cards))
    return ax


def oldest(ax: Ax, *cards: Scorecard) -> Ax:
    """Draw the age of the oldest mail, hour by hour, with what was promised."""
    scenario, limit = cards[0].scenario, cards[0].scenario.contract.freshness_s
    longest = max(card.oldest_mail_s for card in cards)
    unit, name = (3600.0, "hours") if max(longest, limit) > 3 * 3600 else (60.0, "minutes")
    ticks = _ticks(1.2 * max(longest, limit) / unit, 2)
    _over_hours(ax, scenario, ticks[-1], ticks)
    ax.set_title(f"Oldest mail, {name}")
    ax.axhline(limit / unit, color=INK, linestyle="--", alpha=0.8)
    for card in cards:
        _line_over_hours(ax, card, "oldest_mail_s", unit)
    ages: list[float] = [card.oldest_mail_s / unit for card in cards]
    labels: list[str] = _named(
        cards, [words.duration(card.oldest_mail_s, short=True) for card in cards]
    )
    promise = (limit / unit, f"{words.duration(limit, short=True)} promised")
    _beside(ax, scenario, [*_pairs(ages, labels), promise], ticks[-1])
    ax.set_label(
        " ".join(f"The oldest mail waits {words.duration(card.oldest_mail_s)}." for card in cards)
    )
    return ax


def loads(ax: Ax, card: Scorecard) -> Ax:
    """Draw how full each station is, hour by hour: 1 is full."""
    scenario, traffic = card.scenario, card.scenario.traffic
    peaks = card.stations.max()
    top = max(1.25, 1.1 * float(peaks.max()))
    _over_hours(ax, scenario, top, [0, 0.5, 1] if top < 2 else _ticks(top, 3))
    ax.set_title("Load of each station, 1 is full")
    ax.axhline(1, color=INK, linestyle="--", alpha=0.8)
    hours = card.stations.index.to_numpy()[::_EVERY]
    for name in peaks.index:
        load, colour = card.stations[name].to_numpy()[::_EVERY], STATION_COLOURS[name]
        ax.plot(hours, load, color=colour, linestyle=STATION_DASHES.get(name, "-"))
    told = [(float(load), f"{name} {load:.2f}") for name, load in peaks.items()]
    places = _beside(ax, scenario, told, top, rows=7)
    end = traffic.horizon_h
    for (name, load), place in zip(peaks.items(), places, strict=True):
        path = [traffic.peak_h, 0.96 * end, end], [load, load, place]
        ax.plot(*path, color=STATION_COLOURS[str(name)], linewidth=0.8, linestyle=":")
    ax.set_label(words.loads(card))
    return ax


def scorecard(ax: Ax, card: Scorecard, advice: str = "") -> Ax:
    """Draw the contract clause by clause: what was promised, what is kept, what is left."""
    width, height = scorecard_size(card, advice)
    ax.set_xlim(0, width)
    ax.set_ylim(height, 0)
    ax.set_axis_off()
    colour = verdict_colour(kept=card.passes)
    ax.text(0, 19, SYMBOLS[card.passes], fontsize=20, fontweight="bold", color=colour)
    verdict = words.verdict(card)
    size = 17 if len(verdict) < _LONG else 14.5
    ax.text(24, 19, verdict, fontsize=size, fontweight="bold")
    ax.text(0, 40, words.design(card.design), fontsize=12, alpha=0.72)
    for number, check in enumerate(card.checks):
        _clause(ax, check, _FIRST + _STEP * number)
    last = _FIRST + _STEP * (len(card.checks) - 1)
    _promise_line(ax, _FIRST - 12, last + 20)
    y = last + 52.0
    for size, step, lines in _paragraphs(card, advice):
        for line in lines:
            ax.text(0, y, line, fontsize=size, alpha=1.0 if size > 12 else 0.72)
            y += step
        y += 6
    told = "; ".join(
        f"{check.clause} {words.kept(check)}, promised {words.promised(check)}, "
        f"{words.margin(check)}"
        for check in card.checks
    )
    ax.set_label(f"{words.verdict(card)}. {words.finding(card)} {told}. {advice}".strip())
    return ax


def scorecard_size(card: Scorecard, advice: str = "") -> tuple[float, float]:
    """Return the width and height, in pixels or points, that `scorecard` is laid out for."""
    text = sum(step * len(lines) + 6 for _, step, lines in _paragraphs(card, advice))
    return 410, _FIRST + _STEP * (len(card.checks) - 1) + 40 + text


def _paragraphs(card: Scorecard, advice: str) -> list[tuple[float, float, list[str]]]:
    """Return the text under the clauses: size, distance of the lines, lines."""
    quality = next(basis.quality for basis in card.basis if basis.number == "P95 latency")
    small = _lines(f"Theory. P95 is an {quality}.", 66)
    return [
        (13, 18, _lines(words.finding(card), 57)),
        (13, 18, _lines(advice, 57)),
        (11, 15, small),
    ]


def headline(ax: Ax, title: str, text: str, columns: int = 120) -> Ax:
    """Write a title and a few lines under it."""
    lines = _lines(text, columns)
    ax.set_xlim(0, 1)
    ax.set_ylim(40 + 18 * len(lines), 0)
    ax.set_axis_off()
    ax.text(0, 22, title, fontsize=20, fontweight="bold")
    for number, line in enumerate(lines):
        ax.text(0, 46 + 18 * number, line, fontsize=13)
    ax.set_label(f"{title}. {text}")
    return ax


_BAR = 272  # pixels where the bars and the kept values end
_PROMISED = 20 + (_BAR - 20) / _SCALE


def _clause(ax: Ax, check: Check, y: float) -> None:
    colour, share = verdict_colour(kept=check.passes), words.used(check)
    ax.text(0, y, SYMBOLS[check.passes], fontsize=15, fontweight="bold", color=colour)
    ax.text(20, y, _NAMES.get(check.clause, check.clause), fontsize=13, fontweight="bold")
    ax.text(_BAR, y, words.kept(check), ha="right", fontsize=14, fontweight="bold")
    ax.text(_BAR + 12, y, words.promised(check), fontsize=12.5, alpha=0.72)
    ax.barh(y + 13, _BAR - 20, 8, 20, color=GREY, alpha=0.2)
    ax.barh(y + 13, min(share / _SCALE, 1) * (_BAR - 20), 8, 20, color=colour)
    if share > _SCALE:
        ax.text(_BAR + 1, y + 13, "▸", va="center", fontsize=12, color=colour)
    ax.text(_BAR + 12, y + 17, words.margin(check), fontsize=12.5)


def _promise_line(ax: Ax, top: float, bottom: float) -> None:
    ax.plot([_PROMISED, _PROMISED], [top, bottom], color=INK, linewidth=1.2)
    ax.text(_PROMISED, top - 4, "promised", ha="center", fontsize=11, alpha=0.72)


_NAMES = {
    "uptime": "Uptime",
    "P95 latency": "P95 latency",
    "budget": "Cost a month",
    "oldest mail": "Oldest mail",
}


def _line_over_hours(ax: Ax, card: Scorecard, column: str, unit: float) -> None:
    hours = card.timeline.index.to_numpy()[::_EVERY]
    values = card.timeline[column].to_numpy()[::_EVERY] / unit
    colour = verdict_colour(kept=card.oldest_mail_s <= card.scenario.contract.freshness_s)
    ax.fill_between(hours, values, color=colour, alpha=0.16, linewidth=0)
    ax.plot(hours, values, color=colour)


def _over_hours(ax: Ax, scenario: Scenario, top: float, ticks: list[float]) -> None:
    """Prepare an `ax` for the hours of the run, the peak shaded."""
    horizon = scenario.traffic.horizon_h
    step = next((step for step in (6, 12, 24, 48, 168) if horizon / step <= 6), horizon)
    marks = np.arange(0, horizon + 1e-9, step).tolist()
    ax.set_xlim(0, horizon)
    ax.set_ylim(0, top)
    ax.set_xticks(
        marks, [f"{mark:.0f} h" if mark == marks[-1] else f"{mark:.0f}" for mark in marks]
    )
    inside = [tick for tick in ticks if tick <= top * 1.001]
    ax.set_yticks(inside, [_short(tick, inside[-1]) for tick in inside])
    ax.axvspan(*peak_hours(scenario), color=GREY, alpha=0.1, linewidth=0)


def peak_hours(scenario: Scenario) -> tuple[float, float]:
    """Return the first and the last hour of the peak."""
    hours = np.linspace(0, scenario.traffic.horizon_h, 5401)
    inside = hours[scenario.peak_on(hours)]
    return float(inside[0]), float(inside[-1])


def _hours(horizon: float) -> np.ndarray:
    return np.linspace(0, horizon, math.ceil(horizon * 60 / _EVERY) + 1)


def _ticks(most: float, intervals: int = 4) -> list[float]:
    """Return round numbers from 0 to `most` or just beyond, in about so many steps."""
    raw = most / intervals
    size = 10 ** math.floor(math.log10(raw))
    step = next(
        size * part for part in (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10) if size * part >= raw * 0.999
    )
    return [step * number for number in range(intervals + 1)]


def _short(value: float, most: float) -> str:
    if most >= 1e6 and value:
        return f"{value / 1e6:g} M"
    return f"{value:,.0f}" if most >= 1000 else f"{value:g}"


def _named(cards: Sequence[Scorecard], labels: list[str]) -> list[str]:
    """Return labels that name the design where there are several."""
    if len(cards) == 1:
        return labels
    many = [words.many(card.design.workers, "worker") for card in cards]
    return [f"{design}: {label}" for label, design in zip(labels, many, strict=True)]


def _pairs(values: list[float], labels: list[str]) -> list[tuple[float, str]]:
    return list(zip(values, labels, strict=True))


def _beside(
    ax: Ax, scenario: Scenario, told: list[tuple[float, str]], top: float, rows: int = 4
) -> list[float]:
    """Write labels at the right edge, where their values are or `rows` of them fit; say where."""
    places = _apart([value for value, _ in told], top / rows)
    for place, (_, label) in zip(places, told, strict=True):
        ax.text(1.012 * scenario.traffic.horizon_h, place, label, va="center", fontsize=11)
    return places


def _apart(values: list[float], distance: float) -> list[float]:
    """Return the values moved as little as it takes to keep a distance between neighbours."""
    order = np.argsort(values, kind="stable")
    steps = distance * np.arange(len(values))
    places = np.empty(len(values))
    places[order] = optimize.isotonic_regression(np.array(values)[order] - steps).x + steps
    return [float(place) for place in places]


def _lines(text: str, columns: int) -> list[str]:
    """Return a text in lines of so many letters, a number and its unit kept together."""
    return textwrap.wrap(re.sub(r"(?<=\d) (?=\S)", "\u00a0", text), columns)
