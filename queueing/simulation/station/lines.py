"""One line before its servers, worked through block by block: customers in, visits out."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from queueing.simulation.station.arrivals import Arrivals, Renewals, moving
from queueing.simulation.station.loops import SERVED, first_come, limited, sources
from queueing.simulation.station.plan import StationPlan
from queueing.simulation.station.ranked import Ranked
from queueing.simulation.station.streams import Stream, stream_seed

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]

BLOCK = 32_768  # customers at a time: fewer, and Python's share of the time is felt
_ARRIVALS, _PATIENCE, _KINDS, _THINKING, _SERVICES = range(5)  # purposes; one more for each class


@dataclass(frozen=True, kw_only=True, eq=False)
class Visits:
    """Visits that are over or whose end is known, by arrival; `came` are the block's arrivals.

    `kinds` and `outcomes` are None where all are of one class, or all served. `spells` are the
    begins and ends of service and its class where these are not the ends of waits and stays.
    """

    came: Floats
    arrived: Floats
    waited: Floats
    stayed: Floats
    kinds: Whole | None = None
    outcomes: NDArray[Any] | None = None
    spells: tuple[Floats, Floats, Whole] | None = None


def visits(
    plan: StationPlan,
    seed: np.random.SeedSequence,
    *,
    customers: int | None,
    horizon: float,
    start: int = 0,
) -> Iterator[Visits]:
    """Yield a run's visits, of so many customers or of those who arrive before the horizon.

    `start` more come at time 0.
    """
    services = _Services(plan, seed, present=start)
    if plan.population:
        return _thinkers(plan, seed, services, customers=customers, horizon=horizon, start=start)
    blocks = _blocks(_arrivals(plan, seed), _expected(plan, horizon), customers, horizon, start)
    if plan.classes > 1 or plan.server_changes:
        return _ranked(plan, services, blocks)
    if plan.room is None and plan.patience is None:
        return _plain(plan, services, blocks)
    return _limited(plan, seed, services, blocks)


class _Services:
    """Services of the customers as they come, and the classes of these.

    Those present at first, who come in a block of their own, have streams of their own, so that the
    n-th arrival meets the same service however many they are.
    """

    def __init__(self, plan: StationPlan, seed: np.random.SeedSequence, *, present: int) -> None:
        own = [stream_seed(seed, _SERVICES + kind) for kind in range(plan.classes)]
        self._later = [Stream(*pair) for pair in zip(plan.services, own, strict=True)]
        self._streams = self._later
        if present and not plan.population:
            first = [stream_seed(one, 0) for one in own]
            self._streams = [Stream(*pair) for pair in zip(plan.services, first, strict=True)]
        self._ladder = np.cumsum(plan.shares)[:-1]
        self._rng = np.random.Generator(np.random.SFC64(stream_seed(seed, _KINDS)))

    def draw(self, size: int) -> Floats:
        streams, self._streams = self._streams, self._later
        return streams[0].draw(size)

    def draw_classes(self, size: int) -> tuple[Floats, Whole]:
        kinds = np.searchsorted(self._ladder, self._rng.random(size), side="right")
        services = np.empty(size)
        streams, self._streams = self._streams, self._later
        for kind, stream in enumerate(streams):
            mine = kinds == kind
            services[mine] = stream.draw(int(mine.sum()))
        return services, kinds


def _arrivals(plan: StationPlan, seed: np.random.SeedSequence) -> Arrivals:
    own = stream_seed(seed, _ARRIVALS)
    return Renewals(plan.gaps, own) if plan.rate is None else moving(plan.rate, own)


def _expected(plan: StationPlan, horizon: float) -> int:
    """Return a size for blocks: no more than are likely to come before the horizon."""
    if horizon == np.inf:
        return BLOCK
    count = horizon / plan.gaps.mean() if plan.gaps else plan.rate.cumulative(horizon)
    return int(min(BLOCK, count + 4 * np.sqrt(count) + 10))


def _blocks(
    arrivals: Arrivals, size: int, customers: int | None, horizon: float, start: int
) -> Iterator[tuple[Floats, bool]]:
    """Yield arrivals, and whether these are the last."""
    left = np.inf if customers is None else customers
    last = False
    if start:
        yield np.zeros(start), last
    while not last:
        moments = arrivals.draw(int(min(size, left)))
        inside = moments[: np.searchsorted(moments, horizon)] if horizon < np.inf else moments
        left -= moments.size
        last = left <= 0 or inside.size < moments.size
        yield inside, last


def _on_a_page(size: int) -> Floats:
    """Return zeros that start on a page of memory: vectors across two pages take twice the time."""
    table = np.zeros(size + 512)
    first = -(table.ctypes.data // table.itemsize) % 512
    return table[first : first + size]


def _plain(
    plan: StationPlan, services: _Services, blocks: Iterator[tuple[Floats, bool]]
) -> Iterator[Visits]:
    free = _on_a_page(0 if np.isinf(plan.servers) else int(plan.servers))
    for came, _ in blocks:
        stayed = services.draw(came.size)
        waited = np.zeros(came.size)
        if free.size:
            first_come(came, stayed, free, waited)
            stayed += waited
        yield Visits(came=came, arrived=came, waited=waited, stayed=stayed)


def _limited(
    plan: StationPlan,
    seed: np.random.SeedSequence,
    services: _Services,
    blocks: Iterator[tuple[Floats, bool]],
) -> Iterator[Visits]:
    free, size = _on_a_page(int(plan.servers)), 0
    leaving = np.zeros(plan.room or 0)
    stream = Stream(plan.patience, stream_seed(seed, _PATIENCE)) if plan.patience else None
    for came, _ in blocks:
        patience = stream.draw(came.size) if stream else np.zeros(0)
        waited, stayed = np.empty(came.size), np.empty(came.size)
        outcomes = np.empty(came.size, dtype=np.int8)
        size = limited(
            came, services.draw(came.size), patience, free, leaving, size, waited, stayed, outcomes
        )
        yield Visits(came=came, arrived=came, waited=waited, stayed=stayed, outcomes=outcomes)


def _thinkers(
    plan: StationPlan,
    seed: np.random.SeedSequence,
    services: _Services,
    *,
    customers: int | None,
    horizon: float,
    start: int,
) -> Iterator[Visits]:
    thinking = Stream(plan.thinking, stream_seed(seed, _THINKING))
    asking = thinking.draw(plan.population)
    asking[:start] = 0.0
    asking.sort()  # in order, they are a heap
    free = np.zeros(min(int(plan.servers), plan.population))
    left = np.inf if customers is None else customers
    while left > 0:
        size = int(min(BLOCK, left))
        came, waited, stayed = np.empty(size), np.empty(size), services.draw(size)
        sources(thinking.draw(size), stayed, asking, free, came, waited)
        stayed += waited
        inside = int(np.searchsorted(came, horizon))
        left = 0 if inside < size else left - size
        came, waited, stayed = came[:inside], waited[:inside], stayed[:inside]
        yield Visits(came=came, arrived=came, waited=waited, stayed=stayed)


def _ranked(
    plan: StationPlan, services: _Services, blocks: Iterator[tuple[Floats, bool]]
) -> Iterator[Visits]:
    line = Ranked(
        servers=int(plan.servers),
        changes=plan.server_changes,
        preemptive=plan.preemptive,
        room=plan.room or 0,
    )
    for came, last in blocks:
        lengths, kinds = services.draw_classes(came.size)
        over, spells = line.work(came, lengths, kinds, last=last)
        over = over[np.argsort(over["arrived"], kind="stable")]
        yield Visits(
            came=came,
            arrived=np.ascontiguousarray(over["arrived"]),
            waited=np.ascontiguousarray(over["waited"]),
            stayed=np.ascontiguousarray(over["stayed"]),
            kinds=over["kind"],
            outcomes=over["outcome"],
            spells=(
                np.ascontiguousarray(spells["begin"]),
                np.ascontiguousarray(spells["end"]),
                spells["kind"],
            ),
        )
    never = line.stranded
    if never.size:
        forever = np.full(never.size, np.inf)
        yield Visits(
            came=never[:0],
            arrived=never,
            waited=forever,
            stayed=forever,
            kinds=np.zeros(never.size, dtype=np.int64),
            outcomes=np.full(never.size, SERVED),
        )
