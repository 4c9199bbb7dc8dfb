"""How long a request takes: the plan of a design, asked of the theory at one rate of requests."""

from dataclasses import dataclass
from functools import cached_property

from queueing.distributions import Distribution, deterministic, gamma, lognormal, mixture
from queueing.scenario.plan import CPU, DATABASE, SLOTS, Class, Law, Plan, Step, visits
from queueing.slots import SlotServers, Visit

_LEAST_RATE = 1e-9  # requests per second of a system that nobody uses


def distribution(law: Law) -> Distribution:
    """Return the distribution that a plan's law stands for."""
    if law.kind == "constant":
        return deterministic(mean=law.mean_s)
    if law.kind == "lognormal":
        return lognormal(mean=law.mean_s, scv=law.scv)
    return gamma(mean=law.mean_s, scv=law.scv)


@dataclass(frozen=True)
class Latency:
    """A plan at `request_rate` users' requests per second: stations and response times."""

    plan: Plan
    request_rate: float

    @cached_property
    def network(self) -> SlotServers:
        """The servers with their slots, and the database behind them."""
        return slot_servers(self.plan, max(self.request_rate, _LEAST_RATE), self.plan.servers)

    @cached_property
    def classes(self) -> dict[str, Distribution]:
        """The response time of each class of the users' requests."""
        return {kind.name: self._response(kind) for kind in self.plan.classes}

    @cached_property
    def response(self) -> Distribution:
        """The response time of the users' requests, whatever their class."""
        return mixture([(kind.rate, self.classes[kind.name]) for kind in self.plan.classes])

    def answered(self, deadline_s: float) -> float:
        """Return the share of requests that is let in and answered within the deadline."""
        let_in = 1 - self.network.shed_probability
        return let_in * float(self.response.cdf(deadline_s))

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
            step.law: distribution(step.law) for kind in self.plan.classes for step in kind.steps
        }


def slot_servers(plan: Plan, request_rate: float, servers: int) -> SlotServers:
    """Return the request path of a plan with some servers; web-hooks take slots like anybody."""
    kinds = [*plan.classes, *([plan.events.hook] if plan.events.hook else [])]
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
        servers=servers,
        slots=plan.server_places[SLOTS],
        processors=plan.server_places[CPU],
        waiting_room=plan.waiting_room,
        shared_places=plan.shared_places[DATABASE],
        processing=tuple(processing),
        shared=tuple(shared),
        elsewhere=elsewhere,
    )
