"""How many servers keep P95 within its promise? The board of the fifth lesson."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from queueing.lab import words
from queueing.lab.boards import Board
from queueing.lab.controls import Number, Switch
from queueing.lab.journey import NEAR, P95, Journey, Journeys, crowded
from queueing.lab.palette import BLUE, GREEN, GREY, PURPLE, SYMBOLS, VERMILLION, verdict_colour
from queueing.lab.paper import Paper
from queueing.lab.picture import Picture
from queueing.lab.pooling import milliseconds, ticks_across
from queueing.scenario.plan import CPU, DATABASE, SLOTS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from queueing.scenario import Scenario

    Ax = TypeVar("Ax", Axes, Paper)

MOST = 20  # servers that the board looks at
_SIZE = (410, 428)  # pixels of the column of numbers
_MANY_USERS = 2.5  # times those of the scenario's peak
_HIGHEST = (0.1, 0.2, 0.4)  # late share at the top of that figure
_ROOM = 0.11  # of its height, between two labels
_COLOURS = {
    "processor": GREEN,
    "database": BLUE,
    "sending": PURPLE,
    "LB, cache": GREY,
    "waiting": VERMILLION,
}
_BUSY = {SLOTS: "slots", CPU: "processors", DATABASE: "database"}
_BAR = (86, 184)  # pixels: where the bars of busy places begin, and how long they are
_CLASSES = {"left": 58, "right": 84, "top": 26}  # pixels around the bars of the classes


def path_board(scenario: Scenario) -> Board:
    """Return the board of a request's way: where its time goes, and how many servers keep P95."""
    base, catalogue = scenario.base, scenario.catalogue
    databases = catalogue["postgres"]
    larger = max(databases, key=lambda name: databases[name].slots)
    cache = base.cache or next(iter(catalogue["redis"]))
    queue = base.queue or next(iter(catalogue["queue"]))
    workers = max(base.workers, 1)
    made: dict[tuple[int, int, bool, bool], Journeys] = {}

    def draw(*, servers: int, hits: int, users: int, large: bool, queued: bool) -> Picture:
        key = hits, users, large, queued
        if key not in made:
            design = scenario.design(
                cache=cache,
                hit_ratio=hits / 100,
                database=larger if large else base.database,
                queue=queue if queued else None,
                workers=workers if queued else 0,
            )
            made[key] = Journeys(crowded(scenario, users), design, MOST)
        return path_picture(made[key], servers)

    most = round(float(scenario.traffic.users(scenario.traffic.peak_h)))
    return Board(
        [
            Number("servers", "Servers", start=base.servers, low=1, high=MOST, unit="machines"),
            Number(
                "hits",
                "Cache hits",
                start=_usual_hits(scenario),
                low=0,
                high=100,
                unit="% of the lookups",
            ),
            Number(
                "users",
                "Users",
                start=most,
                low=most // 20,
                high=round(_MANY_USERS * most),
                unit="at the peak",
            ),
            Switch("large", "Larger database", start=base.database == larger),
            Switch("queued", "Send by queue", start=base.queue is not None),
        ],
        draw,
    )


def path_picture(journeys: Journeys, servers: int) -> Picture:
    """Return the busy places and the fewest servers, the classes' times, and who is late."""
    width, height = _SIZE
    bare = Paper(width, height, left=0, right=0, top=0, bottom=0)
    right = [
        by_class(Paper(430, 232, **_CLASSES), journeys[servers]),
        late_by_servers(Paper(430, 196, right=104), journeys, servers),
    ]
    return Picture([[numbers(bare, journeys, servers)], right])


def numbers(ax: Ax, journeys: Journeys, servers: int) -> Ax:
    """Write P95 and its verdict, who is busy, the fewest servers, and the classes that break it."""
    width, height = _SIZE
    journey = journeys[servers]
    promise = milliseconds(journey.promise)
    ax.set_xlim(0, width)
    ax.set_ylim(height, 0)
    ax.set_axis_off()
    colour = verdict_colour(kept=journey.keeps)
    ax.text(0, 19, SYMBOLS[journey.keeps], fontsize=18, fontweight="bold", color=colour)
    ax.text(24, 19, _headline(journey), fontsize=17, fontweight="bold")
    bill = f"{words.many(servers, 'server')}, {journey.cost:,.2f} USD a month in all"
    ax.text(0, 41, f"promised are {promise}; {bill}", fontsize=12, alpha=0.72)
    ax.text(0, 74, "Busy in the mean", fontsize=13, fontweight="600")
    for row, (name, (busy, places)) in enumerate(journey.busy.items()):
        y, share = 98 + 25 * row, busy / places
        ax.text(0, y, _BUSY[name], fontsize=13)
        ax.barh(y - 5, _BAR[1], 14, _BAR[0], color=GREY, alpha=0.2)
        ax.barh(y - 5, share * _BAR[1], 14, _BAR[0], color=BLUE if name == SLOTS else GREY)
        told = f"{busy:.1f} of {places}: {100 * share:.0f} %"
        ax.text(_BAR[0] + _BAR[1] + 10, y, told, fontsize=13)
    held = f"{journey.rate:.0f} requests a second, each holds its slot {_held(journey)}"
    ax.text(0, 174, held, fontsize=13)
    ax.plot([0, width], [190, 190], linewidth=1, alpha=0.2)
    ax.text(0, 216, f"The fewest servers with P95 within {promise}", fontsize=13, fontweight="600")
    first, *more = _solved(journeys)
    ax.text(0, 244, first, fontsize=17, fontweight="bold")
    for line, told in enumerate(more):
        ax.text(0, 267 + 18 * line, told, fontsize=13)
    ax.plot([0, width], [306, 306], linewidth=1, alpha=0.2)
    for line, told in enumerate(_classes(journey)):
        ax.text(0, 330 + 18 * line, told, fontsize=13)
    for line, told in enumerate(_note(journey)):
        ax.text(0, 386 + 16 * line, told, fontsize=11, alpha=0.72)
    ax.set_label(f"{_headline(journey)}. {_finding(journeys, journey)}")
    return ax


def by_class(ax: Ax, journey: Journey) -> Ax:
    """Draw where the time of each class goes in the mean, and its P95 against the promise."""
    limits = {**journey.card.peak.class_p95_s, "all": journey.card.peak.p95_s}
    rows = {**journey.parts, "all": journey.mean_parts}
    longest = 1.04 * 1000 * max(journey.promise, *limits.values())
    pixel = longest / (430 - _CLASSES["left"] - _CLASSES["right"])
    ax.set_xlim(0, longest)
    ax.set_ylim(len(rows) - 0.4, -1.6)
    ticks_across(ax, longest, "ms")
    ax.set_title("Mean time by part (bars) and P95 (marks)")
    for number, (part, colour) in enumerate(_COLOURS.items()):
        x = (88 * number - _CLASSES["left"]) * pixel
        ax.text(x, -1.26, "■", va="center", fontsize=13, color=colour)
        ax.text(x + 14 * pixel, -1.26, part, va="center", fontsize=12)
    edge, promise = longest + _CLASSES["right"] * pixel, 1000 * journey.promise
    ax.plot([promise, promise], [-0.5, len(rows) - 0.4], linestyle="--", linewidth=1.2)
    ax.text(promise, -0.66, f"{promise:g}", ha="center", va="center", fontsize=11, alpha=0.72)
    ax.text(edge, -0.66, "P95", ha="right", va="center", fontsize=11, alpha=0.72)
    for row, (name, parts) in enumerate(rows.items()):
        left, weight = 0.0, "600" if name == "all" else "normal"
        ax.text(-8 * pixel, row, name, ha="right", va="center", fontsize=13, fontweight=weight)
        for part, colour in _COLOURS.items():
            length = 1000 * parts[part]
            ax.barh(row, max(length - pixel, 0), 0.62, left, color=colour, alpha=0.75)
            left += length
        p95 = 1000 * limits[name]
        ax.plot([p95, p95], [row - 0.36, row + 0.36], linewidth=2.6)
        kept = p95 <= promise
        told = f"{SYMBOLS[kept]} {milliseconds(limits[name])}"
        colour = verdict_colour(kept=kept)
        ax.text(
            edge, row, told, ha="right", va="center", fontsize=13, fontweight="600", color=colour
        )
    told = "; ".join(
        f"{name} {milliseconds(sum(parts.values()))} in the mean, most of it "
        f"{max(parts, key=lambda part: parts[part])}, P95 {milliseconds(limits[name])}"
        for name, parts in rows.items()
    )
    ax.set_label(f"Where the time goes: {told}.")
    return ax


def late_by_servers(ax: Ax, journeys: Journeys, now: int) -> Ax:
    """Draw the share of the requests that are late by number of servers, and where it must end."""
    least: int = journeys.least
    bare, counts = journeys.bare_late, _counts(journeys, now)
    edge = min(max(10, now + 1, *counts, least), journeys.most) + 0.5
    promise, top = milliseconds(journeys[now].promise), _top(journeys, counts)
    ax.set_xlim(0, edge)
    ax.set_ylim(0, top)
    step = 1 if edge < 12 else 2
    ticks = list(range(step, int(edge) + 1, step))
    ax.set_xticks(ticks, [str(tick) for tick in ticks])
    marks = [top * part / 4 for part in range(5)]
    ax.set_yticks(marks, [f"{100 * mark:g} %" for mark in marks])
    ax.set_title(f"Share later than {promise}, by number of servers")
    ax.axvspan(now - 0.5, now + 0.5, color=GREY, alpha=0.16, linewidth=0)
    ax.text(now, top, "now", ha="center", va="top", fontsize=11, alpha=0.72)
    ax.axhline(1 - P95, linestyle="--", alpha=0.8)
    ax.axhline(bare, linestyle=":", color=BLUE, linewidth=1.6)
    below = bare <= 1 - P95
    apart = _ROOM * top
    place = min(bare, 1 - P95 - apart) if below else max(bare, 1 - P95 + apart)
    right = 1.015 * edge
    ax.text(right, 1 - P95, f"{100 * (1 - P95):.0f} % allowed", va="center", fontsize=12)
    ax.text(right, place, f"no waits: {share(bare)}", va="center", fontsize=12)
    told = []
    for servers in counts:
        late = journeys[servers].late_share
        told.append(f"{words.many(servers, 'server')} {share(late)}")
        kept = journeys[servers].keeps
        mark, height = ("●" if kept else "○", late) if late <= top else ("▲", 0.9 * top)
        ax.text(servers, height, mark, ha="center", va="center", fontsize=13, color=BLUE)
    if least > 1:
        few = "too few" if least <= journeys.most else f"more than {journeys.most} are needed"
        middle = (min(least, edge) - 0.5) / 2 if least <= journeys.most else edge / 2
        ax.text(middle, 0.8 * top, few, ha="center", fontsize=12, alpha=0.72)
    found = f"Later than {promise}: {words.listed(told)}" if told else "No number keeps up"
    ax.set_label(f"{found}; if nobody waited, {share(bare)}.")
    return ax


def share(part: float) -> str:
    """Return a share in words: 3.2 %, 27 %.

    >>> share(0.0316), share(0.268), share(0.0)
    ('3.2 %', '27 %', '0 %')
    """
    value = 100 * part
    return f"{value:.0f} %" if value >= 9.95 or value < 0.005 else f"{value:.2g} %"


def _usual_hits(scenario: Scenario) -> int:
    """Return the hit ratio, per cent, of the class whose misses give the database most to do."""
    cached = [kind for kind in scenario.classes.values() if kind.cache_hit_ratio is not None]
    if not cached:
        return 0
    heaviest = max(
        cached,
        key=lambda kind: (
            kind.share
            * (1 - (kind.cache_hit_ratio or 0))
            * sum(visit.mean_ms * visit.visits for visit in kind.database.values())
        ),
    )
    return round(100 * (heaviest.cache_hit_ratio or 0))


def _counts(journeys: Journeys, now: int) -> list[int]:
    """Return the numbers of servers to draw: none where all are too few."""
    least, most = journeys.least, journeys.most
    counts = {*range(least, min(least + NEAR, most) + 1), max(now, least)}
    return sorted(count for count in counts if count <= most)


def _top(journeys: Journeys, counts: list[int]) -> float:
    """Return a height for the late shares that leaves room for what many servers end with."""
    ends = [journeys[count].late_share for count in counts[-1:]]
    highest = 1.25 * max(journeys.bare_late, 1 - P95, *ends)
    return next((top for top in _HIGHEST if top >= highest), _HIGHEST[-1])


def _headline(journey: Journey) -> str:
    turned_away = journey.card.peak.network.shed_probability
    if turned_away >= 0.005:
        return f"Too much: {share(turned_away)} are turned away"
    return f"95 % are answered within {milliseconds(journey.card.peak.p95_s)}"


def _held(journey: Journey) -> str:
    return milliseconds(journey.held)


def _solved(journeys: Journeys) -> tuple[str, ...]:
    fewest, least = journeys.fewest, journeys.least
    if fewest is not None:
        journey = journeys[fewest]
        fewer = (
            f"With one fewer {share(journeys[fewest - 1].late_share)} are late."
            if fewest > least
            else "With one fewer they would not keep up."
        )
        bill = f"{journey.cost:,.2f} USD a month in all."
        return words.many(fewest, "server"), bill, "" if fewest == 1 else fewer
    if journeys.never:
        bare = milliseconds(float(journeys[1].bare.ppf(P95)))
        return (
            "no number of servers",
            f"If nobody ever waited, P95 would still be {bare}:",
            "the work inside the request takes that long.",
        )
    busy, places = journeys[journeys.most].busy[DATABASE]
    if busy / places > journeys[journeys.most].busy[CPU][0] / journeys[journeys.most].busy[CPU][1]:
        return (
            f"{journeys.most} are not enough",
            f"The database is busy {100 * busy / places:.0f} % of the time, and all",
            "wait for it: more servers do not help.",
        )
    return f"{journeys.most} are not enough", "So many users need more servers than that."


def _classes(journey: Journey) -> tuple[str, ...]:
    promise, late = milliseconds(journey.promise), journey.late_classes
    if not late:
        return (f"Every class keeps {promise} by itself.",)
    if len(late) == len(journey.late):
        return (f"Asked alone, no class keeps {promise} either.",)
    told = [f"{name} {milliseconds(p95)}" for name, p95 in late.items()]
    return (f"Asked alone, {_do(len(late))} not keep {promise}:", f"{words.listed(told)}.")


def _do(number: int) -> str:
    return "one class does" if number == 1 else f"{number} classes do"


def _note(journey: Journey) -> tuple[str, ...]:
    quality = next(b.quality for b in journey.card.basis if b.number == "P95 latency")
    return (
        f"Theory, an approximation: {quality.rpartition(', ')[2]}.",
        "One hit ratio for all lookups. Uptime and mails are not looked at here.",
    )


def _finding(journeys: Journeys, journey: Journey) -> str:
    busy = words.listed(
        [f"{_BUSY[name]} {busy:.1f} of {places}" for name, (busy, places) in journey.busy.items()]
    )
    solved = " ".join(_solved(journeys)).strip()
    return (
        f"P95 is {milliseconds(journey.card.peak.p95_s)}, promised are "
        f"{milliseconds(journey.promise)}. Busy in the mean: {busy}. A request holds its slot "
        f"{_held(journey)}. The fewest servers that keep the promise: {solved} "
        f"{' '.join(_classes(journey))}"
    )
