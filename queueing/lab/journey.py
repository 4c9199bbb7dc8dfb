"""The way of a request: its stages, where its time goes, and the slot that it holds meanwhile."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

from queueing.distributions import Distribution, mixture
from queueing.lab.sizing import smallest
from queueing.scenario import Design, Scenario, Scorecard
from queueing.scenario.cost import usd_month
from queueing.scenario.latency import distribution
from queueing.scenario.plan import (
    CACHE,
    CPU,
    DATABASE,
    ENQUEUE,
    LB,
    SLOTS,
    SMTP,
    Class,
    Step,
    plan,
    visits,
)
from queueing.scenario.traffic import Traffic

Lookup = Literal["hit", "miss"]

P95 = 95 / 100
NEAR = 5  # servers beyond the fewest that keep up, which are looked at one by one
PARTS = {  # of a request's time, and the resources that it goes to
    "processor": (CPU,),
    "database": (DATABASE,),
    "sending": (ENQUEUE, SMTP),
    "LB, cache": (LB, CACHE),
    "waiting": (),
}
_NAMES = {LB: "load balancer", CPU: "processor", CACHE: "cache", SMTP: "SMTP"}


def stages(
    scenario: Scenario, kind: str, lookup: Lookup = "hit", design: Design | None = None
) -> dict[str, Distribution]:
    """Return the law, in seconds, of each stage that a request of a class goes through.

    Without any wait, in the order of the path; `lookup` is what the cache says if it is asked.
    """
    made = plan(scenario, design or scenario.base)
    found: dict[str, Distribution] = {}
    for step in next(each for each in made.classes if each.name == kind).steps:
        if step.when in {"always", lookup}:
            for _ in range(step.visits):
                found[_unused(_NAMES.get(step.resource, step.resource), found)] = distribution(
                    step.law
                )
    return found


def total(laws: Iterable[Distribution]) -> Distribution:
    """Return the law of the sum of independent times."""
    first, *others = laws
    return sum(others, start=first)


def inside(scenario: Scenario, servers: int | None = None) -> Design:
    """Return the scenario's own design without a queue: mails are sent inside the request."""
    return scenario.design(servers=servers or scenario.base.servers, queue=None, workers=0)


def crowded(scenario: Scenario, users: float) -> Scenario:
    """Return the scenario with another number of users at the peak."""
    traffic = scenario.traffic
    if not isinstance(traffic, Traffic) or users == traffic.peak_users:
        return scenario
    fewest = min(traffic.baseline_users, users)
    update = {"peak_users": float(users), "baseline_users": fewest}
    return replace(scenario, traffic=traffic.model_copy(update=update))


@dataclass(frozen=True, eq=False)
class Journey:
    """The requests of the peak on their way through a design, by theory."""

    scenario: Scenario
    design: Design

    @cached_property
    def card(self) -> Scorecard:
        """The design's scorecard."""
        return self.scenario.evaluate(self.design)

    @property
    def cost(self) -> float:
        """What the design costs, USD a month, with as many workers as it begins with."""
        return usd_month(self.scenario, self.design)

    @property
    def promise(self) -> float:
        """The time that P95 must not exceed, seconds."""
        return self.scenario.contract.p95_ms / 1000

    # Where the time goes

    @cached_property
    def parts(self) -> dict[str, dict[str, float]]:
        """Mean seconds of each class by part: the work of `PARTS`, and all its waits together."""
        return {kind.name: self._parts(kind) for kind in self.card.peak.path.classes}

    @property
    def mean_parts(self) -> dict[str, float]:
        """The same of all requests."""
        return {
            part: self._of_all({name: parts[part] for name, parts in self.parts.items()})
            for part in PARTS
        }

    @cached_property
    def late(self) -> dict[str, float]:
        """The share of each class's requests that take longer than promised."""
        return {name: float(law.sf(self.promise)) for name, law in self.card.peak.classes.items()}

    @cached_property
    def late_share(self) -> float:
        """The share of all requests that take longer than promised: the mean of the classes'."""
        return float(self.card.peak.response.sf(self.promise))

    @property
    def keeps(self) -> bool:
        """Whether 95 % of the requests are answered within the promised time."""
        return self.late_share <= 1 - P95

    @property
    def late_classes(self) -> dict[str, float]:
        """The P95, seconds, of the classes that break the promise when asked alone."""
        return {
            name: self.card.peak.class_p95_s[name]
            for name, share in self.late.items()
            if share > 1 - P95
        }

    @cached_property
    def bare(self) -> Distribution:
        """The law of a request's time if nobody ever waited for anything: nothing is quicker."""
        kinds = self.card.peak.path.classes
        return mixture([(kind.rate, self._bare(kind)) for kind in kinds])

    # Who is busy

    @property
    def rate(self) -> float:
        """Requests a second that get a slot: the users', and web-hooks if there are any."""
        network = self.card.peak.network
        return network.arrival_rate * (1 - network.shed_probability)

    @property
    def held(self) -> float:
        """Mean time for which a request holds its slot, seconds: all that comes after taking it."""
        path = self.card.peak.path
        kinds = [*path.classes, *([path.hook] if path.hook else [])]
        held = math.fsum(kind.rate * self._held(kind) for kind in kinds)
        return held / math.fsum(kind.rate for kind in kinds)

    @property
    def busy(self) -> dict[str, tuple[float, int]]:
        """How many slots, processors and places of the database are busy in the mean, of how many.

        Each by Little's law: the rate of the requests times the time that they occupy one.
        """
        network, places = self.card.peak.network, self.card.plan.places
        let_in = 1 - network.shed_probability
        asked = {
            SLOTS: self.rate * self.held,
            CPU: let_in * network.processor_load * places[CPU],
            DATABASE: let_in * network.shared_load * places[DATABASE],
        }
        return {name: (min(number, places[name]), places[name]) for name, number in asked.items()}

    def _parts(self, kind: Class) -> dict[str, float]:
        made = {
            part: math.fsum(
                visits(kind, step) * step.law.mean_s
                for step in kind.steps
                if step.resource in resources
            )
            for part, resources in PARTS.items()
        }
        waits = math.fsum(visits(kind, step) * self._wait(step) for step in kind.steps)
        return made | {"waiting": self.card.peak.network.slot_wait.mean() + waits}

    def _held(self, kind: Class) -> float:
        return math.fsum(
            visits(kind, step) * (step.law.mean_s + self._wait(step))
            for step in kind.steps
            if step.holds_slot
        )

    def _wait(self, step: Step) -> float:
        network = self.card.peak.network
        if step.resource == CPU:
            return network.processor_wait.mean()
        return network.shared_wait.mean() if step.resource == DATABASE else 0.0

    def _bare(self, kind: Class) -> Distribution:
        hit = kind.hit_probability
        routes: list[tuple[float, Lookup]] = [(hit, "hit"), (1 - hit, "miss")]
        return mixture(
            [
                (chance, total(stages(self.scenario, kind.name, lookup, self.design).values()))
                for chance, lookup in routes
                if chance > 0
            ]
        )

    def _of_all(self, by_class: dict[str, float]) -> float:
        kinds = self.card.peak.path.classes
        return math.fsum(kind.rate * by_class[kind.name] for kind in kinds)


class Journeys:
    """The journeys through designs that differ in servers alone; each is made once."""

    def __init__(self, scenario: Scenario, design: Design, most: int) -> None:
        self.scenario, self.most = scenario, most
        self._design = design
        self._made: dict[int, Journey] = {}

    def __getitem__(self, servers: int) -> Journey:
        """Return the journey through so many servers."""
        if servers not in self._made:
            balanced = self._design.load_balancer or servers > 1
            design = replace(self._design, servers=servers, load_balancer=balanced)
            self._made[servers] = Journey(self.scenario, design)
        return self._made[servers]

    @cached_property
    def least(self) -> int:
        """The fewest servers that could keep up at all, by their slots and by their processors."""
        one = self[1].card
        rate, work = one.peak.request_rate, one.plan.work
        return max(
            math.floor(rate * work[name] / one.plan.places[name]) + 1 for name in (SLOTS, CPU)
        )

    @cached_property
    def fewest(self) -> int | None:
        """The fewest servers that keep the promise; None where `most` do not."""
        if self.never:
            return None
        near = range(self.least, min(self.least + NEAR, self.most) + 1)
        if found := next((servers for servers in near if self[servers].keeps), None):
            return found
        beyond = self.least + NEAR + 1
        return self._smallest(beyond) if beyond <= self.most else None

    def _smallest(self, low: int) -> int | None:
        return smallest(lambda servers: self[servers].keeps, low, self.most)

    @property
    def never(self) -> bool:
        """Whether the promise is broken even where nobody ever waits, and so with any servers."""
        return self.bare_late > 1 - P95

    @cached_property
    def bare_late(self) -> float:
        """The share of requests that would be late if nobody ever waited: no servers beat it."""
        return float(self[1].bare.sf(self[1].promise))


def _unused(name: str, taken: dict[str, Distribution]) -> str:
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name} {number}"
    return free
