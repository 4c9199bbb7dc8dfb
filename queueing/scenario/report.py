"""A scorecard for people and for programs: text, HTML, plain data."""

import html
import math
from numbers import Integral, Real
from typing import Any

import numpy as np
import pandas as pd

from queueing.scenario.beside import beside
from queueing.scenario.design import FIELDS, Design
from queueing.scenario.scorecard import Check, Scorecard
from queueing.scenario.surge import COUNTED, Surge

_SHOWN = {  # how a clause's number is written: factor, format, unit
    "uptime": (100, "{:.3f}", "%"),
    "P95 latency": (1, "{:.1f}", "ms"),
    "budget": (1, "{:.2f}", "USD a month"),
    "oldest mail": (1, "{:,.0f}", "s"),
}


def text(card: Scorecard) -> str:
    """Return the scorecard as lines a person can read in a terminal."""
    lines = [f"{card.scenario.title}: {card.design.describe()}", ""]
    rows = [("", "promised", "kept", "margin", ""), *(_row(check) for check in card.checks)]
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    for row in rows:
        cells = [
            row[0].ljust(widths[0]),
            *(cell.rjust(width) for cell, width in zip(row[1:4], widths[1:4], strict=True)),
        ]
        lines.append("  ".join([*cells, row[4]]).rstrip())
    lines += ["", verdict(card), "", *_details(card), "", "How good these numbers are:"]
    lines += [f"  {basis.number}: {basis.model}; {basis.quality}" for basis in card.basis]
    return "\n".join(lines)


def markup(card: Scorecard) -> str:
    """Return the clauses and the verdict as an HTML table, and what a contract leaves out."""
    head = "".join(
        f"<th scope='col'>{name}</th>"
        for name in ("clause", "promised", "kept", "margin", "verdict")
    )
    body = "".join(
        "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in _row(check)) + "</tr>"
        for check in card.checks
    )
    caption = html.escape(f"{card.design.describe()}: {verdict(card)}")
    table = f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody>"
    besides = "".join(f"<p>{html.escape(told)}</p>" for told in (mails(card), users(card)))
    return f"<table><caption>{caption}</caption>{table}</table>{besides}"


def mails(card: Scorecard) -> str:
    """Say when a user is told "accepted", and when the mail is delivered."""
    if card.mails is None:
        return (
            f"Mails: sent inside the request, 95 % acknowledged, and delivered, within "
            f"{_duration(card.acknowledged_p95_ms)}"
        )
    kinds = "".join(
        f", {name} {_within(p95)}" for name, p95 in card.delivery_by_priority_p95_s.items()
    )
    return (
        f"Mails: 95 % acknowledged within {_duration(card.acknowledged_p95_ms)}, "
        f"delivered {_within(card.delivery_p95_s)}{kinds}; "
        f"most waiting {card.worst_backlog:,.0f}"
    )


def users(card: Scorecard) -> str:
    """Say what users do who wait for an answer before they ask again, beside those who do not."""
    closed = card.closed
    return (
        f"Closed users (as many, but they wait for an answer before they think and ask again): "
        f"{closed.requests_per_s:,.1f} requests/s at the peak, P95 {_duration(closed.p95_ms)}, "
        f"{_share(closed.answered)} answered in time; open users ask for "
        f"{card.peak.request_rate:,.1f} requests/s however slow the answers are"
    )


def _duration(milliseconds: float) -> str:
    if milliseconds < 1000:
        return f"{milliseconds:.0f} ms"
    return f"{milliseconds / 1000:,.1f} s"


def _within(seconds: float) -> str:
    return f"within {_duration(1000 * seconds)}" if math.isfinite(seconds) else "never"


def _share(share: float) -> str:
    """Write a share in per cent, and never a whole 100 for less."""
    return "100 %" if share > 1 - 1e-6 else f"{min(100 * share, 99.99):.2f} %"


def data(card: Scorecard) -> dict[str, Any]:
    """Return the scorecard as data for `json.dumps`; null where there is no number."""
    numbers = {
        "p95_ms": card.p95_ms,
        "uptime": card.uptime,
        "cost": card.cost,
        "oldest_mail_s": card.oldest_mail_s,
        "worst_backlog": card.worst_backlog,
        "delivery_p95_s": card.delivery_p95_s,
        "p95_run_ms": card.p95_run_ms,
        "worker_load": card.worker_load,
        "acknowledged_p95_ms": card.acknowledged_p95_ms,
    }
    return {
        "scenario": card.scenario.title,
        "design": design_data(card.design),
        "passes": card.passes,
        **{name: _plain(number) for name, number in numbers.items()},
        "delivery_by_priority_p95_s": {
            name: _plain(number) for name, number in card.delivery_by_priority_p95_s.items()
        },
        "class_p95_ms": {name: _plain(number) for name, number in card.class_p95_ms.items()},
        "closed": {name: _plain(number) for name, number in card.closed._asdict().items()},
        "open_rate": _plain(card.peak.request_rate),
        "checks": plain_records(card.to_frame()),
        "cost_lines": plain_records(card.cost_lines.set_index("component")),
        "station_load_at_peak": {name: _plain(load) for name, load in card.stations.max().items()},
        "basis": [basis._asdict() for basis in card.basis],
    }


def surge_text(card: Scorecard, surge: Surge) -> str:
    """Return a simulation's estimates beside the theory, as lines for a terminal."""
    n = len(surge.runs)
    lines = [
        f"{surge.scenario.title}: {surge.design.describe()}",
        f"{n} runs of {surge.scenario.traffic.horizon_h:g} hours, seed {surge.seed}"
        + (", stopped early" if surge.stopped_early else ""),
        "",
    ]
    with pd.option_context("display.width", 200, "display.max_colwidth", 100):
        table = beside(card, surge) if n > 1 else surge.to_frame()
        lines.append(table.to_string(float_format=lambda number: f"{number:,.5g}"))
    counts = ", ".join(f"{name} {surge.count(name).mean:,.0f}" for name in COUNTED)
    share = surge.passes
    outcome = "PASSES" if surge.keeps_contract else "FAILS"
    return "\n".join(
        [
            *lines,
            "",
            f"In the mean of a run: {counts}",
            f"Runs that keep the whole contract: {share.mean:.0%} of {n}",
            "",
            f"{outcome} the contract in the mean of the runs",
        ]
    )


def surge_data(surge: Surge) -> dict[str, Any]:
    """Return a simulation's estimates as data for `json.dumps`."""
    return {
        "scenario": surge.scenario.title,
        "design": design_data(surge.design),
        "seed": surge.seed,
        "stopped_early": surge.stopped_early,
        "passes": surge.keeps_contract,
        "estimates": plain_records(surge.to_frame()),
        "counts": {name: _plain(surge.count(name).mean) for name in COUNTED},
    }


def design_data(design: Design) -> dict[str, Any]:
    """Return a design as data for `json.dumps`."""
    return {name: getattr(design, name) for name in FIELDS}


def plain_records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return a table's rows with its index for `json.dumps`; null where there is no number."""
    rows = table.reset_index().to_dict("records")
    return [{str(key): _plain_value(value) for key, value in row.items()} for row in rows]


def verdict(card: Scorecard) -> str:
    """Return the verdict in a sentence."""
    broken = [check.clause for check in card.checks if not check.passes]
    return f"FAILS the contract: {', '.join(broken)}" if broken else "PASSES the contract"


def _row(check: Check) -> tuple[str, str, str, str, str]:
    factor, form, unit = _SHOWN[check.clause]
    promised, kept, margin = (
        _number(form, factor * value) for value in (check.promised, check.kept, abs(check.margin))
    )
    sign = "+" if check.passes else "-"
    bound = "at least" if check.clause == "uptime" else "at most"
    return (
        check.clause,
        f"{bound} {promised} {unit}",
        f"{kept} {unit}",
        f"{sign}{margin}",
        "kept" if check.passes else "BROKEN",
    )


def _number(form: str, value: float) -> str:
    return form.format(value) if math.isfinite(value) else str(value)


def _details(card: Scorecard) -> list[str]:
    """Return what stands behind the clauses: classes, stations, mails, the bill."""
    classes = ", ".join(f"{name} {value:.0f}" for name, value in card.class_p95_ms.items())
    loads = ", ".join(f"{name} {load:.2f}" for name, load in card.stations.max().items())
    bill = [
        f"  {line.usd_month:8.2f}  {line.component}: {line.what}"
        for line in card.cost_lines.itertuples()
    ]
    return [
        f"P95 by class at the peak, ms: {classes}; over the whole run: {card.p95_run_ms:.0f}",
        f"Load at the peak (1 is full): {loads}",
        mails(card),
        users(card),
        "The bill, USD a month:",
        *bill,
    ]


def _plain_value(value: Any) -> Any:
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, Integral):
        return int(value)
    return _plain(float(value)) if isinstance(value, Real) else value


def _plain(number: float) -> float | None:
    return float(number) if math.isfinite(number) else None
