"""One replication of a station: a plan and a seed in, sums, histograms and a timeline out."""

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from queueing.simulation.replicate import Stopped
from queueing.simulation.station import tally
from queueing.simulation.station.lines import Visits, visits
from queueing.simulation.station.loops import ABANDONED, BLOCKED, SERVED
from queueing.simulation.station.plan import StationPlan
from queueing.simulation.station.reduction import Reduction
from queueing.simulation.station.translate import plan_of

Floats = NDArray[np.float64]

_CUTS = 16  # places in the first half of a run where a warm-up may end
_DRAWN = 1000  # customers of the path to draw


@dataclass(frozen=True, kw_only=True)
class Extent:
    """How long a run is, what is left out at its beginning, and what is noted on the way."""

    customers: int | None = None
    horizon: float = np.inf  # seconds
    warmup: float | None = None  # customers or seconds, as the run is measured; None: by MSER-5
    steps: int = 0  # rows of the timeline
    start: int = 0  # customers present at time 0
    reduction: Reduction | None = None

    @property
    def cuts(self) -> Floats:
        """Where counting may begin, in customers or seconds."""
        length = self.horizon if self.customers is None else self.customers
        if self.warmup is not None:
            return np.unique([0.0, self.warmup])
        cuts = np.arange(_CUTS + 1) * length / (2 * _CUTS)
        return cuts if self.customers is None else np.unique(np.floor(cuts))


@dataclass(frozen=True, kw_only=True, eq=False)
class Histogram:
    """Counts of times, trimmed to those bins that hold any."""

    first: int
    counts: NDArray[np.int64]
    zeros: int
    unit: float  # seconds

    @classmethod
    def of(cls, counts: NDArray[Any], zeros: int, unit: float) -> "Histogram":
        """Return the histogram of counts in all bins."""
        held = np.flatnonzero(counts)
        first, end = (int(held[0]), int(held[-1]) + 1) if held.size else (0, 0)
        return cls(first=first, counts=counts[first:end].copy(), zeros=zeros, unit=unit)

    def quantile(self, p: float) -> float:
        """Return the time (s) that a share `p` does not exceed."""
        counts = np.zeros(tally.BINS, dtype=np.int64)
        counts[self.first : self.first + self.counts.size] = self.counts
        return self.unit * tally.quantile(counts, self.zeros, p)


@dataclass(frozen=True, kw_only=True, eq=False)
class Run:
    """What one replication measured, behind its warm-up; rows are classes."""

    number: int
    seconds: float
    warmup: float  # customers or seconds left out
    sums: Floats
    server_seconds: float
    waits: tuple[Histogram, ...]
    stays: tuple[Histogram, ...]
    timeline: dict[str, Floats] = field(default_factory=dict)
    path: dict[str, Floats] = field(default_factory=dict)
    exact: "Run | None" = None  # the exact model's run with the same random numbers


def run(
    plan: StationPlan,
    extent: Extent,
    seed: np.random.SeedSequence,
    stop: Callable[[], bool],
) -> "Run | Record":
    """Run one replication to its end; raises `Stopped` when told to stop.

    Where the warm-up is still to be found, the whole record is returned.
    """
    number = int(seed.spawn_key[-1]) if seed.spawn_key else 0
    record = _recorded(plan, extent, number, seed, stop)
    if extent.reduction and extent.reduction.exact:
        exact = plan_of(extent.reduction.exact)
        found = extent.reduction.stationary(seed, number)  # by the clock; a customer adds himself
        present = replace(extent, start=found + (extent.customers is not None))
        record.exact = _recorded(exact, present, number, seed, stop)
    return record if extent.warmup is None else record.behind(extent.cuts.size - 1)


def _recorded(
    plan: StationPlan,
    extent: Extent,
    number: int,
    seed: np.random.SeedSequence,
    stop: Callable[[], bool],
) -> "Record":
    record = Record(plan, extent, number)
    if extent.reduction:
        plan = extent.reduction.drawn(plan, number)
        seed = extent.reduction.seed(seed, number)
    for block in visits(
        plan, seed, customers=extent.customers, horizon=extent.horizon, start=extent.start
    ):
        if stop():
            raise Stopped
        record.add(block)
    return record


class Record:
    """What is counted as the visits of a run go by, apart for each stretch between two cuts."""

    def __init__(self, plan: StationPlan, extent: Extent, number: int) -> None:
        self._number = number
        self._plan, self._extent = plan, extent
        self._cuts = extent.cuts
        self._unit = plan.mean_service or 1.0
        cells = (self._cuts.size, plan.classes)
        self._sums = np.zeros((*cells, tally.SUMS))
        self._histograms = np.zeros((*cells, 2, tally.BINS), dtype=np.int32)
        self._batches = np.zeros(tally.BATCHES)
        self._batching = np.array([0, 0, tally.batch_size(extent.customers or 0)])
        self._borders = np.append(self._cuts, np.inf)  # seconds, as far as they are known
        if extent.customers is not None:
            self._borders[1:] = np.inf
        else:
            self._borders[-1] = extent.horizon
        self._since = np.zeros(self._cuts.size)  # when counting would begin
        self._came, self._next, self._last = 0, 0, 0.0
        steps = extent.steps + 2  # the last takes what lies beyond
        self._changes = np.zeros((2, steps))
        names = ("came", "lost", "gone", "wait")
        self._step_sums = {name: np.zeros(extent.steps) for name in names}
        self._path: list[Floats] = []
        self.exact: Record | None = None

    def add(self, block: Visits) -> None:
        """Count a block of visits."""
        self._note_cuts(block.came[self._present(block) :])
        if self._extent.warmup is None:
            tally.batch(block.waited, self._batches, self._batching)
        if block.arrived.size:
            self._count_all(block)
        if self._extent.customers is None:
            self._spread(block)
        left = _DRAWN - sum(part.shape[1] for part in self._path)
        if self._number == 0 and left > 0:
            first = (block.arrived, block.waited, block.stayed)
            self._path.append(np.array([times[:left] for times in first]))

    def _count_all(self, block: Visits) -> None:
        """Count visits, each in the stretch in which it began."""
        first = bisect_right(self._borders, block.arrived[0], hi=self._cuts.size) - 1
        last = bisect_right(self._borders, block.arrived[-1], first, self._cuts.size) - 1
        inner = np.searchsorted(block.arrived, self._borders[first + 1 : last + 1])
        edges = [self._present(block), *inner.tolist(), block.arrived.size]
        for number in range(last + 1 - first):
            stretch = slice(edges[number], edges[number + 1])
            for kind in range(self._plan.classes):
                self._count(block, stretch, first + number, kind)

    def _present(self, block: Visits) -> int:
        """Return how many of a block were there at time 0, and are no arrivals."""
        if not self._extent.start:
            return 0
        return int(np.searchsorted(block.arrived, 0.0, side="right"))

    def _note_cuts(self, came: Floats) -> None:
        """Note when the customers came with whom counting may begin."""
        if came.size == 0:
            return
        self._last = float(came[-1])
        if self._extent.customers is None:
            return
        end = self._came + came.size
        while self._next < self._cuts.size and self._cuts[self._next] <= end:
            cut = int(self._cuts[self._next]) - self._came
            if cut > 0:
                self._since[self._next] = came[cut - 1]
            if cut == came.size:
                break  # the one behind has not come yet
            self._borders[self._next] = came[cut] if self._next else 0.0
            self._next += 1
        self._came = end

    def _count(self, block: Visits, stretch: slice, place: int, kind: int) -> None:
        """Count those of one stretch and one class."""
        sums = self._sums[place, kind]
        waited, stayed = block.waited[stretch], block.stayed[stretch]
        if block.outcomes is not None:
            outcomes = block.outcomes[stretch]
            if block.kinds is not None:
                mine = block.kinds[stretch] == kind
                waited, stayed, outcomes = waited[mine], stayed[mine], outcomes[mine]
            accepted = outcomes != BLOCKED
            sums[tally.LOST] += outcomes.size - np.sum(accepted)
            sums[tally.ABANDONED] += np.sum(outcomes == ABANDONED)
            waited, stayed = waited[accepted], stayed[accepted]
        waits, stays = self._histograms[place, kind]
        tally.count(waited, stayed, 1 / self._unit, sums, waits, stays)

    def _spread(self, block: Visits) -> None:
        """Add up how many were there and in service, over stretches of time and at steps."""
        ends = block.arrived + block.stayed
        begins, spells, kinds = block.arrived + block.waited, ends, block.kinds
        if block.spells is not None:
            begins, spells, kinds = block.spells
        step = self._extent.horizon / max(self._extent.steps, 1)
        for kind in range(self._plan.classes):
            mine = slice(None) if block.kinds is None else block.kinds == kind
            own = slice(None) if kinds is None else kinds == kind
            for row, begin, end in (
                (0, block.arrived[mine], ends[mine]),
                (1, begins[own], spells[own]),
            ):
                areas = self._sums[:, kind, tally.NUMBER + row].copy()
                tally.spread(begin, end, self._borders, areas, step, self._changes[row])
                self._sums[:, kind, tally.NUMBER + row] = areas
            left = ends[mine]
            if block.outcomes is not None:
                left = left[block.outcomes[mine] == SERVED]
            gone = [np.count_nonzero(left < border) for border in self._borders]
            self._sums[:, kind, tally.DONE] += np.diff(gone)
        self._note_steps(block, step)

    def _note_steps(self, block: Visits, step: float) -> None:
        steps = self._extent.steps
        if not steps:
            return
        new = slice(self._present(block), None)
        place = np.minimum((block.arrived[new] / step).astype(int), steps - 1)
        outcomes = None if block.outcomes is None else block.outcomes[new]
        waited = block.waited[new]
        self._step_sums["came"] += np.bincount(place, minlength=steps)
        self._step_sums["wait"] += np.bincount(place, waited, minlength=steps)
        if outcomes is not None:
            self._step_sums["lost"] += np.bincount(place, outcomes == BLOCKED, minlength=steps)
            self._step_sums["gone"] += np.bincount(place, outcomes == ABANDONED, minlength=steps)

    @property
    def batches(self) -> Floats:
        """The mean waits of all batches that are full, in order."""
        full, _, size = self._batching
        return self._batches[:full] / size

    def behind(self, cut: int) -> Run:
        """Return what was counted from a cut on."""
        sums = self._sums[cut:].sum(axis=0)
        extent = self._extent
        if extent.customers is None:
            since, until = float(self._cuts[cut]), extent.horizon
        else:
            since, until = float(self._since[cut]), self._last
            served = sums[:, tally.ACCEPTED] - sums[:, tally.ABANDONED]
            sums[:, tally.NUMBER], sums[:, tally.DONE] = sums[:, tally.STAY], served
            sums[:, tally.BUSY] = sums[:, tally.STAY] - sums[:, tally.WAIT]
        zeros = (sums[:, tally.ACCEPTED] - sums[:, tally.WAITED]).astype(int)
        counts = self._histograms[cut:].sum(axis=0, dtype=np.int64)
        return Run(
            number=self._number,
            seconds=until - since,
            warmup=float(self._cuts[cut]),
            sums=sums,
            server_seconds=self._servers_between(since, until),
            waits=tuple(
                Histogram.of(row, int(z), self._unit)
                for row, z in zip(counts[:, 0], zeros, strict=True)
            ),
            stays=tuple(Histogram.of(row, 0, self._unit) for row in counts[:, 1]),
            timeline=self._timeline(),
            path=self._first_visits(),
            exact=None if self.exact is None else self.exact.behind(cut),
        )

    def _servers_between(self, since: float, until: float) -> float:
        """Return the integral of the number of servers."""
        times = [0.0, *(time for time, _ in self._plan.server_changes), np.inf]
        levels = [self._plan.servers, *(count for _, count in self._plan.server_changes)]
        inside = np.diff(np.clip(times, since, until))
        return float(inside @ np.asarray(levels, dtype=float)) if until > since else 0.0

    def _timeline(self) -> dict[str, Floats]:
        """Return what there is at the end of each step, and what came in it."""
        if not self._extent.steps:
            return {}
        present, busy = np.cumsum(self._changes, axis=1)[:, 1:-1]
        return {"present": present, "busy": busy, **self._step_sums}

    def _first_visits(self) -> dict[str, Floats]:
        rows = np.concatenate(self._path, axis=1) if self._path else np.zeros((3, 0))
        return dict(zip(("arrived", "waited", "stayed"), rows, strict=True))
