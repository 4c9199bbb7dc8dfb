"""Tables for a notebook: what was promised, and what can be bought."""

import html
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from queueing.lab import words
from queueing.scenario import Scenario

_NAMES = {
    "server": "Server",
    "lb": "Load balancer",
    "postgres": "Postgres",
    "redis": "Redis",
    "queue": "Queue",
    "worker": "Worker",
    "stream": "Stream",
    "analytics": "Sink",
}


@dataclass(frozen=True)
class Table:
    """Rows to read: shown whole, however long its sentences are. The first column names the row."""

    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str | int]]

    def to_frame(self) -> pd.DataFrame:
        """Return the table as data."""
        return pd.DataFrame(self.rows, columns=list(self.columns)).set_index(self.columns[0])

    def _repr_html_(self) -> str:
        head = "".join(f'<th scope="col" {_LEFT}>{_safe(name)}</th>' for name in self.columns)
        body = "".join(
            f'<tr><th scope="row" {_LEFT}>{_safe(name)}</th>'
            + "".join(f"<td {_LEFT}>{_safe(cell)}</td>" for cell in cells)
            + "</tr>"
            for name, *cells in self.rows
        )
        caption = (
            f'<caption style="text-align:left;font-weight:600">{_safe(self.caption)}</caption>'
        )
        body = body.replace(" ± ", "\u00a0±\u00a0")  # a number stays beside its interval
        return f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"

    @property
    def spaced(self) -> str:
        """The table as HTML for a widget, where no style of the page parts the columns."""
        return self._repr_html_().replace(
            "text-align:left", "text-align:left;padding:1px 16px 1px 0"
        )

    def __repr__(self) -> str:
        """Say it row by row."""
        lines = [f"{name}: {', '.join(map(str, cells))}" for name, *cells in self.rows]
        return "\n".join([self.caption, *(textwrap.shorten(line, 200) for line in lines)])


_LEFT = 'style="text-align:left"'


def contract_table(scenario: Scenario) -> Table:
    """Return the clauses of the contract and what each means."""
    promise = scenario.contract
    rows = [
        (
            "Uptime",
            f"at least {100 * promise.uptime:g} %",
            f"of all requests are answered, within {words.duration(promise.deadline_s)}",
        ),
        (
            "P95 latency",
            f"at most {promise.p95_ms:g} ms",
            "95 of 100 requests at the peak are answered within this time",
        ),
        ("Budget", f"at most {promise.budget_usd_month:g} USD", "a month, for everything together"),
        (
            "Oldest mail",
            f"at most {words.duration(promise.freshness_s)}",
            "is the longest that a mail waits for a worker",
        ),
    ]
    return Table(f"What {scenario.title} promises", ("clause", "promise", "meaning"), rows)


def component_table(scenario: Scenario) -> Table:
    """Return the components: what each does, and how many of it the scenario's own design has."""
    base, catalogue = scenario.base, scenario.catalogue
    chosen = {"postgres": base.database, "redis": base.cache, "queue": base.queue}
    number = {
        "server": base.servers,
        "lb": int(base.load_balancer),
        "worker": base.workers,
        "stream": base.shards,
        "analytics": base.sinks,
    }
    rows = []
    for component in catalogue:
        variants = catalogue[component]
        part = variants[chosen.get(component) or next(iter(variants))]
        there = number.get(component, int(chosen.get(component) is not None))
        rows.append((_NAMES.get(component, component), part.role, there))
    return Table("What can be bought", ("component", "what it does", "in our design"), rows)


def _safe(cell: str | int) -> str:
    return html.escape(str(cell))
