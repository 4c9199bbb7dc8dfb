"""Short requests and slow ones before the same servers: who takes how much, and who waits."""

import math
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from queueing import MG1, GGc, MMc, MPHc, PhaseType, allen_cunneen, checks, mixture
from queueing.distributions import Distribution, exponential, hyperexponential
from queueing.lab.pooled import processors
from queueing.scenario import Scenario

Floats = NDArray[np.float64]

MOST_MS = 2000  # the slowest template that is looked for
_RANDOM = 0.05  # as near to 1 as this, an SCV is that of an exponential time


@dataclass(frozen=True, kw_only=True)
class Mixed:
    """Random arrivals, a `share` of them slow, before one line; a promised mean wait; all seconds.

    `slow` and `short` are mean services, each with its squared coefficient of variation. Both kinds
    run through phases (`in_phases`), so that every number of servers can be solved exactly.
    """

    arrival_rate: float
    servers: int
    share: float
    slow: float
    short: float
    slow_scv: float = 1.0
    short_scv: float = 1.0
    promise: float = math.inf
    name: str = "preview"  # of a slow one

    @cached_property
    def service(self) -> Distribution:
        """The law of all services."""
        short, slow = self.kinds
        return mixture([(1 - self.share, short), (self.share, slow)])

    @cached_property
    def kinds(self) -> tuple[Distribution, Distribution]:
        """The law of the short services and that of the slow ones."""
        return in_phases(self.short, self.short_scv), in_phases(self.slow, self.slow_scv)

    @property
    def mean_service(self) -> float:
        """S, seconds."""
        return (1 - self.share) * self.short + self.share * self.slow

    @property
    def service_rate(self) -> float:
        """Mu, services per second of one busy server."""
        return 1 / self.mean_service

    @property
    def scv(self) -> float:
        """The squared coefficient of variation of all services."""
        return float(self._squares(self.slow)) / self.mean_service**2 - 1

    @property
    def load(self) -> float:
        """Rho, the share of all servers asked for."""
        return self.arrival_rate * self.mean_service / self.servers

    @property
    def slow_parts(self) -> dict[str, float]:
        """The slow ones' share of the requests, of the work, and of E[S^2], which makes wait."""
        work = self.share * self.slow / self.mean_service
        squares = self.share * (1 + self.slow_scv) * self.slow**2 / float(self._squares(self.slow))
        return {"requests": self.share, "work": work, "waiting": squares}

    @property
    def one(self) -> MG1:
        """One of the servers, if each had a line of its own and an equal share of the requests."""
        return MG1(arrival_rate=self.arrival_rate / self.servers, service=self.service)

    @property
    def line(self) -> MPHc:
        """All servers before one line, exact."""
        return MPHc(arrival_rate=self.arrival_rate, service=self.service, servers=self.servers)

    @property
    def rule(self) -> GGc:
        """The same by Allen and Cunneen's rule, which knows mean and SCV alone."""
        return GGc(
            arrival_rate=self.arrival_rate,
            service_rate=self.service_rate,
            servers=self.servers,
            interarrival_scv=1,
            service_scv=self.scv,
        )

    @property
    def alike(self) -> MMc:
        """The same if all services were exponential, which knows the mean alone."""
        rate = self.service_rate
        return MMc(arrival_rate=self.arrival_rate, service_rate=rate, servers=self.servers)

    @property
    def mean_wait(self) -> float:
        """Wq, seconds, exact."""
        return _mean_wait(replace(self, promise=math.inf))

    def rule_waits(self, load: ArrayLike) -> Floats:
        """Return the rule's mean waits at other loads, with other arrivals of the same services."""
        arrivals = np.asarray(load) * self.servers * self.service_rate
        return np.asarray(allen_cunneen(arrivals, self.service_rate, self.servers, 1, self.scv))

    def at_load(self, load: float) -> "Mixed":
        """Return the same services with as many arrivals as make a load."""
        return replace(self, arrival_rate=load * self.servers * self.service_rate)

    @cached_property
    def slowest(self) -> int:
        """The slowest template, whole milliseconds up to `MOST_MS`, with which the promise is kept.

        0 if none does. The wait only grows with it. The rule says about where to look.
        """
        times = np.arange(1, MOST_MS + 1) / 1000
        means = (1 - self.share) * self.short + self.share * times
        scvs = self._squares(times) / means**2 - 1
        ruled = np.asarray(allen_cunneen(self.arrival_rate, 1 / means, self.servers, 1, scvs))
        found = int(np.sum(ruled <= self.promise))
        if 0 < found < MOST_MS:
            found = int(np.sum(ruled * self._with(found) / ruled[found - 1] <= self.promise))
        while found and self._with(found) > self.promise:
            found -= 1
        while found < MOST_MS and self._with(found + 1) <= self.promise:
            found += 1
        return found

    def _with(self, milliseconds: int) -> float:
        return replace(self, slow=milliseconds / 1000).mean_wait

    def _squares(self, slow: ArrayLike) -> Floats:
        """Return E[S^2] with slow services of so many seconds in the mean."""
        short = (1 - self.share) * (1 + self.short_scv) * self.short**2
        return short + self.share * (1 + self.slow_scv) * np.asarray(slow) ** 2


def requests(scenario: Scenario) -> Mixed:
    """Return the requests of the peak before the processors of `processors`, in two kinds.

    Slow is the class with the longest work on a processor; all others together are short. As in
    `processors`, only that work counts.
    """
    line, classes = processors(scenario), scenario.classes
    name = slow_class(scenario)
    slow = classes[name]
    others = [each for other, each in classes.items() if other != name] or [slow]
    rest = math.fsum(each.share for each in others)
    mean = math.fsum(each.share * each.cpu.mean_ms for each in others) / rest
    square = math.fsum(each.share * (1 + each.cpu.scv) * each.cpu.mean_ms**2 for each in others)
    scv = square / rest / mean**2 - 1
    return Mixed(
        arrival_rate=line.arrival_rate,
        servers=line.servers,
        share=slow.share,
        slow=slow.cpu.mean_ms / 1000,
        short=mean / 1000,
        slow_scv=slow.cpu.scv,
        short_scv=1.0 if abs(scv - 1) < _RANDOM else scv,
        name=name,
    )


def slow_class(scenario: Scenario) -> str:
    """Return the name of the class with the longest work on a processor."""
    return max(scenario.classes, key=lambda name: scenario.classes[name].cpu.mean_ms)


def slower(scenario: Scenario, milliseconds: float) -> Scenario:
    """Return a scenario whose slow class works so long on a processor, in the mean."""
    name = slow_class(scenario)
    slow = scenario.classes[name]
    cpu = slow.cpu.model_copy(update={"mean_ms": milliseconds})
    return replace(
        scenario, classes={**scenario.classes, name: slow.model_copy(update={"cpu": cpu})}
    )


@lru_cache(maxsize=10_000)
def in_phases(mean: float, scv: float) -> Distribution:
    """Return a time in phases with a mean and an SCV, both above 0: as few phases as will do.

    Below 1, k - 1 or k equal stages: H. C. Tijms, "A First Course in Stochastic Models" (2003),
    appendix B. Raises `ValueError`.

    >>> law = in_phases(85.0, 0.6)
    >>> round(law.mean(), 9), round(law.scv(), 9), len(law.initial)
    (85.0, 0.6, 2)
    """
    checks.real("scv", scv, above=0)
    if scv == 1:
        return exponential(mean=mean)
    if scv > 1:
        return hyperexponential(mean=mean, scv=scv)
    stages = math.ceil(1 / scv - 1e-9)
    root = math.sqrt(max(stages * (1 + scv) - stages**2 * scv, 0.0))
    skip = max((stages * scv - root) / (1 + scv), 0.0)  # how often the first stage is left out
    initial = np.zeros(stages)
    initial[0], initial[1] = 1 - skip, skip
    chain = (np.eye(stages, k=1) - np.eye(stages)) * (stages - skip) / mean
    return PhaseType(initial=initial, generator=chain)


@lru_cache(maxsize=10_000)
def _mean_wait(case: Mixed) -> float:
    if case.load >= 1 or case.servers == 1:
        return case.one.replace(arrival_rate=case.arrival_rate / case.servers).mean_wait
    return case.line.mean_wait
