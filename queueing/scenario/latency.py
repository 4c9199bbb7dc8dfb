"""How long a request takes: the plan of a design, asked of the theory at one rate of requests.

Designs that differ only off the users' path (in workers, say) share their answers: what has been
solved lately is kept.
"""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Self

from queueing.distributions import Distribution, deterministic, gamma, lognormal, mixture
from queueing.scenario.plan import CPU, DATABASE, SLOTS, Class, Law, Plan, Step, visits
from queueing.slots import SlotServers, Visit

_P95 = 95 / 100
_MOST_KEPT = 500  # slots of a path whose answers are kept: more need much memory
_LEAST_RATE = 1e-9  # requests per second of a system that nobody uses


def distribution(law: Law) -> Distribution:
    """Return the distribution that a plan's law stands for."""
    if law.kind == "constant":
        return deterministic(mean=law.mean_s)
    if law.kind == "lognormal":
        return lognormal(mean=law.mean_s, scv=law.scv)
    return gamma(mean=law.mean_s, scv=law.scv)


@dataclass(frozen=True)
class RequestPath:
    """What of a plan the users' requests meet; equal for two plans that treat them alike."""

    classes: tuple[Class, ...]
    hook: Class | None
    servers: int
    slots: int
    processors: int
    waiting_room: int
    database_places: int

    @classmethod
    def of(cls, plan: Plan) -> Self:
        """Return the request path of a plan."""
        return cls(
            classes=plan.classes,
            hook=plan.events.hook,
            servers=plan.servers,
            slots=plan.server_places[SLOTS],
            processors=plan.server_places[CPU],
            waiting_room=plan.waiting_room,
            database_places=plan.shared_places[DATABASE],
        )


def latency(plan: Plan, request_rate: float) -> "Latency":
    """Return a plan at `request_rate` users' requests per second."""
    path = RequestPath.of(plan)
    if path.servers * path.slots > _MOST_KEPT:
        return Latency(path, request_rate)
    return _kept(path, request_rate)


@lru_cache(maxsize=64)
def _kept(path: RequestPath, request_rate: float) -> "Latency":
    return Latency(path, request_rate)


@dataclass(frozen=True)
class Latency:
    """A request path at `request_rate` users' requests per second: stations, response times."""

    path: RequestPath
    request_rate: float

    @cached_property
    def network(self) -> SlotServers:
        """The servers with their slots, and the database behind them."""
        return slot_servers(self.path, max(self.request_rate, _LEAST_RATE))

    @cached_property
    def classes(self) -> dict[str, Distribution]:
        """The response time of each class of the users' requests."""
        return {kind.name: self._response(kind) for kind in self.path.classes}

    @cached_property
    def response(self) -> Distribution:
        """The response time of the users' requests, whatever their class."""
        return mixture([(kind.rate, self.classes[kind.name]) for kind in self.path.classes])

    @cached_property
    def p95_s(self) -> float:
        """95 % of the users' requests are answered within this time, seconds."""
        return float(self.response.ppf(_P95))

    @cached_property
    def class_p95_s(self) -> dict[str, float]:
        """The same for each class of requests."""
        return {name: float(law.ppf(_P95)) for name, law in self.classes.items()}

    def answered(self, deadline_s: float) -> float:
        """Return the share of requests that is let in and answered within the deadline."""
        if deadline_s not in self._answered:
            let_in = 1 - self.network.shed_probability
            self._answered[deadline_s] = let_in * float(self.response.cdf(deadline_s))
        return self._answered[deadline_s]

    @cached_property
    def _answered(self) -> dict[float, float]:
        """What has been asked before."""
        return {}

    def _response(self, kind: Class) -> Distribution:
        """Return the response time of a class: a mixture of hits and misses."""
        hit = kind.hit_probability
        routes = [(hit, "hit"), (1 - hit, "miss")]
        return mixture(
            [(chance, self._route(kind, lookup)) for chance, lookup in routes if chance > 0]
        )

    def _route(self, kind: Class, lookup: str) -> Distribution:
        """Return the sum of a class's steps, with the waits before them."""
        total: Distribution = self.network.slot_wait
        for step in kind.steps:
            if step.when in {"always", lookup}:
                for _ in range(step.visits):
                    total = total + self._step(step)
        return total

    def _step(self, step: Step) -> Distribution:
        time = self._laws[step.law]
        if step.resource == CPU:
            return self.network.processor_wait + time
        return self.network.shared_wait + time if step.resource == DATABASE else time

    @cached_property
    def _laws(self) -> dict[Law, Distribution]:
        """One object a law, so that a transform is asked once wherever it occurs."""
        return {
            step.law: distribution(step.law) for kind in self.path.classes for step in kind.steps
        }


def slot_servers(path: RequestPath, request_rate: float) -> SlotServers:
    """Return the stations of a request path; web-hooks take slots like anybody."""
    kinds = [*path.classes, *([path.hook] if path.hook else [])]
    per_user_request = sum(kind.rate for kind in kinds)
    processing, shared, elsewhere = [], [], 0.0
    for kind in kinds:
        for step in kind.steps:
            visit = Visit(
                kind.rate / per_user_request * visits(kind, step), step.law.mean_s, step.law.scv
            )
            if step.resource == CPU:
                processing.append(visit)
            elif step.resource == DATABASE:
                shared.append(visit)
            elif step.holds_slot:
                elsewhere += visit.rate * visit.mean
    return SlotServers(
        arrival_rate=request_rate * per_user_request,
        servers=path.servers,
        slots=path.slots,
        processors=path.processors,
        waiting_room=path.waiting_room,
        shared_places=path.database_places,
        processing=tuple(processing),
        shared=tuple(shared),
        elsewhere=elsewhere,
    )
