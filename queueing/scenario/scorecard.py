"""What a design keeps of its promises, by theory: numbers, verdict, how good they are."""

import math
from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from queueing.distributions import mixture
from queueing.scenario.availability import availability
from queueing.scenario.basis import Basis, backlog_quality, latency_quality, rate_basis
from queueing.scenario.cost import cost_lines, usd_month
from queueing.scenario.design import Design
from queueing.scenario.latency import (
    SURELY,
    Latency,
    answered,
    closed_latency,
    latency,
)
from queueing.scenario.mails import MailFlow
from queueing.scenario.plan import PRIORITIES, SLOTS, WORKERS, Plan, plan
from queueing.scenario.scenario import Scenario

Floats = NDArray[np.float64]

_P95 = 95 / 100
_RUN_PARTS = 6  # equal parts of the run's requests, for percentiles of the whole run
_SAME_RATE = 1e-7  # relative: so near the peak's rate the same answers stand


class Check(NamedTuple):
    """A clause of the contract: what was promised, what is kept, and the margin."""

    clause: str
    promised: float
    kept: float
    margin: float
    unit: str

    @property
    def passes(self) -> bool:
        """Whether the clause is kept."""
        return self.margin >= 0


class ClosedUsers(NamedTuple):
    """The peak with users who wait for each answer, and think, before they ask again."""

    users: float
    requests_per_s: float  # shed ones included
    p95_ms: float
    answered: float  # share within the deadline, all parts up


@dataclass(frozen=True, eq=False)
class Scorecard:
    """A design under a scenario's surge, judged by theory.

    Every number is computed when it is first asked for.

    >>> forge = Scenario.load("mailforge")
    >>> card = forge.evaluate(forge.design(workers=4))
    >>> card.passes, [check.clause for check in card.checks if not check.passes]
    (False, ['oldest mail'])
    """

    scenario: Scenario
    design: Design

    @property
    def passes(self) -> bool:
        """Whether every clause of the contract is kept."""
        return all(check.passes for check in self.checks)

    @cached_property
    def checks(self) -> tuple[Check, ...]:
        """The clauses of the contract, one by one."""
        promise = self.scenario.contract
        at_most = {
            "P95 latency": (promise.p95_ms, self.p95_ms, "ms"),
            "budget": (promise.budget_usd_month, self.cost, "USD a month"),
            "oldest mail": (promise.freshness_s, self.oldest_mail_s, "s"),
        }
        uptime = Check(
            "uptime", promise.uptime, self.uptime, self.uptime - promise.uptime, "share of requests"
        )
        return (
            uptime,
            *(
                Check(clause, most, kept, most - kept, unit)
                for clause, (most, kept, unit) in at_most.items()
            ),
        )

    @property
    def margins(self) -> dict[str, float]:
        """What is left of every clause, in its unit; negative where it is broken."""
        return {check.clause: check.margin for check in self.checks}

    @cached_property
    def plan(self) -> Plan:
        """What the design does."""
        return plan(self.scenario, self.design)

    def __str__(self) -> str:
        """Write it as lines for a terminal."""
        from queueing.scenario import report  # noqa: PLC0415, it is made of scorecards

        return report.text(self)

    def _repr_html_(self) -> str:
        from queueing.scenario import report  # noqa: PLC0415

        return report.markup(self)

    def to_frame(self) -> pd.DataFrame:
        """Return the clauses as a table: promised, kept, margin, unit, passes, a row a clause."""
        rows = [check._asdict() | {"passes": check.passes} for check in self.checks]
        return pd.DataFrame(rows).set_index("clause")

    # The request path

    @cached_property
    def peak(self) -> Latency:
        """The request path at the mean rate of the requests that arrive during the peak."""
        rates = self._rates[self._at_peak]
        return latency(self.plan, float(rates @ rates / rates.sum()))

    @cached_property
    def p95_ms(self) -> float:
        """95 % of the users' requests at the peak are answered within this time, milliseconds."""
        return 1000 * self.peak.p95_s

    @cached_property
    def class_p95_ms(self) -> dict[str, float]:
        """The same for each class of requests."""
        return {name: 1000 * value for name, value in self.peak.class_p95_s.items()}

    @cached_property
    def closed(self) -> ClosedUsers:
        """The peak again, for users who are as many but think and wait: the closed model.

        They ask for nothing while they wait: rate = users / (think time + mean response).

        >>> forge = Scenario.load("mailforge")
        >>> overloaded = forge.evaluate(forge.design(cache=None))
        >>> overloaded.peak.request_rate > 180 > overloaded.closed.requests_per_s
        True
        """
        traffic = self.scenario.traffic
        cycle = traffic.think_time_s + traffic.nominal_response_s
        users = self.peak.request_rate * cycle
        found = closed_latency(self.plan, users, traffic.think_time_s)
        return ClosedUsers(
            users=users,
            requests_per_s=found.rate,
            p95_ms=1000 * found.p95_s,
            answered=found.answered(self.scenario.contract.deadline_s),
        )

    @property
    def open_beside_closed(self) -> pd.DataFrame:
        """The peak for open and for closed users: requests_per_s, p95_ms, answered (share)."""
        deadline = self.scenario.contract.deadline_s
        rows = {
            "open": (self.peak.request_rate, self.p95_ms, self.peak.answered(deadline)),
            "closed": self.closed[1:],
        }
        columns = ["requests_per_s", "p95_ms", "answered"]
        return pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("users")

    @cached_property
    def p95_run_ms(self) -> float:
        """The same over all requests of the run."""
        ordered = np.sort(self._rates)
        cuts = np.searchsorted(
            np.cumsum(ordered) / ordered.sum(), np.arange(1, _RUN_PARTS) / _RUN_PARTS
        )
        peak = self.scenario.traffic.peak_rate
        shares: dict[float, float] = defaultdict(float)
        for part in np.split(ordered, cuts):
            if part.sum() > 0:
                rate = float(part @ part / part.sum())
                at_peak = math.isclose(rate, peak, rel_tol=_SAME_RATE)
                shares[peak if at_peak else rate] += part.sum() / ordered.sum()
        laws = [(share, latency(self.plan, rate).response) for rate, share in shares.items()]
        return 1000 * float(mixture(laws).ppf(_P95))

    @cached_property
    def uptime(self) -> float:
        """Share of the run's requests answered in time: availability times share answered."""
        return self.availability * self.answered

    @cached_property
    def availability(self) -> float:
        """Share of time in which the parts that requests need are up, as promised."""
        return availability(self.scenario, self.design)

    @cached_property
    def answered(self) -> float:
        """Share of the run's requests let in and answered within the deadline, all parts up."""
        return float(self._answered @ self._rates / self._rates.sum())

    # The mails

    @cached_property
    def mails(self) -> MailFlow | None:
        """The mails on their way by the workers; None where they are sent inside the request."""
        if self.plan.job is None:
            return None
        enqueued = self._rates * self.plan.mails_per_request * self.availability * self._answered
        return MailFlow(plan=self.plan, job=self.plan.job, hours=self._hours, mail_rate=enqueued)

    @property
    def worker_load(self) -> float:
        """Offered load of the workers over their threads at the peak; nan where there are none."""
        return self.plan.load(self.scenario.traffic.peak_rate).get(WORKERS, math.nan)

    @property
    def worst_backlog(self) -> float:
        """The mails that wait when the line is longest, in the mean of many runs."""
        return float(self.mails.backlog.max()) if self.mails else 0.0

    @property
    def oldest_mail_s(self) -> float:
        """The longest that a mail waits for a worker during the run, seconds."""
        return self.mails.longest_wait if self.mails else 0.0

    @property
    def acknowledged_p95_ms(self) -> float:
        """95 % of the slowest class that sends mails are told "accepted" within this time."""
        return max(self.class_p95_ms[kind.name] for kind in self.plan.classes if kind.sends_mail)

    @property
    def acknowledged_beside_delivered(self) -> pd.DataFrame:
        """When a user is told "accepted", and when the mail is there: P95 at the peak."""
        rows = {
            "acknowledged": self.acknowledged_p95_ms / 1000,
            "delivered": self.delivery_p95_s,
        } | {f"delivered, {kind}": p95 for kind, p95 in self.delivery_by_priority_p95_s.items()}
        return pd.DataFrame({"p95_s": rows}).rename_axis("mail")

    @cached_property
    def delivery_p95_s(self) -> float:
        """95 % of the delivered mails, enqueued at the peak, took at most this long, seconds.

        `inf` where every attempt fails, or where the workers never come to them.
        """
        if self.mails:
            return self.mails.delivery_p95(self._at_peak)
        failing = self.scenario.job.failure_probability == 1
        return math.inf if failing else self.acknowledged_p95_ms / 1000

    @cached_property
    def delivery_by_priority_p95_s(self) -> dict[str, float]:
        """The same for transactional and for bulk mails; empty in a design without priority."""
        if self.mails is None or not self.mails.job.urgent_share:
            return {}
        found = self.mails.delivery_p95_by_line(self._at_peak)  # one, where all are transactional
        return dict(zip(PRIORITIES, found, strict=False))

    # Money

    @property
    def paid_workers(self) -> float:
        """The workers that are paid, in the mean of the run."""
        return float(self.mails.wanted_workers.mean()) if self.mails else 0.0

    @cached_property
    def cost(self) -> float:
        """The provisioned run rate, USD a month."""
        return usd_month(self.scenario, self.design, self.paid_workers)

    @cached_property
    def cost_lines(self) -> pd.DataFrame:
        """The bill line by line, a month and, pro rata, the run alone."""
        return cost_lines(self.scenario, self.design, self.paid_workers)

    # Over time

    @cached_property
    def stations(self) -> pd.DataFrame:
        """Offered load over places of every station, by hour; at slots with the waits behind."""
        loads = pd.DataFrame(dict.fromkeys(self.plan.places, self._rates), index=self._index)
        per_rate = pd.Series(self.plan.load(1.0))
        per_rate[SLOTS] = 1 / self._capacity_per_user_request
        return loads * per_rate

    @cached_property
    def timeline(self) -> pd.DataFrame:
        """The run by hour.

        Columns: users, requests_per_s, answered (share), backlog, oldest_mail_s, workers.
        """
        none = np.zeros(self._hours.size)
        return pd.DataFrame(
            {
                "users": self.scenario.traffic.users(self._hours),
                "requests_per_s": self._rates,
                "answered": self._answered,
                "backlog": self.mails.backlog if self.mails else none,
                "oldest_mail_s": self.mails.oldest if self.mails else none,
                "workers": self.mails.workers if self.mails else none,
            },
            index=self._index,
        )

    @cached_property
    def basis(self) -> tuple[Basis, ...]:
        """Which model each number came from, and how good it is for this design."""
        slots = self.scenario.traffic.peak_rate / self._capacity_per_user_request
        return (
            Basis(
                "P95 latency",
                "slots held downstream, shortest line (queueing.slots)",
                latency_quality(slots),
            ),
            Basis(
                "uptime",
                "parts in series, k of n servers, share answered",
                "promised availabilities, not measured ones",
            ),
            Basis("cost", "price list and mean rates", "exact for these prices"),
            Basis(
                "backlog, oldest mail",
                "fluid of attempts and M/G/c (Allen-Cunneen)",
                backlog_quality(self.worker_load, self.design),
            ),
            Basis(
                "delivery P95",
                "attempts, waits and pauses convolved",
                "all workers up; duplicates left out",
            ),
            *rate_basis(self.scenario.traffic),
        )

    @cached_property
    def _hours(self) -> Floats:
        return self.scenario.traffic.grid_h

    @cached_property
    def _index(self) -> "pd.Index[float]":
        return pd.Index(self._hours, name="hour")

    @cached_property
    def _rates(self) -> Floats:
        return self.scenario.traffic.request_rate(self._hours)

    @cached_property
    def _at_peak(self) -> NDArray[np.bool_]:
        return self.scenario.peak_on(self._hours)

    @cached_property
    def _capacity_per_user_request(self) -> float:
        """Users' requests per second that the slots can complete, besides their web-hooks."""
        return self.peak.request_rate / self.peak.network.slot_load

    @cached_property
    def _answered(self) -> Floats:
        """Share answered within the deadline at each hour, with all parts up."""
        deadline, peak = self.scenario.contract.deadline_s, self.scenario.traffic.peak_rate
        if latency(self.plan, peak).answered(deadline) > SURELY:
            return np.ones(self._hours.size)
        return answered(self.plan, self._rates, deadline)
