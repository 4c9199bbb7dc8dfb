"""How long a request takes: the plan of a design, asked of the theory at one rate of requests.

Designs that differ only off the users' path (in workers, say) share their answers: what has been
solved lately is kept.
"""

import math
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import BarycentricInterpolator

from queueing.distributions import Distribution, deterministic, gamma, lognormal, mixture
from queueing.scenario.plan import CPU, DATABASE, SLOTS, Class, Law, Plan, Step, visits
from queueing.slots import SlotServers, Visit

Floats = NDArray[np.float64]

_P95 = 95 / 100
_MOST_KEPT = 500  # slots of a path whose answers are kept: more need much memory
_RATES = 12  # at which a request path is solved, between the least and the most of a run
_CALM_RATES = 5  # the same where its slots have room to spare
NEAR_SATURATION = 9 / 10  # load of the slots from which little more makes much worse
SURELY = 1 - 1e-9  # a share of requests that is all of them
_LEAST_RATE = 1e-9  # requests per second of a system that nobody uses


@lru_cache(maxsize=256)
def distribution(law: Law) -> Distribution:
    """Return the distribution that a plan's law stands for.

    One object a law, so that its transform is asked once wherever it occurs.
    """
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


def answered(plan: Plan, rates: Floats, deadline_s: float) -> Floats:
    """Return the share that is let in and answered within the deadline, at each of many rates.

    Linear between a few rates; while slots have room to spare, these are read off a polynomial
    through fewer still.
    """
    nodes = np.unique(np.linspace(rates.min(), rates.max(), _RATES))
    at_most = latency(plan, float(nodes[-1]))
    load = at_most.network.slot_load * nodes / max(at_most.request_rate, _LEAST_RATE)
    calm = int((load < NEAR_SATURATION).sum())
    crowded = [latency(plan, float(rate)).answered(deadline_s) for rate in nodes[calm:]]
    return np.interp(rates, nodes, [*_calmly(plan, nodes[:calm], deadline_s), *crowded])


def _calmly(plan: Plan, rates: Floats, deadline_s: float) -> Floats:
    """Return the share of requests answered at rates at which it is a smooth function of them."""
    if rates.size <= _CALM_RATES:
        return np.array([latency(plan, float(rate)).answered(deadline_s) for rate in rates])
    if latency(plan, float(rates[-1])).answered(deadline_s) > SURELY:
        return np.ones(rates.size)
    turns = np.cos(np.linspace(0, np.pi, _CALM_RATES))
    few = rates[-1] + (rates[0] - rates[-1]) * (1 - turns) / 2
    return np.asarray(BarycentricInterpolator(few, _calmly(plan, few, deadline_s))(rates))


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
        wait = self.network.slot_wait
        return {name: wait + law for name, (_, law) in self._behind.items()}

    @cached_property
    def response(self) -> Distribution:
        """The response time of the users' requests, whatever their class."""
        return self.network.slot_wait + mixture(list(self._behind.values()))

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

    @cached_property
    def _behind(self) -> dict[str, tuple[float, Distribution]]:
        """How many requests are of each class, and their time once they have a slot."""
        return {kind.name: (kind.rate, self._with_slot(kind)) for kind in self.path.classes}

    def _with_slot(self, kind: Class) -> Distribution:
        """Return the time of a class in its slot: a mixture of hits and misses."""
        hit = kind.hit_probability
        routes = [(hit, "hit"), (1 - hit, "miss")]
        return mixture(
            [(chance, self._route(kind, lookup)) for chance, lookup in routes if chance > 0]
        )

    def _route(self, kind: Class, lookup: str) -> Distribution:
        """Return the sum of a class's steps, with the waits before them."""
        steps = [step for step in kind.steps if step.when in {"always", lookup}]
        return sum(
            (self._step(step) for step in steps for _ in range(step.visits)), deterministic(mean=0)
        )

    def _step(self, step: Step) -> Distribution:
        time = distribution(step.law)
        if step.resource == CPU:
            return self.network.processor_wait + time
        return self.network.shared_wait + time if step.resource == DATABASE else time


@dataclass(frozen=True)
class ClosedLatency(Latency):
    """The same for users who think, ask and wait for the answer before they think again.

    `request_rate` is what they would ask for if answers took no time. Those who wait ask for
    nothing, so that the rate falls where answers are slow: with n of N users inside it is (N - n) /
    think time. What an arrival meets is weighted accordingly, as the arrival theorem has it (K. C.
    Sevcik and I. Mitrani, "The distribution of queuing network states at input and output
    instants", Journal of the ACM 28, 1981).
    """

    users: float
    think_time_s: float

    @cached_property
    def network(self) -> SlotServers:
        """The servers, and users of which those inside do not ask."""
        return slot_servers(self.path, max(self.request_rate, _LEAST_RATE), self.users)

    @property
    def rate(self) -> float:
        """Requests per second by the response time law, N / (think time + mean response).

        Who is shed is told so at once.
        """
        response = (1 - self.network.shed_probability) * self.response.mean()
        return self.users / (self.think_time_s + response)


def closed_latency(plan: Plan, users: float, think_time_s: float) -> ClosedLatency:
    """Return a plan for so many users who think for so long in the mean between two requests."""
    path, users = RequestPath.of(plan), max(users, _LEAST_RATE)
    outside = sum(  # of the servers: the balancer's time is as good as thought
        kind.rate * visits(kind, step) * step.law.mean_s
        for kind in path.classes
        for step in kind.steps
        if not step.holds_slot
    )
    return ClosedLatency(path, users / (think_time_s + outside), users, think_time_s)


def slot_servers(path: RequestPath, request_rate: float, users: float = math.inf) -> SlotServers:
    """Return the stations of a request path; web-hooks take slots like anybody."""
    one = _at_one_request_per_s(path)
    return one.at_rate(one.arrival_rate * request_rate, one.arrival_rate * users)


@lru_cache(maxsize=16)
def _at_one_request_per_s(path: RequestPath) -> SlotServers:
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
        arrival_rate=per_user_request,
        servers=path.servers,
        slots=path.slots,
        processors=path.processors,
        waiting_room=path.waiting_room,
        shared_places=path.database_places,
        processing=tuple(processing),
        shared=tuple(shared),
        elsewhere=elsewhere,
    )
