"""The run by chance: a design on the event engine, every request, replication by replication."""

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from queueing import checks
from queueing.scenario.cost import usd_month
from queueing.scenario.design import Design
from queueing.scenario.plan import PRIORITIES
from queueing.scenario.scenario import Scenario
from queueing.scenario.translate import engine_plan
from queueing.simulation import engine
from queueing.simulation.estimate import Estimate
from queueing.simulation.replicate import Stopped, replicate, seeds

Floats = NDArray[np.float64]

_HOUR = 3600.0
STEP_S = 300.0  # between two rows of a timeline
_P95 = 95 / 100
_BAND = (5 / 100, 95 / 100)  # of the replications, around the mean of a timeline
COUNTED = ("arrived", "served", "shed", "failed", "submitted", "delivered", "dead", "duplicates")
_TIMELINE = {
    "users": "users",
    "backlog": "queue_length",
    "oldest_mail_s": "oldest_age",
    "workers": "workers",
}


@dataclass(frozen=True, kw_only=True)
class Run:
    """What one replication measured; times in the unit of each name."""

    p95_ms: float
    class_p95_ms: dict[str, float]
    p95_run_ms: float
    uptime: float
    delivery_p95_s: float
    delivery_by_priority_p95_s: dict[str, float]
    worst_backlog: float
    oldest_mail_s: float
    worker_load: float
    paid_workers: float  # in the mean, read every five minutes
    counts: dict[str, int]
    timeline: pd.DataFrame  # by five minutes: users, backlog, oldest_mail_s, workers, p95_ms
    changes: int


def run(plan: engine.Plan, seed: np.random.SeedSequence, stop: Callable[[], bool]) -> Run:
    """Run one replication to its end, and check that nothing was lost on the way.

    Raises `Stopped` when told to stop, `RuntimeError` if requests, mails or events do not add up.
    """

    def watch(_now: float) -> None:
        if stop():
            raise Stopped

    return _measured(plan, engine.replicate(plan, seed, step=STEP_S, watch=watch))


def _measured(plan: engine.Plan, outcome: engine.Outcome) -> Run:
    """Return what the contract asks of an outcome."""
    totals, rows = outcome.totals, outcome.timeline
    workers = float(rows["wanted_workers"].mean()) if plan.jobs else 0.0
    threads = workers * plan.jobs.threads if plan.jobs else 0
    urgent = plan.jobs.urgent_share if plan.jobs else 0
    timeline = {name: rows[field] for name, field in _TIMELINE.items()}
    hours = pd.Index(rows["time"] / _HOUR, name="hour")
    return Run(
        p95_ms=1000 * outcome.response(_P95, window="peak"),
        class_p95_ms={
            name: 1000 * outcome.response(_P95, kind=name, window="peak")
            for name in (kind.name for kind in plan.classes)
        },
        p95_run_ms=1000 * outcome.response(_P95),
        uptime=_uptime(outcome, [kind.name for kind in plan.classes]),
        delivery_p95_s=outcome.delivered_within(_P95, window="peak"),
        delivery_by_priority_p95_s={
            name: outcome.delivered_within(_P95, line=line, window="peak")
            for name, line in zip(PRIORITIES, ("urgent", "others"), strict=True)
            if urgent and (line == "urgent" or urgent < 1)
        },
        worst_backlog=totals["most_queued"],
        oldest_mail_s=totals["oldest"],
        worker_load=outcome.busy("workers") / threads if threads else np.nan,
        paid_workers=workers,
        counts={name: int(totals[name]) for name in COUNTED},
        timeline=pd.DataFrame(timeline | {"p95_ms": 1000 * rows["p95"]}, index=hours),
        changes=int(totals["changes"]),
    )


def _uptime(outcome: engine.Outcome, users: list[str]) -> float:
    """Return the share answered in time, of the users' requests that have come to an end."""
    counts = outcome.counts[:, [outcome.classes.index(name) for name in users]]
    served, shed, failed, late = (
        int(counts[name].sum()) for name in ("served", "shed", "failed", "late")
    )
    ended = served + shed + failed
    return (served - late) / ended if ended else 1.0


@dataclass(frozen=True, kw_only=True, eq=False)
class Surge:
    """The run of a design by chance: the scorecard's numbers, estimated over replications.

    `seed` with a replication's number gives that replication again, bit by bit, on any machine with
    any number of cores.
    """

    scenario: Scenario
    design: Design
    runs: tuple[Run, ...]
    seed: int
    stopped_early: bool = False  # interrupted, or narrow enough before the last replication

    def _estimate(self, value: Callable[[Run], float]) -> Estimate:
        return Estimate.of([value(run) for run in self.runs], seed=self.seed)

    def _estimates(self, values: Callable[[Run], dict[str, float]]) -> dict[str, Estimate]:
        names = values(self.runs[0])
        return {
            name: Estimate.of([values(run)[name] for run in self.runs], seed=self.seed)
            for name in names
        }

    @cached_property
    def p95_ms(self) -> Estimate:
        """95 % of the requests at the peak are answered within this time, milliseconds."""
        return self._estimate(lambda run: run.p95_ms)

    @cached_property
    def class_p95_ms(self) -> dict[str, Estimate]:
        """The same for each class of requests."""
        return self._estimates(lambda run: run.class_p95_ms)

    @cached_property
    def p95_run_ms(self) -> Estimate:
        """The same over all requests of the run."""
        return self._estimate(lambda run: run.p95_run_ms)

    @cached_property
    def uptime(self) -> Estimate:
        """Share of the requests answered in time: shed, failed and late ones are not."""
        return self._estimate(lambda run: run.uptime)

    @cached_property
    def cost(self) -> Estimate:
        """The provisioned run rate, USD a month; it varies where the backlog adds workers."""
        prices = {
            workers: usd_month(self.scenario, self.design, workers)
            for workers in {run.paid_workers for run in self.runs}
        }
        return self._estimate(lambda run: prices[run.paid_workers])

    @cached_property
    def delivery_p95_s(self) -> Estimate:
        """95 % of the mails enqueued at the peak are delivered within this time, seconds."""
        return self._estimate(lambda run: run.delivery_p95_s)

    @cached_property
    def delivery_by_priority_p95_s(self) -> dict[str, Estimate]:
        """The same for transactional and for bulk mails; empty in a design without priority."""
        return self._estimates(lambda run: run.delivery_by_priority_p95_s)

    @cached_property
    def worst_backlog(self) -> Estimate:
        """The most mails that wait at any time of a run."""
        return self._estimate(lambda run: run.worst_backlog)

    @cached_property
    def oldest_mail_s(self) -> Estimate:
        """The longest that a mail waits in the queue during a run, seconds."""
        return self._estimate(lambda run: run.oldest_mail_s)

    @cached_property
    def worker_load(self) -> Estimate:
        """Busy share of the workers' threads in the mean of a run."""
        return self._estimate(lambda run: run.worker_load)

    @cached_property
    def passes(self) -> Estimate:
        """Share of the runs that keep the whole contract, which a passing mean does not tell."""
        return self._estimate(
            lambda run: float(
                self._kept(
                    run.uptime,
                    run.p95_ms,
                    run.oldest_mail_s,
                    usd_month(self.scenario, self.design, run.paid_workers),
                )
            )
        )

    @property
    def keeps_contract(self) -> bool:
        """Whether the means over all runs keep the contract."""
        return self._kept(
            self.uptime.mean, self.p95_ms.mean, self.oldest_mail_s.mean, self.cost.mean
        )

    def count(self, name: str) -> Estimate:
        """Return how many requests or mails ended in one way in a run.

        Raises `ValueError` for a name that is none of `arrived`, `served`, `shed`, `failed`,
        `submitted`, `delivered`, `dead` (letters) and `duplicates`.
        """
        if name not in COUNTED:
            raise ValueError(f"count is one of {', '.join(COUNTED)}, got {name!r}")
        return self._estimate(lambda run: run.counts[name])

    @cached_property
    def timeline(self) -> pd.DataFrame:
        """The run by five minutes: mean and a band of nine tenths.

        Of users, backlog, oldest_mail_s, workers (up and ready) and p95_ms.
        Columns are pairs (quantity, "mean" | "low" | "high"), the index is the hour at the end of
        the five minutes. The band holds nine tenths of the runs; p95_ms is nan where nobody came.
        """
        columns: dict[tuple[str, str], Floats] = {}
        for name in map(str, self.runs[0].timeline):
            stack = np.array([run.timeline[name] for run in self.runs])
            low, high = np.quantile(stack, _BAND, axis=0)
            columns |= {
                (name, "mean"): stack.mean(axis=0),
                (name, "low"): low,
                (name, "high"): high,
            }
        return pd.DataFrame(columns, index=self.runs[0].timeline.index)

    def to_frame(self) -> pd.DataFrame:
        """Return the estimates as a table, a row a number."""
        rows = {
            "P95 latency, ms": self.p95_ms,
            **{f"P95 {name}, ms": estimate for name, estimate in self.class_p95_ms.items()},
            "P95 of the run, ms": self.p95_run_ms,
            "uptime": self.uptime,
            "cost, USD a month": self.cost,
            "oldest mail, s": self.oldest_mail_s,
            "most mails waiting": self.worst_backlog,
            "delivery P95, s": self.delivery_p95_s,
            **{
                f"delivery P95 {name}, s": estimate
                for name, estimate in self.delivery_by_priority_p95_s.items()
            },
            "runs that pass": self.passes,
        }
        table = pd.concat([estimate.to_frame() for estimate in rows.values()])
        return table.set_index(pd.Index(rows, name="number"))

    def _kept(self, uptime: float, p95_ms: float, oldest_mail_s: float, cost: float) -> bool:
        """Tell whether these numbers keep the contract; no P95 at all breaks none."""
        promise = self.scenario.contract
        return (
            uptime >= promise.uptime
            and not p95_ms > promise.p95_ms
            and oldest_mail_s <= promise.freshness_s
            and cost <= promise.budget_usd_month
        )


def simulate(
    scenario: Scenario,
    design: Design,
    *,
    replications: int = 10,
    seed: int | None = None,
    until: tuple[str, float] | None = None,
    closed: bool = False,
    executor: Executor | None = None,
    progress: bool = False,
) -> Surge:
    """Run a design through the surge, every request, `replications` times.

    `seed` (a whole number >= 0, or None for a fresh one) makes it repeatable.
    `until=("p95_ms", 0.5)` stops when the interval of that number is no wider than ± 0.5, after
    `replications` at the latest. `closed` users think and wait for their answers instead of coming
    at a given rate. Ctrl-C keeps what is finished. Raises `ValueError` before anything runs.
    """
    plan = engine_plan(scenario, design, closed=checks.switch("closed", closed))
    root, streams = seeds(seed, replications)
    if until is not None:
        _check_until(until)
    task = partial(run, plan)
    runs: list[Run] = []
    batch = len(streams) if until is None else 2
    while len(runs) < len(streams):
        todo = streams[len(runs) : len(runs) + batch]
        finished = replicate(task, todo, executor=executor, progress=progress)
        runs += finished
        early = len(runs) < len(streams)
        surge = Surge(
            scenario=scenario, design=design, runs=tuple(runs), seed=root, stopped_early=early
        )
        if len(finished) < len(todo):
            break
        if until is not None and getattr(surge, until[0]).half_width <= until[1]:
            break
    return surge


def _check_until(until: tuple[str, float]) -> None:
    known = [
        name
        for name, value in vars(Surge).items()
        if isinstance(value, cached_property) and value.func.__annotations__["return"] is Estimate
    ]
    if not isinstance(until, tuple) or len(until) != 2 or until[0] not in known:
        raise ValueError(f"until is a pair (name, half width), name one of {', '.join(known)}")
    checks.real("until's half width", until[1], above=0)
