"""The drill in seven steps: the board and the figures of the thirteenth lesson."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from queueing.lab import words
from queueing.lab.boards import Board
from queueing.lab.controls import Number
from queueing.lab.drilled import OUTAGE_S, SHARE, Drill, mail_drill
from queueing.lab.palette import BLUE, GREY, SYMBOLS, verdict_colour
from queueing.lab.paper import Paper
from queueing.lab.picture import Picture
from queueing.lab.pooling import milliseconds, ticks_across
from queueing.scenario.wording import does

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from queueing.scenario import Scenario

    Ax = TypeVar("Ax", Axes, Paper)

_SIZE = (430, 446)  # pixels of the column of steps
_TABLE = (430, 230)  # and of the table of numbers of workers
_HEADS = (
    ("", "workers"),
    ("", "load"),
    (f"{100 * SHARE:.0f} %", "start within"),
    ("oldest in", "a repair"),
    ("caught up", "after"),
    ("USD", "a month"),
)
_ENDS = (68, 126, 208, 276, 346, 428)  # pixels where the columns end
_AT_ONCE, _LEAST_S = "at once", 5e-5
_HUNDRED = 100  # users in a slider's step, and a slider's steps in a job or a second


def drill_board(scenario: Scenario) -> Board:
    """Return the board that goes the seven steps with a reader's own numbers."""
    start = mail_drill(scenario)

    def draw(
        *, users: int, round_s: int, jobs: int, attempt: int, promise: int, workers: int
    ) -> Picture:
        case = replace(
            start,
            users=_HUNDRED * users,
            round_s=round_s,
            jobs_per_request=jobs / _HUNDRED,
            attempt_s=attempt / _HUNDRED,
            promise_s=promise,
            workers=workers,
        )
        return drill_picture(case)

    users, jobs = round(start.users / _HUNDRED), round(_HUNDRED * start.jobs_per_request)
    attempt, threads = round(_HUNDRED * start.attempt_s), start.threads
    return Board(
        [
            Number("users", "Users", start=users, low=1, high=200, unit="hundred users"),
            Number(
                "round_s", "Round", start=round(start.round_s), low=1, high=120, unit="s a round"
            ),
            Number("jobs", "Jobs", start=jobs, low=1, high=300, unit="jobs in 100 requests"),
            Number(
                "attempt", "Attempt", start=attempt, low=1, high=500, unit="hundredths of a second"
            ),
            Number(
                "promise",
                "Promise",
                start=round(start.promise_s),
                low=1,
                high=60,
                unit="s until the start",
            ),
            Number(
                "workers",
                "Workers",
                start=start.workers,
                low=1,
                high=60,
                unit=f"of {threads} threads",
            ),
        ],
        draw,
    )


def drill_picture(case: Drill) -> Picture:
    """Return the seven steps beside other numbers of workers and an outage."""
    width, height = _SIZE
    bare = Paper(width, height, left=0, right=0, top=0, bottom=0)
    right = [
        options(Paper(*_TABLE, left=0, right=0, top=0, bottom=0), case),
        outage(Paper(430, 216, left=72, right=14), case),
    ]
    return Picture([[steps(bare, case)], right])


def steps(ax: Ax, case: Drill) -> Ax:
    """Write the seven steps, each as a sum with its result."""
    width, height = _SIZE
    ax.set_xlim(0, width)
    ax.set_ylim(height, 0)
    ax.set_axis_off()
    kept = _keeps(case)
    ax.text(0, 19, SYMBOLS[kept], fontsize=20, fontweight="bold", color=verdict_colour(kept=kept))
    ax.text(24, 19, _headline(case), fontsize=17, fontweight="bold")
    for number, (name, *told) in enumerate(_told(case)):
        y = 50 + 54 * number
        ax.plot([0, width], [y - 14, y - 14], linewidth=1, alpha=0.2)
        ax.text(0, y + 4, f"{number + 1} {name}", fontsize=13, fontweight="600")
        for line, words_of_line in enumerate(told):
            ax.text(104, y + 4 + 19 * line, words_of_line, fontsize=13)
    note = "Theory: random arrivals, exponential attempts; a worker fails alone."
    ax.text(0, height - 8, note, fontsize=11, alpha=0.72)
    ax.set_label(f"{_headline(case)}. {' '.join(_sentence(row) for row in _told(case))}")
    return ax


def options(ax: Ax, case: Drill) -> Ax:
    """Write what some numbers of workers come to, a line each; the one that is set stands out."""
    width, height = _TABLE
    ax.set_xlim(0, width)
    ax.set_ylim(height, 0)
    ax.set_axis_off()
    ax.text(0, 15, "What each number of workers comes to", fontsize=13, fontweight="bold")
    for (upper, lower), x in zip(_HEADS, _ENDS, strict=True):
        ax.text(x, 40, upper, ha="right", fontsize=11, alpha=0.72)
        ax.text(x, 54, lower, ha="right", fontsize=11, alpha=0.72)
    numbers = {max(case.bought + more, 1) for more in range(-2, 3)} | {case.workers}
    for row, workers in enumerate(sorted(numbers)):
        other = case.with_workers(workers)
        y, kept = 80 + 24 * row, _keeps(other)
        cells = _cells(other)
        weight = "600" if workers == case.workers else "normal"
        if workers == case.workers:
            ax.barh(y - 5, width, 23, color=GREY, alpha=0.16)
        ax.text(
            2, y, SYMBOLS[kept], fontsize=14, fontweight="bold", color=verdict_colour(kept=kept)
        )
        for cell, x in zip(cells, _ENDS, strict=True):
            ax.text(x, y, cell, ha="right", fontsize=13, fontweight=weight)
    ax.set_label(
        f"From {words.many(case.least, 'worker')} on they keep up, from {case.fewest:,} on "
        f"{100 * SHARE:.0f} % start in time, from {case.bought:,} on both promises are kept."
    )
    return ax


def outage(ax: Ax, case: Drill) -> Ax:
    """Draw what waits while all workers are away, and until they have caught up."""
    drain = case.drain_s
    forever = not math.isfinite(drain)
    span = 4 * OUTAGE_S if forever else OUTAGE_S + min(drain, 20 * OUTAGE_S)
    longest = 1.15 * span / 60
    end = case.left_behind + (case.attempt_rate - case.capacity) * (span - OUTAGE_S)
    top = 1.3 * max(case.left_behind, end)
    ax.set_xlim(0, longest)
    ax.set_ylim(0, top)
    ticks_across(ax, longest, "min")
    heights = [0, case.left_behind]
    ax.set_yticks(heights, [words.count(mark) for mark in heights])
    ax.set_title(f"Waiting, when all workers are away for {OUTAGE_S / 60:.0f} minutes")
    ax.axvspan(0, OUTAGE_S / 60, color=GREY, alpha=0.16, linewidth=0)
    ax.text(OUTAGE_S / 120, top, "away", ha="center", va="top", fontsize=11, alpha=0.72)
    moments, waiting = [0, OUTAGE_S / 60, span / 60], [0.0, case.left_behind, max(end, 0.0)]
    ax.fill_between(moments, waiting, color=BLUE, alpha=0.12, linewidth=0)
    ax.plot(moments, waiting, color=BLUE, linewidth=2.2)
    told = "they never catch up" if forever else f"caught up after {words.duration(drain)}"
    ax.text(longest, 0.88 * top, told, ha="right", va="top", fontsize=12, fontweight="600")
    ax.set_label(
        f"After {OUTAGE_S / 60:.0f} minutes without workers {words.count(case.left_behind)} "
        f"attempts wait; {told}."
    )
    return ax


def _keeps(case: Drill) -> bool:
    return case.tail_s <= case.promise_s and case.oldest_in_repair_s <= case.oldest_s


def _headline(case: Drill) -> str:
    who = words.many(case.workers, "worker")
    if case.load >= 1:
        return f"{who} cannot keep up"
    if case.tail_s > case.promise_s:
        return f"{who} {does(case.workers, 'start')} too late"
    if case.oldest_in_repair_s > case.oldest_s:
        return f"{who} {does(case.workers, 'have')} no spare"
    return f"{who} {does(case.workers, 'keep')} the promise"


def _cells(case: Drill) -> tuple[str, ...]:
    """Return a line of the table of numbers of workers."""
    if case.load >= 1:
        times: tuple[str, ...] = ("no end",) * 3
    else:
        rest = (words.duration(s, short=True) for s in (case.oldest_in_repair_s, case.drain_s))
        times = (_wait(case.tail_s), *rest)
    bill = f"{case.bill:,.0f}" if case.bill >= 1e4 else f"{case.bill:,.2f}"
    return (f"{case.workers:,}", _load(case.load), *times, bill)


def _wait(seconds: float) -> str:
    return milliseconds(seconds) if seconds >= _LEAST_S else _AT_ONCE


def _load(load: float) -> str:
    if load < 0.005:
        return "< 0.01"
    if load < 1:
        return f"{min(load, 0.99):.2f}"  # 1.00 is full
    return f"{load:.2f}" if load < 99.95 else _few(load)


def _told(case: Drill) -> list[tuple[str, ...]]:
    """Return the seven steps: a name, and two lines."""
    users = words.count(case.users)
    return [
        (
            "Demand",
            f"{users} users / {case.round_s:.4g} s = {_few(case.requests)} requests a second,",
            f"× {case.jobs_per_request:.4g} = {_few(case.jobs)} jobs a second",
        ),
        (
            "Work",
            f"× {case.attempts:.3f} attempts × {case.attempt_s:.3g} s",
            f"= {_few(case.erlangs)} Erlang, threads busy in the mean",
        ),
        (
            "Workers",
            f"{case.least:,} keep up, {case.fewest:,} start in time; buy {case.bought:,};",
            f"now {case.workers}, of {case.threads} threads each: load {_load(case.load)}",
        ),
        ("Tail", *_tail(case)),
        (
            "Bill",
            f"{case.workers} × {case.price:g} = {case.bill:,.2f} USD a month,",
            f"{case.bill_of_a_million:,.2f} USD for a million jobs",
        ),
        ("Failure", *_failure(case)),
        (
            "Watch",
            f"the oldest's age; alarm at {words.count(case.alarm)} waiting;",
            "dead letters, and failures by receiver",
        ),
    ]


def _tail(case: Drill) -> tuple[str, str]:
    promised = f"promised {case.promise_s:g} s"
    if case.load >= 1:
        return "each waits longer than the one before,", promised
    within = _wait(case.tail_s)
    within = within if within == _AT_ONCE else f"within {within}"
    return f"{100 * SHARE:.0f} % start {within},", promised


def _failure(case: Drill) -> tuple[str, str]:
    repair, age, drain, stop = (
        words.duration(time, short=True)
        for time in (case.repair_s, case.oldest_in_repair_s, case.drain_s, OUTAGE_S)
    )
    if case.load >= 1:
        return "the line grows with nobody away;", f"all away for {stop}: never caught up"
    who = "the one" if case.workers == 1 else "one"
    return (
        f"{who} away for {repair}: the oldest waits {age};",
        f"all away for {stop}: caught up after {drain}",
    )


def _few(number: float) -> str:
    """Return a number with the digits that matter: 185, 46.4, 0.83, 0.00833."""
    return f"{number:,.0f}" if number >= 99.95 else f"{number:.3g}"


def _sentence(row: tuple[str, ...]) -> str:
    name, *told = row
    return f"{name}: {' '.join(told)}."
