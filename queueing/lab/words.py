"""Numbers and findings in words: what a picture says, for the eye, the ear and the printer."""

import math

from queueing.scenario import Design, Scorecard
from queueing.scenario.plan import CPU, DATABASE, SLOTS, WORKERS
from queueing.scenario.scorecard import Check
from queueing.scenario.wording import count, duration, listed, many

__all__ = [
    "STATIONS",
    "bottleneck",
    "count",
    "design",
    "duration",
    "finding",
    "kept",
    "listed",
    "loads",
    "mails",
    "many",
    "margin",
    "promised",
    "runs",
    "used",
    "verdict",
]

STATIONS = {
    SLOTS: "the servers' slots",
    CPU: "the servers' CPUs",
    DATABASE: "the database",
    WORKERS: "the workers",
}
_WHOLE = 0.9995  # share of requests answered from which nobody misses any


def promised(check: Check) -> str:
    """Return what the contract says: ≤ 140 ms."""
    if check.clause == "uptime":
        return f"≥ {100 * check.promised:g} %"
    return f"≤ {_amount(check, check.promised)}"


def kept(check: Check) -> str:
    """Return what the design keeps: 114 ms."""
    return f"{100 * check.kept:.2f} %" if check.clause == "uptime" else _amount(check, check.kept)


def margin(check: Check) -> str:
    """Return what is left of a promise, or what is lacking: 26 ms to spare, 32 min over."""
    if check.clause == "uptime":
        points = f"{100 * abs(check.margin):.2f} points"
        return f"{points} to spare" if check.passes else f"{points} short"
    return f"{_amount(check, abs(check.margin))} {'to spare' if check.passes else 'over'}"


def used(check: Check) -> float:
    """Return the share of the allowance that is used: of time, money, age, downtime; 1 is all."""
    if check.clause != "uptime":
        return check.kept / check.promised
    down, allowed = 1 - check.kept, 1 - check.promised
    if allowed:
        return down / allowed
    return math.inf if down else 0.0


def design(made: Design) -> str:
    """Return what a student chose, in a line: 4 servers, 5 workers, cache, stream and sink."""
    parts = {"cache": made.cache, "stream": made.shards, "sink": made.sinks}
    there = listed([name if bought else f"no {name}" for name, bought in parts.items()])
    return f"{many(made.servers, 'server')}, {many(made.workers, 'worker')}, {there}"


def verdict(card: Scorecard) -> str:
    """Return the verdict in a line."""
    broken = [check.clause for check in card.checks if not check.passes]
    if not broken:
        return "Keeps the contract"
    if len(broken) > 2:
        return f"Breaks {len(broken)} of the contract's {len(card.checks)} clauses"
    return f"Breaks the contract: {listed(broken)}"


def finding(card: Scorecard) -> str:
    """Return what the scorecard comes to, in sentences that name the evidence."""
    broken = [check for check in card.checks if not check.passes]
    if not broken:
        return (
            f"Every clause is kept: 95 % of the answers within {card.p95_ms:.0f} ms, uptime "
            f"{100 * card.uptime:.2f} %, {card.cost:,.0f} USD a month, and no mail waits longer "
            f"than {duration(card.oldest_mail_s)}."
        )
    told = [_REASONS[check.clause](card, check) for check in broken]
    if [check.clause for check in broken] == ["oldest mail"]:
        told.insert(0, "Every number of the API is kept.")
    return " ".join(told)


def mails(card: Scorecard) -> str:
    """Return what becomes of the mails."""
    if card.mails is None:
        return "Mails are sent inside the request: nothing waits in a queue."
    load, worst = float(card.mails.load.max()), card.timeline["backlog"].idxmax()
    if load < 1:
        return (
            f"The workers run at {load:.2f}: no backlog builds up, and no mail waits "
            f"longer than {duration(card.oldest_mail_s)}."
        )
    return (
        f"The workers run at {load:.2f}: the backlog peaks at "
        f"{count(card.worst_backlog)} mails at hour {worst:.0f}, and the oldest mail waits "
        f"{duration(card.oldest_mail_s)}."
    )


def loads(card: Scorecard) -> str:
    """Return how full the stations are at the peak."""
    told = ", ".join(f"{name} {load:.2f}" for name, load in card.stations.max().items())
    return f"Load at the peak (1 is full): {told}."


def runs(name: str) -> str:
    """Return the verb for a station: the database runs, the workers run."""
    return "runs" if name == STATIONS[DATABASE] else "run"


def bottleneck(card: Scorecard) -> tuple[str, float]:
    """Return what the slots wait for: the fullest part of the request path, and its load."""
    peaks = card.stations.max()
    name = max((CPU, DATABASE), key=lambda station: float(peaks[station]))
    return STATIONS[name], float(peaks[name])


def _latency_reason(card: Scorecard, check: Check) -> str:
    name, load = bottleneck(card)
    slots = float(card.stations[SLOTS].max())
    full = ", saturated" if slots >= 1 else ""
    return (
        f"P95 is {_amount(check, check.kept)}: {name} {runs(name)} at {load:.2f}, "
        f"the slots held meanwhile at {slots:.2f}{full}."
    )


def _uptime_reason(card: Scorecard, _check: Check) -> str:
    if card.answered < _WHOLE:
        return f"Only {100 * card.answered:.1f} % of the requests are answered in time."
    share = f"{100 * card.availability:.2f} %"
    return f"The parts allow an uptime of {share}: too few of them can be spared."


def _budget_reason(_card: Scorecard, check: Check) -> str:
    return (
        f"It costs {_amount(check, check.kept)} a month, {_amount(check, -check.margin)} too much."
    )


def _mail_reason(card: Scorecard, _check: Check) -> str:
    return mails(card)


_REASONS = {
    "P95 latency": _latency_reason,
    "uptime": _uptime_reason,
    "budget": _budget_reason,
    "oldest mail": _mail_reason,
}


def _amount(check: Check, value: float) -> str:
    if check.clause == "oldest mail":
        return duration(value, short=True)
    unit = check.unit.removesuffix(" a month")
    return f"{value:,.0f} {unit}" if math.isfinite(value) else "without end"
