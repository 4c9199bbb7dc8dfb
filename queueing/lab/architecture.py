"""The architecture drawn from a design: its parts, how full each is, what flows where."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, TypeVar

from queueing.lab import words
from queueing.lab.palette import BLUE, GREY, INK, SYMBOLS, VERMILLION, verdict_colour
from queueing.lab.paper import Paper
from queueing.scenario.plan import CPU, DATABASE, SINK, SLOTS, STREAM, WORKERS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from queueing.scenario import Scorecard

    Ax = TypeVar("Ax", Axes, Paper)

SIZE = (760.0, 300.0)
_WIDE, _HIGH = 122.0, 68.0  # of a box
_ACROSS, _DOWN, _TOP = 159.0, 101.0, 16.0  # from one box to the next; above the first
_CAUSES = (CPU, DATABASE, WORKERS, SINK, STREAM)  # slots only wait for these
_SCALE = 1.25  # loads that a bar can show
_UNDER = 56.0  # pixels down a box, below its words
_HEAD = 5.0  # half the width of an arrow's head


@dataclass(frozen=True)
class Box:
    """A part on the drawing: where it stands, what it is called, what was bought, how full it is.

    `load` is None for what never fills, `bought` false for what could be there and is not.
    """

    column: int
    row: int
    name: str
    text: str
    load: float | None = None
    bought: bool = True
    note: str = ""  # beside the load
    causes: str = ""  # the station that its load is of

    @property
    def left(self) -> float:
        """Its left edge, pixels."""
        return 1 + self.column * _ACROSS

    @property
    def top(self) -> float:
        """Its upper edge, pixels."""
        return _TOP + self.row * _DOWN

    @property
    def middle(self) -> tuple[float, float]:
        """Its middle, pixels."""
        return self.left + _WIDE / 2, self.top + _HIGH / 2


def loads(card: Scorecard) -> dict[str, float]:
    """Return how full every part is at the peak, the shards of a stream too; 1 is full."""
    found = {str(name): float(load) for name, load in card.stations.max().items()}
    room, events = card.plan.stream_records_per_s, card.plan.events_per_request
    if room:
        found[STREAM] = card.scenario.traffic.peak_rate * events / room
    return found


def fullest(card: Scorecard) -> tuple[str, float]:
    """Return the station that is the fullest at the peak, and its load: the bottleneck."""
    found = {name: load for name, load in loads(card).items() if name in _CAUSES}
    name = max(found, key=lambda station: found[station])
    return name, found[name]


def boxes(card: Scorecard) -> dict[str, Box]:
    """Return what is drawn of a design, by the components' names in the catalogue."""
    made, catalogue, full = card.design, card.scenario.catalogue, loads(card)
    server, worker, sink = (
        catalogue.the(name).variant for name in ("server", "worker", "analytics")
    )
    traffic = card.scenario.traffic
    return {
        "users": Box(
            0, 0, "Users", f"{words.count(float(traffic.users(traffic.peak_h)))} at the peak"
        ),
        "lb": Box(
            1,
            0,
            "Load balancer",
            "hands requests on" if made.load_balancer else "none: one server alone",
            bought=made.load_balancer,
        ),
        "server": Box(
            2,
            0,
            "Servers",
            f"{made.servers} × {server}",
            full[SLOTS],
            note=f"CPU {full[CPU]:.2f}",
            causes=CPU,
        ),
        "redis": Box(3, 0, "Redis", made.cache or "none: no cache", bought=bool(made.cache)),
        "postgres": Box(4, 0, "Postgres", made.database, full[DATABASE], causes=DATABASE),
        "queue": Box(
            2, 1, "Queue", made.queue or "none: sends inside the request", bought=bool(made.queue)
        ),
        "worker": Box(
            3,
            1,
            "Workers",
            f"{_workers(card)} × {worker}" if made.workers else "none",
            full.get(WORKERS),
            bought=made.workers > 0,
            causes=WORKERS,
        ),
        "mailboxes": Box(
            4,
            1,
            "Receivers",
            f"{card.scenario.tracking.events_per_mail:g} events come back for a mail",
        ),
        "stream": Box(
            3,
            2,
            "Stream",
            words.many(made.shards, "shard") if made.shards else "none",
            full.get(STREAM),
            bought=made.shards > 0,
            causes=STREAM,
        ),
        "analytics": Box(
            2,
            2,
            "Analytics",
            f"{made.sinks} × {sink}" if made.sinks else "none: no sink",
            full.get(SINK),
            bought=made.sinks > 0,
            causes=SINK,
        ),
    }


def architecture(ax: Ax, card: Scorecard) -> Ax:
    """Draw the parts of a design, what flows between them, their loads and the bottleneck."""
    width, height = SIZE
    ax.set_xlim(0, width)
    ax.set_ylim(height, 0)
    ax.set_axis_off()
    drawn = boxes(card)
    tight, load = fullest(card)
    limit = card.scenario.rules.station_limit
    for path in _flows(card, drawn):
        _arrow(ax, path)
    for box in drawn.values():
        _box(ax, box, limit, tight=box.causes == tight)
    title, lines = _headline(card, tight, load)
    ax.text(0, drawn["queue"].top + 14, title, fontsize=13, fontweight="bold")
    y = drawn["queue"].top + 34
    for line in (line for text in lines for line in textwrap.wrap(text, 42)):
        ax.text(0, y, line, fontsize=12)
        y += 17
    ax.barh(height - 34, 30, 6, 0, color=GREY, alpha=0.5)
    ax.text(38, height - 30, "load at the peak; the mark is 1, full", fontsize=11, alpha=0.72)
    ax.set_label(_told(card, drawn, tight))
    return ax


def paper(card: Scorecard) -> Paper:
    """Return the drawing on a paper of its size."""
    bare = Paper(*SIZE, left=0, right=0, top=0, bottom=0)
    return architecture(bare, card)


NAMES = {
    CPU: "the servers' CPUs",
    DATABASE: "Postgres",
    WORKERS: "the workers",
    SINK: "the sink",
    STREAM: "the stream",
}
_WITHOUT = {  # what becomes of the work of a part that is not there
    "redis": "no cache: every question goes to Postgres",
    "queue": "no queue: mails are sent while the user waits",
    "telemetry": "no stream, no sink: events come back to the servers",
}


def _workers(card: Scorecard) -> str:
    made = card.design
    most = made.maximum_workers
    return f"{made.workers} to {most}" if most else str(made.workers)


def _headline(card: Scorecard, tight: str, load: float) -> tuple[str, list[str]]:
    """Return the bottleneck in a line, and what follows from the parts that are not there."""
    made = card.design
    there = {
        "redis": bool(made.cache),
        "queue": bool(made.queue),
        "telemetry": bool(made.shards or made.sinks),
    }
    kept = load <= card.scenario.rules.station_limit
    room = (
        f"{100 * (1 / load - 1):.0f} % more users would fill it"
        if load < 1
        else f"{100 * (load - 1):.0f} % more is asked than it can do"
    )
    missing = [text for part, text in _WITHOUT.items() if not there[part]]
    return f"Bottleneck: {NAMES[tight]} at {load:.2f} {SYMBOLS[kept]}", [room, *missing]


def _flows(card: Scorecard, drawn: dict[str, Box]) -> list[list[tuple[float, float]]]:
    """Return the ways of requests, jobs and events from box to box, as corners."""
    made = card.design
    ways = [
        *_along([drawn[name] for name in ("users", "lb", "server")]),
        *_along([drawn[name] for name in ("server", "redis", "postgres")]),
    ]
    if made.queue:
        x = drawn["queue"].middle[0]
        ways.append([(x, drawn["server"].top + _HIGH), (x, drawn["queue"].top)])
        ways += _along([drawn[name] for name in ("queue", "worker", "mailboxes")])
    else:
        x, y = drawn["server"].left + _WIDE + 12, drawn["server"].top + _UNDER
        down = drawn["mailboxes"].top + _UNDER
        ways.append([(x - 12, y), (x, y), (x, down), (drawn["mailboxes"].left, down)])
    return [*ways, *_events(card, drawn)]


def _events(card: Scorecard, drawn: dict[str, Box]) -> list[list[tuple[float, float]]]:
    """Return the way of the events that mails bring back."""
    made, stream, sink = card.design, drawn["stream"], drawn["analytics"]
    x, start = drawn["mailboxes"].middle[0], drawn["mailboxes"].top + _HIGH
    first = stream if made.shards else sink
    if first.bought:
        y = first.middle[1] if made.shards else first.top + _UNDER
        ways = [[(x, start), (x, y), (first.left + _WIDE, y)]]
        if made.shards and made.sinks:
            ways.append([(stream.left, y), (sink.left + _WIDE, y)])
        elif made.shards:
            top = drawn["worker"].top + _HIGH
            ways.append([(stream.middle[0], stream.top), (stream.middle[0], top)])
        return ways
    server = drawn["server"]
    floor, edge, side = stream.top + _HIGH + 9, server.left - 16, server.top + _HIGH - 10
    return [[(x, start), (x, floor), (edge, floor), (edge, side), (server.left, side)]]


def _along(row: Sequence[Box]) -> list[list[tuple[float, float]]]:
    """Return the ways along boxes from left to right; a way passes under the words of a gap."""
    there = [box for box in row if box.bought]
    ways = []
    for one, other in pairwise(there):
        gap = row.index(other) - row.index(one) > 1
        y = one.top + _UNDER if gap else one.middle[1]
        ways.append([(one.left + _WIDE, y), (other.left, y)])
    return ways


def _arrow(ax: Ax, corners: Sequence[tuple[float, float]]) -> None:
    """Draw a line through its corners with a head at its end."""
    (before_x, before_y), (x, y) = corners[-2:]
    across, down = _sign(x - before_x), _sign(y - before_y)
    short = [*corners[:-1], (x - 6 * across, y - 6 * down)]
    ax.plot(
        [corner[0] for corner in short],
        [corner[1] for corner in short],
        color=GREY,
        linewidth=1.6,
    )
    if across:
        back = sorted((x - 9 * across, x))
        for side in (-_HEAD, _HEAD):
            edge = [y, y + side] if across < 0 else [y + side, y]
            ax.fill_between(back, edge, y, color=GREY)
    else:
        base = y - 9 * down
        ax.fill_between([x - _HEAD, x, x + _HEAD], [base, y, base], base, color=GREY)


def _sign(value: float) -> int:
    return (value > 0) - (value < 0)


def _box(ax: Ax, box: Box, limit: float, *, tight: bool) -> None:
    """Draw a box: name, what was bought, its load as a number and a bar."""
    left, top = box.left, box.top
    right, bottom = left + _WIDE, top + _HIGH
    faint = 1.0 if box.bought else 0.5
    crowded = tight and box.load is not None and _shown(box) > limit
    outline = VERMILLION if crowded else BLUE if tight else INK
    x, y = [left, right, right, left, left], [top, top, bottom, bottom, top]
    if box.bought:
        ax.fill_between(
            [left, right], [bottom, bottom], top, color=outline if tight else GREY, alpha=0.08
        )
    ax.plot(
        x,
        y,
        color=outline,
        linewidth=2.4 if tight else 1.2,
        linestyle="-" if box.bought else ":",
        alpha=1.0 if tight else 0.6 if box.bought else 0.5,
    )
    if tight:
        ax.text(left, top - 5, "▾ bottleneck", fontsize=11, fontweight="bold")
    ax.text(left + 8, top + 17, box.name, fontsize=12.5, fontweight="bold", alpha=faint)
    for number, line in enumerate(textwrap.wrap(box.text, 18, break_on_hyphens=False)[:2]):
        place = top + 32 + 13 * number
        ax.text(left + 8, place, line, fontsize=11, alpha=0.8 * faint)
    if box.load is not None:
        _load(ax, box, limit)


def _shown(box: Box) -> float:
    return box.load or 0.0


def _load(ax: Ax, box: Box, limit: float) -> None:
    left, right, y = box.left + 8, box.left + _WIDE - 8, box.top + _HIGH - 9
    load, scale = _shown(box), (_WIDE - 16) / _SCALE
    kept = load <= limit
    number = f"{load:.2f}" if load < 10 else f"{load:.1f}"
    told = number if kept else f"{SYMBOLS[False]} {number}"
    colour = verdict_colour(kept=kept)
    ax.text(right + 4, box.top + 17, told, ha="right", fontsize=11, fontweight="bold")
    if box.note:
        ax.text(left, y - 7, box.note, fontsize=11, alpha=0.8)
    ax.barh(y, right - left, 5, left, color=GREY, alpha=0.2)
    ax.barh(y, min(load * scale, right - left), 5, left, color=colour)
    ax.plot([left + scale, left + scale], [y - 4, y + 4], color=INK, linewidth=1.2)


def _told(card: Scorecard, drawn: dict[str, Box], tight: str) -> str:
    parts = []
    for box in drawn.values():
        full = "" if box.load is None else f", load {box.load:.2f}"
        parts.append(f"{box.name}: {box.text}{full}")
    title, lines = _headline(card, tight, loads(card)[tight])
    return f"{title}. {'; '.join(lines)}. {'; '.join(parts)}."
