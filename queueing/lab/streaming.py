"""Who is eating the database? The board and the figures of the ninth lesson."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import numpy as np

from queueing.lab import words
from queueing.lab.boards import Board
from queueing.lab.controls import Number
from queueing.lab.palette import BLUE, PURPLE, SYMBOLS, VERMILLION, verdict_colour
from queueing.lab.paper import Paper
from queueing.lab.picture import Picture
from queueing.lab.streamed import MOST_EVENTS, Streams, fewest, noisier
from queueing.lab.streaming_lanes import LANES, WAYS, lanes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes

    from queueing.lab.streamed import Flow
    from queueing.scenario import Scenario

    Ax = TypeVar("Ax", Axes, Paper)

_SIZE = (410, 400)  # pixels of the column of numbers
_ASIDE = 72  # pixels at the right for the labels of a curve


def stream_board(scenario: Scenario) -> Board:
    """Return the board of telemetry: what it fills, and the noisiest that the promise can stand."""
    streams, base = Streams(scenario), scenario.base

    def draw(*, events: int, shards: int, sinks: int, workers: int) -> Picture:
        return stream_picture(
            streams, streams.flow(events, shards=shards, sinks=sinks, workers=workers)
        )

    threads, digesting = (scenario.catalogue.the(part).slots for part in ("worker", "analytics"))
    start = min(round(scenario.tracking.events_per_mail), MOST_EVENTS)
    return Board(
        [
            Number("events", "Events", start=start, low=0, high=MOST_EVENTS, unit="a mail"),
            Number("shards", "Shards", start=base.shards, low=0, high=4, unit="of the stream"),
            Number(
                "sinks",
                "Sinks",
                start=base.sinks,
                low=0,
                high=4,
                unit=f"machines of {digesting} threads",
            ),
            Number(
                "workers",
                "Workers",
                start=max(base.workers, 1),
                low=1,
                high=12,
                unit=f"machines of {threads} threads",
            ),
        ],
        draw,
    )


def stream_picture(streams: Streams, flow: Flow) -> Picture:
    """Return the verdict on a flow, the way of the events beside the users', and the two curves."""
    width, height = _SIZE
    bare = Paper(width, height, left=0, right=0, top=0, bottom=0)
    right = [
        lanes(Paper(*LANES, left=0, right=0, top=0, bottom=0), streams, flow),
        felt(Paper(430, 194, right=_ASIDE), streams, flow),
    ]
    return Picture([[numbers(bare, streams, flow)], right])


def numbers(ax: Ax, streams: Streams, flow: Flow) -> Ax:
    """Write what a flow keeps and costs, and the noisiest telemetry, isolated and shared."""
    width, height = _SIZE
    ax.set_xlim(0, width)
    ax.set_ylim(height, 0)
    ax.set_axis_off()
    contract, broken = streams.scenario.contract, streams.broken(flow)
    headline = _headline(broken)
    ax.text(
        0,
        19,
        SYMBOLS[not broken],
        fontsize=18,
        fontweight="bold",
        color=verdict_colour(kept=not broken),
    )
    ax.text(24, 19, headline, fontsize=17, fontweight="bold")
    rate = f"{words.count(flow.events)} events a second, {WAYS[flow.route]}"
    ax.text(0, 40, rate, fontsize=12, alpha=0.72)
    fullest = flow.bottleneck
    latency = SYMBOLS[flow.p95_ms <= contract.p95_ms]
    fresh = SYMBOLS[flow.oldest_mail_s <= contract.freshness_s]
    budget = SYMBOLS[flow.cost <= contract.budget_usd_month]
    rows = (
        ("P95 of the users", f"{latency} {flow.p95_ms:,.0f} ms"),
        ("oldest mail", f"{fresh} {_age(flow.oldest_mail_s)}"),
        (f"the fullest: {fullest.name}", f"{'✗ ' if fullest.full else ''}{fullest.load:.2f}"),
        ("cost", f"{budget} {flow.cost:,.2f} USD a month"),
    )
    for number, (name, told) in enumerate(rows):
        y = 78 + 32 * number
        ax.plot([0, width], [y - 20, y - 20], linewidth=1, alpha=0.2)
        ax.text(0, y, name, fontsize=13)
        ax.text(width, y, told, ha="right", fontsize=15, fontweight="600")
    title = "The noisiest telemetry that the promise can stand"
    ax.text(0, 218, title, fontsize=13, fontweight="600")
    solved = _solved(streams, flow)
    for number, (most, where) in enumerate(solved):
        y = 245 + 45 * number
        ax.text(0, y, most, fontsize=17, fontweight="bold")
        ax.text(0, y + 18, where, fontsize=13)
    ax.text(0, 332, _least(streams, flow), fontsize=13)
    note = (
        "Theory, as if the peak lasted for ever. What cannot keep up passes on",
        "what it can do, and the rest waits before it.",
    )
    for line, told in enumerate(note):
        ax.text(0, 364 + 16 * line, told, fontsize=11, alpha=0.72)
    ax.set_label(
        f"{headline}: {rate}, P95 {flow.p95_ms:,.0f} ms, oldest mail "
        f"{_age(flow.oldest_mail_s)}, {flow.cost:,.2f} USD a month. {title}: "
        f"{'; '.join(' '.join(pair) for pair in solved)}. {_least(streams, flow)}"
    )
    return ax


def felt(ax: Ax, streams: Streams, flow: Flow) -> Ax:
    """Draw the users' P95 against the events of a mail, isolated and shared."""
    promise = streams.scenario.contract.p95_ms
    events, p95_ms, _ = streams.curve
    top = 2 * promise
    ax.set_xlim(0, MOST_EVENTS)
    ax.set_ylim(0, top)
    ticks = range(0, MOST_EVENTS + 1, 5)
    labels: list[str] = [f"{tick}" for tick in ticks]
    ax.set_xticks(list(ticks), [*labels[:-1], f"{labels[-1]} events"])
    heights = [part * promise for part in (0, 0.5, 1, 1.5, 2)]
    ax.set_yticks(heights, [f"{height:g}" for height in heights])
    ax.set_title("The users' P95 in ms, by the events of a mail")
    ax.axhline(promise, linestyle="--", linewidth=1.2, alpha=0.8)
    ax.text(1.035 * MOST_EVENTS, 1.03 * promise, "promised", va="center", fontsize=12)
    over = np.flatnonzero(p95_ms >= top)
    last = int(over[0]) + 1 if over.size else events.size
    x = np.linspace(0, float(events[last - 1]), 80)
    y = np.interp(x, events, p95_ms)
    ax.plot(x[y <= top], y[y <= top], color=VERMILLION, linestyle="--", linewidth=2.2)
    ax.text(float(x[-1]) + 0.4, 0.9 * top, "shared", fontsize=12, va="center")
    least, limit = float(p95_ms[0]), streams.noisiest(**_apart(streams, flow)) or 0
    ax.plot([0, limit], [least, least], color=BLUE, linewidth=2.2)
    name = min(least, promise * 0.89) - 0.03 * promise
    ax.text(1.035 * MOST_EVENTS, name, "isolated", va="center", fontsize=12)
    if limit < MOST_EVENTS:
        ax.plot([limit, MOST_EVENTS], [least, least], color=BLUE, linestyle=":", linewidth=2.2)
        ax.text(limit, least, "✗", ha="center", va="center", fontsize=14)
        told = f"✗ {_excess(streams, flow)}"
        left = limit < 0.6 * MOST_EVENTS
        place = max(limit, 1) if left else MOST_EVENTS
        ax.text(place, 0.66 * least, told, ha="left" if left else "right", fontsize=12)
    now = flow.events_per_mail
    ax.plot([now, now], [0, min(flow.p95_ms, top)], linestyle=":", linewidth=1.2, alpha=0.8)
    here = min(flow.p95_ms, top)
    ax.text(now, here, "●", ha="center", va="center", fontsize=15, color=PURPLE)
    steps = [f"{value:,.0f} ms with {number:g}" for number, value in _some(events, p95_ms, top)]
    ax.set_label(
        f"The users' P95 by the events of a mail: {least:,.0f} ms with any number kept away from "
        f"them; at their servers and database {words.listed(steps)}."
    )
    return ax


def _headline(broken: tuple[str, ...]) -> str:
    if not broken:
        return "Keeps the promise"
    if len(broken) > 2:
        return f"Breaks the promise in {len(broken)} points"
    return f"Breaks the promise: {words.listed(list(broken))}"


def _apart(streams: Streams, flow: Flow) -> dict[str, int]:
    """Return a flow's stream and sinks; where it has none, those of the scenario."""
    design, base = flow.design, streams.scenario.base
    if flow.route != "servers":
        return {"shards": design.shards, "sinks": design.sinks, "workers": design.workers}
    return {
        "shards": max(base.shards, 1),
        "sinks": max(base.sinks, 1),
        "workers": design.workers,
    }


def _solved(streams: Streams, flow: Flow) -> list[tuple[str, str]]:
    """Return the noisiest telemetry away from the users and at their servers, and what limits."""
    apart = _apart(streams, flow)
    shared = {"shards": 0, "sinks": 0, "workers": flow.design.workers}
    found = []
    for name, where, design in (
        ("isolated", _parts(apart), apart),
        ("shared", "at the users' servers and database", shared),
    ):
        most = streams.noisiest(**design)
        if most is None:
            found.append((f"{name}: none", f"{where}: {_beyond(streams, design, 0)}"))
        elif most == MOST_EVENTS:
            found.append((f"{name}: {most} events a mail or more", where))
        else:
            told = f"{where}; with more {_beyond(streams, design, most + 1)}"
            found.append((f"{name}: {words.many(most, 'event')} a mail", told))
    return found


def _parts(apart: Mapping[str, int]) -> str:
    bought = [words.many(apart[name], name[:-1]) for name in ("shards", "sinks") if apart[name]]
    return f"with {' and '.join(bought)}" + ("" if apart["sinks"] else ", read by the workers")


def _age(seconds: float) -> str:
    return "under a second" if seconds < 1 else words.duration(seconds)


def _excess(streams: Streams, flow: Flow) -> str:
    apart = _apart(streams, flow)
    most = streams.noisiest(**apart)
    return _beyond(streams, apart, 0 if most is None else most + 1)


def _beyond(streams: Streams, design: Mapping[str, int], events: int) -> str:
    """Return what breaks first with so many events of a mail."""
    flow = streams.flow(events, **design)
    broken = streams.broken(flow)
    if "events" in broken:
        return f"the {flow.behind[0].name} fall{'s' * (flow.behind[0].name == 'stream')} behind"
    return _REASONS[broken[0]]


_REASONS = {
    "P95": "P95 breaks",
    "uptime": "uptime breaks",
    "oldest mail": "mails grow old",
}


def _least(streams: Streams, flow: Flow) -> str:
    """Return the fewest shards and sinks that keep up with a flow's events."""
    if not flow.events_per_mail:
        return "No events: neither shards nor sinks are needed."
    shards, sinks = fewest(noisier(streams.scenario, flow.events_per_mail))
    needed = f"{words.many(shards, 'shard')} and {words.many(sinks, 'sink')}"
    return f"{words.many(flow.events_per_mail, 'event')} a mail take at least {needed}."


def _some(
    events: np.ndarray[tuple[int], np.dtype[np.float64]],
    p95_ms: np.ndarray[tuple[int], np.dtype[np.float64]],
    top: float,
) -> list[tuple[float, float]]:
    """Return a few points of the curve to tell, up to the top of the figure."""
    whole = [
        (float(number), float(value))
        for number, value in zip(events, p95_ms, strict=True)
        if number == round(number) and value <= top
    ]
    return whole[:: max(len(whole) // 3, 1)][1:]
