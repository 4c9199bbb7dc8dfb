"""The rules of a design as a SimPy model: the peer that the compiled engine is measured against.

It runs the same plan (`queueing.scenario.plan`) as theory and engine: a process for every request,
retry, thread and record, resources for slots, processors and the database, stores for the queue and
the stream. NumPy draws random times in blocks, which is faster than one by one.

Left out: users who think and wait; autoscaling and transactional mails first are refused. Where it
differs from the engine: a thread that waits for the stream's rate limit is held meanwhile; workers
that read the stream finish the records that wait when it fails, and read none while the queue is
down.
"""

from collections.abc import Sequence
from itertools import count, pairwise
from math import inf

import numpy as np
import simpy

from bench.parts_simpy import (
    HOUR,
    Kind,
    Mail,
    Measured,
    Part,
    Process,
    RateLimit,
    Server,
    Tally,
    Visit,
    forever,
    kind_of,
    times,
)
from queueing.scenario.plan import (
    CACHE,
    CPU,
    DATABASE,
    ENQUEUE,
    LB,
    SINK,
    SLOTS,
    SMTP,
    STREAM,
    WORKERS,
    Plan,
    PlanPart,
)

RECORD, MAIL = 0, 1  # worker threads take records first: they are short


class UnavailableError(Exception):
    """A request needs a part that is down."""


class SurgeModel:
    """A design under open traffic whose rate is linear between knots (time s, requests per second).

    Seconds count from the first knot. Without `failures` no part ever fails.
    """

    def __init__(
        self,
        plan: Plan,
        knots: Sequence[tuple[float, float]],
        *,
        deadline_s: float = 10.0,
        seed: int | np.random.SeedSequence = 0,
        failures: bool = True,
    ) -> None:
        if plan.autoscaling or (plan.job and plan.job.urgent_share):
            raise ValueError("this model has neither autoscaling nor priority: take a plan without")
        self.plan, self.deadline_s, self.failures = plan, deadline_s, failures
        self.env = simpy.Environment()
        self.rng = np.random.default_rng(seed)
        self.uniform = forever(self.rng.random)
        self.parts: dict[str, Part] = {}  # managed ones, by resource
        self.servers = [
            Server(self.env, plan.server_places[SLOTS], plan.server_places[CPU])
            for _ in range(plan.servers)
        ]
        self.workers: list[Part] = []
        self.sinks: list[Part] = []
        for part in plan.parts:
            self._set_up(part)
        self.turn = 0
        self.database = simpy.Resource(self.env, plan.shared_places[DATABASE])
        self.kinds = [kind_of(kind, self.parts, self.rng) for kind in plan.classes]
        shares = [kind.rate for kind in plan.classes]
        self.choice = forever(lambda size: self.rng.choice(len(shares), size, p=shares))
        self.forget()
        self._set_up_mails()
        self._set_up_events()
        self.env.process(self._arrivals(knots))

    def run(self, until: float) -> None:
        """Go on to time `until` (s)."""
        self.env.run(until)

    def forget(self) -> None:
        """Measure from here on (after a warm-up)."""
        names = [kind.name for kind in self.plan.classes] + ["web-hook"]
        self.measured = Measured(
            since=self.env.now,
            requests={name: Tally() for name in names},
            busy=dict.fromkeys([SLOTS, CPU, DATABASE, WORKERS, SINK], 0.0),
        )

    # Setting up

    def _set_up(self, part: PlanPart) -> None:
        """Make the units of a part, and let them fail."""
        units: list[Part]
        if SLOTS in part.resources:
            units = list(self.servers)
        else:
            units = [Part(self.env) for _ in range(part.n)]
        if WORKERS in part.resources:
            self.workers = units
        elif SINK in part.resources:
            self.sinks = units
        elif SLOTS not in part.resources:
            self.parts |= dict.fromkeys(part.resources, units[0])
        if self.failures and part.availability < 1:
            down = part.mttr_h * HOUR
            up = down * part.availability / (1 - part.availability)
            for unit in units:
                self.env.process(unit.outages(up, down, self.rng))

    def _set_up_mails(self) -> None:
        job = self.plan.job
        self.failure_probability = 1 - self.plan.delivered_share  # of the one attempt in a request
        if job is None:
            return
        self.job = job
        self.failure_probability = job.failure_probability
        self.stages = [times(self.rng, law) for law in job.attempt]
        self.queue_part = self.parts[ENQUEUE]
        self.serial = count()
        # One queue for mails and records if workers read both; first come first served within each
        both = self.plan.events.route == "workers"
        self.queue = simpy.PriorityStore(self.env) if both else simpy.Store(self.env)
        for worker in self.workers:
            for _ in range(self.plan.shared_places[WORKERS] // len(self.workers)):
                worker.visitors.add(self.env.process(self._worker_thread(worker)))

    def _set_up_events(self) -> None:
        events, rate = self.plan.events, self.plan.stream_records_per_s
        self.record_times = times(self.rng, events.record)
        self.limit = RateLimit(self.env, rate) if rate is not None else None
        if events.put is not None:
            self.stream = self.parts[STREAM]
            self.put_times = times(self.rng, events.put)
        if events.hook is not None and events.hook_delay is not None:
            self.hook = kind_of(events.hook, self.parts, self.rng)
            self.hook_delays = times(self.rng, events.hook_delay)
        self.records = simpy.Store(self.env)
        self.buffer = inf if events.buffer is None else events.buffer * len(self.sinks)
        for sink in self.sinks:
            for _ in range(self.plan.shared_places[SINK] // len(self.sinks)):
                sink.visitors.add(self.env.process(self._sink_thread(sink)))

    # Requests

    def _arrivals(self, knots: Sequence[tuple[float, float]]) -> Process:
        """Let requests come: Poisson, by thinning a process at the highest rate of each stretch."""
        gaps = forever(self.rng.standard_exponential)
        for (begin, first), (end, last) in pairwise(knots):
            highest, slope = max(first, last), (last - first) / (end - begin)
            while (arrival := self.env.now + next(gaps) / highest if highest else inf) < end:
                yield self.env.timeout(arrival - self.env.now)
                if next(self.uniform) * highest < first + slope * (self.env.now - begin):
                    self.env.process(self._request(self.kinds[next(self.choice)]))
            yield self.env.timeout(end - self.env.now)

    def _request(self, kind: Kind) -> Process:
        arrived = self.env.now
        self.measured.requests[kind.name].arrived += 1
        try:
            for visit in kind.outside:
                yield self.env.timeout(next(visit.times))
            server = self._least_connections()
            if server.present >= self.plan.server_places[SLOTS] + self.plan.waiting_room:
                self.measured.requests[kind.name].shed += 1
                return
            yield from self._in_server(server, kind, arrived)
        except (UnavailableError, simpy.Interrupt):
            self.measured.requests[kind.name].failed += 1
            return
        time = self.env.now - arrived
        tally = self.measured.requests[kind.name]
        tally.response_times.append(time)
        tally.late += time > self.deadline_s

    def _least_connections(self) -> Server:
        """Return the server with the fewest requests, ties in turn."""
        if LB in self.parts and not self.parts[LB].up:
            raise UnavailableError
        in_turn = self.servers[self.turn :] + self.servers[: self.turn]
        running = [server for server in in_turn if server.up]
        if not running:
            raise UnavailableError
        server = min(running, key=lambda server: server.present)
        self.turn = (self.servers.index(server) + 1) % len(self.servers)
        return server

    def _in_server(self, server: Server, kind: Kind, arrived: float) -> Process:
        """Hold a slot through every downstream call, until the reply."""
        process = self.env.active_process
        assert process is not None  # noqa: S101, for the type checker
        server.visitors.add(process)
        try:
            with server.slots.request() as slot:
                yield slot
                seated = self.env.now
                try:
                    yield from self._steps(server, kind, arrived)
                finally:
                    self.measured.busy[SLOTS] += self.env.now - seated
        finally:
            server.visitors.discard(process)

    def _steps(self, server: Server, kind: Kind, arrived: float) -> Process:
        hit = False
        for visit in kind.inside:
            if visit.only_on_miss and hit:
                continue
            for _ in range(visit.visits):
                if visit.resource == CPU:
                    yield from self._served(server.processors, visit)
                elif visit.resource == DATABASE:
                    yield from self._at_part(visit, self._served(self.database, visit))
                elif visit.resource == CACHE:
                    if visit.part is None or visit.part.up:
                        yield self.env.timeout(next(visit.times))
                        hit = next(self.uniform) < kind.hit_probability
                else:
                    yield from self._at_part(visit, self._delayed(visit))
            if visit.resource == ENQUEUE:
                self._submit()
            elif visit.resource == SMTP:
                self._attempt_inside_request(arrived)

    def _served(self, resource: simpy.Resource, visit: Visit) -> Process:
        with resource.request() as place:
            yield place
            begun = self.env.now
            try:
                yield self.env.timeout(next(visit.times))
            finally:
                self.measured.busy[visit.resource] += self.env.now - begun

    def _delayed(self, visit: Visit) -> Process:
        yield self.env.timeout(next(visit.times))

    def _at_part(self, visit: Visit, work: Process) -> Process:
        """Do work that fails if its part is down, or goes down meanwhile."""
        part, process = visit.part, self.env.active_process
        if part is None or process is None:
            yield from work
            return
        if not part.up:
            raise UnavailableError
        part.visitors.add(process)
        try:
            yield from work
        finally:
            part.visitors.discard(process)

    # Mails

    def _submit(self) -> None:
        self.measured.submitted += 1
        self._enqueue(Mail(self.env.now))

    def _enqueue(self, mail: Mail) -> None:
        self.queue.put(simpy.PriorityItem((MAIL, next(self.serial)), mail))

    def _attempt_inside_request(self, arrived: float) -> None:
        """The synchronous design: the request has waited for the attempt itself."""
        self.measured.submitted += 1
        self.measured.attempts += 1
        if next(self.uniform) < self.failure_probability:
            self.measured.dead += 1
        else:
            self._deliver(Mail(arrived))

    def _worker_thread(self, worker: Part) -> Process:
        while True:
            try:
                if not worker.up:
                    yield worker.repaired
                if not self.queue_part.up:
                    yield self.queue_part.repaired
                with self.queue.get() as get:
                    item = yield get
                if item.priority[0] == RECORD:
                    yield from self._read_record(WORKERS)
                elif not item.item.settled:
                    yield from self._attempt(item.item)
            except simpy.Interrupt:
                continue

    def _attempt(self, mail: Mail) -> Process:
        mail.attempts += 1
        self.measured.attempts += 1
        duration = sum(next(stage) for stage in self.stages)
        outlasts = duration > self.job.visibility_timeout_s
        if outlasts:
            self.env.process(self._come_back(mail, self.job.visibility_timeout_s))
        begun = self.env.now
        try:
            yield self.env.timeout(duration)
        except simpy.Interrupt:
            if not outlasts:
                hidden = self.job.visibility_timeout_s - (self.env.now - begun)
                self.env.process(self._come_back(mail, hidden))
            raise
        finally:
            self.measured.busy[WORKERS] += self.env.now - begun
        if next(self.uniform) >= self.failure_probability:
            if mail.settled:
                self.measured.duplicates += 1
            else:
                self._deliver(mail)
        elif not outlasts and not mail.settled:
            self._retry(mail)

    def _retry(self, mail: Mail) -> None:
        if mail.attempts >= self.job.max_attempts:
            self._bury(mail)
        else:
            most = self.job.backoff_base_s * 2 ** (mail.attempts - 1)
            self.env.process(self._come_back(mail, most * next(self.uniform)))

    def _come_back(self, mail: Mail, delay: float) -> Process:
        """Join the end of the queue, unless settled meanwhile or given out too often."""
        yield self.env.timeout(delay)
        if not self.queue_part.up:
            yield self.queue_part.repaired
        if mail.settled:
            return
        if mail.attempts < self.job.max_attempts:
            self._enqueue(mail)
        else:
            self._bury(mail)

    def _bury(self, mail: Mail) -> None:
        mail.settled = True
        self.measured.dead += 1

    def _deliver(self, mail: Mail) -> None:
        mail.settled = True
        self.measured.delivery_times.append(self.env.now - mail.submitted)
        self._tell(int(self.plan.events.per_mail))

    # Events

    def _tell(self, records: int) -> None:
        self.measured.told += records
        for _ in range(records):
            if self.plan.events.route == "servers":
                self.env.process(self._call_back())
            elif self.plan.events.put is not None:
                self.env.process(self._put_record())
            elif len(self.records.items) < self.buffer and any(sink.up for sink in self.sinks):
                self.records.put(self.env.now)
            else:
                self.measured.lost += 1

    def _call_back(self) -> Process:
        """A web-hook: one more request to the servers, some minutes later."""
        yield self.env.timeout(next(self.hook_delays))
        yield from self._request(self.hook)

    def _put_record(self) -> Process:
        yield self.env.timeout(next(self.put_times))
        if not self.stream.up:
            yield self.stream.repaired
        self._offer_record()

    def _offer_record(self) -> None:
        if self.plan.events.route == "workers":
            self.queue.put(simpy.PriorityItem((RECORD, next(self.serial)), None))
        else:
            self.records.put(self.env.now)

    def _sink_thread(self, sink: Part) -> Process:
        while True:
            try:
                if not sink.up:
                    yield sink.repaired
                if self.limit and not self.stream.up:
                    yield self.stream.repaired
                with self.records.get() as get:
                    yield get
                yield from self._read_record(SINK)
            except simpy.Interrupt:
                if not self.limit and not any(other.up for other in self.sinks):
                    self.measured.lost += len(self.records.items)  # nobody is left to keep them
                    self.records.items.clear()

    def _read_record(self, where: str) -> Process:
        """Take a record in; if its reader fails the stream still has it, without one it is lost."""
        try:
            if self.limit and (wait := self.limit.reserve()):
                yield self.env.timeout(wait)
            begun = self.env.now
            try:
                yield self.env.timeout(next(self.record_times))
            finally:
                self.measured.busy[where] += self.env.now - begun
        except simpy.Interrupt:
            if self.limit:
                self._offer_record()
            else:
                self.measured.lost += 1
            raise
        self.measured.consumed += 1
