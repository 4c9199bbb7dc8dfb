"""A case to be looked into: a scorecard, perhaps a run of the same design, and what would be if."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from queueing.scenario.availability import servers_needed
from queueing.scenario.design import MOST, Design
from queueing.scenario.plan import SINK, WORKERS, Plan, plan
from queueing.scenario.scenario import Scenario
from queueing.scenario.scorecard import Scorecard
from queueing.scenario.surge import Surge
from queueing.scenario.traffic import Curve

UPTIME, P95, BUDGET, OLDEST = "uptime", "P95 latency", "budget", "oldest mail"
_MOST = 64  # machines of a kind that a remedy looks through


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What happened, or may: a sentence, the numbers in it, and a way out.

    `broken` tells a cause of a broken clause from a risk that the contract does not see. `hour` is
    when it is worst, None where every hour is alike. `instead` is the design of the remedy, None
    where no change of the design helps.
    """

    rule: str
    lesson: str
    sentence: str
    evidence: Mapping[str, float]
    remedy: str
    broken: bool
    hour: float | None = None
    instead: Design | None = None

    def __str__(self) -> str:
        """Return sentence and remedy."""
        return f"{self.sentence} {self.remedy}"


@dataclass(frozen=True, eq=False)
class Case:
    """What the rules ask: measured numbers from the runs where there are some, else by theory."""

    card: Scorecard
    surge: Surge | None = None
    _asked: dict[Design, Scorecard] = field(default_factory=dict, repr=False)

    @property
    def scenario(self) -> Scenario:
        """The scenario that both are of."""
        return self.card.scenario

    @property
    def design(self) -> Design:
        """The design that both are of."""
        return self.card.design

    @property
    def traffic(self) -> Curve:
        """How many users come, and when."""
        return self.scenario.traffic

    @property
    def plan(self) -> Plan:
        """What the design does."""
        return self.card.plan

    @cached_property
    def kept(self) -> dict[str, float]:
        """What is kept of each clause."""
        if self.surge is None:
            return {check.clause: check.kept for check in self.card.checks}
        surge = self.surge
        measured = (surge.uptime, surge.p95_ms, surge.cost, surge.oldest_mail_s)
        clauses = (UPTIME, P95, BUDGET, OLDEST)
        return {name: one.mean for name, one in zip(clauses, measured, strict=True)}

    @cached_property
    def promised(self) -> dict[str, float]:
        """What was promised of each clause."""
        return {check.clause: check.promised for check in self.card.checks}

    @cached_property
    def margins(self) -> dict[str, float]:
        """What is left of each clause, in its unit; negative where it is broken."""
        left = {name: self.promised[name] - self.kept[name] for name in self.promised}
        return left | {UPTIME: -left[UPTIME]}

    @cached_property
    def broken(self) -> set[str]:
        """The clauses that are broken; no latency at all, where nobody came, breaks none."""
        return {clause for clause, margin in self.margins.items() if margin < 0}

    @property
    def delivery_p95_s(self) -> float:
        """95 % of the delivered mails took at most this long, seconds."""
        return self.surge.delivery_p95_s.mean if self.surge else self.card.delivery_p95_s

    @property
    def acknowledged_p95_ms(self) -> float:
        """95 % of the requests that send a mail are answered within this time, milliseconds."""
        if self.surge is None:
            return self.card.acknowledged_p95_ms
        by_class = self.surge.class_p95_ms
        return max(by_class[kind.name].mean for kind in self.plan.classes if kind.sends_mail)

    @property
    def worst_backlog(self) -> float:
        """The most mails that wait at any time."""
        return self.surge.worst_backlog.mean if self.surge else self.card.worst_backlog

    @cached_property
    def backlog_hour(self) -> float:
        """When the most mails wait."""
        backlog = (
            self.surge.timeline[("backlog", "mean")] if self.surge else self.card.timeline.backlog
        )
        return float(backlog.idxmax())  # type: ignore[arg-type]

    @cached_property
    def late_from_hour(self) -> float | None:
        """When the oldest mail first is older than promised; None if it never is."""
        rows = self.surge.timeline if self.surge else self.card.timeline
        oldest = rows[("oldest_mail_s", "mean")] if self.surge else rows["oldest_mail_s"]
        late = oldest.index[oldest > self.promised[OLDEST]]
        return float(late[0]) if late.size else None

    @cached_property
    def loads(self) -> dict[str, float]:
        """Offered load over places of every station at the peak, by theory, all workers there."""
        loads = {str(name): float(load) for name, load in self.card.stations.max().items()}
        if WORKERS in loads:
            loads[WORKERS] = self.erlangs / self.threads
        return loads

    @property
    def erlangs(self) -> float:
        """Threads of workers that are asked for at once at the peak; 0 without a queue."""
        return self.plan.work.get(WORKERS, 0.0) * self.traffic.peak_rate

    @property
    def most_workers(self) -> int:
        """The workers that there are at most."""
        return self.design.maximum_workers or self.design.workers

    @property
    def threads(self) -> int:
        """The threads of as many."""
        return self.scenario.catalogue.the("worker").slots * self.most_workers

    @cached_property
    def peak_hour(self) -> float:
        """When most users are there."""
        return self.traffic.peak_h

    @cached_property
    def servers_needed(self) -> int | None:
        """The fewest servers that carry the peak; None where all of them do not."""
        return servers_needed(self.scenario, self.design)

    # What would be if

    def changed(self, **changes: Any) -> Design:
        """Return the design with changes."""
        return replace(self.design, **changes)

    def what_if(self, design: Design) -> Scorecard:
        """Return what theory says of another design."""
        if design not in self._asked:
            self._asked[design] = self.scenario.evaluate(design)
        return self._asked[design]

    def price(self, design: Design) -> str:
        """Say what another design costs more, or less: 30.37 USD a month more."""
        more = self.what_if(design).cost - self.card.cost
        counts = ("servers", "workers", "shards", "sinks")
        most = any(getattr(design, name) == MOST > getattr(self.design, name) for name in counts)
        return (
            f"{abs(more):,.2f} USD a month {'more' if more >= 0 else 'less'}"
            f"{', and as many as a design may have' if most else ''}"
        )

    def fewest(
        self, name: str, low: int, high: int, fits: Callable[[Scorecard], bool], **changes: Any
    ) -> Design | None:
        """Return the design with the fewest of a part from `low` to `high` that fits, if any does.

        Takes it that more of a part never hurts.
        """
        if not fits(self.what_if(self.changed(**{name: high}, **changes))):
            return None
        while low < high:
            middle = (low + high) // 2
            if fits(self.what_if(self.changed(**{name: middle}, **changes))):
                high = middle
            else:
                low = middle + 1
        return self.changed(**{name: high}, **changes)

    def with_servers_enough(self, *clauses: str, **changes: Any) -> Design | None:
        """Return the design with the fewest servers, more than now, that keep these clauses."""

        def fits(card: Scorecard) -> bool:
            return all(card.margins[clause] >= 0 for clause in clauses)

        few, found = self.design.servers, None
        while found is None and few < _MOST:
            low, few = few + 1, min(2 * few, _MOST)
            found = self.fewest("servers", low, few, fits, **changes)
        return found

    def with_workers_enough(self, **changes: Any) -> Design:
        """Return the design with the fewest workers below the station limit at the peak."""
        enough = self._enough(WORKERS, workers=1, maximum_workers=None, **changes)
        return self.changed(workers=enough, maximum_workers=None, **changes)

    def with_own_readers(self, **changes: Any) -> Design:
        """Return the design with shards and sinks for all events."""
        sinks = self._enough(SINK, sinks=1, **changes)
        return self.changed(shards=self.shards_needed, sinks=sinks, **changes)

    @property
    def sinks_needed(self) -> int:
        """The fewest sinks below the station limit at the peak, or as many as there may be."""
        return self._enough(SINK, sinks=1)

    @property
    def events_per_s(self) -> float:
        """Tracking events per second at the peak."""
        return self.traffic.peak_rate * self.plan.events_per_request

    @property
    def shards_needed(self) -> int:
        """The fewest shards that take all events at the peak, or as many as there may be."""
        limit = self.scenario.catalogue.the("stream").records_per_s
        return min(max(1, math.ceil(self.events_per_s / limit)), MOST)

    def _enough(self, station: str, **changes: Any) -> int:
        """Return how many machines keep a station of theirs below the limit, from what one does."""
        one = plan(self.scenario, self.changed(**changes)).load(self.traffic.peak_rate)[station]
        return math.floor(min(one / self.scenario.rules.station_limit, MOST - 1)) + 1
