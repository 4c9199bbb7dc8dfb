"""From a plan to the tables of a run, and the memory that the compiled loop works on."""

import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from queueing.backpressure import BacklogAutoscaler
from queueing.distributions import Distribution, deterministic
from queueing.simulation.engine import tables as tab
from queueing.simulation.engine.agenda import ENTRY, empty_agenda
from queueing.simulation.engine.chance import exponential_strips, normal_strips, seed_header
from queueing.simulation.engine.histogram import BINS
from queueing.simulation.engine.law_table import law_row
from queueing.simulation.engine.loop import SOURCES
from queueing.simulation.engine.plan import Events, Jobs, Outages, Plan, Step, Users

Table = NDArray[np.void]

ACTIONS = ("processor", "pool", "delay", "submit", "attempt")  # by their numbers in `tables`
ROUTINGS = ("fewest", "turns", "random")
CONSUMERS = ("nobody", "sinks", "workers", "hooks")
FIRST_CAPACITY = 4096
_ARRIVALS, _RATES, _PARTS = range(2**31, 2**31 + 3)  # streams of a run that keep to themselves
USERS_EVERY = 1.0  # seconds between two looks at how many closed users there should be


class World:
    """The header and the tables of a run at time 0, nobody present.

    Without `failures` no part ever fails. The header knows the tables by their addresses, so that
    they have to be kept here for as long as the loop runs.
    """

    def __init__(self, plan: Plan, seed: np.random.SeedSequence, *, failures: bool = True) -> None:
        self._header = np.zeros(1, tab.HEADER)
        self.header: Any = self._header[0]
        self.tables: dict[str, Table] = {}
        for name, value in _settings(plan).items():
            self.header[name] = value
        seed_header(self.header, seed)
        self.header["key"] = _key(seed, _ARRIVALS)
        tables = _tables(plan, self.header, failures=failures)
        tables["knots"] = _knots(plan.users, seed)
        names = [*map(_number_of_name, plan.parts), *[0] * (len(tables["parts"]) - len(plan.parts))]
        tables["parts"]["key"] = [
            _key(seed, _PARTS, int(row["kind"]), int(row["unit"]), name)
            for row, name in zip(tables["parts"], names, strict=True)
        ]
        for name, table in tables.items():
            self._place(name, table)

    def enlarge(self) -> None:
        """Double the tables that are nearly full."""
        header, jobs = self.header, self.tables["jobs"]
        header["crowded"] = 0
        if header["spare_jobs"] < len(jobs) // 2:
            jobs = np.concatenate([jobs, _free_rows(len(jobs), tab.JOB, first=len(jobs))])
            jobs["next"][-1] = header["free_job"]
            header["free_job"] = len(jobs) // 2
            header["spare_jobs"] += len(jobs) // 2
            self._place("jobs", jobs)
        for name in ("events", "timers"):
            table = self.tables[name]
            if header[name + "_size"] > len(table) // 2:
                self._place(name, np.concatenate([table, np.zeros(len(table), ENTRY)]))

    def _place(self, name: str, table: Table) -> None:
        self.tables[name] = table
        self.header[name], self.header["n_" + name] = table.ctypes.data, len(table)


def _settings(plan: Plan) -> dict[str, float]:
    """Return the header's fields at time 0 that are not 0."""
    users, servers, parts = plan.users, plan.servers, list(plan.parts)
    jobs, events = plan.jobs, plan.events
    runners = jobs.most_workers * jobs.threads if jobs else 0
    return {
        "sources": SOURCES,
        "reserve": 16 + 2 * runners + (events.per_delivery if events else 0),
        "deadline": plan.deadline,
        "entry_delay": servers.entry_delay,
        "arrival_shift": 0.0 if users.closed else servers.entry_delay,
        "think_time": users.think_time,
        "peak_users": users.peak_fraction * max(users.users),
        "cycle": users.cycle,
        "users_every": USERS_EVERY,
        "closed": users.closed,
        "classes": len(plan.classes),
        "routing": ROUTINGS.index(servers.routing),
        "entry_part": _number(servers.entry_part, parts),
        "waiting_room": servers.waiting_room,
        "first_processors": len(plan.pools),
        "inline_failure_probability": plan.inline_failure_probability,
        "threads": 1,
        "queue_part": tab.NONE,
        "stream_part": tab.NONE,
        "hook_class": tab.NONE,
        "next_arrival": np.inf,
        "next_hook": np.inf,
        "spare_jobs": FIRST_CAPACITY,
        **(_job_settings(jobs, parts) if jobs else {}),
        **(_scaling_settings(jobs.autoscaling) if jobs and jobs.autoscaling else {}),
        **(_event_settings(events, parts, len(plan.classes)) if events else {}),
    }


def _job_settings(jobs: Jobs, parts: Sequence[str]) -> dict[str, float]:
    return {
        "queue_part": _number(jobs.part, parts),
        "failure_probability": jobs.failure_probability,
        "max_attempts": jobs.max_attempts,
        "backoff": jobs.backoff,
        "backoff_factor": jobs.backoff_factor,
        "visibility_timeout": jobs.visibility_timeout,
        "urgent_share": jobs.urgent_share,
        "threads": jobs.threads,
    }


def _scaling_settings(scaling: BacklogAutoscaler) -> dict[str, float]:
    return {
        "scale_target": scaling.target_per_worker,
        "scale_interval": scaling.interval,
        "boot_time": scaling.boot_time,
        "scale_in_after": scaling.scale_in_after,
        "minimum_workers": scaling.minimum,
        "maximum_workers": scaling.maximum,
    }


def _event_settings(events: Events, parts: Sequence[str], classes: int) -> dict[str, float]:
    return {
        "consumer": CONSUMERS.index(events.consumer),
        "per_delivery": events.per_delivery,
        "streamed": events.put is not None,
        "stream_part": _number(events.part, parts),
        "rate_limit": events.rate_limit,
        "buffer": events.buffer * events.sinks,
        "sink_threads": events.threads,
        "free_sinks": events.threads * events.sinks,
        "hook_delay": events.hook_delay,
        "hook_class": classes if events.consumer == "hooks" else tab.NONE,
    }


def _number(name: str | None, names: Sequence[str]) -> int:
    return tab.NONE if name is None else names.index(name)


class _Laws:
    """Numbers the laws of a plan; law 0 takes no time."""

    def __init__(self) -> None:
        self.rows = [law_row(deterministic(mean=0))]

    def add(self, law: Distribution | None) -> int:
        if law is None:
            return 0
        self.rows.append(law_row(law))
        return len(self.rows) - 1

    def add_all(self, laws: Sequence[Distribution]) -> Table:
        return _numbers([self.add(law) for law in laws], tab.NUMBER)


def _tables(plan: Plan, header: Any, *, failures: bool) -> dict[str, Table]:
    """Return every table at time 0; note in the header which laws the events follow."""
    laws, servers, jobs, events = _Laws(), plan.servers, plan.jobs, plan.events
    header["put_law"] = laws.add(events.put if events else None)
    header["consume_law"] = laws.add(events.consume if events else None)
    attempt = jobs.attempt if jobs else ()
    failed_attempt = jobs.failed_attempt if jobs and jobs.failed_attempt is not None else attempt
    runners = jobs.most_workers * jobs.threads if jobs else 0
    sinks, sink_threads = (events.sinks, events.threads) if events else (0, 1)
    steps, first_steps = _steps(plan, laws)
    units = _parts(plan, failures=failures)
    capacity = FIRST_CAPACITY + 4 * (int(header["reserve"]) + len(units) + sinks * sink_threads)
    return {
        "exponential_strips": exponential_strips(),
        "normal_strips": normal_strips(),
        "attempt_laws": laws.add_all(attempt),
        "failed_attempt_laws": laws.add_all(failed_attempt),
        "laws": np.concatenate(laws.rows),
        "class_limits": _class_limits(plan),
        "first_steps": first_steps,
        "steps": steps,
        "servers": _rows(servers.count, tab.SERVER_ROW, free=servers.slots, up=1),
        "stations": _stations(plan),
        "parts": units,
        "requests": _free_rows(servers.count * (servers.slots + servers.waiting_room), tab.REQUEST),
        "jobs": _free_rows(FIRST_CAPACITY, tab.JOB),
        "lines": np.zeros(2, tab.LINE),
        "runners": np.zeros(runners, tab.RUNNER),
        "free_runners": np.zeros(runners, tab.NUMBER),
        "workers": _workers(jobs),
        "sinks": _rows(sinks, tab.UNIT, free=sink_threads, up=1),
        "agenda": empty_agenda(servers.count * servers.slots),
        "events": empty_agenda(capacity),
        "timers": empty_agenda(capacity),
        "visits": np.zeros(tab.FIRST_POOL + len(plan.pools), tab.VISITS),
        "class_counts": np.zeros(2 * len(plan.classes), tab.CLASS_COUNT),
        "latency": np.zeros(2 * len(plan.classes) * BINS, tab.COUNT),
        "delivery": np.zeros(2 * 2 * BINS, tab.COUNT),
    }


def _steps(plan: Plan, laws: _Laws) -> tuple[Table, Table]:
    """Return every class's steps, one class after the other, each closed by a reply, and firsts."""
    rows: list[tuple[float, ...]] = []
    firsts = []
    for kind in plan.all_classes:
        firsts.append(len(rows))
        rows += [_step(plan, step, laws) for step in kind.steps]
        rows.append((tab.REPLY, 0, tab.NONE, tab.DELAYS, tab.NONE, 0, 0.0, 0))
    return np.array(rows, tab.STEP), _numbers(firsts, tab.NUMBER)


def _step(plan: Plan, step: Step, laws: _Laws) -> tuple[float, ...]:
    pool = _number(step.pool, [pool.name for pool in plan.pools])
    part = step.part if step.part is not None or pool == tab.NONE else plan.pools[pool].part
    elsewhere = tab.PROCESSORS if step.action == "processor" else tab.DELAYS
    return (
        ACTIONS.index(step.action),
        laws.add(step.law),
        pool,
        elsewhere if pool == tab.NONE else tab.FIRST_POOL + pool,
        _number(part, list(plan.parts)),
        step.optional,
        step.skip_probability,
        step.skip_steps,
    )


def _class_limits(plan: Plan) -> Table:
    limits = np.cumsum([kind.share for kind in plan.classes])
    limits[-1] = 2.0  # rounding must leave no request without a class
    return _numbers(limits, tab.LIMIT)


def _key(seed: np.random.SeedSequence, *purpose: int) -> np.uint64:
    """Return the key of a stream of a run's own, the same whatever else the plan has."""
    stream = np.random.SeedSequence(seed.entropy, spawn_key=(*seed.spawn_key, *purpose))
    return np.uint64(stream.generate_state(1, np.uint64)[0])


def _number_of_name(name: str) -> int:
    return zlib.crc32(name.encode())


def _knots(users: Users, seed: np.random.SeedSequence) -> Table:
    """Return the users' curve; where its rate is random a factor for every window."""
    times, factors = np.asarray(users.times, dtype=float), np.ones(1)
    edges = np.zeros(1)
    if users.rate_scv:
        edges = np.arange(0.0, users.horizon, users.rate_window)
        times = np.union1d(times, edges)
        own = np.random.default_rng(_key(seed, _RATES))
        factors = own.gamma(1 / users.rate_scv, users.rate_scv, edges.size)
    table = np.zeros(times.size, tab.KNOT)
    table["time"], table["users"] = times, users.at(times)
    table["slope"][:-1] = np.diff(table["users"]) / np.diff(table["time"])
    table["factor"] = factors[np.searchsorted(edges, times, side="right") - 1]
    return table


def _stations(plan: Plan) -> Table:
    table = _rows(len(plan.pools) + plan.servers.count, tab.STATION, first=tab.NONE)
    table["free"] = plan.servers.processors
    table["free"][: len(plan.pools)] = [pool.places for pool in plan.pools]
    return table


def _parts(plan: Plan, *, failures: bool) -> Table:
    """Return what can fail: managed parts first, since steps name them by their number."""
    jobs, events = plan.jobs, plan.events
    groups: list[tuple[int, int, Outages | None]] = [
        *((tab.MANAGED, 1, outages) for outages in plan.parts.values()),
        (tab.SERVER, plan.servers.count, plan.servers.outages),
        (tab.WORKER, jobs.most_workers if jobs else 0, jobs.outages if jobs else None),
        (tab.SINK, events.sinks if events else 0, events.outages if events else None),
    ]
    rows = [
        (outages.mean_up, outages.mean_down, 0.0, 0.0, 1, kind, unit, 0, 0)
        if outages and failures
        else (np.inf, 0.0, 0.0, 0.0, 1, kind, unit, 0, 0)
        for kind, count, outages in groups
        for unit in range(count)
    ]
    return np.array(rows, tab.PART_ROW)


def _workers(jobs: Jobs | None) -> Table:
    table = _rows(jobs.most_workers if jobs else 0, tab.UNIT, up=1)
    if jobs is not None:
        scaling = jobs.autoscaling
        started = max(jobs.workers, scaling.minimum) if scaling else jobs.workers
        table["wanted"][:started] = table["booted"][:started] = 1
    return table


def _rows(count: int, dtype: np.dtype[np.void], **values: float) -> Table:
    table = np.zeros(count, dtype)
    for name, value in values.items():
        table[name] = value
    return table


def _numbers(values: Sequence[float] | NDArray[np.float64], dtype: np.dtype[np.void]) -> Table:
    table = np.zeros(len(values), dtype)
    table["value"] = values
    return table


def _free_rows(count: int, dtype: np.dtype[np.void], first: int = 0) -> Table:
    """Return rows in a chain of free ones: `first` names the one behind it, the last names none."""
    table = np.zeros(count, dtype)
    table["next"] = np.arange(first + 1, first + count + 1)
    table["next"][-1] = tab.NONE
    return table
