"""A station whose customers lose patience and try again, drawn attempt by attempt.

Work that nobody waits for any more stays in line: the server cannot know. The rates at which such
a station can settle are `queueing.retries.retry_fixed_points`; here one sees where it does.
"""

import heapq
import math
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

import numpy as np
from numpy.typing import NDArray

from queueing import checks
from queueing.retries import Backoff, RetryPolicy
from queueing.simulation.estimate import Estimate
from queueing.simulation.replicate import seeds

Floats = NDArray[np.float64]

_NOT_MADE = -1.0  # in the place of the time at which an attempt's work is over
_STALL = 0  # in the place of an attempt's number: the servers stand still


@dataclass(frozen=True, kw_only=True)
class StormStation:
    """M/M/c with `room` for so many in line, customers with a `timeout` (seconds) and a `policy`.

    An attempt that finds the line full fails at once, one that is not over after `timeout` seconds
    fails then. `retries_last` lets first attempts go before repeated ones, each in a line with its
    own `room`. Raises `ValueError` for bad parameters.
    """

    arrival_rate: float
    service_rate: float
    servers: int
    room: int
    timeout: float
    policy: RetryPolicy
    retries_last: bool = False

    def __post_init__(self) -> None:
        for name in ("arrival_rate", "service_rate", "timeout"):
            object.__setattr__(self, name, checks.real(name, getattr(self, name), above=0))
        object.__setattr__(self, "servers", checks.whole("servers", self.servers))
        object.__setattr__(self, "room", checks.whole("room", self.room, at_least=0))


@dataclass(frozen=True, eq=False)
class DrawnStorm:
    """Attempts, and customers answered in time, in each second of each run (rows)."""

    attempts: Floats
    answered: Floats
    since: int  # the second from which rates are measured
    seed: int

    @property
    def attempt_rate(self) -> Estimate:
        """Attempts a second."""
        return self._rate(self.attempts)

    @property
    def goodput(self) -> Estimate:
        """Customers answered in time, a second."""
        return self._rate(self.answered)

    def _rate(self, counts: Floats) -> Estimate:
        return Estimate.of(counts[:, self.since :].mean(axis=1).tolist(), seed=self.seed)


def draw_storm(
    station: StormStation,
    *,
    stall: float = 0.0,
    stall_at: float = 20.0,
    horizon: int = 120,
    since: int = 60,
    replications: int = 5,
    seed: int | None = None,
) -> DrawnStorm:
    """Return what becomes of a station that starts empty and stands still for `stall` seconds.

    From `stall_at` on no service begins until the stall is over. Rates are measured from the
    second `since` to the `horizon`. Raises `ValueError` for bad parameters.
    """
    length = checks.whole("horizon", horizon)
    first = checks.whole("since", since, at_least=0)
    if first >= length:
        raise ValueError(f"since must lie before the horizon of {length} s, got {first}")
    pause = checks.real("stall", stall, at_least=0)
    start = checks.real("stall_at", stall_at, at_least=0)
    root, streams = seeds(seed, replications)
    counts = []
    for stream in streams:
        rng = np.random.default_rng(stream)
        arrivals = _poisson(station.arrival_rate, length, rng)
        made, answered = work_through(station, arrivals, (start, start + pause), rng)
        counts.append([_by_second(made, length), _by_second(answered, length)])
    runs = np.array(counts)
    return DrawnStorm(runs[:, 0], runs[:, 1], first, root)


def draw_retries(policy: RetryPolicy, failures: int, *, seed: int | None = None) -> Floats:
    """Return when tasks that all failed at time 0 are tried again, if they fail every time.

    One row a task, one column a retry, seconds; an attempt takes no time.
    """
    root, (stream,) = seeds(seed, 1)
    del root
    rng = np.random.default_rng(stream)
    number = checks.whole("failures", failures)
    pauses = [list(_pauses(policy.backoff, policy.max_attempts - 1, rng)) for _ in range(number)]
    return np.cumsum(np.array(pauses).reshape(number, -1), axis=1)


class _Attempt:
    """An attempt to be made, or one whose time is up: `left` is when its work is over, if known."""

    __slots__ = ("left", "number", "waited")

    def __init__(self, number: int, waited: float | None = None) -> None:
        self.number, self.waited, self.left = number, waited, _NOT_MADE


def work_through(
    station: StormStation,
    arrivals: Floats,
    stalled: tuple[float, float],
    rng: np.random.Generator,
) -> tuple[list[float], list[float]]:
    """Return the times of all attempts, and the times at which customers were answered in time.

    Each attempt is met twice, when it is made and when its time is up; what was not begun by then
    is late for certain. No service begins while the station is `stalled`.
    """
    serial, policy = count(), station.policy
    events = [(at, next(serial), _Attempt(1)) for at in arrivals.tolist()]
    if stalled[1] > stalled[0]:
        events.append((stalled[0], next(serial), _Attempt(_STALL)))
    heapq.heapify(events)
    desk = _Desk(station, _exponentials(1 / station.service_rate, rng))
    made: list[float] = []
    answered: list[float] = []
    while events:
        now, _, attempt = heapq.heappop(events)
        desk.serve_until(now)
        if attempt.number == _STALL:
            desk.stand_still(stalled[1])
            continue
        if attempt.left == _NOT_MADE:
            made.append(now)
            if desk.take(attempt, now):
                heapq.heappush(events, (now + station.timeout, next(serial), attempt))
                continue
        elif attempt.left <= now:
            answered.append(attempt.left)
            continue
        if attempt.number < policy.max_attempts:
            waited = policy.backoff.draw(attempt.number, rng, attempt.waited)
            again = _Attempt(attempt.number + 1, waited)
            heapq.heappush(events, (now + waited, next(serial), again))
    return made, answered


class _Desk:
    """The servers and the line before them, or the two lines where retries come last."""

    def __init__(self, station: StormStation, services: Iterator[float]) -> None:
        self._room, self._two = station.room, station.retries_last
        self._services = services
        self._free = [0.0] * station.servers  # a heap: when each server is free
        self._first: deque[_Attempt] = deque()
        self._later: deque[_Attempt] = deque()

    def take(self, attempt: _Attempt, now: float) -> bool:
        """Begin an attempt or put it in line; tell whether there was a place."""
        line = self._later if self._two and attempt.number > 1 else self._first
        if self._free[0] <= now:
            self._begin(attempt, now)
        elif len(line) < self._room:
            attempt.left = math.inf
            line.append(attempt)
        else:
            return False
        return True

    def serve_until(self, now: float) -> None:
        """Begin what servers begin before `now`; whoever is in line came before they were free."""
        while (line := self._first or self._later) and self._free[0] <= now:
            self._begin(line.popleft(), self._free[0])

    def stand_still(self, until: float) -> None:
        """Let no server begin anything until then."""
        self._free = [max(free, until) for free in self._free]

    def _begin(self, attempt: _Attempt, now: float) -> None:
        attempt.left = now + next(self._services)
        heapq.heapreplace(self._free, attempt.left)


def _poisson(rate: float, horizon: float, rng: np.random.Generator) -> Floats:
    number = rng.poisson(rate * horizon)
    return np.sort(rng.uniform(0, horizon, number))


def _exponentials(mean: float, rng: np.random.Generator) -> Iterator[float]:
    while True:
        yield from rng.exponential(mean, 4096).tolist()


def _pauses(backoff: Backoff, number: int, rng: np.random.Generator) -> Iterator[float]:
    pause = None
    for attempt in range(1, number + 1):
        pause = backoff.draw(attempt, rng, pause)
        yield pause


def _by_second(times: list[float], horizon: int) -> NDArray[np.int64]:
    return np.histogram(times, bins=np.arange(horizon + 1))[0]
