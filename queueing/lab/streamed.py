"""Telemetry on its way: how many events come, which way they go, and what is full first."""

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from queueing import JacksonNetwork
from queueing.scenario import Design, Scenario, Scorecard
from queueing.scenario.cost import usd_month
from queueing.scenario.fluid import lines
from queueing.scenario.plan import CPU, DATABASE, SINK, WORKERS, Plan, expected_attempts, plan

Floats = NDArray[np.float64]
Route = Literal["sinks", "workers", "servers"]

MOST_EVENTS = 30  # of a mail, on the board and in its curve
_WORKERS, _STREAM, _SINKS = "workers", "stream", "sinks"


def noisier(scenario: Scenario, events_per_mail: float) -> Scenario:
    """Return the same scenario with so many events for each delivered mail."""
    changed = scenario.tracking.model_copy(update={"events_per_mail": events_per_mail})
    return replace(scenario, tracking=changed)


def events_per_second(scenario: Scenario) -> float:
    """Return the events of the peak if every mail is delivered in the end."""
    return scenario.traffic.peak_rate * plan(scenario, scenario.base).events_per_request


def shard_rate(scenario: Scenario, shards: int) -> float:
    """Return the records a second that so many shards take."""
    return shards * float(scenario.catalogue.the("stream").records_per_s)


def sink_rate(scenario: Scenario, sinks: int) -> float:
    """Return the records a second that so many sinks digest."""
    return sinks * scenario.catalogue.the("analytics").slots / _record_s(scenario)


def stream_rate(scenario: Scenario, shards: int, sinks: int) -> float:
    """Return what moves through both: the slower of the two decides."""
    return min(shard_rate(scenario, shards), sink_rate(scenario, sinks))


def fewest(scenario: Scenario) -> tuple[int, int]:
    """Return the fewest shards and sinks that keep up with the events of the peak."""
    rate = events_per_second(scenario)
    return math.floor(rate / shard_rate(scenario, 1)) + 1, math.floor(
        rate / sink_rate(scenario, 1)
    ) + 1


def tandem(scenario: Scenario, *, workers: int | None = None, sinks: int = 1) -> JacksonNetwork:
    """Return workers and sinks in a row at the peak; an attempt that fails goes no further.

    Customers are attempts, then delivered mails: a sink's thread digests the records of a mail one
    after the other. All times are taken as exponential.
    """
    made = plan(scenario, scenario.base)
    if made.job is None:
        raise ValueError("a design without a queue has no workers for the mails to pass")
    count = made.workers if workers is None else workers
    digest = scenario.tracking.events_per_mail * _record_s(scenario)
    return JacksonNetwork(
        arrival_rates=[scenario.traffic.peak_rate * made.job.rate * expected_attempts(made.job), 0],
        service_rates=[1 / made.attempt_s, 1 / digest],
        servers=[
            count * scenario.catalogue.the("worker").slots,
            sinks * scenario.catalogue.the("analytics").slots,
        ],
        routing=[[0, 1 - made.job.failure_probability], [0, 0]],
    )


def backlogs(scenario: Scenario, design: Design) -> pd.DataFrame:
    """Return by hour what waits, `mails` and `events`, and how old it is, `mails_s`, `events_s`.

    Mails wait before the workers, events before stream and sinks. Both are fluids: a line grows by
    what comes beyond what can be done.
    """
    mails = scenario.evaluate(design).mails
    if mails is None:
        raise ValueError("a design without a queue has no backlog of mails")
    seconds = mails.hours * 3600
    waiting = sum((line.waiting for line in mails.lines), np.zeros(seconds.size))
    done = mails.attempt_rate - np.gradient(waiting, seconds)
    events = done * (1 - mails.job.failure_probability) * scenario.tracking.events_per_mail
    capacity = np.full(seconds.size, stream_rate(scenario, design.shards, design.sinks))
    (line,) = lines(seconds, events, capacity, 0.0)
    columns = {
        "mails": waiting,
        "events": line.waiting,
        "mails_s": mails.oldest,
        "events_s": line.oldest,
    }
    return pd.DataFrame(columns, index=pd.Index(mails.hours, name="hour"))


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A part of the way: what comes a second, what it can do, both in its own unit."""

    name: str
    rate: float
    load: float

    @property
    def full(self) -> bool:
        """Whether it cannot keep up."""
        return self.load >= 1

    @property
    def passed(self) -> float:
        """What goes on a second."""
        return self.rate / max(self.load, 1.0)


@dataclass(frozen=True, kw_only=True)
class Flow:
    """Mails and their events at a peak that lasts, and the users beside them."""

    design: Design
    events_per_mail: int
    route: Route
    mails: float  # delivered a second
    events: float  # that they bring
    way: tuple[Stage, ...]  # of mails and events
    path: tuple[Stage, ...]  # of the users
    p95_ms: float
    uptime: float
    oldest_mail_s: float
    cost: float

    @property
    def bottleneck(self) -> Stage:
        """The fullest part of all."""
        return max((*self.way, *self.path), key=lambda stage: stage.load)

    @property
    def behind(self) -> tuple[Stage, ...]:
        """The parts that take events and cannot keep up with them."""
        return tuple(stage for stage in self.way[1:] if stage.full)


class Streams:
    """A scenario's telemetry under other designs; what the users feel is worked out once."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self._flows: dict[tuple[int, Design], Flow] = {}
        self._oldest: dict[tuple[int, float], float] = {}

    def flow(self, events_per_mail: int, *, shards: int, sinks: int, workers: int) -> Flow:
        """Return what comes of a design at the peak."""
        design = self.scenario.design(shards=shards, sinks=sinks, workers=workers)
        key = (events_per_mail, design)
        if key not in self._flows:
            self._flows[key] = self._flow(events_per_mail, design)
        return self._flows[key]

    def broken(self, flow: Flow) -> tuple[str, ...]:
        """Return what of the promise a flow breaks; an event that is left behind counts too."""
        contract = self.scenario.contract
        told = {
            "P95": flow.p95_ms > contract.p95_ms,
            "uptime": flow.uptime < contract.uptime,
            "oldest mail": flow.oldest_mail_s > contract.freshness_s,
            "events": bool(flow.behind),
        }
        return tuple(name for name, wrong in told.items() if wrong)

    def noisiest(self, *, shards: int, sinks: int, workers: int) -> int | None:
        """Return the most events of a mail, up to `MOST_EVENTS`, with which nothing is broken."""

        def keeps(events: int) -> bool:
            flow = self.flow(events, shards=shards, sinks=sinks, workers=workers)
            return not self.broken(flow)

        if not keeps(0):
            return None
        low, high = 0, MOST_EVENTS
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if keeps(middle) else (low, middle - 1)
        return low

    @cached_property
    def curve(self) -> tuple[Floats, Floats, Floats]:
        """Events of a mail, and P95 (ms) and uptime with them as web-hooks at the servers."""
        full = self._full
        steps = np.concatenate(
            [
                np.arange(0, min(math.ceil(1.2 * full), MOST_EVENTS) + 1),
                full * np.linspace(0.45, 1.1, 14),
                [1.5 * full, 3 * full, MOST_EVENTS],
            ]
        )
        events = np.unique(steps[steps <= MOST_EVENTS])
        cards = [self._shared(float(number)) for number in events]
        return (
            events,
            np.array([card.p95_ms for card in cards]),
            np.array([card.availability for card in cards]),
        )

    @property
    def _full(self) -> float:
        """The events of a mail that fill the database as web-hooks."""
        rate = self.scenario.traffic.peak_rate
        none, one = (
            plan(noisier(self.scenario, number), self._hooks).load(rate)[DATABASE]
            for number in (0, 1)
        )
        return (1 - none) / (one - none)

    @property
    def _hooks(self) -> Design:
        return self.scenario.design(shards=0, sinks=0)

    def _shared(self, events_per_mail: float) -> Scorecard:
        return noisier(self.scenario, events_per_mail).evaluate(self._hooks)

    def _flow(self, events_per_mail: int, design: Design) -> Flow:
        loud = noisier(self.scenario, events_per_mail)
        made, rate = plan(loud, design), loud.traffic.peak_rate
        if made.job is None:
            raise ValueError("a scenario without a queue has no mails to follow")
        attempts = rate * made.job.rate * expected_attempts(made.job)
        at_workers = Stage(name=_WORKERS, rate=attempts, load=made.load(rate)[WORKERS])
        delivered = at_workers.passed * made.delivered_share / expected_attempts(made.job)
        events = delivered * events_per_mail
        hooks = events_per_mail / max(at_workers.load, 1.0) if made.events.hook else 0.0
        path, p95_ms, uptime = self._users(hooks)
        return Flow(
            design=design,
            events_per_mail=events_per_mail,
            route="sinks" if design.sinks else "workers" if design.shards else "servers",
            mails=delivered,
            events=events,
            way=(at_workers, *_behind(loud, made, events)),
            path=path,
            p95_ms=p95_ms,
            uptime=uptime,
            oldest_mail_s=self._oldest_mail_s(loud, design, made.attempt_s),
            cost=usd_month(loud, design, design.workers),
        )

    def _oldest_mail_s(self, loud: Scenario, design: Design, attempt_s: float) -> float:
        """Return how old a mail gets; only the workers and what they have to do decide that."""
        key = (design.workers, attempt_s)
        if key not in self._oldest:
            alike = replace(design, shards=1, sinks=int(design.sinks > 0 or design.shards == 0))
            self._oldest[key] = loud.evaluate(alike).oldest_mail_s
        return self._oldest[key]

    def _users(self, hooks: float) -> tuple[tuple[Stage, ...], float, float]:
        """Return the users' stations, their P95 and uptime, with so many web-hooks of a mail."""
        events, p95_ms, uptime = self.curve
        rate = self.scenario.traffic.peak_rate
        loads = plan(noisier(self.scenario, hooks), self._hooks).load(rate)
        path = (
            Stage(name="servers", rate=rate, load=loads[CPU]),
            Stage(name="database", rate=rate, load=loads[DATABASE]),
        )
        p95, up = (float(np.interp(hooks, events, known)) for known in (p95_ms, uptime))
        return path, p95, up


def _behind(scenario: Scenario, made: Plan, events: float) -> tuple[Stage, ...]:
    """Return what takes the events behind the workers, up to what it can do each."""
    stages = []
    if made.stream_records_per_s:
        stages.append(Stage(name=_STREAM, rate=events, load=events / made.stream_records_per_s))
        events = stages[-1].passed
    if made.events.route == SINK:
        rate = made.places[SINK] / _record_s(scenario)
        stages.append(Stage(name=_SINKS, rate=events, load=events / rate))
    return tuple(stages)


def _record_s(scenario: Scenario) -> float:
    return scenario.tracking.record.mean_ms / 1000
