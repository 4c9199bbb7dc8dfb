"""The post-mortem: what a scorecard or a run teaches, in sentences that carry their evidence.

Blame falls on nobody: each sentence names a mechanism, the numbers that show it and a way out. What
broke the contract comes first, then the risks that the contract does not see, and for a design that
passes what nearly broke.
"""

import html
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, overload

import pandas as pd

from queueing.scenario.design import Design
from queueing.scenario.mistakes import mails, parts, requests
from queueing.scenario.mistakes.case import BUDGET, OLDEST, P95, UPTIME, Case, Finding
from queueing.scenario.plan import WORKERS
from queueing.scenario.scenario import Scenario
from queueing.scenario.scorecard import Scorecard
from queueing.scenario.surge import Surge
from queueing.scenario.wording import count, duration, listed, many

_MANY = 10  # times, from which a growth is no longer told in per cent
_TIGHT = 0.05  # growth up to which a part that is not yet full has no room

Rule = Callable[[Case], Iterator[Finding]]


def a_mean_is_not_a_run(case: Case) -> Iterator[Finding]:
    """Find runs with outages where the parts' promises keep the uptime."""
    promised = case.promised[UPTIME]
    if case.surge is None or case.card.uptime < promised:
        return
    runs = case.surge.runs
    keep = sum(run.uptime >= promised for run in runs)
    least = min(run.uptime for run in runs)
    if keep == len(runs):
        return
    yield Finding(
        rule="a mean is not a run",
        lesson="A mean that passes is not a run that passes: look at the spread.",
        sentence=(
            f"By theory uptime is {100 * case.card.uptime:.2f} %, yet only {keep} of "
            f"{many(len(runs), 'run')} kept the {100 * promised:g} % that are promised: a run has "
            f"an outage or has none. The least uptime was {100 * least:.2f} %."
        ),
        evidence={
            "uptime": case.card.uptime,
            "runs": len(runs),
            "runs_that_pass": keep,
            "least_uptime": least,
        },
        remedy="Promise what most runs keep, or buy a margin for the others.",
        broken=UPTIME in case.broken,
    )


def least_margin(case: Case) -> Iterator[Finding]:
    """Say of a design that passes what nearly broke."""
    if case.broken:
        return
    used = {clause: _used(case, clause) for clause in case.kept}
    closest = max(used, key=lambda clause: used[clause])
    fullest = max(case.loads, key=lambda name: case.loads[name])
    load = case.loads[fullest]
    growth = 1 / load - 1 if load else math.inf
    more = f"{100 * growth:.0f} % more" if growth < _MANY else f"{count(1 + growth)} times the"
    room = (
        f"the fullest part is {_PARTS.get(fullest, fullest)} at {load:.2f}, and "
        f"{more} users would fill it."
        if 0 <= growth < math.inf
        else f"the fullest part is {_PARTS.get(fullest, fullest)} at {load:.2f}."
    )
    yield Finding(
        rule="least margin",
        lesson="A promise that is kept is kept by a margin: know the least.",
        sentence=(
            f"Every clause is kept. Closest was the {closest}: {_amount(closest, case)}; {room}"
        ),
        evidence={
            "used": used[closest],
            "margin": case.margins[closest],
            "load": load,
            "growth_to_full": growth,
        },
        remedy=(
            "Nothing has to be done; watch these two."
            if growth > _TIGHT
            else f"Kept for so many users: add to {_PARTS.get(fullest, fullest)} before more come."
        ),
        broken=False,
        hour=case.peak_hour,
    )


RULES: tuple[Rule, ...] = (
    mails.invisible_failure,
    requests.sending_inside_the_request,
    requests.telemetry_in_the_database,
    requests.no_cache,
    requests.servers_short,
    requests.database_short,
    mails.workers_short,
    mails.workers_without_a_spare,
    mails.workers_too_late,
    mails.retry_storm,
    parts.stream_without_readers,
    parts.no_load_balancer,
    parts.no_spare,
    parts.single_point,
    parts.parts_in_series,
    parts.over_budget,
    requests.bottleneck,
    a_mean_is_not_a_run,
    mails.one_line_for_all_mails,
    requests.metastable_without_the_cache,
    parts.stream_full,
    parts.sink_short,
    parts.sink_without_a_stream,
    mails.retries_without_backoff,
    mails.dead_letters,
    mails.visibility_timeout,
    least_margin,
)


@dataclass(frozen=True, eq=False)
class Postmortem(Sequence[Finding]):
    """The findings of a case, what broke the contract first.

    >>> forge = Scenario.load("mailforge")
    >>> told = forge.postmortem(forge.evaluate(forge.design(servers=3)))
    >>> told[0].rule, told[0].instead == forge.design(servers=4)
    ('no spare', True)
    """

    title: str
    design: Design
    verdict: str
    basis: str
    findings: tuple[Finding, ...]

    @overload
    def __getitem__(self, index: int) -> Finding: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Finding, ...]: ...
    def __getitem__(self, index: int | slice) -> Finding | tuple[Finding, ...]:
        """Return a finding, or some."""
        return self.findings[index]

    def __len__(self) -> int:
        """Return how many findings there are."""
        return len(self.findings)

    def text(self) -> str:
        """Return the post-mortem as lines for a terminal."""
        lines = [f"{self.title}: {self.design.describe()}", self.verdict, self.basis]
        for number, finding in enumerate(self.findings, start=1):
            lines += ["", f"{number}. {_heading(finding)}", f"   {finding.sentence}"]
            lines += [f"   -> {finding.remedy}", f"   Lesson: {finding.lesson}"]
        return "\n".join(lines)

    def markup(self) -> str:
        """Return the post-mortem as HTML: a list, a finding an item."""
        items = "".join(
            f"<li><strong>{html.escape(_heading(finding))}</strong>"
            f"<p>{html.escape(finding.sentence)}</p><p>{html.escape(finding.remedy)}</p>"
            f"<p><em>{html.escape(finding.lesson)}</em></p></li>"
            for finding in self.findings
        )
        head = html.escape(f"{self.title}: {self.design.describe()}")
        return (
            f"<section><h3>{head}</h3><p>{html.escape(self.verdict)}</p>"
            f"<p>{html.escape(self.basis)}</p><ol>{items}</ol></section>"
        )

    def data(self) -> list[dict[str, Any]]:
        """Return the findings as data for `json.dumps`; null where there is no number."""
        return [
            {
                "rule": finding.rule,
                "broken": finding.broken,
                "hour": finding.hour,
                "sentence": finding.sentence,
                "evidence": {name: _plain(value) for name, value in finding.evidence.items()},
                "remedy": finding.remedy,
                "lesson": finding.lesson,
                "instead": finding.instead.describe() if finding.instead else None,
            }
            for finding in self.findings
        ]

    def to_frame(self) -> pd.DataFrame:
        """Return the findings as a table, a row a finding."""
        columns = ["rule", "broken", "hour", "sentence", "remedy", "lesson"]
        return pd.DataFrame(self.data(), columns=columns).set_index("rule")

    def __str__(self) -> str:
        """Return the lines for a terminal."""
        return self.text()

    def _repr_html_(self) -> str:
        return self.markup()


def postmortem(scenario: Scenario, judged: Scorecard | Surge) -> Postmortem:
    """Return what a scorecard or a run teaches.

    After a run its means are judged; loads, and what would be if, are theory's. Raises `ValueError`
    for what was judged by another scenario.
    """
    if not isinstance(judged, Scorecard | Surge):
        raise ValueError(f"a post-mortem is of a Scorecard or a Surge, got {judged!r}")  # noqa: TRY004, as everywhere
    if judged.scenario is not scenario and judged.scenario != scenario:
        raise ValueError(
            f"judged by another scenario ({judged.scenario.title!r}) than this one "
            f"({scenario.title!r})"
        )
    if isinstance(judged, Surge):
        case = Case(scenario.evaluate(judged.design), judged)
        basis = f"Measured in the mean of {many(len(judged.runs), 'run')}; loads by theory."
    else:
        case, basis = Case(judged), "By theory."
    found = [finding for rule in RULES for finding in rule(case)]
    return Postmortem(
        title=scenario.title,
        design=judged.design,
        verdict=_verdict(case),
        basis=basis,
        findings=tuple(sorted(found, key=lambda finding: not finding.broken)),
    )


_PARTS = {
    "slots": "the servers' slots",
    "cpu": "the servers' CPUs",
    "database": "the database",
    WORKERS: "the workers",
    "sink": "the sink",
}


def _verdict(case: Case) -> str:
    if not case.broken:
        return "Keeps the contract."
    return f"Breaks the contract: {listed([name for name in case.kept if name in case.broken])}."


def _heading(finding: Finding) -> str:
    when = "" if finding.hour is None else f", hour {finding.hour:.0f}"
    kind = "broke the contract" if finding.broken else "a risk"
    kind = "what nearly broke" if finding.rule == "least margin" else kind
    return f"{finding.rule.capitalize()} ({kind}{when})"


def _used(case: Case, clause: str) -> float:
    """Return the share of an allowance that is used: of time, money, age, downtime."""
    kept, promised = case.kept[clause], case.promised[clause]
    if clause != UPTIME:
        return kept / promised
    return (1 - kept) / (1 - promised) if promised < 1 else 1.0


def _amount(clause: str, case: Case) -> str:
    """Say what is left of a clause."""
    left, kept = case.margins[clause], case.kept[clause]
    told = {
        UPTIME: f"{100 * kept:.2f} %, {100 * left:.2f} points to spare",
        P95: f"{kept:,.0f} ms, {left:,.0f} ms to spare",
        BUDGET: f"{kept:,.2f} USD a month, {left:,.2f} to spare",
        OLDEST: f"{duration(kept)}, {duration(left)} to spare",
    }
    return told[clause]


def _plain(number: float) -> float | None:
    return float(number) if math.isfinite(number) else None
