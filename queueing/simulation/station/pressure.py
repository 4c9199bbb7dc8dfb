"""Backpressure by chance: the runs of `simulate(backpressure=)`.

Each goes by the steps of the object itself: `admitted`, `next_limit`, `wanted`.
"""

import math
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from queueing.backpressure import (
    BacklogAutoscaler,
    BoundedQueue,
    ConcurrencyLimit,
    GradientLimit,
    TokenBucket,
)
from queueing.backpressure.scaling_rule import decision
from queueing.simulation.engine.agenda import empty_agenda
from queueing.simulation.replicate import Stopped
from queueing.simulation.station.customers import everybody
from queueing.simulation.station.gates import (
    DONE,
    HEAD,
    LOST,
    MOST,
    NEXT,
    SERVED,
    SHED,
    serve_until,
    shed_lowest,
    under_limit,
)
from queueing.simulation.station.loops import first_come
from queueing.simulation.station.plan import StationPlan
from queueing.simulation.station.streams import stream_seed

Floats = NDArray[np.float64]
Policy = BoundedQueue | TokenBucket | ConcurrencyLimit | BacklogAutoscaler

_KINDS = 18  # a purpose of streams, beside those of the station's customers
_WINDOW = 100  # round trips, of which a limit that adapts is told the mean
_STRETCHES = 100  # of a run, for MSER-5 to choose from
# What is counted of a stretch and a class, by arrival but for what is done
CAME, ACCEPTED, DELAYED, SHED_, LOST_, HELD, WAIT, COMPLETED = range(8)
COUNTS = 8


@dataclass(frozen=True, kw_only=True)
class Pressed:
    """A station and its backpressure, how long it runs, and where its warm-up may end."""

    plan: StationPlan
    policy: Policy
    customers: int | None
    horizon: float
    warmup: float | None  # customers or seconds; None: by MSER-5


@dataclass(frozen=True, kw_only=True, eq=False)
class Fates:
    """What becomes of the customers of a run, each a place in the arrays, and of the workers."""

    came: Floats
    services: Floats
    kinds: NDArray[np.int64]
    waited: Floats
    fates: NDArray[np.int8]
    held: NDArray[np.bool_]  # who stood outside
    workers: list[tuple[float, int]]  # (time, workers up from then on)
    largest_backlog: int = 0


@dataclass(frozen=True, kw_only=True, eq=False)
class PressedRun:
    """Counts of one replication: of stretches, classes and what is counted; and of the workers."""

    counts: Floats
    seconds: Floats  # of each stretch
    worker_seconds: Floats
    largest_backlog: int


def run(pressed: Pressed, seed: np.random.SeedSequence, stop: Callable[[], bool]) -> PressedRun:
    """Run one replication to its end; its customers are kept until they are counted."""
    blocks = []
    for block in everybody(
        pressed.plan, seed, customers=pressed.customers, horizon=pressed.horizon
    ):
        if stop():
            raise Stopped
        blocks.append(block)
    came = np.concatenate([came for came, _ in blocks])
    services = np.concatenate([services for _, services in blocks])
    rng = np.random.Generator(np.random.SFC64(stream_seed(seed, _KINDS)))
    ladder = np.cumsum(pressed.plan.shares)[:-1]
    kinds = np.searchsorted(ladder, rng.random(came.size), side="right")
    return _counted(pressed, work(pressed, came, services, kinds))


def work(
    pressed: Pressed, came: Floats, services: Floats, kinds: NDArray[np.int64] | None = None
) -> Fates:
    """Return what becomes of customers who come at given times with given services."""
    whose = np.zeros(came.size, dtype=np.int64) if kinds is None else kinds
    line = _Line(pressed, came, services, whose)
    policy = pressed.policy
    if isinstance(policy, BacklogAutoscaler):
        line.follow_backlog(policy, pressed.horizon)
    elif isinstance(policy, TokenBucket):
        line.pass_some(policy.admitted(came))
    elif isinstance(policy, ConcurrencyLimit):
        line.limit(policy)
    elif policy.when_full == "shed-lowest":
        line.shed_lowest(policy.capacity)
    elif policy.when_full == "block":
        line.pass_some(np.ones(came.size, dtype=bool))
        line.hold(policy.capacity)
    else:
        line.limit(ConcurrencyLimit(limit=policy.capacity))
    return Fates(
        came=came,
        services=services,
        kinds=whose,
        waited=line.waited,
        fates=line.fates,
        held=line.held,
        workers=line.workers,
        largest_backlog=line.largest_backlog,
    )


class _Line:
    """The customers of a run, and what is found out about them."""

    def __init__(
        self, pressed: Pressed, came: Floats, services: Floats, kinds: NDArray[np.int64]
    ) -> None:
        self._came, self._services, self._kinds = came, services, kinds
        self._servers, self._classes = int(pressed.plan.servers), pressed.plan.classes
        self._mean_service = pressed.plan.mean_service
        self.waited = np.zeros(came.size)
        self.fates = np.full(came.size, SERVED, dtype=np.int8)
        self.held = np.zeros(came.size, dtype=bool)
        self.workers = [(0.0, 1)]
        self.largest_backlog = 0

    def pass_some(self, passes: NDArray[np.bool_]) -> None:
        """Serve those who pass, in the order of arrival."""
        waited = np.zeros(int(passes.sum()))
        first_come(self._came[passes], self._services[passes], np.zeros(self._servers), waited)
        self.waited[passes] = waited
        self.fates[~passes] = SHED

    def hold(self, capacity: int) -> None:
        """Find out who found `capacity` there: as many in line as places, and he stands outside."""
        places = capacity - self._servers
        ahead = np.append(np.full(places, -np.inf), self._came + self.waited)[: self._came.size]
        self.held = (self.waited > 0) & (ahead > self._came) if places else self.waited > 0

    def limit(self, policy: ConcurrencyLimit) -> None:
        """Let in who finds fewer than the limit; one that adapts is told of the round trips."""
        free, leaving = self._free(), empty_agenda(self._came.size)
        state, limit = np.zeros(3, dtype=np.int64), float(policy.limit)
        adapts, more = isinstance(policy, GradientLimit), True
        while more:
            trips = np.zeros(1)
            more = under_limit(
                self._came,
                self._services,
                math.floor(limit),
                _WINDOW if adapts else self._came.size + 1,
                free.ctypes.data,
                self._servers,
                leaving.ctypes.data,
                state,
                trips,
                self.waited,
                self.fates,
            )
            if more:
                trip = float(trips[0]) / int(state[DONE])
                limit = policy.next_limit(limit, round_trip=trip, shortest=self._mean_service)

    def shed_lowest(self, capacity: int) -> None:
        """Let who finds no place take that of a lower class's last."""
        places, free = capacity - self._servers, self._free()
        shed_lowest(
            self._came,
            self._services,
            self._kinds,
            places,
            free.ctypes.data,
            self._servers,
            np.zeros((self._classes, max(places, 1)), dtype=np.int64),
            np.zeros(self._classes, dtype=np.int64),
            np.zeros(self._classes, dtype=np.int64),
            self.waited,
            self.fates,
        )

    def follow_backlog(self, rule: BacklogAutoscaler, horizon: float) -> None:
        """Let the rule look at the backlog, and its workers come and go."""
        end = horizon if horizon < math.inf else float(self._came[-1])
        now = fewer_since = 0.0
        looks, ready = 1, [0.0] * rule.minimum  # when each is up that is asked for, in their order
        ends = empty_agenda(rule.maximum * self._servers)
        state = np.zeros(4, dtype=np.int64)
        self.workers = []
        while now < end:
            workers = bisect_right(ready, now)
            self.workers.append((now, workers))
            look = looks * rule.interval
            until = min([end, look, *ready[workers : workers + 1]])
            serve_until(
                self._came,
                self._services,
                workers * self._servers,
                now,
                until,
                ends.ctypes.data,
                state,
                self.waited,
            )
            now = until
            if now == look:
                looks += 1
                need = rule.wanted(float(state[NEXT] - state[HEAD]))
                count, fewer_since = decision(
                    need, len(ready), fewer_since, now, rule.scale_in_after
                )
                ready[count:] = [now + rule.boot_time] * (count - len(ready))
        begun = int(state[HEAD])
        self.waited[begun:] = end - self._came[begun:]  # so far
        self.largest_backlog = int(state[MOST])

    def _free(self) -> NDArray[Any]:
        servers = empty_agenda(self._servers)
        servers["time"][:-1] = 0.0
        return servers


def _counted(pressed: Pressed, fates: Fates) -> PressedRun:
    """Count customers in the stretches in which they came."""
    borders = _borders(pressed, fates.came)
    stretches, classes = borders.size - 1, pressed.plan.classes
    place = np.searchsorted(borders[1:-1], fates.came, side="left")
    served = fates.fates == SERVED
    ends = fates.came + fates.waited + fates.services
    done = np.searchsorted(borders, ends, side="left") - 1

    def summed(where: NDArray[Any], what: NDArray[Any]) -> Floats:
        cells = where * classes + fates.kinds
        inside = where < stretches
        size = stretches * classes
        sums = np.bincount(cells[inside], what[inside], minlength=size)
        return np.asarray(sums.reshape(stretches, classes), dtype=np.float64)

    counts = np.zeros((stretches, classes, COUNTS))
    amounts = {
        CAME: np.ones(served.size),
        ACCEPTED: served,
        DELAYED: served & (fates.waited > 0),
        SHED_: fates.fates == SHED,
        LOST_: fates.fates == LOST,
        HELD: fates.held,
        WAIT: np.where(served, fates.waited, 0.0),
    }
    for what, amount in amounts.items():
        counts[:, :, what] = summed(place, amount)
    counts[:, :, COMPLETED] = summed(done, served)
    times = np.array([*(time for time, _ in fates.workers), np.inf])
    levels = np.array([level for _, level in fates.workers], dtype=float)
    clipped = np.clip(times[:, None], borders[:-1], borders[1:])
    return PressedRun(
        counts=counts,
        seconds=np.diff(borders),
        worker_seconds=np.diff(clipped, axis=0).T @ levels,
        largest_backlog=fates.largest_backlog,
    )


def _borders(pressed: Pressed, came: Floats) -> Floats:
    """Return the ends of the stretches, seconds: the first is 0."""
    shares = np.linspace(0, 1, _STRETCHES + 1)
    if pressed.customers is None:
        if pressed.warmup is None:
            return shares * pressed.horizon
        return np.unique([0.0, pressed.warmup, pressed.horizon])
    cuts = shares * came.size
    if pressed.warmup is not None:
        cuts = np.unique([0.0, pressed.warmup, came.size])
    return np.asarray(np.append(0.0, came)[cuts.astype(int)], dtype=np.float64)
