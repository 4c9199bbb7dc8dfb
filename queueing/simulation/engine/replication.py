"""One replication: a plan and a seed in, what happened out."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from queueing.simulation.engine import tables as tab
from queueing.simulation.engine.histogram import BINS, EDGES, quantile
from queueing.simulation.engine.loop import CROWDED, STALE, advance
from queueing.simulation.engine.memory import record
from queueing.simulation.engine.plan import Plan
from queueing.simulation.engine.world import World

Counts = NDArray[np.int64]

TOTALS = tuple(tab.TOTALS)
STEPS_OF_TIMELINE = record(
    time="f8",  # end of the step (s)
    users="f8",
    arrived="i8",
    served="i8",  # late ones included
    late="i8",
    shed="i8",
    failed="i8",
    p50="f8",  # of the response times of replies in this step (s)
    p95="f8",
    p99="f8",
    present="i8",  # requests on the servers, now
    queue_length="i8",  # jobs, now
    oldest_age="f8",  # of the job that is first in line, since it joined the line (s)
    backing_off="i8",  # jobs that will join the line again, now
    workers="i8",  # up and ready, now
    wanted_workers="i8",  # those that are down or boot included, now
    busy_threads="i8",  # of the workers, now
    events_waiting="i8",
)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a replication has measured: plain arrays, that may be sent to another process.

    `counts` and `latency` have a window (0: off the peak, 1: at it) as their first axis and a class
    as their second; `delivery` a window, by the time of submission, and a line (0: urgent).
    `totals` count from time 0.
    """

    horizon: float
    measured: float  # seconds, those before `Replication.forget` left out
    classes: tuple[str, ...]
    totals: dict[str, float]
    counts: NDArray[np.void]
    latency: Counts
    delivery: Counts
    visits: dict[str, tuple[int, float, float, float]]
    downtime: dict[str, float]
    timeline: NDArray[np.void]
    present: dict[str, int]

    def response(self, p: float, *, kind: str | None = None, window: str | None = None) -> float:
        """Return the p-quantile of the response time (s), of one class or all.

        `window` is "peak", "off peak" or None, both.
        """
        counts = self.latency[_windows(window)].sum(axis=0)
        return quantile(counts.sum(axis=0) if kind is None else counts[self._number(kind)], p)

    def mean_response(self, *, kind: str | None = None, window: str | None = None) -> float:
        """Return the mean response time (s) of the served."""
        return self._sum("time", kind, window) / max(self._sum("served", kind, window), 1)

    def answered(self, *, kind: str | None = None, window: str | None = None) -> float:
        """Return the share of requests that were answered within the deadline: the uptime."""
        lost = sum(self._sum(name, kind, window) for name in ("late", "shed", "failed"))
        return 1 - lost / max(self._sum("arrived", kind, window), 1)

    def delivered_within(
        self, p: float, *, line: str | None = None, window: str | None = None
    ) -> float:
        """Return the p-quantile of the time (s) from submission to delivery.

        `line` is "urgent", "others" or None, both; the window is that of the submission.
        """
        return quantile(self._deliveries(line, window), p)

    def mean_delivery(self, *, line: str | None = None, window: str | None = None) -> float:
        """Return the mean time (s) from submission to delivery, to 0.2 %."""
        counts = self._deliveries(line, window)
        return float(counts @ (EDGES[1:] + EDGES[:-1]) / 2 / max(counts.sum(), 1))

    def busy(self, resource: str) -> float:
        """Return the mean number busy: slots, processors, a pool's places, threads."""
        return self.visits[resource][3] / self.measured

    def mean_wait(self, resource: str) -> float:
        """Return the mean wait (s) for a resource, of those who did not wait too."""
        visits, _, wait, _ = self.visits[resource]
        return wait / max(visits, 1)

    def wait_probability(self, resource: str) -> float:
        """Return the share of visits to a resource that had to wait."""
        visits, waited, _, _ = self.visits[resource]
        return waited / max(visits, 1)

    @property
    def unaccounted(self) -> dict[str, int]:
        """What came, less what left and what is still there: 0 requests, jobs and events."""
        total = self.totals
        gone = {
            "requests": total["served"] + total["shed"] + total["failed"],
            "jobs": total["delivered"] + total["dead"],
            "events": total["consumed"] + total["events_lost"] + total["events_failed"],
        }
        came = {"requests": "arrived", "jobs": "submitted", "events": "told"}
        return {name: int(total[came[name]] - gone[name] - self.present[name]) for name in came}

    def _deliveries(self, line: str | None, window: str | None) -> Counts:
        lines = _slice("line", line, ("urgent", "others"))
        return self.delivery[_windows(window), lines].sum(axis=(0, 1))

    def _number(self, kind: str) -> int:
        if kind not in self.classes:
            raise ValueError(f"no class is named {kind!r}; there are {', '.join(self.classes)}")
        return self.classes.index(kind)

    def _sum(self, field: str, kind: str | None, window: str | None) -> float:
        counts = self.counts[field][_windows(window)].sum(axis=0)
        return float(counts.sum() if kind is None else counts[self._number(kind)])


def _windows(name: str | None) -> slice:
    return _slice("window", name, ("off peak", "peak"))


def _slice(what: str, name: str | None, names: tuple[str, str]) -> slice:
    if name is None:
        return slice(None)
    if name not in names:
        raise ValueError(f"{what} must be {names[0]!r}, {names[1]!r} or None, got {name!r}")
    return slice(names.index(name), names.index(name) + 1)


class Replication:
    """A run that can be stopped anywhere, asked, and taken on.

    The same plan and seed give the same bits, whatever else runs beside it.
    """

    def __init__(self, plan: Plan, seed: np.random.SeedSequence, *, failures: bool = True) -> None:
        if not isinstance(seed, np.random.SeedSequence):
            raise TypeError(f"seed must be a numpy.random.SeedSequence, got {seed!r}")
        self.plan = plan
        self._world = World(plan, seed, failures=failures)
        self._measured_from = 0.0
        self._timeline: list[NDArray[np.void]] = []
        self._before = self._so_far()

    @property
    def now(self) -> float:
        """Seconds since the start."""
        return float(self._world.header["now"])

    def run(self, until: float) -> None:
        """Go on to time `until` (s)."""
        while (state := advance(self._world.header, until)) == CROWDED:
            self._world.enlarge()
        if state == STALE:
            raise RuntimeError("the compiled event loop is older than its sources: restart Python")

    def run_in_steps(
        self, until: float, step: float, watch: Callable[[float], None] | None = None
    ) -> None:
        """Go on to time `until` (s), noting a row of the timeline, and calling `watch`, each step.

        `watch` gets the clock (s). An exception from it, or Ctrl-C, ends the run between two steps.
        """
        for number in range(int(np.floor(self.now / step)) + 1, int(np.ceil(until / step)) + 1):
            self.run(min(number * step, until))
            self._note_step()
            if watch is not None:
                watch(self.now)

    def forget(self) -> None:
        """Measure from here on, after a warm-up. The totals, which prove conservation, go on."""
        for name in tab.MEASURED:
            self._world.tables[name][...] = np.zeros(1, tab.TABLES[name])
        self._measured_from = self.now
        self._before = self._so_far()

    def outcome(self) -> Outcome:
        """Return what has been measured until now."""
        world, header = self._world, self._world.header
        names = ["slots", "processors", "workers", "sinks", "delays"]
        names += [pool.name for pool in self.plan.pools]
        rows = world.tables["visits"].tolist()
        return Outcome(
            horizon=self.now,
            measured=self.now - self._measured_from,
            classes=tuple(kind.name for kind in self.plan.classes),
            totals={name: header[name].item() for name in TOTALS},
            counts=self._counts().copy(),
            latency=self._latency().copy(),
            delivery=world.tables["delivery"]["value"].reshape(2, 2, BINS).copy(),
            visits=dict(zip(names, rows, strict=True)),
            downtime=self._downtime(),
            timeline=np.concatenate([np.zeros(0, STEPS_OF_TIMELINE), *self._timeline]),
            present=self._present(),
        )

    def _counts(self) -> NDArray[np.void]:
        return self._world.tables["class_counts"].reshape(2, -1)

    def _latency(self) -> Counts:
        return self._world.tables["latency"]["value"].reshape(2, -1, BINS)

    def _so_far(self) -> tuple[dict[str, int], Counts]:
        """Return counts of all classes and windows together, and of all their response times."""
        names = ("arrived", "served", "late", "shed", "failed")
        counts = {name: int(self._counts()[name].sum()) for name in names}
        return counts, self._latency().sum(axis=(0, 1))

    def _note_step(self) -> None:
        world, header = self._world, self._world.header
        row = np.zeros(1, STEPS_OF_TIMELINE)
        counts, latency = self._so_far()
        for name, count in counts.items():
            row[name] = count - self._before[0][name]
        for p in (50, 95, 99):
            row[f"p{p}"] = quantile(latency - self._before[1], p / 100)
        lines, workers = world.tables["lines"], world.tables["workers"]
        ages = [
            self.now - world.tables["jobs"]["queued"][line["first"]]
            for line in lines
            if line["length"]
        ]
        row["time"], row["users"] = self.now, self.plan.users.at(self.now)
        row["present"] = world.tables["servers"]["present"].sum()
        row["queue_length"], row["oldest_age"] = lines["length"].sum(), max(ages, default=0.0)
        row["backing_off"], row["events_waiting"] = header["backing_off"], header["events_waiting"]
        row["workers"] = np.sum(workers["up"] & workers["booted"])
        row["wanted_workers"] = np.sum(workers["wanted"])
        row["busy_threads"] = world.tables["runners"]["busy"].sum()
        self._timeline.append(row)
        self._before = counts, latency

    def _downtime(self) -> dict[str, float]:
        """Return seconds down, of each managed part and of all servers, workers, sinks together."""
        parts = self._world.tables["parts"]
        seconds = parts["down_time"] + np.where(parts["up"] == 1, 0.0, self.now - parts["since"])
        managed = parts["kind"] == tab.MANAGED
        down = dict(zip(self.plan.parts, seconds[managed].tolist(), strict=True))
        for kind, name in ((tab.SERVER, "servers"), (tab.WORKER, "workers"), (tab.SINK, "sinks")):
            down[name] = float(seconds[parts["kind"] == kind].sum())
        return down

    def _present(self) -> dict[str, int]:
        """Count who is still there."""
        header, tables = self._world.header, self._world.tables
        here = tables["requests"]["kind"][tables["requests"]["present"] == 1]
        hooks = int(np.sum(here == header["hook_class"]))
        held = np.ones(len(tables["jobs"]), dtype=bool)
        row = int(header["free_job"])
        while row != tab.NONE:
            held[row] = False
            row = int(tables["jobs"]["next"][row])
        on_their_way = header["events_size"] + header["events_waiting"] + header["hooks_pending"]
        return {
            "requests": len(here) - hooks,
            "jobs": int(np.sum(held & (tables["jobs"]["outcome"] == tab.OPEN))),
            "events": int(on_their_way) + hooks,
        }


def replicate(
    plan: Plan,
    seed: np.random.SeedSequence,
    *,
    failures: bool = True,
    step: float = 300.0,
    watch: Callable[[float], None] | None = None,
) -> Outcome:
    """Return what happens in one run of a plan over its users' whole horizon.

    Seeds of independent runs come from `SeedSequence.spawn`. Raises `RuntimeError` if a request, a
    job or an event has been lost or made: a defect of the engine.
    """
    replication = Replication(plan, seed, failures=failures)
    replication.run_in_steps(plan.users.horizon, step, watch)
    outcome = replication.outcome()
    if any(outcome.unaccounted.values()):
        raise RuntimeError(f"the engine has lost count: {outcome.unaccounted}")
    return outcome
