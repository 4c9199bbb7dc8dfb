"""A house that mails come into and leave: one path of it, many by chance, and who sends to it."""

import math
from dataclasses import dataclass
from functools import cached_property, lru_cache
from heapq import heapify, heappop, heappush, heapreplace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from queueing import MMc, checks, erlang_c, littles_law
from queueing.lab.sizing import smallest
from queueing.networks import ClosedNetwork
from queueing.paths import departures, number_in_system
from queueing.scenario import Scenario, Scorecard
from queueing.scenario.plan import WORKERS, expected_attempts, plan
from queueing.simulation.estimate import Estimate
from queueing.simulation.replicate import seeds

Floats = NDArray[np.float64]

MOST_USERS = 200
_WARM = 1 / 10  # of a run, in which the house is emptier than usual: left out
_LOOKS = 2000  # at random moments of a run


@dataclass(frozen=True, eq=False)
class House:
    """Who came when and left when, seconds, from an empty house at 0 to the next one at the end."""

    came: Floats
    left: Floats

    @classmethod
    def of(cls, arrivals: ArrayLike, services: ArrayLike, servers: int = 1) -> "House":
        """Return the house in which each is served in turn, as `departures` says."""
        came = np.asarray(arrivals, dtype=np.float64)
        return cls(came, departures(came, services, servers))

    @property
    def span(self) -> float:
        """T, from 0 until the last has left, seconds."""
        return float(self.left.max())

    @property
    def rate(self) -> float:
        """Lambda, arrivals per second of the span."""
        return self.came.size / self.span

    @property
    def mean_time(self) -> float:
        """W, the mean of the times inside, seconds."""
        return float(np.mean(self.left - self.came))

    @property
    def area(self) -> float:
        """Heads times seconds: the number inside, counted from event to event and added up."""
        moments = np.unique(np.concatenate([[0.0], self.came, self.left]))
        inside = number_in_system(self.came, self.left, moments[:-1])
        return float(inside @ np.diff(moments))

    @property
    def mean_number(self) -> float:
        """L, the area over the span."""
        return self.area / self.span


@dataclass(frozen=True, kw_only=True)
class Office:
    """Users who send a mail, wait until it is out, think, and send the next.

    `think` and `service` are means of exponential times, seconds; `threads` send; `promise` is the
    mean time inside, seconds, that must not be exceeded.
    """

    users: int
    think: float
    service: float
    threads: int
    promise: float

    def house(self, draw: int, mails: int = 30) -> House:
        """Return the first so many mails of a day, whose dice are numbered `draw`."""
        dice = np.random.default_rng([2026, draw])
        first = self.think * dice.exponential(size=self.users)
        chances = dice.exponential(size=(mails, 2)) * (self.service, self.think)
        asking, free = first.tolist(), [-math.inf] * self.threads
        heapify(asking)
        came, left = [], []
        for service, think in chances.tolist():
            arrival = heappop(asking)
            departure = max(arrival, free[0]) + service
            heapreplace(free, departure)
            heappush(asking, departure + think)
            came.append(arrival)
            left.append(departure)
        return House(np.array(came), np.array(left))

    @property
    def rate(self) -> float:
        """X, mails per second in the long run: N = X (R + Z)."""
        return self.users / (self.think + self.time)

    @property
    def time(self) -> float:
        """R, the mean time inside in the long run, seconds."""
        return float(self.times[self.users - 1])

    @property
    def times(self) -> Floats:
        """R for 1, 2, ... users who wait for their mail: a closed system."""
        return _closed_times(self.think, self.service, self.threads)

    @cached_property
    def open_times(self) -> Floats:
        """W if as many mails come whatever happens, one a user every Z + S: an open system."""
        load = np.arange(1, MOST_USERS + 1) * self.service / (self.think + self.service)
        spare = (self.threads - load) / self.service
        waits = erlang_c(self.threads, load) / np.where(spare > 0, spare, 1.0)
        return np.where(spare > 0, self.service + waits, math.inf)

    @property
    def knee(self) -> float:
        """The users whose mails would just keep all threads busy: c (Z + S) / S."""
        return self.threads * (self.think + self.service) / self.service

    @property
    def most(self) -> int:
        """The most users, up to `MOST_USERS`, for whom the promise is kept."""
        return _most(self.times, self.promise)

    @property
    def most_open(self) -> int:
        """The same, if they do not wait for their mail."""
        return _most(self.open_times, self.promise)


@dataclass(frozen=True)
class Counted:
    """Heads counted at random moments, the rate of arrivals and the time inside: never formulas."""

    number: Estimate
    rate: Estimate
    time: Estimate


def count_heads(
    station: MMc, *, mails: int = 20_000, replications: int = 20, seed: int | None = None
) -> Counted:
    """Return what is counted at a station whose arrivals and services are drawn one by one.

    Poisson arrivals, exponential services; the first tenth of the `mails` of a run is left out.
    Raises `ValueError` for a station that cannot keep up, whose numbers would never settle.
    """
    if not station.is_stable:
        raise ValueError(f"a station at {station.traffic_intensity:.2f} never settles")
    size = checks.whole("mails", mails, at_least=100)
    root, streams = seeds(seed, replications)
    found = []
    for stream in streams:
        dice = np.random.default_rng(stream)
        came = np.cumsum(dice.exponential(1 / station.arrival_rate, size))
        services = dice.exponential(1 / station.service_rate, size)
        left = departures(came, services, station.servers)
        start, end = came[int(_WARM * size)], came[-1]
        inside = number_in_system(came, left, dice.uniform(start, end, _LOOKS))
        there = (came >= start) & (came < end)
        times = (left - came)[there]
        found.append((inside.mean(), there.sum() / (end - start), times.mean()))
    numbers, rates, means = np.transpose(found).tolist()
    return Counted(*(Estimate.of(values, seed=root) for values in (numbers, rates, means)))


def sending(scenario: Scenario) -> MMc:
    """Return the attempts at sending of the peak before the threads of the scenario's workers.

    An attempt that fails leaves, and comes again later as another. Services count as exponential.
    """
    made = plan(scenario, scenario.base)
    attempts = expected_attempts(made.job) if made.job else 1.0
    rate = scenario.traffic.peak_rate * scenario.mails_per_request * attempts
    busy = made.work[WORKERS] * scenario.traffic.peak_rate
    threads = max(scenario.base.workers, 1) * scenario.catalogue.the("worker").slots
    return MMc(arrival_rate=rate, service_rate=rate / busy, servers=threads)


def capacity(scenario: Scenario, workers: int) -> float:
    """Return the attempts per second that so many workers can make."""
    return workers * scenario.catalogue.the("worker").slots * sending(scenario).service_rate


def alarm_depth(card: Scorecard) -> float:
    """Return the depth of the queue from which a mail waits longer than promised: Little's law."""
    scenario = card.scenario
    return littles_law(
        rate=capacity(scenario, card.design.workers), time=scenario.contract.freshness_s
    )


@lru_cache(maxsize=1000)
def _closed_times(think: float, service: float, threads: int) -> Floats:
    network = ClosedNetwork(
        population=MOST_USERS,
        think_time=think,
        visits=[1],
        service_times=[service],
        servers=[threads],
    )
    times = np.asarray(network.sweep()["response_time"], dtype=np.float64)
    return times.round(9)  # so that a time of just S keeps a promise of S


def _most(times: Floats, promise: float) -> int:
    """Return the most users whose time keeps the promise; the times only grow."""
    broken = smallest(lambda users: bool(times[users - 1] > promise), 1, MOST_USERS)
    return MOST_USERS if broken is None else broken - 1
