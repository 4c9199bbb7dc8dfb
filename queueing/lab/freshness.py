"""How old a mail gets: the board and the figures of the lesson on workers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from queueing.lab import words
from queueing.lab.boards import Board
from queueing.lab.controls import Number
from queueing.lab.fresh import MOST_WORKERS, Staffing, alarms, staffing
from queueing.lab.palette import BLUE, GREY, INK, PURPLE, SYMBOLS, verdict_colour
from queueing.lab.paper import Paper
from queueing.lab.picture import Picture
from queueing.lab.pooling import sample_aside, ticks_across

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from queueing.lab.fresh import Standstill
    from queueing.scenario import Scenario

    Ax = TypeVar("Ax", Axes, Paper)
    Floats = NDArray[np.float64]

COME, SENT = BLUE, PURPLE
URGENT, OTHERS = PURPLE, BLUE
_SIZE = (410, 400)  # pixels of the column of numbers
_COLUMNS = (270, 405)  # where its two columns of numbers end
_ASIDE = 122  # pixels at the right for the labels of a curve
_EVERY = 10  # minutes: as fine as a pixel of the hours
_FEW = 100  # mails: a scale that makes less than this look like the nothing that it is


def workers_board(scenario: Scenario) -> Board:
    """Return the board of the workers: how many, how late, for which mails first."""
    start = staffing(scenario)

    def draw(*, workers: int, added: int, hour: int, urgent: int, smtp: int, users: int) -> Picture:
        return workers_picture(
            Staffing(
                flow=start.flow,
                promise=start.promise,
                workers=workers,
                added=added,
                hour=hour,
                urgent=urgent / 100,
                smtp=smtp / 100,
                users=users / 100,
            )
        )

    horizon, turn = math.floor(scenario.traffic.horizon_h), round(scenario.traffic.peak_h)
    return Board(
        [
            Number("workers", "Workers", start=start.workers, low=1, high=12, unit="at hour 0"),
            Number("added", "Added", start=0, low=0, high=12, unit="workers more, later"),
            Number("hour", "At hour", start=turn, low=0, high=horizon, unit="for the added"),
            Number("urgent", "First", start=0, low=0, high=90, unit="% of the mails go first"),
            Number("smtp", "SMTP", start=100, low=50, high=300, unit="% of the usual time"),
            Number("users", "Users", start=100, low=10, high=200, unit="% of those expected"),
        ],
        draw,
    )


def workers_picture(case: Staffing) -> Picture:
    """Return what becomes of the promise, and the hours: what comes, what waits, how old it is."""
    width, height = _SIZE
    bare = Paper(width, height, left=0, right=0, top=0, bottom=0)
    right = [
        flows(Paper(430, 124, right=_ASIDE, bottom=8), case),
        waiting(Paper(430, 124, right=_ASIDE, bottom=8), case),
        ages(Paper(430, 152, right=_ASIDE), case),
    ]
    return Picture([[numbers(bare, case)], right])


def numbers(ax: Ax, case: Staffing) -> Ax:
    """Write how old the mails get and when all is clear; who would keep the promise, and when."""
    width, height = _SIZE
    ax.set_xlim(0, width)
    ax.set_ylim(height, 0)
    ax.set_axis_off()
    colour = verdict_colour(kept=case.keeps)
    ax.text(0, 19, SYMBOLS[case.keeps], fontsize=20, fontweight="bold", color=colour)
    ax.text(24, 19, _headline(case), fontsize=17, fontweight="bold")
    ax.text(0, 40, _load(case), fontsize=12, alpha=0.72)
    told = _table(ax, case)
    ax.text(0, 212, _clear(case), fontsize=13)
    ax.text(0, 262, "What would keep the promise", fontsize=13, fontweight="600")
    solved = _fewest(case), _latest(case)
    for row, (number, meaning) in enumerate(solved):
        ax.text(58, 294 + 30 * row, number, ha="right", fontsize=17, fontweight="bold")
        ax.text(68, 294 + 30 * row, meaning, fontsize=13)
    for row, line in enumerate(_NOTE):
        ax.text(0, 366 + 16 * row, line, fontsize=11, alpha=0.72)
    ways = " ".join(f"{number} {meaning}." for number, meaning in solved)
    ax.set_label(
        f"{_headline(case)}. {_load(case)}. {told}. {_clear(case)} "
        f"What would keep the promise: {ways}"
    )
    return ax


def flows(ax: Ax, case: Staffing) -> Ax:
    """Draw attempts at sending a second that come, and that the workers can make."""
    come, can = case.attempt_rate, case.capacity
    top = _round_up(1.15 * float(max(come.max(), can.max())))
    _hours(ax, case, top)
    ax.set_title("Attempts a second")
    shown = slice(None, None, _EVERY)
    ax.fill_between(case.hours[shown], come[shown], color=COME, alpha=0.16)
    ax.plot(case.hours[shown], come[shown], color=COME, linewidth=2.2)
    ax.plot(case.hours, can, color=INK, linestyle="--", linewidth=1.6)
    labels = {f"can be sent {can[-1]:.1f}": float(can[-1]), f"come {come.max():.1f}": come.max()}
    _aside(ax, case, top, {name: float(value) for name, value in labels.items()})
    ax.set_label(f"Attempts a second, hour by hour: {' at most, '.join(reversed(labels))}.")
    return ax


def waiting(ax: Ax, case: Staffing) -> Ax:
    """Draw the mails that wait, hour by hour, those that go first by themselves."""
    top = _round_up(1.15 * max(float(case.waiting.max()), _FEW))
    _hours(ax, case, top)
    ax.set_title("Mails waiting")
    for line, (colour, dash) in zip(case.lines, _STYLES[-len(case.lines) :], strict=True):
        ax.plot(
            case.hours[::_EVERY],
            line.waiting[::_EVERY],
            color=colour,
            linestyle=dash,
            linewidth=2.2,
        )
    peaks = {
        _labelled(case, name, _count(float(line.waiting.max()))): float(line.waiting.max())
        for name, line in zip(_names(case), case.lines, strict=True)
    }
    _aside(ax, case, top, peaks)
    ax.set_label(f"Mails waiting, at most: {words.listed(list(peaks))}.")
    return ax


def ages(ax: Ax, case: Staffing) -> Ax:
    """Draw the age of the oldest mail, hour by hour, with what was promised."""
    most = max(case.oldest, case.promise)
    unit, name = (3600.0, "hours") if most > 3 * 3600 else (60.0, "minutes")
    top = _round_up(1.15 * most / unit)
    _hours(ax, case, top, last=True)
    ax.set_title(f"Age of the oldest mail, {name}")
    ax.axhline(case.promise / unit, linestyle=":", linewidth=1.4, alpha=0.9)
    for line, (colour, dash) in zip(case.lines, _STYLES[-len(case.lines) :], strict=True):
        ax.plot(
            case.hours[::_EVERY],
            line.oldest[::_EVERY] / unit,
            color=colour,
            linestyle=dash,
            linewidth=2.2,
        )
    labels = {f"promised {_age(case.promise)}": case.promise / unit}
    for told, line in zip(_names(case), case.lines, strict=True):
        worst = float(line.oldest.max())
        labels[_labelled(case, told, _age(worst))] = worst / unit
    _aside(ax, case, top, labels)
    ax.set_label(f"Age of the oldest mail: {words.listed(list(labels))}.")
    return ax


def came_and_sent(ax: Ax, case: Standstill, promise: float) -> Ax:
    """Draw what has come and what was sent since the workers stood still, and the gap both ways."""
    end = 1.12 * case.clear / 60
    start = -0.08 * end
    rate, capacity = 60 * case.line.arrival_rate, 60 * case.capacity
    stop, clear = case.length / 60, case.clear / 60
    top, bottom = rate * end, rate * start
    ax.set_xlim(start, end)
    ax.set_ylim(bottom, 1.04 * top)
    ticks_across(ax, end, "min")
    marks = np.arange(0, top, _round_up(top / 4)).tolist()
    ax.set_yticks(marks, [f"{mark:,.0f}" for mark in marks])
    ax.set_title("Attempts since the workers stopped: the gap between the lines is what waits")
    old = case.too_old(promise)
    if old:
        ax.axvspan(old[0] / 60, old[1] / 60, color=GREY, alpha=0.14)
        told = f"the oldest is over {_age(promise)}"
        ax.text(old[1] / 60 - 0.006 * end, 0.5 * bottom, told, ha="right", fontsize=11, alpha=0.72)
    ax.plot([start, end], [bottom, top], color=COME, linewidth=2.2)
    sent = [bottom, 0, 0, rate * clear, top]
    ax.plot([start, 0, stop, clear, end], sent, color=SENT, linestyle="--", linewidth=2.2)
    ax.plot([stop, stop], [0, rate * stop], color=INK, linewidth=1.2)
    told = f"{case.backlog:,.0f} wait"
    ax.text(stop, rate * stop + 0.05 * top, told, ha="right", fontsize=12, fontweight="600")
    level = capacity * 0.3 * (clear - stop)
    came, now = level / rate, level / capacity + stop
    ax.plot([came, now], [level, level], color=INK, linewidth=1.2)
    told = f"being sent: {now - came:.1f} min old"
    ax.text(now + 0.02 * end, level, told, va="center", fontsize=12, fontweight="600")
    ax.text(clear, rate * clear, "●", ha="center", va="center", fontsize=12)
    told = f"minute {clear:.0f}: clear"
    below = rate * clear - 0.14 * top
    ax.text(clear, below, told, ha="center", va="top", fontsize=12, fontweight="600")
    for height, name, colour, dashed in (
        (0.98 * top, "came", COME, False),
        (0.89 * top, "sent", SENT, True),
    ):
        sample_aside(ax, (1.015 * end, height), name, gap=0.032 * end, color=colour, dashed=dashed)
    broken = (
        f"The oldest is older than {_age(promise)} from minute {old[0] / 60:.0f} to minute "
        f"{old[1] / 60:.0f}."
        if old
        else f"None gets older than {_age(promise)}."
    )
    ax.set_label(
        f"The workers stand still for {stop:.0f} minutes. {case.backlog:,.0f} attempts wait then, "
        f"and nobody from minute {clear:.0f} on. {broken}"
    )
    return ax


def late_picture(scenario: Scenario) -> Picture:
    """Return the age of the oldest mail if one more worker starts by one alarm or another."""
    paper = Paper(800, 260, right=80)
    late(paper, alarms(scenario))
    return Picture([[paper]])


def late(ax: Ax, cases: Mapping[str, Staffing]) -> Ax:
    """Draw the age of the oldest mail for each hour at which more workers start."""
    first = next(iter(cases.values()))
    most = max(first.promise, *(case.oldest for case in cases.values()))
    top = _round_up(1.1 * most / 60)
    _hours(ax, first, top, last=True, mark=False)
    ax.set_title("Age of the oldest mail, minutes, if one worker more starts when …")
    ax.axhline(first.promise / 60, linestyle=":", linewidth=1.4, alpha=0.9)
    edge, told = float(first.hours[-1]), []
    ax.text(1.012 * edge, first.promise / 60, "promised", va="center", fontsize=11)
    for row, (name, case) in reversed([*enumerate(cases.items())]):
        colour, dash = _LATE[row]
        age, height = case.lines[0].oldest / 60, (0.9 - 0.12 * row) * top
        old = np.flatnonzero(age > 0)
        shown = slice(max(int(old[0]) - 1, 0), int(old[-1]) + 2) if old.size else slice(None)
        ax.fill_between(case.hours[shown], age[shown], color=colour, alpha=0.14)
        ax.plot(case.hours[shown], age[shown], color=colour, linestyle=dash, linewidth=2.2)
        ax.plot(
            [0.02 * edge, 0.06 * edge], [height] * 2, color=colour, linestyle=dash, linewidth=2.2
        )
        kept = f"{SYMBOLS[case.keeps]} {name}: {_age(case.oldest)}"
        ax.text(0.07 * edge, height, kept, va="center", fontsize=12)
        told.append(f"{name}, at hour {case.hour:.1f}: {_age(case.oldest)}")
    ax.set_label(
        "The oldest mail if one worker more starts a little after an alarm. "
        f"{'; '.join(reversed(told))}. Promised: {_age(first.promise)}."
    )
    return ax


_STYLES = ((URGENT, "--"), (OTHERS, "-"))  # the last of them where there is but one line
_LATE = ((BLUE, "-"), (PURPLE, "--"), (INK, "-."))
_NOTE = ("A fluid: means alone, all workers up. Chance adds seconds, and", "outages more.")


def _table(ax: Ax, case: Staffing) -> str:
    """Write what waits and how old it gets, a column a line of mails; return it in words."""
    names = _names(case)
    columns = _COLUMNS[-len(names) :]
    for place, name, (tone, dash) in zip(columns, names, _STYLES[-len(names) :], strict=True):
        left = place - 7.4 * len(name) - 34
        ax.plot([left, left + 24], [74, 74], color=tone, linestyle=dash, linewidth=2.6)
        ax.text(place, 78, name, ha="right", fontsize=13, fontweight="600")
    rows = (
        ("most waiting", [_count(float(line.waiting.max())) for line in case.lines]),
        ("oldest mail", [_age(float(line.oldest.max())) for line in case.lines]),
    )
    for row, (name, values) in enumerate(rows):
        y = 110 + 34 * row
        _rule(ax, y - 21)
        ax.text(0, y, name, fontsize=13)
        for place, value in zip(columns, values, strict=True):
            ax.text(place, y, value, ha="right", fontsize=15, fontweight="600")
    y = 110 + 34 * len(rows)
    _rule(ax, y - 21)
    ax.text(0, y, f"promised: ≤ {_age(case.promise)}", fontsize=13)
    for place, line in zip(columns, case.lines, strict=True):
        kept = float(line.oldest.max()) <= case.promise
        verdict, tone = f"{SYMBOLS[kept]} {'kept' if kept else 'broken'}", verdict_colour(kept=kept)
        ax.text(place, y, verdict, ha="right", fontsize=14, fontweight="600", color=tone)
    _rule(ax, y + 13)
    return "; ".join(
        f"{name}: most waiting {many}, oldest {age}"
        for name, many, age in zip(names, rows[0][1], rows[1][1], strict=True)
    )


def _names(case: Staffing) -> list[str]:
    return ["first", "the others"] if len(case.lines) > 1 else ["all mails"]


def _labelled(case: Staffing, name: str, told: str) -> str:
    return f"{name} {told}" if len(case.lines) > 1 else told


def _headline(case: Staffing) -> str:
    if not case.waiting.max() >= 1:
        return "No backlog: mails leave within seconds"
    return f"The oldest mail waits {_age(case.oldest)}"


def _load(case: Staffing) -> str:
    threads = case.workers * case.threads_each
    later = ""
    if case.added:
        later = f"; {threads + case.added * case.threads_each} from hour {case.hour:g}"
    return f"ρ = {case.load:.2f} at the peak on {threads} threads{later}"


def _clear(case: Staffing) -> str:
    if not case.waiting.max() >= 1:
        return "Nobody ever waits for long."
    if case.clear_h is None:
        return f"When the run ends, {_count(float(case.waiting[-1]))} still wait."
    return f"Most wait at hour {case.worst_h:.1f}; all is clear at hour {case.clear_h:.1f}."


def _fewest(case: Staffing) -> tuple[str, str]:
    if case.fewest is None:
        return f"{MOST_WORKERS}+", "workers from hour 0"
    load = case.offered_load / (case.fewest * case.threads_each)
    there = "worker" if case.fewest == 1 else "workers"
    return str(case.fewest), f"{there} from hour 0, ρ = {load:.2f}"


def _latest(case: Staffing) -> tuple[str, str]:
    joining = max(case.added, 1)
    more = f"{joining} more"
    if case.latest_h is None:
        return "–", f"{more} at any hour: too few"
    if case.latest_h >= case.hours[-1]:
        return "–", "it is kept without any more"
    hour = math.floor(10 * case.latest_h) / 10
    return f"{hour:.1f}", f"the last hour at which {more} may start"


def _age(seconds: float) -> str:
    """Return an age: 8 s, 4.6 min, 37 min, 8.8 h."""
    if 60 <= seconds < 600:
        return f"{seconds / 60:.1f}".removesuffix(".0") + " min"
    return words.duration(seconds, short=True)


def _count(number: float) -> str:
    return f"{number / 1e6:.2f} M" if number >= 1e6 else words.count(number)


def _rule(ax: Ax, y: float) -> None:
    ax.plot([0, _SIZE[0]], [y, y], linewidth=1, alpha=0.2)


def _hours(ax: Ax, case: Staffing, top: float, *, last: bool = False, mark: bool = True) -> None:
    """Prepare an `ax` for the hours of the run, with the hour at which workers are added."""
    horizon = float(case.hours[-1])
    step = next((step for step in (6, 12, 24, 48, 168) if horizon / step <= 6), horizon)
    marks = np.arange(0, horizon + 1e-9, step).tolist()
    ax.set_xlim(0, horizon)
    ax.set_ylim(0, top)
    names = [f"{at:.0f} h" if at == marks[-1] else f"{at:.0f}" for at in marks]
    ax.set_xticks(marks, names if last else [""] * len(marks))
    ticks = [0, top / 2, top]
    ax.set_yticks(ticks, [_short(tick) for tick in ticks])
    if mark and case.added:
        ax.axvspan(case.hour, horizon, color=GREY, alpha=0.1)


def _aside(ax: Ax, case: Staffing, top: float, labels: Mapping[str, float], rows: int = 5) -> None:
    """Write labels at the right edge, as near to their heights as they fit."""
    gap, place = top / rows, -math.inf
    for told, height in sorted(labels.items(), key=lambda label: label[1]):
        place = max(height, place + gap)
        ax.text(1.012 * float(case.hours[-1]), place, told, va="center", fontsize=11)


def _round_up(value: float) -> float:
    """Return a round number just above."""
    size = 10 ** math.floor(math.log10(value))
    return next(
        size * part for part in (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10) if size * part >= value
    )


def _short(value: float) -> str:
    if value >= 1e6:
        return f"{value / 1e6:g} M"
    return f"{value:,.0f}" if value >= 1000 else f"{value:g}"
