"""What a design does, as steps over resources: read by the theory and by the event engine alike.

A plan knows neither prices nor components. Requests come in classes; a class walks through its
steps in order. A step on a *station* (a resource with places, first come first served) may wait;
a step on any other resource is a pure delay. A step that `holds_slot` runs while the request keeps
one of its server's slots: the slot is taken before the first such step and kept, waits included,
until the last one ends. Times are seconds, rates per user request unless a name says otherwise.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

from queueing.backpressure import BacklogAutoscaler
from queueing.scenario.catalogue import Part
from queueing.scenario.design import Design, check
from queueing.scenario.errors import ScenarioError
from queueing.scenario.scenario import Scenario
from queueing.scenario.work import RequestClass, Timing

MOST_SLOTS = 10_000  # that theory can follow
SLOTS, CPU, DATABASE, WORKERS, SINK, STREAM = (
    "slots",
    "cpu",
    "database",
    "workers",
    "sink",
    "stream",
)
PRIORITIES = ("transactional", "bulk")  # mails, in a design with priority
LB, CACHE, ENQUEUE, SMTP = "lb", "cache", "enqueue", "smtp"


@dataclass(frozen=True, kw_only=True)
class Law:
    """A random time by its first two moments; an SCV below 1e-6 counts as `constant`."""

    kind: Literal["gamma", "lognormal", "constant", "exponential"]
    mean_s: float
    scv: float


@dataclass(frozen=True, kw_only=True)
class Step:
    """A visit to a resource, `visits` times in a row, each with a wait and a time of its own."""

    resource: str
    law: Law
    visits: int = 1
    when: Literal["always", "miss"] = "always"  # "miss": only if this request's cache lookup missed
    holds_slot: bool = True


@dataclass(frozen=True, kw_only=True)
class Class:
    """A class of requests to the servers.

    One draw a request decides whether its lookup hits (with `hit_probability`); on a hit every
    "miss" step is left out. While the cache is down its step is left out and every lookup misses.
    """

    name: str
    rate: float  # requests of this class for each request of the users
    steps: tuple[Step, ...]
    hit_probability: float = 0.0
    sends_mail: bool = False


@dataclass(frozen=True, kw_only=True)
class Job:
    """A mail on its way by the workers: an attempt occupies one thread through all its stages.

    An attempt fails at its end. Retry n = 0, 1, ... comes back to the end of the queue after a wait
    of U(0, backoff_base_s 2^n); after the last attempt the job is a dead letter.
    """

    rate: float
    attempt: tuple[Law, ...]
    failure_probability: float
    max_attempts: int
    backoff_base_s: float
    visibility_timeout_s: float
    urgent_share: float  # goes before the others, its retries too


@dataclass(frozen=True, kw_only=True)
class Events:
    """What a delivered mail brings back, and which way it goes.

    "sink": through the stream (`put` is not None) to a sink thread, or straight there, where events
    beyond `buffer` are lost (None: no bound); "workers": a record occupies the thread that
    delivered the mail; "servers": each is a request of class `hook`, `hook_delay` after it.
    """

    per_mail: int | float
    route: Literal["sink", "workers", "servers"]
    record: Law
    put: Law | None = None
    buffer: int | None = None
    hook: Class | None = None
    hook_delay: Law | None = None


@dataclass(frozen=True, kw_only=True)
class PlanPart:
    """What can fail: `n` alike, each with its availability, and the resources that go with it."""

    name: str
    n: int
    availability: float
    mttr_h: float
    resources: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a design does. `places` counts all servers' (or workers', or sinks') places together."""

    servers: int
    server_places: Mapping[str, int]  # slots and CPUs of one server
    waiting_room: int  # requests waiting for a slot at one server; the next is shed
    workers: int  # the fewest, where the backlog decides
    shared_places: Mapping[str, int]  # database slots, worker threads, sink threads
    stream_records_per_s: float | None  # None: no stream
    classes: tuple[Class, ...]  # the users'
    job: Job | None  # None: mails are sent inside the request
    autoscaling: (
        BacklogAutoscaler | None
    )  # of the workers by their backlog; None: `places` is for ever
    mails_per_request: float
    delivered_share: float  # of all mails, in the end
    events: Events
    parts: tuple[PlanPart, ...]

    @cached_property
    def places(self) -> dict[str, int]:
        """Places of every station, all together."""
        return {name: n * self.servers for name, n in self.server_places.items()} | dict(
            self.shared_places
        )

    @cached_property
    def work(self) -> dict[str, float]:
        """Seconds of work that one request of the users brings to every station.

        At `slots` it is the time held without any waiting. Times a request rate it is the offered
        load in Erlang.
        """
        work = dict.fromkeys(self.places, 0.0)
        hook = (self.events.hook,) if self.events.hook else ()
        for kind in (*self.classes, *hook):
            for step in kind.steps:
                seconds = kind.rate * visits(kind, step) * step.law.mean_s
                if step.resource in work:
                    work[step.resource] += seconds
                if step.holds_slot:
                    work[SLOTS] += seconds
        if self.job:
            work[WORKERS] += (
                self.job.rate
                * expected_attempts(self.job)
                * sum(law.mean_s for law in self.job.attempt)
            )
        if self.events.route in work:
            work[self.events.route] += self.events_per_request * self.events.record.mean_s
        return work

    @property
    def attempt_s(self) -> float:
        """Mean time of an attempt at a job on a thread, records of events included; 0 if none."""
        return self.work[WORKERS] / (self.job.rate * expected_attempts(self.job)) if self.job else 0

    @property
    def events_per_request(self) -> float:
        """Tracking events that one request of the users brings in the end."""
        return self.mails_per_request * self.delivered_share * self.events.per_mail

    def load(self, request_rate: float) -> dict[str, float]:
        """Return each station's offered load over its places at a rate of the users' requests."""
        return {
            name: self.work[name] * request_rate / places for name, places in self.places.items()
        }


def visits(kind: Class, step: Step) -> float:
    """Return how often a request of a class makes a step, in the mean."""
    return step.visits * (1 - kind.hit_probability if step.when == "miss" else 1)


def expected_attempts(job: Job) -> float:
    """Return the mean number of attempts of a job: 1 + p + p^2 + ... over its attempts."""
    return sum(job.failure_probability**n for n in range(job.max_attempts))


def plan(scenario: Scenario, design: Design) -> Plan:
    """Return what a design does in a scenario; `ScenarioError` for parts that are not for sale."""
    check(scenario.catalogue, design)
    catalogue, tracking = scenario.catalogue, scenario.tracking
    server, database = catalogue.the("server"), catalogue["postgres"][design.database]
    if design.servers * server.slots > MOST_SLOTS:
        raise ScenarioError(
            f"servers must have at most {MOST_SLOTS} slots together, "
            f"got {design.servers} servers with {server.slots} each"
        )
    job = _job(scenario, design) if design.queue else None
    tries = job.max_attempts if job else 1
    delivered = 1 - scenario.job.failure_probability**tries
    shared = {DATABASE: database.slots}
    if design.workers:
        shared[WORKERS] = design.workers * catalogue.the("worker").slots
    if design.sinks:
        shared[SINK] = design.sinks * catalogue.the("analytics").slots
    made = Plan(
        servers=design.servers,
        server_places={SLOTS: server.slots, CPU: server.vcpus},
        waiting_room=scenario.rules.waiting_room,
        workers=design.workers,
        shared_places=shared,
        stream_records_per_s=design.shards * catalogue.the("stream").records_per_s
        if design.shards
        else None,
        classes=tuple(
            _class(scenario, design, name, kind) for name, kind in scenario.classes.items()
        ),
        job=job,
        autoscaling=None,
        mails_per_request=scenario.mails_per_request,
        delivered_share=delivered,
        events=_events(
            scenario, design, scenario.mails_per_request * delivered * tracking.events_per_mail
        ),
        parts=tuple(_parts(scenario, design)),
    )
    return replace(made, autoscaling=_autoscaling(scenario, design, made))


def _law(timing: Timing) -> Law:
    if timing.scv < 1e-6:
        return Law(kind="constant", mean_s=timing.mean_ms / 1000, scv=0.0)
    return Law(kind=timing.law, mean_s=timing.mean_ms / 1000, scv=timing.scv)


def _delay(part: Part) -> Law:
    return _law(Timing(mean_ms=part.service_mean_ms, scv=part.service_scv))


def _front(scenario: Scenario, design: Design) -> list[Step]:
    if not design.load_balancer:
        return []
    return [Step(resource=LB, law=_delay(scenario.catalogue.the("lb")), holds_slot=False)]


def _class(scenario: Scenario, design: Design, name: str, kind: RequestClass) -> Class:
    steps = [*_front(scenario, design), Step(resource=CPU, law=_law(kind.cpu))]
    cached = design.cache is not None and kind.cache_hit_ratio is not None
    if design.cache is not None and cached:
        steps.append(Step(resource=CACHE, law=_delay(scenario.catalogue["redis"][design.cache])))
    steps += [
        Step(
            resource=DATABASE,
            law=_law(visit),
            visits=visit.visits,
            when="miss" if visit.only_on_miss and cached else "always",
        )
        for visit in kind.database.values()
    ]
    if kind.sends_mail and design.queue:
        steps.append(Step(resource=ENQUEUE, law=_delay(scenario.catalogue["queue"][design.queue])))
    elif kind.sends_mail:
        steps.append(Step(resource=CPU, law=_law(scenario.job.render)))
        steps.append(Step(resource=SMTP, law=_law(scenario.job.smtp)))
    return Class(
        name=name,
        rate=kind.share,
        steps=tuple(steps),
        hit_probability=_hit_probability(design, kind) if cached else 0.0,
        sends_mail=kind.sends_mail,
    )


def _hit_probability(design: Design, kind: RequestClass) -> float:
    return (kind.cache_hit_ratio or 0.0) if design.hit_ratio is None else design.hit_ratio


def _job(scenario: Scenario, design: Design) -> Job:
    job = scenario.job
    return Job(
        rate=scenario.mails_per_request,
        attempt=(_law(job.render), _law(job.smtp), _law(job.ack)),
        failure_probability=job.failure_probability,
        max_attempts=design.max_attempts or job.max_attempts,
        backoff_base_s=job.backoff_base_s,
        visibility_timeout_s=job.visibility_timeout_s,
        urgent_share=job.transactional_share if design.priority else 0.0,
    )


def _autoscaling(scenario: Scenario, design: Design, made: Plan) -> BacklogAutoscaler | None:
    """Return the rule that keeps a worker's backlog younger than its target."""
    if design.maximum_workers is None:
        return None
    rule = scenario.rules.autoscaling
    return BacklogAutoscaler(
        target_per_worker=rule.target_age_s
        / made.attempt_s
        * scenario.catalogue.the("worker").slots,
        minimum=design.workers,
        maximum=design.maximum_workers,
        interval=rule.interval_s,
        boot_time=rule.boot_s,
        scale_in_after=rule.scale_in_after_s,
    )


def _events(scenario: Scenario, design: Design, events_per_request: float) -> Events:
    tracking = scenario.tracking
    record = _law(tracking.record)
    put = _delay(scenario.catalogue.the("stream")) if design.shards else None
    if design.sinks:
        buffer = None if design.shards else tracking.sink_buffer
        return Events(
            per_mail=tracking.events_per_mail, route="sink", record=record, put=put, buffer=buffer
        )
    if design.shards:
        return Events(per_mail=tracking.events_per_mail, route="workers", record=record, put=put)
    hook = Class(
        name="web-hook",
        rate=events_per_request,
        steps=(
            *_front(scenario, design),
            Step(resource=CPU, law=_law(tracking.hook_cpu)),
            Step(resource=DATABASE, law=_law(tracking.hook_write)),
        ),
    )
    delay = Law(kind="exponential", mean_s=tracking.hook_delay_mean_s, scv=1.0)
    return Events(
        per_mail=tracking.events_per_mail,
        route="servers",
        record=record,
        hook=hook,
        hook_delay=delay,
    )


def _parts(scenario: Scenario, design: Design) -> list[PlanPart]:
    catalogue = scenario.catalogue
    queue = catalogue["queue"][design.queue] if design.queue else None
    on_redis = (ENQUEUE,) if queue and queue.hosted_by else ()
    rows: list[tuple[str, int, Part | None, tuple[str, ...]]] = [
        ("servers", design.servers, catalogue.the("server"), (SLOTS, CPU)),
        ("load balancer", int(design.load_balancer), catalogue.the("lb"), (LB,)),
        ("Postgres", 1, catalogue["postgres"][design.database], (DATABASE,)),
        (
            "Redis",
            1,
            catalogue["redis"][design.cache] if design.cache else None,
            (CACHE, *on_redis),
        ),
        ("queue", 1, None if on_redis else queue, (ENQUEUE,)),
        ("workers", design.workers, catalogue.the("worker"), (WORKERS,)),
        ("stream", int(design.shards > 0), catalogue.the("stream"), (STREAM,)),
        ("sinks", design.sinks, catalogue.the("analytics"), (SINK,)),
    ]
    return [
        PlanPart(
            name=name, n=n, availability=part.availability, mttr_h=part.mttr_h, resources=resources
        )
        for name, n, part, resources in rows
        if part is not None and n
    ]
